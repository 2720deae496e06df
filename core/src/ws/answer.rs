//! The server's own messages: JSON with the keys in the contract's order, framed as text.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::clock;
use super::frame::{Opcode, encode_into, server_frame_len};
use super::handshake;

/// Stable values of an error's `payload.code`.
pub mod code {
    /// Not JSON, or not an object.
    pub const INVALID_FORMAT: &str = "INVALID_FORMAT";
    /// A type that neither the protocol nor the host handles.
    pub const UNKNOWN_TYPE: &str = "UNKNOWN_TYPE";
    /// A payload that a type of the protocol's cannot use.
    pub const INVALID_PAYLOAD: &str = "INVALID_PAYLOAD";
    /// The client sends faster than it may: the message was not carried out.
    pub const RATE_LIMITED: &str = "RATE_LIMITED";
    /// The client, or its user, has as many already as it may have.
    pub const LIMIT_EXCEEDED: &str = "LIMIT_EXCEEDED";
    /// The client is not who it claims to be.
    pub const AUTH_FAILED: &str = "AUTH_FAILED";
    /// The client has to authenticate first.
    pub const AUTH_REQUIRED: &str = "AUTH_REQUIRED";
    /// The client may not go there.
    pub const FORBIDDEN: &str = "FORBIDDEN";
}

/// What the server says of its own accord or in answer to a client.
#[derive(Debug)]
pub enum Answer<'a> {
    Connected { connection: &'a str },
    Authenticated { user: &'a str, session: Option<&'a str> },
    Subscribed { topic: &'a str },
    Unsubscribed { topic: &'a str },
    JoinedRoom { room: &'a str },
    LeftRoom { room: &'a str },
    Heartbeat,
    TokenExpiring { expires_at: &'a str },
    Error { message: &'a str, code: &'static str, refused: Option<&'a str> },
}

impl Answer<'_> {
    fn kind(&self) -> &'static str {
        match self {
            Self::Connected { .. } => "connection",
            Self::Authenticated { .. } => "authenticated",
            Self::Subscribed { .. } => "subscribed",
            Self::Unsubscribed { .. } => "unsubscribed",
            Self::JoinedRoom { .. } => "joined_room",
            Self::LeftRoom { .. } => "left_room",
            Self::Heartbeat => "heartbeat",
            Self::TokenExpiring { .. } => "token_expiring",
            Self::Error { .. } => "error",
        }
    }

    /// Appends the answer as a text frame; `id` echoes that of the message it answers.
    pub fn write(&self, id: Option<&str>, scratch: &mut Vec<u8>, out: &mut Vec<u8>) {
        scratch.clear();
        scratch.extend_from_slice(b"{\"type\":\"");
        scratch.extend_from_slice(self.kind().as_bytes());
        scratch.extend_from_slice(b"\",\"payload\":");
        json(scratch, &self);
        if let Some(id) = id {
            scratch.extend_from_slice(b",\"id\":");
            json(scratch, &id);
        }
        stamp(scratch);
        scratch.push(b'}');
        encode_into(Opcode::Text, scratch, out);
    }
}

/// Appends `,"timestamp":"<now>"`.
pub fn stamp(out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"timestamp\":\"");
    clock::write_timestamp(out);
    out.push(b'"');
}

/// Gives a serialised message its timestamp, as the last key.
pub fn stamp_object(text: &mut Vec<u8>) {
    if text.pop_if(|last| *last == b'}').is_none() {
        return;
    }
    let empty = text.last() == Some(&b'{');
    let end = text.len();
    stamp(text);
    if empty {
        text.remove(end);
    }
    text.push(b'}');
}

fn json(out: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(out, value).expect("strings and maps of strings always serialise");
}

/// The payload.
impl Serialize for Answer<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if matches!(self, Self::Heartbeat) {
            return serializer.serialize_str("pong");
        }
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::Heartbeat => {}
            Self::Connected { connection } => {
                map.serialize_entry("connectionId", connection)?;
                map.serialize_entry("message", "Connected successfully")?;
            }
            Self::Authenticated { user, session } => {
                map.serialize_entry("userId", user)?;
                if let Some(session) = session {
                    map.serialize_entry("sessionId", session)?;
                }
                map.serialize_entry("status", "success")?;
            }
            Self::Subscribed { topic } | Self::Unsubscribed { topic } => {
                map.serialize_entry("topic", topic)?;
                map.serialize_entry("status", "success")?;
            }
            Self::JoinedRoom { room } | Self::LeftRoom { room } => {
                map.serialize_entry("room", room)?;
                map.serialize_entry("status", "success")?;
            }
            Self::TokenExpiring { expires_at } => {
                map.serialize_entry("expiresAt", expires_at)?;
            }
            Self::Error { message, code, refused } => {
                map.serialize_entry("message", message)?;
                map.serialize_entry("code", code)?;
                if let Some(refused) = refused {
                    map.serialize_entry("type", refused)?;
                }
            }
        }
        map.end()
    }
}

