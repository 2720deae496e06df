//! Connections that close by what their clients did: what they still get, how long they may stay, and how many of them.
//! Whom the service closes gets all that was sent to it before.

use bytes::Bytes;
use std::time::Duration;

use super::compressing::hold_compression;
use super::rig::{Client, Rig, client_frame, frame};
use crate::ws::close::{GOING_AWAY, NORMAL, PROTOCOL, UNAUTHORIZED, close_payload};
use crate::ws::config::{Config, GuardConfig, Protocol};
use crate::ws::deflate::Window;
use crate::ws::frame::{Opcode, encode, server_frame_len};
use crate::ws::guard::Authenticator;
use crate::ws::inbox::Job;
use crate::ws::prepared::Frame;
use crate::ws::shard::lifecycle::closings::{MAX_CLOSING, TIME_TO_CLOSE};

fn raw() -> Config {
    Config { protocol: Protocol::Raw, heartbeat: None, ..Config::default() }
}

/// A frame that no client may send: it is not masked.
const VIOLATION: &[u8] = b"\x81\x01a";

/// A client that has broken the protocol and does not leave.
fn culprit(rig: &mut Rig) -> Client {
    let mut client = rig.connect();
    rig.hear(&mut client, VIOLATION);
    client
}

/// Reads until the last byte that is owed is written, and gives the frames.
fn frames(rig: &mut Rig, client: &mut Client) -> Vec<Vec<u8>> {
    let mut bytes = Vec::new();
    while rig.slot(client).is_some_and(|slot| slot.owes()) {
        bytes.extend(rig.make_writable(client));
        rig.serve(client, |_| true);
    }
    bytes.extend(client.read_all());
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let rest = bytes.split_off(server_frame_len(&bytes));
        frames.push(std::mem::replace(&mut bytes, rest));
    }
    frames
}

fn is_close(frame: &[u8], code: u16) -> bool {
    frame[0] == 0x88 && frame[2..4] == code.to_be_bytes()
}

/// A client that owes more than the kernel takes, and for which something waits behind that.
fn slow_reader(rig: &mut Rig) -> Client {
    let mut client = rig.connect();
    client.read_all();
    rig.owe(&client);
    rig.send(&client, frame(b"waits"));
    rig.turn();
    client
}

/// Lets the shard have bytes of a client, which it would not read while the client owes that much.
fn interpret(rig: &mut Rig, client: &Client, bytes: &[u8]) {
    let (key, mut bytes) = (client.address.slot, bytes.to_vec());
    rig.within(|shard| {
        shard.frames(key, &mut bytes);
        shard.write_answers(key);
    });
}

/// What a slow reader gets behind the frame that was on its way.
fn last_frames(rig: &mut Rig, client: &mut Client) -> Vec<Vec<u8>> {
    let frames = frames(rig, client).into_iter();
    frames.skip_while(|it| it.len() > 1000).collect()
}

#[test]
fn what_waits_is_dropped_when_a_client_breaks_the_protocol_and_its_close_frame_comes() {
    let mut rig = Rig::new(raw());
    let mut client = slow_reader(&mut rig);
    interpret(&mut rig, &client, VIOLATION);
    assert!(rig.shard.counters().dropped_unwritten.get() >= 1);
    let got = last_frames(&mut rig, &mut client);
    assert_eq!(got.len(), 1);
    assert!(is_close(&got[0], PROTOCOL));
}

#[test]
fn what_waits_is_dropped_when_a_client_closes() {
    let mut rig = Rig::new(raw());
    let mut client = slow_reader(&mut rig);
    let close = client_frame(Opcode::Close, &close_payload(GOING_AWAY, ""));
    interpret(&mut rig, &client, &close);
    let got = last_frames(&mut rig, &mut client);
    assert_eq!(got.len(), 1);
    assert!(is_close(&got[0], GOING_AWAY));
}

