//! The truth about who is connected and who belongs where; counts come from here, never from a
//! walk over connections.
//!
//! The host's thread and the shards change it concurrently. Locks are always taken in the order
//! connection, group, inbox. A change of membership is queued for the owning shard (`tell`) while
//! connection and group are locked, and a send while its group is locked. So a shard's queue has
//! changes and sends in the order in which the index saw them: whoever a send counted is in the
//! list when the send is carried out, and nobody else.
//!
//! It is longer than other files, since what goes under these locks has to be read together.

use dashmap::DashMap;
use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use super::connection::{Connection, ConnectionId, GroupId, GroupKind, Membership, Status};
use super::guard::patterns::Subject;
use super::guard::{Guard, Identity};
use super::limits::Seats;
use super::memberships::Place;

/// A named set of connections: those of a user, in a room, or subscribed to a topic.
#[derive(Debug)]
struct Group {
    id: GroupId,
    members: HashMap<ConnectionId, Member, FxBuildHasher>,
    arrivals: u64,
    by_shard: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Member {
    /// The number of its coming to the group, which gives listings a stable order.
    arrival: u64,
    /// Where the connection keeps its own record of this.
    place: Place,
}

type Groups = DashMap<Arc<str>, Group, FxBuildHasher>;

#[derive(Debug)]
pub struct Index {
    connections: DashMap<ConnectionId, Arc<Connection>, FxBuildHasher>,
    open: AtomicUsize,
    by_shard: Vec<AtomicUsize>,
    /// Of these, those whom broadcasts reach.
    audience: Vec<AtomicUsize>,
    /// The connections of each session: rarely more than one.
    sessions: DashMap<Arc<str>, IndexSet<ConnectionId, FxBuildHasher>, FxBuildHasher>,
    users: Groups,
    rooms: Groups,
    topics: Groups,
    next_group: AtomicU64,
    /// Connections that each user may have, and has, if that is limited.
    places: Option<(usize, Seats<Arc<str>>)>,
}

/// What became of a wish to join.
#[derive(Debug, PartialEq, Eq)]
pub enum Join {
    Joined,
    Already,
    /// It has as many already as it may have: nothing has changed.
    Full,
    /// The connection is not open any more.
    Gone,
}

/// What became of a wish to leave.
#[derive(Debug, PartialEq, Eq)]
pub enum Leave {
    Left,
    NotMember { group_exists: bool },
}

/// A step of a change of users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Entered(GroupId),
    Left(GroupId),
}

impl Index {
    pub fn new(shards: usize) -> Self {
        Self {
            connections: DashMap::default(),
            open: AtomicUsize::new(0),
            by_shard: (0..shards).map(|_| AtomicUsize::new(0)).collect(),
            audience: (0..shards).map(|_| AtomicUsize::new(0)).collect(),
            sessions: DashMap::default(),
            users: DashMap::default(),
            rooms: DashMap::default(),
            topics: DashMap::default(),
            next_group: AtomicU64::new(1),
            places: None,
        }
    }

    /// Limits the connections of each user.
    pub fn with_places(mut self, limit: Option<usize>) -> Self {
        self.places = limit.map(|limit| (limit, Seats::new()));
        self
    }

    fn groups(&self, kind: GroupKind) -> &Groups {
        match kind {
            GroupKind::User => &self.users,
            GroupKind::Room => &self.rooms,
            GroupKind::Topic => &self.topics,
        }
    }

    // Connections.

    /// Claims one of `limit` places; a claim is followed by `register`.
    pub fn claim(&self, limit: usize) -> bool {
        self.open.fetch_update(Relaxed, Relaxed, |n| (n < limit).then_some(n + 1)).is_ok()
    }

    pub fn register(&self, connection: &Arc<Connection>) {
        // Counted before it can be found, or a host that is quick could count it out first.
        self.by_shard[connection.address.shard].fetch_add(1, Relaxed);
        self.connections.insert(connection.id, connection.clone());
    }

