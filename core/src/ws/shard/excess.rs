//! What a client sends over its limits: refused, counted, and after a while the end of its connection.

use std::sync::Arc;

use super::Shard;
use super::slot::Phase;
use crate::ws::answer::{Answer, code};
use crate::ws::clock;
use crate::ws::close;
use crate::ws::config::Protocol;
use crate::ws::connection::{Connection, GroupKind};
use crate::ws::decoder::Item;
use crate::ws::limits::Excess;
use crate::ws::message;
use crate::ws::stats::Denial;

/// A refused message is looked into for its `id` and type up to this length: to read all of a long one
/// would be the work that the limit is to spare.
const LOOKED_INTO: usize = 4096;

/// One read of a connection, as the limits see it.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// When it was, in milliseconds.
    now: u64,
    /// The bytes were over their rate: whatever message they end is refused.
    over: bool,
}

impl Reading {
    /// The same for what is interpreted later: its bytes have been measured, its messages have not.
    pub fn resumed(self, now: u64) -> Self {
        Self { now, ..self }
    }
}

impl Shard {
    /// Measures what was read. Nothing if the connection has come to its end by that.
    pub(super) fn meter(
        &mut self,
        key: usize,
        connection: &Arc<Connection>,
        count: usize,
        now: u64,
    ) -> Option<Reading> {
        let slot = &mut self.sockets.slots[key];
        let over = !slot.meter.bytes(self.shared.config.limits.bytes, count, now);
        // Here too, since bytes need never become a message.
        if over && matches!(slot.phase, Phase::Open(_)) && !self.bear_with(key, connection, now) {
            return None;
        }
        Some(Reading { now, over })
    }

    /// Measures small fragments: each takes a message's place, or an endless message of them would be
    /// within the rate. Those over it have their message refused, which is counted at once, since it need never
    /// end. Returns whether more frames may follow.
    #[cold]
    pub(super) fn take_crumbs(
        &mut self,
        key: usize,
        connection: &Arc<Connection>,
        crumbs: &mut usize,
        reading: Reading,
    ) -> bool {
        let slot = &mut self.sockets.slots[key];
        let rate = self.shared.config.limits.messages;
        let within = (0..std::mem::take(crumbs)).all(|_| slot.meter.message(rate, reading.now));
        if within || !matches!(slot.phase, Phase::Open(_)) {
            return true;
        }
        if !std::mem::replace(&mut slot.crumbled, true) {
            self.counters().denied(Denial::MessageRate);
        }
        self.bear_with(key, connection, reading.now)
    }

    /// Whether a message is over a limit, by which it is counted, unless its fragments were already.
    pub(super) fn is_over(&mut self, key: usize, item: &Item<'_>, reading: Reading) -> bool {
        let slot = &mut self.sockets.slots[key];
        // A ping between its fragments leaves the message as it is.
        let crumbled =
            matches!(item, Item::Text(_) | Item::Binary(_)) && std::mem::take(&mut slot.crumbled);
        if crumbled {
            return true;
        }
        let excess = self.excess_of(key, reading);
        if let Some(denial) = excess {
            self.counters().denied(denial);
        }
        excess.is_some()
    }

    /// The limit that the next message is over, if it is over one.
    fn excess_of(&mut self, key: usize, reading: Reading) -> Option<Denial> {
        let slot = &mut self.sockets.slots[key];
        let limits = &self.shared.config.limits;
        if reading.over {
            return Some(Denial::ByteRate);
        }
        if !slot.meter.message(limits.messages, reading.now) {
            return Some(Denial::MessageRate);
        }
        let (rate, user) = limits.messages_per_user.zip(slot.user.as_ref())?;
        (!user.take(rate, reading.now)).then_some(Denial::UserMessageRate)
    }

    /// From now on what it sends counts as its user's.
    pub(super) fn meter_user(&mut self, key: usize, user: &str) {
        if self.shared.config.limits.messages_per_user.is_some()
            && let Some(slot) = self.sockets.slots.get_mut(key)
        {
            slot.user = Some(self.shared.users.get(user.into(), clock::steady_millis()));
        }
    }

    /// Refuses a message that is over a limit. Returns whether more frames may follow.
    pub(super) fn refuse_item(
        &mut self,
        key: usize,
        connection: &Arc<Connection>,
        item: &Item<'_>,
        reading: Reading,
    ) -> bool {
        if !self.bear_with(key, connection, reading.now) {
            return false;
        }
        if self.shared.config.protocol == Protocol::Messaging {
            match item {
                Item::Text(text) => self.answer_excess(Some(text)),
                Item::Binary(data) => self.answer_excess(simdutf8::basic::from_utf8(data).ok()),
                Item::Ping(_) | Item::Pong(_) | Item::Close(_) => {}
            }
        }
        true
    }

    fn answer_excess(&mut self, text: Option<&str>) {
        let message = text.filter(|text| text.len() <= LOOKED_INTO).and_then(message::parse);
        let refused = message.as_ref().and_then(|message| message.request.kind());
        let id = message.as_ref().and_then(|message| message.id.as_deref());
        let text = "Rate limit exceeded";
        self.answer(&Answer::Error { message: text, code: code::RATE_LIMITED, refused }, id);
    }

    /// Takes note of an excess. False when the connection has come to its end by it.
    fn bear_with(&mut self, key: usize, connection: &Arc<Connection>, now: u64) -> bool {
        match self.sockets.slots[key].meter.refuse(now) {
            Excess::Begins => {
                let message = "the client sends faster than the limits allow".to_owned();
                self.shared.warn(Some(connection), "ERR_RATE_LIMITED", message);
            }
            Excess::GoesOn => {}
            Excess::TooLong => {
                self.close_now(key, close::POLICY, "Rate limit exceeded".to_owned());
                return false;
            }
        }
        true
    }

    /// How many memberships of this kind a client may have.
    pub(super) fn limit_of(&self, kind: GroupKind) -> Option<usize> {
        let limits = &self.shared.config.limits;
        match kind {
            GroupKind::Room => limits.rooms,
            GroupKind::Topic => limits.subscriptions,
            GroupKind::User => None,
        }
    }

    /// Answers a client that has as many already as it may have, where it can be answered.
    pub(super) fn full(&mut self, kind: GroupKind, id: Option<&str>) {
        let (denial, refused, what) = match kind {
            GroupKind::Room => (Denial::RoomLimit, "join_room", "rooms"),
            GroupKind::Topic => (Denial::SubscriptionLimit, "subscribe", "subscriptions"),
            GroupKind::User => {
                (Denial::UserConnectionLimit, "authenticate", "connections of this user")
            }
        };
        self.counters().denied(denial);
        if self.shared.config.protocol == Protocol::Raw {
            return;
        }
        let message = format!("Limit exceeded: too many {what}");
        let refused = Some(refused);
        self.answer(&Answer::Error { message: &message, code: code::LIMIT_EXCEEDED, refused }, id);
    }
}
