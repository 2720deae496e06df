//! Events on their way to the host: queued by the shards, taken in batches, bounded.
//!
//! The host is woken once, then takes batches until none is left; only then it is woken again.
//! When it falls behind, connections that would add more events are not read until it catches up.

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{
    AtomicBool, AtomicU32, Ordering::AcqRel, Ordering::Acquire, Ordering::Relaxed,
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::bridge::Signal;
use super::connection::{Address, Connection};
use super::guard::Question;
use super::guard::desk::Number;

/// Events that may wait before reading stops; it goes on at half of it.
const MAX_EVENTS: usize = 8192;
/// Payload bytes that may wait before reading stops; it goes on at half of it.
const MAX_BYTES: usize = 8 << 20;
/// Warnings are reports, not data: beyond this many waiting ones they are dropped.
const MAX_WAITING_FOR_WARNINGS: usize = 2 * MAX_EVENTS;

/// The request that opened a connection.
#[derive(Clone, Debug)]
pub struct RequestInfo {
    pub url: String,
    pub headers: Vec<(String, String)>,
    /// The certificate of the client, in DER, where TLS has asked for it.
    pub certificate: Option<Box<[u8]>>,
}

impl RequestInfo {
    fn bytes(&self) -> usize {
        let headers = self.headers.iter().map(|(name, value)| name.len() + value.len());
        let certificate = self.certificate.as_ref().map_or(0, |der| der.len());
        self.url.len() + headers.sum::<usize>() + certificate
    }
}

/// What the host can be told.
#[derive(Debug)]
pub enum Event {
    Connection {
        connection: Arc<Connection>,
        request: RequestInfo,
    },
    /// A client's message, as JSON text, whose type the protocol does not own.
    Message {
        connection: Arc<Connection>,
        text: String,
    },
    /// A binary frame that holds no JSON message.
    Binary {
        connection: Arc<Connection>,
        data: Vec<u8>,
    },
    RawText {
        connection: Arc<Connection>,
        text: String,
    },
    RawBinary {
        connection: Arc<Connection>,
        data: Vec<u8>,
    },
    Authenticated {
        connection: Arc<Connection>,
    },
    Disconnect {
        connection: Arc<Connection>,
        code: u16,
        reason: String,
    },
    /// The host is to decide. It is asked whether or not anybody listens.
    Decision {
        connection: Arc<Connection>,
        number: Number,
        question: Question,
        /// What opened the connection, where that is to be known.
        request: Option<Arc<RequestInfo>>,
    },
    /// The host has to judge the origin of a request by rules of its own.
    Origin {
        asker: Address,
        origin: String,
        request: RequestInfo,
        remote: Option<SocketAddr>,
    },
    /// The host is to fetch the keys of tokens from there.
    KeySet {
        number: u64,
        uri: Arc<str>,
    },
    /// A socket of the host's own needs it: see [`Signal`].
    Socket {
        serial: u64,
        signal: Signal,
    },
    /// A fault of the server itself.
    Error {
        code: &'static str,
        message: String,
    },
    /// A fault of one message, hook or connection.
    Warning {
        connection: Option<Arc<Connection>>,
        code: &'static str,
        message: String,
    },
}

/// The kinds in which the host may be interested; the numbers cross the boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Not an event of the engine: the boundary hands over a connection's object by it.
    Introduce = 0,
    Connection = 1,
    Message = 2,
    Binary = 3,
    Data = 4,
    Authenticated = 5,
    Disconnect = 6,
    Error = 7,
    Warning = 8,
    /// Not for listeners: what the host does for its own sockets.
    Socket = 9,
    /// Not for listeners: what the host is to decide.
    Decision = 10,
    /// Not for listeners either: see [`Event::Origin`].
    Origin = 12,
    /// Not for listeners either: see [`Event::KeySet`].
    KeySet = 13,
}

impl Event {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Connection { .. } => Kind::Connection,
            Self::Message { .. } => Kind::Message,
            Self::Binary { .. } => Kind::Binary,
            Self::RawText { .. } | Self::RawBinary { .. } => Kind::Data,
            Self::Authenticated { .. } => Kind::Authenticated,
            Self::Disconnect { .. } => Kind::Disconnect,
            Self::Decision { .. } => Kind::Decision,
            Self::Origin { .. } => Kind::Origin,
            Self::KeySet { .. } => Kind::KeySet,
            Self::Socket { .. } => Kind::Socket,
            Self::Error { .. } => Kind::Error,
            Self::Warning { .. } => Kind::Warning,
        }
    }

    pub fn connection(&self) -> Option<&Arc<Connection>> {
        match self {
            Self::Connection { connection, .. }
            | Self::Message { connection, .. }
            | Self::Binary { connection, .. }
            | Self::RawText { connection, .. }
            | Self::RawBinary { connection, .. }
            | Self::Authenticated { connection }
            | Self::Decision { connection, .. }
            | Self::Disconnect { connection, .. } => Some(connection),
            Self::Error { .. }
            | Self::Origin { .. }
            | Self::KeySet { .. }
            | Self::Socket { .. } => None,
            Self::Warning { connection, .. } => connection.as_ref(),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Connection { request, .. } | Self::Origin { request, .. } => request.bytes(),
            // The request is there already.
            Self::Decision { question: Question::Authenticate { login, .. }, .. } => {
                login.token.as_ref().map_or(0, String::len)
            }
            Self::Message { text, .. } | Self::RawText { text, .. } => text.len(),
            Self::Binary { data, .. } | Self::RawBinary { data, .. } => data.len(),
            _ => 0,
        }
    }
}

