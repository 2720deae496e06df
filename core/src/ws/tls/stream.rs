//! TLS over a socket, for the shard that owns it.
//!
//! rustls is used without its own buffers: all connections of a thread share three, and a connection
//! keeps only what it cannot be without, the rest of a cut record and what the socket did not take.
//! So an idle one has none.
//!
//! - Reading: what one read of the socket brings is decrypted to its last whole record, and fits into
//!   the caller's buffer, since a record is longer than what is in it. So no plaintext ever waits in
//!   here while the socket has nothing to say.
//! - Writing: a write is encrypted as a whole, up to 64 KiB, and counts as taken. What the socket does
//!   not take of it is held back, and until it is through nothing more is taken.

use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, InsufficientSizeError, UnbufferedStatus,
};
use rustls::{Error, InvalidMessage, ServerConfig};
use std::cell::RefCell;
use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::ws::handshake::{Refusal, RefusalReason, refusal_response};

/// Bytes that one read takes from the socket, and one write encrypts.
const PART: usize = 64 * 1024;
/// Of a handshake's message that came in pieces: rustls takes 64 KiB, and pieces have their headers.
const MAX_REST: usize = 80 * 1024;
/// Bytes that are read at least, however much is kept already.
const LEAST_READ: usize = 4096;
/// Headers and tags of a part's records, and rustls's own messages between them.
const OVERHEAD: usize = 4096;
/// Reads that bring nothing for the caller before others have their turn.
const READS: usize = 4;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// What all connections of a thread use in turn.
struct Scratch {
    incoming: Vec<u8>,
    plain: Vec<u8>,
    wire: Vec<u8>,
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            incoming: vec![0; MAX_REST + PART],
            plain: Vec::with_capacity(PART),
            wire: vec![0; PART + OVERHEAD],
        }
    }
}

pub struct TlsStream<Socket: AsyncRead + AsyncWrite + Unpin> {
    socket: Socket,
    session: UnbufferedServerConnection,
    /// From the peer: the beginning of a record, or of a handshake's message.
    rest: Vec<u8>,
    /// For the peer, and how much of it the socket has taken.
    held: Vec<u8>,
    taken: usize,
    phase: Phase,
    /// The peer has said that nothing more will come.
    peer_closed: bool,
    /// And we have.
    closed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing has come yet.
    Silent,
    Handshake,
    Open,
    /// There is no TLS, or no more. The socket can still be written to and drained.
    Failed,
}

impl<Socket: AsyncRead + AsyncWrite + Unpin> fmt::Debug for TlsStream<Socket> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream").field("phase", &self.phase).finish_non_exhaustive()
    }
}

impl<Socket: AsyncRead + AsyncWrite + Unpin> TlsStream<Socket> {
    pub fn new(socket: Socket, config: Arc<ServerConfig>) -> io::Result<Self> {
        Ok(Self {
            socket,
            session: UnbufferedServerConnection::new(config).map_err(io::Error::other)?,
            rest: Vec::new(),
            held: Vec::new(),
            taken: 0,
            phase: Phase::Silent,
            peer_closed: false,
            closed: false,
        })
    }

    pub fn socket(&self) -> &Socket {
        &self.socket
    }

    /// The same, for what stands before TLS.
    pub fn socket_mut(&mut self) -> &mut Socket {
        &mut self.socket
    }

    /// The certificate that the peer has shown and an authority of ours has signed, in DER.
    pub fn peer_certificate(&self) -> Option<&[u8]> {
        self.session.peer_certificates()?.first().map(AsRef::as_ref)
    }

    /// Bytes that were taken and are not in the socket yet.
    pub fn held(&self) -> usize {
        self.held.len() - self.taken
    }

    /// Whether there is no TLS with this peer. What it is told of that is held back, or written.
    pub fn has_failed(&self) -> bool {
        self.phase == Phase::Failed
    }

    /// Whether the peer has said its goodbye.
    pub fn has_ended(&self) -> bool {
        self.peer_closed
    }

