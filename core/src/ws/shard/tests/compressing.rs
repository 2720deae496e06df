//! Clients that wait for a message to be compressed aside: what is theirs to answer for meanwhile, and
//! what is not.

use bytes::Bytes;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Sender, channel};
use std::task::Wake;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

use super::rig::{Client, Rig, client_frame, frame};
use crate::runtime::run_slow_work;
use crate::ws::close::{NORMAL, close_payload};
use crate::ws::config::{Config, Protocol, SlowConsumer};
use crate::ws::deflate::Window;
use crate::ws::frame::{Opcode, encode};
use crate::ws::inbox::Job;
use crate::ws::prepared::Frame;

const INTERVAL: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_secs(20);

fn raw() -> Config {
    Config { protocol: Protocol::Raw, heartbeat: None, ..Config::default() }
}

/// Whether the task of a socket was woken.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Relaxed);
    }
}

/// Nothing is compressed aside until it is dropped.
pub(super) fn hold_compression() -> Sender<()> {
    let (gate, wait) = channel::<()>();
    run_slow_work(Box::new(move || {
        let _ = wait.recv();
    }));
    gate
}

/// A client that inflates.
fn connect(rig: &mut Rig) -> Client {
    let client = rig.connect();
    rig.shard.sockets.slots[client.address.slot].window = Some(Window::LARGEST);
    client
}

/// A message of this many bytes, which are few when it is compressed.
fn large(rig: &Rig, length: usize) -> Frame {
    let plain = Bytes::from(encode(Opcode::Binary, &vec![b'x'; length]));
    Frame::compressible(plain, rig.shard.shared.budget.clone())
}

/// Lets the compression go on, until the shard is told that one is done, and takes a turn.
fn release(rig: &mut Rig, gate: Sender<()>) {
    drop(gate);
    let begun = Instant::now();
    while rig.shard.inbox.waiting() == 0 {
        assert!(begun.elapsed() < PATIENCE, "it was never compressed");
        std::thread::yield_now();
    }
    rig.turn();
}

#[test]
fn the_time_of_a_closing_does_not_run_while_we_compress() {
    let mut rig = Rig::new(raw());
    let mut client = connect(&mut rig);
    let gate = hold_compression();
    let message = large(&rig, 100_000);
    rig.send(&client, message);
    rig.push(Job::Close { who: client.address, code: NORMAL, reason: String::new() });
    rig.turn();
    for _ in 0..3 {
        rig.advance(rig.shard.shared.config.close_timeout + Duration::from_millis(1));
        rig.turn();
    }
    release(&mut rig, gate);
    let got = client.read_all();
    assert!(got.starts_with(&[0xc2]) && got.len() < 1000, "compressed");
    assert!(got.ends_with(&encode(Opcode::Close, &close_payload(NORMAL, ""))));
    // From now on it is the client's time, which counts from the last byte that it took.
    for _ in 0..2 {
        rig.advance(rig.shard.shared.config.close_timeout + Duration::from_millis(1));
        rig.turn();
    }
    assert!(rig.slot(&client).is_none());
}

#[test]
fn the_heartbeat_spares_who_waits_for_us() {
    let mut rig = Rig::new(Config { heartbeat: Some(INTERVAL), ..raw() });
    let (client, mute) = (connect(&mut rig), connect(&mut rig));
    let gate = hold_compression();
    let message = large(&rig, 100_000);
    rig.send(&client, message);
    for _ in 0..4 {
        rig.turn();
        rig.advance(INTERVAL + Duration::from_millis(1));
    }
    rig.turn();
    assert!(rig.slot(&client).is_some() && rig.slot(&mute).is_none());
    release(&mut rig, gate);
}

#[test]
fn a_client_is_read_again_when_its_message_is_compressed() {
    let mut rig = Rig::new(raw());
    let mut client = connect(&mut rig);
    let gate = hold_compression();
    let message = large(&rig, 100_000);
    rig.send(&client, message);
    rig.turn();
    let ping = client_frame(Opcode::Ping, b"?");
    client.peer.write_all(&ping).unwrap();
    rig.serve(&client, |shard| shard.sockets.slots.iter().any(|(_, slot)| slot.held_back));
    let woken = Arc::new(Woken::default());
    rig.shard.sockets.slots[client.address.slot].waker = Some(woken.clone().into());
    release(&mut rig, gate);
    assert!(woken.0.load(Relaxed), "nothing more comes from the client that would wake its task");
    let heard = rig.shard.counters().bytes_in.get() + ping.len() as u64;
    rig.serve(&client, |shard| shard.counters().bytes_in.get() == heard);
    assert!(client.read_all().ends_with(&encode(Opcode::Pong, b"?")));
}