    /// Makes an open connection one of those whom broadcasts reach.
    pub fn admit(&self, connection: &Connection) {
        let mut state = connection.lock();
        if state.status == Status::Open && !std::mem::replace(&mut state.admitted, true) {
            self.audience[connection.address.shard].fetch_add(1, Relaxed);
        }
    }

    /// Takes an open connection out of the index and of all its groups; it keeps its memberships
    /// as a record of its last state. False when this was done before.
    pub fn deregister(&self, connection: &Connection) -> bool {
        let mut state = connection.lock();
        if state.status != Status::Open {
            return false;
        }
        state.status = Status::Closing;
        if let Some(user) = &state.user {
            self.release(&user.name);
        }
        for membership in state.user.iter().chain(state.memberships.iter()) {
            self.exit(membership.kind, &membership.name, connection, || {});
        }
        if let Some(session) = &state.session {
            self.end_session(session, connection);
        }
        self.connections.remove(&connection.id);
        self.by_shard[connection.address.shard].fetch_sub(1, Relaxed);
        if state.admitted {
            self.audience[connection.address.shard].fetch_sub(1, Relaxed);
        }
        self.open.fetch_sub(1, Relaxed);
        true
    }

    pub fn connection(&self, id: ConnectionId) -> Option<Arc<Connection>> {
        self.connections.get(&id).map(|entry| entry.value().clone())
    }

    /// All open connections, in the order of their coming.
    pub fn connections(&self) -> Vec<Arc<Connection>> {
        let mut all: Vec<_> = self.connections.iter().map(|entry| entry.value().clone()).collect();
        all.sort_unstable_by_key(|connection| connection.address.serial);
        all
    }

    pub fn open(&self) -> usize {
        self.by_shard.iter().map(|n| n.load(Relaxed)).sum()
    }

    /// Calls `each` with every shard that has connections whom broadcasts reach, and their number;
    /// returns the sum.
    pub fn route_all(&self, mut each: impl FnMut(usize, u32)) -> usize {
        let mut sum = 0;
        for (shard, count) in self.audience.iter().enumerate() {
            let count = count.load(Relaxed);
            if count > 0 {
                sum += count;
                each(shard, u32::try_from(count).unwrap_or(u32::MAX));
            }
        }
        sum
    }

    // Groups.

    /// Makes an open connection a member, by the host's word.
    pub fn join(
        &self,
        connection: &Connection,
        kind: GroupKind,
        name: &str,
        tell: impl FnOnce(GroupId),
    ) -> Join {
        self.join_as(connection, kind, name, false, None, tell)
    }

    /// The same at the client's wish, which may have so many memberships of this kind.
    pub fn join_within(
        &self,
        connection: &Connection,
        kind: GroupKind,
        name: &str,
        limit: Option<usize>,
        tell: impl FnOnce(GroupId),
    ) -> Join {
        self.join_as(connection, kind, name, true, limit, tell)
    }

    fn join_as(
        &self,
        connection: &Connection,
        kind: GroupKind,
        name: &str,
        granted: bool,
        limit: Option<usize>,
        tell: impl FnOnce(GroupId),
    ) -> Join {
        let mut state = connection.lock();
        if state.status != Status::Open {
            return Join::Gone;
        }
        if let Some((_, place)) = self.membership(kind, name, connection) {
            if !granted {
                state.memberships.vouch(place);
            }
            return Join::Already;
        }
        if limit.is_some_and(|limit| state.memberships.count(kind) >= limit) {
            return Join::Full;
        }
        let place = state.memberships.next_place();
        let membership = self.enter(kind, name, connection, place, tell);
        state.memberships.push(Membership { granted, ..membership });
        Join::Joined
    }

