//! Client bytes to messages. The decoder takes the bytes of one read, as TCP happened to cut them,
//! and gives whole messages and control frames.
//!
//! Nearly every read holds whole, unfragmented frames: these are unmasked where they lie and lent
//! to the caller, without an allocation or a copy. Only what is cut or fragmented is kept, in a
//! box that exists from the first byte to the last one, so an idle connection holds a null pointer.

mod text;

use std::borrow::Cow;

use super::close::{self, Violation};
use super::deflate::{Inflaters, Inflation, max_compressed};
use super::frame::{self, Header, MAX_CLIENT_HEADER, MAX_CONTROL_PAYLOAD, Opcode};
use text::TextBuffer;

/// What the decoder holds a client to, and what it decodes with.
#[derive(Debug)]
pub struct Terms<'a> {
    /// The most bytes of one message, all its fragments together, inflated.
    pub max_payload: usize,
    /// Whether messages may be compressed: that this was negotiated.
    pub compression: bool,
    /// For compressed messages.
    pub inflaters: &'a mut Inflaters,
    /// Counts the fragments that end no message and are smaller than [`CRUMB`].
    pub crumbs: usize,
}

/// A fragment of fewer bytes is hardly worth its frame: clients that fragment long messages make
/// larger ones, whereas small ones are work that need never become a message.
pub const CRUMB: usize = 1024;

impl Terms<'_> {
    fn header(&self, input: &[u8]) -> Result<Option<(Header, usize)>, Violation> {
        frame::parse_header(input, self.compression)
    }

    /// The most bytes of a message as they come.
    fn max_len(&self, compressed: bool) -> usize {
        if compressed { max_compressed(self.max_payload) } else { self.max_payload }
    }
}

/// Bytes of a message or control frame: lent from the input, or owned when they came in pieces.
pub type Payload<'a> = Cow<'a, [u8]>;

/// The text of a message, lent or owned like [`Payload`]. Its type is the proof of valid UTF-8.
pub type TextPayload<'a> = Cow<'a, str>;

/// What the client sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// A whole text message.
    Text(TextPayload<'a>),
    /// A whole binary message.
    Binary(Payload<'a>),
    /// A ping: answer it with the same payload.
    Ping(Payload<'a>),
    /// A pong, asked for or not.
    Pong(Payload<'a>),
    /// The client's close frame with its code and reason, if it gives any. The last item.
    Close(Option<(u16, String)>),
}

impl Item<'_> {
    /// Bytes of its payload, inflated.
    pub fn payload_len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(payload) | Self::Ping(payload) | Self::Pong(payload) => payload.len(),
            Self::Close(_) => 0,
        }
    }
}

/// The decoder of one connection.
#[derive(Debug, Default)]
pub struct Decoder {
    /// `None` between messages, which is nearly always.
    partial: Option<Box<Partial>>,
}

impl Decoder {
    /// A decoder at the start of the stream, just behind the handshake.
    #[must_use]
    pub const fn new() -> Self {
        Self { partial: None }
    }

    /// Whether nothing is kept: no cut frame, no open message.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        self.partial.is_none()
    }

    /// Takes the next item off the front of `input`. To be called until it returns `None`, which
    /// means that all of `input` is consumed. The input is scratch space: payloads are unmasked
    /// in place.
    ///
    /// # Errors
    /// The rule that the client broke, as early as the bytes show it. The connection is to be
    /// closed then; nothing more can be decoded.
    #[inline]
    pub fn next<'a>(
        &mut self,
        input: &mut &'a mut [u8],
        terms: &mut Terms<'_>,
    ) -> Result<Option<Item<'a>>, Violation> {
        if input.is_empty() {
            return Ok(None);
        }
        if self.partial.is_none()
            && let Some((header, header_len)) = terms.header(input)?
            && let room = terms.max_len(header.rsv1).min(input.len() - header_len)
            && let Some(len) = fits(header.len, room)
            && header.fin
        {
            let payload = &mut take(input, header_len + len)[header_len..];
            frame::unmask(payload, header.mask, 0);
            if header.rsv1 {
                let message = terms.inflaters.inflate(payload, terms.max_payload)?;
                return inflated(header.opcode, message).map(Some);
            }
            return whole(header.opcode, payload).map(Some);
        }
        self.resume(input, terms)
    }

    /// Decodes what is cut or fragmented.
    #[cold]
    fn resume<'a>(
        &mut self,
        input: &mut &'a mut [u8],
        terms: &mut Terms<'_>,
    ) -> Result<Option<Item<'a>>, Violation> {
        // A violation drops what was kept: it is put back only when its end is still to come.
        let mut partial = self.partial.take().unwrap_or_default();
        let item = partial.next(input, terms)?;
        if partial.is_open() {
            self.partial = Some(partial);
        }
        Ok(item)
    }
}

