//! Reading: from a socket's readiness to what its frames mean.

use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, ReadBuf};

use super::Shard;
use super::excess::Reading;
use super::slot::{Kept, Phase};
use super::sockets::OWED_WHILE_READING;
use crate::ws::arrival::Given;
use crate::ws::clock;
use crate::ws::close::{self, Violation};
use crate::ws::config::Protocol;
use crate::ws::connection::Connection;
use crate::ws::decoder::{Item, Terms};
use crate::ws::events::{Event, Kind};
use crate::ws::frame::{Opcode, encode_into};
use crate::ws::handshake::{self, Outcome, Refusal, RefusalReason, Rules};
use std::sync::Arc;

/// Full buffers that one connection may hand in before others have their turn.
const READS_A_TURN: usize = 4;

/// Bytes of messages, inflated, behind which one connection gives others their turn: one read may hold a thousand times
/// as many.
const MESSAGES_A_TURN: usize = 1024 * 1024;

impl Shard {
    /// Serves one socket that may be readable or writable. Ready when the socket is gone.
    pub(super) fn poll_slot(&mut self, key: usize, serial: u64, cx: &mut Context<'_>) -> Poll<()> {
        let Some(slot) = self.sockets.slots.get_mut(key).filter(|s| s.serial == serial) else {
            return Poll::Ready(());
        };
        if !slot.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            slot.waker = Some(cx.waker().clone());
        }
        self.sockets.flush(key);
        self.read(key, serial, cx);
        self.settle();
        self.answer_flushes();
        match self.sockets.slots.get(key) {
            Some(slot) if slot.serial == serial => Poll::Pending,
            _ => Poll::Ready(()),
        }
    }

    fn read(&mut self, key: usize, serial: u64, cx: &mut Context<'_>) {
        for _ in 0..READS_A_TURN {
            let Some(slot) = self.sockets.slots.get_mut(key).filter(|s| s.serial == serial) else {
                return;
            };
            let may_be_read = match slot.phase {
                Phase::Header(_) => self.read_header(key, cx),
                Phase::Judging(_) => self.enter_judged(key),
                _ => true,
            };
            if !may_be_read {
                return;
            }
            let slot = &mut self.sockets.slots[key];
            if slot.hold.is_some() {
                // Nothing is decided for who has left.
                if slot.stream.poll_end(cx).is_ready() {
                    self.sockets.lost.push(key);
                    return;
                }
                if slot.waits_for_verdict() {
                    return;
                }
                // Also for who does not take its output: else it could keep a verdict off for as long as it likes.
                self.go_on(key);
                self.settle_broken();
                continue;
            }
            let draining = matches!(slot.phase, Phase::Draining { .. });
            slot.held_back = slot.owed() > OWED_WHILE_READING && !draining;
            if slot.held_back {
                return;
            }
            let adds_events = matches!(slot.phase, Phase::Handshake(_) | Phase::Open(_));
            if adds_events && self.shared.events.is_full() {
                return self.park(key);
            }
            if let Some(kept) = slot.kept.take() {
                self.interpret_kept(key, *kept);
                self.settle_broken();
                if self.has_kept(key, serial) {
                    break;
                }
                continue;
            }
            let mut buffer = ReadBuf::new(&mut self.buffer);
            match Pin::new(&mut slot.stream).poll_read(cx, &mut buffer) {
                Poll::Pending => return,
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    let count = buffer.filled().len();
                    self.counters().bytes_in.add(count);
                    let mut bytes = std::mem::take(&mut self.buffer);
                    self.input(key, &mut bytes[..count]);
                    self.buffer = bytes;
                    self.settle_broken();
                    if self.has_kept(key, serial) {
                        break;
                    }
                }
                // No TLS came about. The peer is told, and what it still sends is read on.
                Poll::Ready(Err(_))
                    if slot.stream.has_failed() && matches!(slot.phase, Phase::Handshake(_)) =>
                {
                    self.shaking -= 1;
                    self.counters().refused(RefusalReason::TlsHandshake);
                    self.drain_refused(key);
                }
                // The end, or an error, which is an end too.
                Poll::Ready(_) => {
                    self.sockets.lost.push(key);
                    return;
                }
            }
        }
        cx.waker().wake_by_ref();
    }

    /// Whether its turn has left some of what was read.
    fn has_kept(&self, key: usize, serial: u64) -> bool {
        let slot = self.sockets.slots.get(key).filter(|slot| slot.serial == serial);
        slot.is_some_and(|slot| slot.kept.is_some())
    }

    /// Interprets what was kept of a read.
    fn interpret_kept(&mut self, key: usize, Kept { mut bytes, reading }: Kept) {
        if let Some(connection) = self.sockets.slots[key].connection().cloned() {
            let reading = reading.resumed(clock::steady_millis());
            self.interpret(key, &connection, &mut bytes, reading);
        }
        self.write_answers(key);
    }

    pub(super) fn settle_broken(&mut self) {
        if !self.sockets.lost.is_empty() || !self.sockets.slow.is_empty() {
            self.settle();
        }
    }

    fn park(&mut self, key: usize) {
        let slot = &mut self.sockets.slots[key];
        if !slot.parked {
            slot.parked = true;
            self.parked.push(key);
        }
        // The host may have caught up between the look and the parking: then nobody would call.
        if !self.shared.events.is_full() {
            self.resume();
        }
    }

    fn input(&mut self, key: usize, bytes: &mut [u8]) {
        let slot = &mut self.sockets.slots[key];
        match &mut slot.phase {
            Phase::Handshake(head) if head.is_empty() => {
                let consumed = self.shake_hands(key, bytes);
                if let Some(consumed) = consumed {
                    self.frames(key, &mut bytes[consumed..]);
                }
            }
            Phase::Handshake(head) => {
                let mut head = std::mem::take(head);
                head.extend_from_slice(bytes);
                let consumed = self.shake_hands(key, &head);
                if let Some(consumed) = consumed {
                    self.frames(key, &mut head[consumed..]);
                }
            }
            Phase::Open(_) | Phase::Closing(_) => self.frames(key, bytes),
            Phase::Header(_) | Phase::Judging(_) | Phase::Draining { .. } => {}
        }
        self.write_answers(key);
    }

    /// Returns how many bytes the request took, once it is whole and accepted.
    fn shake_hands(&mut self, key: usize, head: &[u8]) -> Option<usize> {
        match handshake::parse(head, Rules::of(&self.shared.config)) {
            Outcome::Incomplete => {
                self.sockets.slots[key].phase = Phase::Handshake(head.to_vec());
                None
            }
            Outcome::Refuse(refusal) => {
                self.refuse(key, &refusal);
                None
            }
            Outcome::Accept { request, consumed } => {
                self.let_in(key, request, &head[consumed..], None).then_some(consumed)
            }
        }
    }

    /// Goes on where the host's server stopped: the request is read, and is not answered yet.
    pub(super) fn take_over(&mut self, key: usize, serial: u64, mut given: Given) {
        // It may have been abandoned since, or refused for its address.
        let slot = self.sockets.slots.get(key).filter(|slot| slot.serial == serial);
        if slot.is_none_or(|slot| !matches!(slot.phase, Phase::Handshake(_))) {
            return;
        }
        match given.judge(Rules::of(&self.shared.config)) {
            Ok(request) => {
                if self.let_in(key, request, &given.rest, given.origin_allowed) {
                    self.frames(key, &mut given.rest);
                }
                self.write_answers(key);
            }
            Err(refusal) => self.refuse(key, &refusal),
        }
    }

    pub(super) fn refuse(&mut self, key: usize, refusal: &Refusal) {
        self.shaking -= 1;
        self.counters().refused(refusal.reason);
        self.answers.extend_from_slice(&handshake::refusal_response(refusal));
        self.write_answers(key);
        self.drain_refused(key);
    }

    /// Measures what has come, and interprets it, unless a decision is awaited: then it is kept.
    pub(super) fn frames(&mut self, key: usize, bytes: &mut [u8]) {
        let slot = &mut self.sockets.slots[key];
        let Some(connection) = slot.connection().cloned() else {
            return;
        };
        let now = clock::steady_millis();
        slot.heard(now);
        let Some(reading) = self.meter(key, &connection, bytes.len(), now) else {
            return;
        };
        let slot = &mut self.sockets.slots[key];
        if slot.hold.is_some() {
            slot.keep(bytes, reading);
        } else {
            self.interpret(key, &connection, bytes, reading);
        }
    }

    /// Interprets frames, up to one that has to wait for a decision, or as far as one turn goes: what lies behind it is
    /// kept.
    pub(super) fn interpret(
        &mut self,
        key: usize,
        connection: &Arc<Connection>,
        bytes: &mut [u8],
        reading: Reading,
    ) {
        let slot = &mut self.sockets.slots[key];
        // Out of their places while items borrow from them: slot and shard are needed for what
        // the items cause.
        let mut decoder = std::mem::take(&mut slot.decoder);
        let mut inflaters = std::mem::take(&mut self.inflaters);
        let mut terms = Terms {
            max_payload: self.shared.config.max_payload,
            compression: slot.window.is_some(),
            inflaters: &mut inflaters,
            crumbs: 0,
        };
        let mut rest = bytes;
        let mut done = 0;
        let more = loop {
            let next = decoder.next(&mut rest, &mut terms);
            if terms.crumbs > 0 && !self.take_crumbs(key, connection, &mut terms.crumbs, reading) {
                break false;
            }
            match next {
                Ok(Some(item)) => {
                    done += item.payload_len();
                    if !self.item(key, connection, item, reading) {
                        break false;
                    }
                    let slot = &mut self.sockets.slots[key];
                    if slot.hold.is_some() {
                        slot.keep(rest, reading);
                        break true;
                    }
                    let is_enough =
                        done > MESSAGES_A_TURN || self.answers.len() > OWED_WHILE_READING;
                    if is_enough && !rest.is_empty() {
                        self.sockets.slots[key].keep(rest, reading);
                        break true;
                    }
                }
                Ok(None) => break true,
                Err(violation) => {
                    self.violated(key, violation);
                    break false;
                }
            }
        };
        self.inflaters = inflaters;
        if more {
            self.sockets.slots[key].decoder = decoder;
        }
    }

    /// Returns whether more frames may follow.
    fn item(
        &mut self,
        key: usize,
        connection: &Arc<Connection>,
        item: Item<'_>,
        reading: Reading,
    ) -> bool {
        let closing = matches!(self.sockets.slots[key].phase, Phase::Closing(_));
        if !closing && !matches!(item, Item::Close(_)) && self.is_over(key, &item, reading) {
            return self.refuse_item(key, connection, &item, reading);
        }
        match item {
            Item::Close(close) => {
                self.peer_closed(key, close);
                return false;
            }
            // Our Close frame is the last that we send (RFC 6455 section 5.5.1).
            _ if closing => {}
            Item::Ping(payload) => encode_into(Opcode::Pong, &payload, &mut self.answers),
            Item::Pong(_) => {}
            Item::Text(text) => {
                self.counters().messages_in.add(1);
                match self.shared.config.protocol {
                    Protocol::Messaging => self.message(key, connection, &text),
                    Protocol::Raw if !self.is_admitted(key) => self.ignore(),
                    Protocol::Raw if self.shared.events.wants(Kind::Data) => {
                        let (connection, text) = (connection.clone(), text.into_owned());
                        self.shared.events.push(Event::RawText { connection, text });
                    }
                    Protocol::Raw => {}
                }
            }
            Item::Binary(data) => {
                self.counters().messages_in.add(1);
                match self.shared.config.protocol {
                    Protocol::Messaging => self.binary(key, connection, data),
                    Protocol::Raw if !self.is_admitted(key) => self.ignore(),
                    Protocol::Raw if self.shared.events.wants(Kind::Data) => {
                        let (connection, data) = (connection.clone(), data.into_owned());
                        self.shared.events.push(Event::RawBinary { connection, data });
                    }
                    Protocol::Raw => {}
                }
            }
        }
        true
    }

    fn violated(&mut self, key: usize, violation: Violation) {
        let (code, reason) = (violation.close_code(), violation.to_string());
        self.close_now(key, code, reason);
    }

    fn peer_closed(&mut self, key: usize, close: Option<(u16, String)>) {
        let (code, reason) = close.unwrap_or((close::NO_STATUS, String::new()));
        self.answer_close(key, code, reason);
    }

    /// Writes the answers that this read has gathered.
    pub(super) fn write_answers(&mut self, key: usize) {
        if matches!(self.sockets.slots[key].phase, Phase::Closing(_)) {
            // Behind our Close frame nothing may follow.
            self.answers.clear();
        }
        if self.answers.is_empty() {
            return;
        }
        let answers = std::mem::take(&mut self.answers);
        if !self.sockets.write_now(key, &answers) {
            self.sockets.slow.push(key);
        }
        self.answers = answers;
        self.answers.clear();
    }
}
