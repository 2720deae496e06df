//! permessage-deflate (RFC 7692): negotiation, compression once per message, bounded inflation.
//!
//! Neither side keeps its window between messages: the server always negotiates
//! `server_no_context_takeover` and `client_no_context_takeover`. So one compressed frame serves
//! every receiver with the same window, and an inflater serves every sender in turn.

mod compressor;
mod inflater;
mod offer;

pub use compressor::Compressor;
pub use inflater::{Inflaters, Inflation, max_compressed};
pub(super) use offer::is_token;
pub use offer::{Agreement, Malformed, negotiate};

/// What a sync flush ends with. It is left out on the wire (RFC 7692, section 7.2.1).
const FLUSH_TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// The window that a receiver inflates with, as the base-2 logarithm of its bytes: 8 to 15.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window(u8);

impl Window {
    /// How many windows messages are compressed for: 9 to 15 bits.
    pub const COMPRESSED: usize = 7;

    /// 32 KiB, which every receiver has that asks for nothing less.
    pub const LARGEST: Self = Self(15);

    /// Its number among those that messages are compressed for. None for 256 bytes: zlib does not
    /// compress for so small a window (its own variant takes 512), and no message has to be
    /// compressed (RFC 7692, section 6), so these receivers get everything as it is.
    #[must_use]
    pub const fn index(self) -> Option<usize> {
        (self.0 as usize).checked_sub(9)
    }

    const fn bits(self) -> u8 {
        self.0
    }
}
