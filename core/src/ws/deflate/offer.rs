//! The negotiation of permessage-deflate (RFC 7692, section 7.1): from the client's offers to what
//! the server agrees to.

use std::borrow::Cow;
use std::fmt;

use super::Window;

/// The first offer that the server can accept, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// The window that the client inflates with.
    pub window: Window,
    /// Whether the client asked for this window, and so has to be told.
    limited: bool,
}

/// The header is not in the form of RFC 6455, section 9.1. The handshake fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// What stands in `Sec-WebSocket-Extensions` of the response.
impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("permessage-deflate; server_no_context_takeover; client_no_context_takeover")?;
        if self.limited {
            write!(f, "; server_max_window_bits={}", self.window.bits())?;
        }
        Ok(())
    }
}

/// Chooses among all offers of a request, in the client's order; each value is one line of
/// `Sec-WebSocket-Extensions`. Offers with parameters that RFC 7692 does not allow are declined,
/// as are other extensions.
///
/// # Errors
/// When a line breaks the header's grammar, wherever it does.
pub fn negotiate<'a>(
    lines: impl Iterator<Item = &'a [u8]>,
) -> Result<Option<Agreement>, Malformed> {
    let mut agreement = None;
    for line in lines {
        for offer in line.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
            // A list may have empty entries (RFC 9110, section 5.6.1).
            if offer.is_empty() {
                continue;
            }
            let judged = judge(offer)?;
            agreement = agreement.or(judged);
        }
    }
    Ok(agreement)
}

/// Whether this offer can be accepted. Values cannot hold a comma or a semicolon, even in quotes,
/// since what is quoted must be a token.
fn judge(offer: &[u8]) -> Result<Option<Agreement>, Malformed> {
    let mut parts = offer.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
    let name = parts.next().filter(|name| is_token(name)).ok_or(Malformed)?;
    let mut parameters = Parameters::default();
    let mut legal = name == b"permessage-deflate";
    for part in parts {
        let (name, value) = parameter(part)?;
        legal = legal && parameters.take(name, value.as_deref()).is_some();
    }
    let window = parameters.server_max_window_bits;
    Ok(legal.then(|| Agreement {
        window: window.unwrap_or(Window::LARGEST),
        limited: window.is_some(),
    }))
}

/// The parameters of an offer so far.
#[derive(Default)]
struct Parameters {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<Window>,
    client_max_window_bits: bool,
}

impl Parameters {
    /// None for a parameter that is unknown, comes twice, or has a wrong value.
    fn take(&mut self, name: &[u8], value: Option<&[u8]>) -> Option<()> {
        let twice = match (name, value) {
            (b"server_no_context_takeover", None) => {
                std::mem::replace(&mut self.server_no_context_takeover, true)
            }
            (b"client_no_context_takeover", None) => {
                std::mem::replace(&mut self.client_no_context_takeover, true)
            }
            (b"server_max_window_bits", Some(bits)) => {
                self.server_max_window_bits.replace(window(bits)?).is_some()
            }
            // That the client can limit its window, and to what it will: our inflaters have the
            // largest one anyway.
            (b"client_max_window_bits", bits) => {
                if let Some(bits) = bits {
                    window(bits)?;
                }
                std::mem::replace(&mut self.client_max_window_bits, true)
            }
            _ => return None,
        };
        (!twice).then_some(())
    }
}

/// 8 to 15, in decimal without leading zeros.
fn window(bits: &[u8]) -> Option<Window> {
    match bits {
        [digit @ (b'8' | b'9')] => Some(Window(digit - b'0')),
        [b'1', digit @ b'0'..=b'5'] => Some(Window(10 + digit - b'0')),
        _ => None,
    }
}

/// A name and what it is given.
type Parameter<'a> = (&'a [u8], Option<Cow<'a, [u8]>>);

fn parameter(part: &[u8]) -> Result<Parameter<'_>, Malformed> {
    let mut halves = part.splitn(2, |&byte| byte == b'=').map(<[u8]>::trim_ascii);
    let name = halves.next().filter(|name| is_token(name)).ok_or(Malformed)?;
    let value = halves.next().map(|value| match value {
        [b'"', quoted @ .., b'"'] => unescape(quoted),
        value => value.into(),
    });
    if value.as_ref().is_some_and(|value| !is_token(value)) {
        return Err(Malformed);
    }
    Ok((name, value))
}

/// Takes the backslashes of a quoted string off (RFC 9110, section 5.6.4).
fn unescape(quoted: &[u8]) -> Cow<'_, [u8]> {
    if !quoted.contains(&b'\\') {
        return quoted.into();
    }
    let mut bytes = quoted.iter().copied();
    let mut value = Vec::with_capacity(quoted.len());
    while let Some(byte) = bytes.next() {
        // One at the end escapes nothing, and is no token either.
        value.push(if byte == b'\\' { bytes.next().unwrap_or(byte) } else { byte });
    }
    value.into()
}

