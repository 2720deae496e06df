//! Letting clients in and keeping them out: logins, decisions that are waited for, the time that a
//! client has to authenticate, and the end of an identity.
//!
//! A connection that waits for a decision is held: no frame of it is interpreted and its socket is
//! not read. The verdict is put down in its slot, and its own task goes on from there, with what
//! was read already first.

use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

use super::slot::{Hold, Lease, Phase};
use super::{Deadline, Shard};
use crate::ws::answer::{Answer, code};
use crate::ws::clock;
use crate::ws::close;
use crate::ws::config::Protocol;
use crate::ws::connection::{Address, Connection, GroupKind};
use crate::ws::events::Event;
use crate::ws::guard::desk::{Closed, LONGEST, Number};
use crate::ws::guard::{Action, Identity, Login, Question, Ruling, Verdict};
use crate::ws::inbox::Job;
use crate::ws::index::Join;
use crate::ws::stats::Denial;

/// An identity's end is no later than this, the last millisecond that ISO 8601 writes with four
/// digits of the year.
const LATEST: u64 = 253_402_300_799_999;

impl Shard {
    // Coming in.

    /// A connection has opened: judges the token that it may have brought, or gives it time.
    pub(super) fn meet(&mut self, key: usize, connection: &Arc<Connection>, token: Option<String>) {
        let admitted = self.is_admitted(key);
        if let Some(token) = token
            && self.shared.guard.verifies()
        {
            let login = Login { token: Some(token), ..Login::default() };
            self.judge_login(key, connection, login, true, None);
        } else if !admitted && self.shared.config.protocol == Protocol::Raw {
            // Frames mean nothing here, so it has no way to authenticate later.
            self.counters().denied(Denial::AuthRequired);
            return self.shut_out(key, "Authentication required");
        }
        if !admitted && matches!(self.sockets.slots[key].phase, Phase::Open(_)) {
            let at = Instant::now() + self.shared.config.guard.auth_timeout;
            self.logins.push_back(Deadline { at, key, serial: connection.address.serial, owed: 0 });
            self.wake_by(at);
        }
    }

    /// Whether it is heard, and reached by broadcasts.
    pub(super) fn is_admitted(&self, key: usize) -> bool {
        self.sockets.slots[key].access.admitted
    }

    pub(super) fn admit(&mut self, key: usize, connection: &Connection) {
        // The list before the index: whom a broadcast counts is reached.
        self.sockets.slots[key].access.admitted = true;
        self.shared.index.admit(connection);
    }

    /// Refuses what is said before authentication.
    pub(super) fn require_auth(&mut self, refused: Option<&str>, id: Option<&str>) {
        self.counters().denied(Denial::AuthRequired);
        let message = "Authentication required";
        self.answer(&Answer::Error { message, code: code::AUTH_REQUIRED, refused }, id);
    }

    /// The same where nothing can be said.
    pub(super) fn ignore(&self) {
        self.counters().denied(Denial::AuthRequired);
    }

    pub(super) fn log_in(
        &mut self,
        key: usize,
        connection: &Arc<Connection>,
        login: Login,
        id: Option<&str>,
    ) {
        self.judge_login(key, connection, login, false, id);
    }

    fn judge_login(
        &mut self,
        key: usize,
        connection: &Arc<Connection>,
        login: Login,
        at_once: bool,
        id: Option<&str>,
    ) {
        match self.shared.guard.authenticate(&login) {
            Ruling::Decided(verdict) => self.end_login(key, connection, verdict, at_once, id),
            Ruling::Host => self.hold(key, Question::Authenticate { login, at_once }, id),
            Ruling::Keys => self.hold_for_keys(key, connection, login, at_once, id),
        }
    }

    /// Takes a client in, or refuses it.
    fn end_login(
        &mut self,
        key: usize,
        connection: &Arc<Connection>,
        verdict: Verdict,
        at_once: bool,
        id: Option<&str>,
    ) {
        match verdict {
            Verdict::Identity(identity) if self.still_holds(&identity) => {
                match self.authenticate(key, connection, &identity, id) {
                    Join::Joined | Join::Already => self.take_in(key, connection, &identity),
                    Join::Full => self.turn_back(key, at_once, id),
                    Join::Gone => {}
                }
            }
            Verdict::Unanswered => self.excuse_login(key, at_once, "Authentication timed out", id),
            Verdict::Rejected(rejection) => {
                self.counters().rejected(rejection);
                self.refuse_login(key, at_once, id);
            }
            _ => self.refuse_login(key, at_once, id),
        }
    }

    fn still_holds(&self, identity: &Identity) -> bool {
        let expired = identity.expires_at.is_some_and(|at| at <= clock::wall_millis());
        let session = identity.session.as_deref();
        !expired && !session.is_some_and(|session| self.shared.guard.revoked.contains(session))
    }

