//! Clients' messages: JSON text to what is asked for (contract of the wire, messaging protocol).

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;

use super::guard::MAX_TOKEN;

/// Bytes that the name of a user, room or topic may have.
pub const MAX_NAME: usize = 256;
/// Bytes that a message's `id` may have to be echoed.
pub(super) const MAX_ID: usize = 64;
/// Characters of an unknown type that an answer repeats.
pub(super) const MAX_ECHO: usize = 64;

/// What a user has to be, where one is needed.
pub(super) const USER_RULE: &str =
    "payload.userId must be a string of 1 to 256 bytes, or a number up to 2^53 - 1";
/// `Number.MAX_SAFE_INTEGER`: of larger numbers two that are written differently can be one to JavaScript.
pub(super) const MAX_SAFE_NUMBER: f64 = 9_007_199_254_740_991.0;

/// What a client asks for.
#[derive(Debug, PartialEq)]
pub enum Request<'a> {
    Authenticate {
        /// Missing where the token alone is to say who it is.
        user: Option<String>,
        session: Option<String>,
        token: Token<'a>,
    },
    Subscribe(Cow<'a, str>),
    Unsubscribe(Cow<'a, str>),
    JoinRoom(Cow<'a, str>),
    LeaveRoom(Cow<'a, str>),
    Heartbeat,
    /// A type that the protocol does not own: the host's matter, or an error.
    Other(Cow<'a, str>),
    /// The type is missing, empty or no string: what stands in its place, as JavaScript shows it.
    Untyped(Cow<'a, str>),
    /// A type of the protocol's with a payload that it cannot use.
    Invalid {
        kind: &'static str,
        problem: &'static str,
    },
}

impl Request<'_> {
    /// The message's type, if it has one.
    pub fn kind(&self) -> Option<&str> {
        match self {
            Self::Authenticate { .. } => Some("authenticate"),
            Self::Subscribe(_) => Some("subscribe"),
            Self::Unsubscribe(_) => Some("unsubscribe"),
            Self::JoinRoom(_) => Some("join_room"),
            Self::LeaveRoom(_) => Some("leave_room"),
            Self::Heartbeat => Some("heartbeat"),
            Self::Other(kind) => Some(kind),
            Self::Untyped(_) => None,
            Self::Invalid { kind, .. } => Some(kind),
        }
    }

    /// Whether a client has to authenticate for it, where that is required.
    pub fn needs_auth(&self) -> bool {
        !matches!(
            self,
            Self::Heartbeat
                | Self::Authenticate { .. }
                | Self::Invalid { kind: "authenticate", .. }
        )
    }
}

/// What stands in the place of a token. Where nobody looks at tokens, anything may.
#[derive(Debug, PartialEq)]
pub enum Token<'a> {
    Absent,
    Given(Cow<'a, str>),
    /// Neither a string nor of a length that could be right.
    Unusable,
}

impl Token<'_> {
    pub fn into_text(self) -> Option<String> {
        match self {
            Self::Given(token) => Some(token.into_owned()),
            Self::Absent | Self::Unusable => None,
        }
    }
}

/// A message that has the shape of one.
#[derive(Debug, PartialEq)]
pub struct Message<'a> {
    /// To be echoed in each answer, and what a host's request is answered by.
    pub id: Option<Cow<'a, str>>,
    pub request: Request<'a>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, rename = "type", default, deserialize_with = "present")]
    kind: Option<&'a RawValue>,
    #[serde(borrow, default)]
    payload: Option<&'a RawValue>,
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
}

/// Tells `null` from an absent key, which an `Option` alone takes for the same.
fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(value).map(Some)
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow, default)]
    topic: Option<&'a RawValue>,
    #[serde(borrow, default)]
    room: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credentials<'a> {
    #[serde(borrow, default)]
    user_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    session_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    token: Option<&'a RawValue>,
}

/// Reads one message; nothing when the text is not a JSON object.
pub fn parse(text: &str) -> Option<Message<'_>> {
    // serde reads a struct from an array too, but an array is not a message.
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let envelope: Envelope<'_> = serde_json::from_str(text).ok()?;
    let id = envelope.id.and_then(string).filter(|id| !id.is_empty() && id.len() <= MAX_ID);
    let request = match envelope.kind {
        None => Request::Untyped(Cow::Borrowed("undefined")),
        Some(raw) => match string(raw) {
            Some(kind) if !kind.is_empty() => request(kind, envelope.payload),
            Some(empty) => Request::Untyped(empty),
            None => Request::Untyped(shortened(Cow::Borrowed(raw.get()))),
        },
    };
    Some(Message { id, request })
}

