//! Clients that take bytes slowly or not at all: when they count as alive, when they are slow, what a
//! flush waits for, and what becomes of a frame of which half is on the wire.

use std::time::Duration;
use tokio::sync::oneshot;

use super::rig::{Client, Rig, frame};
use crate::ws::close::{TRY_AGAIN, close_payload};
use crate::ws::config::{Config, Protocol, SlowConsumer};
use crate::ws::frame::{Opcode, encode};
use crate::ws::inbox::Job;

const INTERVAL: Duration = Duration::from_secs(30);

fn raw() -> Config {
    Config { protocol: Protocol::Raw, heartbeat: None, ..Config::default() }
}

#[test]
fn a_slow_reader_is_alive_as_long_as_it_takes_bytes() {
    let mut rig = Rig::new(Config { heartbeat: Some(INTERVAL), ..raw() });
    let mut slow = rig.connect();
    let stuck = rig.connect();
    rig.owe(&slow);
    rig.owe(&stuck);
    // Neither is read while it owes that much, so no pong could be seen. The one that takes nothing
    // ends in the second sweep; in a later one if the kernel was late to take what it had room for.
    let mut sweeps = 0;
    while rig.is_open(&stuck) || sweeps < 4 {
        // A turn finds out that the one has taken bytes, since it has something for both.
        rig.make_writable(&mut slow);
        for client in [&slow, &stuck] {
            rig.send(client, frame(b"more"));
        }
        rig.turn();
        rig.advance(INTERVAL + Duration::from_millis(1));
        rig.turn();
        sweeps += 1;
        assert!(rig.is_open(&slow), "it took bytes before each of {sweeps} sweeps");
        assert!(sweeps < 20, "the one that takes nothing is never ended");
    }
    assert!(rig.owed(&slow) > 0, "it was none of the slow ones");
}

#[test]
fn bytes_that_went_no_further_than_the_kernel_are_no_sign_of_life() {
    let mut rig = Rig::new(Config { heartbeat: Some(INTERVAL), ..raw() });
    let mute = rig.connect();
    for _ in 0..2 {
        // Its socket takes each of them at once, whether anybody reads or not.
        rig.send(&mute, frame(b"tick"));
        rig.turn();
        rig.advance(INTERVAL + Duration::from_millis(1));
        rig.turn();
    }
    assert!(!rig.is_open(&mute));
}

#[test]
fn a_flush_waits_for_what_was_owed_when_it_was_asked_for_and_for_no_more() {
    let mut rig = Rig::new(Config { max_buffered_amount: 1 << 30, ..raw() });
    let mut slow = rig.connect();
    rig.owe(&slow);
    let (done, mut flushed) = oneshot::channel();
    rig.push(Job::Flush(done));
    let later = frame(&[b'n'; 2 << 20]);
    rig.send(&slow, later.clone());
    rig.turn();
    assert!(flushed.try_recv().is_err(), "it does not read yet");

    loop {
        rig.make_writable(&mut slow);
        rig.serve(&slow, |_| true);
        let owed = rig.owed(&slow);
        assert!(owed > 0, "the flush waited for what came later");
        assert_eq!(flushed.try_recv().is_ok(), owed <= later.len());
        if owed <= later.len() {
            break;
        }
    }
}

#[test]
fn a_flush_does_not_wait_for_a_client_that_is_gone() {
    let mut rig = Rig::new(raw());
    let stuck = rig.connect();
    rig.owe(&stuck);
    let (done, mut flushed) = oneshot::channel();
    rig.push(Job::Flush(done));
    rig.turn();
    assert!(flushed.try_recv().is_err());
    rig.shard.bury(stuck.address.slot);
    rig.turn();
    assert_eq!(flushed.try_recv(), Ok(()));
}

#[test]
fn what_a_client_owed_is_not_awaited_of_the_next_in_its_slot() {
    let mut rig = Rig::new(raw());
    let stuck = rig.connect();
    rig.owe(&stuck);
    let debts = rig.shard.sockets.debts();
    rig.shard.bury(stuck.address.slot);
    let next = rig.connect();
    assert_eq!(next.address.slot, stuck.address.slot);
    rig.stall(&next);
    assert!(debts.iter().all(|debt| rig.shard.sockets.is_paid(debt)));
}

/// Sends tiny frames to a stalled client until it meets the policy.
fn flood(rig: &mut Rig, client: &Client, limit: usize) {
    rig.stall(client);
    while rig.shard.counters().slow_consumers.get() == 0 {
        assert!(rig.owed(client) < limit / 4, "the bytes alone come near the limit");
        rig.send(client, frame(b"x"));
        rig.turn();
    }
}

