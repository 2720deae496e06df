//! What one connection is owed: references to encoded frames, in order, bounded in bytes.

use bytes::Bytes;
use std::collections::VecDeque;
use std::io::IoSlice;

use super::prepared::Prepared;

/// How many frames one vectored write carries at most.
pub const MAX_SLICES: usize = 64;

/// Frames waiting for the socket. It exists only while something is owed.
#[derive(Debug, Default)]
pub struct Outbox {
    frames: VecDeque<Prepared>,
    /// Bytes of the first frame that are already on the wire.
    written: usize,
    /// Bytes of the first frame were on the wire before it was queued.
    begun: bool,
    /// Bytes owed in all.
    bytes: usize,
    /// Of these, bytes of frames that are being compressed aside; those behind them wait too.
    pending_bytes: usize,
}

impl Outbox {
    pub fn push(&mut self, frame: Prepared) {
        self.bytes += frame.len();
        self.pending_bytes += frame.len() - frame.known_len();
        self.frames.push_back(frame);
    }

    /// Puts the frames that have been compressed since into their places. Returns whether any was.
    pub fn resolve(&mut self) -> bool {
        let mut any = false;
        for at in 0..self.frames.len() {
            if !self.has_pending() {
                break;
            }
            let Prepared::Pending(pending) = &self.frames[at] else {
                continue;
            };
            if let Some(compressed) = pending.finished().cloned() {
                self.forget(at);
                self.bytes += compressed.len();
                self.frames[at] = Prepared::Ready(compressed);
                any = true;
            }
        }
        any
    }

    /// Takes a frame out of the sums.
    fn forget(&mut self, at: usize) {
        let frame = &self.frames[at];
        self.bytes -= frame.len();
        self.pending_bytes -= frame.len() - frame.known_len();
    }

    /// Whether a frame is still being compressed.
    pub fn has_pending(&self) -> bool {
        self.pending_bytes > 0
    }

    /// Whether the next frame is still being compressed, so that nothing can be written.
    pub fn front_is_pending(&self) -> bool {
        matches!(self.frames.front(), Some(Prepared::Pending(_)))
    }

    /// Bytes that are owed.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Frames that are owed, the one on its way included.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// What the limit is compared with: bytes that are owed, and what their queueing takes. How
    /// many bytes a message that is being compressed will have is not known yet.
    pub fn weight(&self) -> usize {
        self.bytes - self.pending_bytes + self.frames.len() * size_of::<Prepared>()
    }

    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// The frames that can be written, up to the first that is still being compressed.
    fn ready(&self) -> impl Iterator<Item = &Bytes> {
        self.frames.iter().map_while(|frame| match frame {
            Prepared::Ready(bytes) => Some(bytes),
            Prepared::Pending(_) => None,
        })
    }

    /// The only frame's unwritten bytes, when there is just one: it needs no vectored write.
    pub fn single(&self) -> Option<&[u8]> {
        let only = self.ready().next().filter(|_| self.frames.len() == 1)?;
        Some(&only[self.written..])
    }

