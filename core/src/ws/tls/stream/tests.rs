//! The stream against a client of rustls's own, over a socket that takes and gives as little as it
//! likes.

use proptest::collection::vec;
use proptest::prelude::*;
use rustls::ClientConnection;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{Read, Write};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::Wake;

use super::*;
use crate::ws::tls::testing::{client, context};

/// The wire between the two, and the whims of the server's socket.
#[derive(Default)]
struct Wire {
    to_server: VecDeque<u8>,
    to_client: VecDeque<u8>,
    /// Bytes that the socket moves at a time, one or the other; with 0 it is not ready.
    cuts: Vec<usize>,
    whim: fastrand::Rng,
    /// It takes nothing from the server.
    full: bool,
    shut_down: bool,
    client_gone: bool,
}

impl Wire {
    fn cut(&mut self) -> usize {
        let at = self.whim.usize(..self.cuts.len());
        self.cuts[at]
    }
}

#[derive(Clone)]
struct Socket(Rc<RefCell<Wire>>);

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut wire = self.0.borrow_mut();
        let count = wire.cut().min(wire.to_server.len()).min(buffer.remaining());
        if count == 0 && !(wire.client_gone && wire.to_server.is_empty()) {
            return Poll::Pending;
        }
        let bytes: Vec<u8> = wire.to_server.drain(..count).collect();
        buffer.put_slice(&bytes);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut wire = self.0.borrow_mut();
        let count = wire.cut().min(bytes.len());
        if count == 0 || wire.full {
            return Poll::Pending;
        }
        wire.to_client.extend(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.borrow_mut().shut_down = true;
        Poll::Ready(Ok(()))
    }
}

thread_local! {
    static CONFIG: Arc<ServerConfig> = context().current();
}

/// Both ends, and what each has got of the other.
struct Rig {
    wire: Rc<RefCell<Wire>>,
    server: TlsStream<Socket>,
    client: ClientConnection,
    at_server: Vec<u8>,
    at_client: Vec<u8>,
    client_closed: bool,
}

impl Rig {
    fn new(cuts: Vec<usize>, version: &'static rustls::SupportedProtocolVersion) -> Self {
        let wire = Rc::new(RefCell::new(Wire {
            cuts,
            whim: fastrand::Rng::with_seed(7),
            ..Wire::default()
        }));
        let server = TlsStream::new(Socket(wire.clone()), CONFIG.with(Arc::clone)).unwrap();
        let (at_server, at_client) = (Vec::new(), Vec::new());
        Self { wire, server, client: client(version), at_server, at_client, client_closed: false }
    }

    /// Lets the client write and read what it can, as a socket without whims would have it.
    fn client_turn(&mut self) {
        let mut out = Vec::new();
        while self.client.wants_write() {
            self.client.write_tls(&mut out).unwrap();
        }
        let mut wire = self.wire.borrow_mut();
        wire.to_server.extend(out);
        let mut bytes: Vec<u8> = wire.to_client.drain(..).collect();
        let mut bytes = &mut &bytes.split_off(0)[..];
        while !bytes.is_empty() {
            self.client.read_tls(&mut bytes).unwrap();
            let state = self.client.process_new_packets().unwrap();
            self.client_closed |= state.peer_has_closed();
            let mut plain = vec![0; state.plaintext_bytes_to_read()];
            self.client.reader().read_exact(&mut plain).unwrap();
            self.at_client.extend(plain);
        }
    }

    /// Reads until the socket has nothing, or the end is there. Returns whether it is.
    fn read(&mut self) -> io::Result<bool> {
        let mut bytes = vec![0; PART];
        loop {
            let mut buffer = ReadBuf::new(&mut bytes);
            match self.server.poll_read(&mut noop(), &mut buffer) {
                Poll::Pending => return Ok(false),
                Poll::Ready(Ok(())) if buffer.filled().is_empty() => return Ok(true),
                Poll::Ready(Ok(())) => self.at_server.extend(buffer.filled()),
                Poll::Ready(Err(error)) => return Err(error),
            }
        }
    }

    /// Takes turns until `done` says so.
    fn until(&mut self, done: impl Fn(&Self) -> bool) {
        for _ in 0..200_000 {
            self.client_turn();
            self.read().unwrap();
            let _ = self.server.poll_flush(&mut noop()).map(Result::unwrap);
            if done(self) {
                return;
            }
        }
        panic!("nothing moves any more");
    }
}

fn noop() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

fn version() -> impl Strategy<Value = &'static rustls::SupportedProtocolVersion> {
    prop_oneof![Just(&rustls::version::TLS12), Just(&rustls::version::TLS13)]
}

