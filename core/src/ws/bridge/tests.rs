//! Tests of the bridge: the order of bytes, the credit of both directions, and its ends.

use proptest::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::Wake;

use super::*;

struct Host {
    bridge: Arc<Bridge>,
    stream: Option<BridgeStream>,
    signals: Arc<Mutex<Vec<Signal>>>,
    woken: Arc<Woken>,
}

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

impl Host {
    fn new() -> Self {
        let signals = Arc::new(Mutex::new(Vec::new()));
        let told = signals.clone();
        let (bridge, stream) =
            Bridge::new(None, move |signal| told.lock().unwrap().push(signal), Waker::wake);
        Self { bridge, stream: Some(stream), signals, woken: Arc::default() }
    }

    fn signals(&self) -> Vec<Signal> {
        std::mem::take(&mut self.signals.lock().unwrap())
    }

    fn wakes(&self) -> usize {
        self.woken.0.swap(0, Relaxed)
    }

    fn read(&mut self, size: usize) -> Poll<Vec<u8>> {
        let waker = Waker::from(self.woken.clone());
        let mut bytes = vec![0; size];
        let mut buffer = ReadBuf::new(&mut bytes);
        let stream = Pin::new(self.stream.as_mut().unwrap());
        stream.poll_read(&mut Context::from_waker(&waker), &mut buffer).map(|read| {
            read.unwrap();
            buffer.filled().to_vec()
        })
    }

    fn write(&mut self, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let waker = Waker::from(self.woken.clone());
        let stream = Pin::new(self.stream.as_mut().unwrap());
        stream.poll_write(&mut Context::from_waker(&waker), bytes)
    }
}

#[test]
fn a_reader_that_waits_is_woken_and_the_end_comes_behind_the_bytes() {
    let mut host = Host::new();
    assert_eq!(host.read(10), Poll::Pending);
    assert!(host.bridge.push(b"abc".to_vec()));
    assert_eq!(host.wakes(), 1);
    host.bridge.push(b"def".to_vec());
    host.bridge.end();
    assert_eq!(host.read(4), Poll::Ready(b"abcd".to_vec()));
    assert_eq!(host.read(4), Poll::Ready(b"ef".to_vec()));
    assert_eq!(host.read(4), Poll::Ready(Vec::new()), "the end");
    assert!(host.write(b"still open").is_ready());
}

#[test]
fn a_host_that_reads_too_fast_waits_until_half_is_read() {
    let mut host = Host::new();
    assert!(host.bridge.push(vec![1; CREDIT - 1]));
    assert!(!host.bridge.push(vec![2; 1]));
    assert!(host.read(CREDIT / 2 - 1).is_ready());
    assert_eq!(host.signals(), []);
    assert!(host.read(1).is_ready());
    assert_eq!(host.signals(), [Signal::Resume]);
    assert!(host.read(CREDIT).is_ready());
    assert_eq!(host.signals(), [], "it is told once");
}

#[test]
fn a_writer_waits_for_credit_until_half_is_written() {
    let mut host = Host::new();
    assert!(matches!(host.write(&vec![1; CREDIT + 5]), Poll::Ready(Ok(CREDIT))));
    assert_eq!(host.signals(), [Signal::Output]);
    assert!(host.write(b"more").is_pending());
    assert_eq!(host.bridge.take().len(), CREDIT);
    assert!(host.write(b"more").is_pending(), "taken is not written");
    host.bridge.written(CREDIT / 2 - 1);
    assert_eq!(host.wakes(), 0);
    host.bridge.written(1);
    assert_eq!(host.wakes(), 1);
    assert!(matches!(host.write(b"more"), Poll::Ready(Ok(4))));
    assert_eq!(host.signals(), [Signal::Output]);
    assert_eq!(host.bridge.take(), b"more");
}

#[test]
fn the_host_is_told_of_output_once_until_it_takes_it() {
    let mut host = Host::new();
    for _ in 0..3 {
        assert!(host.write(b"x").is_ready());
    }
    assert_eq!(host.signals(), [Signal::Output]);
    assert_eq!(host.bridge.take(), b"xxx");
    assert!(host.write(b"y").is_ready());
    assert_eq!(host.signals(), [Signal::Output]);
}

#[test]
fn ends_are_told_to_the_other_side() {
    let mut host = Host::new();
    host.bridge.push(b"last".to_vec());
    assert!(matches!(host.write(&vec![1; CREDIT]), Poll::Ready(Ok(CREDIT))));
    assert!(host.write(b"x").is_pending());
    host.bridge.abandon();
    assert_eq!(host.wakes(), 1, "who waits for room");
    assert_eq!(host.read(10), Poll::Ready(b"last".to_vec()));
    assert_eq!(host.read(10), Poll::Ready(Vec::new()));
    assert!(matches!(host.write(b"x"), Poll::Ready(Err(_))));
    host.signals();
    host.stream = None;
    assert_eq!(host.signals(), [Signal::Release]);
}

proptest! {
    /// Whatever the pieces, both directions give the same bytes, and no more than the credit and
    /// one piece is ever under way.
    #[test]
    fn bytes_come_through_in_order(
        pieces in prop::collection::vec(1usize..100_000, 1..12),
        reads in prop::collection::vec(1usize..100_000, 1..5),
    ) {
        let mut host = Host::new();
        let total: usize = pieces.iter().sum();
        let bytes: Vec<u8> = (0..total).map(|at| (at % 251) as u8).collect();
        let (mut pushed, mut wait, mut read) = (0, false, Vec::new());
        let (mut offered, mut written) = (0, Vec::new());
        let mut pieces = pieces.into_iter();
        let mut sizes = reads.into_iter().cycle();
        while read.len() < total || written.len() < total {
            if !wait && let Some(piece) = pieces.next() {
                wait = !host.bridge.push(bytes[pushed..pushed + piece].to_vec());
                pushed += piece;
            }
            let size = sizes.next().unwrap();
            if let Poll::Ready(part) = host.read(size) {
                read.extend(part);
            }
            if offered < total
                && let Poll::Ready(count) = host.write(&bytes[offered..total.min(offered + size)])
            {
                offered += count.unwrap();
            }
            for signal in host.signals() {
                match signal {
                    Signal::Resume => wait = false,
                    Signal::Output => {
                        let part = host.bridge.take();
                        prop_assert!(part.len() <= CREDIT);
                        host.bridge.written(part.len());
                        written.extend(part);
                    }
                    other => prop_assert!(false, "{other:?}"),
                }
            }
        }
        prop_assert!(read == bytes && written == bytes);
    }
}
