//! What must hold of the parsers, whatever a client sends: properties that the fuzz targets in
//! `core/fuzz` look for a counterexample to, and the property tests beside the parsers share.
//!
//! All of it is there for tests and under `cargo fuzz` only, which sets `cfg(fuzzing)`. Living in
//! the crate, it sees what is private, so nothing has to be public for its sake.

#[cfg(test)]
mod corpus;
pub mod decoder;
pub mod handshake;
pub mod inflate;
pub mod messages;

/// An input whose first bytes steer the run, and whose rest is what is parsed. Where bytes are
/// missing, they are zero: every input is one.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> u8 {
        self.0.split_off_first().copied().unwrap_or(0)
    }

    fn number(&mut self) -> usize {
        usize::from(u16::from_le_bytes([self.byte(), self.byte()]))
    }

    /// The sizes of up to seven pieces, from 1 to 8,129 bytes: small ones in small steps.
    fn sizes(&mut self) -> Vec<usize> {
        let count = self.byte() % 8;
        let size = |byte| 1 + usize::from(byte) * usize::from(byte) / 8;
        (0..count).map(|_| size(self.byte())).collect()
    }

    fn rest(self) -> &'a [u8] {
        self.0
    }
}

/// The bytes in pieces of these sizes, the last one repeated; as a whole when there are none.
fn pieces<'a>(mut bytes: &'a [u8], sizes: &[usize]) -> impl Iterator<Item = &'a [u8]> {
    let mut sizes = sizes.iter().chain(sizes.last().into_iter().cycle());
    std::iter::from_fn(move || {
        let size = sizes.next().map_or(bytes.len(), |&size| size.clamp(1, bytes.len().max(1)));
        bytes.split_off(..size.min(bytes.len())).filter(|piece| !piece.is_empty())
    })
}