/// Sizes at which the socket works; not all are 0, or nothing would move.
fn cuts() -> impl Strategy<Value = Vec<usize>> {
    let cut = prop_oneof![Just(0), 1..40_usize, 1..5_000_usize, Just(100_000)];
    (vec(cut, 1..12), 1..20_000_usize).prop_map(|(mut cuts, some)| {
        cuts.push(some);
        cuts
    })
}

fn messages() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let length = prop_oneof![1..200_usize, 16_000..17_000_usize, 1..200_000_usize];
    vec((length, any::<u8>()), 0..6).prop_map(|messages| {
        let filled = |(length, first): (usize, u8)| {
            (0..length).map(|at| first.wrapping_add((at % 251) as u8)).collect()
        };
        messages.into_iter().map(filled).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// However the socket cuts reads and writes, all bytes arrive, in order and once, and behind them
    /// the end.
    #[test]
    fn no_cut_of_reads_and_writes_loses_anything(
        cuts in cuts(),
        seed in any::<u64>(),
        version in version(),
        out in messages(),
        back in messages(),
    ) {
        let mut rig = Rig::new(cuts, version);
        rig.wire.borrow_mut().whim.seed(seed);
        rig.until(|rig| rig.server.phase == Phase::Open && !rig.client.is_handshaking());
        for message in &back {
            rig.client.set_buffer_limit(None);
            rig.client.writer().write_all(message).unwrap();
        }
        // As an outbox: what is not taken stays at the front.
        let mut owed: VecDeque<&[u8]> = out.iter().map(Vec::as_slice).collect();
        while !owed.is_empty() {
            let slices: Vec<_> = owed.iter().map(|message| IoSlice::new(message)).collect();
            let mut taken = match rig.server.poll_write_vectored(&mut noop(), &slices) {
                Poll::Ready(taken) => taken.unwrap(),
                Poll::Pending => {
                    rig.client_turn();
                    rig.read().unwrap();
                    continue;
                }
            };
            prop_assert!(rig.server.held() <= PART + OVERHEAD);
            while taken > 0 {
                let front = owed.pop_front().unwrap();
                if taken < front.len() {
                    owed.push_front(&front[taken..]);
                }
                taken -= taken.min(front.len());
            }
        }
        let (out, back) = (out.concat(), back.concat());
        let lengths = (out.len(), back.len());
        rig.until(|rig| {
            // Without messages there are tickets still, which nobody waits for.
            (rig.at_client.len(), rig.at_server.len()) == lengths && rig.server.held() == 0
        });
        prop_assert!(rig.at_client == out && rig.at_server == back);
        // An idle connection keeps nothing.
        prop_assert_eq!((rig.server.held.capacity(), rig.server.rest.capacity()), (0, 0));

        while rig.server.poll_shutdown(&mut noop()).is_pending() {
            prop_assert!(!rig.wire.borrow().shut_down);
            rig.client_turn();
        }
        rig.client_turn();
        prop_assert!(rig.client_closed && rig.wire.borrow().shut_down);
    }

    /// Whatever comes in the place of a handshake ends in an error, and never in a panic.
    #[test]
    fn what_is_no_tls_fails(mut bytes in vec(any::<u8>(), 1..600), lead in any::<bool>()) {
        if lead {
            // The beginning of a record of a handshake.
            bytes.splice(0..0, [22, 3, 1]);
        }
        let mut rig = Rig::new(vec![100_000], &rustls::version::TLS13);
        rig.wire.borrow_mut().to_server.extend(bytes);
        rig.wire.borrow_mut().client_gone = true;
        prop_assert!(rig.read().is_err());
        prop_assert!(rig.server.has_failed());
    }
}

proptest! {
    /// The same in the middle of a handshake and of a connection, in the place of what should come.
    #[test]
    fn what_breaks_tls_ends_it(
        version in version(),
        open in any::<bool>(),
        at in 0..600_usize,
        bytes in vec(any::<u8>(), 1..60),
    ) {
        let mut rig = Rig::new(vec![100_000], version);
        if open {
            rig.until(|rig| rig.server.phase == Phase::Open && !rig.client.is_handshaking());
            rig.client.writer().write_all(b"some message").unwrap();
        }
        let mut out = Vec::new();
        rig.client.write_tls(&mut out).unwrap();
        let at = at % out.len();
        let end = out.len().min(at + bytes.len());
        let changed = out[at..end] != bytes[..end - at];
        out[at..end].copy_from_slice(&bytes[..end - at]);
        rig.wire.borrow_mut().to_server.extend(&out);
        rig.wire.borrow_mut().client_gone = true;
        let _ = rig.read();
        // Of the first message any change is one of what both sides sign.
        prop_assert!(!changed || rig.at_server.is_empty());
    }
}

#[test]
fn a_client_that_speaks_http_is_told_in_http() {
    let mut rig = Rig::new(vec![100_000], &rustls::version::TLS13);
    rig.wire.borrow_mut().to_server.extend(b"GET /ws HTTP/1.1\r\n\r\n");
    assert!(rig.read().is_err());
    let answer: Vec<u8> = rig.wire.borrow().to_client.iter().copied().collect();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("wss://"), "{answer}");
}

