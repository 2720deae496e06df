//! What else is known of a client: the claims of a token, or those that a hook gave. They are kept as
//! text, and read when a pattern first asks for one.

use serde_json::Value;
use std::borrow::Cow;
use std::cell::OnceCell;

/// Values of a claim that is an array which are looked at.
const MAX_VALUES: usize = 1000;

/// A JSON object, read once however often it is asked.
#[derive(Clone, Debug, Default)]
pub struct Claims<'a> {
    text: Option<&'a str>,
    read: OnceCell<Value>,
}

impl<'a> Claims<'a> {
    #[must_use]
    pub fn new(text: Option<&'a str>) -> Self {
        Self { text, read: OnceCell::new() }
    }

    /// The texts that the claim of this path stands for: of an array, those of its strings and numbers.
    pub(super) fn texts(&self, path: &str) -> Vec<Cow<'_, str>> {
        let claims = self.read.get_or_init(|| {
            self.text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
        });
        match find(claims, path) {
            Some(Value::Array(values)) => values.iter().take(MAX_VALUES).filter_map(text).collect(),
            Some(value) => text(value).into_iter().collect(),
            None => Vec::new(),
        }
    }
}

/// What the keys of a path, with dots between, lead to. A key may have dots itself, as the URLs that
/// claims are named by: of the keys that the path could begin with, the longest counts.
fn find<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    let keys = value.as_object()?;
    if let Some(found) = keys.get(path) {
        return Some(found);
    }
    let (found, rest) = path
        .rmatch_indices('.')
        .find_map(|(dot, _)| keys.get(&path[..dot]).map(|found| (found, &path[dot + 1..])))?;
    find(found, rest)
}

fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) if !text.is_empty() => Some(Cow::Borrowed(text)),
        Value::Number(number) if number.is_f64() => {
            // As JavaScript writes it.
            let number = number.as_f64()?;
            Some(Cow::Owned(ryu_js::Buffer::new().format(number).to_owned()))
        }
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_key_that_a_path_begins_with_counts() {
        let claims = Claims::new(Some(
            r#"{"https://ex.com/team":"red","a":{"b":"inner","c":"deep","d.e":"dots"},"a.b":"whole",
                "x":{"y":{"z":"short"}},"x.y":{"w":"long"},"https://ex.com/o":{"id":7}}"#,
        ));
        for (path, expected) in [
            ("https://ex.com/team", Some("red")),
            ("https://ex.com/o.id", Some("7")),
            ("a.b", Some("whole")),
            ("a.c", Some("deep")),
            ("a.d.e", Some("dots")),
            ("x.y.w", Some("long")),
            // `x.y` is a key, and has no `z`.
            ("x.y.z", None),
            ("https://ex.com/none", None),
            ("a.c.more", None),
        ] {
            assert_eq!(claims.texts(path).first().map(|it| &**it), expected, "{path}");
        }
    }

    #[test]
    fn what_is_no_object_has_nothing() {
        for text in [None, Some("null"), Some("[1]"), Some("no JSON")] {
            assert!(Claims::new(text).texts("0").is_empty(), "{text:?}");
        }
    }
}
