//! Tests of the handshake: one table of requests and verdicts, the responses, and properties over
//! cuts and any bytes.

use proptest::prelude::*;

use super::*;
use crate::ws::fuzzing::handshake::judge;

/// RFC 6455's own example.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// A good request, as a list of lines to change.
fn lines() -> Vec<String> {
    [
        "GET /ws?token=x HTTP/1.1",
        "Host: example.com",
        "Upgrade: WebSocket",
        "Connection: keep-alive, Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]
    .map(str::to_owned)
    .to_vec()
}

fn head(lines: &[String]) -> Vec<u8> {
    format!("{}\r\n\r\n", lines.join("\r\n")).into_bytes()
}

/// A good request with the line of this start replaced; an empty line removes it.
fn with(start: &str, line: &str) -> Vec<u8> {
    let changed = lines().into_iter().map(|old| match old.starts_with(start) {
        true => line.to_owned(),
        false => old,
    });
    head(&changed.filter(|line| !line.is_empty()).collect::<Vec<_>>())
}

/// A good request with a further line.
fn and(line: &str) -> Vec<u8> {
    head(&[lines(), vec![line.to_owned()]].concat())
}

/// Most tests have no offer of compression, and a few have one.
const RULES: Rules<'_> = Rules { path: "/ws", compression: true, bearer: false };

fn accepted(head: &[u8]) -> Request {
    match parse(head, RULES) {
        Outcome::Accept { request, consumed } if consumed == head.len() => request,
        outcome => panic!("{outcome:?} for {}", String::from_utf8_lossy(head)),
    }
}

#[test]
fn a_good_request() {
    let request = accepted(&and("X-Name:  caf\u{e9} "));
    assert_eq!(request.url, "/ws?token=x");
    assert_eq!(request.key, KEY);
    assert_eq!(request.protocols, [""; 0]);
    let names: Vec<_> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
    let expected =
        ["host", "upgrade", "connection", "sec-websocket-version", "sec-websocket-key", "x-name"];
    assert_eq!(names, expected);
    // The two bytes of é in UTF-8, each a character, as in Node.
    assert_eq!(request.headers[5].1, "caf\u{c3}\u{a9}");
}

#[test]
fn requests_that_are_accepted_too() {
    let heads = [
        with("GET", "GET /ws HTTP/1.1"),
        with("GET", "GET http://example.com/ws?x HTTP/1.1"),
        with("Upgrade", "upgrade: h2c, websocket"),
        with("Connection", "connection: UPGRADE"),
        with("Connection", "Connection: keep-alive\r\nConnection: upgrade"),
        and("Content-Length: 0"),
        [b"\r\n".to_vec(), head(&lines())].concat(),
        format!("{}\n\n", lines().join("\n")).into_bytes(),
    ];
    for head in heads {
        assert_eq!(accepted(&head).key, KEY);
    }
}

#[test]
fn requests_that_are_refused() {
    use RefusalReason::{BadRequest, HeadersTooLarge, NotAWebsocket, NotFound, UnsupportedVersion};
    let many_headers = head(&[lines(), vec!["X: y".to_owned(); MAX_HEADERS - 4]].concat());
    let cases = [
        (with("GET", "GET /other HTTP/1.1"), NotFound, 404),
        (with("GET", "GET /ws/ HTTP/1.1"), NotFound, 404),
        (with("GET", "GET /other?/ws HTTP/1.1"), NotFound, 404),
        (with("GET", "GET http://example.com HTTP/1.1"), NotFound, 404),
        (with("GET", "GET /x://y/ws HTTP/1.1"), NotFound, 404),
        (with("GET", "GET x/y://z/ws HTTP/1.1"), NotFound, 404),
        (with("GET", "GET x:y://z/ws HTTP/1.1"), NotFound, 404),
        (with("GET", "GET x?y://z/ws HTTP/1.1"), NotFound, 404),
        (with("GET", "GET http://example.com?/ws HTTP/1.1"), NotFound, 404),
        (with("GET", "POST /ws HTTP/1.1"), BadRequest, 400),
        (with("GET", "HEAD /ws HTTP/1.1"), BadRequest, 400),
        (with("GET", "GET /ws HTTP/1.0"), BadRequest, 400),
        (with("GET", "GET /ws HTTP/2.0"), BadRequest, 400),
        (with("GET", "GET /ws"), BadRequest, 400),
        (with("GET", "\x16\x03\x01"), BadRequest, 400),
        (with("Host", ""), BadRequest, 400),
        (and("Host: other"), BadRequest, 400),
        (with("Upgrade", ""), NotAWebsocket, 426),
        (with("Upgrade", "Upgrade: h2c"), NotAWebsocket, 426),
        (with("Connection", ""), BadRequest, 400),
        (with("Connection", "Connection: keep-alive"), BadRequest, 400),
        (with("Sec-WebSocket-Version", ""), UnsupportedVersion, 426),
        (with("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8"), UnsupportedVersion, 426),
        (with("Sec-WebSocket-Key", ""), BadRequest, 400),
        (with("Sec-WebSocket-Key", "Sec-WebSocket-Key:"), BadRequest, 400),
        (with("Sec-WebSocket-Key", "Sec-WebSocket-Key: c2hvcnQ="), BadRequest, 400),
        // The last digit has bits beyond the 16 bytes.
        (with("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR=="), BadRequest, 400),
        (with("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j*Q=="), BadRequest, 400),
        (and("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), BadRequest, 400),
        (and("Sec-WebSocket-Protocol: a b"), BadRequest, 400),
        (and("Content-Length: 5"), BadRequest, 400),
        (and("Transfer-Encoding: chunked"), BadRequest, 400),
        (and("no colon"), BadRequest, 400),
        (and(" folded"), BadRequest, 400),
        (b"\r\n\r\n".to_vec(), BadRequest, 400),
        (many_headers, HeadersTooLarge, 431),
        (and(&format!("X: {}", "x".repeat(MAX_HEAD))), HeadersTooLarge, 431),
        (vec![b'G'; MAX_HEAD], HeadersTooLarge, 431),
    ];
    for (head, reason, status) in cases {
        let text = String::from_utf8_lossy(&head);
        match parse(&head, RULES) {
            Outcome::Refuse(refusal) => assert_eq!(refusal.reason, reason, "{refusal:?}\n{text}"),
            outcome => panic!("{outcome:?} for {text}"),
        }
        assert_eq!(reason.status(), status);
    }
}

#[test]
fn a_head_may_reach_its_limits_and_frames_may_follow_it() {
    let most_headers = head(&[lines(), vec!["X: y".to_owned(); MAX_HEADERS - 5]].concat());
    assert_eq!(accepted(&most_headers).headers.len(), MAX_HEADERS);

    let filler = MAX_HEAD - and("X: ").len();
    let mut longest = and(&format!("X: {}", "x".repeat(filler)));
    assert_eq!(longest.len(), MAX_HEAD);
    accepted(&longest);
    longest.extend([0x81, 0x80, 0, 0, 0, 0]);
    let outcome = parse(&longest, RULES);
    assert!(matches!(outcome, Outcome::Accept { consumed: MAX_HEAD, .. }));
}

#[test]
fn a_stranger_is_refused_at_its_first_byte() {
    assert!(matches!(parse(b"\x16", RULES), Outcome::Refuse(_)));
    assert_eq!(parse(b"", RULES), Outcome::Incomplete);
    assert_eq!(parse(&vec![b'G'; MAX_HEAD - 1], RULES), Outcome::Incomplete);
}

#[test]
fn the_response_of_the_rfc() {
    let response = String::from_utf8(accept_response(&accepted(&head(&lines()))));
    assert_eq!(
        response.as_deref(),
        Ok("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
    );
}

#[test]
fn the_first_subprotocol_is_taken() {
    let request = accepted(&and("Sec-WebSocket-Protocol: chat.v2, chat.v1"));
    assert_eq!(request.protocols, ["chat.v2", "chat.v1"]);
    let response = String::from_utf8(accept_response(&request)).expect("responses are ASCII");
    assert!(response.ends_with("\r\nSec-WebSocket-Protocol: chat.v2\r\n\r\n"));
}

#[test]
fn a_token_among_the_subprotocols_is_taken_out_and_never_chosen() {
    for (offered, chosen, token) in [
        ("bearer, t", "bearer", Some("t")),
        ("a, bearer, t", "a", Some("t")),
        ("bearer, t, a", "a", Some("t")),
        ("bearer, bearer", "bearer", Some("bearer")),
        ("bearer", "bearer", None),
        ("a, bearer", "bearer", None),
        ("a, t", "a", None),
    ] {
        let head = and(&format!("Sec-WebSocket-Protocol: {offered}"));
        let Outcome::Accept { request, .. } = parse(&head, Rules { bearer: true, ..RULES }) else {
            panic!("{offered} is refused");
        };
        assert_eq!(request.bearer.as_deref(), token, "{offered}");
        assert_eq!(request.protocols.first().map(String::as_str), Some(chosen), "{offered}");
    }
    let untouched = accepted(&and("Sec-WebSocket-Protocol: bearer, t"));
    assert_eq!((untouched.bearer, untouched.protocols.len()), (None, 2));
}

#[test]
fn refusals_are_whole_responses() {
    let response = |reason: RefusalReason| String::from_utf8(refusal_response(&reason.into()));
    assert_eq!(
        response(RefusalReason::NotFound).as_deref(),
        Ok("HTTP/1.1 404 Not Found\r\nConnection: close\r\n\
            Content-Type: text/plain\r\nContent-Length: 10\r\n\r\nNot Found\n")
    );
    assert_eq!(
        response(RefusalReason::UnsupportedVersion).as_deref(),
        Ok("HTTP/1.1 426 Upgrade Required\r\nConnection: close, Upgrade\r\n\
            Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
            Content-Type: text/plain\r\nContent-Length: 33\r\n\r\nSec-WebSocket-Version must be 13\n")
    );
}

#[test]
fn reasons_are_indices() {
    for (index, reason) in RefusalReason::ALL.into_iter().enumerate() {
        assert_eq!(reason as usize, index);
        assert!(reason.name().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
    }
}

#[test]
fn compression_is_agreed_where_it_is_offered_and_allowed() {
    let offer = "Sec-WebSocket-Extensions: x, permessage-deflate; server_max_window_bits=10";
    let agreed = "\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; \
                  client_no_context_takeover; server_max_window_bits=10\r\n\r\n";
    let answer = |head: &[u8], compression| match parse(head, Rules { compression, ..RULES }) {
        Outcome::Accept { request, .. } => String::from_utf8(accept_response(&request)).unwrap(),
        outcome => panic!("{outcome:?}"),
    };
    assert!(answer(&and(offer), true).ends_with(agreed));
    assert!(!answer(&and(offer), false).contains("Extensions"));
    assert!(!answer(&head(&lines()), true).contains("Extensions"));
    let malformed = and("Sec-WebSocket-Extensions: permessage-deflate;");
    assert!(matches!(parse(&malformed, RULES), Outcome::Refuse(refusal)
        if refusal.reason == RefusalReason::BadRequest));
}

proptest! {
    #[test]
    fn any_cut_is_incomplete_until_the_head_is_whole(
        headers in prop::collection::vec("X-[A-Za-z0-9]{1,8}: [ -~]{0,20}", 0..6),
        behind in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let head = head(&[lines(), headers].concat());
        for cut in 0..head.len() {
            prop_assert_eq!(parse(&head[..cut], RULES), Outcome::Incomplete);
        }
        let request = accepted(&head);
        let outcome = parse(&[&head[..], &behind].concat(), RULES);
        prop_assert_eq!(outcome, Outcome::Accept { request, consumed: head.len() });
    }

    #[test]
    fn any_bytes_are_judged(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        cut in 0usize..200,
    ) {
        let accepted = matches!(judge(&bytes, RULES, cut), Outcome::Accept { .. });
        prop_assert!(!accepted);
        let headers = [b"GET /ws HTTP/1.1\r\n", &bytes[..], b"\r\n\r\n"].concat();
        prop_assert_ne!(judge(&headers, RULES, cut), Outcome::Incomplete);
    }

    /// Whatever a byte is changed to, what is accepted is good.
    #[test]
    fn a_changed_byte_is_survived(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut head = head(&lines());
        let at = at.index(head.len());
        head[at] = byte;
        judge(&head, RULES, at);
    }
}
