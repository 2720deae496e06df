//! TLS and what it holds back: bytes that are neither in the outbox nor in the socket are still owed.

use std::io::{Read, Write};
use std::net::Shutdown;
use tokio::sync::oneshot;

use super::rig::{Rig, SecureClient, frame};
use crate::ws::close::close_payload;
use crate::ws::config::{Config, Protocol};
use crate::ws::frame::{Opcode, encode};
use crate::ws::inbox::Job;
use crate::ws::tls::testing::context;

const LENGTH: usize = 8 * 1024;

fn rig() -> (Rig, SecureClient) {
    let config = Config { protocol: Protocol::Raw, heartbeat: None, ..Config::default() };
    let mut rig = Rig::new(config);
    let client = rig.connect_secure(&context());
    (rig, client)
}

/// Sends until the socket is full and all that is owed is held back. Returns what was sent.
fn fill(rig: &mut Rig, client: &SecureClient) -> Vec<u8> {
    let mut sent = Vec::new();
    while rig.slot(&client.plain).unwrap().stream.held() == 0 {
        let frame = frame(&vec![sent.len() as u8; LENGTH]);
        sent.extend(&frame);
        rig.send(&client.plain, frame);
        rig.turn();
        assert!(sent.len() < 50_000_000, "the socket takes everything");
    }
    let slot = rig.slot(&client.plain).unwrap();
    assert!(slot.outbox.is_none() && slot.owed() == slot.stream.held() && slot.blocked);
    sent
}

/// Lets the client read so many bytes while the shard writes.
fn take(rig: &mut Rig, client: SecureClient, length: usize) -> (SecureClient, Vec<u8>) {
    let SecureClient { mut tls, mut peer, plain } = client;
    let reader = std::thread::spawn(move || {
        let mut bytes = vec![0; length];
        rustls::Stream::new(&mut tls, &mut peer).read_exact(&mut bytes).unwrap();
        (tls, peer, bytes)
    });
    rig.serve(&plain, |shard| !shard.sockets.slots[plain.address.slot].owes());
    let (tls, peer, bytes) = reader.join().unwrap();
    (SecureClient { tls, peer, plain }, bytes)
}

fn flush(rig: &mut Rig) -> oneshot::Receiver<()> {
    let (done, wait) = oneshot::channel();
    rig.push(Job::Flush(done));
    rig.turn();
    wait
}

#[test]
fn a_flush_waits_for_what_is_held_back() {
    let (mut rig, client) = rig();
    let mut sent = fill(&mut rig, &client);
    let mut first = flush(&mut rig);
    assert!(first.try_recv().is_err());
    let more = frame(&[1; LENGTH]);
    sent.extend(&more);
    rig.send(&client.plain, more);
    let mut second = flush(&mut rig);
    assert!(rig.slot(&client.plain).unwrap().outbox.is_some());
    assert!(first.try_recv().is_err() && second.try_recv().is_err());
    let (client, bytes) = take(&mut rig, client, sent.len());
    assert!(bytes == sent);
    assert!(first.try_recv().is_ok() && second.try_recv().is_ok());
    let slot = rig.slot(&client.plain).unwrap();
    assert!(!slot.blocked && slot.owed() == 0);
}

#[test]
fn what_is_held_back_goes_before_the_end_and_so_does_the_close_frame() {
    let (mut rig, mut client) = rig();
    let mut sent = fill(&mut rig, &client);
    // An unmasked frame: a violation, after which the connection drains.
    client.stream().write_all(&[0x81, 0]).unwrap();
    let key = client.plain.address.slot;
    rig.serve(&client.plain, |shard| {
        matches!(shard.sockets.slots[key].phase, crate::ws::shard::slot::Phase::Draining { .. })
    });
    let SecureClient { mut tls, mut peer, plain } = client;
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // An end without close_notify would be an error here.
        rustls::Stream::new(&mut tls, &mut peer).read_to_end(&mut bytes).unwrap();
        peer.shutdown(Shutdown::Both).unwrap();
        bytes
    });
    rig.serve(&plain, |_| false);
    let bytes = reader.join().unwrap();
    let reason = String::from_utf8_lossy(&bytes[sent.len() + 4..]).into_owned();
    sent.extend(encode(Opcode::Close, &close_payload(1002, &reason)));
    assert!(bytes == sent && !reason.is_empty());
}