/// For the tests of the memory bound.
#[cfg(any(test, fuzzing))]
impl Decoder {
    /// The bytes on the heap besides the box.
    pub(in crate::ws) fn held(&self) -> usize {
        let Some(partial) = &self.partial else {
            return 0;
        };
        let message = match &partial.message {
            Some(Message::Binary(bytes)) => bytes.capacity(),
            Some(Message::Text(text)) => text.capacity(),
            Some(Message::Compressed(_, inflation)) => inflation.capacity(),
            None => 0,
        };
        message + partial.control.len()
    }

    /// What [`held`](Self::held) never passes: a message, and a control frame between its
    /// fragments.
    pub(in crate::ws) fn most_held(&self, max_payload: usize) -> usize {
        let message = self.partial.as_ref().and_then(|partial| partial.message.as_ref());
        let message = match message {
            Some(Message::Compressed(..)) => Inflation::most_capacity(max_payload),
            _ => max_payload,
        };
        message + MAX_CONTROL_PAYLOAD
    }
}

/// What is kept of a cut frame or a fragmented message.
#[derive(Debug, Default)]
struct Partial {
    /// The first bytes of a header that is cut.
    head: [u8; MAX_CLIENT_HEADER],
    head_len: usize,
    /// The frame whose payload is arriving.
    frame: Option<Frame>,
    /// The payload of a control frame that is arriving.
    control: Vec<u8>,
    /// The message that the data frames make.
    message: Option<Message>,
}

impl Partial {
    fn is_open(&self) -> bool {
        self.head_len > 0 || self.frame.is_some() || self.message.is_some()
    }

    fn next<'a>(
        &mut self,
        input: &mut &'a mut [u8],
        terms: &mut Terms<'_>,
    ) -> Result<Option<Item<'a>>, Violation> {
        loop {
            let frame = match self.frame.take() {
                Some(frame) => frame,
                None => match self.take_header(input, terms)? {
                    Some(header) => self.begin(&header, terms)?,
                    None => return Ok(None),
                },
            };
            let Some(frame) = self.take_payload(frame, input, terms)? else {
                return Ok(None);
            };
            if frame.opcode.is_control() {
                return control(frame.opcode, std::mem::take(&mut self.control).into()).map(Some);
            }
            if let Some(message) = self.message.take_if(|_| frame.fin) {
                return message.finish(terms).map(Some);
            }
            terms.crumbs += usize::from(frame.len < CRUMB);
        }
    }

    /// Takes a header off the input; its first bytes may have come before.
    fn take_header(
        &mut self,
        input: &mut &mut [u8],
        terms: &Terms<'_>,
    ) -> Result<Option<Header>, Violation> {
        let known = self.head_len;
        let copied = input.len().min(MAX_CLIENT_HEADER - known);
        let filled = known + copied;
        self.head[known..filled].copy_from_slice(&input[..copied]);
        let header = terms.header(&self.head[..filled])?;
        // Of what was copied, bytes behind the header are payload, and stay in the input.
        let (header, end) = header.map_or((None, filled), |(header, end)| (Some(header), end));
        take(input, end - known);
        self.head_len = if header.is_some() { 0 } else { filled };
        Ok(header)
    }

    /// Checks what the header alone cannot tell: the order of fragments and the message's size.
    fn begin(&mut self, header: &Header, terms: &Terms<'_>) -> Result<Frame, Violation> {
        let room = if header.opcode.is_control() {
            MAX_CONTROL_PAYLOAD
        } else {
            let message = match (&mut self.message, header.opcode) {
                (Some(message), Opcode::Continuation) => message,
                (Some(_), _) => return Err(Violation::ExpectedContinuation),
                (None, Opcode::Continuation) => return Err(Violation::UnexpectedContinuation),
                (message, opcode) => message.insert(Message::new(opcode, header.rsv1)),
            };
            terms.max_len(message.is_compressed()).saturating_sub(message.len())
        };
        let len = fits(header.len, room).ok_or(Violation::TooBig)?;
        Ok(Frame { opcode: header.opcode, fin: header.fin, mask: header.mask, len, received: 0 })
    }

    /// Takes what the input holds of the frame's payload. Gives the frame back when it is whole,
    /// else keeps it.
    fn take_payload(
        &mut self,
        mut frame: Frame,
        input: &mut &mut [u8],
        terms: &mut Terms<'_>,
    ) -> Result<Option<Frame>, Violation> {
        let missing = frame.len - frame.received;
        let chunk = take(input, missing.min(input.len()));
        frame::unmask(chunk, frame.mask, frame.received);
        frame.received += chunk.len();
        if frame.opcode.is_control() {
            self.control.extend_from_slice(chunk);
        } else if let Some(message) = &mut self.message {
            // The last frame tells how long the message gets; before it, only the limit does.
            let most = if frame.fin { message.len() + missing } else { terms.max_payload };
            message.push(chunk, most, terms)?;
        }
        if frame.received == frame.len {
            return Ok(Some(frame));
        }
        self.frame = Some(frame);
        Ok(None)
    }
}

