//! Clients that wait for a decision, and the time limits of those that may not stay. The host is the
//! test: it takes the events and puts the verdicts into the queue.

use std::io::Write;
use std::time::Duration;
use tokio::time::Instant;

use super::rig::{Client, Rig, client_frame};
use crate::ws::clock;
use crate::ws::close::{GOING_AWAY, UNAUTHORIZED, close_payload};
use crate::ws::config::{Config, GuardConfig};
use crate::ws::events::Event;
use crate::ws::frame::{Opcode, encode};
use crate::ws::guard::desk::{MAX_DECISIONS, Number};
use crate::ws::guard::{Authenticator, Authorizer, Identity, Question, Verdict};
use crate::ws::inbox::Job;
use crate::ws::limits::Rate;

pub(super) const HOOK_TIMEOUT: Duration = Duration::from_millis(500);
pub(super) const AUTH_TIMEOUT: Duration = Duration::from_secs(3);

pub(super) fn config() -> Config {
    let guard = GuardConfig {
        authenticator: Authenticator::Host,
        authorizer: Authorizer::Host,
        hook_timeout: HOOK_TIMEOUT,
        auth_timeout: AUTH_TIMEOUT,
        ..GuardConfig::default()
    };
    Config { guard, heartbeat: None, ..Config::default() }
}

pub(super) fn strict() -> Config {
    let mut config = config();
    config.guard.require_auth = true;
    config
}

pub(super) fn text(json: &str) -> Vec<u8> {
    client_frame(Opcode::Text, json.as_bytes())
}