/// Where the frame ends that the last written byte belongs to, and where the last frame begins that is not written.
/// The answers to a handshake are one piece: without its beginning the rest says nothing.
pub fn cuts(answers: &[u8], written: usize) -> (usize, usize) {
    if handshake::head_len(answers) > 0 {
        return (answers.len(), answers.len());
    }
    let (mut at, mut begun, mut last) = (0, 0, 0);
    while at < answers.len() {
        last = at;
        at = at.saturating_add(server_frame_len(&answers[at..]));
        if begun < written {
            begun = at;
        }
    }
    (begun.min(answers.len()), last.max(begun).min(answers.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(answer: &Answer<'_>, id: Option<&str>) -> String {
        let (mut scratch, mut out) = (Vec::new(), Vec::new());
        answer.write(id, &mut scratch, &mut out);
        let json = String::from_utf8(scratch).unwrap();
        let at = json.find(",\"timestamp\":\"").expect("a timestamp");
        format!("{}}}", &json[..at])
    }

    #[test]
    fn answers_are_cut_behind_the_frame_that_is_on_its_way_and_before_the_last() {
        let answers = b"\x81\x01a\x81\x01b\x81\x01c";
        let at = [0, 1, 3, 4, 6, 7, 9].map(|written| cuts(answers, written));
        assert_eq!(at, [(0, 6), (3, 6), (3, 6), (6, 6), (6, 6), (9, 9), (9, 9)]);
        let handshake = b"HTTP/1.1 101 \r\n\r\n\x81\x01a\x81\x01b";
        assert_eq!([0, 1, 20].map(|written| cuts(handshake, written)), [(23, 23); 3]);
        assert_eq!(cuts(b"\x81\x7e", 1), (2, 2), "nothing is cut where no frame ends");
    }

    #[test]
    fn the_wire_is_as_the_contract_has_it() {
        let cases = [
            (
                text(&Answer::Connected { connection: "c" }, None),
                r#"{"type":"connection","payload":{"connectionId":"c","message":"Connected successfully"}}"#,
            ),
            (
                text(&Answer::Authenticated { user: "u", session: Some("s") }, None),
                r#"{"type":"authenticated","payload":{"userId":"u","sessionId":"s","status":"success"}}"#,
            ),
            (
                text(&Answer::LeftRoom { room: "a\"b" }, Some("7")),
                r#"{"type":"left_room","payload":{"room":"a\"b","status":"success"},"id":"7"}"#,
            ),
            (
                text(&Answer::TokenExpiring { expires_at: "t" }, None),
                r#"{"type":"token_expiring","payload":{"expiresAt":"t"}}"#,
            ),
            (text(&Answer::Heartbeat, None), r#"{"type":"heartbeat","payload":"pong"}"#),
            (
                text(&Answer::Error { message: "m", code: "C", refused: Some("t") }, None),
                r#"{"type":"error","payload":{"message":"m","code":"C","type":"t"}}"#,
            ),
        ];
        for (actual, expected) in cases {
            assert_eq!(actual, expected);
        }
    }

    #[test]
    fn a_timestamp_becomes_the_last_key() {
        for (before, start) in
            [("{}", "{\"timestamp\":\""), ("{\"a\":1}", "{\"a\":1,\"timestamp\":\"")]
        {
            let mut text = before.as_bytes().to_vec();
            stamp_object(&mut text);
            let text = String::from_utf8(text).unwrap();
            assert!(text.starts_with(start), "{text}");
            assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
        }
    }
}
