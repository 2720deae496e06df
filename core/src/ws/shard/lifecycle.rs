//! Birth and death of connections: handshake, closing in its several ways, heartbeat, shutdown.

pub(super) mod closings;

use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::time::Instant;

pub(super) use self::closings::Closings;
use super::slot::{Closing, Phase, Slot};
use super::{Deadline, Shard};
use crate::ws::answer::Answer;
use crate::ws::clock;
use crate::ws::close::{self, close_payload};
use crate::ws::config::Protocol;
use crate::ws::connection::{Address, Connection};
use crate::ws::events::{Event, Kind, RequestInfo};
use crate::ws::frame::{Opcode, encode, encode_into};
use crate::ws::guard::token::token_of;
use crate::ws::handshake::{self, RefusalReason};
use crate::ws::heartbeat::{self, Verdict};
use crate::ws::prepared::Prepared;
use crate::ws::transport::Transport;

/// Handshakes that may be under way on a shard; beyond it the oldest gives way, so that clients
/// that dribble cannot keep others out.
pub(super) const MAX_HANDSHAKES: usize = 4096;

/// Closings and handshakes of a shard that end at once for want of descriptors: enough of them that whoever waits gets in soon,
/// and not so many that none has the time to become whole.
const GIVE_WAY_AT_ONCE: usize = 32;

/// How long a handshake may take before it gives way for want of descriptors: TLS and a request from the other end of
/// the world.
const FAR_AWAY: Duration = Duration::from_secs(2);

/// Deadlines of decisions that have ended which a shard keeps until they are looked through.
const MAX_LEFT_OVER: usize = 4096;

static PING: [u8; 2] = [0x89, 0];

impl Shard {
    /// Takes in a socket whose handshake is to come, or to be answered.
    pub(super) fn adopt(&mut self, stream: Transport, serial: u64, attached: bool) -> usize {
        stream.set_nodelay();
        let is_proxied = self.shared.config.proxy_protocol && !attached;
        let phase = if is_proxied { Phase::Header } else { Phase::Handshake };
        let key = self.sockets.slots.insert(Slot::new(stream, serial, phase(Vec::new())));
        if attached {
            self.attached.insert(serial, key);
        }
        self.shaking += 1;
        self.expect_handshake(key, serial);
        // First, since for who is refused nobody has to give way.
        if is_proxied {
            self.meet_balancer(key);
        } else {
            self.meet_socket(key);
        }
        if self.shaking > MAX_HANDSHAKES {
            self.give_way(Instant::now() + self.shared.config.handshake_timeout);
        }
        key
    }

    fn expect_handshake(&mut self, key: usize, serial: u64) {
        let at = Instant::now() + self.shared.config.handshake_timeout;
        self.handshakes.push_back(Deadline { at, key, serial, owed: 0 });
        self.wake_by(at);
    }

