//! RFC 6455 as far as these clients need it: the upgrade, unmasked frames in, masked frames out.
//! Of permessage-deflate (RFC 7692), the negotiation and the bit that marks a compressed message.

/// The key is the RFC's own example, for which the right answer is known without SHA-1.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
/// What browsers offer.
const OFFER: &str = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
const COMPRESSED: u8 = 0x40;
/// A constant mask: masking protects proxies, and there are none here.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

pub const TEXT: u8 = 1;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;

/// One frame as the server sent it; `length` counts the header too.
#[derive(Debug, PartialEq)]
pub struct Frame<'a> {
    pub opcode: u8,
    pub compressed: bool,
    pub payload: &'a [u8],
    pub length: usize,
}

/// The frame at the start of `bytes`, or `None` when it is not complete yet.
pub fn parse(bytes: &[u8]) -> Result<Option<Frame<'_>>, String> {
    let [first, second, rest @ ..] = bytes else {
        return Ok(None);
    };
    let compressed = first & COMPRESSED != 0;
    let reserved = first & 0x30 != 0 || compressed && first & 0x0f != TEXT;
    if first & 0x80 == 0 || reserved || second & 0x80 != 0 {
        return Err(format!("a server's frame begins with {first:#04x} {second:#04x}"));
    }
    let (size, header) = match (second & 0x7f, rest) {
        (126, [a, b, ..]) => (usize::from(u16::from_be_bytes([*a, *b])), 4),
        (127, [a, b, c, d, e, f, g, h, ..]) => {
            let size = u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]);
            (usize::try_from(size).map_err(|_| "a frame is too long".to_owned())?, 10)
        }
        (126 | 127, _) => return Ok(None),
        (small, _) => (usize::from(small), 2),
    };
    let length = header + size;
    let opcode = first & 0x0f;
    Ok(bytes.get(header..length).map(|payload| Frame { opcode, compressed, payload, length }))
}

/// A final, masked frame.
pub fn encode(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match u16::try_from(payload.len()) {
        Ok(size) if size < 126 => frame.push(0x80 | size as u8),
        Ok(size) => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&size.to_be_bytes());
        }
        Err(_) => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

pub fn upgrade_request(port: u16, path: &str, deflate: bool) -> Vec<u8> {
    let offer = if deflate { OFFER } else { "" };
    format!(
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{offer}\r\n"
    )
    .into_bytes()
}

/// A correct answer to the upgrade.
#[derive(Debug, PartialEq)]
pub struct Answer {
    pub length: usize,
    /// How messages are compressed, if the server agreed to that.
    pub deflate: Option<Takeover>,
}

/// Whose window is kept from one message to the next. These clients compress nothing, so only the
/// server's matters.
#[derive(Debug, PartialEq, Clone, Copy)]
pub enum Takeover {
    None,
    Server,
}

/// A complete, correct answer to the upgrade, or `None` while it is incomplete. Compression that
/// was not offered, or was and is declined, is a fault: the row would measure something else.
pub fn upgrade_answer(bytes: &[u8], deflate: bool) -> Result<Option<Answer>, String> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = String::from_utf8_lossy(&bytes[..end]);
    if !head.starts_with("HTTP/1.1 101") || !head.contains(ACCEPT) {
        return Err(format!("upgrade refused: {}", head.lines().next().unwrap_or_default()));
    }
    let takeover = takeover(&head)?;
    if takeover.is_some() != deflate {
        let not = if deflate { "not " } else { "" };
        return Err(format!("permessage-deflate was {not}agreed on"));
    }
    Ok(Some(Answer { length: end + 4, deflate: takeover }))
}

fn takeover(head: &str) -> Result<Option<Takeover>, String> {
    let headers = head.lines().filter_map(|line| line.split_once(':'));
    let mut extensions =
        headers.filter(|(name, _)| name.eq_ignore_ascii_case("Sec-WebSocket-Extensions"));
    let Some((_, value)) = extensions.next() else {
        return Ok(None);
    };
    let mut parts = value.split(';').map(str::trim);
    if parts.next() != Some("permessage-deflate") || extensions.next().is_some() {
        return Err(format!("an extension that was not offered: {value}"));
    }
    let forgets = parts.any(|part| part == "server_no_context_takeover");
    Ok(Some(if forgets { Takeover::None } else { Takeover::Server }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_frame_waits_for_its_rest() {
        let mut wire = vec![0x81, 126, 0, 200];
        wire.extend_from_slice(&[b'x'; 200]);
        for cut in 0..wire.len() {
            assert_eq!(parse(&wire[..cut]), Ok(None), "cut at {cut}");
        }
        let frame = parse(&wire).expect("correct").expect("complete");
        assert_eq!((frame.opcode, frame.payload.len(), frame.length), (TEXT, 200, 204));
        assert!(!frame.compressed);
        wire[0] |= COMPRESSED;
        assert!(parse(&wire).expect("correct").expect("complete").compressed);
    }

    #[test]
    fn compression_is_agreed_on_or_the_upgrade_fails() {
        let answer = |extensions: &str, deflate| {
            let text = format!("HTTP/1.1 101 x\r\nsec: {ACCEPT}\r\n{extensions}\r\n");
            upgrade_answer(text.as_bytes(), deflate).map(|answer| answer.expect("whole").deflate)
        };
        let header = "sec-websocket-extensions: permessage-deflate";
        assert_eq!(answer("", false), Ok(None));
        assert!(answer("", true).is_err());
        assert_eq!(answer(&format!("{header}\r\n"), true), Ok(Some(Takeover::Server)));
        assert!(answer(&format!("{header}\r\n"), false).is_err());
        let alone = format!("{header}; server_no_context_takeover; client_max_window_bits=15\r\n");
        assert_eq!(answer(&alone, true), Ok(Some(Takeover::None)));
        assert!(answer("Sec-WebSocket-Extensions: other\r\n", true).is_err());
    }

    #[test]
    fn masked_or_reserved_bits_are_faults() {
        assert!(parse(&[0x81, 0x80, 0, 0, 0, 0]).is_err());
        assert!(parse(&[0xa1, 0x00]).is_err());
        assert!(parse(&[0xca, 0x00]).is_err(), "no control frame is compressed");
    }

    #[test]
    fn lengths_are_encoded_in_three_ways() {
        for (size, header) in [(5, 6), (125, 6), (126, 8), (65_535, 8), (65_536, 14)] {
            assert_eq!(encode(TEXT, &vec![0; size]).len(), size + header);
        }
        assert_eq!(encode(TEXT, b"abc")[6..], [b'a' ^ 0x37, b'b' ^ 0xfa, b'c' ^ 0x21]);
    }
}
