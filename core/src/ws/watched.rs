//! A socket whose end can be seen while nothing of it is read.
//!
//! Readiness tells of an end, but only to who waits for it, and nobody can wait for a socket that is ready
//! because bytes lie in it unread. So it is taken for not ready while it is watched, and what lies in it is read
//! past the readiness, which the kernel does not tell of a second time.

use socket2::SockRef;
use std::io::{self, IoSlice, Read};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

#[derive(Debug)]
pub struct Watched<S> {
    stream: S,
    /// It may have bytes though it does not count as ready.
    unread: bool,
}

/// What sockets of either kind have in common.
pub trait Socket: AsyncRead + AsyncWrite + Unpin {
    fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Whether its peer sends nothing more, as far as readiness tells.
    fn is_read_closed(&self) -> bool;

    /// Takes it for not ready, until the kernel tells of something new. The end stays known.
    fn forget_readiness(&self);

    /// Reads whatever its readiness is.
    fn read_directly(&self, buffer: &mut [u8]) -> io::Result<usize>;
}

macro_rules! socket {
    ($stream:ty) => {
        impl Socket for $stream {
            fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                <$stream>::poll_read_ready(self, cx)
            }

            fn is_read_closed(&self) -> bool {
                let mut cx = Context::from_waker(Waker::noop());
                let ready = pin!(self.ready(Interest::READABLE)).poll(&mut cx);
                matches!(ready, Poll::Ready(Ok(ready)) if ready.is_read_closed())
            }

            fn forget_readiness(&self) {
                let nothing = || io::Result::<()>::Err(io::ErrorKind::WouldBlock.into());
                // The error is the one that was made here.
                let _ = self.try_io(Interest::READABLE, nothing);
            }

            fn read_directly(&self, buffer: &mut [u8]) -> io::Result<usize> {
                (&*SockRef::from(self)).read(buffer)
            }
        }
    };
}

socket!(TcpStream);
#[cfg(unix)]
socket!(UnixStream);

impl<S: Socket> Watched<S> {
    pub fn new(stream: S) -> Self {
        Self { stream, unread: false }
    }

    pub fn get(&self) -> &S {
        &self.stream
    }

    pub fn get_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Ready when the peer sends nothing more, whatever it has sent before. On Windows an end behind bytes that are
    /// not read is not seen: its sockets are told to be ready again and again as long as there are any.
    pub fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.stream.poll_read_ready(cx).is_pending() {
            return Poll::Pending;
        }
        if self.stream.is_read_closed() {
            return Poll::Ready(());
        }
        if cfg!(not(windows)) {
            self.unread = true;
            self.stream.forget_readiness();
            if self.stream.poll_read_ready(cx).is_ready() {
                // Something came in between.
                cx.waker().wake_by_ref();
            }
        }
        Poll::Pending
    }
}

impl<S: Socket> AsyncRead for Watched<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.unread {
            match this.stream.read_directly(buffer.initialize_unfilled()) {
                Ok(count) => {
                    buffer.advance(count);
                    return Poll::Ready(Ok(()));
                }
                // From here on readiness tells of what comes.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => this.unread = false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Pin::new(&mut this.stream).poll_read(cx, buffer)
    }
}

impl<S: Socket> AsyncWrite for Watched<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
