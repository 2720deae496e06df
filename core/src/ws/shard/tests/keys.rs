//! Clients whose tokens wait for keys. The host is the test: it fetches, or does not.

use serde_json::json;
use std::time::Duration;

use super::guard::{got, look, text};
use super::held::leave;
use super::rig::{Client, Rig};
use crate::jwt::testing::Signer;
use crate::jwt::{Algorithm, Given, JwtSettings, MAX_WAITING, RawJwt};
use crate::ws::config::{Config, GuardConfig};
use crate::ws::connection::Address;
use crate::ws::events::Event;
use crate::ws::guard::desk::MAX_DECISIONS;
use crate::ws::guard::jwt::JwtCheck;
use crate::ws::guard::{Authenticator, Authorizer};
use crate::ws::server::keys::{carry_out, fetched};

/// A token of the key `k1`, which is in no set here, and a set with another key.
const TOKEN: &str = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImsxIn0.e30.AA";
const KEYS: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","kid":"other","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;

fn config() -> Config {
    let json = r#"{"uri":"https://issuer/keys"}"#.to_owned();
    let raw = RawJwt { jwks: Given::Json(json), ..RawJwt::default() };
    let settings = JwtSettings::resolve(Some(&raw), &|_| None, &|_| unreachable!());
    let (verifier, remote) = settings.unwrap().unwrap().into_verifier();
    let remote = remote.map(|(uri, policy)| (uri.into(), policy));
    let guard = GuardConfig {
        authenticator: Authenticator::Jwt(JwtCheck { verifier: verifier.into(), remote }),
        authorizer: Authorizer::Host,
        max_auth_failures: 2,
        ..GuardConfig::default()
    };
    Config { guard, heartbeat: None, ..Config::default() }
}

fn login(id: &str) -> Vec<u8> {
    login_by(TOKEN, id)
}

