//! One connection as the whole process sees it: who it is, what it belongs to, whether it is open.
//! The shard that owns the socket keeps the rest (see `shard::slot`).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

use super::clock;
use super::memberships::Memberships;
use super::server::RequestError;

const ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
const RANDOM_DIGITS: usize = 9;
const RANDOM_RANGE: u64 = 36u64.pow(RANDOM_DIGITS as u32);

/// A connection's public name, `conn_<ms>_<9 base36>`, kept as the two numbers that it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionId {
    millis: u64,
    random: u64,
}

impl ConnectionId {
    pub fn generate() -> Self {
        Self { millis: clock::wall_millis(), random: fastrand::u64(..RANDOM_RANGE) }
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [b'0'; RANDOM_DIGITS];
        let mut rest = self.random;
        for digit in digits.iter_mut().rev() {
            *digit = ALPHABET[(rest % 36) as usize];
            rest /= 36;
        }
        let digits = std::str::from_utf8(&digits).map_err(|_| fmt::Error)?;
        write!(f, "conn_{}_{digits}", self.millis)
    }
}

impl FromStr for ConnectionId {
    type Err = ();

    /// Accepts exactly what `Display` writes, so that one id has one spelling.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (millis, random) =
            text.strip_prefix("conn_").and_then(|s| s.split_once('_')).ok_or(())?;
        let canonical = |s: &str| {
            s.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase()) && !s.is_empty()
        };
        if !canonical(millis)
            || !canonical(random)
            || random.len() != RANDOM_DIGITS
            || (millis.len() > 1 && millis.starts_with('0'))
        {
            return Err(());
        }
        let millis = millis.parse().map_err(|_| ())?;
        let random = u64::from_str_radix(random, 36).map_err(|_| ())?;
        Ok(Self { millis, random })
    }
}

/// The three ways in which a message finds receivers by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GroupKind {
    User,
    Room,
    Topic,
}

/// One incarnation of a named group: a room that empties and fills again gets a new one.
pub type GroupId = u64;

#[derive(Clone, Debug)]
pub struct Membership {
    pub kind: GroupKind,
    pub group: GroupId,
    pub name: Arc<str>,
    /// The client made it, by what its identity allows, and not the host.
    pub granted: bool,
}

/// `readyState` of RFC 6455's API, as `ws` and browsers number it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Open = 1,
    Closing = 2,
    Closed = 3,
}

/// A number for each socket that is unique in the process.
pub fn next_serial() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Relaxed)
}

/// Where a connection lives. The serial tells a slot's earlier tenants from the present one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    pub shard: usize,
    pub slot: usize,
    pub serial: u64,
}

/// What may change during a connection's life; the index is the only writer of memberships.
#[derive(Debug)]
pub struct State {
    pub status: Status,
    pub session: Option<Arc<str>>,
    /// What else is known of the user: a JSON object.
    pub claims: Option<Arc<str>>,
    /// Whether broadcasts reach it.
    pub admitted: bool,
    pub user: Option<Membership>,
    /// Rooms and topics, in the order in which it came to them.
    pub memberships: Memberships,
    /// Answers that the host waits for, by the request's id.
    #[allow(clippy::box_collection, reason = "nearly always absent: 8 bytes instead of 48")]
    requests: Option<Box<HashMap<Box<str>, oneshot::Sender<String>>>>,
}

impl State {
    pub fn names(&self, kind: GroupKind) -> impl Iterator<Item = &Arc<str>> {
        self.memberships.iter().filter(move |m| m.kind == kind).map(|m| &m.name)
    }
}

/// One connection. It stays readable after it closed, with its last state.
#[derive(Debug)]
pub struct Connection {
    pub id: ConnectionId,
    pub address: Address,
    pub remote: Option<SocketAddr>,
    /// The host writes what is sent, when its thread is free for that: see `bridge`.
    pub bridged: bool,
    last_seen: AtomicU64,
    observed: AtomicBool,
    introduced: AtomicBool,
    state: Mutex<State>,
}

impl Connection {
    pub fn new(address: Address, remote: Option<SocketAddr>, bridged: bool) -> Arc<Self> {
        Arc::new(Self {
            id: ConnectionId::generate(),
            address,
            remote,
            bridged,
            last_seen: AtomicU64::new(clock::steady_millis()),
            observed: AtomicBool::new(false),
            introduced: AtomicBool::new(false),
            state: Mutex::new(State {
                status: Status::Open,
                session: None,
                claims: None,
                admitted: false,
                user: None,
                memberships: Memberships::default(),
                requests: None,
            }),
        })
    }

