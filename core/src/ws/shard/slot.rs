//! A shard's own record of one socket, from the first byte of the handshake to the last of the
//! closing. While a connection idles this is all there is: no buffer and no timer of its own.

use rustc_hash::FxHashSet;
use std::sync::Arc;
use std::task::Waker;
use tokio::time::Instant;

use super::excess::Reading;
use crate::ws::connection::{Connection, GroupId};
use crate::ws::decoder::Decoder;
use crate::ws::deflate::Window;
use crate::ws::events::RequestInfo;
use crate::ws::guard::desk::Number;
use crate::ws::guard::{Question, Verdict};
use crate::ws::handshake::Request;
use crate::ws::limits::{Meter, SharedBucket, SourceSeat};
use crate::ws::outbox::Outbox;
use crate::ws::transport::Transport;

#[derive(Debug)]
pub struct Slot {
    pub stream: Transport,
    /// Tells this tenant of the slot from earlier ones.
    pub serial: u64,
    /// Wakes the task that waits for this socket's readiness, for reading and writing alike.
    pub waker: Option<Waker>,
    pub phase: Phase,
    pub decoder: Decoder,
    /// Compression is negotiated, and the client inflates with this window.
    pub window: Option<Window>,
    /// What it sends, measured by the limits.
    pub meter: Meter,
    /// The message that is arriving is over the rate by its many small fragments.
    pub crumbled: bool,
    /// What its user sends over all connections, if that is limited.
    pub user: Option<Arc<SharedBucket>>,
    /// Its place among the connections of its address, if these are limited.
    pub seat: Option<Box<SourceSeat>>,
    /// Exists only while something is owed.
    pub outbox: Option<Box<Outbox>>,
    /// The lists of the shard that name this slot.
    pub groups: FxHashSet<GroupId>,
    /// Its place in the shard's list of open connections.
    pub live_at: usize,
    /// Frames that were queued for it and are not owed any more: written, or dropped. Wraps around.
    pub settled: u64,
    /// Frames that its stream has taken and still holds back.
    pub held_frames: usize,
    /// The socket did not take all that it was owed.
    pub blocked: bool,
    /// Already in line for this turn's write.
    pub dirty: bool,
    /// In line for when a message has been compressed aside.
    pub awaiting: bool,
    /// Messages have been compressed for it, and no limit has seen yet how long they are.
    pub unjudged: bool,
    /// Not read because it is owed too much.
    pub held_back: bool,
    /// Not read because the host is behind with its events.
    pub parked: bool,
    /// It waits for a decision, unread.
    pub hold: Option<Box<Hold>>,
    /// What was read behind its question, or for more than one turn: it is interpreted before anything more is read.
    pub kept: Option<Box<Kept>>,
    pub access: Access,
    /// Pinged since it was last heard from.
    pub asked: bool,
    /// The slow-consumer policy has been reported since the outbox was last empty.
    pub lagging: bool,
}

/// A decision that a connection waits for. Until it is carried out, no further frame is interpreted.
#[derive(Debug)]
pub struct Hold {
    pub number: Number,
    pub question: Question,
    /// From then on the answer is no. Keys are waited for by a patience of their own.
    pub deadline: Option<Instant>,
    /// The `id` of the message that it is about.
    pub id: Option<Box<str>>,
    pub verdict: Option<Verdict>,
}

/// What was read and not decoded yet, of one read at most, and the reading, which has measured it already.
#[derive(Debug)]
pub struct Kept {
    pub bytes: Vec<u8>,
    pub reading: Reading,
}

/// What is known of a connection's right to be here.
#[derive(Debug, Default)]
pub struct Access {
    /// What opened it, where the host is told of that when it decides.
    pub request: Option<Arc<RequestInfo>>,
    /// Broadcasts reach it, and its messages are heard.
    pub admitted: bool,
    /// Its time to authenticate has passed while it waited for a decision.
    pub overdue: bool,
    /// How often it was refused, whatever came between.
    pub failures: u32,
    /// Boxed, since most identities have no end.
    pub lease: Option<Box<Lease>>,
}

/// How long an identity holds.
#[derive(Clone, Copy, Debug)]
pub struct Lease {
    /// When something is to be done about it next.
    pub next: Instant,
    pub end: Instant,
    /// The end in milliseconds since the epoch.
    pub expires_at: u64,
}

