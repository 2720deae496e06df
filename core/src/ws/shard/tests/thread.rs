//! A shard's thread and its faults: connections that have nothing to do with a fault do not notice it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::rig::{bomb, client_frame, faulty_job, frame, handshake, shared};
use crate::ws::arrival::Arrival;
use crate::ws::config::Config;
use crate::ws::connection::{Address, Connection};
use crate::ws::events::Event;
use crate::ws::frame::Opcode;
use crate::ws::inbox::{Inbox, Job};
use crate::ws::shard::run::run;
use crate::ws::shared::Shared;
use crate::ws::transport::Carrier;

/// How long a test waits for what must come. It bounds a failure, and says nothing about speed.
const PATIENCE: Duration = Duration::from_secs(20);

/// A shard on a thread, as a server runs it.
struct Running {
    shared: Arc<Shared>,
    address: SocketAddr,
    woken: mpsc::Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    fn start() -> Self {
        // No deadline is near: a shard that sleeps is woken by its queue or not at all.
        Self::with_timeout(Duration::from_secs(3600))
    }

    fn with_timeout(handshake_timeout: Duration) -> Self {
        let (wake, woken) = mpsc::channel();
        let config = Config { handshake_timeout, heartbeat: None, ..Config::default() };
        let shared = shared(config, move || wake.send(()).unwrap_or_default());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let own = shared.clone();
        let thread = std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            run(&runtime, 0, &own, Some(listener));
        });
        shared.inboxes[0].push(Job::Start);
        Self { shared, address, woken, thread: Some(thread) }
    }

    fn inbox(&self) -> &Inbox {
        &self.shared.inboxes[0]
    }

    fn next_event(&self) -> Event {
        loop {
            if let Some(event) = self.shared.events.take(1).pop() {
                return event;
            }
            self.woken.recv_timeout(PATIENCE).unwrap();
        }
    }

    /// A client that was greeted, and whose connection the host knows.
    fn client(&self) -> Client {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        handshake(&mut stream);
        let Event::Connection { connection, .. } = self.next_event() else {
            panic!("not a connection")
        };
        let mut client = Client { stream, connection };
        client.next_frame();
        client
    }

    /// Waits until the shard has nothing to do.
    fn rest(&self) {
        let (done, flushed) = oneshot::channel();
        self.inbox().push(Job::Flush(done));
        flushed.blocking_recv().unwrap();
    }

    /// Queues jobs for one turn.
    fn turn(&self, jobs: impl IntoIterator<Item = Job>) {
        self.rest();
        jobs.into_iter().for_each(|job| self.inbox().append(job));
        self.inbox().poke();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.inbox().push(Job::Shutdown { deadline: Instant::now() });
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(std::thread::panicking() || ended.is_some_and(|it| it.is_ok()));
    }
}

struct Client {
    stream: TcpStream,
    connection: Arc<Connection>,
}

impl Client {
    fn address(&self) -> Address {
        self.connection.address
    }

    fn job(&self, payload: &[u8]) -> Job {
        Job::One { to: self.address(), frame: frame(payload).into() }
    }

    /// The payload of the next frame, which is a short one.
    fn next_frame(&mut self) -> Vec<u8> {
        let mut head = [0; 2];
        self.stream.read_exact(&mut head).unwrap();
        let mut length = usize::from(head[1]);
        if length == 126 {
            self.stream.read_exact(&mut head).unwrap();
            length = usize::from(u16::from_be_bytes(head));
        }
        let mut payload = vec![0; length];
        self.stream.read_exact(&mut payload).unwrap();
        payload
    }