type Callback = Box<dyn Fn() + Send + Sync>;

pub struct EventQueue {
    waiting: Mutex<Waiting>,
    /// Whether the host was woken and has not yet found the queue empty.
    awake: AtomicBool,
    full: AtomicBool,
    interest: AtomicU32,
    /// Gone when the server has ended.
    wake_host: Mutex<Option<Callback>>,
    resume_reading: Callback,
}

#[derive(Debug, Default)]
struct Waiting {
    events: VecDeque<Event>,
    bytes: usize,
}

impl fmt::Debug for EventQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventQueue").field("awake", &self.awake).field("full", &self.full).finish()
    }
}

impl EventQueue {
    /// `wake_host` is called when events wait for a host that sleeps, `resume_reading` when a full
    /// queue has emptied by half.
    pub fn new(
        wake_host: impl Fn() + Send + Sync + 'static,
        resume_reading: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        Self {
            waiting: Mutex::default(),
            awake: AtomicBool::new(false),
            full: AtomicBool::new(false),
            interest: AtomicU32::new(0),
            wake_host: Mutex::new(Some(Box::new(wake_host))),
            resume_reading: Box::new(resume_reading),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the kinds that the host listens to, as bits `1 << kind`.
    pub fn set_interest(&self, mask: u32) {
        self.interest.store(mask, Relaxed);
    }

    pub fn wants(&self, kind: Kind) -> bool {
        self.interest.load(Relaxed) & (1 << kind as u32) != 0
    }

    /// Whether the host was woken and has not found the queue empty since: it will take again.
    pub fn is_host_awake(&self) -> bool {
        self.awake.load(Acquire)
    }

    /// Whether connections should not be read now, because the host is behind.
    pub fn is_full(&self) -> bool {
        self.full.load(Acquire)
    }

    /// Queues an event for the host. Events that nobody wants are the caller's to leave out; the
    /// end of a connection that the host knows is told in any case.
    pub fn push(&self, mut event: Event) {
        // Before the queue is locked: no lock is ever taken under it.
        let observed = event.connection().is_none_or(|connection| connection.observe());
        if let Event::Warning { connection, .. } = &mut event
            && !observed
        {
            // Its end is told already, or never: the host must not get to know it now.
            *connection = None;
        }
        let mut waiting = self.lock();
        let warning = matches!(event, Event::Warning { .. });
        if warning && waiting.events.len() >= MAX_WAITING_FOR_WARNINGS {
            return;
        }
        waiting.bytes += event.bytes();
        waiting.events.push_back(event);
        if waiting.events.len() >= MAX_EVENTS || waiting.bytes >= MAX_BYTES {
            self.full.store(true, Relaxed);
        }
        drop(waiting);
        if !self.awake.swap(true, AcqRel) {
            let wake_host = self.wake_host.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(wake_host) = &*wake_host {
                wake_host();
            }
        }
    }

    /// Lets go of the way to wake the host, which may hold the host's own object. What it was
    /// woken for can still be taken; of what comes later it will not hear.
    pub fn retire(&self) {
        let callback = self.wake_host.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(callback);
    }

    /// Takes up to `max` events. An empty answer means that the host will be woken for the next.
    pub(super) fn take(&self, max: usize) -> Vec<Event> {
        let mut waiting = self.lock();
        let count = waiting.events.len().min(max);
        let batch: Vec<_> = waiting.events.drain(..count).collect();
        waiting.bytes -= batch.iter().map(Event::bytes).sum::<usize>();
        if batch.is_empty() {
            // Still under the lock, so that no event slips in between the look and the rest.
            self.awake.store(false, Relaxed);
        }
        let resume = waiting.events.len() <= MAX_EVENTS / 2
            && waiting.bytes <= MAX_BYTES / 2
            && self.full.swap(false, AcqRel);
        drop(waiting);
        if resume {
            (self.resume_reading)();
        }
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    fn queue() -> (EventQueue, Arc<AtomicUsize>, Arc<AtomicUsize>) {
        let (wakes, resumes) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (w, r) = (wakes.clone(), resumes.clone());
        let queue = EventQueue::new(
            move || {
                w.fetch_add(1, Relaxed);
            },
            move || {
                r.fetch_add(1, Relaxed);
            },
        );
        (queue, wakes, resumes)
    }

    fn error() -> Event {
        Event::Error { code: "ERR_TEST", message: String::new() }
    }

    #[test]
    fn the_host_is_woken_once_until_it_found_the_queue_empty() {
        let (queue, wakes, _) = queue();
        queue.push(error());
        queue.push(error());
        assert_eq!(wakes.load(Relaxed), 1);
        assert_eq!(queue.take(10).len(), 2);
        queue.push(error());
        assert_eq!(wakes.load(Relaxed), 1, "the host is still at it");
        assert_eq!(queue.take(10).len(), 1);
        assert_eq!(queue.take(10).len(), 0);
        queue.push(error());
        assert_eq!(wakes.load(Relaxed), 2);
    }

    #[test]
    fn reading_stops_when_the_host_is_behind_and_goes_on_at_half() {
        let (queue, _, resumes) = queue();
        for _ in 0..MAX_EVENTS {
            assert!(!queue.is_full());
            queue.push(error());
        }
        assert!(queue.is_full());
        queue.take(MAX_EVENTS / 2 - 1);
        assert!(queue.is_full());
        queue.take(1);
        assert!(!queue.is_full());
        assert_eq!(resumes.load(Relaxed), 1);
    }
}