    /// Fills `slices` with what is owed next and returns how many are in use.
    pub fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>; MAX_SLICES]) -> usize {
        let mut skip = self.written;
        let mut used = 0;
        for (slice, frame) in slices.iter_mut().zip(self.ready()) {
            *slice = IoSlice::new(&frame[skip..]);
            skip = 0;
            used += 1;
        }
        used
    }

    /// Takes note of `n` bytes that the socket accepted. Returns how many frames are done, which
    /// are let go.
    pub fn advance(&mut self, n: usize) -> usize {
        let before = self.frames.len();
        self.bytes -= n;
        self.written += n;
        while let Some(frame) = self.frames.front() {
            if self.written < frame.len() {
                break;
            }
            self.written -= frame.len();
            self.begun = false;
            self.frames.pop_front();
        }
        before - self.frames.len()
    }

    /// Drops the oldest frames until `incoming` more bytes fit under `limit`; a frame whose first
    /// bytes are on the wire stays, or the stream would break. Returns how many frames went.
    pub fn drop_oldest(&mut self, incoming: usize, limit: usize) -> usize {
        let first = self.on_their_way();
        let mut dropped = 0;
        while self.weight() + incoming > limit && self.frames.len() > first {
            self.forget(first);
            self.frames.remove(first);
            dropped += 1;
        }
        dropped
    }

    /// Drops the frames that are not on the wire yet, all but so many of the last, and returns how many went.
    pub fn drop_unwritten(&mut self, spared: usize) -> usize {
        let first = self.on_their_way();
        let end = self.frames.len().saturating_sub(spared).max(first);
        (first..end).for_each(|at| self.forget(at));
        self.frames.drain(first..end).count()
    }

    /// What is queued as the first frame is the end of one whose beginning is written: it must follow.
    pub fn front_is_begun(&mut self) {
        self.begun = true;
    }

    /// Frames of which a part is on the wire.
    fn on_their_way(&self) -> usize {
        usize::from(self.written > 0 || self.begun)
    }

    /// Whether keeping this outbox for reuse costs no more than a few kilobytes.
    pub fn is_reusable(&self) -> bool {
        self.frames.is_empty() && self.frames.capacity() <= 256
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::budget::Budget;
    use crate::ws::deflate::{Compressor, Window};
    use crate::ws::frame::{Opcode, encode};
    use crate::ws::prepared::{Aside, Frame, Press};

    fn owed(outbox: &Outbox) -> Vec<u8> {
        let mut slices = [IoSlice::new(&[]); MAX_SLICES];
        let used = outbox.slices(&mut slices);
        slices[..used].iter().flat_map(|slice| slice.to_vec()).collect()
    }

    /// A frame that is compressed when the second is run.
    fn pending(payload: &[u8]) -> (Prepared, Aside) {
        let budget = Budget::new(1 << 30);
        let plain = Bytes::from(encode(Opcode::Text, payload));
        let mut aside = None;
        let prepared = Frame::compressible(plain, budget).prepare(
            Some(Window::LARGEST),
            &mut Press::new(6),
            |begun| aside = Some(begun),
        );
        (prepared, aside.expect("a large message is compressed aside"))
    }

    fn filled(frames: &[&'static str]) -> Outbox {
        let mut outbox = Outbox::default();
        for frame in frames {
            outbox.push(Prepared::Ready(Bytes::from_static(frame.as_bytes())));
        }
        outbox
    }

    #[test]
    fn partial_writes_go_on_where_they_stopped() {
        let mut outbox = filled(&["abc", "def", "ghi"]);
        outbox.advance(4);
        assert_eq!(owed(&outbox), b"efghi");
        assert_eq!(outbox.bytes(), 5);
        outbox.advance(2);
        assert_eq!(outbox.single(), Some(&b"ghi"[..]));
        outbox.advance(3);
        assert!(outbox.is_empty());
        assert_eq!(outbox.bytes(), 0);
    }

    #[test]
    fn dropping_spares_a_frame_that_is_partly_on_the_wire() {
        let mut outbox = filled(&["abc", "def", "ghi"]);
        outbox.advance(1);
        let two_frames_and_eight_bytes = 2 * size_of::<Prepared>() + 8;
        assert_eq!(outbox.drop_oldest(3, two_frames_and_eight_bytes), 1);
        assert_eq!(owed(&outbox), b"bcghi");
        assert_eq!(outbox.drop_unwritten(0), 1);
        assert_eq!(owed(&outbox), b"bc");
        outbox.advance(2);
        assert!(outbox.is_empty());
    }

    #[test]
    fn dropping_spares_the_end_of_a_frame_and_as_many_of_the_last_as_it_is_told() {
        let mut outbox = filled(&["end", "abc", "def", "ghi"]);
        outbox.front_is_begun();
        outbox.drop_oldest(0, 0);
        assert_eq!(owed(&outbox), b"end");
        let mut outbox = filled(&["end", "abc", "def", "ghi"]);
        outbox.front_is_begun();
        assert_eq!(outbox.drop_unwritten(1), 2);
        assert_eq!((owed(&outbox), outbox.bytes()), (b"endghi".to_vec(), 6));
        outbox.advance(3);
        assert_eq!(outbox.drop_unwritten(2), 0, "there are no more");
        assert_eq!(outbox.drop_unwritten(0), 1, "only the first had begun");
        assert!(outbox.is_empty() && outbox.weight() == 0);
    }

    #[test]
    fn what_is_compressed_aside_holds_up_what_is_behind_it() {
        let (pending, aside) = pending(&b"compress me ".repeat(10_000));
        let mut outbox = filled(&["abc"]);
        let before = outbox.weight();
        outbox.push(pending);
        outbox.push(Prepared::Ready(Bytes::from_static(b"last")));
        assert_eq!(
            outbox.weight(),
            before + 2 * size_of::<Prepared>() + 4,
            "its length is unknown"
        );
        outbox.resolve();
        assert_eq!(owed(&outbox), b"abc");
        assert!(outbox.single().is_none());
        assert_eq!(outbox.advance(3), 1);
        assert!(outbox.front_is_pending());

        assert!(aside.run(&mut Compressor::new(6)));
        outbox.resolve();
        assert!(!outbox.has_pending());
        let written = owed(&outbox);
        assert_eq!(written.len(), outbox.bytes());
        assert!(written.len() < 5000 && written.ends_with(b"last"));
        outbox.advance(written.len());
        assert!(outbox.is_empty());
        assert_eq!(outbox.weight(), 0);
    }

    #[test]
    fn what_is_compressed_out_of_order_is_written_in_order() {
        let payloads = [b"first ".repeat(10_000), b"second ".repeat(10_000)];
        let [(one, first), (two, second)] = payloads.map(|payload| pending(&payload));
        let mut outbox = filled(&[]);
        outbox.push(one);
        outbox.push(two);
        assert!(second.run(&mut Compressor::new(6)));
        outbox.resolve();
        assert!(outbox.front_is_pending() && owed(&outbox).is_empty());
        let after_the_second = outbox.bytes();
        assert!(after_the_second < 70_000, "its bytes are known, and it keeps no plain form");
        assert!(first.run(&mut Compressor::new(6)));
        outbox.resolve();
        assert!(!outbox.has_pending());
        assert_eq!(owed(&outbox).len(), outbox.bytes());
    }

    #[test]
    fn what_is_compressed_aside_can_be_dropped() {
        let (pending, aside) = pending(&b"compress me ".repeat(10_000));
        let mut outbox = filled(&[]);
        outbox.push(pending);
        outbox.push(Prepared::Ready(Bytes::from_static(b"last")));
        assert_eq!(outbox.drop_oldest(0, size_of::<Prepared>() + 4), 1);
        assert!(aside.run(&mut Compressor::new(6)));
        outbox.resolve();
        assert_eq!((owed(&outbox), outbox.weight()), (b"last".to_vec(), size_of::<Prepared>() + 4));
    }

    #[test]
    fn more_frames_than_one_write_carries_are_cut_at_the_limit() {
        let outbox = filled(&["x"; MAX_SLICES + 5]);
        assert_eq!(owed(&outbox).len(), MAX_SLICES);
    }
}
