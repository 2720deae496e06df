//! Taking over sockets that the host's own server accepted.

use std::io;
use std::net::SocketAddr;
#[cfg(unix)]
use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::Server;
use crate::ws::arrival::{Arrival, Given};
use crate::ws::bridge::{Bridge, Signal};
use crate::ws::clock;
use crate::ws::connection::next_serial;
use crate::ws::forwarded;
use crate::ws::handshake::{self, RefusalReason, Rules};
use crate::ws::inbox::Job;
use crate::ws::origins::Verdict;
use crate::ws::transport::{Anchor, Carrier};

impl Server {
    /// Takes over a socket whose request the host has read, by a descriptor of our own. The host
    /// keeps its socket, untouched, until [`Signal::Release`] comes for the number returned.
    ///
    /// # Errors
    /// When the descriptor is no stream socket, or the server is closed.
    #[cfg(unix)]
    pub fn attach(&self, descriptor: OwnedFd, given: Given) -> io::Result<u64> {
        self.require_open()?;
        let serial = next_serial();
        let shared = self.shared.clone();
        let release = move || shared.signal(serial, Signal::Release);
        let carrier = Carrier::descriptor(descriptor, Anchor::new(release))?;
        self.adopt(carrier, serial, given);
        Ok(serial)
    }

    /// Takes over a socket whose bytes the host goes on reading and writing. Signals come as events
    /// with the number returned. What is pushed is read after the next [`rouse`](Self::rouse).
    ///
    /// # Errors
    /// When the server is closed.
    pub fn attach_bridge(
        &self,
        peer: Option<SocketAddr>,
        given: Given,
    ) -> io::Result<(u64, Arc<Bridge>)> {
        self.require_open()?;
        let serial = next_serial();
        let shared = self.shared.clone();
        let inbox = shared.inboxes[self.shard_of(serial)].clone();
        let (bridge, stream) = Bridge::new(
            peer,
            move |signal| shared.signal(serial, signal),
            move |reader| inbox.append(Job::Read(reader)),
        );
        self.adopt(Carrier::bridge(stream), serial, given);
        Ok((serial, bridge))
    }

    /// The shards may be gone, and with them whoever would give the socket back.
    fn require_open(&self) -> io::Result<()> {
        if self.is_closed() { Err(io::ErrorKind::NotConnected.into()) } else { Ok(()) }
    }

    /// The answer to a request, for a host that has to give it itself and at once: what the engine
    /// says when it is handed over. A refusal is counted. Nothing is taken from the limits of its address before it is
    /// handed over, so that of several at one moment the last may be refused only then.
    #[must_use]
    pub fn judge(&self, given: &Given, peer: Option<SocketAddr>) -> Vec<u8> {
        let may_come = |request: &handshake::Request| {
            let client = self.config().trust_proxy.client(peer, request.values(forwarded::HEADER));
            let ip = client.map(|client| client.ip());
            self.shared.entrance.would_admit(ip, clock::steady_millis())
        };
        let origins = self.shared.config.origins.as_ref();
        let allowed = |request: &handshake::Request| {
            let verdict = origins.map_or(Verdict::Allowed, |it| it.judge(request.values("origin")));
            verdict == Verdict::Allowed
                || verdict == Verdict::Asked && given.origin_allowed == Some(true)
        };
        let judged = given.judge(Rules::of(&self.shared.config));
        let judged = judged.and_then(|request| {
            may_come(&request)?;
            allowed(&request).then_some(request).ok_or(RefusalReason::Origin.into())
        });
        match judged {
            Ok(request) => handshake::accept_response(&request),
            Err(refusal) => {
                // No shard has seen it; any counters do.
                self.shared.counters[0].refused(refusal.reason);
                handshake::refusal_response(&refusal)
            }
        }
    }

    fn adopt(&self, carrier: Carrier, serial: u64, given: Given) {
        let shard = self.shard_of(serial);
        let arrival = Arrival { carrier, serial, given: Some(Box::new(given)) };
        self.shared.inboxes[shard].push(Job::Adopt(arrival));
    }

    /// Lets the shards read what was pushed into bridges. One call for those of many sockets: each would
    /// cost a system call and a switch to the shard's thread.
    pub fn rouse(&self) {
        self.shared.inboxes.iter().for_each(|inbox| inbox.poke());
    }

    /// The host has lost a socket that it had attached.
    pub fn abandon(&self, serial: u64) {
        self.shared.inboxes[self.shard_of(serial)].push(Job::Abandon(serial));
    }

    /// By the number alone, so that nobody has to remember it.
    fn shard_of(&self, serial: u64) -> usize {
        (serial % self.shared.inboxes.len() as u64) as usize
    }
}
