//! The messaging protocol: what a client's message does, and what is answered.

use std::sync::Arc;

use super::Shard;
use crate::ws::answer::{Answer, code};
use crate::ws::config::Protocol;
use crate::ws::connection::{Connection, GroupKind};
use crate::ws::decoder::Payload;
use crate::ws::events::{Event, Kind};
use crate::ws::guard::{Action, Identity, Login};
use crate::ws::inbox::Job;
use crate::ws::index::{Change, Join, Leave};
use crate::ws::message::{self, Message, Request, USER_RULE};

impl Shard {
    pub(super) fn message(&mut self, key: usize, connection: &Arc<Connection>, text: &str) {
        match message::parse(text) {
            Some(message) => self.request(key, connection, message, text),
            None if self.is_admitted(key) => self.invalid_format(),
            None => self.require_auth(None, None),
        }
    }

    /// A binary frame that holds a JSON message is handled like text.
    pub(super) fn binary(&mut self, key: usize, connection: &Arc<Connection>, data: Payload<'_>) {
        let text = simdutf8::basic::from_utf8(&data).ok();
        if let Some((text, message)) = text.and_then(|text| Some((text, message::parse(text)?))) {
            self.request(key, connection, message, text);
        } else if !self.is_admitted(key) {
            self.require_auth(None, None);
        } else if self.shared.events.wants(Kind::Binary) {
            let (connection, data) = (connection.clone(), data.into_owned());
            self.shared.events.push(Event::Binary { connection, data });
        } else {
            self.invalid_format();
        }
    }

    fn request(
        &mut self,
        key: usize,
        connection: &Arc<Connection>,
        message: Message<'_>,
        text: &str,
    ) {
        let id = message.id.as_deref();
        if message.request.needs_auth() && !self.is_admitted(key) {
            return self.require_auth(message.request.kind(), id);
        }
        match message.request {
            Request::Heartbeat => self.answer(&Answer::Heartbeat, id),
            Request::Authenticate { user: None, .. } if !self.shared.guard.verifies() => {
                self.invalid_payload("authenticate", USER_RULE, id);
            }
            Request::Authenticate { user, session, token } => {
                let claim = Login { user, session, token: None };
                self.log_in(key, connection, claim, token, false, id);
            }
            Request::Subscribe(topic) => self.go(key, connection, Action::Subscribe, &topic, id),
            Request::JoinRoom(room) => self.go(key, connection, Action::JoinRoom, &room, id),
            Request::Unsubscribe(topic) => {
                let answer = Answer::Unsubscribed { topic: &topic };
                if self.leave(key, connection, GroupKind::Topic, &topic, &answer, id).is_some() {
                    self.answer(&answer, id);
                }
            }
            Request::LeaveRoom(room) => {
                let answer = Answer::LeftRoom { room: &room };
                let existed = self.leave(key, connection, GroupKind::Room, &room, &answer, id);
                if existed == Some(true) {
                    self.answer(&answer, id);
                }
            }
            Request::Other(kind) => self.other(connection, Some(&kind), &kind, id, text),
            Request::Untyped(shown) => self.other(connection, None, &shown, id, text),
            Request::Invalid { kind, problem } => self.invalid_payload(kind, problem, id),
        }
    }

    fn invalid_payload(&mut self, kind: &'static str, problem: &str, id: Option<&str>) {
        let message = format!("Invalid payload for {kind}: {problem}");
        let refused = Some(kind);
        self.answer(&Answer::Error { message: &message, code: code::INVALID_PAYLOAD, refused }, id);
    }

    /// A type of the host's own: an answer to its request, an event, or nobody's. A message whose
    /// type is not a name is never an event; `shown` is what stands in its place.
    fn other(
        &mut self,
        connection: &Arc<Connection>,
        kind: Option<&str>,
        shown: &str,
        id: Option<&str>,
        text: &str,
    ) {
        if let Some(waiting) = id.and_then(|id| connection.take_answer(id)) {
            // Whoever asked may have given up waiting.
            let _ = waiting.send(text.to_owned());
        } else if kind.is_some() && self.shared.events.wants(Kind::Message) {
            let (connection, text) = (connection.clone(), text.to_owned());
            self.shared.events.push(Event::Message { connection, text });
        } else {
            let message = format!("Unknown message type: {shown}");
            let error =
                Answer::Error { message: &message, code: code::UNKNOWN_TYPE, refused: kind };
            self.answer(&error, id);
        }
    }