    /// Reads on until there is something for the caller, whose buffer has room for a `PART`.
    pub fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.phase == Phase::Failed {
            return Pin::new(&mut self.socket).poll_read(cx, buffer);
        }
        for _ in 0..READS {
            if self.peer_closed {
                return Poll::Ready(Ok(()));
            }
            let count =
                ready!(SCRATCH.with_borrow_mut(|scratch| {
                    self.poll_fill(cx, &mut scratch.incoming, buffer)
                }))?;
            if count == 0 {
                return Poll::Ready(self.cut_off());
            }
            if self.held() > 0 {
                // What does not go now goes when the socket is writable.
                let _ = self.poll_flush(cx)?;
            }
            if self.phase == Phase::Failed {
                return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
            }
            if !buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Reads once and decrypts what came. Returns how many bytes came.
    fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        incoming: &mut [u8],
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<usize>> {
        let kept = self.rest.len();
        let room = PART.min(buffer.remaining()).saturating_sub(kept).max(LEAST_READ);
        incoming[..kept].copy_from_slice(&self.rest);
        let mut read = ReadBuf::new(&mut incoming[kept..kept + room]);
        ready!(Pin::new(&mut self.socket).poll_read(cx, &mut read))?;
        let count = read.filled().len();
        if count > 0 {
            let incoming = &mut incoming[..kept + count];
            if self.phase == Phase::Silent {
                self.phase = Phase::Handshake;
                if incoming[0].is_ascii_uppercase() {
                    self.answer_plainly();
                    return Poll::Ready(Ok(count));
                }
            }
            if self.open(incoming, buffer).is_err() {
                self.phase = Phase::Failed;
                self.rest = Vec::new();
            }
        }
        Poll::Ready(Ok(count))
    }

    /// The socket gives no more. An end in the middle of the handshake is a failure of it, unless
    /// nobody has begun one.
    fn cut_off(&mut self) -> io::Result<()> {
        if self.phase != Phase::Handshake {
            return Ok(());
        }
        self.phase = Phase::Failed;
        Err(io::ErrorKind::UnexpectedEof.into())
    }

    /// A client that speaks HTTP to us would make nothing of an alert of TLS.
    fn answer_plainly(&mut self) {
        let detail = "This port speaks TLS: use wss://";
        let refusal = Refusal { reason: RefusalReason::TlsHandshake, detail };
        self.held = refusal_response(&refusal);
        self.phase = Phase::Failed;
    }

    /// Decrypts whole records and takes part in the handshake. After an error what the peer is to be
    /// told is held back.
    fn open(&mut self, incoming: &mut [u8], buffer: &mut ReadBuf<'_>) -> Result<(), Error> {
        let mut at = 0;
        loop {
            let UnbufferedStatus { mut discard, state } =
                self.session.process_tls_records(&mut incoming[at..]);
            let mut over = false;
            match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record?;
                        discard += record.discard;
                        if record.payload.len() > buffer.remaining() {
                            return Err(Error::General("no room for a record".to_owned()));
                        }
                        buffer.put_slice(record.payload);
                    }
                }
                Ok(ConnectionState::EncodeTlsData(data)) => encode(data, &mut self.held)?,
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(ConnectionState::PeerClosed) => self.peer_closed = true,
                Ok(ConnectionState::WriteTraffic(_)) => {
                    self.phase = Phase::Open;
                    over = true;
                }
                Ok(ConnectionState::BlockedHandshake | ConnectionState::Closed) => over = true,
                // Early data is not offered, and other states are not known.
                Ok(_) => return Err(Error::General("an unexpected state".to_owned())),
                Err(error) => {
                    self.gather_alert(&mut incoming[at + discard..]);
                    return Err(error);
                }
            }
            at += discard;
            if over {
                break;
            }
        }
        let rest = &incoming[at..];
        if rest.len() > MAX_REST {
            return Err(InvalidMessage::HandshakePayloadTooLarge.into());
        }
        // Most often it was empty and is.
        if !(rest.is_empty() && self.rest.is_empty()) {
            self.rest = rest.to_vec();
        }
        Ok(())
    }

    /// After an error rustls still has what the peer is to be told of it, its alert last. Behind that
    /// it must not be asked again: it would look at the input, and has no second alert.
    fn gather_alert(&mut self, incoming: &mut [u8]) {
        loop {
            let UnbufferedStatus { state, .. } = self.session.process_tls_records(incoming);
            match state {
                Ok(ConnectionState::EncodeTlsData(data)) => {
                    let start = self.held.len();
                    if encode(data, &mut self.held).is_err() || is_alert(&self.held[start..]) {
                        return;
                    }
                }
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                _ => return,
            }
        }
    }

    /// Encrypts `plain`, or the end of the stream for `None`, into `wire`. Returns its length.
    fn seal(&mut self, plain: Option<&[u8]>, wire: &mut [u8]) -> Result<usize, Error> {
        let exhausted = |_| Error::EncryptError;
        let mut early = Vec::new();
        loop {
            let UnbufferedStatus { discard, state } =
                self.session.process_tls_records(&mut self.rest);
            let length = match state {
                Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                    // What rustls had to say before goes first.
                    let (front, behind) =
                        wire.split_at_mut_checked(early.len()).ok_or(Error::EncryptError)?;
                    front.copy_from_slice(&early);
                    let length = match plain {
                        Some(plain) => traffic.encrypt(plain, behind),
                        None => traffic.queue_close_notify(behind),
                    };
                    Some(early.len() + length.map_err(exhausted)?)
                }
                Ok(ConnectionState::EncodeTlsData(data)) => {
                    encode(data, &mut early)?;
                    None
                }
                Ok(ConnectionState::TransmitTlsData(data)) => {
                    data.done();
                    None
                }
                Ok(ConnectionState::PeerClosed) => {
                    self.peer_closed = true;
                    None
                }
                Ok(_) => return Err(Error::HandshakeNotComplete),
                Err(error) => return Err(error),
            };
            if discard > 0 {
                self.rest.drain(..discard);
            }
            if let Some(length) = length {
                return Ok(length);
            }
        }
    }

    pub fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.phase != Phase::Open || self.closed {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        }
        ready!(self.poll_flush(cx))?;
        SCRATCH.with_borrow_mut(|Scratch { plain, wire, .. }| {
            let plain: &[u8] = match slices {
                [only] => &only[..only.len().min(PART)],
                _ => {
                    plain.clear();
                    for slice in slices {
                        let room = PART - plain.len();
                        plain.extend_from_slice(&slice[..slice.len().min(room)]);
                    }
                    plain
                }
            };
            let length = self.seal(Some(plain), wire).map_err(io::Error::other)?;
            let mut rest = &wire[..length];
            while !rest.is_empty() {
                match Pin::new(&mut self.socket).poll_write(cx, rest)? {
                    Poll::Ready(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    Poll::Ready(count) => rest = &rest[count..],
                    Poll::Pending => {
                        self.held = rest.to_vec();
                        break;
                    }
                }
            }
            Poll::Ready(Ok(plain.len()))
        })
    }

    /// Writes what is held back.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.held() > 0 {
            let rest = &self.held[self.taken..];
            match ready!(Pin::new(&mut self.socket).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.taken += count,
            }
        }
        if self.taken > 0 {
            (self.held, self.taken) = (Vec::new(), 0);
        }
        Poll::Ready(Ok(()))
    }

    /// Ends our direction, behind what is held back: for TLS, and then for the socket.
    pub fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.say_the_end();
        ready!(self.poll_flush(cx))?;
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }

    fn say_the_end(&mut self) {
        if self.phase == Phase::Open && !std::mem::replace(&mut self.closed, true) {
            let mut alert = [0; 256];
            if let Ok(length) = self.seal(None, &mut alert) {
                self.held.extend_from_slice(&alert[..length]);
            }
        }
    }
}

