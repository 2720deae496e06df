//! Clients that come, join, leave and go on several shards, while the host sends and moves them
//! around from its own thread: in the end index, counts and deliveries agree.

#![allow(clippy::unwrap_used, reason = "a failure of a test's own parts is a failed test")]

mod support;

use messaging_core::ws::GroupKind;
use messaging_core::ws::config::Config;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use support::{Client, Host, config, message};

const CLIENTS: usize = 60;
const ROUNDS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_forgotten_and_nobody_stays() {
    let host = Arc::new(Host::start(Config { shards: 3, ..config() }, &[]));
    let busy = Arc::new(AtomicBool::new(true));

    // The host: sends and moves, all the time.
    let meddler = {
        let (host, busy) = (host.clone(), busy.clone());
        std::thread::spawn(move || {
            let server = &host.server;
            let mut round = 0;
            while busy.load(Relaxed) {
                let room = format!("room{}", round % 5);
                // Moved in and out of a room of the host's own: what a client left stays left.
                for id in server.members(GroupKind::Room, &room).into_iter().take(3) {
                    let id = id.to_string();
                    server.join(&id, GroupKind::Room, "moved");
                    server.leave(&id, GroupKind::Room, "moved");
                }
                server.send_to_group(GroupKind::Room, &room, message(round));
                server.broadcast(message(round));
                round += 1;
                // No faster than the clients read: a backlog would only make the test slow.
                while busy.load(Relaxed) && server.stats().queued_bytes > 2_000 {
                    std::thread::yield_now();
                }
            }
        })
    };

    let visits = (0..CLIENTS).map(|number| tokio::spawn(visit(host.clone(), number)));
    let mut stayed: Vec<Client> = Vec::new();
    for visit in visits.collect::<Vec<_>>() {
        stayed.extend(visit.await.unwrap());
    }
    busy.store(false, Relaxed);
    meddler.join().unwrap();

    // Those that left may still be on their way out.
    while host.server.connection_count() > stayed.len() {
        tokio::task::yield_now().await;
    }
    assert_eq!(host.server.connection_count(), CLIENTS / 2);
    let mut by_room = [0; 5];
    for (room, count) in by_room.iter_mut().enumerate() {
        *count = host.server.members(GroupKind::Room, &format!("room{room}")).len();
    }
    assert_eq!(by_room.iter().sum::<usize>(), stayed.len(), "each is in one room: {by_room:?}");

    // And the lists agree: a last message reaches each of them exactly once.
    for (room, count) in by_room.iter().enumerate() {
        let last = message(1_000_000 + room);
        assert_eq!(
            host.server.send_to_group(GroupKind::Room, &format!("room{room}"), last),
            *count
        );
    }
    let end = host.server.broadcast(message(2_000_000));
    assert_eq!(end, stayed.len());
    for client in &mut stayed {
        let mut lasts = 0;
        loop {
            let payload = client.next().await["payload"].as_u64();
            match payload {
                Some(2_000_000) => break,
                Some(number) if number >= 1_000_000 => lasts += 1,
                _ => {}
            }
        }
        assert_eq!(lasts, 1);
    }
}

/// Joins and leaves rooms for a while; odd clients go, even ones stay.
async fn visit(host: Arc<Host>, number: usize) -> Option<Client> {
    let mut client = host.client().await;
    for round in 0..ROUNDS {
        let room = json!({ "room": format!("room{}", (number + round) % 5) });
        assert_eq!(client.ask("join_room", room.clone()).await["type"], "joined_room");
        if round + 1 < ROUNDS {
            client.ask("leave_room", room).await;
        }
    }
    number.is_multiple_of(2).then_some(client)
}
