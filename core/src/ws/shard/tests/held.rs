//! Clients that are held while something is decided, and what may come between: output that they do not take,
//! the host's wishes, their leaving.

use std::time::Duration;
use tokio::time::Instant;

use super::guard::{
    AUTH_TIMEOUT, asked, config, decide, got, heartbeat, identity, login, look, strict, subscribe,
};
use super::rig::{Client, Rig};
use crate::ws::clock;
use crate::ws::close::GOING_AWAY;
use crate::ws::config::Config;
use crate::ws::guard::Verdict;
use crate::ws::inbox::Job;

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
