//! The handshake: each whole head gets a verdict, which does not depend on the reads and what
//! follows, and each verdict a response that HTTP's grammar allows.

use httparse::Status;

use super::Input;
use crate::ws::deflate::{self, is_token};
use crate::ws::handshake::{
    MAX_HEAD, MAX_HEADERS, Outcome, Refusal, Request, Rules, accept_response, parse,
    refusal_response,
};

/// A good request, to which headers can be added.
const HEAD: &str = "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// Steered by: whether compression may be negotiated, whether the rest is a head or the lines of
/// `Sec-WebSocket-Extensions`, and where the head is cut. Then these bytes.
pub fn check(data: &[u8]) {
    let mut input = Input(data);
    let (flags, cut) = (input.byte(), input.number());
    let compression = flags & 1 != 0;
    if flags & 2 == 0 {
        judge(input.rest(), Rules { path: "/ws", compression, bearer: true }, cut);
    } else {
        negotiate(input.rest());
    }
}

/// Judges a head, and it cut somewhere: the verdict is the same or still to come.
pub(in crate::ws) fn judge(head: &[u8], rules: Rules<'_>, cut: usize) -> Outcome {
    let outcome = parse(head, rules);
    let early = parse(&head[..cut.min(head.len())], rules);
    assert!(early == Outcome::Incomplete || early == outcome, "{early:?}, then {outcome:?}");

    let start = &head[..head.len().min(MAX_HEAD)];
    let whole = ends(start, b"\n\n") || ends(start, b"\n\r\n") || head.len() >= MAX_HEAD;
    match &outcome {
        Outcome::Incomplete => assert!(!whole, "a whole head waits for more"),
        Outcome::Accept { request, consumed } => {
            assert!(*consumed <= start.len() && start[..*consumed].ends_with(b"\n"));
            assert_eq!(parse(&head[..*consumed], rules), outcome, "without what follows");
            assert_eq!(parse(&head[..*consumed - 1], rules), Outcome::Incomplete);
            accepted(request, rules);
        }
        Outcome::Refuse(refusal) => refused(refusal),
    }
    outcome
}

fn ends(head: &[u8], end: &[u8]) -> bool {
    head.windows(end.len()).any(|window| window == end)
}

/// A request is what its parts may be, and its response tells exactly what was agreed.
fn accepted(request: &Request, rules: Rules<'_>) {
    let target = request.url.split('?').next().unwrap_or_default();
    let path = match target.split_once(':') {
        // A whole URL: its path begins with the first slash behind the host.
        Some((scheme, rest)) if !scheme.contains('/') => {
            rest.strip_prefix("//").and_then(|rest| rest.find('/').map(|at| &rest[at..]))
        }
        _ => Some(target),
    };
    assert_eq!(path, Some(rules.path), "{target}");
    assert!(!request.url.contains(|c: char| c.is_ascii_control() || c == ' '));
    assert!(request.headers.len() <= MAX_HEADERS);
    for (name, value) in &request.headers {
        assert!(is_token(name.as_bytes()) && *name == name.to_ascii_lowercase(), "{name}");
        // Each is a byte, and none of them ends a line.
        assert!(value.chars().all(|c| c <= '\u{ff}' && !"\r\n\0".contains(c)), "{value}");
    }
    assert_eq!(base64_len(&request.key), Some(16), "{}", request.key);
    assert!(request.protocols.iter().all(|protocol| is_token(protocol.as_bytes())));
    assert!(rules.compression || request.deflate.is_none(), "compression that is not allowed");

    let response = accept_response(request);
    let mut headers = [httparse::EMPTY_HEADER; 8];
    let mut parsed = httparse::Response::new(&mut headers);
    assert_eq!(parsed.parse(&response), Ok(Status::Complete(response.len())));
    assert_eq!(parsed.code, Some(101));
    let header = |name| {
        let mut all = parsed.headers.iter().filter(|header| header.name == name);
        let value = all.next().map(|header| str::from_utf8(header.value).expect("ASCII"));
        assert!(all.next().is_none(), "{name} comes twice");
        value
    };
    assert_eq!(header("Upgrade"), Some("websocket"));
    assert_eq!(header("Connection"), Some("Upgrade"));
    assert_eq!(header("Sec-WebSocket-Accept").and_then(base64_len), Some(20), "a SHA-1");
    let protocol = header("Sec-WebSocket-Protocol");
    assert_eq!(protocol, request.protocols.first().map(String::as_str));
    let extensions = header("Sec-WebSocket-Extensions").map(str::to_owned);
    assert_eq!(extensions, request.deflate.map(|agreement| agreement.to_string()));
    let agreed = 3 + usize::from(protocol.is_some()) + usize::from(extensions.is_some());
    assert_eq!(parsed.headers.len(), agreed);
}

