//! A shard that is driven by hand, and clients over real sockets with small buffers, so that a few
//! kilobytes are enough to make one of them slow.

use bytes::Bytes;
use rustls::version::TLS13;
use rustls::{ClientConnection, Stream};
use socket2::SockRef;
use std::future::poll_fn;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

use crate::ws::budget::Budget;
use crate::ws::clock;
use crate::ws::config::Config;
use crate::ws::connection::{Address, next_serial};
use crate::ws::events::{Event, EventQueue, Kind};
use crate::ws::frame::{Opcode, encode};
use crate::ws::guard::Guard;
use crate::ws::inbox::{Inbox, Job};
use crate::ws::index::Index;
use crate::ws::limits::{Buckets, Entrance};
use crate::ws::prepared::Frame;
use crate::ws::shard::Shard;
use crate::ws::shard::slot::{Phase, Slot};
use crate::ws::shared::Shared;
use crate::ws::stats::{Counter, Counters};
use crate::ws::tls::TlsContext;
use crate::ws::tls::testing::client;
use crate::ws::transport::Carrier;

/// How long a client waits for what must come. It bounds a failure, and says nothing about speed.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the kernel may hold for a socket, on either side; it doubles what it is told.
const SOCKET_BUFFER: usize = 16 * 1024;

/// A good request.
pub const REQUEST: &[u8] = b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// What the shards of one server share, with every event wanted.
pub fn shared(config: Config, wake_host: impl Fn() + Send + Sync + 'static) -> Arc<Shared> {
    let events = EventQueue::new(wake_host, || {});
    events.set_interest(u32::MAX);
    Arc::new(Shared {
        tls: None,
        index: Index::new(1).with_places(config.limits.connections_per_user),
        events,
        budget: Budget::new(config.memory_budget),
        inboxes: vec![Arc::new(Inbox::new())],
        counters: vec![Counters::default()],
        entrance: Entrance::new(&config.limits),
        users: Buckets::new(),
        overloaded: Counter::default(),
        given_way: AtomicUsize::new(0),
        closed: AtomicBool::new(false),
        guard: Guard::of(&config.guard),
        config,
    })
}

/// Makes a WebSocket of a connection.
pub fn handshake(stream: &mut TcpStream) {
    stream.write_all(REQUEST).unwrap();
    read_response(stream);
}

/// Reads up to the empty line, and none of the frames behind it.
fn read_response(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
}

/// An unmasked binary frame, as servers send it.
pub fn frame(payload: &[u8]) -> Bytes {
    Bytes::from(encode(Opcode::Binary, payload))
}

/// A client's frame, masked by zeros.
pub fn client_frame(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut frame = encode(opcode, payload);
    assert!(payload.len() < 65_536, "no long frames are made here");
    let header = if payload.len() < 126 { 2 } else { 4 };
    frame[1] |= 0x80;
    frame.splice(header..header, [0; 4]);
    frame
}

/// A frame whose end is a panic, as a fault of the engine's own would be.
pub fn bomb() -> Frame {
    struct Bomb;
    impl AsRef<[u8]> for Bomb {
        fn as_ref(&self) -> &[u8] {
            b"\x82\x04bomb"
        }
    }
    impl Drop for Bomb {
        fn drop(&mut self) {
            // A second panic on the way out of the first would end the process. Without the panic
            // hook, whose report would stand in the output of the tests.
            if !std::thread::panicking() {
                std::panic::resume_unwind(Box::new("injected"));
            }
        }
    }
    Bytes::from_owner(Bomb).into()
}

/// A job that panics when it is carried out: it drops a bomb, since its receiver is gone.
pub fn faulty_job() -> Job {
    let to = Address { shard: 0, slot: usize::MAX, serial: 0 };
    Job::One { to, frame: bomb() }
}

pub struct SecureClient {
    pub tls: ClientConnection,
    pub peer: TcpStream,
    /// By which the rig knows it.
    pub plain: Client,
}

impl SecureClient {
    pub fn stream(&mut self) -> Stream<'_, ClientConnection, TcpStream> {
        Stream::new(&mut self.tls, &mut self.peer)
    }
}

