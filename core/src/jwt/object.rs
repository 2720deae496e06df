//! A JSON object read for the sake of some of its members: a token's header or payload.

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// The members of an object, none of them twice: whoever reads a name twice may read another value
/// than we do (RFC 7519, section 4). They are sorted by name.
#[derive(Debug)]
pub(super) struct Object<'a>(Vec<(Name<'a>, &'a RawValue)>);

/// Borrowed where the text has no escapes.
type Name<'a> = Cow<'a, str>;

impl<'a> Object<'a> {
    /// Reads a text that must be one object.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The member of this name.
    pub(super) fn get(&self, name: &str) -> Option<&'a RawValue> {
        let found = self.0.binary_search_by(|(one, _)| (**one).cmp(name)).ok()?;
        Some(self.0[found].1)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Vec<(Name<'de>, &'de RawValue)>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut members = Vec::with_capacity(8);
                while let Some((BorrowedName(name), value)) = map.next_entry()? {
                    members.push((name, value));
                }
                members.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
                if members.windows(2).any(|pair| pair[0].0 == pair[1].0) {
                    return Err(M::Error::custom("a name twice"));
                }
                Ok(members)
            }
        }

        from.deserialize_map(Members).map(Object)
    }
}

/// A `Cow` in a tuple is not borrowed by serde on its own.
#[derive(Deserialize)]
struct BorrowedName<'a>(#[serde(borrow)] Name<'a>);

/// A string, without its escapes.
pub(super) fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    serde_json::from_str::<BorrowedName<'_>>(raw.get()).ok().map(|BorrowedName(text)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_by_name() {
        let object = Object::parse(r#" {"b":1,"a":[2,{"a":3}],"\u0063":"x\ny"} "#).unwrap();
        assert_eq!(object.get("a").unwrap().get(), r#"[2,{"a":3}]"#);
        assert_eq!(object.get("b").unwrap().get(), "1");
        assert_eq!(string(object.get("c").unwrap()).unwrap(), "x\ny");
        assert!(object.get("d").is_none());
        assert!(string(object.get("b").unwrap()).is_none());
    }

    #[test]
    fn names_that_come_twice_are_refused_however_they_are_written() {
        for text in [r#"{"a":1,"a":1}"#, r#"{"a":1,"b":2,"\u0061":3}"#] {
            assert!(Object::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn only_one_object_is_an_object() {
        for text in ["", "null", "[]", "[{}]", "\"{}\"", "{} {}", "{", "{\"a\":}", "{'a':1}"] {
            assert!(Object::parse(text).is_none(), "{text}");
        }
    }
}
