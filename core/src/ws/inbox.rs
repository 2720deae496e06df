//! A shard's one FIFO: whatever the host or another shard wants of it comes through here, so that
//! what one caller sends arrives in the order in which it was sent.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering::AcqRel, Ordering::Release};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::arrival::Arrival;
use super::connection::{Address, GroupId};
use super::guard::Verdict;
use super::guard::desk::Number;
use super::prepared::Frame;

/// One piece of a shard's work.
#[derive(Debug)]
pub enum Job {
    /// The host is ready: begin to accept, on the shard that has the listener.
    Start,
    /// A socket that another shard accepted, or the host.
    Adopt(Arrival),
    /// Descriptors are lacking: the oldest handshakes are to end.
    GiveWay,
    /// The host has lost this socket, which was its own.
    Abandon(u64),
    /// The host has pushed bytes into a bridge that waited for them.
    Read(Waker),
    One {
        to: Address,
        frame: Frame,
    },
    /// `expected` receivers were counted by the send.
    Group {
        group: GroupId,
        frame: Frame,
        expected: u32,
    },
    All {
        frame: Frame,
        expected: u32,
    },
    /// A connection became a member, by the host or by itself. A client that asked for it is
    /// `answered` when it is carried out.
    Join {
        who: Address,
        group: GroupId,
        answered: bool,
    },
    /// A membership ended, by the host or by the client.
    Leave {
        who: Address,
        group: GroupId,
        answered: bool,
    },
    /// The host has judged the origin of a request.
    Judged {
        who: Address,
        allowed: bool,
    },
    Close {
        who: Address,
        code: u16,
        reason: String,
    },
    /// A decision has come to its turn: the host can be asked.
    Ask {
        who: Address,
        number: Number,
    },
    /// A decision was made.
    Verdict {
        who: Address,
        number: Number,
        verdict: Verdict,
    },
    /// A message has been compressed aside: its receivers can be written to.
    Compressed,
    /// Answer when all that was queued before is written.
    Flush(oneshot::Sender<()>),
    /// The host has caught up with its events: read again.
    Resume,
    /// Close everything, and be gone by the deadline.
    Shutdown {
        deadline: Instant,
    },
}

impl Job {
    /// Whether it by itself sends nothing to anybody.
    pub fn is_silent(&self) -> bool {
        matches!(
            self,
            Self::Join { .. }
                | Self::Leave { .. }
                | Self::Read(_)
                | Self::Judged { .. }
                | Self::Ask { .. }
                | Self::Verdict { .. }
        )
    }

    /// The client that waits for the answer to it, if one does.
    pub fn asked_by(&self) -> Option<Address> {
        match *self {
            Self::Join { who, answered: true, .. } | Self::Leave { who, answered: true, .. } => {
                Some(who)
            }
            _ => None,
        }
    }
}

#[derive(Debug)]
pub struct Inbox {
    /// Nothing once the shard has ended: what is still sent to it is dropped.
    jobs: Mutex<Option<VecDeque<Job>>>,
    /// Whether the shard was woken and has not yet taken the jobs: one wake-up serves many.
    woken: AtomicBool,
    wake: Notify,
}

impl Inbox {
    pub fn new() -> Self {
        Self {
            jobs: Mutex::new(Some(VecDeque::new())),
            woken: AtomicBool::new(false),
            wake: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<VecDeque<Job>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn push(&self, job: Job) {
        self.append(job);
        self.poke();
    }

    /// Queues a job for a shard that is at work and will take it without being woken.
    pub fn append(&self, job: Job) {
        if let Some(jobs) = &mut *self.lock() {
            jobs.push_back(job);
        }
    }

    /// Makes the shard take a turn.
    pub fn poke(&self) {
        if !self.woken.swap(true, AcqRel) {
            self.wake.notify_one();
        }
    }

    /// Moves the waiting jobs to the end of `jobs`.
    pub fn take(&self, jobs: &mut VecDeque<Job>) {
        // The flag first: a job that comes right after the swap must wake the shard again.
        self.woken.store(false, Release);
        if let Some(waiting) = &mut *self.lock() {
            if jobs.is_empty() {
                // The usual case, in which nothing is copied: the two change places.
                std::mem::swap(jobs, waiting);
            } else {
                jobs.append(waiting);
            }
        }
    }

    /// How many jobs wait.
    pub fn waiting(&self) -> usize {
        self.lock().as_ref().map_or(0, VecDeque::len)
    }

    /// The shard has ended.
    pub fn close(&self) {
        let left = self.lock().take();
        // Outside of the lock: what is dropped may be waited for.
        drop(left);
    }

    /// Waits until something was pushed or the shard was poked.
    pub async fn ready(&self) {
        self.wake.notified().await;
    }
}
