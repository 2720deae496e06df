//! Clients that are held while something is decided, and what may come between: output that they do not take,
//! the host's wishes, their leaving.

use std::io::Write;
use std::net::Shutdown;
use std::task::{Context, Waker};
use std::time::Duration;
use tokio::time::Instant;

use super::guard::{
    AUTH_TIMEOUT, HOOK_TIMEOUT, asked, config, decide, got, heartbeat, identity, login, look,
    strict, subscribe,
};
use super::rig::{Client, REQUEST, Rig};
use crate::ws::bridge::Bridge;
use crate::ws::clock;
use crate::ws::close::{ABNORMAL, GOING_AWAY};
use crate::ws::config::Config;
use crate::ws::events::Event;
use crate::ws::guard::Verdict;
use crate::ws::inbox::Job;
use crate::ws::shard::Shard;
use crate::ws::tls::testing::context;
use crate::ws::transport::Carrier;

#[test]
fn a_verdict_is_carried_out_though_the_client_does_not_take_its_output() {
    let mut rig = Rig::new(config());
    let mut client = rig.connect();
    rig.hear(&mut client, &[subscribe("a"), heartbeat("1")].concat());
    let number = asked(&rig)[0].0;
    rig.owe(&client);
    decide(&mut rig, number, Verdict::Allowed);
    look(&mut rig, &client);
    assert_eq!(rig.shard.lists.len(), 1, "it is a member now, and not when it likes");
    let heard = |rig: &Rig| rig.shard.counters().messages_in.get();
    assert_eq!(heard(&rig), 1, "what is behind its question waits until it takes its output");
    while heard(&rig) < 2 {
        rig.make_writable(&mut client);
        look(&mut rig, &client);
    }
}

#[test]
fn auth_timeout_strikes_who_does_not_take_its_output() {
    let mut rig = Rig::new(strict());
    let mut client = rig.connect();
    rig.hear(&mut client, &login());
    let number = asked(&rig)[0].0;
    rig.owe(&client);
    decide(&mut rig, number, Verdict::Refused);
    look(&mut rig, &client);
    assert_eq!(rig.refused("auth_failed"), 1);
    rig.advance(AUTH_TIMEOUT);
    rig.turn();
    assert!(!rig.is_open(&client));
    assert_eq!(rig.refused("auth_timeout"), 1);
}

#[test]
fn the_heartbeat_ends_who_has_its_decision_and_does_not_take_its_output() {
    let interval = Duration::from_secs(30);
    let mut rig = Rig::new(Config { heartbeat: Some(interval), ..config() });
    let mut client = rig.connect();
    rig.hear(&mut client, &[login(), heartbeat("1")].concat());
    let number = asked(&rig)[0].0;
    rig.owe(&client);
    decide(&mut rig, number, identity(None));
    look(&mut rig, &client);
    for _ in 0..3 {
        rig.advance(interval + Duration::from_millis(1));
        rig.turn();
    }
    assert!(!rig.is_open(&client));
}

#[test]
fn a_login_in_whose_midst_the_host_closes_the_connection_leaves_nothing_behind() {
    let jobs: [fn(&Client) -> Job; 2] = [
        |client| Job::Close { who: client.address, code: GOING_AWAY, reason: String::new() },
        |_| Job::Shutdown { deadline: Instant::now() + Duration::from_secs(60) },
    ];
    for job in jobs {
        let mut rig = Rig::new(strict());
        let mut client = rig.connect();
        rig.hear(&mut client, &login());
        let number = asked(&rig)[0].0;
        decide(&mut rig, number, identity(Some(clock::wall_millis() + 60_000)));
        // It is carried out when the client is served, before its change of membership.
        rig.within(|shard| shard.inbox.push(job(&client)));
        look(&mut rig, &client);
        assert!(!rig.is_open(&client));
        assert!(rig.shard.leases.is_empty(), "it would strike the next tenant of the slot");
        assert!(!rig.slot(&client).unwrap().access.admitted);
        assert_eq!(got(&mut client), ["connection", "close 1001"]);
    }
}

#[test]
fn the_end_of_an_identity_is_nothing_to_the_next_tenant_of_its_slot() {
    let mut rig = Rig::new(config());
    let mut client = rig.connect();
    rig.hear(&mut client, &login());
    let number = asked(&rig)[0].0;
    decide(&mut rig, number, identity(Some(clock::wall_millis() + 60_000)));
    look(&mut rig, &client);
    got(&mut client);
    let (slot, serial) = (client.address.slot, client.address.serial);
    rig.within(|shard| {
        let now = Instant::now();
        shard.leases.insert((now, slot, serial - 1));
        shard.leases.insert((now, usize::MAX, serial));
    });
    rig.turn();
    assert_eq!(got(&mut client), [""; 0]);
    assert_eq!(rig.shard.leases.len(), 1);
}

/// A client sends its end, which the shard gets to see.
pub(super) fn leave(rig: &mut Rig, client: &Client) {
    client.peer.shutdown(Shutdown::Write).unwrap();
    rig.wait_for_bytes(client);
    look(rig, client);
}

/// The shard is told of what it does not read.
fn send_unread(rig: &mut Rig, client: &mut Client, bytes: &[u8]) {
    client.peer.write_all(bytes).unwrap();
    rig.wait_for_bytes(client);
    look(rig, client);
}

