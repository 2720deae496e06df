//! `Server`: the host's handle. Every call is synchronous and costs the host at most one job per
//! shard; nothing here waits for a shard. It is longer than other files, since it is one list of short
//! calls; those for the host's sockets and for decisions are in `attach` and `guard`.

mod attach;
mod guard;
pub(in crate::ws) mod keys;

use socket2::SockRef;
use std::fmt;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener};
use std::sync::atomic::{
    AtomicBool, AtomicUsize, Ordering::AcqRel, Ordering::Acquire, Ordering::Relaxed,
};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use super::budget::Budget;
use super::config::Config;
use super::connection::{Address, Connection, ConnectionId, GroupKind, Status};
use super::events::{Event, EventQueue};
use super::guard::Guard;
use super::inbox::{Inbox, Job};
use super::index::{Index, Join, Leave};
use super::limits::{Buckets, Entrance};
use super::listener::{self, BindError};
use super::outgoing::Outgoing;
use super::prepared::Frame;
use super::shard::{self, life::Life};
use super::shared::Shared;
use super::stats::{Counter, Counters, Stats};
use super::tls::{RawTls, Tls, TlsContext, TlsError, TlsNotice};
use crate::runtime::background;

/// How long `close()` lets clients take what is queued for them.
const CLOSE_GRACE: Duration = Duration::from_secs(1);

/// A WebSocket server: its shards, its index, and the way to reach them.
pub struct Server {
    shared: Arc<Shared>,
    /// None when it is attached to a server of the host's.
    address: Option<SocketAddr>,
    /// The shards' listener once more, so that `close()` frees the port before it returns.
    listener: Mutex<Option<TcpListener>>,
    /// Sends wait in inboxes whose shards have not been woken for them.
    held: AtomicBool,
    /// How many shards are alive.
    alive: watch::Receiver<usize>,
    /// Where the host waits for what takes time.
    background: Handle,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Why a request got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// No answer came in time.
    #[error("the client did not answer in time")]
    Timeout,
    /// The connection is unknown, or it closed before it answered.
    #[error("the connection is closed")]
    Closed,
    /// The id is that of another request, for whose answer this connection is still awaited.
    #[error("another request with this id waits for this connection's answer")]
    Duplicate,
    /// The memory budget has no room for the request.
    #[error("the memory budget has no room for the message")]
    Overloaded,
}

impl Server {
    /// Binds, for TLS or without, and starts the shards; connections wait in the kernel until `start`. `wake_host` is
    /// called from the shards when events wait (see `EventQueue`).
    pub fn bind(
        config: Config,
        tls: Option<Tls>,
        wake_host: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, BindError> {
        let failed = {
            let (host, port) = (config.host, config.port);
            move |source| BindError {
                syscall: "listen",
                address: host.unwrap_or(std::net::Ipv6Addr::UNSPECIFIED.into()),
                port,
                source,
            }
        };
        let listener = listener::bind(config.host, config.port)?;
        let address = listener.local_addr().map_err(&failed)?;
        let shards_listener = listener.try_clone().map_err(&failed)?;
        let listening = Listening { address, own: listener, shards: shards_listener };
        Self::new(config, tls, Some(listening), wake_host).map_err(failed)
    }

    /// Starts the shards for sockets that the host's own server accepts: see `attach`.
    pub fn attached(
        config: Config,
        wake_host: impl Fn() + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::new(config, None, None, wake_host)
    }

    fn new(
        config: Config,
        tls: Option<Tls>,
        listening: Option<Listening>,
        wake_host: impl Fn() + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let background = background()?;
        let inboxes: Vec<_> = (0..config.shards).map(|_| Arc::new(Inbox::new())).collect();
        let resume = {
            let inboxes = inboxes.clone();
            move || inboxes.iter().for_each(|inbox| inbox.push(Job::Resume))
        };
        let shared = Arc::new(Shared {
            index: Index::new(config.shards).with_places(config.limits.connections_per_user),
            events: EventQueue::new(wake_host, resume),
            budget: Budget::new(config.memory_budget),
            counters: (0..config.shards).map(|_| Counters::default()).collect(),
            inboxes,
            entrance: Entrance::new(&config.limits),
            users: Buckets::new(),
            overloaded: Counter::default(),
            given_way: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            tls: tls.map(TlsContext::new),
            guard: Guard::of(&config.guard),
            config,
        });
        let (alive, watcher) = watch::channel(0);
        let (address, listener, mut shards_listener) = match listening {
            Some(Listening { address, own, shards }) => (Some(address), Some(own), Some(shards)),
            None => (None, None, None),
        };
        for number in 0..shared.config.shards {
            let spawned = spawn_shard(number, &shared, shards_listener.take(), &alive);
            if let Err(error) = spawned {
                // Those that run already must not stay.
                shut_down(&shared, Instant::now());
                return Err(error);
            }
        }
        keys::keep_fresh(&shared, &watcher, &background);
        let (listener, held) = (Mutex::new(listener), AtomicBool::new(false));
        Ok(Self { shared, address, listener, held, alive: watcher, background })
    }

    /// Begins to accept connections.
    pub fn start(&self) {
        self.shared.inboxes[0].push(Job::Start);
    }

    /// Runs a future beside the host's thread and the shards, such as what `request` and `flush`
    /// return. It must not block.
    pub fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.background.spawn(future);
    }

    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Whether its own port speaks TLS.
    pub fn is_secure(&self) -> bool {
        self.shared.tls.is_some()
    }