#[test]
fn a_flood_of_tiny_frames_meets_the_limit_by_what_their_queueing_takes() {
    let limit = 64 * 1024;
    let mut rig = Rig::new(Config { max_buffered_amount: limit, ..raw() });
    let stuck = rig.connect();
    flood(&mut rig, &stuck, limit);
    assert!(!rig.is_open(&stuck));
    assert_eq!(rig.reports(), ["ERR_SLOW_CONSUMER"]);
}

#[test]
fn what_waits_for_a_flooded_client_stays_within_the_limit_when_the_oldest_are_dropped() {
    let (limit, slow_consumer) = (64 * 1024, SlowConsumer::DropOldest);
    let mut rig = Rig::new(Config { max_buffered_amount: limit, slow_consumer, ..raw() });
    let stuck = rig.connect();
    flood(&mut rig, &stuck, limit);
    for _ in 0..1000 {
        rig.send(&stuck, frame(b"x"));
        rig.turn();
        assert!(rig.slot(&stuck).unwrap().weight() <= limit + size_of::<bytes::Bytes>());
    }
    assert!(rig.is_open(&stuck));
}

/// A frame that is larger than what the kernel takes at once.
fn answer() -> Vec<u8> {
    encode(Opcode::Pong, &[b'a'; 1 << 20])
}

/// Fills the memory budget. It is full until the result is dropped.
fn fill_the_budget(rig: &Rig) -> bytes::Bytes {
    rig.shard.shared.budget.frame(vec![0; rig.shard.shared.config.memory_budget], 0).unwrap()
}

#[test]
fn an_answer_of_which_half_is_written_and_the_rest_finds_no_room_ends_the_connection() {
    let mut rig = Rig::new(Config { memory_budget: 1 << 20, ..raw() });
    let mut client = rig.connect();
    let _full = fill_the_budget(&rig);
    rig.shard.answers.extend_from_slice(&answer());
    rig.shard.write_answers(client.address.slot);
    rig.turn();
    assert!(rig.slot(&client).is_none(), "it would wait for the rest of a frame for ever");
    let got = client.read_to_end();
    assert!(!got.is_empty() && got.len() < answer().len());
    assert_eq!(got, answer()[..got.len()], "something follows half a frame");
}

#[test]
fn an_answer_of_which_nothing_is_written_and_that_finds_no_room_closes_the_connection_properly() {
    let mut rig = Rig::new(Config { memory_budget: 1 << 20, ..raw() });
    let mut client = rig.connect();
    rig.stall(&client);
    let _full = fill_the_budget(&rig);
    rig.shard.answers.extend_from_slice(&answer());
    rig.shard.write_answers(client.address.slot);
    rig.turn();
    let mut got = rig.make_writable(&mut client);
    rig.serve(&client, |shard| shard.sockets.slots[client.address.slot].owed() == 0);
    client.peer.shutdown(std::net::Shutdown::Write).unwrap();
    rig.serve(&client, |_| false);
    got.extend(client.read_to_end());
    // The frames that stalled it, whole, and then the Close frame.
    let close = encode(Opcode::Close, &close_payload(TRY_AGAIN, "Slow consumer"));
    let frames = got.strip_suffix(&close[..]).expect("no Close frame at the end");
    assert_eq!(frames, frame(&[b's'; 1024]).repeat(frames.len() / frame(&[b's'; 1024]).len()));
}

#[test]
fn the_rest_of_an_answer_is_not_dropped_when_the_client_is_too_slow_for_what_follows() {
    let mut rig = Rig::new(Config { max_buffered_amount: 1024, ..raw() });
    let mut client = rig.connect();
    rig.shard.answers.extend_from_slice(&answer());
    rig.shard.write_answers(client.address.slot);
    rig.send(&client, frame(b"one too many"));
    rig.turn();
    assert!(!rig.is_open(&client));
    let mut got = Vec::new();
    while rig.owed(&client) > 0 {
        got.extend(rig.make_writable(&mut client));
        rig.shard.sockets.flush(client.address.slot);
    }
    got.extend(client.read_all());
    let close = encode(Opcode::Close, &close_payload(TRY_AGAIN, "Slow consumer"));
    assert_eq!(got.len(), answer().len() + close.len());
    assert!(got.starts_with(&answer()) && got.ends_with(&close));
}

#[test]
fn the_rest_of_an_answer_that_finds_room_follows_when_the_client_reads() {
    let mut rig = Rig::new(raw());
    let mut client = rig.connect();
    rig.shard.answers.extend_from_slice(&answer());
    rig.shard.write_answers(client.address.slot);
    let mut got = Vec::new();
    while got.len() < answer().len() {
        rig.shard.sockets.flush(client.address.slot);
        got.extend(rig.make_writable(&mut client));
    }
    assert_eq!(got, answer());
}
