//! Letting clients in and keeping them out: logins, where they may go, the time that a client has to
//! authenticate, and the end of an identity. What is not decided at once is waited for in `decisions`.

use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

use super::slot::{Lease, Phase};
use super::{Deadline, Shard};
use crate::ws::answer::{Answer, code};
use crate::ws::clock;
use crate::ws::close;
use crate::ws::config::Protocol;
use crate::ws::connection::{Connection, GroupKind};
use crate::ws::guard::desk::{LONGEST, Number};
use crate::ws::guard::{Action, Identity, Login, Question, Ruling, Verdict};
use crate::ws::index::Join;
use crate::ws::message::Token;
use crate::ws::stats::Denial;

/// An identity's end is no later than this, the last millisecond that ISO 8601 writes with four
/// digits of the year.
const LATEST: u64 = 253_402_300_799_999;

impl Shard {
    // Coming in.

    /// A connection has opened: judges the token that it may have brought, or gives it time.
    pub(super) fn meet(&mut self, key: usize, connection: &Arc<Connection>, token: Token<'_>) {
        let admitted = self.is_admitted(key);
        if token != Token::Absent && self.shared.guard.verifies() {
            self.log_in(key, connection, Login::default(), token, true, None);
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

    /// Judges what a client claims, and its token. `at_once` if the handshake brought it.
    pub(super) fn log_in(
        &mut self,
        key: usize,
        connection: &Arc<Connection>,
        claim: Login,
        token: Token<'_>,
        at_once: bool,
        id: Option<&str>,
    ) {
        if token == Token::Unusable && self.shared.guard.asks_the_host() {
            // Nothing that a hook could judge, and an attempt like any other.
            return self.refuse_login(key, at_once, id);
        }
        let login = Login { token: token.into_text(), ..claim };
        match self.shared.guard.authenticate(&login) {
            Ruling::Decided(verdict) => self.end_login(key, connection, verdict, None, at_once, id),
            Ruling::Host => self.hold(key, Question::Authenticate { login, at_once }, id),
            Ruling::Keys => self.hold_for_keys(key, connection, login, at_once, id),
        }
    }

    /// Takes a client in, or refuses it. `awaited` is the number of a decision that was waited for.
    pub(super) fn end_login(
        &mut self,
        key: usize,
        connection: &Arc<Connection>,
        verdict: Verdict,
        awaited: Option<Number>,
        at_once: bool,
        id: Option<&str>,
    ) {
        match verdict {
            Verdict::Identity(identity) if self.still_holds(&identity, awaited) => {
                match self.authenticate(key, connection, &identity, id) {
                    Join::Joined | Join::Already => {
                        self.take_in(key, connection, &identity, awaited);
                    }
                    Join::Full => self.turn_back(key, at_once, id),
                    Join::Gone => {}
                }
            }
            // Counted already, by the deadline that it missed.
            Verdict::TimedOut => self.excuse_login(key, at_once, id),
            Verdict::Unanswered => {
                self.counters().denied(Denial::AuthFailed);
                self.excuse_login(key, at_once, id);
            }
            Verdict::Rejected(rejection) => {
                self.counters().rejected(rejection);
                self.refuse_login(key, at_once, id);
            }
            _ => self.refuse_login(key, at_once, id),
        }
    }

    fn still_holds(&self, identity: &Identity, awaited: Option<Number>) -> bool {
        let expired = identity.expires_at.is_some_and(|at| at <= clock::wall_millis());
        !expired && !self.is_revoked(identity) && !self.was_put_out(identity, awaited)
    }

    fn is_revoked(&self, identity: &Identity) -> bool {
        let session = identity.session.as_deref();
        session.is_some_and(|session| self.shared.guard.revoked.contains(session))
    }

    fn was_put_out(&self, identity: &Identity, awaited: Option<Number>) -> bool {
        awaited.is_some_and(|number| self.shared.guard.was_put_out(&identity.user, number))
    }

    /// Lets in who has become somebody, unless the host's jobs of meanwhile have ended it.
    fn take_in(
        &mut self,
        key: usize,
        connection: &Arc<Connection>,
        identity: &Identity,
        awaited: Option<Number>,
    ) {
        let slot = &mut self.sockets.slots[key];
        if !matches!(slot.phase, Phase::Open(_)) {
            return;
        }
        let access = &mut slot.access;
        access.overdue = false;
        if !access.admitted {
            self.admit(key, connection);
        }
        self.lease(key, identity.expires_at);
        // Whoever revoked the session, or put the user out, since it was looked at may not have found it in the index.
        if self.is_revoked(identity) {
            self.shut_out(key, "Session revoked");
        } else if self.was_put_out(identity, awaited) {
            self.shut_out(key, "Disconnected");
        }
    }

    /// Refuses a login, which counts as long as the connection lives.
    fn refuse_login(&mut self, key: usize, at_once: bool, id: Option<&str>) {
        let message = "Authentication failed";
        self.counters().denied(Denial::AuthFailed);
        self.answer_login(message, id);
        let access = &mut self.sockets.slots[key].access;
        access.failures += 1;
        if at_once || access.failures >= self.shared.config.guard.max_auth_failures {
            self.shut_out(key, message);
        }
    }

    /// Refuses a login that could not be judged, which does not count against the client.
    fn excuse_login(&mut self, key: usize, at_once: bool, id: Option<&str>) {
        let message = "Authentication timed out";
        self.answer_login(message, id);
        if at_once {
            // Its token may be good: it shall come back with it.
            self.dismiss(key, close::TRY_AGAIN, message.to_owned());
        }
    }

    fn answer_login(&mut self, message: &str, id: Option<&str>) {
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
            self.dismiss(key, close::POLICY, "Too many connections of this user".to_owned());
        }
    }

    /// Closes a connection that may not stay, behind what it was answered.
    fn shut_out(&mut self, key: usize, reason: &str) {
        self.dismiss(key, close::UNAUTHORIZED, reason.to_owned());
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
            Ruling::Decided(_) => {
                self.counters().denied(Denial::Forbidden);
                self.answer_forbidden(action, name, id);
            }
            Ruling::Host | Ruling::Keys => {
                self.hold(key, Question::Authorize { action, name: name.into() }, id);
            }
        }
    }

