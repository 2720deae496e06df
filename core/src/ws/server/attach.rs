//! Taking over sockets that the host's own server accepted.

#[cfg(unix)]
use std::io;
use std::net::SocketAddr;
#[cfg(unix)]
use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::Server;
use crate::ws::arrival::{Arrival, Given};
use crate::ws::bridge::{Bridge, Signal};
use crate::ws::connection::next_serial;
use crate::ws::inbox::Job;
use crate::ws::transport::{Anchor, Carrier};

impl Server {
    /// Takes over a socket whose request the host has read, by a descriptor of our own. The host
    /// keeps its socket, untouched, until [`Signal::Release`] comes for the number returned.
    ///
    /// # Errors
    /// When the descriptor is no stream socket.
    #[cfg(unix)]
    pub fn attach(&self, descriptor: OwnedFd, given: Given) -> io::Result<u64> {
        let serial = next_serial();
        let shared = self.shared.clone();
        let release = move || shared.signal(serial, Signal::Release);
        let carrier = Carrier::descriptor(descriptor, Anchor::new(release))?;
        self.adopt(carrier, serial, given);
        Ok(serial)
    }

    /// Takes over a socket whose bytes the host goes on reading and writing. Signals come as events
    /// with the number returned. What is pushed is read after the next [`rouse`](Self::rouse).
    pub fn attach_bridge(&self, peer: Option<SocketAddr>, given: Given) -> (u64, Arc<Bridge>) {
        let serial = next_serial();
        let shared = self.shared.clone();
        let inbox = shared.inboxes[self.shard_of(serial)].clone();
        let (bridge, stream) = Bridge::new(
            peer,
            move |signal| shared.signal(serial, signal),
            move |reader| inbox.append(Job::Read(reader)),
        );
        self.adopt(Carrier::bridge(stream), serial, given);
        (serial, bridge)
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
