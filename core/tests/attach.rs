//! Sockets of the host's own server: by a descriptor, over TCP and a Unix domain, and over a bridge.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a failure of a test's own parts is a failed test")]

mod support;

use messaging_core::ws::close;
use messaging_core::ws::events::{Event, Kind};
use messaging_core::ws::frame::{self, Opcode};
use messaging_core::ws::{Given, Signal};
use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use support::{Host, config, message, within};

const HEADERS: [(&str, &str); 5] = [
    ("Host", "localhost"),
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

/// The timestamp is the last key of every message.
const MESSAGE_END: &str = "Z\"}";

/// A request as the host's server has parsed it, with what it has read behind it.
fn given(rest: &[u8]) -> Given {
    let headers = HEADERS.iter().map(|(name, value)| ((*name).into(), value.as_bytes().into()));
    Given {
        origin_allowed: None,
        method: "GET".into(),
        url: "/ws?x=1".into(),
        http_1_1: true,
        headers: headers.collect(),
        rest: rest.to_vec(),
    }
}

/// A client's frame, with a mask that changes nothing.
fn client_frame(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let plain = frame::encode(opcode, payload);
    let (header, payload) = plain.split_at(plain.len() - payload.len());
    let mut masked = header.to_vec();
    masked[1] |= 0x80;
    [&masked, &[0; 4][..], payload].concat()
}

fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (client, listener.accept().unwrap().0)
}

fn descriptor(socket: &impl AsFd) -> OwnedFd {
    socket.as_fd().try_clone_to_owned().unwrap()
}

