//! Patterns of names that a client may go to: literal text, `*` for any characters, and
//! `{userId}`, `{sessionId}` and `{claims.path}` for what is known of the client.
//!
//! What is known is compared as text and never read as a pattern. A name is matched by the set of
//! the places that the pattern's pieces can reach in it, one piece after the other: the work is
//! bounded by pieces times length, whatever the pattern.

use serde_json::Value;
use std::borrow::Cow;

use super::Action;

/// Bytes of a pattern at most.
const MAX_PATTERN: usize = 1024;
/// Values of a claim that is an array which are looked at.
const MAX_VALUES: usize = 1000;
/// Placeholders in one pattern: with the values of arrays they make most of the work.
const MAX_PLACEHOLDERS: usize = 8;

/// Where clients may go, by action.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patterns {
    pub subscribe: Vec<Pattern>,
    pub join_room: Vec<Pattern>,
}

/// What is known of a client.
#[derive(Clone, Copy, Debug, Default)]
pub struct Subject<'a> {
    pub user: Option<&'a str>,
    pub session: Option<&'a str>,
    /// A JSON object.
    pub claims: Option<&'a str>,
}

impl Patterns {
    /// Whether one of the action's patterns matches. Without any, nothing is allowed.
    #[must_use]
    pub fn allow(&self, action: Action, name: &str, subject: &Subject<'_>) -> bool {
        let patterns = match action {
            Action::Subscribe => &self.subscribe,
            Action::JoinRoom => &self.join_room,
        };
        // Read when the first pattern needs them, and once.
        let mut claims = None;
        patterns.iter().any(|pattern| pattern.matches(name, subject, &mut claims))
    }
}

/// One pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(Box<str>),
    Any,
    User,
    Session,
    /// The keys that lead to it.
    Claim(Box<[Box<str>]>),
}

impl Pattern {
    /// Reads a pattern; nothing where a placeholder is unknown or not closed, or limits are passed.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() || text.len() > MAX_PATTERN {
            return None;
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let literal = rest.find(['*', '{', '}']).unwrap_or(rest.len());
            if literal > 0 {
                pieces.push(Piece::Literal(rest[..literal].into()));
                rest = &rest[literal..];
            } else if let Some(after) = rest.strip_prefix('*') {
                if pieces.last() != Some(&Piece::Any) {
                    pieces.push(Piece::Any);
                }
                rest = after;
            } else {
                let (name, after) = rest.strip_prefix('{')?.split_once('}')?;
                pieces.push(placeholder(name)?);
                rest = after;
            }
        }
        let fixed = |piece: &&Piece| matches!(piece, Piece::Literal(_) | Piece::Any);
        let placeholders = pieces.len() - pieces.iter().filter(fixed).count();
        (placeholders <= MAX_PLACEHOLDERS).then_some(Self(pieces))
    }

    fn matches(&self, name: &str, subject: &Subject<'_>, claims: &mut Option<Value>) -> bool {
        let name = name.as_bytes();
        let mut places = vec![false; name.len() + 1];
        places[0] = true;
        for piece in &self.0 {
            places = match piece {
                Piece::Any => {
                    let first = places.iter().position(|&reached| reached).unwrap_or(name.len());
                    (0..=name.len()).map(|place| place >= first).collect()
                }
                Piece::Literal(text) => advance(&places, name, &[Cow::Borrowed(text)]),
                Piece::User => advance(&places, name, &known(subject.user)),
                Piece::Session => advance(&places, name, &known(subject.session)),
                Piece::Claim(path) => {
                    let claims = claims.get_or_insert_with(|| {
                        let text = subject.claims.unwrap_or("null");
                        serde_json::from_str(text).unwrap_or(Value::Null)
                    });
                    advance(&places, name, &values(claims, path))
                }
            };
            if !places.contains(&true) {
                return false;
            }
        }
        places[name.len()]
    }
}

fn placeholder(name: &str) -> Option<Piece> {
    match name {
        "userId" => Some(Piece::User),
        "sessionId" => Some(Piece::Session),
        _ => {
            let path: Box<[Box<str>]> =
                name.strip_prefix("claims.")?.split('.').map(Into::into).collect();
            path.iter().all(|key| !key.is_empty()).then_some(Piece::Claim(path))
        }
    }
}

/// The places behind one of the texts, from each place that is reached.
fn advance(places: &[bool], name: &[u8], texts: &[Cow<'_, str>]) -> Vec<bool> {
    let mut next = vec![false; places.len()];
    for place in places.iter().enumerate().filter_map(|(place, &reached)| reached.then_some(place))
    {
        for text in texts {
            if name[place..].starts_with(text.as_bytes()) {
                next[place + text.len()] = true;
            }
        }
    }
    next
}

/// What is not known, or empty, matches nothing.
fn known(text: Option<&str>) -> Vec<Cow<'_, str>> {
    text.filter(|text| !text.is_empty()).map(Cow::Borrowed).into_iter().collect()
}

