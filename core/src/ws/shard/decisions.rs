//! Decisions that are waited for, by the host's hooks or for the keys of a token.
//!
//! A connection that waits for a decision is held: no frame of it is interpreted and its socket is
//! not read. The verdict is put down in its slot, and its own task carries it out at once, whatever
//! the client takes of its output. Then it goes on, with what was read already first.

use std::sync::Arc;
use tokio::time::Instant;

use super::Shard;
use super::slot::{Hold, Phase};
use crate::ws::clock;
use crate::ws::connection::{Address, Connection};
use crate::ws::events::Event;
use crate::ws::guard::desk::{Closed, Number};
use crate::ws::guard::{Login, Question, Verdict};
use crate::ws::inbox::Job;
use crate::ws::stats::Denial;

impl Shard {
    /// Stops hearing a client until something is decided.
    pub(super) fn hold(&mut self, key: usize, question: Question, id: Option<&str>) {
        let (number, has_place) = self.shared.guard.desk.enter(self.address_of(key));
        // The time in line counts, or who is last in a long one would wait for many hooks' times.
        let at = Instant::now() + self.shared.config.guard.hook_timeout;
        self.wait_for(key, (number, question), Some(at), id);
        self.asked.push_back((at, number));
        self.wake_by(at);
        if has_place {
            self.ask(key);
        }
    }

    /// Stops hearing a client until the keys of its token are fetched, or decides at once if it cannot wait.
    pub(super) fn hold_for_keys(
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
                self.wait_for(key, (number, Question::Authenticate { login, at_once }), None, id);
                shared.fetch_keys(fetch);
            }
            Err(current) => {
                shared.guard.desk.forget(number);
                // They may have come since they were looked at.
                let verdict = shared.guard.authenticate_finally(&login, current);
                self.end_login(key, connection, verdict, None, at_once, id);
            }
        }
    }

    fn address_of(&self, key: usize) -> Address {
        Address { shard: self.number, slot: key, serial: self.sockets.slots[key].serial }
    }

    fn wait_for(
        &mut self,
        key: usize,
        (number, question): (Number, Question),
        deadline: Option<Instant>,
        id: Option<&str>,
    ) {
        let hold = Hold { number, question, deadline, id: id.map(Into::into), verdict: None };
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

    /// The host has answered. Behind the deadline that is too late, also where the answer was looked at before the clock.
    pub(super) fn decided(&mut self, who: Address, number: Number, verdict: Verdict) {
        let now = Instant::now();
        let hold = self.tenant(who).and_then(|slot| slot.hold.as_ref());
        let is_late = hold.is_some_and(|it| {
            it.number == number && it.deadline.is_some_and(|deadline| deadline <= now)
        });
        if is_late {
            self.expire_decision(who, number, true);
        } else {
            self.put_down(who, number, verdict);
        }
    }

    /// Puts a verdict down for the client's task, if the client still waits for it.
    fn put_down(&mut self, who: Address, number: Number, verdict: Verdict) {
        if let Some(slot) = self.tenant(who)
            && let Some(hold) = &mut slot.hold
            && hold.number == number
        {
            hold.verdict = Some(verdict);
            slot.wake();
        }
    }

    /// Carries out the verdict that a connection has waited for.
    pub(super) fn go_on(&mut self, key: usize) {
        let slot = &mut self.sockets.slots[key];
        let Some(hold) = slot.hold.take() else {
            return;
        };
        slot.heard(clock::steady_millis());
        let Hold { number, question, id, verdict, .. } = *hold;
        let (Some(verdict), Phase::Open(connection)) = (verdict, &slot.phase) else {
            return;
        };
        let connection = connection.clone();
        let is_login = matches!(question, Question::Authenticate { .. });
        if !is_login {
            // Who has no right to be here any more is not let in there.
            self.check_overdue(key);
        }
        if matches!(self.sockets.slots[key].phase, Phase::Open(_)) {
            self.carry_out(key, &connection, (number, question), verdict, id.as_deref());
            self.check_overdue(key);
        }
        self.write_answers(key);
    }

    fn carry_out(
        &mut self,
        key: usize,
        connection: &Arc<Connection>,
        (number, question): (Number, Question),
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
                self.end_login(key, connection, verdict, Some(number), at_once, id);
            }
            Question::Authorize { action, name } if verdict == Verdict::Allowed => {
                self.enter(key, connection, action, &name, id);
            }
            Question::Authorize { action, name } => {
                // What was late is counted already.
                if verdict != Verdict::TimedOut {
                    self.counters().denied(Denial::Forbidden);
                }
                self.answer_forbidden(action, &name, id);
            }
        }
    }

    pub(super) fn expire_decision(&mut self, who: Address, number: Number, is_with_host: bool) {
        self.counters().denied(Denial::HookTimeout);
        let timeout = self.shared.config.guard.hook_timeout.as_millis();
        let slot = self.tenant(who);
        let hook = match slot.as_ref().and_then(|slot| slot.hold.as_ref()).map(|it| &it.question) {
            Some(Question::Authorize { .. }) => "authorize",
            Some(Question::Authenticate { .. }) => "authenticate",
            // Its client has left, and its question with it.
            None => "a hook",
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
        self.put_down(who, number, Verdict::TimedOut);
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