/// Reads until what came ends so.
fn read_until(client: &mut impl Read, end: &str) -> String {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(end.as_bytes()) {
        client.read_exact(&mut byte).unwrap();
        bytes.push(byte[0]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The events of a host, one by one.
struct Events<'a>(&'a Host, VecDeque<Event>);

impl Events<'_> {
    async fn next(&mut self) -> Event {
        while self.1.is_empty() {
            self.1.extend(self.0.events().await);
        }
        self.1.pop_front().unwrap()
    }

    async fn signal(&mut self) -> (u64, Signal) {
        loop {
            if let Event::Socket { serial, signal } = self.next().await {
                return (serial, signal);
            }
        }
    }
}

#[tokio::test]
async fn a_socket_goes_on_where_the_host_stopped_and_is_given_back_at_its_end() {
    let host = Host::attached(config(), &[Kind::Message, Kind::Disconnect]);
    let mut events = Events(&host, VecDeque::new());
    let (mut client, theirs) = tcp_pair();
    let chat = client_frame(Opcode::Text, br#"{"type":"chat","payload":1}"#);
    // Half of the frame is read by the host, the rest is still to come.
    let serial = host.server.attach(descriptor(&theirs), given(&chat[..9])).unwrap();
    client.write_all(&chat[9..]).unwrap();
    let answer = read_until(&mut client, "\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
    assert!(read_until(&mut client, MESSAGE_END).contains("connectionId"));
    let Event::Message { connection, text } = events.next().await else { panic!("no message") };
    assert_eq!(text, r#"{"type":"chat","payload":1}"#);
    assert_eq!(connection.remote, Some(client.local_addr().unwrap()));
    assert_eq!(host.server.broadcast(message(7)), 1);
    assert!(read_until(&mut client, MESSAGE_END).contains(r#""payload":7"#));

    client.write_all(&client_frame(Opcode::Close, &close::close_payload(4000, ""))).unwrap();
    let Event::Disconnect { code, .. } = events.next().await else { panic!("no end") };
    assert_eq!(code, 4000);
    assert_eq!(events.signal().await, (serial, Signal::Release));
    // The peer sees the end although the host still has its descriptor.
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).unwrap();
    assert!(rest.ends_with(&close::close_payload(4000, "")));
    drop(theirs);
}

#[tokio::test]
async fn unix_sockets_are_served_and_other_descriptors_refused() {
    let host = Host::attached(config(), &[]);
    let (mut client, theirs) = UnixStream::pair().unwrap();
    host.server.attach(descriptor(&theirs), given(b"")).unwrap();
    assert!(read_until(&mut client, MESSAGE_END).contains("connectionId"));

    let file = std::fs::File::open("Cargo.toml").unwrap();
    assert!(host.server.attach(descriptor(&file), given(b"")).is_err());
    let datagrams = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    assert!(host.server.attach(descriptor(&datagrams), given(b"")).is_err());
}

#[tokio::test]
async fn a_request_that_is_refused_is_answered_and_the_socket_given_back() {
    let host = Host::attached(config(), &[]);
    let (mut client, theirs) = tcp_pair();
    let post = Given { method: "POST".into(), ..given(b"") };
    let serial = host.server.attach(descriptor(&theirs), post).unwrap();
    assert!(read_until(&mut client, "\r\n\r\n").starts_with("HTTP/1.1 400"));
    client.shutdown(Shutdown::Write).unwrap();
    let mut events = Events(&host, VecDeque::new());
    assert_eq!(events.signal().await, (serial, Signal::Release));
    assert_eq!(host.server.stats().refusals.iter().map(|(_, count)| count).sum::<u64>(), 1);
}

#[tokio::test]
async fn a_request_is_judged_without_being_handed_over_and_a_refusal_counted() {
    let host = Host::attached(config(), &[]);
    let judge = |given: &Given| String::from_utf8(host.server.judge(given, None)).unwrap();
    assert!(judge(&given(b"")).starts_with("HTTP/1.1 101"));
    let other = Given { url: "/other".into(), ..given(b"") };
    assert!(judge(&other).ends_with("\r\n\r\nNot Found\n"));
    let counted: Vec<_> =
        host.server.stats().refusals.into_iter().filter(|(_, count)| *count > 0).collect();
    assert_eq!(counted, [("not_found", 1)]);
}

#[tokio::test]
async fn a_socket_that_the_host_destroys_ends_its_connection() {
    let host = Host::attached(config(), &[Kind::Disconnect]);
    let mut events = Events(&host, VecDeque::new());
    let (mut client, theirs) = tcp_pair();
    let serial = host.server.attach(descriptor(&theirs), given(b"")).unwrap();
    read_until(&mut client, MESSAGE_END);
    drop(theirs);
    host.server.abandon(serial);
    let mut codes = Vec::new();
    while codes.is_empty() {
        if let Event::Disconnect { code, .. } = events.next().await {
            codes.push(code);
        }
    }
    assert_eq!(codes, [close::ABNORMAL]);
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).unwrap();
}

#[tokio::test]
async fn what_comes_after_the_end_stays_the_hosts() {
    let host = Host::attached(config(), &[]);
    let (_client, theirs) = tcp_pair();
    let ended = host.server.shutdown(std::time::Duration::ZERO);
    assert!(host.server.attach(descriptor(&theirs), given(b"")).is_err());
    within(ended).await;
    assert!(host.server.attach(descriptor(&theirs), given(b"")).is_err());
    assert!(host.server.attach_bridge(None, given(b"")).is_err());
}

#[tokio::test]
async fn a_bridge_carries_a_connection() {
    let host = Host::attached(config(), &[Kind::Message, Kind::Connection]);
    let mut events = Events(&host, VecDeque::new());
    let peer = "10.1.2.3:4567".parse().unwrap();
    let (serial, bridge) = host.server.attach_bridge(Some(peer), given(b"")).unwrap();
    let mut sent = Vec::new();
    let write = |sent: &mut Vec<u8>| {
        let bytes = bridge.take();
        bridge.written(bytes.len());
        sent.extend(bytes);
    };
    while !String::from_utf8_lossy(&sent).contains("connectionId") {
        match events.next().await {
            Event::Connection { connection, .. } => assert_eq!(connection.remote, Some(peer)),
            Event::Socket { serial: number, signal: Signal::Output } if number == serial => {
                write(&mut sent);
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(sent.starts_with(b"HTTP/1.1 101"));

    let chat = client_frame(Opcode::Text, br#"{"type":"chat","payload":1}"#);
    let (first, second) = chat.split_at(7);
    bridge.push(first.to_vec());
    bridge.push(second.to_vec());
    host.server.rouse();
    let Event::Message { connection, .. } = events.next().await else { panic!("no message") };

    // Before the host takes events again, which is when it can write, the shard is not woken for each.
    for number in [1, 2, 3] {
        assert!(host.server.send(&connection, message(number)));
    }
    assert_eq!(events.signal().await, (serial, Signal::Output));
    let bytes = bridge.take();
    bridge.written(bytes.len());
    let text = String::from_utf8_lossy(&bytes);
    let places = [1, 2, 3].map(|number| text.find(&format!(r#""payload":{number}"#)));
    assert!(places.is_sorted() && places[0].is_some(), "{text}");

    bridge.push(client_frame(Opcode::Close, &close::close_payload(1000, "")));
    host.server.rouse();
    let mut seen = Vec::new();
    while seen.last() != Some(&Signal::Release) {
        let (_, signal) = events.signal().await;
        if signal == Signal::Output {
            write(&mut sent);
        }
        seen.push(signal);
    }
    assert!(sent.ends_with(&close::close_payload(1000, "")));
}

#[tokio::test]
async fn a_bridge_tells_whether_its_peer_was_given_up() {
    for (asks, given_up) in [(true, false), (false, true)] {
        let host = Host::attached(config(), &[]);
        let mut events = Events(&host, VecDeque::new());
        let (_, bridge) = host.server.attach_bridge(None, given(b"")).unwrap();
        while events.signal().await.1 != Signal::Output {}
        if asks {
            bridge.push(client_frame(Opcode::Close, &close::close_payload(1000, "")));
            host.server.rouse();
        } else {
            within(host.server.shutdown(std::time::Duration::ZERO)).await;
        }
        while events.signal().await.1 != Signal::Release {}
        assert_eq!(bridge.given_up(), given_up);
    }
}
