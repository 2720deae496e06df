//! A message of the host's on its way to become a frame, with room for the header in front of it:
//! the text that crosses the boundary is the buffer that goes to the sockets.

use super::answer::stamp_object;
use super::frame::{MAX_SERVER_HEADER, Opcode, header_len, write_header};
use super::prepared::Frame;
use super::shared::Shared;

/// Bytes that a buffer for `Outgoing` leaves free in front of the payload.
pub const HEADROOM: usize = MAX_SERVER_HEADER;

#[derive(Debug)]
pub struct Outgoing {
    /// `HEADROOM` bytes, then the payload.
    buffer: Vec<u8>,
    opcode: Opcode,
    stamp: bool,
}

impl Outgoing {
    /// `buffer` holds `HEADROOM` bytes of any value and then the payload, which for text must be
    /// UTF-8. With `stamp` the payload is a JSON object that gets the time as its last key.
    pub fn new(buffer: Vec<u8>, text: bool, stamp: bool) -> Self {
        debug_assert!(buffer.len() >= HEADROOM);
        Self { buffer, opcode: if text { Opcode::Text } else { Opcode::Binary }, stamp }
    }

    pub fn text(payload: &str, stamp: bool) -> Self {
        let mut buffer = Vec::with_capacity(HEADROOM + payload.len() + 64);
        buffer.resize(HEADROOM, 0);
        buffer.extend_from_slice(payload.as_bytes());
        Self::new(buffer, true, stamp)
    }

    pub fn binary(payload: &[u8]) -> Self {
        let mut buffer = vec![0; HEADROOM];
        buffer.extend_from_slice(payload);
        Self::new(buffer, false, false)
    }

    /// The wire bytes: everything from the returned index on.
    fn frame(mut self) -> (Vec<u8>, usize) {
        if self.stamp {
            stamp_object(&mut self.buffer);
        }
        let length = self.buffer.len() - HEADROOM;
        let start = HEADROOM - header_len(length);
        write_header(self.opcode, length, false, &mut self.buffer[start..]);
        (self.buffer, start)
    }

    /// Becomes a frame if the memory budget has room for it.
    pub(super) fn admit(self, shared: &Shared) -> Option<Frame> {
        let (wire, start) = self.frame();
        let payload_len = wire.len() - HEADROOM;
        let plain = shared.admit(wire, start)?;
        let compression = shared.config.compression.as_ref();
        if compression.is_some_and(|compression| payload_len >= compression.threshold) {
            return Some(Frame::compressible(plain, shared.budget.clone()));
        }
        Some(plain.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::frame::encode;

    #[test]
    fn the_header_stands_right_before_the_payload() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            let payload = "x".repeat(length);
            let (wire, start) = Outgoing::text(&payload, false).frame();
            assert_eq!(wire[start..], encode(Opcode::Text, payload.as_bytes()), "{length}");
        }
    }

    #[test]
    fn a_stamp_counts_in_the_length() {
        let (wire, start) = Outgoing::text(r#"{"type":"x"}"#, true).frame();
        let frame = &wire[start..];
        assert_eq!(frame[1] as usize, frame.len() - 2);
        assert!(frame.ends_with(b"Z\"}"));
    }
}