    fn take_in(&mut self, key: usize, connection: &Arc<Connection>, identity: &Identity) {
        let access = &mut self.sockets.slots[key].access;
        access.failures = 0;
        access.overdue = false;
        if !access.admitted {
            self.admit(key, connection);
        }
        self.lease(key, identity.expires_at);
        // Whoever revoked the session since it was looked at may not have found it in the index.
        let session = identity.session.as_deref();
        if session.is_some_and(|session| self.shared.guard.revoked.contains(session)) {
            self.shut_out(key, "Session revoked");
        }
    }

    /// Refuses a login.
    fn refuse_login(&mut self, key: usize, at_once: bool, id: Option<&str>) {
        let message = "Authentication failed";
        self.answer_login(message, id);
        let access = &mut self.sockets.slots[key].access;
        access.failures += 1;
        if at_once || access.failures >= self.shared.config.guard.max_auth_failures {
            self.shut_out(key, message);
        }
    }

    /// Refuses a login that could not be judged, which does not count against the client.
    fn excuse_login(&mut self, key: usize, at_once: bool, message: &str, id: Option<&str>) {
        self.answer_login(message, id);
        if at_once {
            // Its token may be good: it shall come back with it.
            self.write_answers(key);
            self.begin_close(key, close::TRY_AGAIN, message.to_owned());
        }
    }

    fn answer_login(&mut self, message: &str, id: Option<&str>) {
        self.counters().denied(Denial::AuthFailed);
        if self.shared.config.protocol == Protocol::Messaging {
            let refused = Some("authenticate");
            self.answer(&Answer::Error { message, code: code::AUTH_FAILED, refused }, id);
        }
    }

    /// Refuses a login of a user who has as many connections already as it may have, which is no
    /// failure of the client's to say who it is.
    fn turn_back(&mut self, key: usize, at_once: bool, id: Option<&str>) {
        self.full(GroupKind::User, id);
        if at_once {
            self.write_answers(key);
            self.begin_close(key, close::POLICY, "Too many connections of this user".to_owned());
        }
    }

    /// Closes a connection that may not stay, behind what it was answered.
    fn shut_out(&mut self, key: usize, reason: &str) {
        self.write_answers(key);
        self.begin_close(key, close::UNAUTHORIZED, reason.to_owned());
    }

    // Going somewhere.

    /// A client asks to become a member.
    pub(super) fn go(
        &mut self,
        key: usize,
        connection: &Connection,
        action: Action,
        name: &str,
        id: Option<&str>,
    ) {
        match self.shared.guard.authorize(connection, action, name) {
            Ruling::Decided(Verdict::Allowed) => self.enter(key, connection, action, name, id),
            Ruling::Decided(_) => self.forbid(action, name, id),
            Ruling::Host | Ruling::Keys => {
                self.hold(key, Question::Authorize { action, name: name.into() }, id);
            }
        }
    }

    fn forbid(&mut self, action: Action, name: &str, id: Option<&str>) {
        self.counters().denied(Denial::Forbidden);
        let message = match action {
            Action::Subscribe => format!("Not allowed to subscribe to {name}"),
            Action::JoinRoom => format!("Not allowed to join {name}"),
        };
        let refused = Some(action.name());
        self.answer(&Answer::Error { message: &message, code: code::FORBIDDEN, refused }, id);
    }

    // Decisions that are waited for.

    /// Stops hearing a client until something is decided.
    fn hold(&mut self, key: usize, question: Question, id: Option<&str>) {
        let (number, has_place) = self.shared.guard.desk.enter(self.address_of(key));
        self.wait_for(key, number, question, id);
        // The time in line counts, or who is last in a long one would wait for many hooks' times.
        let at = Instant::now() + self.shared.config.guard.hook_timeout;
        self.asked.push_back((at, number));
        self.wake_by(at);
        if has_place {
            self.ask(key);
        }
    }

    /// Stops hearing a client until the keys of its token are fetched, or decides at once if it cannot wait.
    fn hold_for_keys(
        &mut self,
        key: usize,
        connection: &Arc<Connection>,
        login: Login,
        at_once: bool,
        id: Option<&str>,
    ) {
        let shared = Arc::clone(&self.shared);
        let number = shared.guard.desk.enter_aside(self.address_of(key));
        match shared.guard.keys.as_ref().map_or(Err(true), |keys| keys.wait(number)) {
            Ok(fetch) => {
                self.wait_for(key, number, Question::Authenticate { login, at_once }, id);
                shared.fetch_keys(fetch);
            }
            Err(current) => {
                shared.guard.desk.forget(number);
                // They may have come since they were looked at.
                let verdict = shared.guard.authenticate_finally(&login, current);
                self.end_login(key, connection, verdict, at_once, id);
            }
        }
    }

