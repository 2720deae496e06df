//! Where the request of a handshake may carry a token.

use crate::ws::handshake::Request;
use crate::ws::message::Token;

use super::MAX_TOKEN;

/// The subprotocol that says that the next entry of the list is a token.
pub const BEARER: &str = "bearer";

/// A place in the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenSource {
    /// `Authorization: Bearer <token>` (RFC 6750, section 2.1).
    Header,
    /// `Sec-WebSocket-Protocol: bearer, <token>`, for browsers, which can set no other header.
    Subprotocol,
    /// A cookie of this name (RFC 6265, section 4.2).
    Cookie(Box<str>),
    /// A parameter of the query.
    Query(Box<str>),
}

impl TokenSource {
    /// Reads `header`, `subprotocol`, `cookie:NAME` or `query:NAME`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "header" => Some(Self::Header),
            "subprotocol" => Some(Self::Subprotocol),
            _ => {
                let (place, name) = text.split_once(':')?;
                if name.is_empty() {
                    return None;
                }
                match place {
                    "cookie" => Some(Self::Cookie(name.into())),
                    "query" => Some(Self::Query(name.into())),
                    _ => None,
                }
            }
        }
    }

    fn find(&self, request: &Request) -> Option<String> {
        match self {
            Self::Header => values(request, "authorization").find_map(|value| {
                let (scheme, token) = value.split_once(' ')?;
                scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
            }),
            Self::Subprotocol => request.bearer.clone(),
            Self::Cookie(name) => {
                let pairs = values(request, "cookie").flat_map(|value| value.split(';'));
                let pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
                let value =
                    pairs.filter(|(key, _)| *key == &**name).map(|(_, value)| value).next()?;
                let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
                Some(quoted.unwrap_or(value).to_owned())
            }
            Self::Query(name) => {
                let query = request.url.split_once('?')?.1;
                let query = query.split_once('#').map_or(query, |(query, _)| query);
                let mut pairs =
                    query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
                let wanted = |(key, _): &(&str, &str)| decoded(key).as_deref() == Some(&**name);
                pairs.find(wanted).and_then(|(_, value)| decoded(value))
            }
        }
    }
}

/// The token that a request carries, by the first of these places that has one.
#[must_use]
pub fn token_of(sources: &[TokenSource], request: &Request) -> Token<'static> {
    match sources.iter().find_map(|source| source.find(request).filter(|it| !it.is_empty())) {
        None => Token::Absent,
        Some(token) if token.len() > MAX_TOKEN => Token::Unusable,
        Some(token) => Token::Given(token.into()),
    }
}

fn values<'a>(request: &'a Request, name: &str) -> impl Iterator<Item = &'a str> {
    request.headers.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// Text of a query as `URLSearchParams` reads it; nothing where it is no UTF-8.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => match after.first_chunk().and_then(hex) {
                Some(byte) => {
                    bytes.push(byte);
                    rest = &after[2..];
                }
                None => bytes.push(b'%'),
            },
            _ => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}

fn hex(digits: &[u8; 2]) -> Option<u8> {
    let digit = |digit: u8| char::from(digit).to_digit(16);
    u8::try_from(digit(digits[0])? * 16 + digit(digits[1])?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn request(url: &str, headers: &[(&str, &str)]) -> Request {
        let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        Request {
            url: url.into(),
            headers: headers.collect(),
            key: String::new(),
            protocols: Vec::new(),
            bearer: None,
            deflate: None,
        }
    }

    fn found(source: &str, request: &Request) -> Option<String> {
        token_of(&[TokenSource::parse(source).unwrap()], request).into_text()
    }

    #[test]
    fn places_have_names() {
        for wrong in ["", "Header", "cookie", "cookie:", "query:", "body:x", "header:x"] {
            assert_eq!(TokenSource::parse(wrong), None, "{wrong}");
        }
        let cookie = TokenSource::Cookie("a:b".into());
        assert_eq!(TokenSource::parse("cookie:a:b"), Some(cookie));
    }

    #[test]
    fn tokens_are_found_where_they_may_be() {
        let header = |value| request("/ws", &[("authorization", value)]);
        assert_eq!(found("header", &header("Bearer a.b-c")).as_deref(), Some("a.b-c"));
        assert_eq!(found("header", &header("bearer  x ")).as_deref(), Some("x"));
        assert_eq!(found("header", &header("Basic eDp5")), None);
        assert_eq!(found("header", &header("Bearer")), None);
        assert_eq!(found("header", &header("Bearer ")), None);

        let cookie = |value| request("/ws", &[("cookie", "a=1"), ("cookie", value)]);
        assert_eq!(found("cookie:sid", &cookie("b=2; sid=x=y")).as_deref(), Some("x=y"));
        assert_eq!(found("cookie:sid", &cookie("sid=\"quoted\"")).as_deref(), Some("quoted"));
        assert_eq!(found("cookie:sid", &cookie("xsid=1; SID=2; sid=")), None);
        assert_eq!(found("cookie:a", &cookie("a=2")).as_deref(), Some("1"));

        let query = |query: &str| request(&format!("/ws{query}"), &[]);
        assert_eq!(found("query:t", &query("?a=b&t=x%2Ey+z%zz")).as_deref(), Some("x.y z%zz"));
        assert_eq!(found("query:t", &query("?t=x#&t=y")).as_deref(), Some("x"));
        for none in ["", "?", "?t", "?t=", "?tt=x", "?t=%ff"] {
            assert_eq!(found("query:t", &query(none)), None, "{none}");
        }
    }

    #[test]
    fn the_first_place_that_has_one_counts() {
        let request = request("/ws?t=query", &[("authorization", "Bearer header")]);
        let sources = ["cookie:t", "query:t", "header"];
        let sources: Vec<_> = sources.iter().filter_map(|it| TokenSource::parse(it)).collect();
        assert_eq!(token_of(&sources, &request), Token::Given("query".into()));
        assert_eq!(token_of(&[], &request), Token::Absent);
    }

    #[test]
    fn a_token_that_is_too_long_is_none_that_could_be_right() {
        let query = |length| request(&format!("/ws?t={}", "x".repeat(length)), &[]);
        assert_eq!(found("query:t", &query(MAX_TOKEN)).map(|token| token.len()), Some(MAX_TOKEN));
        let sources = [TokenSource::Query("t".into())];
        assert_eq!(token_of(&sources, &query(MAX_TOKEN + 1)), Token::Unusable);
    }

    proptest! {
        #[test]
        fn any_request_is_survived(url in ".{0,40}", value in ".{0,40}") {
            let headers = [("cookie", &*value), ("authorization", &*value)];
            let request = request(&url, &headers);
            for source in ["header", "cookie:a", "query:a", "subprotocol"] {
                let _ = found(source, &request);
            }
        }
    }
}
