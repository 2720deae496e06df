//! What a server's text frame says, read without a JSON parser: this runs a million times a second.

/// The messages of the wire that scenarios wait for.
#[derive(Debug, PartialEq, Clone, Copy)]
pub enum Message {
    /// `connection`, the server's first message.
    Welcome,
    /// `subscribed` or `joined_room`.
    Joined,
    /// The answer to a heartbeat.
    Heartbeat,
    /// A broadcast of the benchmark; `sent` is the server's clock in ns when it was sent.
    Bench {
        sequence: u64,
        sent: u64,
        size: usize,
        /// It came compressed.
        compressed: bool,
    },
    Unknown,
}

const BENCH: &[u8] = br#"{"type":"bench","payload":{"seq":"#;

pub fn classify(text: &[u8], compressed: bool) -> Message {
    if let Some(rest) = text.strip_prefix(BENCH) {
        return bench(rest, text.len(), compressed).unwrap_or(Message::Unknown);
    }
    match text.strip_prefix(br#"{"type":""#) {
        Some(rest) if rest.starts_with(br#"heartbeat""#) => Message::Heartbeat,
        Some(rest) if rest.starts_with(br#"connection""#) => Message::Welcome,
        Some(rest) if rest.starts_with(br#"subscribed""#) => Message::Joined,
        Some(rest) if rest.starts_with(br#"joined_room""#) => Message::Joined,
        _ => Message::Unknown,
    }
}

fn bench(rest: &[u8], size: usize, compressed: bool) -> Option<Message> {
    let (sequence, rest) = number(rest)?;
    let (sent, _) = number(rest.strip_prefix(br#","sent":"#)?)?;
    Some(Message::Bench { sequence, sent, size, compressed })
}

fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let value = std::str::from_utf8(&text[..digits]).ok()?.parse().ok()?;
    Some((value, &text[digits..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_is_recognised() {
        let bench = br#"{"type":"bench","payload":{"seq":12,"sent":345,"text":"x"}}"#;
        for compressed in [false, true] {
            let size = bench.len();
            let expected = Message::Bench { sequence: 12, sent: 345, size, compressed };
            assert_eq!(classify(bench, compressed), expected);
        }
        let plain = |text: &str| classify(text.as_bytes(), false);
        assert_eq!(plain(r#"{"type":"heartbeat","payload":"pong"}"#), Message::Heartbeat);
        assert_eq!(plain(r#"{"type":"connection","payload":{}}"#), Message::Welcome);
        assert_eq!(plain(r#"{"type":"subscribed","payload":{}}"#), Message::Joined);
        assert_eq!(plain(r#"{"type":"joined_room","payload":{}}"#), Message::Joined);
        assert_eq!(plain(r#"{"type":"error","payload":{}}"#), Message::Unknown);
        assert_eq!(plain(r#"{"type":"bench","payload":{"seq":,"#), Message::Unknown);
    }
}