    fn join(&mut self) {
        let join = client_frame(Opcode::Text, br#"{"type":"join_room","payload":{"room":"r"}}"#);
        self.stream.write_all(&join).unwrap();
    }

    fn is_answered(&mut self) -> bool {
        String::from_utf8(self.next_frame()).unwrap().contains("joined_room")
    }
}

fn is_internal(event: &Event) -> bool {
    matches!(event, Event::Error { code: "ERR_INTERNAL", .. })
}

#[test]
fn a_panic_in_a_turn_is_reported_and_costs_nothing_but_its_own_job() {
    let running = Running::start();
    let (mut one, mut other) = (running.client(), running.client());
    running.turn([one.job(b"1"), faulty_job(), one.job(b"2"), other.job(b"3")]);
    assert!(is_internal(&running.next_event()));
    assert_eq!([one.next_frame(), one.next_frame()], [b"1", b"2"]);
    assert_eq!(other.next_frame(), b"3");
    // Who is there goes on, and who comes is let in.
    let mut all = [one, other, running.client()];
    for client in &mut all {
        client.join();
        assert!(client.is_answered());
    }
    assert_eq!(running.shared.index.open(), 3);
}

#[test]
fn what_was_queued_before_a_panic_is_written_although_nothing_else_happens() {
    let running = Running::start();
    let mut client = running.client();
    running.turn([client.job(b"before"), faulty_job()]);
    assert_eq!(client.next_frame(), b"before");
}

#[test]
fn a_panic_while_a_socket_is_served_ends_that_connection_alone() {
    let running = Running::start();
    let (mut unlucky, mut other) = (running.client(), running.client());
    running.rest();
    // Without a poke: it is the join that comes upon these.
    for job in [other.job(b"1"), faulty_job(), other.job(b"2")] {
        running.inbox().append(job);
    }
    unlucky.join();
    assert_eq!(unlucky.stream.read(&mut [0]).unwrap(), 0, "its connection has not ended");
    assert_eq!([other.next_frame(), other.next_frame()], [b"1", b"2"]);
    assert!(is_internal(&running.next_event()));
    let Event::Disconnect { connection, code: 1006, .. } = running.next_event() else {
        panic!("the host was not told of the end")
    };
    assert_eq!(connection.address, unlucky.address());
    other.join();
    assert!(other.is_answered());
    assert_eq!(running.shared.index.open(), 1);
}

#[test]
fn a_panic_in_a_write_is_one_event_and_ends_that_connection_alone() {
    let running = Running::start();
    let (mut faulty, mut other) = (running.client(), running.client());
    running.turn([Job::One { to: faulty.address(), frame: bomb() }, other.job(b"1")]);
    assert_eq!(faulty.next_frame(), b"bomb");
    assert_eq!(faulty.stream.read(&mut [0]).unwrap(), 0, "its connection has not ended");
    assert_eq!(other.next_frame(), b"1");
    assert!(is_internal(&running.next_event()));
    assert!(matches!(running.next_event(), Event::Disconnect { code: 1006, .. }));
    running.rest();
    assert!(running.shared.events.take(1).is_empty(), "it panicked again");
}

/// There is no such moment: whoever computes a handshake's deadline panics.
const NEVER: Duration = Duration::MAX;

#[test]
fn a_panic_while_a_socket_is_taken_in_ends_it_and_neither_the_accepting_nor_the_shard() {
    let running = Running::with_timeout(NEVER);
    for _ in 0..3 {
        let mut client = TcpStream::connect(running.address).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        assert_eq!(client.read(&mut [0]).unwrap(), 0, "its connection has not ended");
        assert!(is_internal(&running.next_event()));
    }
    running.rest();
}

#[test]
fn a_panic_while_another_shards_socket_is_taken_in_ends_that_alone() {
    let running = Running::with_timeout(NEVER);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    for serial in 1..3 {
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        let carrier = Carrier::tcp(listener.accept().unwrap().0);
        running.inbox().push(Job::Adopt(Arrival { carrier, serial, given: None }));
        assert_eq!(client.read(&mut [0]).unwrap(), 0, "its connection has not ended");
        assert!(is_internal(&running.next_event()));
    }
    running.rest();
}