fn request<'a>(kind: Cow<'a, str>, payload: Option<&'a RawValue>) -> Request<'a> {
    let name = |kind, problem, of: fn(Named<'a>) -> Option<&'a RawValue>, make: fn(_) -> _| {
        match object::<Named<'a>>(payload).and_then(of).and_then(string) {
            Some(name) if valid_name(&name) => make(name),
            _ => Request::Invalid { kind, problem },
        }
    };
    const TOPIC: &str = "payload.topic must be a string of 1 to 256 bytes";
    const ROOM: &str = "payload.room must be a string of 1 to 256 bytes";
    match &*kind {
        "heartbeat" => Request::Heartbeat,
        "subscribe" => name("subscribe", TOPIC, |p| p.topic, Request::Subscribe),
        "unsubscribe" => name("unsubscribe", TOPIC, |p| p.topic, Request::Unsubscribe),
        "join_room" => name("join_room", ROOM, |p| p.room, Request::JoinRoom),
        "leave_room" => name("leave_room", ROOM, |p| p.room, Request::LeaveRoom),
        "authenticate" => authenticate(payload),
        _ => Request::Other(shortened(kind)),
    }
}

fn authenticate<'a>(payload: Option<&'a RawValue>) -> Request<'a> {
    const SESSION: &str =
        "payload.sessionId must be a string of at most 256 bytes, or a number up to 2^53 - 1";
    // Not by `userId`, which may be missing where a token or the host says who it is.
    const PAYLOAD: &str = "payload must be an object with each key once";
    let invalid = |problem| Request::Invalid { kind: "authenticate", problem };
    let Some(credentials) = object::<Credentials<'a>>(payload) else {
        return invalid(PAYLOAD);
    };
    let user = match credentials.user_id {
        None => None,
        Some(raw) => match identifier(raw).filter(|user| valid_name(user)) {
            None => return invalid(USER_RULE),
            user => user,
        },
    };
    let session = match credentials.session_id {
        None => None,
        Some(raw) => match identifier(raw).filter(|session| session.len() <= MAX_NAME) {
            None => return invalid(SESSION),
            session => session,
        },
    };
    let token = match credentials.token {
        None => Token::Absent,
        Some(raw) => match string(raw).filter(|token| token.len() <= MAX_TOKEN) {
            Some(token) => Token::Given(token),
            None => Token::Unusable,
        },
    };
    Request::Authenticate { user, session, token }
}

/// Whether a user, room or topic may have this name.
pub fn valid_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= MAX_NAME
}

fn object<'a, T: Deserialize<'a>>(payload: Option<&'a RawValue>) -> Option<T> {
    let text = payload?.get();
    if !text.starts_with('{') {
        return None;
    }
    serde_json::from_str(text).ok()
}

fn string<'a>(raw: &'a RawValue) -> Option<Cow<'a, str>> {
    let text = raw.get();
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains('\\') {
        return Some(Cow::Borrowed(inner));
    }
    serde_json::from_str(text).ok().map(Cow::Owned)
}

/// A string as it is, a number that JavaScript tells from its neighbours as its decimal string.
fn identifier(raw: &RawValue) -> Option<String> {
    if let Some(text) = string(raw) {
        return Some(text.into_owned());
    }
    serde_json::from_str::<serde_json::Number>(raw.get()).ok()?;
    // Read and written as the host would, so that it finds the user by the same number. What
    // serde_json reads of a fraction may be the neighbour of the nearest number.
    let value: f64 = raw.get().parse().ok()?;
    (value.abs() <= MAX_SAFE_NUMBER).then(|| ryu_js::Buffer::new().format(value).to_owned())
}