    /// Ends a membership.
    pub fn leave(
        &self,
        connection: &Connection,
        kind: GroupKind,
        name: &str,
        tell: impl FnOnce(GroupId),
    ) -> Leave {
        let mut state = connection.lock();
        match self.membership(kind, name, connection) {
            Some((group, place)) if state.status == Status::Open => {
                state.memberships.remove(place);
                self.exit(kind, name, connection, || tell(group));
                Leave::Left
            }
            _ => Leave::NotMember { group_exists: self.groups(kind).contains_key(name) },
        }
    }

    /// The group of this name, if the connection belongs to it, and where the connection keeps
    /// that: one look, however many it has.
    fn membership(
        &self,
        kind: GroupKind,
        name: &str,
        connection: &Connection,
    ) -> Option<(GroupId, Place)> {
        let group = self.groups(kind).get(name)?;
        group.members.get(&connection.id).map(|member| (group.id, member.place))
    }

    /// Makes `identity` that of this connection, in the place of the one that it had. What the client
    /// was granted as that one ends, where the guard does not grant it to this one, before the lock
    /// is given free: no send meets the one with the other's memberships.
    pub fn authenticate(
        &self,
        connection: &Connection,
        identity: &Identity,
        guard: &Guard,
        mut tell: impl FnMut(Change),
    ) -> Join {
        let mut state = connection.lock();
        if state.status != Status::Open {
            return Join::Gone;
        }
        let user = &*identity.user;
        let same = state.user.as_ref().is_some_and(|current| &*current.name == user);
        if let Some((limit, seats)) = &self.places
            && !same
            && !seats.claim(user.into(), *limit)
        {
            return Join::Full;
        }
        let unchanged = same
            && state.session.as_deref() == identity.session.as_deref()
            && state.claims.as_deref() == identity.claims.as_deref();
        if unchanged {
            return Join::Already;
        }
        state.claims = identity.claims.as_deref().map(Into::into);
        if state.session.as_deref() != identity.session.as_deref() {
            if let Some(session) = state.session.take() {
                self.end_session(&session, connection);
            }
            state.session =
                identity.session.as_deref().map(|it| self.begin_session(it, connection));
        }
        let replaced = !same && state.user.is_some();
        let subject = Subject::from(identity);
        let retention = guard.retention(&subject, replaced);
        let ended = state.memberships.weed(|it| !it.granted || retention.keeps(it));
        for Membership { kind, group, name, .. } in ended {
            self.exit(kind, &name, connection, || tell(Change::Left(group)));
        }
        if same {
            return Join::Already;
        }
        if let Some(Membership { group, name, .. }) = state.user.take() {
            self.release(&name);
            self.exit(GroupKind::User, &name, connection, || tell(Change::Left(group)));
        }
        let entered = |group| tell(Change::Entered(group));
        state.user = Some(self.enter(GroupKind::User, user, connection, 0, entered));
        Join::Joined
    }

    fn release(&self, user: &Arc<str>) {
        if let Some((_, seats)) = &self.places {
            seats.release(user);
        }
    }

    fn begin_session(&self, session: &str, connection: &Connection) -> Arc<str> {
        let mut entry = self.sessions.entry(session.into()).or_default();
        entry.insert(connection.id);
        entry.key().clone()
    }

    fn end_session(&self, session: &str, connection: &Connection) {
        self.sessions.remove_if_mut(session, |_, connections| {
            connections.swap_remove(&connection.id);
            connections.is_empty()
        });
    }

    /// The connections that have logged in with this session.
    pub fn of_session(&self, session: &str) -> Vec<ConnectionId> {
        let entry = self.sessions.get(session);
        entry.map(|entry| entry.value().iter().copied().collect()).unwrap_or_default()
    }