/// Whether this is a token of RFC 9110 (section 5.6.2).
pub(in crate::ws) fn is_token(text: &[u8]) -> bool {
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !text.is_empty() && text.iter().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLAIN: &str =
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

    fn answer(lines: &[&str]) -> Result<Option<String>, Malformed> {
        let agreement = negotiate(lines.iter().map(|line| line.as_bytes()))?;
        Ok(agreement.map(|agreement| agreement.to_string()))
    }

    #[test]
    fn offers_that_are_accepted() {
        let limited = |bits| format!("{PLAIN}; server_max_window_bits={bits}");
        let cases = [
            ("permessage-deflate", PLAIN.to_owned()),
            // What browsers send.
            ("permessage-deflate; client_max_window_bits", PLAIN.to_owned()),
            ("permessage-deflate; client_max_window_bits=8", PLAIN.to_owned()),
            ("permessage-deflate;server_no_context_takeover", PLAIN.to_owned()),
            ("permessage-deflate; client_no_context_takeover", PLAIN.to_owned()),
            ("permessage-deflate; server_max_window_bits=8", limited(8)),
            ("permessage-deflate; server_max_window_bits = \"10\"", limited(10)),
            ("permessage-deflate; server_max_window_bits=\"1\\0\"", limited(10)),
            ("permessage-deflate; server_max_window_bits=15; client_max_window_bits", limited(15)),
            (" , x-webkit-deflate-frame, permessage-deflate,", PLAIN.to_owned()),
            ("bbf-usp; foo=\"bar\", permessage-deflate", PLAIN.to_owned()),
        ];
        for (offer, expected) in cases {
            assert_eq!(answer(&[offer]), Ok(Some(expected)), "{offer}");
        }
    }

    #[test]
    fn offers_that_are_declined() {
        for offer in [
            "",
            "permessage-bzip2",
            "permessage-deflate; unknown",
            "permessage-deflate; server_no_context_takeover=true",
            "permessage-deflate; client_no_context_takeover=1",
            "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
            "permessage-deflate; server_max_window_bits",
            "permessage-deflate; server_max_window_bits=7",
            "permessage-deflate; server_max_window_bits=16",
            "permessage-deflate; server_max_window_bits=08",
            "permessage-deflate; server_max_window_bits=1e1",
            "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
            "permessage-deflate; client_max_window_bits=0",
            "permessage-deflate; client_max_window_bits; client_max_window_bits=9",
        ] {
            assert_eq!(answer(&[offer]), Ok(None), "{offer}");
        }
    }

    #[test]
    fn the_first_good_offer_is_taken_over_all_lines() {
        let lines = [
            "permessage-deflate; server_max_window_bits=99, x; y=z",
            "permessage-deflate; server_max_window_bits=11, permessage-deflate",
        ];
        assert_eq!(answer(&lines), Ok(Some(format!("{PLAIN}; server_max_window_bits=11"))));
    }

    #[test]
    fn a_line_against_the_grammar_fails_even_behind_a_good_offer() {
        for line in [
            ";",
            "permessage-deflate;",
            "permessage-deflate; =10",
            "permessage-deflate; server_max_window_bits=",
            "permessage-deflate; server_max_window_bits=\"10",
            "permessage-deflate; server_max_window_bits=\"1 0\"",
            "permessage-deflate; server_max_window_bits=\"10\\\"",
            "permessage-deflate, per message",
            "permessage-deflate, x; y=\"a,b\"",
            "permessage-deflate, \u{e9}",
        ] {
            assert_eq!(answer(&[line]), Err(Malformed), "{line}");
        }
    }

    proptest! {
        /// The parameters in any order, each at most once, are accepted, with the window asked for.
        #[test]
        fn legal_offers_are_accepted(
            server in any::<bool>(),
            client in any::<bool>(),
            window in prop::option::of(8u8..=15),
            client_window in prop::option::of(prop::option::of(8u8..=15)),
            order in Just([0usize, 1, 2, 3]).prop_shuffle(),
        ) {
            let parameters = [
                server.then(|| "server_no_context_takeover".to_owned()),
                client.then(|| "client_no_context_takeover".to_owned()),
                window.map(|bits| format!("server_max_window_bits={bits}")),
                client_window.map(|bits| bits.map_or("client_max_window_bits".to_owned(), |bits| {
                    format!("client_max_window_bits={bits}")
                })),
            ];
            let mut offer = "permessage-deflate".to_owned();
            for parameter in order.iter().filter_map(|&at| parameters[at].as_ref()) {
                offer.extend(["; ", parameter]);
            }
            let agreement = negotiate([offer.as_bytes()].into_iter());
            let expected = Agreement {
                window: window.map_or(Window::LARGEST, Window),
                limited: window.is_some(),
            };
            prop_assert_eq!(agreement, Ok(Some(expected)));
        }

        #[test]
        fn no_bytes_are_a_fault(line in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = negotiate([&line[..]].into_iter());
        }
    }
}