/// Where a socket is in its life.
#[derive(Debug)]
pub enum Phase {
    /// The balancer's header, as far as it came.
    Header(Vec<u8>),
    /// The head of the request, as far as it came.
    Handshake(Vec<u8>),
    /// The request is good, and the host judges its origin. Nothing is read meanwhile.
    Judging(Box<Judging>),
    Open(Arc<Connection>),
    /// We sent a Close frame and wait for the peer's.
    Closing(Box<Closing>),
    /// Nothing is read any more; what is owed is still written. A `linger`ing socket then waits
    /// for the peer's end, since closing over unread bytes resets the connection, and the peer
    /// might lose the Close frame to that.
    Draining {
        linger: bool,
    },
}

impl Phase {
    /// Whether the handshake is under way, or still to come.
    pub fn is_shaking(&self) -> bool {
        matches!(self, Self::Header(_) | Self::Handshake(_) | Self::Judging(_))
    }
}

#[derive(Debug)]
pub struct Judging {
    pub request: Request,
    /// Frames already, of one read at most.
    pub rest: Vec<u8>,
    /// What the host said.
    pub allowed: Option<bool>,
}

#[derive(Debug)]
pub struct Closing {
    pub connection: Arc<Connection>,
    pub code: u16,
    pub reason: String,
}

impl Slot {
    pub fn new(stream: Transport, serial: u64, phase: Phase) -> Self {
        Self {
            stream,
            serial,
            waker: None,
            phase,
            decoder: Decoder::new(),
            window: None,
            meter: Meter::default(),
            user: None,
            seat: None,
            outbox: None,
            groups: FxHashSet::default(),
            live_at: usize::MAX,
            settled: 0,
            held_frames: 0,
            blocked: false,
            dirty: false,
            awaiting: false,
            unjudged: false,
            held_back: false,
            parked: false,
            hold: None,
            kept: None,
            access: Access::default(),
            asked: false,
            crumbled: false,
            lagging: false,
        }
    }

    pub fn connection(&self) -> Option<&Arc<Connection>> {
        match &self.phase {
            Phase::Open(connection) => Some(connection),
            Phase::Closing(closing) => Some(&closing.connection),
            _ => None,
        }
    }

    /// Takes note of a sign of life.
    pub fn heard(&mut self, now: u64) {
        self.asked = false;
        if let Some(connection) = self.connection() {
            connection.seen(now);
        }
    }

    /// Whether a decision is still to come.
    pub fn waits_for_verdict(&self) -> bool {
        self.hold.as_ref().is_some_and(|hold| hold.verdict.is_none())
    }

    /// Keeps what was read for later, in the place of what was kept before.
    pub fn keep(&mut self, bytes: &[u8], reading: Reading) {
        if !bytes.is_empty() {
            self.kept = Some(Box::new(Kept { bytes: bytes.to_vec(), reading }));
        }
    }

    /// Lets its task look at the socket.
    pub fn wake(&self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }

    /// Takes note of frames that are not owed any more.
    pub fn settle(&mut self, frames: usize) {
        self.settled = self.settled.wrapping_add(frames as u64);
    }

    /// Frames that wait for the socket.
    pub fn queued(&self) -> usize {
        self.outbox.as_ref().map_or(0, |outbox| outbox.len())
    }

    /// Whether it waits for us to compress a message, and not the other way round.
    pub fn waits_for_us(&self) -> bool {
        self.outbox.as_ref().is_some_and(|outbox| outbox.front_is_pending())
    }

    /// Bytes that wait for the socket.
    pub fn owed(&self) -> usize {
        self.outbox.as_ref().map_or(0, |outbox| outbox.bytes()) + self.stream.held()
    }

    /// Takes note that its stream is through with what it held back: it takes no bytes before that.
    pub fn pass_on(&mut self) {
        let frames = std::mem::take(&mut self.held_frames);
        self.settle(frames);
    }

    /// Whether bytes wait for the socket, here or in its stream.
    pub fn owes(&self) -> bool {
        self.outbox.is_some() || self.stream.held() > 0
    }

    /// Memory that what waits for the socket is charged with.
    pub fn weight(&self) -> usize {
        self.outbox.as_ref().map_or(0, |outbox| outbox.weight())
    }
}
