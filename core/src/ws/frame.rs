//! The frame header codec of RFC 6455 (section 5.2): server frames are written unmasked, client
//! frames are read masked. Pure functions over bytes; what frames make together is the decoder's.

use super::close::Violation;

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const RSV2_AND_RSV3: u8 = 0x30;
const MASKED: u8 = 0x80;
/// In the 7-bit length: the length follows in 16 bits.
const LENGTH_16: u8 = 126;
/// In the 7-bit length: the length follows in 64 bits.
const LENGTH_64: u8 = 127;

/// The most bytes that the payload of a control frame holds.
pub const MAX_CONTROL_PAYLOAD: usize = 125;
/// The longest header of a server frame.
pub const MAX_SERVER_HEADER: usize = 10;
/// The longest header of a client frame, the mask included.
pub const MAX_CLIENT_HEADER: usize = 14;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Opcode {
    /// A further fragment of the open message.
    Continuation = 0x0,
    /// A text message, or its first fragment.
    Text = 0x1,
    /// A binary message, or its first fragment.
    Binary = 0x2,
    /// The sender ends the connection.
    Close = 0x8,
    /// Asks for a pong.
    Ping = 0x9,
    /// Answers a ping, or comes unasked.
    Pong = 0xa,
}

impl Opcode {
    /// Whether this is a control frame: short, whole, and allowed between fragments.
    #[must_use]
    pub const fn is_control(self) -> bool {
        self as u8 & 0x8 != 0
    }

    const fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xa => Self::Pong,
            _ => return None,
        })
    }
}

/// The length of a server frame's header: 2, 4 or 10 bytes.
#[must_use]
pub const fn header_len(payload_len: usize) -> usize {
    match payload_len {
        0..=125 => 2,
        126..=0xffff => 4,
        _ => MAX_SERVER_HEADER,
    }
}

/// Writes the header of an unfragmented server frame to the front of `out` and returns its length,
/// which is [`header_len`]. `rsv1` marks a compressed message.
///
/// # Panics
/// When `out` is shorter than the header.
pub fn write_header(opcode: Opcode, payload_len: usize, rsv1: bool, out: &mut [u8]) -> usize {
    out[0] = FIN | if rsv1 { RSV1 } else { 0 } | opcode as u8;
    // The casts keep every bit: header_len chose the width by the value.
    match header_len(payload_len) {
        2 => out[1] = payload_len as u8,
        4 => {
            out[1] = LENGTH_16;
            out[2..4].copy_from_slice(&(payload_len as u16).to_be_bytes());
        }
        _ => {
            out[1] = LENGTH_64;
            out[2..10].copy_from_slice(&(payload_len as u64).to_be_bytes());
        }
    }
    header_len(payload_len)
}

/// The length of the server frame at the front of `bytes`, which may end before it.
#[must_use]
pub fn server_frame_len(bytes: &[u8]) -> usize {
    let (header, payload) = match *bytes {
        [_, LENGTH_16, a, b, ..] => (4, u16::from_be_bytes([a, b]).into()),
        [_, LENGTH_64, a, b, c, d, e, f, g, h, ..] => {
            (MAX_SERVER_HEADER, u64::from_be_bytes([a, b, c, d, e, f, g, h]))
        }
        [_, length, ..] if length < LENGTH_16 => (2, length.into()),
        _ => (0, u64::MAX),
    };
    usize::try_from(payload).unwrap_or(usize::MAX).saturating_add(header)
}

/// A whole server frame.
#[must_use]
pub fn encode(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(header_len(payload.len()) + payload.len());
    encode_into(opcode, payload, &mut frame);
    frame
}

/// Appends a whole server frame to `out`.
pub fn encode_into(opcode: Opcode, payload: &[u8], out: &mut Vec<u8>) {
    let mut header = [0; MAX_SERVER_HEADER];
    let header_len = write_header(opcode, payload.len(), false, &mut header);
    out.extend_from_slice(&header[..header_len]);
    out.extend_from_slice(payload);
}

/// The header of a client frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whether this frame ends its message.
    pub fin: bool,
    /// Whether the message that begins here is compressed.
    pub rsv1: bool,
    /// What the frame is.
    pub opcode: Opcode,
    /// The key that the payload is masked with.
    pub mask: [u8; 4],
    /// The length of the payload, as claimed: below 2^63.
    pub len: u64,
}