pub(super) fn login() -> Vec<u8> {
    text(r#"{"type":"authenticate","payload":{"token":"t"}}"#)
}

pub(super) fn heartbeat(id: &str) -> Vec<u8> {
    text(&format!(r#"{{"type":"heartbeat","id":"{id}"}}"#))
}

pub(super) fn identity(expires_at: Option<u64>) -> Verdict {
    Verdict::Identity(Box::new(Identity::new("ada", Some("s1"), expires_at, None).unwrap()))
}

pub(super) fn subscribe(topic: &str) -> Vec<u8> {
    text(&format!(r#"{{"type":"subscribe","payload":{{"topic":"{topic}"}},"id":"{topic}"}}"#))
}

/// The decisions that the host was asked for.
pub(super) fn asked(rig: &Rig) -> Vec<(Number, Question)> {
    let events = rig.shard.shared.events.take(usize::MAX).into_iter();
    let asked = events.filter_map(|event| match event {
        Event::Decision { number, question, .. } => Some((number, question)),
        _ => None,
    });
    asked.collect()
}

/// What `Server::decide` does.
pub(super) fn decide(rig: &mut Rig, number: Number, verdict: Verdict) {
    let closed = rig.shard.shared.guard.desk.close(number).expect("an open decision");
    let who = closed.who.expect("somebody who waits");
    rig.push(Job::Verdict { who, number, verdict });
    rig.shard.shared.pass_on(&closed);
    rig.turn();
}

/// Lets the client's task look at its slot once.
pub(super) fn look(rig: &mut Rig, client: &Client) {
    rig.serve(client, |_| true);
}

/// The types of the messages that a client got, with their ids; codes for errors and Close frames.
pub(super) fn got(client: &mut Client) -> Vec<String> {
    let bytes = client.read_all();
    let (mut rest, mut got) = (&bytes[..], Vec::new());
    while let [opcode, length, after @ ..] = rest {
        let (length, after) = match length {
            126 => (usize::from(u16::from_be_bytes([after[0], after[1]])), &after[2..]),
            length => (usize::from(*length), after),
        };
        let (payload, next) = after.split_at(length);
        rest = next;
        if *opcode == 0x89 {
            got.push("ping".to_owned());
            continue;
        }
        if *opcode == 0x88 {
            got.push(format!("close {}", u16::from_be_bytes([payload[0], payload[1]])));
            continue;
        }
        let message: serde_json::Value = serde_json::from_slice(payload).unwrap();
        let name = message["payload"]["code"].as_str().or(message["type"].as_str()).unwrap();
        got.push(match message["id"].as_str() {
            Some(id) => format!("{name} {id}"),
            None => name.to_owned(),
        });
    }
    got
}

#[test]
fn deadlines_of_decisions_that_are_answered_are_not_kept_until_they_pass() {
    let mut rig = Rig::new(config());
    let mut client = rig.connect();
    // As if so many had been asked for and answered.
    let at = rig.within(|_| Instant::now()) + HOOK_TIMEOUT;
    rig.shard.asked.extend((0..10_000).map(|_| (at, Number::MAX)));
    rig.hear(&mut client, &login());
    rig.turn();
    assert_eq!(rig.shard.asked.len(), 1, "the one that is waited for");
    rig.advance(HOOK_TIMEOUT);
    rig.turn();
    look(&mut rig, &client);
    assert_eq!(got(&mut client), ["connection", "AUTH_FAILED"], "and it ends in time");
}

#[test]
fn what_is_behind_a_question_waits_for_the_verdict() {
    let mut rig = Rig::new(config());
    let mut client = rig.connect();
    rig.hear(&mut client, &[login(), heartbeat("1"), heartbeat("2")[..5].to_vec()].concat());
    client.peer.write_all(&heartbeat("2")[5..]).unwrap();
    client.peer.write_all(&heartbeat("3")).unwrap();
    look(&mut rig, &client);
    assert_eq!(got(&mut client), ["connection"], "nothing is interpreted");

    let [(number, Question::Authenticate { login, at_once: false })] = &asked(&rig)[..] else {
        panic!("one question");
    };
    assert_eq!(login.token.as_deref(), Some("t"));
    let number = *number;
    decide(&mut rig, number, identity(None));
    let all = |shard: &crate::ws::shard::Shard| shard.counters().messages_in.get() == 4;
    rig.serve(&client, all);
    assert_eq!(got(&mut client), ["authenticated", "heartbeat 1", "heartbeat 2", "heartbeat 3"]);
    assert_eq!(rig.slot(&client).unwrap().connection().unwrap().user().as_deref(), Some("ada"));
}

#[test]
fn who_waits_is_not_read_so_that_one_read_is_all_that_is_kept() {
    let mut rig = Rig::new(config());
    let mut client = rig.connect();
    rig.hear(&mut client, &[login(), heartbeat("1")].concat());
    let heard = rig.shard.counters().bytes_in.get();
    client.peer.write_all(&heartbeat("2")).unwrap();
    rig.wait_for_bytes(&client);
    look(&mut rig, &client);
    assert_eq!(rig.shard.counters().bytes_in.get(), heard);
    assert_eq!(rig.slot(&client).unwrap().kept.as_ref().unwrap().bytes, heartbeat("1"));
}

#[test]
fn one_question_behind_the_other_is_asked_in_its_turn() {
    let mut rig = Rig::new(config());
    let mut client = rig.connect();
    let join = |room| {
        text(&format!(r#"{{"type":"join_room","payload":{{"room":"{room}"}},"id":"{room}"}}"#))
    };
    rig.hear(&mut client, &[join("a"), join("b"), heartbeat("1")].concat());
    for (room, verdict) in [("a", Verdict::Allowed), ("b", Verdict::Refused)] {
        let questions = asked(&rig);
        let [(number, Question::Authorize { name, .. })] = &questions[..] else {
            panic!("one question: {questions:?}");
        };
        assert_eq!(&**name, room);
        let number = *number;
        decide(&mut rig, number, verdict);
        look(&mut rig, &client);
    }
    assert_eq!(got(&mut client), ["connection", "joined_room a", "FORBIDDEN b", "heartbeat 1"]);
}

#[test]
fn what_is_not_answered_in_time_is_a_no() {
    let mut rig = Rig::new(config());
    let mut client = rig.connect();
    rig.hear(&mut client, &[login(), heartbeat("1")].concat());
    let number = asked(&rig)[0].0;
    rig.advance(HOOK_TIMEOUT - Duration::from_millis(1));
    rig.turn();
    look(&mut rig, &client);
    assert_eq!(got(&mut client), ["connection"]);

    rig.advance(Duration::from_millis(1));
    rig.turn();
    look(&mut rig, &client);
    assert_eq!(got(&mut client), ["AUTH_FAILED", "heartbeat 1"]);
    assert_eq!(rig.reports(), ["ERR_HOOK_TIMEOUT"]);
    assert_eq!(["hook_timeout", "auth_failed"].map(|reason| rig.refused(reason)), [1, 0]);
    let late = rig.shard.shared.guard.desk.close(number).map(|closed| closed.who);
    assert_eq!(late, Some(None), "what comes late is not heard");
    assert_eq!(rig.slot(&client).unwrap().access.failures, 0, "the client cannot help it");
}

#[test]
fn an_answer_behind_the_deadline_is_late_though_it_is_looked_at_first() {
    let mut rig = Rig::new(config());
    let mut client = rig.connect();
    rig.hear(&mut client, &subscribe("a"));
    let number = asked(&rig)[0].0;
    rig.advance(HOOK_TIMEOUT);
    decide(&mut rig, number, Verdict::Allowed);
    look(&mut rig, &client);
    assert_eq!(got(&mut client), ["connection", "FORBIDDEN a"]);
    assert_eq!(rig.reports(), ["ERR_HOOK_TIMEOUT"]);
    rig.shard.pass_deadlines(tokio::time::Instant::now());
    assert_eq!(rig.reports(), [""; 0], "it is late once");
    assert_eq!(["hook_timeout", "forbidden"].map(|reason| rig.refused(reason)), [1, 0]);
}

#[test]
fn what_is_late_is_counted_once_and_what_is_refused_as_that() {
    let mut rig = Rig::new(config());
    let mut client = rig.connect();
    rig.hear(&mut client, &[subscribe("a"), subscribe("b")].concat());
    rig.advance(HOOK_TIMEOUT);
    rig.turn();
    look(&mut rig, &client);
    let counted = |rig: &Rig| ["hook_timeout", "forbidden"].map(|reason| rig.refused(reason));
    assert_eq!(counted(&rig), [1, 0]);
    let number = asked(&rig).pop().unwrap().0;
    decide(&mut rig, number, Verdict::Refused);
    look(&mut rig, &client);
    assert_eq!(got(&mut client), ["connection", "FORBIDDEN a", "FORBIDDEN b"]);
    assert_eq!(counted(&rig), [1, 1]);
}

#[test]
fn a_verdict_about_a_client_that_has_left_is_nobodys() {
    let mut rig = Rig::new(config());
    let mut client = rig.connect();
    rig.hear(&mut client, &login());
    let number = asked(&rig)[0].0;
    let slot = client.address.slot;
    rig.shard.bury(slot);
    let mut next = rig.connect();
    assert_eq!(next.address.slot, slot, "the slot has a new tenant");
    rig.hear(&mut next, &login());
    decide(&mut rig, number, identity(None));
    look(&mut rig, &next);
    assert_eq!(got(&mut next), ["connection"]);
    assert!(rig.slot(&next).unwrap().connection().unwrap().user().is_none());
}

#[test]
fn the_heartbeat_spares_who_waits_for_a_decision() {
    let interval = Duration::from_millis(100);
    let mut config = Config { heartbeat: Some(interval), ..config() };
    config.guard.hook_timeout = Duration::from_secs(3600);
    let mut rig = Rig::new(config);
    let mut client = rig.connect();
    rig.hear(&mut client, &login());
    let number = asked(&rig)[0].0;
    for _ in 0..5 {
        rig.advance(interval);
        rig.turn();
    }
    assert!(rig.is_open(&client));
    assert_eq!(got(&mut client), ["connection"], "not even a ping");
    decide(&mut rig, number, identity(None));
    look(&mut rig, &client);
    rig.advance(interval);
    rig.turn();
    assert_eq!(got(&mut client), ["authenticated"]);
}

#[test]
fn a_client_that_is_closed_while_it_waits_is_heard_to_its_close_frame() {
    let mut rig = Rig::new(config());
    let mut client = rig.connect();
    let close = client_frame(Opcode::Close, &close_payload(1000, ""));
    rig.hear(&mut client, &[login(), heartbeat("1"), close].concat());
    let number = asked(&rig)[0].0;
    rig.push(Job::Close { who: client.address, code: GOING_AWAY, reason: String::new() });
    rig.turn();
    rig.serve(&client, |_| false);
    assert!(rig.slot(&client).is_none(), "the closing handshake is over");
    let frames = client.read_to_end();
    assert!(frames.ends_with(&encode(Opcode::Close, &close_payload(GOING_AWAY, ""))));
    decide(&mut rig, number, identity(None));
}

#[test]
fn who_does_not_authenticate_in_time_is_closed() {
    let mut rig = Rig::new(strict());
    let mut client = rig.connect();
    rig.hear(&mut client, &[heartbeat("1"), text(r#"{"type":"x","id":"2"}"#)].concat());
    rig.advance(AUTH_TIMEOUT);
    rig.turn();
    let answers = ["connection", "heartbeat 1", "AUTH_REQUIRED 2", "close 4401"];
    assert_eq!(got(&mut client), answers);
}

#[test]
fn auth_timeout_strikes_during_no_decision_but_after_a_refusal() {
    let mut config = strict();
    config.guard.hook_timeout = 2 * AUTH_TIMEOUT;
    for verdict in [identity(None), Verdict::Refused] {
        let mut rig = Rig::new(config.clone());
        let mut client = rig.connect();
        rig.hear(&mut client, &login());
        let number = asked(&rig)[0].0;
        rig.advance(AUTH_TIMEOUT);
        rig.turn();
        assert!(rig.is_open(&client));
        let admitted = verdict != Verdict::Refused;
        decide(&mut rig, number, verdict);
        look(&mut rig, &client);
        assert_eq!(rig.is_open(&client), admitted);
        let last = if admitted { "authenticated" } else { "close 4401" };
        assert_eq!(got(&mut client).last().map(String::as_str), Some(last));
    }
}

#[test]
fn an_identity_ends_unless_it_is_renewed() {
    let mut rig = Rig::new(config());
    let mut client = rig.connect();
    let in_time = |seconds: u64| clock::wall_millis() + seconds * 1000;
    let mut log_in = |rig: &mut Rig, seconds: u64| {
        rig.hear(&mut client, &login());
        let number = asked(rig)[0].0;
        decide(rig, number, identity(Some(in_time(seconds))));
        look(rig, &client);
        got(&mut client)
    };
    assert_eq!(log_in(&mut rig, 600), ["connection", "authenticated"]);
    assert_eq!(log_in(&mut rig, 20), ["authenticated"]);
    assert_eq!(rig.shard.leases.len(), 1, "one for each connection");
    // Half of the time is less than a minute.
    rig.advance(Duration::from_secs(10));
    rig.turn();
    assert_eq!(got(&mut client), ["token_expiring"]);
    rig.advance(Duration::from_secs(9));
    rig.turn();
    assert!(rig.is_open(&client));
    rig.advance(Duration::from_secs(1));
    rig.turn();
    let close = encode(Opcode::Close, &close_payload(UNAUTHORIZED, "Token expired"));
    assert_eq!(client.read_all(), close);
    assert!(rig.shard.leases.is_empty());
}

#[test]
fn an_identity_that_is_renewed_in_time_goes_on() {
    let mut rig = Rig::new(config());
    let mut client = rig.connect();
    for _ in 0..3 {
        rig.hear(&mut client, &login());
        let number = asked(&rig)[0].0;
        decide(&mut rig, number, identity(Some(clock::wall_millis() + 20_000)));
        look(&mut rig, &client);
        rig.advance(Duration::from_secs(15));
        rig.turn();
    }
    assert!(rig.is_open(&client));
    // An end that comes while it is decided whether it goes on is not waited for.
    rig.advance(Duration::from_millis(4800));
    rig.turn();
    rig.hear(&mut client, &login());
    let number = asked(&rig)[0].0;
    rig.advance(Duration::from_millis(400));
    rig.turn();
    decide(&mut rig, number, identity(None));
    look(&mut rig, &client);
    assert_eq!(got(&mut client).last().map(String::as_str), Some("close 4401"));
    assert!(rig.shard.leases.is_empty());
}

#[test]
fn an_identity_that_has_ended_opens_nothing() {
    let mut rig = Rig::new(config());
    let mut client = rig.connect();
    rig.hear(&mut client, &login());
    let number = asked(&rig)[0].0;
    decide(&mut rig, number, identity(Some(clock::wall_millis() - 1)));
    look(&mut rig, &client);
    assert_eq!(got(&mut client), ["connection", "AUTH_FAILED"]);
}

#[test]
fn a_place_at_the_desk_goes_to_the_next_in_line() {
    let mut rig = Rig::new(config());
    let (mut first, mut gone, mut last) = (rig.connect(), rig.connect(), rig.connect());
    let desk = |rig: &Rig| rig.shard.shared.clone();
    let taken: Vec<_> =
        (1..MAX_DECISIONS).map(|_| desk(&rig).guard.desk.enter(first.address).0).collect();
    rig.hear(&mut first, &login());
    let number = asked(&rig)[0].0;
    rig.hear(&mut gone, &login());
    rig.hear(&mut last, &login());
    assert!(asked(&rig).is_empty(), "there is no place left");
    rig.shard.bury(gone.address.slot);

    decide(&mut rig, number, identity(None));
    rig.turn();
    let numbers = asked(&rig);
    assert_eq!(numbers.len(), 1);
    decide(&mut rig, numbers[0].0, identity(None));
    look(&mut rig, &last);
    assert_eq!(got(&mut last), ["connection", "authenticated"]);
    assert!(taken.iter().all(|&number| desk(&rig).guard.desk.close(number).is_some()));
}

#[test]
fn broadcasts_reach_nobody_who_has_not_authenticated() {
    let mut rig = Rig::new(strict());
    let (mut member, mut stranger) = (rig.connect(), rig.connect());
    rig.hear(&mut member, &login());
    let number = asked(&rig)[0].0;
    decide(&mut rig, number, identity(None));
    look(&mut rig, &member);
    let shared = rig.shard.shared.clone();
    let mut expected = Vec::new();
    assert_eq!(shared.index.route_all(|_, count| expected.push(count)), 1);
    assert_eq!((expected, shared.index.open()), (vec![1], 2));
    let frame = encode(Opcode::Text, br#"{"type":"news"}"#);
    rig.push(Job::All { frame: bytes::Bytes::from(frame).into(), expected: 1 });
    rig.turn();
    assert_eq!(got(&mut member), ["connection", "authenticated", "news"]);
    assert_eq!(got(&mut stranger), ["connection"]);
    assert_eq!(rig.shard.counters().dropped_departed.get(), 0);

    rig.shard.bury(member.address.slot);
    rig.shard.bury(stranger.address.slot);
    assert_eq!(shared.index.route_all(|_, _| {}), 0);
}

#[test]
fn what_is_over_the_rate_is_refused_before_it_is_asked_about() {
    let mut config = config();
    config.limits.messages = Some(Rate::new(1, 3));
    let mut rig = Rig::new(config);
    let mut client = rig.connect();
    rig.hear(&mut client, &[login(), subscribe("a"), heartbeat("1"), subscribe("b")].concat());
    let number = asked(&rig)[0].0;
    decide(&mut rig, number, identity(None));
    look(&mut rig, &client);
    let (number, question) = asked(&rig).remove(0);
    assert!(matches!(question, Question::Authorize { name, .. } if &*name == "a"));
    decide(&mut rig, number, Verdict::Allowed);
    look(&mut rig, &client);
    assert!(asked(&rig).is_empty());
    let expected = ["connection", "authenticated", "subscribed a", "heartbeat 1", "RATE_LIMITED b"];
    assert_eq!(got(&mut client), expected);

    // A login that is over it does not count as a failure either.
    rig.hear(&mut client, &login());
    assert!(asked(&rig).is_empty());
    assert_eq!(got(&mut client), ["RATE_LIMITED"]);
    assert_eq!(rig.refused("message_rate"), 2);
}

#[test]
fn bytes_that_are_kept_are_measured_once() {
    let all = [login(), subscribe("a"), subscribe("b"), heartbeat("1")].concat();
    let mut config = config();
    // One read of them is owed at most, and its last byte frees the next one.
    config.limits.bytes = Some(Rate::new(1, all.len() as u64 + 1));
    let mut rig = Rig::new(config);
    let mut client = rig.connect();
    rig.hear(&mut client, &all);
    for verdict in [identity(None), Verdict::Allowed, Verdict::Allowed] {
        let number = asked(&rig)[0].0;
        decide(&mut rig, number, verdict);
        look(&mut rig, &client);
    }
    rig.hear(&mut client, &heartbeat("2"));
    rig.hear(&mut client, &heartbeat("3"));
    let (mut expected, mut found) = (vec!["connection", "authenticated"], got(&mut client));
    expected.extend(["subscribed a", "subscribed b", "heartbeat 1", "heartbeat 2"]);
    assert_eq!(found.pop().as_deref(), Some("RATE_LIMITED 3"));
    assert_eq!(found, expected);
}

#[test]
fn a_login_too_many_of_a_user_is_refused_though_it_was_allowed() {
    let mut config = config();
    config.guard.max_auth_failures = 1;
    config.limits.connections_per_user = Some(1);
    let mut rig = Rig::new(config);
    let (mut first, mut second) = (rig.connect(), rig.connect());
    for client in [&mut first, &mut second] {
        rig.hear(client, &login());
        let number = asked(&rig)[0].0;
        decide(&mut rig, number, identity(None));
        look(&mut rig, client);
    }
    assert_eq!(got(&mut first), ["connection", "authenticated"]);
    assert_eq!(got(&mut second), ["connection", "LIMIT_EXCEEDED"]);
    assert!(rig.is_open(&second), "it has not failed to say who it is");
    assert_eq!(rig.refused("user_connection_limit"), 1);
    assert_eq!(rig.shard.shared.index.of_session("s1").len(), 1);

    // With its end the place is free.
    rig.shard.bury(first.address.slot);
    rig.hear(&mut second, &login());
    let number = asked(&rig)[0].0;
    decide(&mut rig, number, identity(None));
    look(&mut rig, &second);
    assert_eq!(got(&mut second), ["authenticated"]);
}
