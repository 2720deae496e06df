//! Clients that are held while something is decided, and that meanwhile do not take their output.

use std::time::Duration;

use super::guard::{
    AUTH_TIMEOUT, asked, config, decide, heartbeat, identity, login, look, strict, subscribe,
};
use super::rig::Rig;
use crate::ws::config::Config;
use crate::ws::guard::Verdict;

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
