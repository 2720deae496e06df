//! Inflation of clients' messages as their bytes arrive, never beyond the limit of a message.

use flate2::{Decompress, FlushDecompress, Status};

use super::FLUSH_TAIL;
use crate::ws::close::Violation;

/// A final empty block. Behind the flush's tail it makes a whole stream of a message, so that one
/// that was cut inside a block is told from one that is complete.
const FINAL_BLOCK: [u8; 5] = [1, 0, 0, 0xff, 0xff];

/// Compressed bytes of a message that wait for the rest before an inflater, of some 45 KB, is
/// spent on them: a client that dribbles costs what it has sent.
const HELD: usize = 4096;

/// Inflaters that are kept for the next messages.
const SPARE: usize = 4;

/// The least room to inflate into.
const LEAST_ROOM: usize = 1024;

/// The most bytes that a message of `max_payload` may have when it is compressed. Deflate makes a
/// message longer by less than a thousandth, and a flush adds five bytes; what is beyond this is
/// padding, by which a client would let the server work for nothing.
#[must_use]
pub const fn max_compressed(max_payload: usize) -> usize {
    max_payload.saturating_add(max_payload / 16).saturating_add(1024)
}

/// Inflaters for one message at a time each.
#[derive(Debug, Default)]
pub struct Inflaters {
    #[allow(clippy::vec_box, reason = "they move between here and messages, and are large")]
    spare: Vec<Box<Decompress>>,
}

impl Inflaters {
    fn take(&mut self) -> Box<Decompress> {
        self.spare.pop().unwrap_or_else(|| Box::new(Decompress::new(false)))
    }

    fn give_back(&mut self, mut inflater: Box<Decompress>) {
        if self.spare.len() < SPARE {
            inflater.reset(false);
            self.spare.push(inflater);
        }
    }

    /// Inflates a message that is there as a whole.
    ///
    /// # Errors
    /// See [`Inflation::push`].
    pub fn inflate(&mut self, compressed: &[u8], max_payload: usize) -> Result<Vec<u8>, Violation> {
        let mut inflation = Inflation::default();
        inflation.begin(self);
        inflation.run(compressed, max_payload)?;
        inflation.finish(self, max_payload)
    }
}

/// A compressed message whose bytes are arriving.
#[derive(Debug, Default)]
pub struct Inflation {
    /// Compressed bytes so far.
    received: usize,
    /// Those that wait for an inflater.
    held: Vec<u8>,
    inflater: Option<Box<Decompress>>,
    /// The last byte ended a final block: a client may end its messages by one (RFC 7692, section
    /// 7.2.3.4).
    ended: bool,
    message: Vec<u8>,
}

impl Inflation {
    /// Compressed bytes so far.
    #[must_use]
    pub fn received(&self) -> usize {
        self.received
    }

    /// The bytes held, for the tests of the memory bound.
    #[cfg(test)]
    pub(in crate::ws) fn capacity(&self) -> usize {
        self.held.capacity() + self.message.capacity()
    }

    fn begin(&mut self, inflaters: &mut Inflaters) {
        self.inflater.get_or_insert_with(|| inflaters.take());
    }

    /// Takes bytes of the message.
    ///
    /// # Errors
    /// When they are no deflate stream, or the message is longer than `max_payload`.
    pub fn push(
        &mut self,
        bytes: &[u8],
        inflaters: &mut Inflaters,
        max_payload: usize,
    ) -> Result<(), Violation> {
        self.received += bytes.len();
        if self.inflater.is_none() && self.held.len() + bytes.len() <= HELD {
            self.held.extend_from_slice(bytes);
            return Ok(());
        }
        self.begin(inflaters);
        self.run_held(max_payload)?;
        self.run(bytes, max_payload)
    }