#[test]
fn what_waits_comes_when_the_service_closes() {
    let mut rig = Rig::new(raw());
    let mut client = slow_reader(&mut rig);
    rig.push(Job::Close { who: client.address, code: NORMAL, reason: String::new() });
    rig.turn();
    let got = last_frames(&mut rig, &mut client);
    assert_eq!(got[0], frame(b"waits"));
    assert!(is_close(&got[1], NORMAL));
}

#[test]
fn a_client_that_reads_gets_what_was_sent_before_it_broke_the_protocol() {
    let mut rig = Rig::new(raw());
    let mut client = rig.connect();
    // Queued, and not written yet, when the violation is read.
    rig.shard.sockets.enqueue(client.address.slot, &frame(b"before").into());
    interpret(&mut rig, &client, VIOLATION);
    let got = frames(&mut rig, &mut client);
    assert_eq!(got[0], frame(b"before"));
    assert!(is_close(&got[1], PROTOCOL));
}

#[test]
fn of_answers_that_are_not_taken_only_the_last_waits() {
    let mut rig = Rig::new(Config { heartbeat: None, ..Config::default() });
    let mut client = slow_reader(&mut rig);
    let many = client_frame(Opcode::Text, br#"{"type":"heartbeat","id":"7"}"#).repeat(50);
    let last = client_frame(Opcode::Text, br#"{"type":"heartbeat","id":"8"}"#);
    interpret(&mut rig, &client, &[&many, &last, VIOLATION].concat());
    let got = last_frames(&mut rig, &mut client);
    assert_eq!(got.len(), 2);
    assert!(String::from_utf8_lossy(&got[0]).contains(r#""id":"8""#));
    assert!(is_close(&got[1], PROTOCOL));
}

#[test]
fn answers_of_which_a_part_is_written_are_whole_frames_all_the_same() {
    let mut rig = Rig::new(raw());
    let mut client = rig.connect();
    let answers: Vec<_> = (b'a'..=b'e').map(|it| frame(&vec![it; 1 << 19])).collect();
    rig.shard.answers.extend_from_slice(&answers.concat());
    rig.within(|shard| shard.close_now(client.address.slot, PROTOCOL, String::new()));
    let got = frames(&mut rig, &mut client);
    let [begun @ .., last, close] = &got[..] else { panic!("{} frames", got.len()) };
    assert!(begun.len() < 4 && *begun == answers[..begun.len()]);
    assert_eq!(*last, answers[4]);
    assert!(is_close(close, PROTOCOL));
}

#[test]
fn the_answer_that_says_why_comes_before_the_close_frame() {
    let guard = GuardConfig {
        authenticator: Authenticator::Host,
        max_auth_failures: 1,
        ..GuardConfig::default()
    };
    let mut rig = Rig::new(Config { guard, heartbeat: None, ..Config::default() });
    let mut client = slow_reader(&mut rig);
    let login = br#"{"type":"authenticate","payload":{"token":5}}"#;
    interpret(&mut rig, &client, &client_frame(Opcode::Text, login));
    let got = last_frames(&mut rig, &mut client);
    assert_eq!(got.len(), 2, "what waited in between is dropped");
    assert!(String::from_utf8_lossy(&got[0]).contains("AUTH_FAILED"));
    assert!(is_close(&got[1], UNAUTHORIZED));
}

#[test]
fn who_takes_bytes_slowly_has_more_time_if_the_service_closes_and_not_if_it_is_to_blame() {
    for is_to_blame in [false, true] {
        let mut rig = Rig::new(Config { max_buffered_amount: 1024, ..raw() });
        let timeout = rig.shard.shared.config.close_timeout;
        let mut client = rig.connect();
        rig.send(&client, frame(&[b'm'; 4 << 20]));
        rig.turn();
        if is_to_blame {
            rig.send(&client, frame(b"one too many"));
        } else {
            rig.push(Job::Close { who: client.address, code: NORMAL, reason: String::new() });
        }
        rig.turn();
        assert!(rig.slot(&client).is_some() && !rig.is_open(&client));
        for _ in 0..6 {
            if rig.slot(&client).is_some() {
                rig.make_writable(&mut client);
                rig.serve(&client, |_| true);
            }
            rig.advance(timeout / 4);
            rig.turn();
        }
        assert_eq!(rig.slot(&client).is_none(), is_to_blame);
    }
}

#[test]
fn of_too_many_closing_connections_the_oldest_end_and_none_that_has_just_begun() {
    let mut rig = Rig::new(raw());
    let service_closed = rig.connect();
    rig.push(Job::Close { who: service_closed.address, code: NORMAL, reason: String::new() });
    rig.turn();
    let (oldest, older) = (culprit(&mut rig), culprit(&mut rig));
    // One that stands for many.
    let others = culprit(&mut rig);
    let fill = |rig: &mut Rig, count| {
        (0..count).for_each(|_| rig.within(|shard| shard.limit_end(others.address.slot)));
        rig.turn();
    };
    let stay = |rig: &Rig| [&oldest, &older, &others].map(|it| rig.slot(it).is_some());
    fill(&mut rig, 2 * MAX_CLOSING);
    assert_eq!(stay(&rig), [true; 3], "all have just begun");
    rig.advance(TIME_TO_CLOSE);
    let newest = culprit(&mut rig);
    fill(&mut rig, MAX_CLOSING / 2);
    assert_eq!(stay(&rig), [false; 3]);
    assert!([&newest, &service_closed].iter().all(|it| rig.slot(it).is_some()));
}

#[test]
fn what_waits_to_be_compressed_comes_though_its_client_closes() {
    let mut rig = Rig::new(raw());
    let mut client = rig.connect();
    client.read_all();
    let key = client.address.slot;
    rig.shard.sockets.slots[key].window = Some(Window::LARGEST);
    let _held = hold_compression();
    let plain = Bytes::from(encode(Opcode::Binary, &[b'x'; 100_000]));
    rig.send(&client, Frame::compressible(plain, rig.shard.shared.budget.clone()));
    rig.within(|shard| shard.turn());
    assert!(rig.slot(&client).unwrap().waits_for_us());
    interpret(&mut rig, &client, &client_frame(Opcode::Close, &close_payload(NORMAL, "")));
    assert!(rig.slot(&client).unwrap().waits_for_us());
    assert_eq!(rig.shard.counters().dropped_unwritten.get(), 0);
}

#[test]
fn closing_connections_that_have_ended_take_no_places() {
    let mut rig = Rig::new(raw());
    let (oldest, gone) = (culprit(&mut rig), culprit(&mut rig));
    for _ in 0..MAX_CLOSING - 2 {
        rig.within(|shard| shard.limit_end(gone.address.slot));
    }
    rig.shard.bury(gone.address.slot);
    let newest = culprit(&mut rig);
    rig.turn();
    assert!(rig.slot(&oldest).is_some() && rig.slot(&newest).is_some());
}

#[test]
fn for_want_of_descriptors_those_to_blame_for_their_end_give_way_first() {
    let mut rig = Rig::new(raw());
    let (open, service_closed) = (rig.connect(), rig.connect());
    let many: Vec<_> = (0..31).map(|_| culprit(&mut rig)).collect();
    let silent: Vec<_> = (0..4).map(|_| rig.knock(b"")).collect();
    rig.push(Job::Close { who: service_closed.address, code: NORMAL, reason: String::new() });
    rig.advance(Duration::from_secs(2));
    rig.push(Job::GiveWay);
    rig.turn();
    let count = |all: &[Client]| all.iter().filter(|it| rig.slot(it).is_some()).count();
    assert_eq!([count(&many), count(&silent)], [0, 3], "32 in all");
    assert!(rig.is_open(&open) && rig.slot(&service_closed).is_some());
    let taken = (0..100).filter(|_| rig.shard.shared.took_given_way()).count();
    assert_eq!(taken, 32);
}