    pub fn config(&self) -> &Config {
        &self.shared.config
    }

    /// Replaces what TLS is made of, for connections that come from now on. What is not given stays as
    /// it was, and the files that the environment names are read again. Returns what the host should
    /// be told.
    ///
    /// # Errors
    /// What is wrong first; then all stays as it was.
    pub fn set_secure_context(
        &self,
        given: RawTls,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<TlsNotice>, TlsError> {
        self.shared.tls.as_ref().ok_or(TlsError::Off)?.replace(given, env)
    }

    /// Takes up to `max` events. An empty answer means that the host will be woken for the next.
    pub fn take_events(&self, max: usize) -> Vec<Event> {
        if self.held.swap(false, Relaxed) {
            self.rouse();
        }
        self.shared.events.take(max)
    }

    pub fn events(&self) -> &EventQueue {
        &self.shared.events
    }

    fn is_closed(&self) -> bool {
        self.shared.closed.load(Acquire)
    }

    fn connection_of(&self, id: &str) -> Option<Arc<Connection>> {
        if self.is_closed() {
            return None;
        }
        self.shared.index.connection(id.parse().ok()?)
    }

    // Sends. The numbers are receivers that were open at the call.

    pub fn send_to_connection(&self, id: &str, message: Outgoing) -> bool {
        self.connection_of(id).is_some_and(|connection| self.send(&connection, message))
    }

    /// Sends to a connection; false when it is not open or the budget refuses the message.
    pub fn send(&self, connection: &Connection, message: Outgoing) -> bool {
        if self.is_closed() || connection.status() != Status::Open {
            return false;
        }
        let Some(frame) = message.admit(&self.shared) else {
            return false;
        };
        let to = connection.address;
        let inbox = &self.shared.inboxes[to.shard];
        let job = Job::One { to, frame };
        // The host takes events again before it can write what the shard makes of this: early enough
        // to wake the shard, once for all that the host sends until then.
        if connection.bridged && self.shared.events.is_host_awake() {
            inbox.append(job);
            self.held.store(true, Relaxed);
        } else {
            inbox.push(job);
        }
        true
    }

    pub fn send_to_group(&self, kind: GroupKind, name: &str, message: Outgoing) -> usize {
        if self.is_closed() {
            return 0;
        }
        let mut frame = Lazy::new(message, &self.shared);
        let count = self.shared.index.route(kind, name, |shard, group, expected| {
            if let Some(frame) = frame.get() {
                self.shared.inboxes[shard].push(Job::Group { group, frame, expected });
            }
        });
        if frame.refused() { 0 } else { count }
    }

    pub fn broadcast(&self, message: Outgoing) -> usize {
        if self.is_closed() {
            return 0;
        }
        let mut frame = Lazy::new(message, &self.shared);
        let count = self.shared.index.route_all(|shard, expected| {
            if let Some(frame) = frame.get() {
                self.shared.inboxes[shard].push(Job::All { frame, expected });
            }
        });
        if frame.refused() { 0 } else { count }
    }

    /// Sends a request and waits for the client's answer with this id.
    pub fn request(
        &self,
        id: &str,
        request: &str,
        message: Outgoing,
        timeout: Duration,
    ) -> impl Future<Output = Result<String, RequestError>> + Send + 'static {
        let sent = self.ask(id, request, message);
        let request = request.to_owned();
        async move {
            let (connection, answer) = sent?;
            match tokio::time::timeout(timeout, answer).await {
                Ok(answer) => answer.map_err(|_| RequestError::Closed),
                Err(_) => {
                    connection.take_answer(&request);
                    Err(RequestError::Timeout)
                }
            }
        }
    }

