//! A frame on its way to its receivers: encoded once, and compressed once on first need, however
//! many receivers it has.

use bytes::Bytes;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use super::budget::Budget;
use super::deflate::{Compressor, Window};
use super::frame::{MAX_SERVER_HEADER, Opcode, write_header};

/// The longest message that a shard compresses itself, which takes it a millisecond or so. Longer
/// ones are compressed aside, and their receivers wait for them alone.
const MAX_AT_ONCE: usize = 32 * 1024;

/// What a shard compresses itself in one turn; of a burst the rest is compressed aside.
pub const AT_ONCE_IN_A_TURN: usize = 64 * 1024;

/// A frame for any receiver. Clones share its bytes.
#[derive(Clone, Debug)]
pub enum Frame {
    Plain(Bytes),
    /// A message that is worth compressing.
    Compressible(Arc<Forms>),
}

/// How a shard compresses: by its own compressor, and what it leaves to others.
#[derive(Debug)]
pub struct Press {
    compressor: Compressor,
    /// Bytes that may still be compressed at once in this turn.
    allowance: usize,
}

/// A frame in the form of one receiver.
#[derive(Clone, Debug)]
pub enum Prepared {
    Ready(Bytes),
    /// It is being compressed aside.
    Pending(Pending),
}

/// A frame that is being compressed aside.
#[derive(Clone, Debug)]
pub struct Pending {
    forms: Arc<Forms>,
    form: usize,
}

/// A message to be compressed aside: see [`Aside::run`].
#[derive(Debug)]
pub struct Aside {
    forms: Arc<Forms>,
    window: Window,
    form: usize,
}

/// A message and its compressed forms.
#[derive(Debug)]
pub struct Forms {
    plain: Bytes,
    budget: Arc<Budget>,
    by_window: [Form; Window::COMPRESSED],
}

#[derive(Debug, Default)]
struct Form {
    /// The compressed frame, or the plain one where compression gains nothing.
    frame: OnceLock<Bytes>,
    /// Somebody compresses it aside.
    begun: AtomicBool,
}

/// A frame that is never compressed.
impl From<Bytes> for Frame {
    fn from(plain: Bytes) -> Self {
        Self::Plain(plain)
    }
}

impl Frame {
    /// A text or binary frame that is compressed for those receivers that can inflate it; its
    /// compressed forms count against the budget too.
    pub fn compressible(plain: Bytes, budget: Arc<Budget>) -> Self {
        Self::Compressible(Arc::new(Forms { plain, budget, by_window: Default::default() }))
    }

    /// The frame for a receiver that inflates with this window, if with any. When it has to be
    /// compressed aside first, `aside` is called for the first receiver that needs it.
    #[inline]
    pub fn prepare(
        &self,
        window: Option<Window>,
        press: &mut Press,
        aside: impl FnOnce(Aside),
    ) -> Prepared {
        match self {
            Self::Plain(plain) => Prepared::Ready(plain.clone()),
            Self::Compressible(forms) => {
                match window.and_then(|window| Some((window, window.index()?))) {
                    Some((window, form)) => forms.prepare(window, form, press, aside),
                    None => Prepared::Ready(forms.plain.clone()),
                }
            }
        }
    }
}

impl Press {
    pub fn new(level: u32) -> Self {
        Self { compressor: Compressor::new(level), allowance: AT_ONCE_IN_A_TURN }
    }

    /// A new turn begins.
    pub fn rest(&mut self) {
        self.allowance = AT_ONCE_IN_A_TURN;
    }

    /// The compressor for a message of this length, if it may be compressed at once.
    fn at_once(&mut self, length: usize) -> Option<&mut Compressor> {
        if length > MAX_AT_ONCE {
            return None;
        }
        self.allowance = self.allowance.checked_sub(length)?;
        Some(&mut self.compressor)
    }
}

impl Forms {
    fn prepare(
        self: &Arc<Self>,
        window: Window,
        form: usize,
        press: &mut Press,
        aside: impl FnOnce(Aside),
    ) -> Prepared {
        let Form { frame, begun } = &self.by_window[form];
        if let Some(frame) = frame.get() {
            return Prepared::Ready(frame.clone());
        }
        // What one shard has left to the others' thread is not to be done twice.
        if !begun.load(Relaxed)
            && let Some(compressor) = press.at_once(self.payload().len())
        {
            // A shard that comes second waits for the first, which is shorter than compressing.
            let frame = frame.get_or_init(|| self.compress(window, compressor));
            return Prepared::Ready(frame.clone());
        }
        if !begun.swap(true, Relaxed) {
            aside(Aside { forms: self.clone(), window, form });
        }
        Prepared::Pending(Pending { forms: self.clone(), form })
    }

    /// The compressed frame; the plain one if it would be no smaller, or the budget has no room.
    fn compress(&self, window: Window, compressor: &mut Compressor) -> Bytes {
        self.compressed(window, compressor).unwrap_or_else(|| self.plain.clone())
    }

    fn compressed(&self, window: Window, compressor: &mut Compressor) -> Option<Bytes> {
        let opcode = match self.plain[0] & 0x0f {
            code if code == Opcode::Text as u8 => Opcode::Text,
            _ => Opcode::Binary,
        };
        let payload = compressor.compress(self.payload(), window)?;
        let mut header = [0; MAX_SERVER_HEADER];
        let header_len = write_header(opcode, payload.len(), true, &mut header);
        self.budget.frame([&header[..header_len], payload].concat(), 0)
    }

    /// The message without its header, whose length the short length tells (RFC 6455, section 5.2).
    fn payload(&self) -> &[u8] {
        let header_len = match self.plain[1] {
            ..=125 => 2,
            126 => 4,
            _ => MAX_SERVER_HEADER,
        };
        &self.plain[header_len..]
    }
}

