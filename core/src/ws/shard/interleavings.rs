//! Property tests: whatever the order in which the host, the clients and the shard get to act,
//! lists follow the index, and a client gets exactly the messages that counted it, in order, with
//! the answer to each of its own changes at its place between them.
//!
//! Clients' changes are taken apart into their two steps (index, then the queue), so that the host
//! acts in between, as it may when it runs on a thread of its own.

use proptest::prelude::*;
use std::collections::BTreeSet;
use std::io::Read;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use tokio::runtime::{Builder, Runtime};

use super::Shard;
use super::slot::Phase;
use crate::ws::answer::Answer;
use crate::ws::budget::Budget;
use crate::ws::config::{Config, Protocol};
use crate::ws::connection::{Address, Connection, GroupKind, next_serial};
use crate::ws::events::EventQueue;
use crate::ws::guard::Guard;
use crate::ws::handshake::Request;
use crate::ws::inbox::{Inbox, Job};
use crate::ws::index::{Index, Join, Leave};
use crate::ws::limits::{Buckets, Entrance};
use crate::ws::outgoing::Outgoing;
use crate::ws::shared::Shared;
use crate::ws::stats::{Counter, Counters};
use crate::ws::transport::Transport;

const CLIENTS: usize = 3;
const ROOMS: [&str; 2] = ["a", "b"];

#[derive(Clone, Debug)]
enum Host {
    Join(usize, usize),
    Leave(usize, usize),
    Send(usize),
    Disconnect(usize),
}

#[derive(Clone, Debug)]
enum Step {
    Host(Host),
    /// A client joins or leaves; the host acts when the index has changed and the list has not.
    Client {
        client: usize,
        room: usize,
        join: bool,
        meanwhile: Vec<Host>,
    },
    Turn,
}