    fn address_of(&self, key: usize) -> Address {
        Address { shard: self.number, slot: key, serial: self.sockets.slots[key].serial }
    }

    fn wait_for(&mut self, key: usize, number: Number, question: Question, id: Option<&str>) {
        let (id, rest) = (id.map(Into::into), Vec::new());
        let hold = Hold { number, question, id, rest, reading: None, verdict: None };
        self.sockets.slots[key].hold = Some(Box::new(hold));
    }

    fn ask(&mut self, key: usize) {
        let slot = &self.sockets.slots[key];
        let (Some(hold), Phase::Open(connection)) = (&slot.hold, &slot.phase) else {
            return;
        };
        let (connection, number) = (connection.clone(), hold.number);
        let (question, request) = (hold.question.clone(), slot.access.request.clone());
        self.shared.events.push(Event::Decision { connection, number, question, request });
    }

    /// A decision that was in line has got its place.
    pub(super) fn ask_in_turn(&mut self, who: Address, number: Number) {
        let held = self.tenant(who).is_some_and(|slot| {
            slot.waits_for_verdict() && slot.hold.as_ref().is_some_and(|it| it.number == number)
        });
        if held {
            self.ask(who.slot);
        } else if let Some(closed) = self.shared.guard.desk.close(number) {
            // The client has left in the meantime: the next one has its place.
            self.shared.pass_on(&closed);
        }
    }

    /// Puts a verdict down for the client's task, if the client still waits for it.
    pub(super) fn decided(&mut self, who: Address, number: Number, verdict: Verdict) {
        if let Some(slot) = self.tenant(who)
            && let Some(hold) = &mut slot.hold
            && hold.number == number
        {
            hold.verdict = Some(verdict);
            slot.wake();
        }
    }

    /// Carries out a verdict, and then interprets what the client has sent behind its question.
    pub(super) fn go_on(&mut self, key: usize) {
        let slot = &mut self.sockets.slots[key];
        let Some(hold) = slot.hold.take() else {
            return;
        };
        let now = clock::steady_millis();
        slot.heard(now);
        let Hold { question, id, mut rest, reading, verdict, .. } = *hold;
        if let (Some(verdict), Phase::Open(connection)) = (verdict, &slot.phase) {
            let connection = connection.clone();
            let is_login = matches!(question, Question::Authenticate { .. });
            if !is_login {
                // Who has no right to be here any more is not let in there.
                self.check_overdue(key);
            }
            if matches!(self.sockets.slots[key].phase, Phase::Open(_)) {
                self.carry_out(key, &connection, question, verdict, id.as_deref());
                self.check_overdue(key);
            }
        }
        if let (Some(reading), Some(connection)) =
            (reading, self.sockets.slots[key].connection().cloned())
        {
            self.interpret(key, &connection, &mut rest, reading.resumed(now));
        }
        self.write_answers(key);
    }

    fn carry_out(
        &mut self,
        key: usize,
        connection: &Arc<Connection>,
        question: Question,
        verdict: Verdict,
        id: Option<&str>,
    ) {
        match question {
            Question::Authenticate { login, at_once } => {
                let verdict = match verdict {
                    Verdict::Fetched { current } => {
                        self.shared.guard.authenticate_finally(&login, current)
                    }
                    decided => decided,
                };
                self.end_login(key, connection, verdict, at_once, id);
            }
            Question::Authorize { action, name } if verdict == Verdict::Allowed => {
                self.enter(key, connection, action, &name, id);
            }
            Question::Authorize { action, name } => self.forbid(action, &name, id),
        }
    }

    /// A connection leaves service: nobody waits for anything of it any more.
    pub(super) fn let_go(&mut self, key: usize) {
        self.lease(key, None);
        let slot = &mut self.sockets.slots[key];
        slot.access.request = None;
        if let Some(hold) = &slot.hold {
            self.shared.guard.desk.forget(hold.number);
            // Its Close frame may lie among what was kept.
            slot.wake();
        }
    }

    // Time.

    pub(super) fn guards_deadlines(&self) -> impl Iterator<Item = Instant> {
        let asked = self.asked.front().map(|(at, _)| *at);
        let login = self.logins.front().map(|deadline| deadline.at);
        let lease = self.leases.first().map(|(at, _)| *at);
        let given_up = self.given_up.front().map(|(at, _)| *at);
        [asked, given_up, login, lease].into_iter().flatten()
    }