pub struct Rig {
    pub shard: Shard,
    runtime: Runtime,
    listener: TcpListener,
}

impl Rig {
    pub fn new(config: Config) -> Self {
        // The process's clock begins at its first look at the time. That must not be the look of
        // another test which has put its own clock forward: time would stand still for this one.
        clock::steady_millis();
        // The clock stands still but for `advance`: a deadline passes when a test says so.
        let runtime = Builder::new_current_thread().enable_all().start_paused(true).build();
        let runtime = runtime.unwrap();
        let shard = runtime.block_on(async { Shard::new(0, shared(config, || {})) });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        SockRef::from(&listener).set_send_buffer_size(SOCKET_BUFFER).unwrap();
        SockRef::from(&listener).set_recv_buffer_size(SOCKET_BUFFER).unwrap();
        Self { shard, runtime, listener }
    }

    /// A client whose handshake is over.
    pub fn connect(&mut self) -> Client {
        let mut client = self.knock(REQUEST);
        let slot = client.address.slot;
        self.serve(&client, |shard| matches!(shard.sockets.slots[slot].phase, Phase::Open(_)));
        read_response(&mut client.peer);
        client
    }

    /// A client that has sent this, which nobody has read yet.
    pub fn knock(&mut self, request: &[u8]) -> Client {
        self.knock_at(None, request)
    }

    /// The same at a port that speaks TLS, if there is a context of it.
    pub fn knock_at(&mut self, tls: Option<&TlsContext>, request: &[u8]) -> Client {
        let mut peer = TcpStream::connect(self.listener.local_addr().unwrap()).unwrap();
        peer.set_read_timeout(Some(PATIENCE)).unwrap();
        let (socket, _) = self.listener.accept().unwrap();
        let serial = next_serial();
        let slot = self.runtime.block_on(async {
            let tls = tls.map(TlsContext::current);
            let stream = Carrier::accepted(socket, tls).into_transport().unwrap();
            self.shard.adopt(stream, serial, false)
        });
        peer.write_all(request).unwrap();
        Client { peer, address: Address { shard: 0, slot, serial } }
    }