    /// Answers an accepted request. Returns whether frames may follow.
    pub(super) fn establish(&mut self, key: usize, request: handshake::Request) -> bool {
        self.shaking -= 1;
        self.answers.extend_from_slice(&handshake::accept_response(&request));
        let stopping = self.gone_by.is_some();
        if stopping || !self.shared.index.claim(self.shared.config.max_connections) {
            let (code, reason) = if stopping {
                (close::GOING_AWAY, "Server shutting down")
            } else {
                self.counters().refused(RefusalReason::ServerOverloaded);
                (close::TRY_AGAIN, "Server overloaded")
            };
            encode_into(Opcode::Close, &close_payload(code, reason), &mut self.answers);
            self.write_answers(key);
            self.drain_refused(key);
            return false;
        }
        let remote = self.client_of(key, &request);
        let slot = &mut self.sockets.slots[key];
        let address = Address { shard: self.number, slot: key, serial: slot.serial };
        let bridged = slot.stream.is_bridge();
        let certificate: Option<Box<[u8]>> = slot.stream.peer_certificate().map(Into::into);
        let connection = Connection::new(address, remote, bridged);
        slot.window = request.deflate.map(|agreement| agreement.window);
        slot.phase = Phase::Open(connection.clone());
        slot.live_at = self.live.len();
        self.live.push(key);
        self.shared.index.register(&connection);
        if !self.shared.config.guard.require_auth {
            self.admit(key, &connection);
        }
        self.counters().accepted.add(1);
        if self.shared.config.protocol == Protocol::Messaging {
            let id = connection.id.to_string();
            self.answer(&Answer::Connected { connection: &id }, None);
        }
        let token = token_of(&self.shared.config.guard.token_from, &request);
        if self.shared.guard.asks_the_host() {
            let (url, headers) = (request.url.clone(), request.headers.clone());
            let certificate = certificate.clone();
            let request = Arc::new(RequestInfo { url, headers, certificate });
            self.sockets.slots[key].access.request = Some(request);
        }
        if self.shared.events.wants(Kind::Connection) {
            let (url, headers) = (request.url, request.headers);
            let request = RequestInfo { url, headers, certificate };
            let connection = connection.clone();
            self.shared.events.push(Event::Connection { connection, request });
        }
        self.meet(key, &connection, token);
        true
    }

    // Closing.

    /// The service closes: nothing follows the Close frame, and the peer has `closeTimeout` to
    /// answer it.
    pub(super) fn begin_close(&mut self, key: usize, code: u16, reason: String) {
        if self.part(key, code, reason) {
            self.expect_end(key);
        }
    }

    /// Closes a connection by what its client did, or did not do, behind the answer that says why.
    pub(super) fn dismiss(&mut self, key: usize, code: u16, reason: String) {
        self.say_why(key);
        if self.part(key, code, reason) {
            self.limit_end(key);
        }
    }

    /// Queues a Close frame for an open connection, which is out of service by that.
    fn part(&mut self, key: usize, code: u16, reason: String) -> bool {
        let Some(connection) = self.leave_service(key) else {
            return false;
        };
        self.queue_close(key, code, &reason);
        self.sockets.slots[key].phase =
            Phase::Closing(Box::new(Closing { connection, code, reason }));
        true
    }

    /// Writes the answers of this read to a client that has brought its end about. Of what its socket does not take
    /// at once, only the frame that is on its way and the last answer still wait.
    fn say_why(&mut self, key: usize) {
        let spared = usize::from(!self.answers.is_empty());
        self.write_answers(key);
        // Behind a Close frame nothing waits.
        if matches!(self.sockets.slots[key].phase, Phase::Open(_)) {
            self.sockets.flush(key);
            // Nor is it to blame for what waits until we have compressed it.
            if !self.sockets.slots[key].waits_for_us() {
                let dropped = self.sockets.discard(key, spared);
                self.counters().dropped_unwritten.add(dropped);
            }
        }
    }

    /// A client that reads too slowly: what it missed is dropped, and it is asked to come back.
    pub(super) fn close_slow(&mut self, key: usize) {
        let Some(slot) = self.sockets.slots.get(key) else {
            return;
        };
        let Phase::Open(connection) = &slot.phase else {
            return;
        };
        let owed = slot.owed();
        let message = format!("the client reads too slowly: closed with {owed} bytes owed");
        self.shared.warn(Some(connection), "ERR_SLOW_CONSUMER", message);
        self.counters().slow_consumers.add(1);
        let dropped = self.sockets.discard(key, 0);
        self.counters().dropped_slow.add(dropped);
        if self.part(key, close::TRY_AGAIN, "Slow consumer".to_owned()) {
            self.limit_end(key);
        }
    }

    /// The peer broke the protocol: it gets a Close frame, and nothing more of it is read.
    pub(super) fn close_now(&mut self, key: usize, code: u16, reason: String) {
        self.say_why(key);
        self.end(key, Some((code, reason)), true);
    }