fn login_by(token: &str, id: &str) -> Vec<u8> {
    let payload = format!(r#"{{"token":"{token}"}}"#);
    text(&format!(r#"{{"type":"authenticate","payload":{payload},"id":"{id}"}}"#))
}

/// The fetches that the host was asked for.
fn fetches(rig: &Rig) -> Vec<u64> {
    let events = rig.shard.shared.events.take(usize::MAX).into_iter();
    let asked = events.filter_map(|event| match event {
        Event::KeySet { number, .. } => Some(number),
        _ => None,
    });
    asked.collect()
}

/// Time has come to look, as on `messaging-bg`.
fn tick(rig: &mut Rig) {
    rig.within(|shard| {
        let arrival = shard.shared.guard.keys.as_ref().unwrap().tick().0;
        carry_out(&shard.shared, arrival);
    });
    rig.turn();
}

fn end_fetch(rig: &mut Rig, number: u64, set: Option<&str>) {
    rig.within(|shard| fetched(&shard.shared, number, set)).unwrap();
    rig.turn();
}

#[test]
fn one_fetch_serves_all_who_wait_and_none_of_the_hooks_places_is_taken() {
    let mut rig = Rig::new(config());
    tick(&mut rig);
    let mut clients: Vec<Client> = (0..3).map(|_| rig.connect()).collect();
    for client in &mut clients {
        got(client);
        rig.hear(client, &login("1"));
        assert_eq!(got(client), [""; 0]);
    }
    let desk = &rig.shard.shared.guard.desk;
    assert!((0..MAX_DECISIONS).all(|_| desk.enter(clients[0].address).1));
    assert_eq!(fetches(&rig), [1]);
    end_fetch(&mut rig, 1, Some(KEYS));
    for client in &mut clients {
        look(&mut rig, client);
        assert_eq!(got(client), ["AUTH_FAILED 1"]);
    }
    assert_eq!(fetches(&rig), [0u64; 0]);
    // Within the cooldown nobody waits, and it counts: this was the second failure.
    rig.hear(&mut clients[0], &login("2"));
    assert_eq!(got(&mut clients[0]), ["AUTH_FAILED 2", "close 4401"]);
}

#[test]
fn a_user_that_is_put_out_while_its_keys_are_fetched_is_not_let_in_by_them() {
    let issuer = Signer::new(Algorithm::Es256);
    let keys = json!({ "keys": [issuer.jwk()] }).to_string();
    let mut rig = Rig::new(config());
    tick(&mut rig);
    let users = ["ada", "eve"];
    let mut clients = users.map(|user| {
        let mut client = rig.connect();
        got(&mut client);
        rig.hear(&mut client, &login_by(&issuer.token(&json!({ "sub": user })), "1"));
        client
    });
    rig.shard.shared.guard.put_out("ada");
    end_fetch(&mut rig, 1, Some(&keys));
    let answers = clients.each_mut().map(|client| {
        look(&mut rig, client);
        got(client)
    });
    assert_eq!(answers, [["AUTH_FAILED 1"], ["authenticated 1"]]);
    // A login that begins later is judged anew.
    rig.hear(&mut clients[0], &login_by(&issuer.token(&json!({ "sub": "ada" })), "2"));
    assert_eq!(got(&mut clients[0]), ["authenticated 2"]);
}

#[test]
fn who_waits_in_vain_is_not_to_blame() {
    let mut rig = Rig::new(config());
    tick(&mut rig);
    let mut client = rig.connect();
    got(&mut client);
    for id in ["1", "2", "3"] {
        rig.hear(&mut client, &login(id));
        end_fetch(&mut rig, 1, None);
        look(&mut rig, &client);
        assert_eq!(got(&mut client), [format!("AUTH_FAILED {id}")]);
    }
    assert_eq!(["auth_failed", "hook_timeout"].map(|reason| rig.refused(reason)), [3, 0]);
}

#[test]
fn a_host_that_does_not_fetch_holds_nobody_for_longer_than_its_time() {
    let mut rig = Rig::new(config());
    tick(&mut rig);
    let mut client = rig.connect();
    got(&mut client);
    rig.hear(&mut client, &login("1"));
    rig.advance(Duration::from_millis(9_900));
    tick(&mut rig);
    look(&mut rig, &client);
    assert_eq!(got(&mut client), [""; 0]);
    rig.advance(Duration::from_millis(100));
    tick(&mut rig);
    look(&mut rig, &client);
    assert_eq!(got(&mut client), ["AUTH_FAILED 1"]);
}

/// Clients that are not there take all places but one of those who wait for keys.
fn crowd(rig: &mut Rig) {
    let who = Address { shard: 0, slot: usize::MAX, serial: 0 };
    rig.within(|shard| {
        let guard = &shard.shared.guard;
        for _ in 1..MAX_WAITING {
            let number = guard.desk.enter_aside(who);
            assert!(guard.keys.as_ref().unwrap().wait(number).is_ok());
        }
    });
}

#[test]
fn so_many_wait_and_further_ones_cannot_be_judged_which_is_not_their_fault() {
    let mut rig = Rig::new(config());
    tick(&mut rig);
    end_fetch(&mut rig, 1, Some(KEYS));
    rig.advance(Duration::from_secs(30));
    let (mut first, mut late) = (rig.connect(), rig.connect());
    crowd(&mut rig);
    got(&mut first);
    got(&mut late);
    rig.hear(&mut first, &login("1"));
    // It would be the end of the third attempt, if they counted.
    for id in ["1", "2", "3"] {
        rig.hear(&mut late, &login(id));
        assert_eq!(got(&mut late), [format!("AUTH_FAILED {id}")]);
    }
    assert_eq!(got(&mut first), [""; 0], "who was there first keeps its place");
    end_fetch(&mut rig, 2, Some(KEYS));
    look(&mut rig, &first);
    assert_eq!(got(&mut first), ["AUTH_FAILED 1"]);
}

#[test]
fn who_leaves_does_not_wait_for_keys_any_more() {
    let mut rig = Rig::new(config());
    tick(&mut rig);
    crowd(&mut rig);
    for _ in 0..3 {
        let mut client = rig.connect();
        got(&mut client);
        rig.hear(&mut client, &login("1"));
        assert_eq!(got(&mut client), [""; 0], "it waits");
        leave(&mut rig, &client);
    }
}