/// Reads the header of a client frame from the front of `input`. Gives the header and its length,
/// or `None` when bytes are missing; [`MAX_CLIENT_HEADER`] bytes always suffice. `rsv1_allowed`
/// tells that compression is negotiated: then the first frame of a message may carry the bit.
///
/// # Errors
/// The rule that the header breaks, as soon as the bytes show it.
#[inline]
pub fn parse_header(
    input: &[u8],
    rsv1_allowed: bool,
) -> Result<Option<(Header, usize)>, Violation> {
    let Some(&first) = input.first() else {
        return Ok(None);
    };
    let fin = first & FIN != 0;
    let rsv1 = first & RSV1 != 0;
    let opcode = Opcode::from_bits(first & 0x0f).ok_or(Violation::ReservedOpcode)?;
    let rsv1_fits = rsv1_allowed && matches!(opcode, Opcode::Text | Opcode::Binary);
    if first & RSV2_AND_RSV3 != 0 || (rsv1 && !rsv1_fits) {
        return Err(Violation::ReservedBits);
    }
    if opcode.is_control() && !fin {
        return Err(Violation::FragmentedControl);
    }

    let Some(&second) = input.get(1) else {
        return Ok(None);
    };
    let short_len = second & !MASKED;
    if second & MASKED == 0 {
        return Err(Violation::Unmasked);
    }
    if opcode.is_control() && usize::from(short_len) > MAX_CONTROL_PAYLOAD {
        return Err(Violation::ControlTooLong);
    }

    let (len, mask_at) = match short_len {
        LENGTH_16 => {
            let Some(&bytes) = input[2..].first_chunk() else {
                return Ok(None);
            };
            match u16::from_be_bytes(bytes) {
                0..=125 => return Err(Violation::NonMinimalLength),
                len => (u64::from(len), 4),
            }
        }
        LENGTH_64 => {
            if input.get(2).is_some_and(|highest| highest & 0x80 != 0) {
                return Err(Violation::LengthOverflow);
            }
            let Some(&bytes) = input[2..].first_chunk() else {
                return Ok(None);
            };
            match u64::from_be_bytes(bytes) {
                0..=0xffff => return Err(Violation::NonMinimalLength),
                len => (len, 10),
            }
        }
        len => (u64::from(len), 2),
    };
    let Some(&mask) = input[mask_at..].first_chunk() else {
        return Ok(None);
    };
    Ok(Some((Header { fin, rsv1, opcode, mask, len }, mask_at + mask.len())))
}

