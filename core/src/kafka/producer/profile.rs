//! One native producer: sends of the same acks, compression and timeout.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;

use super::config::ProfileConfig;
use super::topics::Topics;
use super::waiting::Waiting;
use crate::kafka::client::Client;
use crate::kafka::error::KafkaError;
use crate::kafka::sys::{Queue, TopicHandle};

#[derive(Debug)]
pub(super) struct Profile {
    pub(super) config: ProfileConfig,
    pub(super) native: Native,
    /// Messages that wait for the client or for room, in order.
    backlog: VecDeque<Waiting>,
    /// What a drain could not let go.
    returned: Vec<Waiting>,
    draining: bool,
    /// By topic.
    handles: Vec<Option<TopicHandle>>,
}

#[derive(Debug)]
pub(super) enum Native {
    /// No send has needed it.
    Absent,
    Wanted,
    Making,
    Ready(Ready),
    Failed,
}

#[derive(Debug)]
pub(super) struct Ready {
    pub(super) client: Arc<Client>,
    pub(super) poller: Arc<Poller>,
    pub(super) thread: JoinHandle<()>,
}

/// What the thread that takes a client's events shares with others.
#[derive(Debug)]
pub(super) struct Poller {
    pub(super) queue: Queue,
    pub(super) stop: AtomicBool,
    /// Something waits for room.
    pub(super) backlogged: AtomicBool,
}

impl Poller {
    pub(super) fn stop(&self) {
        self.stop.store(true, Relaxed);
        self.queue.interrupt();
    }
}

impl Profile {
    pub(super) fn new(config: ProfileConfig) -> Self {
        Self {
            config,
            native: Native::Absent,
            backlog: VecDeque::new(),
            returned: Vec::new(),
            draining: false,
            handles: Vec::new(),
        }
    }

    /// Whether a message may go to the client now: nothing overtakes what waits.
    pub(super) fn is_free(&self) -> bool {
        let empty = if self.draining { self.returned.is_empty() } else { self.backlog.is_empty() };
        empty && matches!(self.native, Native::Ready(_))
    }

    /// Lets it wait, and returns what that costs.
    pub(super) fn hold(&mut self, waiting: Waiting) -> u64 {
        let cost = waiting.cost();
        if self.draining {
            self.returned.push(waiting);
        } else {
            self.backlog.push_back(waiting);
        }
        if let Native::Ready(ready) = &self.native {
            ready.poller.backlogged.store(true, Relaxed);
        }
        cost
    }

    /// Lets the poller look at what waits, since no delivery may come that would.
    pub(super) fn interrupt(&self) {
        if let Native::Ready(ready) = &self.native
            && !self.draining
        {
            ready.poller.queue.interrupt();
        }
    }

    /// Takes some of what waits. What cannot go is put back by `end_drain`.
    pub(super) fn start_drain(&mut self, most: usize) -> Option<Vec<Waiting>> {
        if self.backlog.is_empty() || !matches!(self.native, Native::Ready(_)) {
            return None;
        }
        self.draining = true;
        Some(self.backlog.drain(..self.backlog.len().min(most)).collect())
    }

    /// Tells whether there is room for more of what waits.
    pub(super) fn end_drain(&mut self) -> bool {
        self.draining = false;
        let room = self.returned.is_empty();
        for waiting in self.returned.drain(..).rev() {
            self.backlog.push_front(waiting);
        }
        if let Native::Ready(ready) = &self.native {
            ready.poller.backlogged.store(!self.backlog.is_empty(), Relaxed);
        }
        room && !self.backlog.is_empty()
    }

    pub(super) fn give_up(&mut self) -> VecDeque<Waiting> {
        std::mem::take(&mut self.backlog)
    }

    pub(super) fn handle(
        &mut self,
        topic: u32,
        topics: &mut Topics,
    ) -> Result<&TopicHandle, KafkaError> {
        let place = topic as usize;
        if self.handles.len() <= place {
            self.handles.resize_with(place + 1, || None);
        }
        let Native::Ready(ready) = &self.native else { return Err(KafkaError::closed()) };
        match self.handles.get_mut(place) {
            Some(Some(handle)) => Ok(handle),
            Some(empty) => {
                let name = topics.get_mut(topic).map_or("", |it| it.name.as_str());
                Ok(empty.insert(TopicHandle::new(ready.client.handle(), name)?))
            }
            None => Err(KafkaError::closed()),
        }
    }

    pub(super) fn uses(&self, topic: u32) -> bool {
        matches!(self.handles.get(topic as usize), Some(Some(_)))
    }

    /// Ends it, which waits for its threads: not on JavaScript's.
    pub(super) fn end(self) {
        drop(self.handles);
        if let Native::Ready(Ready { client, poller, thread }) = self.native {
            poller.stop();
            let _ = thread.join();
            drop(poller);
            drop(client);
        }
    }
}
