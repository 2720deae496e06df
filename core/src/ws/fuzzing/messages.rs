//! Clients' messages: what is read of a text is what other readers of JSON, the host's above all,
//! read of it; and a text that two readers could understand differently is refused.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::fmt;

use crate::ws::guard::MAX_TOKEN;
use crate::ws::message::{
    MAX_ECHO, MAX_ID, MAX_NAME, MAX_SAFE_NUMBER, Message, Request, Token, parse,
};

/// The keys that the engine reads of a message.
const KEYS: [&str; 3] = ["type", "payload", "id"];
/// Those of payloads.
const NAMES: [&str; 2] = ["topic", "room"];
const CREDENTIALS: [&str; 3] = ["userId", "sessionId", "token"];

/// The input is the text. What is not UTF-8 never comes this far.
pub fn check(data: &[u8]) {
    if let Ok(text) = str::from_utf8(data) {
        reads_as_others_do(text);
    }
}

/// Parses, and compares with `serde_json::Value`.
pub(in crate::ws) fn reads_as_others_do(text: &str) -> Option<Message<'_>> {
    let message = parse(text);
    let pairs = serde_json::from_str::<Pairs<'_>>(text).ok();
    let good = pairs.as_ref().is_some_and(|pairs| !pairs.repeat(&KEYS));
    assert_eq!(message.is_some(), good, "an object without its keys twice, and nothing else");

    // A Value refuses more than the engine has to: what nests deeper than 128, numbers that are no
    // f64, and halves of surrogate pairs.
    if let (Some(message), Some(pairs), Ok(value)) = (&message, &pairs, serde_json::from_str(text))
    {
        let Value::Object(value) = value else {
            panic!("{message:?} is no object");
        };
        compare(message, pairs, &value);
    }
    message
}

fn compare(message: &Message<'_>, pairs: &Pairs<'_>, value: &Map<String, Value>) {
    let id = value.get("id").and_then(Value::as_str);
    let id = id.filter(|id| !id.is_empty() && id.len() <= MAX_ID);
    assert_eq!(message.id.as_deref(), id);

    let request = &message.request;
    match value.get("type") {
        None => assert_eq!(*request, Request::Untyped("undefined".into())),
        Some(Value::String(kind)) if kind.is_empty() => {
            assert_eq!(*request, Request::Untyped("".into()));
        }
        Some(Value::String(kind)) => typed(request, kind, pairs.get("payload")),
        Some(other) => match request {
            Request::Untyped(shown) => shows(shown, other),
            request => panic!("{request:?} for the type {other}"),
        },
    }
}

/// What stands in the place of a type is the text, or the start of it.
fn shows(shown: &str, value: &Value) {
    match shown.strip_suffix('…') {
        Some(start) if start.chars().count() == MAX_ECHO => {}
        _ => assert_eq!(serde_json::from_str::<Value>(shown).ok().as_ref(), Some(value)),
    }
}

fn typed(request: &Request<'_>, kind: &str, payload: Option<&RawValue>) {
    let name = |key| name(payload, key);
    let refused = |request: &Request<'_>| match request {
        Request::Invalid { kind: refused, .. } => *refused == kind,
        _ => false,
    };
    let read = match (kind, request) {
        ("heartbeat", request) => *request == Request::Heartbeat,
        ("subscribe", Request::Subscribe(topic)) => name("topic").as_deref() == Some(topic),
        ("unsubscribe", Request::Unsubscribe(topic)) => name("topic").as_deref() == Some(topic),
        ("join_room", Request::JoinRoom(room)) => name("room").as_deref() == Some(room),
        ("leave_room", Request::LeaveRoom(room)) => name("room").as_deref() == Some(room),
        ("authenticate", Request::Authenticate { user, session, token }) => {
            credentials(payload) == Some((user.clone(), session.clone())) && fits(token, payload)
        }
        ("subscribe" | "unsubscribe", request) => refused(request) && name("topic").is_none(),
        ("join_room" | "leave_room", request) => refused(request) && name("room").is_none(),
        ("authenticate", request) => refused(request) && credentials(payload).is_none(),
        (kind, Request::Other(shown)) => match shown.strip_suffix('…') {
            Some(start) if **shown != *kind => {
                start.chars().count() == MAX_ECHO && kind.starts_with(start)
            }
            _ => **shown == *kind,
        },
        _ => false,
    };
    assert!(read, "{request:?} for the type {kind}, with {payload:?}");
}

/// The name of a room or topic that a payload gives.
fn name(payload: Option<&RawValue>, key: &str) -> Option<String> {
    let payload = object(payload, &NAMES)?;
    let name = serde_json::from_str::<String>(payload.get(key)?.get()).ok()?;
    Some(name).filter(|name| (1..=MAX_NAME).contains(&name.len()))
}

/// The user and session that a payload gives.
fn credentials(payload: Option<&RawValue>) -> Option<(Option<String>, Option<String>)> {
    let payload = object(payload, &CREDENTIALS)?;
    let given = |key| payload.get(key).filter(|raw| raw.get() != "null");
    let read = |raw: Option<&RawValue>| match raw {
        None => Some(None),
        Some(raw) => identifier(raw).map(Some),
    };
    let (user, session) = (read(given("userId"))?, read(given("sessionId"))?);
    let fit = user.as_ref().is_none_or(|user| (1..=MAX_NAME).contains(&user.len()))
        && session.as_ref().is_none_or(|session| session.len() <= MAX_NAME);
    fit.then_some((user, session))
}

/// Whether this is the token that a payload gives.
fn fits(token: &Token<'_>, payload: Option<&RawValue>) -> bool {
    let payload = object(payload, &CREDENTIALS);
    let given = payload.as_ref().and_then(|it| it.get("token")).filter(|it| it.get() != "null");
    let text = given.and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
    match token {
        Token::Absent => given.is_none(),
        Token::Given(token) => text.is_some_and(|text| text == **token),
        Token::Unusable => given.is_some() && text.is_none_or(|text| text.len() > MAX_TOKEN),
    }
}

fn identifier(raw: &RawValue) -> Option<String> {
    let text = raw.get();
    match serde_json::from_str(text).ok()? {
        Value::String(text) => Some(text),
        Value::Number(number) if number.is_f64() => {
            // The standard library's reading is the nearest number, as JavaScript's is.
            let value = text.parse::<f64>().expect("a number");
            let is_safe = value.abs() <= MAX_SAFE_NUMBER;
            is_safe.then(|| ryu_js::Buffer::new().format(value).to_owned())
        }
        Value::Number(number) => {
            let size = number.as_i64().map(i64::unsigned_abs).or_else(|| number.as_u64())?;
            (size < 1 << 53).then(|| text.to_owned())
        }
        _ => None,
    }
}

/// A payload that is an object, in which none of these keys comes twice.
fn object<'a>(payload: Option<&'a RawValue>, keys: &[&str]) -> Option<Pairs<'a>> {
    let pairs: Pairs<'a> = serde_json::from_str(payload?.get()).ok()?;
    (!pairs.repeat(keys)).then_some(pairs)
}

/// An object as it is written: each key as often as it comes.
struct Pairs<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Pairs<'a> {
    fn get(&self, key: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| *value)
    }

    fn repeat(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.0.iter().filter(|(name, _)| name == key).count() > 1)
    }
}

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}