impl<Socket: AsyncRead + AsyncWrite + Unpin> Drop for TlsStream<Socket> {
    fn drop(&mut self) {
        // A peer that is not told takes the end for an attack. Whoever does not take it now is past
        // being told.
        self.say_the_end();
        let _ = self.poll_flush(&mut Context::from_waker(Waker::noop()));
    }
}

/// Whether a record is an alert: by its type, or in TLS 1.3, which hides the type, by its length: an
/// alert's two bytes, the type and the tag. No other message is that short.
fn is_alert(record: &[u8]) -> bool {
    const ALERT: u8 = 21;
    const HIDDEN: u8 = 23;
    match record.first() {
        Some(&ALERT) => true,
        Some(&HIDDEN) => record.len() == 5 + 2 + 1 + 16,
        _ => false,
    }
}

/// Appends a message of rustls's own.
fn encode<Data>(mut data: EncodeTlsData<'_, Data>, out: &mut Vec<u8>) -> Result<(), Error> {
    let start = out.len();
    // It tells its size by refusing to do with none.
    let Err(EncodeError::InsufficientSize(InsufficientSizeError { required_size })) =
        data.encode(&mut [])
    else {
        return Ok(());
    };
    out.resize(start + required_size, 0);
    data.encode(&mut out[start..]).map(|_| ()).map_err(|_| Error::EncryptError)
}

#[cfg(test)]
mod tests;
