//! A byte stream whose socket is the host's: for TLS servers of Node, for runtimes that show no
//! descriptor, and for Windows. The host hands over what it reads and takes what is to be written;
//! credit bounds both directions, so a slow side slows the other one and nothing piles up.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes of one direction that may be under way: then the giving side waits until half of it is
/// through. It is what a socket's own buffers hold.
pub const CREDIT: usize = 256 * 1024;

/// What the host is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Signal {
    /// Bytes can be taken and written.
    Output = 0,
    /// There is room again: read on.
    Resume = 1,
    /// Nothing more will be written: end the stream behind what was taken.
    Finish = 2,
    /// It is over: destroy the socket.
    Release = 3,
}

/// What the two sides share.
pub struct Bridge {
    state: Mutex<State>,
    signal: Box<dyn Fn(Signal) + Send + Sync>,
    rouse: Box<dyn Fn(Waker) + Send + Sync>,
    peer: Option<SocketAddr>,
}

#[derive(Debug, Default)]
struct State {
    /// From the host, and how much of the first chunk is read already.
    input: VecDeque<Vec<u8>>,
    input_read: usize,
    input_bytes: usize,
    /// The host was told to wait.
    input_waits: bool,
    /// The socket gives no more.
    ended: bool,
    reader: Option<Waker>,
    /// To the host, not taken yet; and taken, but not written yet.
    output: Vec<u8>,
    taken: usize,
    /// The host was told that there is output.
    told: bool,
    /// The socket takes no more.
    broken: bool,
    /// The shard has waited long enough for the socket.
    given_up: bool,
    writer: Option<Waker>,
}

impl fmt::Debug for Bridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bridge").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Bridge {
    /// The host's side and the shard's. `signal` is called from the shard's thread, and `rouse` from the
    /// host's: it sees to it that a reader is woken, if not at once.
    pub fn new(
        peer: Option<SocketAddr>,
        signal: impl Fn(Signal) + Send + Sync + 'static,
        rouse: impl Fn(Waker) + Send + Sync + 'static,
    ) -> (Arc<Self>, BridgeStream) {
        let (signal, rouse) = (Box::new(signal), Box::new(rouse));
        let bridge = Arc::new(Self { state: Mutex::default(), signal, rouse, peer });
        (bridge.clone(), BridgeStream(bridge))
    }

    /// Each step leaves the state whole, so a poisoned lock is usable.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes bytes that the host has read. False asks it to wait for [`Signal::Resume`].
    pub fn push(&self, bytes: Vec<u8>) -> bool {
        let mut state = self.lock();
        if !bytes.is_empty() {
            state.input_bytes += bytes.len();
            state.input.push_back(bytes);
        }
        state.input_waits = state.input_bytes >= CREDIT;
        let go_on = !state.input_waits;
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            (self.rouse)(reader);
        }
        go_on
    }

    /// Gives the bytes that are to be written. The host says by [`written`](Self::written) when it
    /// has done so.
    pub fn take(&self) -> Vec<u8> {
        let mut state = self.lock();
        state.told = false;
        let bytes = std::mem::take(&mut state.output);
        state.taken += bytes.len();
        bytes
    }

    /// The host has written so many of the bytes that it took.
    pub fn written(&self, count: usize) {
        let mut state = self.lock();
        state.taken = state.taken.saturating_sub(count);
        let room = state.output.len() + state.taken <= CREDIT / 2;
        let writer = if room { state.writer.take() } else { None };
        drop(state);
        wake(writer);
    }

    /// Whether it ended because the peer had its time: then nobody waits for what is not written.
    pub fn given_up(&self) -> bool {
        self.lock().given_up
    }

    /// The socket gives no more: what was pushed before is still read.
    pub fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        let reader = state.reader.take();
        drop(state);
        wake(reader);
    }

    /// The socket is gone.
    pub fn abandon(&self) {
        let mut state = self.lock();
        state.ended = true;
        state.broken = true;
        let (reader, writer) = (state.reader.take(), state.writer.take());
        drop(state);
        wake(reader);
        wake(writer);
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// The shard's side of a bridge. When it is dropped the host is told to destroy its socket.
#[derive(Debug)]
pub struct BridgeStream(Arc<Bridge>);

impl BridgeStream {
    /// The address of the client, as the host knows it.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.0.peer
    }

    /// The peer has had its time: what is said to the host by the end that follows.
    pub fn give_up(&self) {
        self.0.lock().given_up = true;
    }

    /// Ready when the socket gives no more than what was pushed already.
    pub fn poll_end(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.0.lock();
        if state.ended {
            return Poll::Ready(());
        }
        state.reader = Some(cx.waker().clone());
        Poll::Pending
    }

    fn poll_room(&self, cx: &Context<'_>) -> Poll<io::Result<MutexGuard<'_, State>>> {
        let mut state = self.0.lock();
        if state.broken {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if state.output.len() + state.taken >= CREDIT {
            state.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Ok(state))
    }

    /// Tells the host of output, unless it knows.
    fn tell(&self, mut state: MutexGuard<'_, State>) {
        let tell = !std::mem::replace(&mut state.told, true);
        drop(state);
        if tell {
            (self.0.signal)(Signal::Output);
        }
    }
}

impl Drop for BridgeStream {
    fn drop(&mut self) {
        (self.0.signal)(Signal::Release);
    }
}

impl AsyncRead for BridgeStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut state = self.0.lock();
        while buffer.remaining() > 0
            && let Some(chunk) = state.input.front()
        {
            let rest = &chunk[state.input_read..];
            let count = rest.len().min(buffer.remaining());
            buffer.put_slice(&rest[..count]);
            if count == rest.len() {
                state.input.pop_front();
                state.input_read = 0;
            } else {
                state.input_read += count;
            }
            state.input_bytes -= count;
        }
        if buffer.filled().is_empty() {
            if state.ended {
                return Poll::Ready(Ok(()));
            }
            state.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let resume = state.input_waits && state.input_bytes <= CREDIT / 2;
        state.input_waits &= !resume;
        drop(state);
        if resume {
            (self.0.signal)(Signal::Resume);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for BridgeStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    /// Takes what the credit has room for; the rest stays in the outbox, and is counted there.
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut state = match self.poll_room(cx) {
            Poll::Ready(Ok(state)) => state,
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => return Poll::Pending,
        };
        let room = CREDIT - state.output.len() - state.taken;
        let mut count = 0;
        for slice in slices {
            let part = &slice[..slice.len().min(room - count)];
            state.output.extend_from_slice(part);
            count += part.len();
        }
        self.tell(state);
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        (self.0.signal)(Signal::Finish);
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests;