    fn enter(
        &self,
        kind: GroupKind,
        name: &str,
        connection: &Connection,
        place: Place,
        tell: impl FnOnce(GroupId),
    ) -> Membership {
        let mut entry = self.groups(kind).entry(name.into()).or_insert_with(|| Group {
            id: self.next_group.fetch_add(1, Relaxed),
            members: HashMap::default(),
            arrivals: 0,
            by_shard: vec![0; self.by_shard.len()],
        });
        let name = entry.key().clone();
        let group = entry.value_mut();
        group.arrivals += 1;
        group.members.insert(connection.id, Member { arrival: group.arrivals, place });
        group.by_shard[connection.address.shard] += 1;
        tell(group.id);
        Membership { kind, group: group.id, name, granted: false }
    }

    fn exit(&self, kind: GroupKind, name: &str, connection: &Connection, tell: impl FnOnce()) {
        self.groups(kind).remove_if_mut(name, |_, group| {
            if group.members.remove(&connection.id).is_some() {
                group.by_shard[connection.address.shard] -= 1;
            }
            tell();
            group.members.is_empty()
        });
    }

    /// Calls `each` with every shard that has members of this group, the group and their number;
    /// returns the sum. The group is locked meanwhile.
    pub fn route(
        &self,
        kind: GroupKind,
        name: &str,
        mut each: impl FnMut(usize, GroupId, u32),
    ) -> usize {
        let Some(group) = self.groups(kind).get(name) else {
            return 0;
        };
        for (shard, &count) in group.by_shard.iter().enumerate() {
            if count > 0 {
                each(shard, group.id, count);
            }
        }
        group.members.len()
    }

    pub fn group_count(&self, kind: GroupKind) -> usize {
        self.groups(kind).len()
    }

    /// The names of all groups of a kind, in the order in which they came to be.
    pub fn group_names(&self, kind: GroupKind) -> Vec<Arc<str>> {
        let mut names: Vec<_> =
            self.groups(kind).iter().map(|entry| (entry.id, entry.key().clone())).collect();
        names.sort_unstable_by_key(|(id, _)| *id);
        names.into_iter().map(|(_, name)| name).collect()
    }