    /// The whole message.
    ///
    /// # Errors
    /// See [`push`](Self::push); also when the stream ends inside a block.
    pub fn finish(
        mut self,
        inflaters: &mut Inflaters,
        max_payload: usize,
    ) -> Result<Vec<u8>, Violation> {
        self.begin(inflaters);
        self.run_held(max_payload)?;
        if !self.ended {
            self.run(&FLUSH_TAIL, max_payload)?;
            self.run(&FINAL_BLOCK, max_payload)?;
        }
        if !self.ended {
            return Err(Violation::InvalidDeflate);
        }
        if let Some(inflater) = self.inflater {
            inflaters.give_back(inflater);
        }
        Ok(self.message)
    }

    fn run_held(&mut self, max_payload: usize) -> Result<(), Violation> {
        let held = std::mem::take(&mut self.held);
        self.run(&held, max_payload)
    }

    /// Inflates all of `input`.
    fn run(&mut self, mut input: &[u8], max_payload: usize) -> Result<(), Violation> {
        let Some(inflater) = &mut self.inflater else {
            return Ok(());
        };
        // Also with no input left: what did not fit into the last room is still to come.
        let mut full = false;
        while !input.is_empty() || full {
            if self.ended {
                // More blocks behind a final one: a stream of their own.
                inflater.reset(false);
                self.ended = false;
            }
            let room = (2 * input.len()).max(self.message.len()).max(LEAST_ROOM);
            // One byte over the limit is enough to see that it is passed.
            let most = max_payload.saturating_add(1) - self.message.len();
            if self.message.len() == self.message.capacity() {
                self.message.reserve_exact(room.min(most));
            }
            let before = inflater.total_in();
            let status = inflater
                .decompress_vec(input, &mut self.message, FlushDecompress::None)
                .map_err(|_| Violation::InvalidDeflate)?;
            // What it took is part of the input, so it fits.
            input = &input[(inflater.total_in() - before) as usize..];
            if self.message.len() > max_payload {
                return Err(Violation::TooBig);
            }
            self.ended = status == Status::StreamEnd;
            full = !self.ended && self.message.len() == self.message.capacity();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compress, Compression, FlushCompress};
    use proptest::prelude::*;

    const LIMIT: usize = 100_000;

    /// A message as a client compresses it: in parts, each flushed.
    fn compress(parts: &[&[u8]], flush: FlushCompress) -> Vec<u8> {
        let mut stream = Compress::new(Compression::new(6), false);
        let mut out = Vec::with_capacity(LIMIT * 2);
        for part in parts {
            stream.compress_vec(part, &mut out, FlushCompress::Sync).unwrap();
        }
        if parts.is_empty() || matches!(flush, FlushCompress::Finish) {
            stream.compress_vec(&[], &mut out, flush).unwrap();
        }
        match out.strip_suffix(&FLUSH_TAIL) {
            Some(compressed) => compressed.to_vec(),
            None => out,
        }
    }

    /// Inflates in reads of `size`, and as a whole: both must agree.
    fn inflate(compressed: &[u8], size: usize, limit: usize) -> Result<Vec<u8>, Violation> {
        let mut inflaters = Inflaters::default();
        let pieces = || {
            let mut inflation = Inflation::default();
            for piece in compressed.chunks(size) {
                inflation.push(piece, &mut inflaters, limit)?;
                assert!(inflation.capacity() <= limit + 1 + HELD.max(2 * size));
            }
            inflation.finish(&mut inflaters, limit)
        };
        let in_pieces = { pieces }();
        assert_eq!(Inflaters::default().inflate(compressed, limit), in_pieces);
        in_pieces
    }

    #[test]
    fn a_bomb_ends_at_the_limit() {
        let bomb = compress(&[&vec![0; LIMIT + 1]], FlushCompress::Sync);
        assert!(bomb.len() < 1000);
        assert_eq!(inflate(&bomb, 10, LIMIT), Err(Violation::TooBig));
        assert_eq!(inflate(&bomb, 10, LIMIT + 1).map(|message| message.len()), Ok(LIMIT + 1));
    }

    #[test]
    fn messages_may_end_by_a_final_block() {
        let ended = compress(&[b"hello"], FlushCompress::Finish);
        let expected = Ok(b"hello".to_vec());
        assert_eq!(inflate(&ended, 1, LIMIT), expected);
        // The byte that RFC 7692 asks for behind it.
        assert_eq!(inflate(&[&ended[..], &[0]].concat(), 1, LIMIT), expected);
        // And blocks that follow it.
        let more = compress(&[b" again"], FlushCompress::Sync);
        assert_eq!(inflate(&[ended, more].concat(), 1, LIMIT), Ok(b"hello again".to_vec()));
    }

    #[test]
    fn examples_of_the_rfc() {
        // RFC 7692, section 7.2.3: one block, two blocks, no compression, a final block, empty.
        let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
        let blocks = [0xf2, 0x48, 0x05, 0, 0, 0, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0];
        let stored = [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00];
        let last = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
        for compressed in [&hello[..], &blocks, &stored, &last] {
            assert_eq!(inflate(compressed, 3, LIMIT), Ok(b"Hello".to_vec()), "{compressed:x?}");
        }
        assert_eq!(inflate(&[0], 1, LIMIT), Ok(Vec::new()));
    }

    #[test]
    fn what_is_cut_or_no_deflate_is_refused() {
        let whole = compress(&[b"a message that is cut somewhere inside"], FlushCompress::Sync);
        for cut in 0..whole.len() {
            let outcome = inflate(&whole[..cut], 7, LIMIT);
            assert_eq!(outcome, Err(Violation::InvalidDeflate), "cut at {cut}");
        }
        assert_eq!(inflate(b"\xff\xff\xff", 1, LIMIT), Err(Violation::InvalidDeflate));
    }

    #[test]
    fn a_client_that_dribbles_gets_no_inflater() {
        let mut inflaters = Inflaters::default();
        let mut inflation = Inflation::default();
        let noise: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(8192).collect();
        let compressed = compress(&[&noise], FlushCompress::Sync);
        inflation.push(&compressed[..4096], &mut inflaters, LIMIT).unwrap();
        assert!(inflation.inflater.is_none());
        inflation.push(&compressed[4096..], &mut inflaters, LIMIT).unwrap();
        assert!(inflation.inflater.is_some());
        assert_eq!(inflation.finish(&mut inflaters, LIMIT), Ok(noise));
        assert_eq!(inflaters.spare.len(), 1, "for the next message");
    }

    #[test]
    fn a_crowd_of_messages_leaves_a_few_inflaters() {
        let mut inflaters = Inflaters::default();
        let compressed = compress(&[&[7; 100]], FlushCompress::Sync);
        let mut crowd: Vec<_> = (0..20).map(|_| Inflation::default()).collect();
        for inflation in &mut crowd {
            inflation.begin(&mut inflaters);
            inflation.push(&compressed, &mut inflaters, LIMIT).unwrap();
        }
        for inflation in crowd {
            assert_eq!(inflation.finish(&mut inflaters, LIMIT), Ok(vec![7; 100]));
        }
        assert_eq!(inflaters.spare.len(), SPARE);
    }

    proptest! {
        #[test]
        fn any_message_in_any_parts_comes_back(
            parts in prop::collection::vec(
                (any::<[u8; 3]>(), 1usize..900).prop_map(|(bytes, times)| bytes.repeat(times)),
                0..8,
            ),
            last in any::<bool>(),
            size in 1usize..6000,
        ) {
            let flush = if last { FlushCompress::Finish } else { FlushCompress::Sync };
            let slices: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            let compressed = compress(&slices, flush);
            prop_assert!(compressed.len() <= max_compressed(parts.concat().len()));
            prop_assert_eq!(inflate(&compressed, size, LIMIT), Ok(parts.concat()));
        }

        /// Whatever the bytes, an end is found, and the limit holds.
        #[test]
        fn any_bytes_are_judged(
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            size in 1usize..40,
            limit in 0usize..2000,
        ) {
            if let Ok(message) = inflate(&bytes, size, limit) {
                prop_assert!(message.len() <= limit);
            }
        }
    }
}
