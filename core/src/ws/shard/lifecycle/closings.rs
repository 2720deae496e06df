//! How long sockets stay that are to end, and how many of them: connections that close, and who was refused.

use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

use crate::ws::shard::slot::Phase;
use crate::ws::shard::{Deadline, Shard};

/// How long a socket that was refused stays at most, half-closed, so that its answer arrives. `closeTimeout`
/// would be long for it: it counts among neither the handshakes nor the connections of its address.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);

/// Refused sockets that a shard keeps; beyond it the oldest is closed, so that who is refused cannot use up descriptors.
const MAX_REFUSED: usize = 256;

/// Connections of a shard that may be closing by what their clients did. `maxConnections` does not count them any more, so
/// that clients which connect, break a rule and stay could use up descriptors and memory. Who closes properly is gone at
/// once and takes no place.
pub(in crate::ws::shard) const MAX_CLOSING: usize = 1024;

/// Younger ones stay: identities may end by the thousand in the same second, and their clients get to know why.
pub(in crate::ws::shard) const TIME_TO_CLOSE: Duration = Duration::from_secs(1);

/// Deadlines of connections that close. `closeTimeout` is constant, so both are sorted.
#[derive(Debug, Default)]
pub(in crate::ws::shard) struct Closings {
    /// Closed by the service. Who takes what it is owed gets more time.
    services: VecDeque<Deadline>,
    /// Closed by their clients, or by what these did. Their time is what it is.
    clients: VecDeque<Deadline>,
    /// How many of the latter there are when they are looked through next.
    look_at: usize,
}

impl Closings {
    pub(super) fn fronts(&self) -> impl Iterator<Item = &Deadline> {
        self.services.front().into_iter().chain(self.clients.front())
    }

    /// When many have just come, they are not looked through for each.
    fn a_quarter_more(&self) -> usize {
        self.clients.len() / 4 * 5
    }
}

impl Shard {
    /// Ends a socket that was never let in.
    pub(in crate::ws::shard) fn drain_refused(&mut self, key: usize) {
        self.sockets.drain(key, true);
        let deadline = self.deadline(key, self.shared.config.close_timeout.min(REFUSAL_TIMEOUT));
        self.refusals.push_back(deadline);
        if self.refusals.len() > MAX_REFUSED
            && let Some(oldest) = self.refusals.pop_front()
        {
            self.cut_off(oldest);
        }
    }

    /// The service closes a connection.
    pub(super) fn expect_end(&mut self, key: usize) {
        let deadline = self.deadline(key, self.shared.config.close_timeout);
        self.closings.services.push_back(deadline);
    }

    /// A connection closes by what its client did.
    pub(in crate::ws::shard) fn limit_end(&mut self, key: usize) {
        let deadline = self.deadline(key, self.shared.config.close_timeout);
        let Self { closings: Closings { clients, look_at, .. }, sockets, .. } = self;
        clients.push_back(deadline);
        if clients.len() <= MAX_CLOSING.max(*look_at) {
            return;
        }
        // Most have ended long before their time.
        let is_here =
            |it: &Deadline| sockets.slots.get(it.key).is_some_and(|slot| slot.serial == it.serial);
        clients.retain(is_here);
        let excess = clients.len().saturating_sub(MAX_CLOSING);
        let now = Instant::now();
        self.cut_short(excess, now.checked_sub(TIME_TO_CLOSE).unwrap_or(now));
        self.closings.look_at = self.closings.a_quarter_more();
    }

    /// Ends so many of the connections that close by what their clients did, and began to by then, the oldest first.
    /// Returns how many there were.
    pub(super) fn cut_short(&mut self, most: usize, begun_by: Instant) -> usize {
        let by = begun_by + self.shared.config.close_timeout;
        let mut ended = 0;
        while ended < most
            && let Some(oldest) = self.closings.clients.pop_front_if(|oldest| oldest.at <= by)
        {
            ended += usize::from(self.cut_off(oldest));
        }
        ended
    }

    pub(super) fn pass_closings(&mut self, now: Instant) {
        let is_due = |deadline: &mut Deadline| deadline.at <= now;
        while let Some(deadline) = self.closings.services.pop_front_if(is_due) {
            self.expire_closing(deadline);
        }
        while let Some(deadline) = self.closings.clients.pop_front_if(is_due) {
            self.cut_off(deadline);
        }
        self.closings.look_at = self.closings.look_at.min(self.closings.a_quarter_more());
        while let Some(deadline) = self.refusals.pop_front_if(is_due) {
            self.cut_off(deadline);
        }
    }

    /// A connection that the service closed has had its time. As long as it takes what it is owed it gets more: the
    /// time counts from the last byte on.
    fn expire_closing(&mut self, deadline: Deadline) {
        let Deadline { key, serial, owed, .. } = deadline;
        let Some(slot) = self.sockets.slots.get(key).filter(|slot| slot.serial == serial) else {
            return;
        };
        if !matches!(slot.phase, Phase::Closing(_) | Phase::Draining { .. }) {
            return;
        }
        // Nor is it to blame for the time that we take to compress.
        if slot.waits_for_us() || slot.owed() < owed {
            self.expect_end(key);
        } else {
            slot.stream.give_up();
            self.bury(key);
        }
    }

    /// Ends a socket, if it is there still.
    fn cut_off(&mut self, Deadline { key, serial, .. }: Deadline) -> bool {
        let slot = self.sockets.slots.get(key).filter(|slot| slot.serial == serial);
        let Some(slot) = slot else {
            return false;
        };
        slot.stream.give_up();
        self.sockets.lost.push(key);
        true
    }

    fn deadline(&mut self, key: usize, time: Duration) -> Deadline {
        let slot = &self.sockets.slots[key];
        let (serial, owed) = (slot.serial, slot.owed());
        let at = Instant::now() + time;
        self.wake_by(at);
        Deadline { at, key, serial, owed }
    }
}