    /// A client over TLS whose handshake is over.
    pub fn connect_secure(&mut self, tls: &TlsContext) -> SecureClient {
        let mut peer = TcpStream::connect(self.listener.local_addr().unwrap()).unwrap();
        peer.set_read_timeout(Some(PATIENCE)).unwrap();
        let (socket, _) = self.listener.accept().unwrap();
        let serial = next_serial();
        let slot = self.runtime.block_on(async {
            let stream = Carrier::accepted(socket, Some(tls.current())).into_transport().unwrap();
            self.shard.adopt(stream, serial, false)
        });
        let marker = peer.try_clone().unwrap();
        // A thread of its own, since the two have to take turns.
        let handshake = std::thread::spawn(move || {
            let mut tls = client(&TLS13);
            let mut stream = Stream::new(&mut tls, &mut peer);
            stream.write_all(REQUEST).unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                head.extend(byte);
            }
            (tls, peer)
        });
        let address = Address { shard: 0, slot, serial };
        let plain = Client { peer: marker, address };
        self.serve(&plain, |shard| matches!(shard.sockets.slots[slot].phase, Phase::Open(_)));
        let (tls, peer) = handshake.join().unwrap();
        SecureClient { tls, peer, plain }
    }

    pub fn slot(&self, client: &Client) -> Option<&Slot> {
        let slot = self.shard.sockets.slots.get(client.address.slot)?;
        (slot.serial == client.address.serial).then_some(slot)
    }

    pub fn is_open(&self, client: &Client) -> bool {
        self.slot(client).is_some_and(|slot| matches!(slot.phase, Phase::Open(_)))
    }

    pub fn owed(&self, client: &Client) -> usize {
        self.slot(client).unwrap().owed()
    }

    pub fn push(&self, job: Job) {
        self.shard.inbox.push(job);
    }

    pub fn send(&self, client: &Client, frame: impl Into<Frame>) {
        self.push(Job::One { to: client.address, frame: frame.into() });
    }

    pub fn turn(&mut self) {
        self.runtime.block_on(async { self.shard.turn() });
    }

    /// Does something by the clock of the tests.
    pub fn within<T>(&mut self, act: impl FnOnce(&mut Shard) -> T) -> T {
        self.runtime.block_on(async { act(&mut self.shard) })
    }

    pub fn advance(&mut self, time: Duration) {
        self.runtime.block_on(tokio::time::advance(time));
    }

    /// Serves a socket, as often as it is ready, until it is gone or `done`.
    pub fn serve(&mut self, client: &Client, done: impl Fn(&Shard) -> bool) {
        let Address { slot: key, serial, .. } = client.address;
        let shard = &mut self.shard;
        self.runtime.block_on(poll_fn(|cx: &mut Context<'_>| {
            let served = shard.poll_slot(key, serial, cx);
            if served.is_ready() || done(shard) { Poll::Ready(()) } else { Poll::Pending }
        }));
    }

    /// Lets a client write, and the shard read all of that.
    pub fn hear(&mut self, client: &mut Client, bytes: &[u8]) {
        let heard = self.shard.counters().bytes_in.get() + bytes.len() as u64;
        client.peer.write_all(bytes).unwrap();
        self.serve(client, |shard| shard.counters().bytes_in.get() == heard);
    }

    /// Waits until a read of a client's socket would bring something.
    pub fn wait_for_bytes(&mut self, client: &Client) {
        let stream = &mut self.shard.sockets.slots[client.address.slot].stream;
        let stream = stream.socket().expect("tests of shards are over TCP");
        self.runtime.block_on(poll_fn(|cx| stream.poll_read_ready(cx))).unwrap();
    }

    /// Reads what the kernel holds for a client until its socket would take bytes again. Nothing is
    /// given to it meanwhile.
    pub fn make_writable(&mut self, client: &mut Client) -> Vec<u8> {
        let mut bytes = Vec::new();
        loop {
            bytes.extend(client.read_all());
            let stream = &mut self.shard.sockets.slots[client.address.slot].stream;
            let stream = stream.socket().expect("tests of shards are over TCP");
            let writable = self.runtime.block_on(async {
                // The runtime looks at its sockets in between.
                tokio::task::yield_now().await;
                poll_fn(|cx| Poll::Ready(stream.poll_write_ready(cx).is_ready())).await
            });
            if writable {
                return bytes;
            }
            std::thread::yield_now();
        }
    }

    /// Sends to a client that does not read, until the kernel takes no more.
    pub fn stall(&mut self, client: &Client) {
        while self.owed(client) == 0 {
            self.send(client, frame(&[b's'; 1024]));
            self.turn();
        }
    }

    /// Makes a client owe more than the kernel could still take, however late it is to notice
    /// that it has room.
    pub fn owe(&mut self, client: &Client) {
        self.stall(client);
        self.send(client, frame(&[b'm'; 2 << 20]));
        self.turn();
    }

    /// How often something was refused for this reason.
    pub fn refused(&self, reason: &str) -> u64 {
        let mut refusals = self.shard.counters().refusals();
        refusals.find_map(|(name, count)| (name == reason).then_some(count)).unwrap()
    }

    /// The codes of the errors and warnings that the host was told of.
    pub fn reports(&self) -> Vec<&'static str> {
        let events = self.shard.shared.events.take(usize::MAX).into_iter();
        let reports = events.filter(|it| matches!(it.kind(), Kind::Error | Kind::Warning));
        reports
            .filter_map(|event| match event {
                Event::Error { code, .. } | Event::Warning { code, .. } => Some(code),
                _ => None,
            })
            .collect()
    }
}

pub struct Client {
    pub peer: TcpStream,
    pub address: Address,
}

impl Client {
    /// All that is there; it does not wait, since over loopback what was written is there.
    pub fn read_all(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.peer.set_nonblocking(true).unwrap();
        // The end of it is an error that says that a read would block, or the end of the stream.
        let _ = self.peer.read_to_end(&mut bytes);
        self.peer.set_nonblocking(false).unwrap();
        bytes
    }

    /// All up to the end of the stream, by which the server closed the connection.
    pub fn read_to_end(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.peer.read_to_end(&mut bytes).unwrap();
        bytes
    }
}
