//! What is a sign of life.

use std::time::Duration;

use super::rig::{Rig, client_frame};
use crate::ws::config::Config;
use crate::ws::frame::Opcode;

#[test]
fn who_sends_a_frame_in_parts_is_alive_before_it_is_whole() {
    let interval = Duration::from_millis(100);
    let mut rig = Rig::new(Config { heartbeat: Some(interval), ..Config::default() });
    let mut client = rig.connect();
    let frame = client_frame(Opcode::Text, br#"{"type":"heartbeat"}"#);
    for byte in frame {
        rig.hear(&mut client, &[byte]);
        rig.advance(interval);
        rig.turn();
    }
    assert!(rig.is_open(&client));
    for _ in 0..4 {
        rig.advance(interval);
        rig.turn();
    }
    assert!(!rig.is_open(&client));
}
