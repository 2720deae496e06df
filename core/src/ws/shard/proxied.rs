//! Sockets that a balancer passes on: its header is read before anybody else reads the socket, and not a byte
//! beyond it, since what follows is for TLS or the handshake. It is a phase of the socket's handshake, whose
//! deadline and bound it is under.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;

use super::Shard;
use super::slot::Phase;
use crate::ws::forwarded::TrustProxy;
use crate::ws::handshake::RefusalReason;
use crate::ws::proxy_protocol::{LONGEST_LINE, Progress, read};

/// Bytes that are looked at in one go: more than most headers have.
const WINDOW: usize = 512;

impl Shard {
    /// Judges a socket that has just come: whether its peer may speak for others.
    pub(super) fn meet_balancer(&mut self, key: usize) {
        let peer = self.sockets.slots[key].stream.peer_addr();
        let trust = &self.shared.config.trust_proxy;
        if matches!(trust, TrustProxy::Networks(_)) && !trust.trusts(peer) {
            self.refuse_header(key);
        }
    }

    /// Goes on with a header. Returns whether the socket is to be read.
    pub(super) fn read_header(&mut self, key: usize, cx: &mut Context<'_>) -> bool {
        let slot = &mut self.sockets.slots[key];
        let (Phase::Header(header), Some(socket)) = (&mut slot.phase, slot.stream.socket()) else {
            return true;
        };
        match poll_header(socket, header, cx) {
            Poll::Pending => return false,
            Poll::Ready(Ok(client)) => {
                slot.phase = Phase::Handshake(Vec::new());
                if let Some(client) = client {
                    slot.stream.set_client(client);
                }
                self.meet_socket(key);
                self.settle_broken();
            }
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::InvalidData => {
                self.refuse_header(key);
            }
            // Who leaves was not refused.
            Poll::Ready(Err(_)) => self.bury(key),
        }
        self.sockets.slots.contains(key)
    }

    /// Closes a socket for want of a good header.
    pub(super) fn refuse_header(&mut self, key: usize) {
        self.counters().refused(RefusalReason::ProxyHeader);
        self.bury(key);
    }
}

/// Reads a header to its last byte, and gives the client that it names.
fn poll_header(
    socket: &mut TcpStream,
    header: &mut Vec<u8>,
    cx: &mut Context<'_>,
) -> Poll<io::Result<Option<SocketAddr>>> {
    loop {
        let progress = read(header);
        let most = match progress {
            Progress::Whole(client) => return Poll::Ready(Ok(client)),
            Progress::Invalid => return Poll::Ready(Err(io::ErrorKind::InvalidData.into())),
            Progress::More(count) => count.min(WINDOW),
            Progress::Line => LONGEST_LINE - header.len(),
        };
        let mut bytes = [0; WINDOW];
        // Only looked at: how many of them belong to a line is not known before.
        let mut ahead = ReadBuf::new(&mut bytes[..most]);
        let count = match ready!(socket.poll_peek(cx, &mut ahead))? {
            0 => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
            count if progress == Progress::Line => {
                let end = ahead.filled().iter().position(|&byte| byte == b'\n');
                end.map_or(count, |at| at + 1)
            }
            count => count,
        };
        let mut own = ReadBuf::new(&mut bytes[..count]);
        ready!(Pin::new(&mut *socket).poll_read(cx, &mut own))?;
        header.extend_from_slice(own.filled());
    }
}
