//! The process's threads for what is not a shard's work: one for deadlines of requests and of
//! shutdowns, which starts with the first server, and one for work that takes long, which starts
//! with the first of it. They live as long as the process.

use std::future::pending;
use std::io;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use tokio::runtime::{Builder, Handle};

/// The background runtime of the process.
///
/// # Errors
/// The system has no thread for it at the moment. The next call tries again.
pub(crate) fn background() -> io::Result<Handle> {
    static STARTED: Mutex<Option<Handle>> = Mutex::new(None);
    // Nothing is left half-done under this lock.
    let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*started {
        return Ok(handle.clone());
    }
    let handle = start(thread::Builder::new())?;
    *started = Some(handle.clone());
    Ok(handle)
}

/// Runs a runtime on a thread of its own, for ever. The thread is ours and not one of tokio's,
/// which panics where it cannot have one.
fn start(thread: thread::Builder) -> io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_time().build()?;
    let handle = runtime.handle().clone();
    let run = move || runtime.block_on(pending::<()>());
    thread.name("messaging-bg".to_owned()).spawn(run)?;
    Ok(handle)
}

/// A piece of work that takes long. It must not panic.
pub(crate) type SlowWork = Box<dyn FnOnce() + Send>;

/// Does a piece of work on the thread for slow work, behind what was given before. What waits there
/// is bounded by whoever gives it.
pub(crate) fn run_slow_work(work: SlowWork) {
    static STARTED: Mutex<Option<Sender<SlowWork>>> = Mutex::new(None);
    let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    if started.is_none() {
        *started = start_slow_work(thread::Builder::new()).ok();
    }
    let refused = match &*started {
        Some(sender) => sender.send(work).map_err(|refused| refused.0).err(),
        // The system has no thread for it at the moment: then it is done here.
        None => Some(work),
    };
    drop(started);
    if let Some(work) = refused {
        work();
    }
}

fn start_slow_work(thread: thread::Builder) -> io::Result<Sender<SlowWork>> {
    let (sender, receiver) = channel::<SlowWork>();
    thread
        .name("messaging-zip".to_owned())
        .spawn(move || receiver.iter().for_each(|work| work()))?;
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Duration;

    #[test]
    fn what_is_spawned_runs_beside_the_caller_with_timers() {
        let (sender, receiver) = mpsc::channel();
        background().unwrap().spawn(async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            sender.send(thread::current().name().map(str::to_owned)).unwrap();
        });
        let name = receiver.recv_timeout(Duration::from_secs(20)).unwrap();
        assert_eq!(name.as_deref(), Some("messaging-bg"));
    }

    #[test]
    fn slow_work_is_done_beside_the_caller_in_order() {
        let (sender, receiver) = mpsc::channel();
        for number in 0..3 {
            let sender = sender.clone();
            run_slow_work(Box::new(move || sender.send((number, thread::current().id())).unwrap()));
        }
        for number in 0..3 {
            let (done, thread) = receiver.recv_timeout(Duration::from_secs(20)).unwrap();
            assert_eq!(done, number);
            assert_ne!(thread, thread::current().id());
        }
    }

    #[test]
    fn a_thread_that_the_system_refuses_is_an_error() {
        // No address space has room for this stack, so the system has no thread to give.
        let huge = || thread::Builder::new().stack_size(1 << 60);
        assert!(start(huge()).is_err());
        assert!(start_slow_work(huge()).is_err());
    }
}