#[test]
fn a_message_of_unknown_length_makes_nobody_slow() {
    for policy in [SlowConsumer::Disconnect, SlowConsumer::DropOldest] {
        let config = Config { slow_consumer: policy, max_buffered_amount: 1 << 16, ..raw() };
        let mut rig = Rig::new(config);
        let client = connect(&mut rig);
        rig.stall(&client);
        let gate = hold_compression();
        for _ in 0..3 {
            let message = large(&rig, 1 << 20);
            rig.send(&client, message);
        }
        rig.turn();
        assert_eq!(rig.shard.counters().slow_consumers.get(), 0);
        release(&mut rig, gate);
        assert!(rig.is_open(&client));
        assert_eq!(rig.shard.counters().dropped_slow.get(), 0);
    }
}

#[test]
fn a_shard_compresses_some_messages_of_a_turn_itself_and_so_in_each_turn() {
    let mut rig = Rig::new(raw());
    let clients = [0; 4].map(|_| connect(&mut rig));
    let gate = hold_compression();
    for client in &clients[..3] {
        let message = large(&rig, 30_000);
        rig.send(client, message);
    }
    rig.turn();
    let message = large(&rig, 30_000);
    rig.send(&clients[3], message);
    rig.turn();
    let waits = clients.each_ref().map(|client| rig.slot(client).unwrap().waits_for_us());
    assert_eq!(waits, [false, false, true, false]);
    release(&mut rig, gate);
}

#[test]
fn the_limit_holds_as_soon_as_lengths_are_known() {
    for policy in [SlowConsumer::Disconnect, SlowConsumer::DropOldest] {
        let limit = 1 << 16;
        let config = Config { slow_consumer: policy, max_buffered_amount: limit, ..raw() };
        let mut rig = Rig::new(config);
        let client = connect(&mut rig);
        rig.stall(&client);
        let gate = hold_compression();
        for _ in 0..3 {
            let noise: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(40_000).collect();
            let plain = Bytes::from(encode(Opcode::Binary, &noise));
            let message = Frame::compressible(plain, rig.shard.shared.budget.clone());
            rig.send(&client, message);
        }
        rig.turn();
        assert!(rig.is_open(&client) && rig.owed(&client) > 100_000);
        release(&mut rig, gate);
        let begun = Instant::now();
        while rig.shard.counters().slow_consumers.get() == 0 {
            assert!(
                begun.elapsed() < PATIENCE,
                "nothing more is sent, and the limit is never seen"
            );
            rig.turn();
        }
        assert_eq!(rig.is_open(&client), policy == SlowConsumer::DropOldest);
        assert!(rig.slot(&client).unwrap().weight() <= limit);
    }
}

#[test]
fn a_client_that_is_blocked_gives_the_plain_form_back() {
    let mut rig = Rig::new(raw());
    let client = connect(&mut rig);
    rig.stall(&client);
    let before = rig.owed(&client);
    let gate = hold_compression();
    let message = large(&rig, 1 << 20);
    rig.send(&client, message);
    rig.turn();
    assert!(rig.owed(&client) > before + (1 << 20));
    release(&mut rig, gate);
    assert!(rig.owed(&client) < before + 10_000);
}

#[test]
fn what_compression_spares_pays_no_debts() {
    let mut rig = Rig::new(Config { max_buffered_amount: 1 << 30, ..raw() });
    let client = connect(&mut rig);
    rig.owe(&client);
    let (done, mut flushed) = oneshot::channel();
    rig.push(Job::Flush(done));
    let gate = hold_compression();
    for _ in 0..4 {
        let message = large(&rig, 4 << 20);
        rig.send(&client, message);
    }
    rig.turn();
    release(&mut rig, gate);
    rig.send(&client, frame(b"a reason to look"));
    rig.turn();
    assert!(flushed.try_recv().is_err(), "nothing of what was owed is written");
}