    /// The peer closes: its Close frame is answered by the same code (RFC 6455 section 5.5.1).
    pub(super) fn answer_close(&mut self, key: usize, code: u16, reason: String) {
        self.say_why(key);
        self.end(key, Some((code, reason)), false);
    }

    /// Ends a connection that is open or closing: tells the host, sends the Close frame if none
    /// was sent, and lets the socket drain. If we had begun to close, our code stands.
    fn end(&mut self, key: usize, close: Option<(u16, String)>, linger: bool) {
        let (code, reason) = close.unwrap_or((close::ABNORMAL, String::new()));
        let was_closing = matches!(self.sockets.slots[key].phase, Phase::Closing(_));
        match &mut self.sockets.slots[key].phase {
            Phase::Open(_) => {
                let Some(connection) = self.leave_service(key) else {
                    return;
                };
                self.queue_close(key, code, if linger { &reason } else { "" });
                self.farewell(&connection, code, reason);
            }
            Phase::Closing(closing) => {
                let (code, reason) = (closing.code, std::mem::take(&mut closing.reason));
                let connection = closing.connection.clone();
                self.farewell(&connection, code, reason);
            }
            Phase::Header(_) | Phase::Handshake(_) | Phase::Judging(_) | Phase::Draining { .. } => {
                return;
            }
        }
        // Written before it drains, so that a socket that takes all at once is done at once.
        self.sockets.flush(key);
        self.sockets.drain(key, linger);
        // Else it is gone by the end of this turn, or has a deadline already.
        if !was_closing && (linger || self.sockets.slots[key].owes()) {
            self.limit_end(key);
        }
    }

    fn queue_close(&mut self, key: usize, code: u16, reason: &str) {
        let frame = encode(Opcode::Close, &close_payload(code, reason));
        self.sockets.push(key, Prepared::Ready(frame.into()));
    }

    /// Takes an open connection out of index and lists: nothing is sent to it from now on.
    fn leave_service(&mut self, key: usize) -> Option<Arc<Connection>> {
        let slot = &mut self.sockets.slots[key];
        let Phase::Open(connection) = &slot.phase else {
            return None;
        };
        let connection = connection.clone();
        let (at, groups) = (slot.live_at, std::mem::take(&mut slot.groups));
        self.let_go(key);
        self.shared.index.deregister(&connection);
        self.live.swap_remove(at);
        if let Some(&moved) = self.live.get(at) {
            self.sockets.slots[moved].live_at = at;
        }
        for group in groups {
            if let Some(list) = self.lists.get_mut(&group) {
                list.swap_remove(&key);
                if list.is_empty() {
                    self.lists.remove(&group);
                }
            }
        }
        Some(connection)
    }

    /// Marks the end of a connection and tells the host, if it listens or knows the connection.
    fn farewell(&self, connection: &Arc<Connection>, code: u16, reason: String) {
        let events = &self.shared.events;
        if connection.finish() || events.wants(Kind::Disconnect) {
            events.push(Event::Disconnect { connection: connection.clone(), code, reason });
        }
    }

    /// The socket is at its end, expected or not.
    pub(super) fn bury(&mut self, key: usize) {
        let Some(slot) = self.sockets.slots.get(key) else {
            return;
        };
        match &slot.phase {
            Phase::Open(_) => {
                if let Some(connection) = self.leave_service(key) {
                    self.farewell(&connection, close::ABNORMAL, String::new());
                }
            }
            Phase::Closing(closing) => {
                let connection = closing.connection.clone();
                self.farewell(&connection, close::ABNORMAL, String::new());
            }
            Phase::Header(_) | Phase::Handshake(_) | Phase::Judging(_) => self.shaking -= 1,
            Phase::Draining { .. } => {}
        }
        let slot = self.sockets.remove(key);
        self.attached.remove(&slot.serial);
        // Its task finds the slot empty and ends.
        if let Some(waker) = slot.waker {
            waker.wake();
        }
        if self.is_finished() {
            // The thread waits for jobs and deadlines: let it see that it may end.
            self.inbox.poke();
        }
    }

    // Time.

