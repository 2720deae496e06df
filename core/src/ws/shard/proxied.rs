//! Sockets that a balancer passes on: its header is read before anybody else reads the socket, and not a byte
//! beyond it.

use std::io;
use std::net::SocketAddr;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::ws::forwarded::TrustProxy;
use crate::ws::handshake::RefusalReason;
use crate::ws::proxy_protocol::{LONGEST_LINE, Progress, read};
use crate::ws::shared::Shared;

/// Whether this peer may speak for others.
fn is_balancer(shared: &Shared, peer: SocketAddr) -> bool {
    let trust = &shared.config.trust_proxy;
    !matches!(trust, TrustProxy::Networks(_)) || trust.trusts(Some(peer))
}

/// Reads the header. Gives what it says, or nothing if the socket is to be closed, which is counted.
pub async fn header(
    stream: &mut TcpStream,
    peer: SocketAddr,
    shared: &Shared,
) -> Option<Option<SocketAddr>> {
    let read =
        async { if is_balancer(shared, peer) { take(stream).await.ok().flatten() } else { None } };
    let header = timeout(shared.config.handshake_timeout, read).await.ok().flatten();
    if header.is_none() {
        shared.counters[0].refused(RefusalReason::ProxyHeader);
    }
    header
}

async fn take(stream: &mut TcpStream) -> io::Result<Option<Option<SocketAddr>>> {
    let mut header = Vec::new();
    loop {
        let count = match read(&header) {
            Progress::Whole(client) => return Ok(Some(client)),
            Progress::Invalid => return Ok(None),
            Progress::More(count) => count,
            Progress::Line => to_line_end(stream, LONGEST_LINE - header.len()).await?,
        };
        let before = header.len();
        header.resize(before + count, 0);
        stream.read_exact(&mut header[before..]).await?;
    }
}

/// How many of the bytes that have come belong to the line.
async fn to_line_end(stream: &TcpStream, most: usize) -> io::Result<usize> {
    let mut ahead = [0; LONGEST_LINE];
    let count = stream.peek(&mut ahead[..most]).await?;
    if count == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let end = ahead[..count].iter().position(|&byte| byte == b'\n');
    Ok(end.map_or(count, |at| at + 1))
}