    /// The members of a group, in the order in which they came to it.
    pub fn members(&self, kind: GroupKind, name: &str) -> Vec<ConnectionId> {
        let Some(group) = self.groups(kind).get(name) else {
            return Vec::new();
        };
        let mut members: Vec<_> = group.members.iter().map(|(id, it)| (it.arrival, *id)).collect();
        drop(group);
        members.sort_unstable_by_key(|(at, _)| *at);
        members.into_iter().map(|(_, id)| id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::config::GuardConfig;
    use crate::ws::connection::Address;
    use crate::ws::guard::Authorizer;
    use crate::ws::guard::patterns::{Pattern, Patterns};

    #[test]
    fn a_membership_costs_the_same_however_many_the_connection_has() {
        const ROOMS: usize = 4096;
        // What a look-up by halves takes among so many, and what moving up into gaps adds to it.
        const FEW: usize = 20;
        let index = Index::new(1);
        let connection = Connection::new(Address { shard: 0, slot: 0, serial: 1 }, None, false);
        let names: Vec<String> = (0..ROOMS).map(|number| format!("room{number}")).collect();
        let looks = |from: usize| connection.lock().memberships.looks.get() - from;

        for name in &names {
            assert_eq!(index.join(&connection, GroupKind::Room, name, |_| {}), Join::Joined);
            assert_eq!(index.join(&connection, GroupKind::Room, name, |_| {}), Join::Already);
        }
        assert!(looks(0) <= FEW * ROOMS, "joining took {} looks", looks(0));

        let before = looks(0);
        for name in &names {
            assert_eq!(index.leave(&connection, GroupKind::Room, name, |_| {}), Leave::Left);
        }
        assert!(looks(before) <= FEW * ROOMS, "leaving took {} looks", looks(before));
        assert!(connection.names(GroupKind::Room).is_empty());
        assert_eq!(index.group_count(GroupKind::Room), 0);
    }

    #[test]
    fn the_end_of_a_connection_looks_at_each_of_its_memberships_once() {
        const ROOMS: usize = 1000;
        let index = Index::new(1);
        let connection = Connection::new(Address { shard: 0, slot: 0, serial: 1 }, None, false);
        assert!(index.claim(1));
        index.register(&connection);
        for number in 0..ROOMS {
            index.join(&connection, GroupKind::Topic, &number.to_string(), |_| {});
        }
        let before = connection.lock().memberships.looks.get();
        assert!(index.deregister(&connection));
        assert_eq!(connection.lock().memberships.looks.get() - before, ROOMS);
        assert_eq!(index.group_count(GroupKind::Topic), 0);
    }

    #[test]
    fn a_login_that_changes_nothing_looks_at_no_membership() {
        let patterns = Patterns {
            subscribe: vec![Pattern::parse("{claims.team}:*").unwrap()],
            join_room: Vec::new(),
        };
        let guard = Guard::of(&GuardConfig {
            authorizer: Authorizer::Patterns(patterns.into()),
            ..GuardConfig::default()
        });
        let index = Index::new(1);
        let connection = Connection::new(Address { shard: 0, slot: 0, serial: 1 }, None, false);
        let log_in = |claims| {
            let identity = Identity::new("ada", Some("s"), None, Some(claims)).unwrap();
            let before = connection.lock().memberships.looks.get();
            index.authenticate(&connection, &identity, &guard, |_| {});
            connection.lock().memberships.looks.get() - before
        };
        log_in(r#"{"team":"red"}"#);
        for name in ["red:1", "red:2"] {
            index.join_within(&connection, GroupKind::Topic, name, None, |_| {});
        }
        assert_eq!(log_in(r#"{"team":"red"}"#), 0);
        assert_eq!(log_in(r#"{"team":["red"]}"#), 2);
        log_in(r#"{"team":"blue"}"#);
        assert!(connection.names(GroupKind::Topic).is_empty());
    }

    #[test]
    fn a_session_has_the_connections_that_name_it_last_and_are_open() {
        let index = Index::new(1);
        let open = |serial| {
            let connection = Connection::new(Address { shard: 0, slot: 0, serial }, None, false);
            assert!(index.claim(2));
            index.register(&connection);
            connection
        };
        let (first, second) = (open(1), open(2));
        let log_in = |connection: &Connection, user, session| {
            let identity = Identity::new(user, session, None, None).unwrap();
            index.authenticate(connection, &identity, &Guard::default(), |_| {})
        };
        assert_eq!(log_in(&first, "ada", Some("s")), Join::Joined);
        assert_eq!(log_in(&second, "bob", Some("s")), Join::Joined);
        assert_eq!(index.of_session("s"), [first.id, second.id]);
        assert_eq!(log_in(&first, "ada", Some("t")), Join::Already);
        assert_eq!(index.of_session("s"), [second.id]);
        assert_eq!(log_in(&first, "ada", None), Join::Already);
        assert!(index.of_session("t").is_empty());
        index.deregister(&second);
        assert_eq!(log_in(&second, "bob", Some("s")), Join::Gone);
        assert!(index.of_session("s").is_empty());
        assert!(index.sessions.is_empty());
    }

    #[test]
    fn broadcasts_count_who_was_admitted_and_is_open() {
        let index = Index::new(2);
        let connection = Connection::new(Address { shard: 1, slot: 0, serial: 1 }, None, false);
        assert!(index.claim(1));
        index.register(&connection);
        assert_eq!((index.open(), index.route_all(|_, _| {})), (1, 0));
        index.admit(&connection);
        index.admit(&connection);
        let mut routed = Vec::new();
        assert_eq!(index.route_all(|shard, count| routed.push((shard, count))), 1);
        assert_eq!(routed, [(1, 1)]);
        index.deregister(&connection);
        index.admit(&connection);
        assert_eq!(index.route_all(|_, _| {}), 0);
    }
}
