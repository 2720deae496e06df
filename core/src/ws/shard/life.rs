//! The life of a shard's thread: while it lasts the shard counts among the living, and when it
//! ends, by a panic too, the shard's inbox closes, so that nothing waits there for nobody.

use std::sync::Arc;
use tokio::sync::watch;

use crate::ws::inbox::Inbox;

#[derive(Debug)]
pub struct Life {
    alive: watch::Sender<usize>,
    inbox: Arc<Inbox>,
}

impl Life {
    /// Begins before the thread does, so that a shard that is about to run is no dead one.
    pub fn begin(alive: &watch::Sender<usize>, inbox: Arc<Inbox>) -> Self {
        alive.send_modify(|count| *count += 1);
        Self { alive: alive.clone(), inbox }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        // The inbox first: whoever learns that the shard has ended finds that true of it as well.
        self.inbox.close();
        self.alive.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::arrival::Arrival;
    use crate::ws::inbox::Job;
    use crate::ws::transport::Carrier;
    use std::io::Read;
    use std::net::{Ipv4Addr, TcpListener, TcpStream};
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
    use std::time::Duration;
    use tokio::sync::oneshot;

    /// How long a test waits for the end of a socket. It bounds a failure, and says no more.
    const PATIENCE: Duration = Duration::from_secs(20);

    /// A socket as another shard deals it out, and its client.
    fn dealt() -> (Job, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        let carrier = Carrier::tcp(listener.accept().unwrap().0);
        (Job::Adopt(Arrival { carrier, serial: 1, given: None }), client)
    }

    /// Ends a shard's life as its thread would by this panic.
    fn end_by_panic(life: Life) {
        let ended = catch_unwind(AssertUnwindSafe(move || {
            let _life = life;
            resume_unwind(Box::new("a fault that nothing contained"));
        }));
        assert!(ended.is_err());
    }

    #[test]
    fn sockets_that_are_dealt_to_a_shard_that_ended_are_closed() {
        let (alive, watcher) = watch::channel(0);
        let inbox = Arc::new(Inbox::new());
        let life = Life::begin(&alive, inbox.clone());
        assert_eq!(*watcher.borrow(), 1);
        let (waiting, mut before) = dealt();
        let (late, mut after) = dealt();

        inbox.push(waiting);
        end_by_panic(life);
        assert_eq!(*watcher.borrow(), 0);
        inbox.push(late);

        for client in [&mut before, &mut after] {
            assert_eq!(client.read(&mut [0]).unwrap(), 0, "the socket was not closed");
        }
    }

    #[test]
    fn whoever_waits_for_a_flush_of_a_shard_that_ended_is_let_go() {
        let (alive, _watcher) = watch::channel(0);
        let inbox = Arc::new(Inbox::new());
        let life = Life::begin(&alive, inbox.clone());
        let (waiting, mut before) = oneshot::channel();
        let (late, mut after) = oneshot::channel();

        inbox.push(Job::Flush(waiting));
        end_by_panic(life);
        inbox.push(Job::Flush(late));

        assert_eq!(before.try_recv(), Err(oneshot::error::TryRecvError::Closed));
        assert_eq!(after.try_recv(), Err(oneshot::error::TryRecvError::Closed));
    }
}
