//! One WebSocket client: its handshake, its frames, its bytes still to be written.

use crate::frames;
use crate::inflate::{Connection, Inflater};
use crate::message::{Message, classify};
use crate::meter::now;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;

/// What a scenario does with what its clients meet.
pub trait Scenario {
    /// A message of the server; what is queued on the client is written when all that was read
    /// with it has been looked at.
    fn message(&mut self, client: &mut Client, message: Message, now: u64);

    /// A connection ended; `true` if its place is to connect again.
    fn closed(&mut self, client: &Client) -> bool;
}

#[derive(Debug, PartialEq, Clone, Copy)]
pub enum Phase {
    Connecting,
    Upgrading,
    Open,
    /// A close frame was sent; the server closes the TCP connection.
    Closing,
    Closed,
}

#[derive(Debug)]
pub struct Client {
    pub index: usize,
    pub phase: Phase,
    /// When the connection was begun.
    pub begun: u64,
    /// The sequence number that the next broadcast or echo must have.
    pub next_sequence: u64,
    /// When the messages under way were sent that are answered one by one.
    pub under_way: VecDeque<u64>,
    /// The upgrade must agree on compression.
    deflate: bool,
    compression: Connection,
    stream: TcpStream,
    /// The beginning of a frame whose end has not come.
    rest: Vec<u8>,
    outbox: Vec<u8>,
}

impl Client {
    pub fn connect(
        address: SocketAddr,
        index: usize,
        deflate: bool,
        registry: &Registry,
    ) -> io::Result<Self> {
        let begun = now();
        let mut stream = TcpStream::connect(address)?;
        registry.register(&mut stream, Token(index), Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self {
            index,
            phase: Phase::Connecting,
            begun,
            next_sequence: 0,
            under_way: VecDeque::new(),
            deflate,
            compression: Connection::default(),
            stream,
            rest: Vec::new(),
            outbox: Vec::new(),
        })
    }

    /// Queues an encoded frame.
    pub fn queue(&mut self, frame: &[u8]) {
        self.outbox.extend_from_slice(frame);
    }

    pub fn queue_close(&mut self) {
        self.queue(&frames::encode(frames::CLOSE, &1000_u16.to_be_bytes()));
        self.phase = Phase::Closing;
    }

    pub fn flush(&mut self) -> Result<(), String> {
        while !self.outbox.is_empty() {
            match self.stream.write(&self.outbox) {
                Ok(written) => drop(self.outbox.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(format!("write: {error}")),
            }
        }
        Ok(())
    }

    /// The socket takes bytes: the upgrade is sent first, later what is left of the outbox.
    pub fn writable(&mut self, upgrade: &[u8]) -> Result<(), String> {
        if self.phase == Phase::Connecting {
            if let Some(error) = self.stream.take_error().map_err(|error| error.to_string())? {
                return Err(format!("connect: {error}"));
            }
            self.stream.set_nodelay(true).map_err(|error| format!("nodelay: {error}"))?;
            self.phase = Phase::Upgrading;
            self.queue(upgrade);
        }
        self.flush()
    }

    /// Reads what there is into the buffer that all clients share. A read that does not fill it
    /// has emptied the socket, unless the server is known to have closed (`to_end`).
    pub fn readable(
        &mut self,
        buffer: &mut [u8],
        inflater: &mut Inflater,
        to_end: bool,
        scenario: &mut impl Scenario,
    ) -> Result<(), String> {
        while self.phase != Phase::Closed {
            let kept = self.rest.len();
            buffer[..kept].copy_from_slice(&self.rest);
            let free = buffer.len() - kept;
            let read = match self.stream.read(&mut buffer[kept..]) {
                Ok(0) if free == 0 => return Err("a frame is longer than the buffer".to_owned()),
                Ok(0) => {
                    self.phase = Phase::Closed;
                    break;
                }
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // A server may reset once the closing handshake is done: that is a close too.
                Err(_) if self.phase == Phase::Closing => {
                    self.phase = Phase::Closed;
                    break;
                }
                Err(error) => return Err(format!("read: {error}")),
            };
            let bytes = &buffer[..kept + read];
            let taken = self.take(bytes, now(), inflater, scenario)?;
            self.rest.clear();
            self.rest.extend_from_slice(&bytes[taken..]);
            self.flush()?;
            if read < free && !to_end {
                break;
            }
        }
        Ok(())
    }

    /// Handles all complete frames and tells how many bytes they took.
    fn take(
        &mut self,
        bytes: &[u8],
        now: u64,
        inflater: &mut Inflater,
        scenario: &mut impl Scenario,
    ) -> Result<usize, String> {
        let mut position = 0;
        if self.phase == Phase::Upgrading {
            let Some(answer) = frames::upgrade_answer(bytes, self.deflate)? else {
                return Ok(0);
            };
            position = answer.length;
            self.compression = Connection::new(answer.deflate);
            self.phase = Phase::Open;
        }
        while let Some(frame) = frames::parse(&bytes[position..])? {
            match frame.opcode {
                frames::TEXT if frame.compressed => {
                    let text = inflater.inflate(&mut self.compression, frame.payload)?;
                    scenario.message(self, classify(text, true), now);
                }
                frames::TEXT => scenario.message(self, classify(frame.payload, false), now),
                frames::PING => self.queue(&frames::encode(frames::PONG, frame.payload)),
                frames::CLOSE if self.phase == Phase::Open => self.queue_close(),
                frames::CLOSE | frames::PONG => {}
                other => return Err(format!("a frame with opcode {other}")),
            }
            position += frame.length;
        }
        Ok(position)
    }
}
