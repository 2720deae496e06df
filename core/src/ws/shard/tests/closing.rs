//! A Close frame is the last that we send (RFC 6455 section 5.5.1), whatever is queued behind it.

use std::time::Duration;
use tokio::time::Instant;

use super::rig::{Client, Rig, client_frame, frame};
use crate::ws::close::{GOING_AWAY, close_payload};
use crate::ws::config::{Config, Protocol};
use crate::ws::frame::{Opcode, encode};
use crate::ws::inbox::Job;
use crate::ws::shard::Shard;
use crate::ws::shard::slot::Phase;

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

/// A client that was refused, and leaves its own half of the socket open.
fn refused(rig: &mut Rig) -> Client {
    let mut client = rig.knock(b"GET /wrong HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let (slot, serial) = (client.address.slot, client.address.serial);
    let ends = |shard: &Shard| {
        let slot = shard.sockets.slots.get(slot).filter(|slot| slot.serial == serial);
        slot.is_none_or(|slot| matches!(slot.phase, Phase::Draining { .. }))
    };
    rig.serve(&client, ends);
    assert!(client.read_all().starts_with(b"HTTP/1.1 404 "));
    client
}

#[test]
fn a_socket_that_was_refused_stays_for_a_second_at_most() {
    let mut rig = Rig::new(Config { close_timeout: Duration::from_secs(60), ..Config::default() });
    let client = refused(&mut rig);
    rig.advance(Duration::from_millis(900));
    rig.turn();
    assert!(rig.slot(&client).is_some(), "its answer might be lost to a reset");
    rig.advance(Duration::from_millis(200));
    rig.turn();
    assert!(rig.slot(&client).is_none());
}

#[test]
fn of_the_sockets_that_were_refused_the_oldest_gives_way() {
    let mut rig = Rig::new(Config::default());
    let all: Vec<Client> = (0..300).map(|_| refused(&mut rig)).collect();
    rig.turn();
    let kept = all.iter().filter(|client| rig.slot(client).is_some()).count();
    assert_eq!(kept, 256);
    assert!(rig.slot(&all[43]).is_none());
    assert!(rig.slot(&all[44]).is_some());
}
