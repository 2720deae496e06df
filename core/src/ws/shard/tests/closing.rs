//! A Close frame is the last that we send (RFC 6455 section 5.5.1), whatever is queued behind it.

use std::time::Duration;
use tokio::time::Instant;

use super::rig::{Rig, client_frame, frame};
use crate::ws::close::{GOING_AWAY, close_payload};
use crate::ws::config::{Config, Protocol};
use crate::ws::frame::{Opcode, encode};
use crate::ws::inbox::Job;

const GROUP: u64 = 7;

#[test]
fn nothing_that_is_queued_behind_a_close_follows_its_frame() {
    let mut rig = Rig::new(Config { protocol: Protocol::Raw, ..Config::default() });
    let mut client = rig.connect();
    let who = client.address;
    rig.push(Job::Join { who, group: GROUP, answered: false });
    // The host's calls on two threads may meet in this order: each of the sends saw it open.
    rig.send(&client, frame(b"before"));
    rig.push(Job::Close { who, code: 1000, reason: String::new() });
    rig.send(&client, frame(b"to one"));
    rig.push(Job::Group { group: GROUP, frame: frame(b"to a room").into(), expected: 1 });
    rig.push(Job::All { frame: frame(b"to all").into(), expected: 1 });
    rig.turn();
    rig.send(&client, frame(b"in a later turn"));
    rig.turn();

    let close = encode(Opcode::Close, &close_payload(1000, ""));
    assert_eq!(client.read_all(), [&frame(b"before")[..], &close].concat());
    let counters = rig.shard.counters();
    assert_eq!(counters.messages_out.get(), 1);
    assert_eq!(counters.dropped_departed.get(), 4, "what was not sent is counted");
}

#[test]
fn no_answer_follows_our_close_frame() {
    let mut rig = Rig::new(Config::default());
    let mut client = rig.connect();
    client.read_all();
    // The shutdown waits in the queue when the client's message is read: it comes first there.
    let deadline = Instant::now() + Duration::from_secs(3600);
    rig.push(Job::Shutdown { deadline });
    let join = br#"{"type":"join_room","payload":{"room":"r"}}"#;
    let asked = [client_frame(Opcode::Text, join), client_frame(Opcode::Ping, b"?")].concat();
    rig.hear(&mut client, &asked);
    rig.hear(&mut client, &client_frame(Opcode::Ping, b"and now?"));
    rig.hear(&mut client, &client_frame(Opcode::Text, br#"{"type":"heartbeat"}"#));

    let close = encode(Opcode::Close, &close_payload(GOING_AWAY, "Server shutting down"));
    assert_eq!(client.read_all(), close);
    assert_eq!(rig.shard.counters().messages_in.get(), 1, "what comes behind it is not heard");
}
