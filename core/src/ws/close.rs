//! How a connection ends: the close codes of RFC 6455 (section 7.4), the payload of a close
//! frame, and the violations by which a client makes the server end the connection.

use thiserror::Error;

/// The purpose of the connection is fulfilled.
pub const NORMAL: u16 = 1000;
/// The server shuts down, or the page was left.
pub const GOING_AWAY: u16 = 1001;
/// The peer broke the framing rules.
pub const PROTOCOL: u16 = 1002;
/// The peer sent a kind of data that this end does not take.
pub const UNSUPPORTED: u16 = 1003;
/// A close frame came without a code. Never on the wire.
pub const NO_STATUS: u16 = 1005;
/// The connection ended without a close frame. Never on the wire.
pub const ABNORMAL: u16 = 1006;
/// A text message or a close reason is not UTF-8.
pub const INVALID_DATA: u16 = 1007;
/// The peer broke a rule that has no code of its own.
pub const POLICY: u16 = 1008;
/// A message is over the limit.
pub const TOO_BIG: u16 = 1009;
/// The server met an unexpected fault.
pub const INTERNAL: u16 = 1011;
/// The server is overloaded: the client may come back later.
pub const TRY_AGAIN: u16 = 1013;

/// Ours: the client has not shown who it is, or that does not hold any more.
pub const UNAUTHORIZED: u16 = 4401;

/// The longest reason in bytes: a control frame holds 125, and the code takes two.
pub const MAX_REASON: usize = 123;

/// Whether a close frame may carry `code`: the registered codes, except those that only stand
/// for an event (1004 to 1006 and 1015), and the ranges of libraries and applications.
#[must_use]
pub const fn valid_on_wire(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// The payload of a close frame. [`NO_STATUS`] gives the empty one, so that a close without a code
/// can be answered in kind. A reason over [`MAX_REASON`] is cut at a character.
#[must_use]
pub fn close_payload(code: u16, reason: &str) -> Vec<u8> {
    if code == NO_STATUS {
        return Vec::new();
    }
    let reason = &reason[..reason.floor_char_boundary(MAX_REASON)];
    [&code.to_be_bytes(), reason.as_bytes()].concat()
}

/// Reads the payload of a client's close frame: its code and reason, or `None` when it is empty.
///
/// # Errors
/// A payload of one byte, a code that is not [`valid_on_wire`], or a reason that is not UTF-8.
pub fn parse_close_payload(payload: &[u8]) -> Result<Option<(u16, String)>, Violation> {
    let Some((code, reason)) = payload.split_first_chunk() else {
        return if payload.is_empty() { Ok(None) } else { Err(Violation::ClosePayload) };
    };
    let code = u16::from_be_bytes(*code);
    if !valid_on_wire(code) {
        return Err(Violation::CloseCode);
    }
    let reason = str::from_utf8(reason).map_err(|_| Violation::InvalidUtf8)?;
    Ok(Some((code, reason.to_owned())))
}

/// A rule that the client's bytes broke. Its text is the reason in the close frame that answers.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Violation {
    /// A reserved bit is set that no extension has claimed.
    #[error("reserved bits must be clear")]
    ReservedBits,
    /// The opcode is one of those kept for later.
    #[error("reserved opcode")]
    ReservedOpcode,
    /// Every frame of a client is masked.
    #[error("frame is not masked")]
    Unmasked,
    /// A control frame is never fragmented.
    #[error("fragmented control frame")]
    FragmentedControl,
    /// A control frame holds 125 bytes at most.
    #[error("control frame over 125 bytes")]
    ControlTooLong,
    /// A length is written in the fewest bytes that hold it.
    #[error("length is not minimal")]
    NonMinimalLength,
    /// The highest bit of a 64-bit length is clear.
    #[error("length is over 2^63 - 1")]
    LengthOverflow,
    /// A continuation frame came while no message was open.
    #[error("continuation without a message")]
    UnexpectedContinuation,
    /// A new message began before the last one ended.
    #[error("message inside a fragmented message")]
    ExpectedContinuation,
    /// A close payload holds either nothing or at least a code.
    #[error("close payload of one byte")]
    ClosePayload,
    /// The close code is unassigned or must not be sent.
    #[error("invalid close code")]
    CloseCode,
    /// A text message or a close reason is not UTF-8.
    #[error("invalid UTF-8")]
    InvalidUtf8,
    /// A compressed message is no whole deflate stream.
    #[error("invalid compressed data")]
    InvalidDeflate,
    /// The message, all its fragments together, is over the limit.
    #[error("message is too big")]
    TooBig,
}

impl Violation {
    /// The code of the close frame that answers this violation.
    #[must_use]
    pub const fn close_code(self) -> u16 {
        match self {
            Self::InvalidUtf8 | Self::InvalidDeflate => INVALID_DATA,
            Self::TooBig => TOO_BIG,
            _ => PROTOCOL,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn codes_on_the_wire() {
        let valid = [1000, 1001, 1002, 1003, 1007, 1008, 1011, 1014, 3000, 3999, 4000, 4999];
        let invalid = [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535];
        assert!(valid.into_iter().all(valid_on_wire));
        assert!(!invalid.into_iter().any(valid_on_wire));
    }

    #[test]
    fn payloads_that_are_refused() {
        assert_eq!(parse_close_payload(&[]), Ok(None));
        assert_eq!(parse_close_payload(&[3]), Err(Violation::ClosePayload));
        assert_eq!(parse_close_payload(&[0x03, 0xed]), Err(Violation::CloseCode));
        assert_eq!(parse_close_payload(&[0x03, 0xe8, 0xff]), Err(Violation::InvalidUtf8));
        assert_eq!(Violation::CloseCode.close_code(), 1002);
        assert_eq!(Violation::InvalidUtf8.close_code(), 1007);
        assert_eq!(Violation::TooBig.close_code(), 1009);
    }

    #[test]
    fn a_close_without_a_code_is_empty() {
        assert!(close_payload(NO_STATUS, "ignored").is_empty());
    }

    #[test]
    fn a_long_reason_is_cut_at_a_character() {
        let payload = close_payload(NORMAL, &"é".repeat(100));
        assert_eq!(payload.len(), 2 + 122);
        assert_eq!(parse_close_payload(&payload), Ok(Some((NORMAL, "é".repeat(61)))));
    }

    proptest! {
        #[test]
        fn a_payload_comes_back(
            code in prop_oneof![1000u16..=1003, 1007u16..=1014, 3000u16..=4999],
            reason in ".{0,30}",
        ) {
            let parsed = parse_close_payload(&close_payload(code, &reason));
            prop_assert_eq!(parsed, Ok(Some((code, reason))));
        }

        #[test]
        fn any_reason_fits_a_control_frame(reason in ".{0,200}") {
            let payload = close_payload(GOING_AWAY, &reason);
            prop_assert!(payload.len() <= 125);
            prop_assert!(parse_close_payload(&payload).is_ok());
        }
    }
}
