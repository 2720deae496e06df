//! A server on an ephemeral port and real clients for it.
#![allow(dead_code, reason = "each test file uses its own part")]

use futures_util::{SinkExt, StreamExt};
use messaging_core::ws::config::Config;
use messaging_core::ws::events::{Event, Kind};
use messaging_core::ws::{Outgoing, Server};
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// How long a test waits for what must come. It bounds a failure, and says nothing about speed.
const PATIENCE: Duration = Duration::from_secs(20);

pub fn config() -> Config {
    Config { port: 0, host: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)), ..Config::default() }
}

/// A server with the host's side of its events.
pub struct Host {
    pub server: Server,
    woken: Arc<Notify>,
}

impl Host {
    pub fn start(config: Config, interest: &[Kind]) -> Self {
        Self::make(interest, |wake| Server::bind(config, None, wake).unwrap())
    }

    /// A server for sockets of the host's own.
    pub fn attached(config: Config, interest: &[Kind]) -> Self {
        Self::make(interest, |wake| Server::attached(config, wake).unwrap())
    }

    fn make(interest: &[Kind], make: impl FnOnce(Box<dyn Fn() + Send + Sync>) -> Server) -> Self {
        let woken = Arc::new(Notify::new());
        let wake = woken.clone();
        let server = make(Box::new(move || wake.notify_one()));
        server.events().set_interest(interest.iter().map(|kind| 1 << *kind as u32).sum());
        server.start();
        Self { server, woken }
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address().expect("it listens")
    }

    /// The next batch of events, when there is one.
    pub async fn events(&self) -> Vec<Event> {
        loop {
            let batch = self.server.take_events(256);
            if !batch.is_empty() {
                return batch;
            }
            within(self.woken.notified()).await;
        }
    }

    pub async fn client(&self) -> Client {
        let url = format!("ws://{}/ws", self.address());
        let (stream, _) = within(connect_async(url)).await.unwrap();
        let mut client = Client { stream, id: String::new() };
        let greeting = client.next().await;
        client.id = greeting["payload"]["connectionId"].as_str().unwrap().to_owned();
        client
    }
}

pub struct Client {
    pub stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub id: String,
}

impl Client {
    pub async fn send(&mut self, message: Value) {
        self.stream.send(Message::text(message.to_string())).await.unwrap();
    }

    /// The next message.
    pub async fn next(&mut self) -> Value {
        loop {
            match within(self.stream.next()).await.unwrap().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Close(frame) => panic!("closed: {frame:?}"),
                _ => {}
            }
        }
    }

    /// Sends a request of the protocol and waits for its answer.
    pub async fn ask(&mut self, kind: &str, payload: Value) -> Value {
        self.send(json!({ "type": kind, "payload": payload, "id": "ask" })).await;
        loop {
            let message = self.next().await;
            if message["id"] == "ask" {
                return message;
            }
        }
    }

    /// The code with which the server closes, after whatever comes before.
    pub async fn closed(&mut self) -> Option<u16> {
        loop {
            match within(self.stream.next()).await {
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| frame.code.into()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }
}

pub fn message(number: usize) -> Outgoing {
    Outgoing::text(&json!({ "type": "n", "payload": number }).to_string(), true)
}

pub async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("it should have happened by now")
}