fn host() -> impl Strategy<Value = Host> {
    prop_oneof![
        4 => (0..CLIENTS, 0..ROOMS.len()).prop_map(|(c, r)| Host::Join(c, r)),
        4 => (0..CLIENTS, 0..ROOMS.len()).prop_map(|(c, r)| Host::Leave(c, r)),
        6 => (0..ROOMS.len()).prop_map(Host::Send),
        1 => (0..CLIENTS).prop_map(Host::Disconnect),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let few = prop::collection::vec(host(), 0..3);
    let client = (0..CLIENTS, 0..ROOMS.len(), any::<bool>(), few);
    let client = client.prop_map(|(client, room, join, meanwhile)| Step::Client {
        client,
        room,
        join,
        meanwhile,
    });
    prop_oneof![
        4 => host().prop_map(Step::Host),
        4 => client,
        2 => Just(Step::Turn),
    ]
}

#[derive(Clone, Debug, PartialEq)]
enum Received {
    Message(usize),
    Answer,
}

/// One shard with open connections on real sockets, driven by hand.
struct World {
    shard: Shard,
    connections: Vec<Arc<Connection>>,
    peers: Vec<TcpStream>,
    /// What each client is to receive: messages that counted it, and answers, in this order.
    due: [Vec<Received>; CLIENTS],
    sends: usize,
    gone: BTreeSet<usize>,
    _runtime: Runtime,
}

impl World {
    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let config = Config { shards: 1, protocol: Protocol::Raw, ..Config::default() };
        let shared = Arc::new(Shared {
            tls: None,
            index: Index::new(1),
            events: EventQueue::new(|| {}, || {}),
            budget: Budget::new(config.memory_budget),
            inboxes: vec![Arc::new(Inbox::new())],
            counters: vec![Counters::default()],
            entrance: Entrance::new(&config.limits),
            users: Buckets::new(),
            overloaded: Counter::default(),
            given_way: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            guard: Guard::default(),
            config,
        });
        let mut shard = Shard::new(0, shared);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (mut connections, mut peers) = (Vec::new(), Vec::new());
        for _ in 0..CLIENTS {
            let mut peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (socket, _) = listener.accept().unwrap();
            socket.set_nonblocking(true).unwrap();
            // The runtime runs only here: afterwards the sockets are known to be writable.
            let stream = runtime.block_on(async {
                let stream = tokio::net::TcpStream::from_std(socket).unwrap();
                stream.writable().await.unwrap();
                stream
            });
            let key = shard.adopt(Transport::tcp(stream), next_serial(), false);
            let request = Request {
                url: "/ws".into(),
                headers: Vec::new(),
                key: "dGhlIHNhbXBsZSBub25jZQ==".into(),
                protocols: Vec::new(),
                bearer: None,
                deflate: None,
            };
            assert!(shard.establish(key, request));
            shard.write_answers(key);
            let Phase::Open(connection) = &shard.sockets.slots[key].phase else { unreachable!() };
            connections.push(connection.clone());
            shard.settle();
            // The handshake's response is of no interest here.
            let mut response = [0; 1024];
            assert!(peer.read(&mut response).unwrap() > 0);
            peers.push(peer);
        }
        let (due, gone) = (Default::default(), BTreeSet::new());
        Self { shard, connections, peers, due, sends: 0, gone, _runtime: runtime }
    }

    fn address(&self, client: usize) -> Address {
        self.connections[client].address
    }

    /// What `Server` does for each of the host's calls.
    fn host(&mut self, act: &Host) {
        let shared = self.shard.shared.clone();
        let inbox = &shared.inboxes[0];
        match *act {
            Host::Join(client, room) => {
                let who = self.address(client);
                let tell = |group| inbox.push(Job::Join { who, group, answered: false });
                shared.index.join(&self.connections[client], GroupKind::Room, ROOMS[room], tell);
            }
            Host::Leave(client, room) => {
                let who = self.address(client);
                let tell = |group| inbox.push(Job::Leave { who, group, answered: false });
                shared.index.leave(&self.connections[client], GroupKind::Room, ROOMS[room], tell);
            }
            Host::Send(room) => {
                let number = self.sends;
                self.sends += 1;
                let members = shared.index.members(GroupKind::Room, ROOMS[room]);
                let frame = Outgoing::text(&format!("{number:04}"), false).admit(&shared).unwrap();
                let count =
                    shared.index.route(GroupKind::Room, ROOMS[room], |_, group, expected| {
                        inbox.push(Job::Group { group, frame: frame.clone(), expected });
                    });
                assert_eq!(count, members.len());
                for (connection, due) in self.connections.iter().zip(&mut self.due) {
                    if members.contains(&connection.id) {
                        due.push(Received::Message(number));
                    }
                }
            }
            Host::Disconnect(client) => {
                if shared.index.deregister(&self.connections[client]) {
                    let (who, reason) = (self.address(client), String::new());
                    inbox.push(Job::Close { who, code: 1000, reason });
                    self.gone.insert(client);
                }
            }
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Host(act) => self.host(act),
            Step::Turn => {
                self.shard.work();
                self.shard.settle();
            }
            Step::Client { client, room, join, meanwhile } => {
                let connection = self.connections[*client].clone();
                let (who, shared) = (connection.address, self.shard.shared.clone());
                let (kind, name, inbox) = (GroupKind::Room, ROOMS[*room], &shared.inboxes[0]);
                let changed = if *join {
                    let tell = |group| inbox.append(Job::Join { who, group, answered: true });
                    shared.index.join(&connection, kind, name, tell) == Join::Joined
                } else {
                    let tell = |group| inbox.append(Job::Leave { who, group, answered: true });
                    shared.index.leave(&connection, kind, name, tell) == Leave::Left
                };
                if changed {
                    self.due[*client].push(Received::Answer);
                }
                meanwhile.iter().for_each(|act| self.host(act));
                if changed {
                    self.shard.catch_up(who.slot, Some(&Answer::Heartbeat), None);
                    self.shard.write_answers(who.slot);
                }
            }
        }
    }

    /// What a client got, in its order.
    fn received(&mut self, client: usize) -> Vec<Received> {
        let peer = &mut self.peers[client];
        peer.set_nonblocking(true).unwrap();
        let mut bytes = Vec::new();
        // Loopback: what was written is there; the end of it is a read that would block.
        let _ = peer.read_to_end(&mut bytes);
        let (mut rest, mut received) = (&bytes[..], Vec::new());
        while let [0x81, length, after @ ..] = rest {
            let (payload, next) = after.split_at(usize::from(*length));
            let text = std::str::from_utf8(payload).unwrap();
            received.push(text.parse().map_or(Received::Answer, Received::Message));
            rest = next;
        }
        received
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn clients_get_exactly_what_counted_them(steps in prop::collection::vec(step(), 1..40)) {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
        }
        world.step(&Step::Turn);

        let mut listed = BTreeSet::new();
        for (group, list) in &world.shard.lists {
            for &slot in list {
                listed.insert((*group, slot));
            }
        }
        let mut indexed = BTreeSet::new();
        for (client, connection) in world.connections.iter().enumerate() {
            if !world.gone.contains(&client) {
                for membership in connection.lock().memberships.iter() {
                    indexed.insert((membership.group, connection.address.slot));
                }
            }
        }
        prop_assert_eq!(listed, indexed, "lists and index differ");

        for client in 0..CLIENTS {
            let received = world.received(client);
            let mut due = world.due[client].clone();
            if world.gone.contains(&client) && received.len() < due.len() {
                // Only the answer to what it asked for last may be missing.
                prop_assert_eq!(due.pop(), Some(Received::Answer));
            }
            prop_assert_eq!(received, due, "client {}", client);
        }
    }
}