#[test]
fn who_leaves_while_it_waits_is_seen_to_leave_whatever_it_has_sent_before() {
    for unread in [vec![], heartbeat("1")] {
        let mut rig = Rig::new(config());
        let mut client = rig.connect();
        rig.hear(&mut client, &login());
        let number = asked(&rig)[0].0;
        if !unread.is_empty() {
            send_unread(&mut rig, &mut client, &unread);
            assert!(rig.is_open(&client));
        }
        leave(&mut rig, &client);
        assert!(rig.slot(&client).is_none());
        assert_eq!(rig.shard.shared.index.open(), 0);
        decide(&mut rig, number, identity(None));
        let events = rig.shard.shared.events.take(usize::MAX);
        let [Event::Disconnect { code: ABNORMAL, .. }] = &events[..] else {
            panic!("its end alone, and no login: {events:?}");
        };
    }
}

#[test]
fn who_has_left_when_the_verdict_is_there_is_not_logged_in() {
    let mut rig = Rig::new(config());
    let mut client = rig.connect();
    rig.hear(&mut client, &login());
    let number = asked(&rig)[0].0;
    decide(&mut rig, number, identity(None));
    leave(&mut rig, &client);
    assert!(rig.slot(&client).is_none());
    let events = rig.shard.shared.events.take(usize::MAX);
    assert!(matches!(&events[..], [Event::Disconnect { .. }]), "{events:?}");
}

#[test]
fn a_hook_that_does_not_answer_is_told_of_though_its_client_has_left() {
    let mut rig = Rig::new(config());
    let mut client = rig.connect();
    rig.hear(&mut client, &subscribe("a"));
    assert_eq!(asked(&rig).len(), 1);
    leave(&mut rig, &client);
    rig.advance(HOOK_TIMEOUT);
    rig.turn();
    let events = rig.shard.shared.events.take(usize::MAX);
    let [Event::Disconnect { .. }, Event::Warning { code: "ERR_HOOK_TIMEOUT", message, .. }] =
        &events[..]
    else {
        panic!("its end, and the warning: {events:?}");
    };
    assert_eq!(message, "a hook did not answer within 500 ms: the answer is no");
}

#[test]
fn what_was_sent_while_a_client_waited_is_read_behind_the_verdict() {
    let mut rig = Rig::new(config());
    let mut client = rig.connect();
    rig.hear(&mut client, &[login(), heartbeat("1")].concat());
    send_unread(&mut rig, &mut client, &heartbeat("2"));
    send_unread(&mut rig, &mut client, &heartbeat("3"));
    let number = asked(&rig)[0].0;
    decide(&mut rig, number, identity(None));
    look(&mut rig, &client);
    let expected = ["connection", "authenticated", "heartbeat 1", "heartbeat 2", "heartbeat 3"];
    assert_eq!(got(&mut client), expected);
    rig.hear(&mut client, &heartbeat("4"));
    assert_eq!(got(&mut client), ["heartbeat 4"], "and it is heard as before");
}

#[test]
fn the_same_holds_over_tls() {
    let mut rig = Rig::new(config());
    let mut client = rig.connect_secure(&context());
    let heard = |shard: &Shard| shard.counters().messages_in.get();
    client.stream().write_all(&login()).unwrap();
    rig.serve(&client.plain, |shard| heard(shard) == 1);
    let number = asked(&rig)[0].0;
    client.stream().write_all(&subscribe("a")).unwrap();
    rig.wait_for_bytes(&client.plain);
    look(&mut rig, &client.plain);
    assert_eq!(heard(&rig.shard), 1);
    decide(&mut rig, number, identity(None));
    look(&mut rig, &client.plain);
    assert_eq!(heard(&rig.shard), 2);
    client.stream().write_all(&heartbeat("1")).unwrap();
    leave(&mut rig, &client.plain);
    assert!(rig.slot(&client.plain).is_none());
}

#[test]
fn a_goodbye_of_tls_that_was_read_with_the_question_is_an_end() {
    let mut rig = Rig::new(config());
    let mut client = rig.connect_secure(&context());
    client.tls.writer().write_all(&login()).unwrap();
    client.tls.send_close_notify();
    client.tls.write_tls(&mut client.peer).unwrap();
    rig.wait_for_bytes(&client.plain);
    look(&mut rig, &client.plain);
    assert_eq!(asked(&rig).len(), 1);
    assert!(rig.slot(&client.plain).is_none());
}

#[test]
fn the_same_holds_where_the_host_reads_the_socket() {
    let mut rig = Rig::new(config());
    let (bridge, stream) = Bridge::new(None, |_| {}, Waker::wake);
    let stream = Carrier::bridge(stream).into_transport().unwrap();
    let key = rig.within(|shard| shard.adopt(stream, 1, true));
    let serve = |rig: &mut Rig| {
        rig.within(|shard| shard.poll_slot(key, 1, &mut Context::from_waker(Waker::noop())))
    };
    bridge.push([REQUEST, &login(), &heartbeat("1")].concat());
    assert!(serve(&mut rig).is_pending());
    assert_eq!(asked(&rig).len(), 1);
    bridge.push(heartbeat("2"));
    assert!(serve(&mut rig).is_pending());
    bridge.end();
    assert!(serve(&mut rig).is_ready());
}