    pub(super) fn answer_forbidden(&mut self, action: Action, name: &str, id: Option<&str>) {
        let message = match action {
            Action::Subscribe => format!("Not allowed to subscribe to {name}"),
            Action::JoinRoom => format!("Not allowed to join {name}"),
        };
        let refused = Some(action.name());
        self.answer(&Answer::Error { message: &message, code: code::FORBIDDEN, refused }, id);
    }

    // Leaving.

    /// A connection leaves service: nobody waits for anything of it any more.
    pub(super) fn let_go(&mut self, key: usize) {
        self.lease(key, None);
        let slot = &mut self.sockets.slots[key];
        slot.access.request = None;
        if let Some(hold) = slot.hold.take() {
            self.shared.guard.forget(hold.number);
            // Its Close frame may lie among what was kept.
            slot.wake();
        }
    }

    // Time.

    pub(super) fn guards_deadlines(&self) -> impl Iterator<Item = Instant> {
        let asked = self.asked.front().map(|(at, _)| *at);
        let login = self.logins.front().map(|deadline| deadline.at);
        let lease = self.leases.first().map(|(at, ..)| *at);
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
        while let Some(&entry) = self.leases.first().filter(|(at, ..)| *at <= now) {
            self.leases.remove(&entry);
            let (_, key, serial) = entry;
            self.pass_lease(key, serial, now);
        }
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

    /// Closes a connection whose time has passed. `authTimeout` closes nobody while a decision is
    /// awaited, though it runs on: the verdict comes first. An identity ends at its time: what is
    /// sent to its user is not for it any more.
    pub(super) fn check_overdue(&mut self, key: usize) {
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
        let slot = &mut self.sockets.slots[key];
        let serial = slot.serial;
        if let Some(old) = std::mem::replace(&mut slot.access.lease, lease.map(Box::new)) {
            self.leases.remove(&(old.next, key, serial));
        }
        if let Some(lease) = lease {
            self.leases.insert((lease.next, key, serial));
            self.wake_by(lease.next);
        }
    }

    /// A client is told that its identity will end, or it has ended.
    fn pass_lease(&mut self, key: usize, serial: u64, now: Instant) {
        let slot = self.sockets.slots.get_mut(key).filter(|slot| slot.serial == serial);
        let Some(lease) = slot.and_then(|slot| slot.access.lease.as_mut()) else {
            return;
        };
        if lease.end <= now {
            return self.check_overdue(key);
        }
        lease.next = lease.end;
        let (next, expires_at) = (lease.next, lease.expires_at);
        self.leases.insert((next, key, serial));
        if self.shared.config.protocol == Protocol::Messaging {
            self.answer(&Answer::TokenExpiring { expires_at: &clock::iso(expires_at) }, None);
            self.write_answers(key);
        }
    }
}