/// The texts that a claim stands for: of an array, those of its strings and numbers.
fn values<'a>(claims: &'a Value, path: &[Box<str>]) -> Vec<Cow<'a, str>> {
    let found = path.iter().try_fold(claims, |value, key| value.get(&**key));
    match found {
        Some(Value::Array(values)) => values.iter().take(MAX_VALUES).filter_map(text).collect(),
        Some(value) => text(value).into_iter().collect(),
        None => Vec::new(),
    }
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
    use proptest::prelude::*;
    use std::time::{Duration, Instant};

    const CLAIMS: &str = r#"{"team":"red","ids":[7,"x*",null,{},""],"deep":{"er":1.5},"none":null,
        "yes":true,"empty":"","object":{},"big":12345678901234567890}"#;

    fn matches(pattern: &str, name: &str) -> bool {
        let subject = Subject { user: Some("u.1"), session: None, claims: Some(CLAIMS) };
        Pattern::parse(pattern).expect("a pattern").matches(name, &subject, &mut None)
    }

    #[test]
    fn patterns_and_names() {
        for (pattern, name, expected) in [
            ("public", "public", true),
            ("public", "public2", false),
            ("public", "publi", false),
            ("public:*", "public:", true),
            ("public:*", "public:a:b", true),
            ("public:*", "xpublic:a", false),
            ("*", "anything", true),
            ("*:end", "a:end:end", true),
            ("a*b*c", "a--b--c", true),
            ("a*b*c", "a--c--b", false),
            ("user:{userId}:*", "user:u.1:inbox", true),
            ("user:{userId}:*", "user:ux1:inbox", false),
            ("user:{userId}:*", "user:u.12:inbox", false),
            ("s:{sessionId}", "s:", false),
            ("s:{sessionId}*", "s:x", false),
            ("team_{claims.team}", "team_red", true),
            ("team_{claims.team}", "team_blue", false),
            ("{claims.ids}", "7", true),
            ("{claims.ids}", "x*", true),
            ("{claims.ids}", "xy", false),
            ("{claims.ids}", "null", false),
            ("{claims.ids}{claims.ids}", "7x*", true),
            ("{claims.deep.er}", "1.5", true),
            ("{claims.big}", "12345678901234567890", true),
            ("a{claims.none}", "a", false),
            ("a{claims.missing}*", "a", false),
            ("a{claims.team.missing}*", "a", false),
            ("a{claims.yes}", "atrue", false),
            ("a{claims.empty}", "a", false),
            ("a{claims.object}", "a", false),
            ("é*", "éé", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} and {name}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        let long = "x".repeat(MAX_PATTERN + 1);
        let many = "{userId}".repeat(MAX_PLACEHOLDERS + 1);
        for text in [
            "",
            "{",
            "}",
            "{}",
            "a}",
            "{user}",
            "{userId",
            "{claims}",
            "{claims.}",
            "{claims.a..b}",
            "{{userId}}",
            &long,
            &many,
        ] {
            assert_eq!(Pattern::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_action_without_patterns_is_denied() {
        let patterns =
            Patterns { subscribe: vec![Pattern::parse("*").unwrap()], join_room: Vec::new() };
        assert!(patterns.allow(Action::Subscribe, "a", &Subject::default()));
        assert!(!patterns.allow(Action::JoinRoom, "a", &Subject::default()));
    }

    #[test]
    fn the_work_is_bounded() {
        let ids: Vec<String> = (0..2000).map(|n| "a".repeat(n % 300)).collect();
        let claims = serde_json::json!({ "ids": ids }).to_string();
        let subject = Subject { claims: Some(&claims), ..Subject::default() };
        let pattern = format!("{}b", "*{claims.ids}".repeat(MAX_PLACEHOLDERS));
        let began = Instant::now();
        let pattern = Pattern::parse(&pattern).unwrap();
        assert!(!pattern.matches(&"a".repeat(256), &subject, &mut None));
        let stars = Pattern::parse(&format!("{}b", "*a".repeat(500))).unwrap();
        assert!(!stars.matches(&"a".repeat(256), &subject, &mut None));
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    }

    /// Says the same by trying every length of a star, for names that are short enough.
    fn by_trial(pieces: &[Piece], name: &str, user: Option<&str>, ids: &[&str]) -> bool {
        let Some((piece, rest)) = pieces.split_first() else {
            return name.is_empty();
        };
        let behind = |text: &str| {
            name.strip_prefix(text).is_some_and(|name| by_trial(rest, name, user, ids))
        };
        match piece {
            Piece::Literal(text) => behind(text),
            Piece::Any => (0..=name.len()).any(|at| by_trial(rest, &name[at..], user, ids)),
            Piece::User => user.is_some_and(behind),
            Piece::Session => false,
            Piece::Claim(_) => ids.iter().any(|id| !id.is_empty() && behind(id)),
        }
    }

    proptest! {
        #[test]
        fn matching_is_what_trying_everything_says(
            pieces in prop::collection::vec(
                prop::sample::select(vec!["a", "b", "*", "{userId}", "{sessionId}", "{claims.ids}"]),
                1..8,
            ),
            name in "[ab*]{0,8}",
            user in prop::option::of("[ab*]{1,2}"),
            ids in prop::collection::vec("[ab*]{0,3}", 0..4),
        ) {
            let pattern = Pattern::parse(&pieces.concat()).unwrap();
            let claims = serde_json::json!({ "ids": ids }).to_string();
            let subject = Subject { user: user.as_deref(), session: None, claims: Some(&claims) };
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            let expected = by_trial(&pattern.0, &name, user.as_deref(), &ids);
            prop_assert_eq!(pattern.matches(&name, &subject, &mut None), expected);
        }

        #[test]
        fn any_pattern_is_survived(pattern in ".{0,30}", name in ".{0,30}", claims in ".{0,30}") {
            if let Some(pattern) = Pattern::parse(&pattern) {
                let subject = Subject { user: Some(&name), session: None, claims: Some(&claims) };
                pattern.matches(&name, &subject, &mut None);
            }
        }
    }
}
