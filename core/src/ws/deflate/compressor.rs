//! Compression of whole messages, each by itself.

use flate2::{Compress, Compression, FlushCompress, Status};

use super::{FLUSH_TAIL, Window};

/// Room for compressed bytes that is kept from one message to the next.
const SCRATCH_KEPT: usize = 64 * 1024;

/// A thread's compressors, one for each window that was asked for: some 300 KB each.
#[derive(Debug)]
pub struct Compressor {
    level: u32,
    streams: [Option<Box<Compress>>; Window::COMPRESSED],
    scratch: Vec<u8>,
}

impl Compressor {
    /// `level` is zlib's, from 1, the fastest, to 9, the smallest.
    #[must_use]
    pub fn new(level: u32) -> Self {
        Self { level, streams: Default::default(), scratch: Vec::new() }
    }

    /// Compresses a message for this window. None when that does not make it smaller.
    pub fn compress(&mut self, message: &[u8], window: Window) -> Option<&[u8]> {
        let level = Compression::new(self.level);
        let stream = self.streams[window.index()?].get_or_insert_with(|| {
            Box::new(Compress::new_with_window_bits(level, false, window.bits()))
        });
        self.scratch.clear();
        self.scratch.shrink_to(SCRATCH_KEPT);
        // Where this is used up, the message has not become smaller.
        self.scratch.reserve_exact(message.len() + FLUSH_TAIL.len());
        let status = stream.compress_vec(message, &mut self.scratch, FlushCompress::Sync);
        let taken = stream.total_in() == message.len() as u64;
        stream.reset();
        let flushed = taken && self.scratch.len() < self.scratch.capacity();
        if !flushed || !matches!(status, Ok(Status::Ok)) {
            return None;
        }
        let compressed = self.scratch.strip_suffix(&FLUSH_TAIL)?;
        (compressed.len() < message.len()).then_some(compressed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::fuzzing::inflate::{comes_back, inflate_within};
    use proptest::prelude::*;

    fn text(len: usize) -> Vec<u8> {
        let words = (0..).map(|n: u32| format!("price {} ", n.wrapping_mul(2_654_435_761) % 977));
        words.flat_map(String::into_bytes).take(len).collect()
    }

    #[test]
    fn each_window_is_kept_at_each_level() {
        let message = text(100_000);
        for level in 1..=9 {
            let mut compressor = Compressor::new(level);
            for bits in 9..=15 {
                let compressed = compressor.compress(&message, Window(bits)).unwrap();
                assert!(compressed.len() < message.len() / 2, "level {level}, {bits} bits");
                assert_eq!(inflate_within(compressed, bits), message, "level {level}, {bits} bits");
            }
        }
    }

    #[test]
    fn messages_do_not_know_of_each_other() {
        let mut compressor = Compressor::new(6);
        let first = compressor.compress(&text(5000), Window::LARGEST).unwrap().to_vec();
        let second = compressor.compress(&text(5000), Window::LARGEST).unwrap();
        assert_eq!(first, second);
    }

    #[test]
    fn what_does_not_become_smaller_stays_as_it_is() {
        let mut compressor = Compressor::new(6);
        let noise: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(5000).collect();
        assert_eq!(compressor.compress(&noise, Window::LARGEST), None);
        assert_eq!(compressor.compress(b"", Window::LARGEST), None);
        assert!(compressor.compress(&text(5000), Window::LARGEST).is_some(), "it works on");
        assert_eq!(compressor.compress(&text(5000), Window(8)), None, "no window for zlib");
    }

    proptest! {
        #[test]
        fn any_message_comes_back(
            parts in prop::collection::vec((any::<[u8; 3]>(), 1usize..400), 0..30),
            bits in 9u8..=15,
            level in 1u32..=9,
            size in 1usize..2000,
        ) {
            let message: Vec<u8> =
                parts.iter().flat_map(|(bytes, times)| bytes.repeat(*times)).collect();
            comes_back(&message, level, bits, &[size]);
        }
    }
}
