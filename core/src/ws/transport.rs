//! What carries a connection's bytes. Everything above is the same for all of them.

use rustls::ServerConfig;
use socket2::{Domain, SockRef, Socket, Type};
use std::fmt;
use std::io::{self, IoSlice};
use std::net::{Shutdown, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

use super::bridge::BridgeStream;
use super::tls::TlsStream;
use super::watched::Watched;

/// A socket, or what stands for one, outside of any runtime: on its way to its shard.
#[derive(Debug)]
pub struct Carrier {
    kind: CarrierKind,
    anchor: Option<Anchor>,
}

#[derive(Debug)]
enum CarrierKind {
    Tcp(std::net::TcpStream),
    Tls(std::net::TcpStream, Arc<ServerConfig>),
    #[cfg(unix)]
    Unix(std::os::unix::net::UnixStream),
    Bridge(BridgeStream),
}

/// Tells the host, when it is dropped, that its socket is not used any more.
pub struct Anchor(Box<dyn Fn() + Send>);

impl Anchor {
    pub fn new(release: impl Fn() + Send + 'static) -> Self {
        Self(Box::new(release))
    }
}

impl Drop for Anchor {
    fn drop(&mut self) {
        (self.0)();
    }
}

impl fmt::Debug for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Anchor")
    }
}

impl Carrier {
    /// A socket that was accepted here.
    pub fn tcp(socket: std::net::TcpStream) -> Self {
        Self { kind: CarrierKind::Tcp(socket), anchor: None }
    }

    /// The same, for TLS if there is a configuration of it.
    pub fn accepted(socket: std::net::TcpStream, tls: Option<Arc<ServerConfig>>) -> Self {
        match tls {
            Some(config) => Self { kind: CarrierKind::Tls(socket, config), anchor: None },
            None => Self::tcp(socket),
        }
    }

    /// A stream whose bytes the host reads and writes.
    pub fn bridge(stream: BridgeStream) -> Self {
        Self { kind: CarrierKind::Bridge(stream), anchor: None }
    }

    /// A socket that the host accepted, a connected stream over TCP or a Unix domain, by a
    /// descriptor of our own. The host keeps its descriptor, so that its server goes on counting
    /// the connection, until `anchor` is dropped.
    ///
    /// # Errors
    /// When the descriptor is no such socket.
    #[cfg(unix)]
    pub fn descriptor(descriptor: std::os::fd::OwnedFd, anchor: Anchor) -> io::Result<Self> {
        // Not every descriptor is a socket: the options below are what tells.
        let socket = Socket::from(descriptor);
        if socket.r#type()? != Type::STREAM {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        // By its own address, since not every platform can be asked for a socket's domain.
        let kind = match socket.local_addr()?.domain() {
            Domain::IPV4 | Domain::IPV6 => CarrierKind::Tcp(socket.into()),
            Domain::UNIX => CarrierKind::Unix(socket.into()),
            _ => return Err(io::ErrorKind::InvalidInput.into()),
        };
        Ok(Self { kind, anchor: Some(anchor) })
    }

    /// Takes the socket into the runtime of the current thread.
    pub fn into_transport(self) -> io::Result<Transport> {
        let Self { kind, anchor } = self;
        let stream = match kind {
            CarrierKind::Tcp(socket) => {
                socket.set_nonblocking(true)?;
                Stream::Tcp(Watched::new(TcpStream::from_std(socket)?))
            }
            CarrierKind::Tls(socket, config) => {
                socket.set_nonblocking(true)?;
                return Transport::accepted(TcpStream::from_std(socket)?, Some(config));
            }
            #[cfg(unix)]
            CarrierKind::Unix(socket) => {
                socket.set_nonblocking(true)?;
                Stream::Unix(Watched::new(UnixStream::from_std(socket)?))
            }
            CarrierKind::Bridge(stream) => Stream::Bridge(stream),
        };
        Ok(Transport { stream, anchor: anchor.map(Box::new), client: None })
    }
}

/// What a shard reads from and writes to.
#[derive(Debug)]
pub struct Transport {
    stream: Stream,
    /// Boxed, since most transports have none.
    anchor: Option<Box<Anchor>>,
    /// Whom a balancer has named as the client; boxed for the same reason.
    client: Option<Box<SocketAddr>>,
}

#[derive(Debug)]
enum Stream {
    Tcp(Watched<TcpStream>),
    /// Boxed, since it is several times as large as the others.
    Tls(Box<TlsStream<Watched<TcpStream>>>),
    #[cfg(unix)]
    Unix(Watched<UnixStream>),
    Bridge(BridgeStream),
}

impl Drop for Transport {
    fn drop(&mut self) {
        // Its host's descriptor keeps the socket open: the peer must see its end all the same.
        if self.anchor.is_some() {
            self.stream.shut_down();
        }
    }
}

impl Transport {
    pub fn tcp(stream: TcpStream) -> Self {
        Self { stream: Stream::Tcp(Watched::new(stream)), anchor: None, client: None }
    }