/// Applies (or takes off) the mask of a payload, in place. `offset` is the place of the first byte
/// in its payload, for payloads that arrive in pieces.
#[inline]
pub fn unmask(payload: &mut [u8], mut mask: [u8; 4], offset: usize) {
    mask.rotate_left(offset % 4);
    let [a, b, c, d] = mask;
    // Plain words without a condition: the compiler makes vector instructions of this loop.
    let key = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = payload.as_chunks_mut();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ key).to_ne_bytes();
    }
    for (at, byte) in rest.iter_mut().enumerate() {
        *byte ^= mask[at % 4];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MASK: [u8; 4] = [1, 2, 3, 4];

    #[test]
    fn the_length_of_a_server_frame_is_read_from_its_header() {
        for length in [0, 125, 126, 65_535, 65_536] {
            let frame = encode(Opcode::Text, &vec![b'x'; length]);
            assert_eq!(server_frame_len(&frame), frame.len());
        }
        assert_eq!(server_frame_len(b"\x81\x7e\x01"), usize::MAX, "it ends within its header");
    }

    #[test]
    fn headers_have_the_shortest_form() {
        let cases = [
            (0, vec![0x81, 0]),
            (125, vec![0x81, 125]),
            (126, vec![0x81, 126, 0, 126]),
            (0xffff, vec![0x81, 126, 0xff, 0xff]),
            (0x1_0000, vec![0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ];
        for (payload_len, header) in cases {
            let mut out = [0; MAX_SERVER_HEADER];
            assert_eq!(write_header(Opcode::Text, payload_len, false, &mut out), header.len());
            assert_eq!(out[..header.len()], header);
            assert_eq!(header_len(payload_len), header.len());
        }
        let mut out = [0; 2];
        write_header(Opcode::Binary, 1, true, &mut out);
        assert_eq!(out, [0xc2, 1]);
        assert_eq!(encode(Opcode::Ping, b"hi"), [0x89, 2, b'h', b'i']);
    }

    #[test]
    fn violations_show_at_the_first_byte_that_tells() {
        let cases: &[(&[u8], Violation)] = &[
            (&[0xc1], Violation::ReservedBits),
            (&[0xa1], Violation::ReservedBits),
            (&[0x91], Violation::ReservedBits),
            (&[0x83], Violation::ReservedOpcode),
            (&[0x8f], Violation::ReservedOpcode),
            (&[0x09], Violation::FragmentedControl),
            (&[0x81, 0x05], Violation::Unmasked),
            (&[0x89, 0x80 | 126], Violation::ControlTooLong),
            (&[0x88, 0x80 | 127], Violation::ControlTooLong),
            (&[0x82, 0x80 | 126, 0, 125], Violation::NonMinimalLength),
            (&[0x82, 0x80 | 127, 0x80], Violation::LengthOverflow),
            (&[0x82, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff], Violation::NonMinimalLength),
        ];
        for (bytes, violation) in cases {
            assert_eq!(parse_header(bytes, false), Err(*violation), "{bytes:?}");
            let before = &bytes[..bytes.len() - 1];
            assert_eq!(parse_header(before, false), Ok(None), "{before:?}");
        }
    }

    #[test]
    fn rsv1_marks_only_the_first_frame_of_a_message() {
        let allowed = |first| parse_header(&[first, 0x80, 0, 0, 0, 0], true);
        assert!(allowed(0xc1).is_ok_and(|header| header.is_some_and(|(header, _)| header.rsv1)));
        assert!(allowed(0x42).is_ok());
        assert_eq!(allowed(0xc0), Err(Violation::ReservedBits));
        assert_eq!(allowed(0xc9), Err(Violation::ReservedBits));
    }

    #[test]
    fn the_largest_length_is_read() {
        let mut bytes = vec![0x82, 0x80 | 127, 0x7f];
        bytes.extend([0xff; 7]);
        bytes.extend(MASK);
        let header = Header {
            fin: true,
            rsv1: false,
            opcode: Opcode::Binary,
            mask: MASK,
            len: i64::MAX as u64,
        };
        assert_eq!(parse_header(&bytes, false), Ok(Some((header, MAX_CLIENT_HEADER))));
    }

    proptest! {
        /// A server header with the mask added is a client header.
        #[test]
        fn a_header_comes_back(
            opcode in prop::sample::select(vec![Opcode::Text, Opcode::Binary]),
            payload_len in prop_oneof![0usize..200, 65_000usize..66_000, 0usize..0x1_0000_0000],
            mask in any::<[u8; 4]>(),
            rsv1 in any::<bool>(),
        ) {
            let mut bytes = [0; MAX_CLIENT_HEADER];
            let len = write_header(opcode, payload_len, rsv1, &mut bytes);
            bytes[1] |= MASKED;
            bytes[len..len + 4].copy_from_slice(&mask);
            let header = Header { fin: true, rsv1, opcode, mask, len: payload_len as u64 };
            prop_assert_eq!(parse_header(&bytes, true), Ok(Some((header, len + 4))));
            for cut in 0..len + 4 {
                prop_assert_eq!(parse_header(&bytes[..cut], true), Ok(None));
            }
        }

        #[test]
        fn unmask_is_the_naive_loop(
            payload in prop::collection::vec(any::<u8>(), 0..200),
            mask in any::<[u8; 4]>(),
            offset in 0usize..9,
            start in 0usize..9,
        ) {
            let start = start.min(payload.len());
            let mut fast = payload.clone();
            unmask(&mut fast[start..], mask, offset);
            let mut naive = payload;
            for (at, byte) in naive[start..].iter_mut().enumerate() {
                *byte ^= mask[(offset + at) % 4];
            }
            prop_assert_eq!(fast, naive);
        }
    }
}
