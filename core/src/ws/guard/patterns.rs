//! Patterns of names that a client may go to: literal text, `*` for any characters, and
//! `{userId}`, `{sessionId}` and `{claims.path}` for what is known of the client.
//!
//! What is known is compared as text and never read as a pattern. It is put in once for all the names that
//! are asked for. A name is matched by the set of the places that the pattern's pieces can reach in it, one
//! piece after the other, and from a place with one walk along the name for all values of a claim: there is no
//! trying again, whatever the pattern.

use std::borrow::Cow;
use std::cell::OnceCell;

use super::claims::Claims;
use super::{Action, Identity};

/// Bytes of a pattern at most.
const MAX_PATTERN: usize = 1024;
/// Placeholders in one pattern: with the values of arrays they make most of the work.
const MAX_PLACEHOLDERS: usize = 8;

/// Where clients may go, by action.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patterns {
    pub subscribe: Vec<Pattern>,
    pub join_room: Vec<Pattern>,
}

/// What is known of a client.
#[derive(Clone, Debug, Default)]
pub struct Subject<'a> {
    pub user: Option<&'a str>,
    pub session: Option<&'a str>,
    pub claims: Claims<'a>,
}

impl<'a> From<&'a Identity> for Subject<'a> {
    fn from(identity: &'a Identity) -> Self {
        Self {
            user: Some(&identity.user),
            session: identity.session.as_deref(),
            claims: Claims::new(identity.claims.as_deref()),
        }
    }
}

impl Patterns {
    /// Where this client may go.
    #[must_use]
    pub fn of<'s>(&'s self, subject: &'s Subject<'s>) -> Permissions<'s> {
        let filled = |patterns: &'s [Pattern]| {
            patterns.iter().map(|it| Filled::of(it, subject)).collect::<Vec<_>>()
        };
        Permissions { subscribe: filled(&self.subscribe), join_room: filled(&self.join_room) }
    }
}

/// Where one client may go.
#[derive(Debug)]
pub struct Permissions<'s> {
    subscribe: Vec<Filled<'s>>,
    join_room: Vec<Filled<'s>>,
}

impl Permissions<'_> {
    /// Whether one of the action's patterns matches. Without any, nothing is allowed.
    #[must_use]
    pub fn allow(&self, action: Action, name: &str) -> bool {
        let patterns = match action {
            Action::Subscribe => &self.subscribe,
            Action::JoinRoom => &self.join_room,
        };
        patterns.iter().any(|pattern| pattern.matches(name))
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
    /// The keys that lead to it, with dots between.
    Claim(Box<str>),
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
}

fn placeholder(name: &str) -> Option<Piece> {
    match name {
        "userId" => Some(Piece::User),
        "sessionId" => Some(Piece::Session),
        _ => {
            let path = name.strip_prefix("claims.")?;
            path.split('.').all(|key| !key.is_empty()).then(|| Piece::Claim(path.into()))
        }
    }
}

/// A pattern with what is known of one client, which is put in when the first name is compared.
#[derive(Debug)]
struct Filled<'s> {
    pattern: &'s Pattern,
    subject: &'s Subject<'s>,
    steps: OnceCell<Vec<Step<'s>>>,
}

#[derive(Debug)]
enum Step<'s> {
    Any,
    /// One of these, in the order of their bytes.
    Text(Vec<Cow<'s, str>>),
}

impl<'s> Filled<'s> {
    fn of(pattern: &'s Pattern, subject: &'s Subject<'s>) -> Self {
        Self { pattern, subject, steps: OnceCell::new() }
    }

