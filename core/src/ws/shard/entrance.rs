//! Who comes in: what a socket and a good request have to pass before there is a connection.

use std::net::SocketAddr;

use super::Shard;
use super::slot::{Judging, Phase};
use crate::ws::clock;
use crate::ws::connection::Address;
use crate::ws::events::{Event, RequestInfo};
use crate::ws::forwarded;
use crate::ws::handshake::{RefusalReason, Request};
use crate::ws::origins::Verdict;

impl Shard {
    /// Judges a socket that has just come, or whose balancer has just named the client, before anything of the
    /// client is read, as far as that can be.
    pub(super) fn meet_socket(&mut self, key: usize) {
        let peer = self.sockets.slots[key].stream.peer_addr();
        // The address of a proxy says nothing of its clients.
        if !self.shared.config.trust_proxy.trusts(peer) {
            self.seat(key, peer, true);
        }
    }

    /// Lets a good request in. Returns whether frames may follow at once; `rest` is what came of them.
    /// `judged` is what the host has judged already of the origin by its own rules.
    pub(super) fn let_in(
        &mut self,
        key: usize,
        request: Request,
        rest: &[u8],
        judged: Option<bool>,
    ) -> bool {
        let peer = self.sockets.slots[key].stream.peer_addr();
        if self.shared.config.trust_proxy.trusts(peer) {
            let client = self.client_of(key, &request);
            if !self.seat(key, client, false) {
                return false;
            }
        }
        let origins = self.shared.config.origins.as_ref();
        let verdict = origins.map_or(Verdict::Allowed, |it| it.judge(request.values("origin")));
        match (verdict, judged) {
            (Verdict::Allowed, _) | (Verdict::Asked, Some(true)) => self.establish(key, request),
            (Verdict::Refused, _) | (Verdict::Asked, Some(false)) => {
                self.refuse(key, &RefusalReason::Origin.into());
                false
            }
            (Verdict::Asked, None) => {
                self.ask_origin(key, request, rest);
                false
            }
        }
    }

    /// The client's address, as far as proxies are trusted.
    pub(super) fn client_of(&self, key: usize, request: &Request) -> Option<SocketAddr> {
        let peer = self.sockets.slots[key].stream.peer_addr();
        self.shared.config.trust_proxy.client(peer, request.values(forwarded::HEADER))
    }

    /// Gives a socket its place among those of its address, if it has one, and in the rate of all; or refuses it.
    fn seat(&mut self, key: usize, client: Option<SocketAddr>, unread: bool) -> bool {
        let ip = client.map(|client| client.ip());
        match self.shared.entrance.admit(ip, clock::steady_millis()) {
            Ok(seat) => {
                self.sockets.slots[key].seat = seat.map(Box::new);
                true
            }
            Err(reason) => {
                self.turn_away(key, reason, unread);
                false
            }
        }
    }

    /// Refuses a client for coming too often. Where nothing of it is read and TLS would have to come about for
    /// an answer, there is none, and the socket ends here: what drains is read on, and of TLS a read is the
    /// work that a flood is after.
    fn turn_away(&mut self, key: usize, reason: RefusalReason, unread: bool) {
        if unread && self.sockets.slots[key].stream.is_tls() {
            self.counters().refused(reason);
            self.bury(key);
        } else {
            self.refuse(key, &reason.into());
        }
    }

    /// Asks the host about a request's origin. The deadline is that of the handshake, which goes on.
    fn ask_origin(&mut self, key: usize, request: Request, rest: &[u8]) {
        let remote = self.client_of(key, &request);
        let slot = &mut self.sockets.slots[key];
        let asker = Address { shard: self.number, slot: key, serial: slot.serial };
        let origin = request.values("origin").next().unwrap_or_default().to_owned();
        let certificate = slot.stream.peer_certificate().map(Into::into);
        let (url, headers) = (request.url.clone(), request.headers.clone());
        let about = RequestInfo { url, headers, certificate };
        let rest = rest.to_vec();
        slot.phase = Phase::Judging(Box::new(Judging { request, rest, allowed: None }));
        self.shared.events.push(Event::Origin { asker, origin, request: about, remote });
    }

    /// The host has answered. What follows is the socket's own turn, since this one is in the middle of
    /// other work.
    pub(super) fn judged(&mut self, who: Address, allowed: bool) {
        if let Some(slot) = self.tenant(who)
            && let Phase::Judging(judging) = &mut slot.phase
        {
            judging.allowed = Some(allowed);
            slot.wake();
        }
    }

    /// Goes on with a request about which the host was asked. Returns whether the socket is to be read.
    pub(super) fn enter_judged(&mut self, key: usize) -> bool {
        let slot = &mut self.sockets.slots[key];
        let Phase::Judging(judging) = &mut slot.phase else {
            return true;
        };
        let Some(allowed) = judging.allowed else {
            return false;
        };
        // Until it is established or refused it is a handshake again.
        let phase = std::mem::replace(&mut slot.phase, Phase::Handshake(Vec::new()));
        let Phase::Judging(judging) = phase else {
            return false;
        };
        let Judging { request, mut rest, .. } = *judging;
        if !allowed {
            self.refuse(key, &RefusalReason::Origin.into());
        } else if self.establish(key, request) {
            self.frames(key, &mut rest);
            self.write_answers(key);
        }
        self.settle_broken();
        self.sockets.slots.contains(key)
    }
}