    /// A socket that was accepted here, for TLS if there is a configuration of it.
    pub fn accepted(stream: TcpStream, tls: Option<Arc<ServerConfig>>) -> io::Result<Self> {
        Ok(match tls {
            Some(config) => {
                let stream = Stream::Tls(Box::new(TlsStream::new(Watched::new(stream), config)?));
                Self { stream, anchor: None, client: None }
            }
            None => Self::tcp(stream),
        })
    }

    /// Whether TLS has to come about before anything can be said.
    pub fn is_tls(&self) -> bool {
        matches!(self.stream, Stream::Tls(_))
    }

    /// The certificate of the client, in DER, where TLS has asked for it.
    pub fn peer_certificate(&self) -> Option<&[u8]> {
        match &self.stream {
            Stream::Tls(stream) => stream.peer_certificate(),
            _ => None,
        }
    }

    /// Bytes that were written, and that the socket has not taken yet: of all streams only TLS
    /// holds back.
    pub fn held(&self) -> usize {
        match &self.stream {
            Stream::Tls(stream) => stream.held(),
            _ => 0,
        }
    }

    /// Whether the peer and we do not agree on TLS. It can still be drained.
    pub fn has_failed(&self) -> bool {
        matches!(&self.stream, Stream::Tls(stream) if stream.has_failed())
    }

    /// The socket of TCP beneath, past TLS.
    pub fn socket(&mut self) -> Option<&mut TcpStream> {
        match &mut self.stream {
            Stream::Tcp(stream) => Some(stream.get_mut()),
            Stream::Tls(stream) => Some(stream.socket_mut().get_mut()),
            _ => None,
        }
    }

    /// Ready when the peer sends nothing more, for who waits and reads nothing meanwhile. Not seen is what still
    /// lies in the stream: of TLS its own goodbye, while the socket beneath is open, and of a bridge an end that the host
    /// has not come to, since it waits for room.
    pub fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.stream {
            Stream::Tcp(stream) => stream.poll_end(cx),
            Stream::Tls(stream) if stream.has_ended() => Poll::Ready(()),
            Stream::Tls(stream) => stream.socket_mut().poll_end(cx),
            #[cfg(unix)]
            Stream::Unix(stream) => stream.poll_end(cx),
            Stream::Bridge(stream) => stream.poll_end(cx),
        }
    }

    pub fn is_bridge(&self) -> bool {
        matches!(self.stream, Stream::Bridge(_))
    }

    /// The peer has had its time. Of sockets the kernel lets go by itself.
    pub fn give_up(&self) {
        if let Stream::Bridge(stream) = &self.stream {
            stream.give_up();
        }
    }

    pub fn set_nodelay(&self) {
        self.stream.set_nodelay();
    }

    /// Takes note of whom a balancer has named as the client.
    pub fn set_client(&mut self, client: SocketAddr) {
        self.client = Some(Box::new(client));
    }

    /// The client's address, where there is one.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.client.as_deref().copied().or_else(|| self.stream.peer_addr())
    }
}

impl Stream {
    /// Small frames must not wait for the peer's acknowledgements; a socket that refuses the option
    /// is about to report its end anyway.
    fn set_nodelay(&self) {
        let _ = match self {
            Self::Tcp(stream) => stream.get().set_nodelay(true),
            Self::Tls(stream) => stream.socket().get().set_nodelay(true),
            _ => Ok(()),
        };
    }

    fn peer_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.get().peer_addr().ok(),
            Self::Tls(stream) => stream.socket().get().peer_addr().ok(),
            #[cfg(unix)]
            Self::Unix(_) => None,
            Self::Bridge(stream) => stream.peer(),
        }
    }

    /// Ends both directions, also where another descriptor keeps the socket open.
    fn shut_down(&self) {
        // An error says that it is over already.
        let _ = match self {
            Self::Tcp(stream) => SockRef::from(stream.get()).shutdown(Shutdown::Both),
            Self::Tls(stream) => SockRef::from(stream.socket().get()).shutdown(Shutdown::Both),
            #[cfg(unix)]
            Self::Unix(stream) => SockRef::from(stream.get()).shutdown(Shutdown::Both),
            // Dropping it tells the host.
            Self::Bridge(_) => Ok(()),
        };
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Stream::Tls(stream) => stream.poll_read(cx, buffer),
            #[cfg(unix)]
            Stream::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
            Stream::Bridge(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Tls(stream) => stream.poll_write_vectored(cx, &[IoSlice::new(bytes)]),
            #[cfg(unix)]
            Stream::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Bridge(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Stream::Tls(stream) => stream.poll_write_vectored(cx, slices),
            #[cfg(unix)]
            Stream::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Stream::Bridge(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Tls(stream) => stream.poll_flush(cx),
            // The others hold nothing back.
            _ => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => stream.poll_shutdown(cx),
            #[cfg(unix)]
            Stream::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Bridge(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