    fn step(&self, piece: &'s Piece) -> Step<'s> {
        match piece {
            Piece::Any => Step::Any,
            Piece::Literal(text) => Step::Text(vec![Cow::Borrowed(text)]),
            Piece::User => Step::Text(known(self.subject.user)),
            Piece::Session => Step::Text(known(self.subject.session)),
            Piece::Claim(path) => {
                let mut texts = self.subject.claims.texts(path);
                texts.sort_unstable();
                texts.dedup();
                Step::Text(texts)
            }
        }
    }

    fn matches(&self, name: &str) -> bool {
        let name = name.as_bytes();
        let mut places = vec![false; name.len() + 1];
        places[0] = true;
        let steps =
            self.steps.get_or_init(|| self.pattern.0.iter().map(|it| self.step(it)).collect());
        for step in steps {
            places = match step {
                Step::Any => {
                    let first = places.iter().position(|&reached| reached).unwrap_or(name.len());
                    (0..=name.len()).map(|place| place >= first).collect()
                }
                Step::Text(texts) => advance(&places, name, texts),
            };
            if !places.contains(&true) {
                return false;
            }
        }
        places[name.len()]
    }
}

/// The places behind one of the texts, from each place that is reached.
fn advance(places: &[bool], name: &[u8], texts: &[Cow<'_, str>]) -> Vec<bool> {
    let mut next = vec![false; places.len()];
    for place in places.iter().enumerate().filter_map(|(place, &reached)| reached.then_some(place))
    {
        each_start(&name[place..], texts, |length| next[place + length] = true);
    }
    next
}

/// Calls `each` with the lengths of the texts that a name starts with. They are sorted and each comes once, so
/// that those which agree with the name so far lie side by side.
fn each_start(name: &[u8], texts: &[Cow<'_, str>], mut each: impl FnMut(usize)) {
    let mut agree = texts;
    for depth in 0..=name.len() {
        if let [text] = agree {
            if name.starts_with(text.as_bytes()) {
                each(text.len());
            }
            return;
        }
        if agree.first().is_some_and(|text| text.len() == depth) {
            each(depth);
            agree = &agree[1..];
        }
        let Some(&byte) = name.get(depth) else {
            return;
        };
        // Most often all of them agree on, and nothing has to be searched.
        let at = |text: &Cow<'_, str>| text.as_bytes()[depth];
        if agree.first().is_some_and(|text| at(text) != byte) {
            agree = &agree[agree.partition_point(|text| at(text) < byte)..];
        }
        if agree.last().is_some_and(|text| at(text) != byte) {
            agree = &agree[..agree.partition_point(|text| at(text) == byte)];
        }
        if agree.is_empty() {
            return;
        }
    }
}

/// What is not known, or empty, matches nothing.
fn known(text: Option<&str>) -> Vec<Cow<'_, str>> {
    text.filter(|text| !text.is_empty()).map(Cow::Borrowed).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::{Duration, Instant};

    const CLAIMS: &str = r#"{"team":"red","ids":[7,"x*",null,{},""],"deep":{"er":1.5},"none":null,
        "yes":true,"empty":"","object":{},"big":12345678901234567890,
        "https://ex.com/team":"blue","alike":["ab","a","abc","a","b"]}"#;

    fn matches(pattern: &str, name: &str) -> bool {
        let claims = Claims::new(Some(CLAIMS));
        let subject = Subject { user: Some("u.1"), session: None, claims };
        let pattern = Pattern::parse(pattern).expect("a pattern");
        Filled::of(&pattern, &subject).matches(name)
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
            ("t:{claims.https://ex.com/team}", "t:blue", true),
            ("t:{claims.https://ex.com/team}", "t:red", false),
            ("{claims.alike}", "a", true),
            ("{claims.alike}", "ab", true),
            ("{claims.alike}", "abc", true),
            ("{claims.alike}", "abcd", false),
            ("{claims.alike}c", "abc", true),
            ("{claims.alike}{claims.alike}", "abcb", true),
            ("{claims.alike}{claims.alike}", "abcd", false),
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
        let subject = Subject::default();
        let permissions = patterns.of(&subject);
        assert!(permissions.allow(Action::Subscribe, "a"));
        assert!(!permissions.allow(Action::JoinRoom, "a"));
    }

    #[test]
    fn claims_are_read_once_and_only_for_a_pattern_that_asks() {
        let patterns = Patterns {
            subscribe: ["public", "{claims.team}"].map(|it| Pattern::parse(it).unwrap()).to_vec(),
            join_room: Vec::new(),
        };
        let subject = Subject { claims: Claims::new(Some(CLAIMS)), ..Subject::default() };
        let permissions = patterns.of(&subject);
        let of_claims = || permissions.subscribe[1].steps.get().map(Vec::as_ptr);
        assert!(permissions.allow(Action::Subscribe, "public"));
        assert_eq!(of_claims(), None);
        assert!(permissions.allow(Action::Subscribe, "red"));
        let first = of_claims();
        assert!(!permissions.allow(Action::Subscribe, "blue"));
        assert!(first.is_some() && of_claims() == first);
    }

    #[test]
    fn the_work_is_bounded() {
        let ids: Vec<String> = (0..2000).map(|n| "a".repeat(n % 300)).collect();
        let claims = serde_json::json!({ "ids": ids }).to_string();
        let subject = Subject { claims: Claims::new(Some(&claims)), ..Subject::default() };
        let pattern = format!("{}b", "*{claims.ids}".repeat(MAX_PLACEHOLDERS));
        let began = Instant::now();
        let pattern = Pattern::parse(&pattern).unwrap();
        assert!(!Filled::of(&pattern, &subject).matches(&"a".repeat(256)));
        let stars = Pattern::parse(&format!("{}b", "*a".repeat(500))).unwrap();
        assert!(!Filled::of(&stars, &subject).matches(&"a".repeat(256)));
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
            let claims = Claims::new(Some(&claims));
            let subject = Subject { user: user.as_deref(), session: None, claims };
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            let expected = by_trial(&pattern.0, &name, user.as_deref(), &ids);
            prop_assert_eq!(Filled::of(&pattern, &subject).matches(&name), expected);
        }

        #[test]
        fn any_pattern_is_survived(pattern in ".{0,30}", name in ".{0,30}", claims in ".{0,30}") {
            if let Some(pattern) = Pattern::parse(&pattern) {
                let claims = Claims::new(Some(&claims));
                let subject = Subject { user: Some(&name), session: None, claims };
                Filled::of(&pattern, &subject).matches(&name);
            }
        }
    }
}
