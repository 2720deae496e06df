//! Sockets of the host's, of which it may change its mind at any time.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use super::rig::{Rig, client_frame};
use crate::ws::arrival::Arrival;
use crate::ws::config::Config;
use crate::ws::frame::Opcode;
use crate::ws::inbox::Job;
use crate::ws::transport::Carrier;

#[test]
fn a_socket_that_is_abandoned_in_the_turn_in_which_it_arrives_is_closed() {
    let mut rig = Rig::new(Config::default());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut clients: Vec<_> = [1, 2]
        .into_iter()
        .map(|serial| {
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let carrier = Carrier::tcp(listener.accept().unwrap().0);
            rig.push(Job::Adopt(Arrival { carrier, serial, given: None }));
            client
        })
        .collect();
    rig.push(Job::Abandon(1));
    rig.turn();

    let left: Vec<_> = rig.shard.foundlings.iter().map(|arrival| arrival.serial).collect();
    assert_eq!(left, [2], "the other one stays");
    clients[0].set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    assert_eq!(clients[0].read(&mut [0]).unwrap(), 0);
}

#[test]
fn a_socket_that_is_abandoned_while_its_client_is_served_ends_behind_that() {
    let mut rig = Rig::new(Config::default());
    let mut client = rig.connect();
    rig.shard.attached.insert(client.address.serial, client.address.slot);
    rig.push(Job::Abandon(client.address.serial));
    // The change of a membership looks at the queue, in the midst of the frames.
    let join = client_frame(Opcode::Text, br#"{"type":"join_room","payload":{"room":"r"}}"#);
    client.peer.write_all(&[join.clone(), join].concat()).unwrap();
    rig.serve(&client, |_| false);
    assert!(rig.slot(&client).is_none());
    assert!(rig.shard.lists.is_empty() && rig.shard.attached.is_empty());
}
