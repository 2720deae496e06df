//! All clients of a scenario and the loop that drives them.

use crate::Result;
use crate::client::{Client, Phase, Scenario};
use crate::frames;
use crate::inflate::Inflater;
use mio::{Events, Poll};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// More than any frame of the benchmark, and small enough to stay in the processor's cache.
const BUFFER: usize = 256 * 1024;
/// The first few faults say what is wrong; of the others only the number matters.
const FAULTS_KEPT: usize = 5;

#[derive(Debug)]
pub struct Fleet {
    poll: Poll,
    events: Events,
    address: SocketAddr,
    /// Whether clients offer permessage-deflate, and fail without it.
    deflate: bool,
    upgrade: Vec<u8>,
    buffer: Vec<u8>,
    inflater: Inflater,
    pub clients: Vec<Client>,
    pub faults: Vec<String>,
    pub fault_count: u64,
}

impl Fleet {
    pub fn new(port: u16, path: &str, deflate: bool) -> Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            address: (Ipv4Addr::LOCALHOST, port).into(),
            deflate,
            upgrade: frames::upgrade_request(port, path, deflate),
            buffer: vec![0; BUFFER],
            inflater: Inflater::new(),
            clients: Vec::new(),
            faults: Vec::new(),
            fault_count: 0,
        })
    }

    pub fn connect_one(&mut self) -> Result<()> {
        let index = self.clients.len();
        let client = self.connected(index)?;
        self.clients.push(client);
        Ok(())
    }

    fn connected(&self, index: usize) -> Result<Client> {
        Ok(Client::connect(self.address, index, self.deflate, self.poll.registry())?)
    }

    /// Lets every client go at once. The server sees the end of the TCP stream.
    pub fn abandon(&mut self) {
        self.clients.clear();
    }

    pub fn fault(&mut self, what: String) {
        self.fault_count += 1;
        if self.faults.len() < FAULTS_KEPT {
            self.faults.push(what);
        }
    }

    /// One turn of the loop: waits for events up to `timeout` and handles them.
    pub fn turn(&mut self, timeout: Duration, scenario: &mut impl Scenario) -> Result<()> {
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return Ok(()),
            other => other?,
        }
        let mut faults = Vec::new();
        let mut again = Vec::new();
        for event in &self.events {
            let Some(client) = self.clients.get_mut(event.token().0) else {
                continue;
            };
            if client.phase == Phase::Closed {
                continue;
            }
            let mut outcome = Ok(());
            if event.is_writable() || event.is_error() {
                outcome = client.writable(&self.upgrade);
            }
            if outcome.is_ok() && event.is_readable() {
                let to_end = event.is_read_closed();
                let Self { buffer, inflater, .. } = self;
                outcome = client.readable(buffer, inflater, to_end, scenario);
            }
            if let Err(fault) = outcome {
                client.phase = Phase::Closed;
                faults.push(fault);
            }
            if client.phase == Phase::Closed && scenario.closed(client) {
                again.push(client.index);
            }
        }
        for fault in faults {
            self.fault(fault);
        }
        // Only now, so that no event of the old socket in this turn meets the new one.
        for index in again {
            self.clients[index] = self.connected(index)?;
        }
        Ok(())
    }

    /// Queues the same frame on the chosen clients and writes it.
    pub fn send(&mut self, frame: &[u8], chosen: impl Fn(usize) -> bool) -> usize {
        let mut sent = 0;
        let mut faults = Vec::new();
        for client in self.clients.iter_mut().filter(|client| chosen(client.index)) {
            client.queue(frame);
            sent += 1;
            faults.extend(client.flush().err());
        }
        for fault in faults {
            self.fault(fault);
        }
        sent
    }
}
