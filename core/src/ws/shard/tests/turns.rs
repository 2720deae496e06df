//! How much of what one client has sent is done in a turn.

use super::guard::text;
use super::rig::{Client, Rig, client_frame};
use crate::ws::config::{Config, Protocol};
use crate::ws::frame::Opcode;
use crate::ws::limits::Rate;
use crate::ws::shard::sockets::OWED_WHILE_READING;

/// Gives a client's frames to the shard as what one read has brought.
fn read(rig: &mut Rig, client: &Client, mut bytes: Vec<u8>) {
    let key = client.address.slot;
    rig.within(|shard| {
        shard.frames(key, &mut bytes);
        shard.write_answers(key);
    });
}

fn has_kept(rig: &Rig, client: &Client) -> bool {
    rig.slot(client).unwrap().kept.is_some()
}

#[test]
fn a_client_that_makes_many_answers_of_a_read_takes_them_before_it_goes_on() {
    let mut config = Config::default();
    config.limits.messages = Some(Rate::new(1, 1));
    let mut rig = Rig::new(config);
    let mut client = rig.connect();
    client.read_all();
    let messages = (0..3000).map(|id| text(&format!(r#"{{"type":"x","id":"{id}"}}"#)));
    let messages: Vec<u8> = messages.flatten().collect();
    read(&mut rig, &client, messages);
    assert!(has_kept(&rig, &client));
    assert!(rig.owed(&client) < OWED_WHILE_READING + 1024);

    let mut got = Vec::new();
    while has_kept(&rig, &client) || rig.owed(&client) > 0 {
        // What it does not take holds it back, however often it is looked at.
        let owed = rig.owed(&client);
        assert!(owed < 2 * OWED_WHILE_READING + 1024, "{owed}");
        got.extend(rig.make_writable(&mut client));
        rig.serve(&client, |_| true);
    }
    got.extend(client.read_all());
    let got = String::from_utf8_lossy(&got);
    let ids = got.split(r#""id":""#).skip(1).map(|rest| rest.split('"').next().unwrap());
    let expected: Vec<String> = (1..3000).map(|id| id.to_string()).collect();
    assert!(ids.eq(expected), "each of those over the rate is answered, in its order");
}

#[test]
fn a_client_whose_messages_are_large_leaves_others_their_turn() {
    let mut config = Config { protocol: Protocol::Raw, ..Config::default() };
    config.limits.messages = None;
    let mut rig = Rig::new(config);
    let client = rig.connect();
    let came = |rig: &Rig| rig.shard.counters().messages_in.get();
    // As one read is when it is inflated.
    read(&mut rig, &client, client_frame(Opcode::Binary, &[0; 16_000]).repeat(180));
    let first = came(&rig);
    assert!(has_kept(&rig, &client));
    assert!((60..80).contains(&first), "{first}");
    rig.serve(&client, |_| true);
    let second = came(&rig);
    assert!(first < second && second < 180, "{second}");
    rig.serve(&client, |_| true);
    assert_eq!(came(&rig), 180);
    assert!(!has_kept(&rig, &client));
}

#[test]
fn who_is_owed_little_is_not_closed_since_others_take_no_answers() {
    let mut rig = Rig::new(Config::default());
    let budget = rig.shard.shared.budget.clone();
    let _of_others = budget.answer(vec![0; rig.shard.shared.config.memory_budget / 4], false);
    let mut client = rig.connect();
    client.read_all();
    rig.stall(&client);
    let owed = rig.owed(&client);
    read(&mut rig, &client, text(r#"{"type":"heartbeat"}"#));
    rig.turn();
    assert!(rig.is_open(&client) && rig.owed(&client) > owed);
    read(&mut rig, &client, text(r#"{"type":"heartbeat"}"#).repeat(150));
    rig.turn();
    assert!(!rig.is_open(&client), "it is one of those");
}