    fn ask(
        &self,
        id: &str,
        request: &str,
        message: Outgoing,
    ) -> Result<(Arc<Connection>, oneshot::Receiver<String>), RequestError> {
        let connection = self.connection_of(id).ok_or(RequestError::Closed)?;
        let answer = connection.expect_answer(request)?;
        if !self.send(&connection, message) {
            connection.take_answer(request);
            let open = connection.status() == Status::Open && !self.is_closed();
            return Err(if open { RequestError::Overloaded } else { RequestError::Closed });
        }
        Ok((connection, answer))
    }

    // Membership.

    /// True when the connection is open and is a member now.
    pub fn join(&self, id: &str, kind: GroupKind, name: &str) -> bool {
        let Some(connection) = self.connection_of(id) else {
            return false;
        };
        let who = connection.address;
        let tell =
            |group| self.shared.inboxes[who.shard].push(Job::Join { who, group, answered: false });
        self.shared.index.join(&connection, kind, name, tell) != Join::Gone
    }

    /// True when the connection was a member.
    pub fn leave(&self, id: &str, kind: GroupKind, name: &str) -> bool {
        let Some(connection) = self.connection_of(id) else {
            return false;
        };
        let who = connection.address;
        let tell =
            |group| self.shared.inboxes[who.shard].push(Job::Leave { who, group, answered: false });
        matches!(self.shared.index.leave(&connection, kind, name, tell), Leave::Left)
    }

    /// Closes a connection: what was sent to it before goes out first. False when it is not open.
    pub fn disconnect(&self, connection: &Connection, code: u16, reason: &str) -> bool {
        // Out of the index at once, so that no later send counts it.
        if !self.shared.index.deregister(connection) {
            return false;
        }
        let (who, reason) = (connection.address, reason.to_owned());
        self.shared.inboxes[who.shard].push(Job::Close { who, code, reason });
        true
    }

    /// The host's judgement of an origin: see [`Event::Origin`].
    pub fn judged(&self, who: Address, allowed: bool) {
        if let Some(inbox) = self.shared.inboxes.get(who.shard) {
            inbox.push(Job::Judged { who, allowed });
        }
    }

    // Look-ups.

    /// An open connection by its id. The host will be told of its end.
    pub fn connection(&self, id: &str) -> Option<Arc<Connection>> {
        self.connection_of(id).filter(|connection| connection.observe())
    }

    /// All open connections, the oldest first. The host will be told of their ends.
    pub fn connections(&self) -> Vec<Arc<Connection>> {
        if self.is_closed() {
            return Vec::new();
        }
        let mut all = self.shared.index.connections();
        all.retain(|connection| connection.observe());
        all
    }

    pub fn connection_count(&self) -> usize {
        if self.is_closed() { 0 } else { self.shared.index.open() }
    }

    pub fn group_names(&self, kind: GroupKind) -> Vec<Arc<str>> {
        if self.is_closed() { Vec::new() } else { self.shared.index.group_names(kind) }
    }

    pub fn members(&self, kind: GroupKind, name: &str) -> Vec<ConnectionId> {
        if self.is_closed() { Vec::new() } else { self.shared.index.members(kind, name) }
    }