/// A frame whose payload is arriving.
#[derive(Debug)]
struct Frame {
    opcode: Opcode,
    fin: bool,
    mask: [u8; 4],
    len: usize,
    received: usize,
}

/// A data message whose bytes are arriving.
#[derive(Debug)]
enum Message {
    Text(TextBuffer),
    Binary(Vec<u8>),
    Compressed(Opcode, Inflation),
}

impl Message {
    fn new(opcode: Opcode, compressed: bool) -> Self {
        match opcode {
            _ if compressed => Self::Compressed(opcode, Inflation::default()),
            Opcode::Text => Self::Text(TextBuffer::default()),
            _ => Self::Binary(Vec::new()),
        }
    }

    fn is_compressed(&self) -> bool {
        matches!(self, Self::Compressed(..))
    }

    /// The bytes that came.
    fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
            Self::Compressed(_, inflation) => inflation.received(),
        }
    }

    /// Appends a chunk. What is not compressed will never be longer than `most`.
    fn push(&mut self, chunk: &[u8], most: usize, terms: &mut Terms<'_>) -> Result<(), Violation> {
        match self {
            Self::Text(text) => text.push(chunk, most),
            Self::Binary(bytes) => {
                bytes.reserve_exact(growth(bytes.len(), bytes.capacity(), chunk.len(), most));
                bytes.extend_from_slice(chunk);
                Ok(())
            }
            Self::Compressed(_, inflation) => {
                inflation.push(chunk, terms.inflaters, terms.max_payload)
            }
        }
    }

    fn finish<'a>(self, terms: &mut Terms<'_>) -> Result<Item<'a>, Violation> {
        match self {
            Self::Text(text) => Ok(Item::Text(text.finish()?.into())),
            Self::Binary(bytes) => Ok(Item::Binary(bytes.into())),
            Self::Compressed(opcode, inflation) => {
                inflated(opcode, inflation.finish(terms.inflaters, terms.max_payload)?)
            }
        }
    }
}

/// How many bytes to reserve for `more` behind the `len` there are. The capacity doubles, so that
/// it follows what has arrived and not what a header claims, but never passes `most`: a buffer
/// holds no more than the message limit.
fn growth(len: usize, capacity: usize, more: usize, most: usize) -> usize {
    if capacity - len >= more {
        return 0;
    }
    (2 * capacity).min(most).saturating_sub(len).max(more)
}

/// The length as a `usize`, if it is within `limit`.
fn fits(len: u64, limit: usize) -> Option<usize> {
    usize::try_from(len).ok().filter(|&len| len <= limit)
}

/// Takes `len` bytes off the front of the input.
fn take<'a>(input: &mut &'a mut [u8], len: usize) -> &'a mut [u8] {
    let (taken, rest) = std::mem::take(input).split_at_mut(len);
    *input = rest;
    taken
}

/// The item that an unfragmented frame makes, with no message open.
#[inline]
fn whole(opcode: Opcode, payload: &[u8]) -> Result<Item<'_>, Violation> {
    match opcode {
        Opcode::Text => match simdutf8::basic::from_utf8(payload) {
            Ok(text) => Ok(Item::Text(text.into())),
            Err(_) => Err(Violation::InvalidUtf8),
        },
        Opcode::Binary => Ok(Item::Binary(payload.into())),
        Opcode::Continuation => Err(Violation::UnexpectedContinuation),
        Opcode::Close | Opcode::Ping | Opcode::Pong => control(opcode, payload.into()),
    }
}

/// The item that a compressed message makes.
fn inflated<'a>(opcode: Opcode, message: Vec<u8>) -> Result<Item<'a>, Violation> {
    match opcode {
        Opcode::Text => match String::from_utf8(message) {
            Ok(text) => Ok(Item::Text(text.into())),
            Err(_) => Err(Violation::InvalidUtf8),
        },
        _ => Ok(Item::Binary(message.into())),
    }
}

/// The item that a control frame makes.
fn control(opcode: Opcode, payload: Payload<'_>) -> Result<Item<'_>, Violation> {
    Ok(match opcode {
        Opcode::Ping => Item::Ping(payload),
        Opcode::Pong => Item::Pong(payload),
        _ => Item::Close(close::parse_close_payload(&payload)?),
    })
}

#[cfg(test)]
mod tests;
