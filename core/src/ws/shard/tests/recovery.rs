//! After a panic the shard goes on: what the panic cut short is caught up with, and only what
//! panicked is lost. `thread` shows the same of a shard that runs.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::rig::{Client, Rig, bomb, client_frame, faulty_job, frame};
use crate::ws::config::{Config, Protocol};
use crate::ws::frame::Opcode;
use crate::ws::inbox::Job;

fn raw() -> Rig {
    Rig::new(Config { protocol: Protocol::Raw, ..Config::default() })
}

/// Takes a turn that panics, and recovers from it as the thread does.
fn turn_that_panics(rig: &mut Rig) {
    assert!(catch_unwind(AssertUnwindSafe(|| rig.turn())).is_err(), "nothing panicked");
    rig.shard.recover(None);
}

#[test]
fn the_jobs_behind_one_that_panics_are_carried_out_in_their_order() {
    let mut rig = raw();
    let mut client = rig.connect();
    rig.send(&client, frame(b"1"));
    rig.push(faulty_job());
    rig.send(&client, frame(b"2"));
    rig.push(faulty_job());
    rig.push(Job::All { frame: frame(b"3").into(), expected: 1 });
    turn_that_panics(&mut rig);
    // What comes meanwhile comes behind.
    rig.send(&client, frame(b"4"));
    turn_that_panics(&mut rig);
    rig.turn();
    let all = [frame(b"1"), frame(b"2"), frame(b"3"), frame(b"4")].concat();
    assert_eq!(client.read_all(), all);
    assert_eq!(rig.reports(), ["ERR_INTERNAL", "ERR_INTERNAL"]);
}

#[test]
fn sockets_that_were_to_be_ended_in_a_turn_that_panics_are_ended_in_the_next() {
    let mut rig = raw();
    let (faulty, broken, slow) = (rig.connect(), rig.connect(), rig.connect());
    rig.shard.sockets.lost.push(broken.address.slot);
    rig.shard.sockets.slow.push(slow.address.slot);
    rig.send(&faulty, bomb());
    turn_that_panics(&mut rig);
    rig.turn();
    assert!(rig.slot(&broken).is_none());
    assert!(!rig.is_open(&slow));
}

#[test]
fn a_write_that_panics_ends_its_connection_and_no_other() {
    let mut rig = raw();
    let (mut before, mut faulty, mut behind) = (rig.connect(), rig.connect(), rig.connect());
    for client in [&before, &faulty, &behind] {
        rig.send(client, frame(b"to all three"));
    }
    rig.send(&faulty, bomb());
    turn_that_panics(&mut rig);
    rig.turn();
    assert!(rig.slot(&faulty).is_none(), "the next turn would panic as well");
    faulty.read_to_end();
    for client in [&mut before, &mut behind] {
        assert_eq!(client.read_all(), frame(b"to all three"));
        assert!(rig.is_open(client));
    }
}

/// Lets a client join a room while a fault waits in the queue before its own change.
fn join_that_panics(rig: &mut Rig, client: &mut Client) {
    rig.push(faulty_job());
    client.peer.write_all(&join()).unwrap();
    let served = catch_unwind(AssertUnwindSafe(|| rig.serve(client, |_| false)));
    assert!(served.is_err(), "nothing panicked");
    rig.shard.recover(Some((client.address.slot, client.address.serial)));
}

fn join() -> Vec<u8> {
    client_frame(Opcode::Text, br#"{"type":"join_room","payload":{"room":"r"}}"#)
}

#[test]
fn a_join_that_a_panic_cut_short_is_nobody_elses() {
    let mut rig = Rig::new(Config::default());
    let (mut unlucky, mut next) = (rig.connect(), rig.connect());
    next.read_all();
    join_that_panics(&mut rig, &mut unlucky);
    assert!(rig.slot(&unlucky).is_none());
    assert_eq!(rig.shard.jobs.len(), 1, "the change that was behind the fault");

    rig.hear(&mut next, &join());
    let answers = String::from_utf8_lossy(&next.read_all()).into_owned();
    assert_eq!(answers.matches("joined_room").count(), 1, "{answers}");
    let members: Vec<usize> = rig.shard.lists.values().flatten().copied().collect();
    assert_eq!(members, [next.address.slot]);
}

#[test]
fn the_jobs_behind_one_that_panics_while_a_client_is_served_are_carried_out() {
    let mut rig = Rig::new(Config::default());
    let (mut unlucky, mut other) = (rig.connect(), rig.connect());
    other.read_all();
    rig.send(&other, frame(b"1"));
    rig.push(faulty_job());
    rig.send(&other, frame(b"2"));
    join_that_panics(&mut rig, &mut unlucky);
    // Its own fault is the second one, which is still to come.
    turn_that_panics(&mut rig);
    rig.turn();
    assert_eq!(other.read_all(), [frame(b"1"), frame(b"2")].concat());
    assert_eq!(rig.reports(), ["ERR_INTERNAL", "ERR_INTERNAL"]);
}
