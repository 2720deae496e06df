//! The server over real sockets: several shards, order, the end, and a host that falls behind.

#![allow(clippy::unwrap_used, reason = "a failure of a test's own parts is a failed test")]

mod support;

use futures_util::{SinkExt, StreamExt};
use messaging_core::ws::GroupKind;
use messaging_core::ws::config::{Config, Limits, Protocol};
use messaging_core::ws::events::{Event, Kind};
use serde_json::json;
use std::io::{Read, Write};
use std::time::Duration;
use support::{Host, config, message, within};
use tokio_tungstenite::tungstenite::Message;

const LONG: Duration = Duration::from_secs(3600);

/// A handshake by hand.
fn request(target: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

#[tokio::test]
async fn mixed_sends_arrive_in_the_order_of_the_calls_on_every_shard() {
    let host = Host::start(Config { shards: 4, ..config() }, &[]);
    let mut clients = Vec::new();
    for _ in 0..8 {
        let mut client = host.client().await;
        client.ask("authenticate", json!({ "userId": "u" })).await;
        client.ask("join_room", json!({ "room": "r" })).await;
        client.ask("subscribe", json!({ "topic": "t" })).await;
        clients.push(client);
    }
    let server = &host.server;
    for round in 0..200 {
        let number = round * 4;
        assert_eq!(server.broadcast(message(number)), 8);
        assert_eq!(server.send_to_group(GroupKind::Room, "r", message(number + 1)), 8);
        assert_eq!(server.send_to_group(GroupKind::User, "u", message(number + 2)), 8);
        for client in &clients {
            assert!(server.send_to_connection(&client.id, message(number + 3)));
        }
    }
    for client in &mut clients {
        for number in 0..800 {
            assert_eq!(client.next().await["payload"], number);
        }
    }
}

#[tokio::test]
async fn a_member_by_the_hosts_word_gets_what_is_sent_right_after() {
    let host = Host::start(config(), &[]);
    let mut client = host.client().await;
    for number in 0..50 {
        assert!(host.server.join(&client.id, GroupKind::Room, "r"));
        assert_eq!(host.server.send_to_group(GroupKind::Room, "r", message(number)), 1);
        assert!(host.server.leave(&client.id, GroupKind::Room, "r"));
        assert_eq!(host.server.send_to_group(GroupKind::Room, "r", message(1000)), 0);
        assert_eq!(client.next().await["payload"], number);
    }
}

#[tokio::test]
async fn a_shutdown_ends_as_soon_as_the_last_client_has_answered() {
    let host = Host::start(Config { close_timeout: LONG, shards: 2, ..config() }, &[]);
    let mut clients = [host.client().await, host.client().await, host.client().await];
    assert_eq!(host.server.broadcast(message(1)), 3);
    let end = host.server.shutdown(LONG);
    assert_eq!(host.server.connection_count(), 0);
    for client in &mut clients {
        assert_eq!(client.next().await["payload"], 1, "what was queued before is not lost");
        assert_eq!(client.closed().await, Some(1001));
        // Reading on lets tungstenite answer the Close frame.
        assert!(client.stream.next().await.is_none_or(|it| it.is_err()));
    }
    within(end).await;
}

#[tokio::test]
async fn a_shutdown_ends_by_its_deadline_when_a_client_never_answers() {
    let host = Host::start(Config { close_timeout: LONG, ..config() }, &[Kind::Disconnect]);
    let silent = host.client().await;
    within(host.server.shutdown(Duration::from_millis(50))).await;
    let [Event::Disconnect { code: 1006, .. }] = &host.events().await[..] else {
        panic!("not one abnormal end")
    };
    drop(silent);
}

#[tokio::test]
async fn a_flush_after_the_end_has_nothing_to_wait_for() {
    let host = Host::start(config(), &[]);
    within(host.server.flush()).await;
    within(host.server.shutdown(LONG)).await;
    within(host.server.flush()).await;
}

#[tokio::test]
async fn the_port_is_free_when_close_returns() {
    let first = Host::start(config(), &[]);
    let _client = first.client().await;
    let port = first.address().port();
    first.server.close();
    let second = Host::start(Config { port, ..config() }, &[]);
    let _other = second.client().await;
    assert_eq!(second.server.connection_count(), 1);
}

#[tokio::test]
async fn a_host_that_falls_behind_stops_the_reading_and_loses_nothing() {
    let limits = Limits { messages: None, ..Limits::default() };
    let raw = Config { protocol: Protocol::Raw, limits, ..config() };
    let host = Host::start(raw, &[Kind::Connection, Kind::Data]);
    let url = format!("ws://{}/ws", host.address());
    let (stream, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    let Event::Connection { .. } = &host.events().await[0] else { panic!("no connection") };

    // More than the queue holds and the kernel's buffers take: the client gets stuck.
    const MESSAGES: usize = 60_000;
    let (mut sink, _stream) = stream.split();
    let flood = tokio::spawn(async move {
        for number in 0..MESSAGES {
            sink.feed(Message::text(format!("{number:0>500}"))).await.unwrap();
        }
        sink.flush().await.unwrap();
        sink
    });
    // The queue is full when the server has stopped to read: its count stands still.
    let mut before = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let now = host.server.stats().messages_in;
        if now > 0 && now == before {
            break;
        }
        before = now;
    }
    assert!(before < MESSAGES as u64, "the server read on without a host");

    let mut next = 0;
    while next < MESSAGES {
        for event in host.events().await {
            let Event::RawText { text, .. } = event else { continue };
            assert_eq!(text.parse::<usize>().unwrap(), next);
            next += 1;
        }
    }
    // The client's half is kept to the end: dropping it earlier would close the connection.
    drop(within(flood).await.unwrap());
}

#[tokio::test]
async fn frames_right_behind_the_handshake_are_kept() {
    let host = Host::start(Config { protocol: Protocol::Raw, ..config() }, &[Kind::Data]);
    let address = host.address();
    let mut bytes = request("/ws?token=x").into_bytes();
    // A masked text frame "hi" with a mask of zeros, twice.
    bytes.extend_from_slice(b"\x81\x82\0\0\0\0hi\x81\x82\0\0\0\0ho");
    let mut socket = std::net::TcpStream::connect(address).unwrap();
    socket.write_all(&bytes).unwrap();
    let mut texts = Vec::new();
    while texts.len() < 2 {
        for event in host.events().await {
            if let Event::RawText { text, .. } = event {
                texts.push(text);
            }
        }
    }
    assert_eq!(texts, ["hi", "ho"]);
    let mut response = [0; 12];
    socket.read_exact(&mut response).unwrap();
    assert_eq!(&response, b"HTTP/1.1 101");
}

#[tokio::test]
async fn a_client_that_keeps_reading_gets_all_before_the_end_however_long_that_takes() {
    let close_timeout = Duration::from_millis(150);
    let large = Config { close_timeout, max_buffered_amount: 1 << 30, ..config() };
    let host = Host::start(large, &[]);
    let mut socket = std::net::TcpStream::connect(host.address()).unwrap();
    socket.write_all(request("/ws").as_bytes()).unwrap();
    let mut head = [0; 4096];
    assert!(socket.read(&mut head).unwrap() > 0);
    within(async {
        while host.server.connection_count() == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    const MESSAGES: usize = 24;
    for _ in 0..MESSAGES {
        let mebibyte = messaging_core::ws::Outgoing::binary(&vec![7; 1 << 20]);
        assert_eq!(host.server.broadcast(mebibyte), 1);
    }
    let end = host.server.shutdown(LONG);
    // Slower than closeTimeout in all, but never that long without a byte.
    let reader = tokio::task::spawn_blocking(move || {
        let (mut total, mut last) = (0, Vec::new());
        let mut chunk = vec![0; 1 << 20];
        loop {
            let count = socket.read(&mut chunk).unwrap();
            if count == 0 {
                return (total, last);
            }
            total += count;
            last = chunk[count.saturating_sub(24)..count].to_vec();
            std::thread::sleep(Duration::from_millis(10));
        }
    });
    within(end).await;
    let (total, last) = within(reader).await.unwrap();
    assert!(total >= MESSAGES << 20, "only {total} bytes came");
    let close = [&[0x88, 22, 0x03, 0xe9], &b"Server shutting down"[..]].concat();
    assert_eq!(last, close, "the stream does not end by the Close frame");
}

#[tokio::test]
async fn a_handshake_under_way_is_not_pushed_out_by_those_that_are_over() {
    let host = Host::start(config(), &[]);
    let address = host.address();
    let mut slow = std::net::TcpStream::connect(address).unwrap();
    let request = request("/ws");
    let (first, rest) = request.split_at(20);
    slow.write_all(first.as_bytes()).unwrap();
    // More than may be under way at once, each answered and over.
    tokio::task::spawn_blocking(move || {
        for _ in 0..4200 {
            let mut other = std::net::TcpStream::connect(address).unwrap();
            other.write_all(b"POST / HTTP/1.1\r\n\r\n").unwrap();
            let mut response = [0; 12];
            other.read_exact(&mut response).unwrap();
            assert_eq!(&response, b"HTTP/1.1 400");
        }
    })
    .await
    .unwrap();
    slow.write_all(rest.as_bytes()).unwrap();
    let mut response = [0; 12];
    slow.read_exact(&mut response).unwrap();
    assert_eq!(&response, b"HTTP/1.1 101");
}
