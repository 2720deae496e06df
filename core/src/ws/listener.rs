//! Binding: the socket listens before the constructor of the manager returns.

use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

/// Connections that the kernel holds for us while we are busy; it has its own upper limit
/// (`net.core.somaxconn`). Node's default of 511 drops connections in a storm.
const BACKLOG: i32 = 4096;

/// A failure to bind, with what Node's errors of this kind carry.
#[derive(Debug, thiserror::Error)]
#[error("listen on {address} port {port}: {source}")]
pub struct BindError {
    pub syscall: &'static str,
    pub address: IpAddr,
    pub port: u16,
    pub source: io::Error,
}

/// Listens on one address, or on all: IPv6 and IPv4 alike where the machine has both, as Node does.
pub fn bind(host: Option<IpAddr>, port: u16) -> Result<TcpListener, BindError> {
    let listen = |ip: IpAddr| {
        listen_on(SocketAddr::new(ip, port)).map_err(|source| BindError {
            syscall: "listen",
            address: ip,
            port,
            source,
        })
    };
    match host {
        Some(ip) => listen(ip),
        None => listen(Ipv6Addr::UNSPECIFIED.into()).or_else(|error| match error.source.kind() {
            io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied => Err(error),
            _ => listen(Ipv4Addr::UNSPECIFIED.into()),
        }),
    }
}

fn listen_on(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address == SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), address.port()) {
        socket.set_only_v6(false)?;
    }
    // A restarted service must not wait for its earlier connections' TIME_WAIT. On Windows the
    // option would let two processes share a port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}