    pub(super) fn pass_guards_deadlines(&mut self, now: Instant) {
        while let Some((_, number)) = self.asked.pop_front_if(|(at, _)| *at <= now) {
            if let Some((who, is_with_host)) = self.shared.guard.desk.give_up(number) {
                self.expire_decision(who, number, is_with_host);
                if is_with_host {
                    self.given_up.push_back((now + LONGEST, number));
                    self.wake_by(now + LONGEST);
                }
            }
        }
        while let Some((_, number)) = self.given_up.pop_front_if(|(at, _)| *at <= now) {
            if let Some(closed) = self.shared.guard.desk.close(number) {
                self.shared.pass_on(&closed);
            }
        }
        while let Some(deadline) = self.logins.pop_front_if(|deadline| deadline.at <= now) {
            self.expire_login(deadline);
        }
        while let Some(&(at, key)) = self.leases.first().filter(|(at, _)| *at <= now) {
            self.leases.remove(&(at, key));
            self.pass_lease(key, now);
        }
    }

    fn expire_decision(&mut self, who: Address, number: Number, is_with_host: bool) {
        self.counters().denied(Denial::HookTimeout);
        let timeout = self.shared.config.guard.hook_timeout.as_millis();
        let slot = self.tenant(who);
        let hook = match slot.as_ref().and_then(|slot| slot.hold.as_ref()).map(|it| &it.question) {
            Some(Question::Authorize { .. }) => "authorize",
            _ => "authenticate",
        };
        let connection = slot.and_then(|slot| slot.connection().cloned());
        let message = if is_with_host {
            format!("{hook} did not answer within {timeout} ms: the answer is no")
        } else {
            format!(
                "too many hooks are at work, {hook} was not called within {timeout} ms: the answer is no"
            )
        };
        self.shared.warn(connection.as_ref(), "ERR_HOOK_TIMEOUT", message);
        self.decided(who, number, Verdict::Unanswered);
    }

    fn expire_login(&mut self, deadline: Deadline) {
        let Deadline { key, serial, .. } = deadline;
        let slot = self.sockets.slots.get_mut(key).filter(|slot| slot.serial == serial);
        let Some(slot) = slot.filter(|slot| matches!(slot.phase, Phase::Open(_))) else {
            return;
        };
        if !slot.access.admitted {
            slot.access.overdue = true;
            self.check_overdue(key);
        }
    }

    /// Closes a connection whose time has passed. `authTimeout` does not run while a decision is
    /// awaited, whereas an identity ends at its time: what is sent to its user is not for it any more.
    fn check_overdue(&mut self, key: usize) {
        let slot = &self.sockets.slots[key];
        if !matches!(slot.phase, Phase::Open(_)) {
            return;
        }
        if slot.access.overdue && slot.hold.is_none() {
            self.counters().denied(Denial::AuthTimeout);
            self.shut_out(key, "Authentication timeout");
        } else if slot.access.lease.as_ref().is_some_and(|lease| lease.end <= Instant::now()) {
            self.counters().denied(Denial::TokenExpired);
            self.shut_out(key, "Token expired");
        }
    }

    /// Sets until when an identity holds, in the place of what was set before.
    fn lease(&mut self, key: usize, expires_at: Option<u64>) {
        let lease = expires_at.map(|at| at.min(LATEST)).map(|expires_at| {
            let now = Instant::now();
            let left = expires_at.saturating_sub(clock::wall_millis());
            let lead = self.shared.config.guard.token_expiring_lead.as_millis();
            let lead = u64::try_from(lead).unwrap_or(u64::MAX).min(left / 2);
            let end = now + Duration::from_millis(left);
            Lease { next: end - Duration::from_millis(lead), end, expires_at }
        });
        let access = &mut self.sockets.slots[key].access;
        if let Some(old) = std::mem::replace(&mut access.lease, lease.map(Box::new)) {
            self.leases.remove(&(old.next, key));
        }
        if let Some(lease) = lease {
            self.leases.insert((lease.next, key));
            self.wake_by(lease.next);
        }
    }

    /// A client is told that its identity will end, or it has ended.
    fn pass_lease(&mut self, key: usize, now: Instant) {
        let Some(lease) = &mut self.sockets.slots[key].access.lease else {
            return;
        };
        if lease.end <= now {
            return self.check_overdue(key);
        }
        lease.next = lease.end;
        let (next, expires_at) = (lease.next, lease.expires_at);
        self.leases.insert((next, key));
        if self.shared.config.protocol == Protocol::Messaging {
            self.answer(&Answer::TokenExpiring { expires_at: &clock::iso(expires_at) }, None);
            self.write_answers(key);
        }
    }
}

impl crate::ws::shared::Shared {
    /// The next decision in line has the place of one that has ended.
    pub fn pass_on(&self, closed: &Closed) {
        if let Some((number, who)) = closed.next {
            self.inboxes[who.shard].push(Job::Ask { who, number });
        }
    }
}