/// A refusal's response is whole, and says how long it is.
fn refused(refusal: &Refusal) {
    let response = refusal_response(refusal);
    let mut headers = [httparse::EMPTY_HEADER; 8];
    let mut parsed = httparse::Response::new(&mut headers);
    let Ok(Status::Complete(head)) = parsed.parse(&response) else {
        panic!("{refusal:?} makes no response");
    };
    assert_eq!(parsed.code, Some(refusal.reason.status()));
    let length = parsed.headers.iter().find(|header| header.name == "Content-Length");
    let body = (response.len() - head).to_string();
    assert_eq!(length.map(|header| header.value), Some(body.as_bytes()));
}

/// How many bytes this base64 is of, if it is any.
fn base64_len(text: &str) -> Option<usize> {
    let digits = text.trim_end_matches('=');
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || b"+/".contains(&byte);
    let whole = text.len().is_multiple_of(4) && text.len() - digits.len() <= 2;
    (whole && digits.bytes().all(is_digit)).then_some(digits.len() * 3 / 4)
}

/// Negotiates by lines. What is agreed is what the first good offer gives by itself; one line that
/// lists all offers gives the same, as does a request with these lines; and what the server agrees to is an offer that it accepts in the same way.
fn negotiate(lines: &[u8]) {
    let lines: Vec<&[u8]> = lines.split(|&byte| byte == b'\n').collect();
    let outcome = deflate::negotiate(lines.iter().copied());
    assert_eq!(deflate::negotiate([&lines.join(&b',')[..]].into_iter()), outcome);
    let offers = lines.iter().flat_map(|line| line.split(|&byte| byte == b','));
    let alone: Result<Vec<_>, _> = offers.map(|it| deflate::negotiate([it].into_iter())).collect();
    assert_eq!(alone.map(|all| all.into_iter().flatten().next()), outcome);
    if let Ok(Some(agreement)) = outcome {
        assert!(agreement.window.index().is_none_or(|index| index < 7));
        let answer = agreement.to_string();
        assert_eq!(deflate::negotiate([answer.as_bytes()].into_iter()), Ok(Some(agreement)));
    }

    let mut head = HEAD.as_bytes().to_vec();
    for line in &lines {
        head.extend([b"Sec-WebSocket-Extensions: ", *line, b"\r\n"].concat());
    }
    head.extend(b"\r\n");
    let fits = |byte: &u8| *byte == b'\t' || !byte.is_ascii_control();
    if head.len() > MAX_HEAD || lines.len() > MAX_HEADERS - 5 || !lines.concat().iter().all(fits) {
        return;
    }
    match (judge(&head, Rules { path: "/ws", compression: true, bearer: false }, 0), outcome) {
        (Outcome::Accept { request, .. }, Ok(agreement)) => assert_eq!(request.deflate, agreement),
        (Outcome::Refuse(_), Err(_)) => {}
        (verdict, _) => panic!("{outcome:?}, but in a request {verdict:?}"),
    }
}