    /// A panic elsewhere never leaves this state half-changed, so a poisoned lock is usable.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn status(&self) -> Status {
        self.lock().status
    }

    pub fn user(&self) -> Option<Arc<str>> {
        self.lock().user.as_ref().map(|user| user.name.clone())
    }

    pub fn session(&self) -> Option<Arc<str>> {
        self.lock().session.clone()
    }

    /// What its identity says beyond user and session: a JSON object.
    pub fn claims(&self) -> Option<Arc<str>> {
        self.lock().claims.clone()
    }

    /// User, session and claims, as they were at one moment.
    pub(super) fn identity(&self) -> [Option<Arc<str>>; 3] {
        let state = self.lock();
        let user = state.user.as_ref().map(|user| user.name.clone());
        [user, state.session.clone(), state.claims.clone()]
    }

    /// The names of its rooms or topics, in the order in which it came to them.
    pub fn names(&self, kind: GroupKind) -> Vec<Arc<str>> {
        self.lock().names(kind).cloned().collect()
    }

    /// When it was last heard from, in milliseconds since the epoch.
    pub fn last_seen(&self) -> u64 {
        self.last_seen.load(Relaxed)
    }

    pub(super) fn seen(&self, now: u64) {
        self.last_seen.store(now, Relaxed);
    }

    /// Marks that the host knows this connection, so that it is told of its end. False when that
    /// end was already reached: then nobody would tell.
    pub fn observe(&self) -> bool {
        let state = self.lock();
        if state.status == Status::Closed {
            return false;
        }
        self.observed.store(true, Relaxed);
        true
    }

    /// True for the first caller: the boundary hands a connection's object over once.
    pub fn introduce(&self) -> bool {
        !self.introduced.swap(true, Relaxed)
    }

    /// Ends the connection for good; waiting requests fail, since their senders go. Returns
    /// whether the host knows the connection and has to be told.
    pub(super) fn finish(&self) -> bool {
        let mut state = self.lock();
        state.status = Status::Closed;
        state.requests = None;
        self.observed.load(Relaxed)
    }

    /// Waits for an answer with this id.
    pub(super) fn expect_answer(
        &self,
        request: &str,
    ) -> Result<oneshot::Receiver<String>, RequestError> {
        let mut state = self.lock();
        if state.status != Status::Open {
            return Err(RequestError::Closed);
        }
        match state.requests.get_or_insert_default().entry(request.into()) {
            Entry::Occupied(_) => Err(RequestError::Duplicate),
            Entry::Vacant(place) => {
                let (sender, receiver) = oneshot::channel();
                place.insert(sender);
                Ok(receiver)
            }
        }
    }

    pub(super) fn take_answer(&self, request: &str) -> Option<oneshot::Sender<String>> {
        let mut state = self.lock();
        let requests = state.requests.as_mut()?;
        let sender = requests.remove(request);
        if requests.is_empty() {
            state.requests = None;
        }
        sender
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_survive_the_way_through_text() {
        for _ in 0..1000 {
            let id = ConnectionId::generate();
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        let id = ConnectionId { millis: 1_700_000_000_000, random: 35 };
        assert_eq!(id.to_string(), "conn_1700000000000_00000000z");
    }

    #[test]
    fn only_the_canonical_spelling_is_an_id() {
        for text in [
            "",
            "conn_",
            "conn__000000000",
            "conn_1_00000000",
            "conn_1_0000000000",
            "conn_01_000000000",
            "conn_1_00000000Z",
            "conn_+1_000000000",
            "conn_1_+00000000",
            "conn_99999999999999999999999_000000000",
            "connection_1_000000000",
        ] {
            assert!(text.parse::<ConnectionId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_closed_connection_fails_its_requests_and_cannot_be_observed() {
        let connection = Connection::new(Address { shard: 0, slot: 0, serial: 1 }, None, false);
        let mut answer = connection.expect_answer("r1").unwrap();
        assert_eq!(connection.expect_answer("r1").err(), Some(RequestError::Duplicate));
        assert!(connection.observe());
        connection.finish();
        assert!(answer.try_recv().is_err());
        assert_eq!(connection.expect_answer("r2").err(), Some(RequestError::Closed));
        assert!(!connection.observe());
    }
}