    pub fn stats(&self) -> Stats {
        let shared = &self.shared;
        let count = |kind| {
            if self.is_closed() { 0 } else { shared.index.group_count(kind) }
        };
        let sum = |of: fn(&Counters) -> &Counter| shared.counters.iter().map(|c| of(c).get()).sum();
        let mut refusals: Vec<(&'static str, u64)> = Vec::new();
        for counters in &shared.counters {
            // Names of tokens' faults only where tokens are verified.
            let rejections = counters.rejections().filter(|_| shared.guard.verifies_tokens());
            for (at, (name, count)) in counters.refusals().chain(rejections).enumerate() {
                match refusals.get_mut(at) {
                    Some((_, sum)) => *sum += count,
                    None => refusals.push((name, count)),
                }
            }
        }
        Stats {
            connections: self.connection_count(),
            users: count(GroupKind::User),
            rooms: count(GroupKind::Room),
            topics: count(GroupKind::Topic),
            total_connections: sum(|c| &c.accepted),
            messages_in: sum(|c| &c.messages_in),
            messages_out: sum(|c| &c.messages_out),
            bytes_in: sum(|c| &c.bytes_in),
            bytes_out: sum(|c| &c.bytes_out),
            queued_bytes: shared.budget.used(),
            slow_consumers: sum(|c| &c.slow_consumers),
            dropped_overloaded: shared.overloaded.get(),
            dropped_slow: sum(|c| &c.dropped_slow),
            dropped_departed: sum(|c| &c.dropped_departed),
            dropped_unwritten: sum(|c| &c.dropped_unwritten),
            refusals,
            shards: shared.config.shards,
        }
    }

    // Flush and end.

    /// Resolves when all that was queued before the call is written to the sockets, or its
    /// receivers are gone.
    pub fn flush(&self) -> impl Future<Output = ()> + Send + 'static {
        let waiting: Vec<_> = self
            .shared
            .inboxes
            .iter()
            .map(|inbox| {
                let (done, wait) = oneshot::channel();
                inbox.push(Job::Flush(done));
                wait
            })
            .collect();
        let written = async move {
            for wait in waiting {
                // A shard that gives no answer has ended: it has nothing left to write.
                let _ = wait.await;
            }
        };
        let ended = self.ended();
        async move {
            tokio::select! {
                () = written => {}
                () = ended => {}
            }
        }
    }

    /// Stops listening at once, and lets the connections end in the background: they get what is
    /// queued for them and a Close frame with 1001, for a second at most. Twice is once.
    pub fn close(&self) {
        self.stop(CLOSE_GRACE.min(self.shared.config.close_timeout));
    }

    /// Like `close`, and resolves when all is over, which is after `timeout` at the latest.
    pub fn shutdown(&self, timeout: Duration) -> impl Future<Output = ()> + Send + 'static {
        self.stop(timeout);
        self.ended()
    }

    /// Resolves when all shards have ended.
    pub fn ended(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut alive = self.alive.clone();
        async move {
            // An error says that all senders, so all shards, are gone.
            let _ = alive.wait_for(|count| *count == 0).await;
        }
    }

    fn stop(&self, timeout: Duration) {
        if !self.shared.closed.swap(true, AcqRel) {
            let listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(listener) = listener {
                // A listening socket that was shut down frees its port for the next to listen;
                // where a platform refuses, the port is free when the shard has let go of it.
                let _ = SockRef::from(&listener).shutdown(Shutdown::Both);
            }
        }
        // A later call may shorten what an earlier one granted.
        shut_down(&self.shared, Instant::now() + timeout);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop(Duration::ZERO);
    }
}

/// A bound socket, and the shards' handle of it.
struct Listening {
    address: SocketAddr,
    own: TcpListener,
    shards: TcpListener,
}

fn shut_down(shared: &Shared, deadline: Instant) {
    for inbox in &shared.inboxes {
        inbox.push(Job::Shutdown { deadline });
    }
}

fn spawn_shard(
    number: usize,
    shared: &Arc<Shared>,
    listener: Option<TcpListener>,
    alive: &watch::Sender<usize>,
) -> std::io::Result<()> {
    let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
    let (shared, inbox) = (shared.clone(), shared.inboxes[number].clone());
    let life = Life::begin(alive, inbox);
    let run = move || {
        let _life = life;
        shard::run::run(&runtime, number, &shared, listener);
    };
    std::thread::Builder::new().name(format!("ws-shard-{number}")).spawn(run).map(|_| ())
}

/// A message that is framed and admitted when the first receiver is known.
struct Lazy<'a> {
    message: Option<Outgoing>,
    frame: Option<Frame>,
    shared: &'a Shared,
}

impl<'a> Lazy<'a> {
    fn new(message: Outgoing, shared: &'a Shared) -> Self {
        Self { message: Some(message), frame: None, shared }
    }

    fn get(&mut self) -> Option<Frame> {
        if let Some(message) = self.message.take() {
            self.frame = message.admit(self.shared);
        }
        self.frame.clone()
    }

    fn refused(&self) -> bool {
        self.message.is_none() && self.frame.is_none()
    }
}