#[test]
fn a_peer_that_dribbles_is_read_a_few_times_and_then_again_in_its_next_turn() {
    #[derive(Default)]
    struct Wakes(AtomicUsize);
    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Relaxed);
        }
    }
    let mut rig = Rig::new(vec![1], &rustls::version::TLS13);
    rig.client_turn();
    let length = rig.wire.borrow().to_server.len();
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(wakes.clone());
    for turn in 1..=3 {
        let mut bytes = vec![0; PART];
        let mut cx = Context::from_waker(&waker);
        assert!(rig.server.poll_read(&mut cx, &mut ReadBuf::new(&mut bytes)).is_pending());
        assert_eq!(length - rig.wire.borrow().to_server.len(), turn * READS);
        assert_eq!(wakes.0.load(Relaxed), turn);
    }
}

/// A client's first message that is said to be so long, all of it but its last byte, in records of 1,000 bytes.
fn hello_of(length: u16, more: bool) -> Vec<u8> {
    let [high, low] = length.to_be_bytes();
    let mut message = vec![1, u8::from(more), high, low];
    message.resize(message.len() + usize::from(length) - 1, 0);
    let record = |part: &[u8]| {
        let [high, low] = (part.len() as u16).to_be_bytes();
        [&[22, 3, 1, high, low], part].concat()
    };
    message.chunks(1000).flat_map(record).collect()
}

#[test]
fn a_message_of_the_handshake_may_come_in_pieces_and_have_64_kib() {
    let mut rig = Rig::new(vec![997], &rustls::version::TLS13);
    rig.wire.borrow_mut().to_server.extend(hello_of(u16::MAX, false));
    while !rig.wire.borrow().to_server.is_empty() {
        assert!(!rig.read().unwrap());
    }
    assert!(rig.server.rest.len() > usize::from(u16::MAX));

    let mut rig = Rig::new(vec![997], &rustls::version::TLS13);
    rig.wire.borrow_mut().to_server.extend(hello_of(u16::MAX, true));
    while !rig.wire.borrow().to_server.is_empty() && rig.read().is_ok() {}
    assert!(rig.server.has_failed() && rig.server.rest.is_empty());
}

#[test]
fn a_peer_that_only_connects_has_broken_no_handshake() {
    let mut rig = Rig::new(vec![100_000], &rustls::version::TLS13);
    rig.wire.borrow_mut().client_gone = true;
    assert!(rig.read().unwrap());
    assert!(!rig.server.has_failed());
}

#[test]
fn the_end_of_the_peer_comes_behind_its_last_bytes() {
    let mut rig = Rig::new(vec![100_000], &rustls::version::TLS13);
    rig.until(|rig| rig.server.phase == Phase::Open);
    rig.client.writer().write_all(b"the last").unwrap();
    rig.client.send_close_notify();
    rig.client_turn();
    assert!(rig.read().unwrap());
    assert_eq!(rig.at_server, b"the last");
}

#[test]
fn a_stream_that_is_dropped_says_the_end() {
    let mut rig = Rig::new(vec![100_000], &rustls::version::TLS13);
    rig.until(|rig| rig.server.phase == Phase::Open);
    let Rig { wire, server, mut client, .. } = rig;
    drop(server);
    let mut bytes = wire.borrow_mut().to_client.drain(..).collect::<Vec<u8>>();
    client.read_tls(&mut &bytes.split_off(0)[..]).unwrap();
    assert!(client.process_new_packets().unwrap().peer_has_closed());
}

/// A peer may ask for new keys as often as it likes: rustls has one answer for all, so none pile up
/// while the socket takes nothing, and the keys are the right ones when it does again.
#[test]
fn answers_of_tls_itself_are_bounded() {
    let mut rig = Rig::new(vec![100_000], &rustls::version::TLS13);
    rig.until(|rig| rig.server.phase == Phase::Open && !rig.client.is_handshaking());
    rig.wire.borrow_mut().full = true;
    for _ in 0..1000 {
        rig.client.refresh_traffic_keys().unwrap();
        rig.client.writer().write_all(b"x").unwrap();
        rig.client_turn();
        assert!(!rig.read().unwrap());
        assert!(rig.server.held() < 1000);
    }
    rig.wire.borrow_mut().full = false;
    let message = [IoSlice::new(b"under new keys")];
    assert!(rig.server.poll_write_vectored(&mut noop(), &message).is_ready());
    rig.until(|rig| rig.at_client == b"under new keys");
    assert_eq!(rig.at_server, vec![b'x'; 1000]);
}