    /// Makes an identity that of a connection, if it is open and the user may have one more.
    pub(super) fn authenticate(
        &mut self,
        key: usize,
        connection: &Arc<Connection>,
        identity: &Identity,
        id: Option<&str>,
    ) -> Join {
        let (who, inbox) = (connection.address, &self.inbox);
        let tell = |change| match change {
            Change::Entered(group) => inbox.append(Job::Join { who, group, answered: true }),
            Change::Left(group) => inbox.append(Job::Leave { who, group, answered: false }),
        };
        let Identity { user, session, .. } = identity;
        // Under another protocol nothing of ours is sent.
        let answer = Some(Answer::Authenticated { user, session: session.as_deref() })
            .filter(|_| self.shared.config.protocol == Protocol::Messaging);
        let guard = &self.shared.guard;
        let outcome = self.shared.index.authenticate(connection, identity, guard, tell);
        match outcome {
            Join::Joined => {
                self.catch_up(key, answer.as_ref(), id);
                self.meter_user(key, user);
            }
            Join::Already => {
                // What it has lost by its new claims is off the lists before it is answered.
                self.catch_up(key, None, id);
                if let Some(answer) = answer {
                    self.answer(&answer, id);
                }
            }
            Join::Full | Join::Gone => return outcome,
        }
        if self.shared.events.wants(Kind::Authenticated) {
            let connection = connection.clone();
            self.shared.events.push(Event::Authenticated { connection });
        }
        outcome
    }

    /// Makes a client a member of where it may go.
    pub(super) fn enter(
        &mut self,
        key: usize,
        connection: &Connection,
        action: Action,
        name: &str,
        id: Option<&str>,
    ) {
        match action {
            Action::Subscribe => {
                let answer = Answer::Subscribed { topic: name };
                self.join(key, connection, GroupKind::Topic, name, &answer, id);
            }
            Action::JoinRoom => {
                let answer = Answer::JoinedRoom { room: name };
                self.join(key, connection, GroupKind::Room, name, &answer, id);
            }
        }
    }

    /// Index, list and answer change in one turn.
    fn join(
        &mut self,
        key: usize,
        connection: &Connection,
        kind: GroupKind,
        name: &str,
        answer: &Answer<'_>,
        id: Option<&str>,
    ) {
        let (who, inbox) = (connection.address, &self.inbox);
        let tell = |group| inbox.append(Job::Join { who, group, answered: true });
        let limit = self.limit_of(kind);
        match self.shared.index.join_within(connection, kind, name, limit, tell) {
            Join::Joined => self.catch_up(key, Some(answer), id),
            Join::Already => self.answer(answer, id),
            Join::Full => self.full(kind, id),
            Join::Gone => {}
        }
    }

    /// Answers a member that leaves. Else nothing is answered yet: returns whether the group
    /// exists.
    fn leave(
        &mut self,
        key: usize,
        connection: &Connection,
        kind: GroupKind,
        name: &str,
        answer: &Answer<'_>,
        id: Option<&str>,
    ) -> Option<bool> {
        let (who, inbox) = (connection.address, &self.inbox);
        let tell = |group| inbox.append(Job::Leave { who, group, answered: true });
        match self.shared.index.leave(connection, kind, name, tell) {
            Leave::Left => {
                self.catch_up(key, Some(answer), id);
                None
            }
            Leave::NotMember { group_exists } => Some(group_exists),
        }
    }

    fn invalid_format(&mut self) {
        let message = "Invalid message format";
        self.answer(&Answer::Error { message, code: code::INVALID_FORMAT, refused: None }, None);
    }

    pub(super) fn answer(&mut self, answer: &Answer<'_>, id: Option<&str>) {
        answer.write(id, &mut self.scratch, &mut self.answers);
        self.counters().messages_out.add(1);
    }
}