    /// Makes sure that the thread does not sleep past a deadline.
    pub(super) fn wake_by(&mut self, deadline: Instant) {
        if deadline < self.sleeps_until {
            self.sleeps_until = deadline;
            self.inbox.poke();
        }
    }

    /// When the thread has to look at its deadlines next.
    pub(super) fn next_deadline(&mut self) -> Instant {
        let far = Instant::now() + std::time::Duration::from_secs(3600);
        let fronts = [self.handshakes.front(), self.refusals.front()].into_iter().flatten();
        let fronts = fronts.chain(self.closings.fronts()).map(|deadline| deadline.at);
        let others = [self.next_sweep, self.gone_by].into_iter().flatten();
        let deadlines = fronts.chain(others).chain(self.guards_deadlines());
        self.sleeps_until = deadlines.min().unwrap_or(far).min(far);
        self.sleeps_until
    }

    pub(super) fn pass_deadlines(&mut self, now: Instant) {
        while let Some(deadline) = self.handshakes.pop_front_if(|deadline| deadline.at <= now) {
            self.expire_handshake(deadline);
        }
        self.pass_closings(now);
        self.forget_answered();
        self.pass_guards_deadlines(now);
        if let (Some(at), Some(interval)) = (self.next_sweep, self.shared.config.heartbeat)
            && at <= now
        {
            self.next_sweep = Some(now + interval);
            self.sweep(interval.as_millis() as u64);
        }
        if self.gone_by.is_some_and(|deadline| deadline <= now) {
            self.bury_all();
        }
    }

    /// Deadlines of decisions outlive the decisions, and `hookTimeout` may be weeks. When most are left over they are
    /// dropped: less often than decisions are made, so that it costs each of them the same.
    fn forget_answered(&mut self) {
        if self.asked.len() > MAX_LEFT_OVER && self.asked.len() > 2 * self.shared.guard.desk.count()
        {
            self.shared.guard.desk.keep_awaited(&mut self.asked);
            self.asked.shrink_to(MAX_LEFT_OVER);
        }
    }

    fn expire_handshake(&mut self, deadline: Deadline) {
        let Some(key) = self.under_way(deadline) else { return };
        match self.sockets.slots[key].phase {
            Phase::Header(_) => self.refuse_header(key),
            // Who is not allowed in time is not allowed.
            Phase::Judging(_) => self.refuse(key, &RefusalReason::Origin.into()),
            _ => self.end_handshake(key),
        }
    }

    /// Descriptors are lacking: who has brought about its own end does not need one any more, and silent sockets must
    /// not keep theirs until `handshakeTimeout`. Of these, who is only far away has its time, and of the others the
    /// younger half stays.
    pub(super) fn make_room(&mut self) {
        // Counted before they are free: another thread may accept by them at once.
        self.shared.given_way.fetch_add(GIVE_WAY_AT_ONCE, Relaxed);
        let closed = self.cut_short(GIVE_WAY_AT_ONCE, Instant::now());
        let timeout = self.shared.config.handshake_timeout;
        let most = self.shaking.div_ceil(2).min(GIVE_WAY_AT_ONCE - closed);
        let old = Instant::now() + timeout.saturating_sub(FAR_AWAY);
        let given = (0..most).take_while(|_| self.give_way(old)).count();
        let unused = GIVE_WAY_AT_ONCE - closed - given;
        let give_back = |count: usize| Some(count.saturating_sub(unused));
        let _ = self.shared.given_way.fetch_update(Relaxed, Relaxed, give_back);
    }

    /// Ends the oldest handshake that is under way, however far it is, if its time is up by then. Returns whether there
    /// was one.
    fn give_way(&mut self, by: Instant) -> bool {
        for _ in 0..self.handshakes.len() {
            let oldest = self.handshakes.pop_front_if(|oldest| oldest.at <= by);
            let Some(oldest) = oldest else { break };
            if let Some(key) = self.under_way(oldest) {
                self.end_handshake(key);
                return true;
            }
        }
        false
    }