impl Prepared {
    /// Bytes that are queued by it; of what is still to be compressed, those of the plain form.
    pub fn len(&self) -> usize {
        match self {
            Self::Ready(frame) => frame.len(),
            Self::Pending(pending) => pending.forms.plain.len(),
        }
    }

    /// Its bytes that a receiver can be reproached with: how many a message will have that is
    /// still to be compressed is not known.
    pub fn known_len(&self) -> usize {
        match self {
            Self::Ready(frame) => frame.len(),
            Self::Pending(_) => 0,
        }
    }
}

impl Pending {
    /// The frame, once it is compressed.
    pub fn finished(&self) -> Option<&Bytes> {
        self.forms.by_window[self.form].frame.get()
    }
}

impl Aside {
    /// Compresses. Afterwards the frame is there, whatever happened: false tells of a fault, after
    /// which it is the plain one.
    pub fn run(self, compressor: &mut Compressor) -> bool {
        let Self { forms, window, form } = self;
        // Receivers wait for this: a fault must not leave them waiting.
        let compress = AssertUnwindSafe(|| forms.compress(window, compressor));
        let compressed = catch_unwind(compress);
        let whole = compressed.is_ok();
        forms.by_window[form]
            .frame
            .get_or_init(|| compressed.unwrap_or_else(|_| forms.plain.clone()));
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::deflate::Inflaters;
    use crate::ws::frame::encode;

    fn compressible(opcode: Opcode, payload: &[u8]) -> (Frame, Arc<Budget>) {
        let budget = Budget::new(1 << 30);
        let plain = budget.frame(encode(opcode, payload), 0).unwrap();
        (Frame::compressible(plain, budget.clone()), budget)
    }

    fn at_once(frame: &Frame, window: Option<Window>) -> Bytes {
        let prepared = frame.prepare(window, &mut Press::new(6), |_| unreachable!());
        match prepared {
            Prepared::Ready(bytes) => bytes,
            Prepared::Pending(_) => unreachable!(),
        }
    }

    #[test]
    fn receivers_of_one_window_share_one_compressed_frame() {
        let message = "the same words again, ".repeat(100);
        for opcode in [Opcode::Text, Opcode::Binary] {
            let (frame, budget) = compressible(opcode, message.as_bytes());
            let plain = at_once(&frame, None);
            assert_eq!(plain, encode(opcode, message.as_bytes()));
            let before = budget.used();
            let first = at_once(&frame, Some(Window::LARGEST));
            let charged = budget.used();
            let second = at_once(&frame, Some(Window::LARGEST));
            assert_eq!(first.as_ptr(), second.as_ptr());
            assert!(charged > before, "the budget knows of it");
            assert_eq!(budget.used(), charged);
            assert_eq!(first[0], 0xc0 | opcode as u8);
            assert_eq!(usize::from(first[1]), first.len() - 2);
            let inflated = Inflaters::default().inflate(&first[2..], message.len());
            assert_eq!(inflated.as_deref(), Ok(message.as_bytes()));
        }
    }

    #[test]
    fn what_gains_nothing_goes_out_as_it_is() {
        let noise: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(3000).collect();
        let (frame, _) = compressible(Opcode::Binary, &noise);
        assert_eq!(at_once(&frame, Some(Window::LARGEST)), at_once(&frame, None));
        let budget = Budget::new(1);
        let plain = budget.frame(encode(Opcode::Text, &[b'x'; 5000]), 0).unwrap();
        let frame = Frame::compressible(plain, budget);
        assert_eq!(at_once(&frame, Some(Window::LARGEST)), at_once(&frame, None), "over budget");
    }

    #[test]
    fn a_large_message_is_compressed_aside_once() {
        let (frame, _) = compressible(Opcode::Text, &b"large ".repeat(20_000));
        let mut begun = Vec::new();
        let mut press = Press::new(6);
        let prepared = [0, 1]
            .map(|_| frame.prepare(Some(Window::LARGEST), &mut press, |aside| begun.push(aside)));
        let [Prepared::Pending(first), Prepared::Pending(second)] = prepared else {
            panic!("it is ready at once");
        };
        assert_eq!(begun.len(), 1);
        assert!(first.finished().is_none());
        assert!(begun.remove(0).run(&mut Compressor::new(6)));
        let finished = second.finished().expect("it is compressed");
        assert!(finished.len() < 5000);
        assert_eq!(first.finished(), Some(finished));
        assert_eq!(at_once(&frame, Some(Window::LARGEST)), finished);
    }

    #[test]
    fn a_turn_compresses_so_much_itself_and_leaves_the_rest() {
        let mut press = Press::new(6);
        let mut asides = 0;
        let mut prepare = |press: &mut Press, length| {
            let (frame, _) = compressible(Opcode::Text, &vec![b'x'; length]);
            frame.prepare(Some(Window::LARGEST), press, |_| asides += 1);
        };
        prepare(&mut press, MAX_AT_ONCE + 1);
        for _ in 0..AT_ONCE_IN_A_TURN / MAX_AT_ONCE {
            prepare(&mut press, MAX_AT_ONCE);
        }
        prepare(&mut press, 2000);
        press.rest();
        prepare(&mut press, MAX_AT_ONCE);
        assert_eq!(asides, 2, "the one that is too long, and the one that was too much");
    }

    #[test]
    fn the_payload_is_found_again() {
        for length in [1, 125, 126, 65_535, 65_536] {
            let (frame, _) = compressible(Opcode::Text, &vec![b'x'; length]);
            let Frame::Compressible(forms) = frame else { panic!("it is worth compressing") };
            assert_eq!(forms.payload().len(), length);
        }
    }
}
