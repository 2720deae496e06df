//! Text that arrives in chunks: checked once, as it comes, so that the first bad byte shows at
//! once even if the message goes on for megabytes.

use super::{Violation, growth};

/// The text so far, and the bytes of a character that the last chunk cut.
#[derive(Debug, Default)]
pub(super) struct TextBuffer {
    text: String,
    cut: [u8; 4],
    cut_len: usize,
}

impl TextBuffer {
    /// The bytes held, for the tests of the memory bound.
    #[cfg(any(test, fuzzing))]
    pub(super) fn capacity(&self) -> usize {
        self.text.capacity()
    }

    /// The number of bytes received.
    pub(super) fn len(&self) -> usize {
        self.text.len() + self.cut_len
    }

    /// Checks and appends a chunk; the text will never be longer than `most`.
    pub(super) fn push(&mut self, chunk: &[u8], most: usize) -> Result<(), Violation> {
        let more = self.cut_len + chunk.len();
        self.text.reserve_exact(growth(self.text.len(), self.text.capacity(), more, most));
        let chunk = self.complete_cut(chunk)?;
        let (whole, cut) = chunk.split_at(cut_at(chunk));
        let whole = simdutf8::basic::from_utf8(whole).map_err(|_| Violation::InvalidUtf8)?;
        self.text.push_str(whole);
        cut.iter().try_for_each(|&byte| self.push_byte(byte))
    }

    /// The whole text, if it does not end inside a character.
    pub(super) fn finish(self) -> Result<String, Violation> {
        if self.cut_len > 0 { Err(Violation::InvalidUtf8) } else { Ok(self.text) }
    }

    /// Adds bytes to the cut character, if there is one, until it is whole. Returns the rest.
    fn complete_cut<'a>(&mut self, mut chunk: &'a [u8]) -> Result<&'a [u8], Violation> {
        while self.cut_len > 0
            && let Some((&byte, rest)) = chunk.split_first()
        {
            self.push_byte(byte)?;
            chunk = rest;
        }
        Ok(chunk)
    }

    /// Adds a byte to the cut character. There is always a place: four bytes are either a whole
    /// character or an error.
    fn push_byte(&mut self, byte: u8) -> Result<(), Violation> {
        self.cut[self.cut_len] = byte;
        self.cut_len += 1;
        match str::from_utf8(&self.cut[..self.cut_len]) {
            Ok(character) => {
                self.text.push_str(character);
                self.cut_len = 0;
            }
            Err(error) if error.error_len().is_none() => {}
            Err(_) => return Err(Violation::InvalidUtf8),
        }
        Ok(())
    }
}

/// Where the last character begins, if the chunk seems to end inside it; else the chunk's length.
/// Only lengths are looked at here, whether the bytes are good is checked afterwards.
fn cut_at(chunk: &[u8]) -> usize {
    let last = chunk.len();
    for (at, &byte) in chunk.iter().enumerate().rev().take(3) {
        let needed = match byte {
            0x80..=0xbf => continue,
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xff => 4,
            _ => 1,
        };
        return if last - at < needed { at } else { last };
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Pushes the chunks and finishes.
    fn gather<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Result<String, Violation> {
        let mut buffer = TextBuffer::default();
        for chunk in chunks {
            buffer.push(chunk, usize::MAX)?;
        }
        buffer.finish()
    }

    #[test]
    fn the_first_bad_byte_shows_at_once() {
        // The start of a surrogate, an overlong form, a code point that is too high, a stray byte.
        let cases: [&[u8]; 6] =
            [b"a\xed\xa0", b"\xe0\x80", b"\xf4\x90", b"\xc0", b"\xf5", b"\xce\xba\x80"];
        for bytes in cases {
            let (bad, good) = bytes.split_last().expect("no case is empty");
            let mut buffer = TextBuffer::default();
            assert_eq!(buffer.push(good, 10), Ok(()), "{good:?}");
            assert_eq!(buffer.push(&[*bad], 10), Err(Violation::InvalidUtf8), "{bytes:?}");
            assert_eq!(TextBuffer::default().push(bytes, 10), Err(Violation::InvalidUtf8));
        }
    }

    #[test]
    fn a_text_that_ends_inside_a_character_is_refused() {
        assert_eq!(gather([&b"\xe2\x82"[..]]), Err(Violation::InvalidUtf8));
        assert_eq!(gather([&b"\xe2\x82"[..], b"\xac"]).as_deref(), Ok("€"));
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_text(text in ".{0,40}", size in 1usize..9) {
            prop_assert_eq!(gather(text.as_bytes().chunks(size)), Ok(text.clone()));
        }

        /// Mostly bytes that begin or go on with a character, so that near misses are common.
        #[test]
        fn any_bytes_are_judged_as_by_the_standard_library(
            bytes in prop::collection::vec(
                prop_oneof![0x60u8..0xc4, 0xdfu8..0xf6, Just(0x80u8), Just(0x9fu8)], 0..12),
            size in 1usize..6,
        ) {
            let expected = String::from_utf8(bytes.clone()).map_err(|_| Violation::InvalidUtf8);
            prop_assert_eq!(gather(bytes.chunks(size)), expected);
        }
    }
}