    /// The slot of a handshake that is under way still. One that the host keeps waiting gets its time anew instead.
    fn under_way(&mut self, Deadline { key, serial, .. }: Deadline) -> Option<usize> {
        let slot = self.sockets.slots.get(key).filter(|slot| slot.serial == serial)?;
        if !slot.phase.is_shaking() {
            return None;
        }
        if slot.parked {
            self.expect_handshake(key, serial);
            return None;
        }
        Some(key)
    }

    fn end_handshake(&mut self, key: usize) {
        self.counters().refused(RefusalReason::HandshakeTimeout);
        self.bury(key);
    }

    /// Pings who is silent, and ends who stays silent.
    fn sweep(&mut self, interval: u64) {
        let now = clock::steady_millis();
        let mut dead = Vec::new();
        for &key in &self.live {
            let slot = &self.sockets.slots[key];
            let Phase::Open(connection) = &slot.phase else {
                continue;
            };
            // Whoever is not read because the host is behind, or has to decide, or waits for us to
            // compress, is not to blame for the silence.
            if slot.parked || slot.hold.is_some() || slot.waits_for_us() {
                continue;
            }
            match heartbeat::judge(now, connection.last_seen(), interval, slot.asked) {
                Verdict::Alive => {}
                Verdict::Ping => {
                    self.sockets.slots[key].asked = true;
                    let ping = Bytes::from_static(&PING).into();
                    self.sockets.enqueue(key, &ping);
                }
                Verdict::Dead => dead.push(key),
            }
        }
        for key in dead {
            let Some(connection) = self.leave_service(key) else {
                continue;
            };
            // A client that only slept finds out by the Close frame why it was left.
            self.queue_close(key, close::GOING_AWAY, "Heartbeat timeout");
            self.sockets.flush(key);
            self.farewell(&connection, close::ABNORMAL, "Heartbeat timeout".to_owned());
            self.sockets.slots[key].phase = Phase::Draining { linger: false };
            self.sockets.lost.push(key);
        }
    }

    // Shutdown.

    pub(super) fn begin_shutdown(&mut self, deadline: Instant) {
        if self.gone_by.is_some_and(|earlier| earlier <= deadline) {
            return;
        }
        self.gone_by = Some(deadline);
        for key in self.live.clone() {
            self.begin_close(key, close::GOING_AWAY, "Server shutting down".to_owned());
        }
        let slots = self.sockets.slots.iter();
        let waiting = slots.filter(|(_, slot)| slot.phase.is_shaking()).map(|(key, _)| key);
        for key in waiting.collect::<Vec<usize>>() {
            self.bury(key);
        }
    }

    pub(super) fn bury_all(&mut self) {
        let all: Vec<usize> = self.sockets.slots.iter().map(|(key, _)| key).collect();
        for key in all {
            self.sockets.slots[key].stream.give_up();
            self.bury(key);
        }
    }

    /// Whether a shutdown was asked for and nobody is left.
    pub(super) fn is_finished(&self) -> bool {
        self.gone_by.is_some() && self.sockets.slots.is_empty()
    }

    /// Something in the shard panicked, perhaps while it served a socket: that connection ends,
    /// the host is told, and the shard goes on with what the panic cut short.
    pub(super) fn recover(&mut self, culprit: Option<(usize, u64)>) {
        self.buffer.resize(super::READ_BUFFER, 0);
        self.answers.clear();
        // A panic between the end of a handshake and the next phase has left it uncounted.
        self.shaking = self.sockets.slots.iter().filter(|(_, s)| s.phase.is_shaking()).count();
        self.shared.report_fault();
        if let Some((key, serial)) = culprit
            && self.sockets.slots.get(key).is_some_and(|slot| slot.serial == serial)
        {
            self.bury(key);
        }
        self.sockets.recover();
        // Jobs, writes and ends that were still to come are due now, whoever else is silent.
        self.inbox.poke();
    }
}