fn shortened(kind: Cow<'_, str>) -> Cow<'_, str> {
    match kind.char_indices().nth(MAX_ECHO) {
        None => kind,
        Some((end, _)) => Cow::Owned(format!("{}…", &kind[..end])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::fuzzing::messages::reads_as_others_do;
    use proptest::prelude::*;

    fn ask(text: &str) -> Request<'_> {
        reads_as_others_do(text).expect("a message").request
    }

    #[test]
    fn what_is_no_object_is_no_message() {
        for text in ["", "hello", "5", "null", "true", "\"x\"", "[]", "[\"subscribe\"]", "{", "{}x"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn requests_of_the_protocol() {
        assert_eq!(ask(r#"{"type":"heartbeat"}"#), Request::Heartbeat);
        assert_eq!(ask(r#" {"type":"heartbeat","payload":null}"#), Request::Heartbeat);
        assert_eq!(
            ask(r#"{"payload":{"topic":"a\"b"},"type":"subscribe"}"#),
            Request::Subscribe("a\"b".into())
        );
        assert_eq!(
            ask(r#"{"type":"leave_room","payload":{"room":"r","x":[1,{}]}}"#),
            Request::LeaveRoom("r".into())
        );
    }

    #[test]
    fn payloads_that_do_not_fit() {
        let long = "x".repeat(257);
        for payload in [
            "null",
            "5",
            "[]",
            "{}",
            r#"{"topic":5}"#,
            r#"{"topic":""}"#,
            &format!(r#"{{"topic":"{long}"}}"#),
        ] {
            let text = format!(r#"{{"type":"subscribe","payload":{payload}}}"#);
            assert!(matches!(ask(&text), Request::Invalid { kind: "subscribe", .. }), "{text}");
        }
        assert!(matches!(
            ask(r#"{"type":"join_room"}"#),
            Request::Invalid { kind: "join_room", .. }
        ));
    }

    #[test]
    fn users_and_sessions_may_be_numbers() {
        let cases = [
            (r#"{"userId":"u"}"#, Some(("u", None))),
            (r#"{"userId":"u","sessionId":null}"#, Some(("u", None))),
            (r#"{"userId":42,"sessionId":7}"#, Some(("42", Some("7")))),
            (r#"{"userId":1.5}"#, Some(("1.5", None))),
            (r#"{"userId":-3}"#, Some(("-3", None))),
            (r#"{"userId":5.0}"#, Some(("5", None))),
            (r#"{"userId":-0}"#, Some(("0", None))),
            (r#"{"userId":0.30000000000000002}"#, Some(("0.30000000000000004", None))),
            (r#"{"userId":1e3}"#, Some(("1000", None))),
            (r#"{"userId":9007199254740991}"#, Some(("9007199254740991", None))),
            (r#"{"userId":-9007199254740991}"#, Some(("-9007199254740991", None))),
            (r#"{"userId":"12345678901234567890"}"#, Some(("12345678901234567890", None))),
            (r#"{"userId":9007199254740992}"#, None),
            (r#"{"userId":-9007199254740993}"#, None),
            (r#"{"userId":12345678901234567890}"#, None),
            (r#"{"userId":1e21}"#, None),
            (r#"{"userId":"u","sessionId":12345678901234567890}"#, None),
            (r#"{"userId":""}"#, None),
            (r#"{"userId":{}}"#, None),
            (r#"{"userId":"u","sessionId":[]}"#, None),
            (r#"{"userId":true}"#, None),
            ("null", None),
        ];
        for (payload, expected) in cases {
            let text = format!(r#"{{"type":"authenticate","payload":{payload}}}"#);
            match (ask(&text), expected) {
                (Request::Authenticate { user, session, .. }, Some((u, s))) => {
                    assert_eq!((user.as_deref(), session.as_deref()), (Some(u), s), "{payload}");
                }
                (Request::Invalid { kind: "authenticate", .. }, None) => {}
                (other, _) => panic!("{payload}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_token_may_stand_for_the_user() {
        let token = |payload: &str| {
            let text = format!(r#"{{"type":"authenticate","payload":{payload}}}"#);
            match ask(&text) {
                Request::Authenticate { user: None, token: Token::Given(token), .. } => {
                    Ok(token.into_owned())
                }
                other => Err(format!("{other:?}")),
            }
        };
        assert_eq!(token(r#"{"token":"a\u0062"}"#).as_deref(), Ok("ab"));
        assert_eq!(token(r#"{"userId":null,"token":""}"#).as_deref(), Ok(""));
        let long = |length| format!(r#"{{"token":"{}"}}"#, "t".repeat(length));
        assert!(token(&long(MAX_TOKEN)).is_ok());
        for unusable in [r#"{"token":5}"#, r#"{"token":{}}"#, &long(MAX_TOKEN + 1)] {
            assert!(token(unusable).is_err_and(|it| it.contains("Unusable")), "{unusable}");
        }
        for absent in ["{}", r#"{"token":null}"#] {
            assert!(token(absent).is_err_and(|it| it.contains("Absent")), "{absent}");
        }
    }

    #[test]
    fn types_that_the_protocol_does_not_own() {
        assert_eq!(ask("{}"), Request::Untyped("undefined".into()));
        assert_eq!(ask(r#"{"type":5}"#), Request::Untyped("5".into()));
        assert_eq!(ask(r#"{"type":null}"#), Request::Untyped("null".into()));
        assert_eq!(ask(r#"{"type":""}"#), Request::Untyped("".into()));
        assert_eq!(ask(r#"{"type":"chat"}"#), Request::Other("chat".into()));
        let long = format!(r#"{{"type":"{}"}}"#, "é".repeat(100));
        assert_eq!(ask(&long), Request::Other(format!("{}…", "é".repeat(MAX_ECHO)).into()));
    }

    #[test]
    fn an_id_is_kept_when_it_is_a_short_string() {
        let id = |text| parse(text).unwrap().id;
        assert_eq!(id(r#"{"type":"x","id":"a\nb"}"#).as_deref(), Some("a\nb"));
        assert_eq!(id(r#"{"type":"x","id":5}"#), None);
        assert_eq!(id(r#"{"type":"x","id":""}"#), None);
        let long = format!(r#"{{"type":"x","id":"{}"}}"#, "i".repeat(65));
        assert_eq!(parse(&long).unwrap().id, None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_as_by_others(text in ".*") {
            reads_as_others_do(&text);
        }

        #[test]
        fn any_valid_name_comes_through_as_it_was(name in ".{1,60}") {
            let text = serde_json::json!({ "type": "join_room", "payload": { "room": name } }).to_string();
            prop_assert_eq!(ask(&text), Request::JoinRoom(name.clone().into()));
        }
    }
}
