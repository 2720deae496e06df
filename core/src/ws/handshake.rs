//! The opening handshake of RFC 6455 (section 4.2) over HTTP/1.1: from the bytes of a request to a
//! verdict, and the responses. No I/O: the caller brings all bytes so far, again with each read.

mod refusal;

pub use httparse::Header;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::config::Config;
use super::deflate::{self, Agreement, is_token};
use super::guard::token::{BEARER, TokenSource};

pub use refusal::{Refusal, RefusalReason, refusal_response};

/// The most bytes of a request's head, as in Node: a cookie or two and a token fit.
pub const MAX_HEAD: usize = 16 * 1024;
/// The most headers of a request; browsers and their proxies send about 30.
pub const MAX_HEADERS: usize = 100;

/// What the bytes so far amount to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The head goes on: come back with more.
    Incomplete,
    /// A good request: answer with [`accept_response`].
    Accept {
        /// What the client asks for.
        request: Request,
        /// The length of the head. The bytes behind it are frames already.
        consumed: usize,
    },
    /// No connection: answer with [`refusal_response`] and close.
    Refuse(Refusal),
}

/// A good handshake request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The request target as sent, with its query.
    pub url: String,
    /// The headers in order: names in lower case, values as Latin-1, as Node gives them.
    pub headers: Vec<(String, String)>,
    /// The value of `Sec-WebSocket-Key`.
    pub key: String,
    /// The subprotocols that the client offers, best first.
    pub protocols: Vec<String>,
    /// The token that stood among them, where it may.
    pub bearer: Option<String>,
    /// What is agreed of compression, if it is to be used.
    pub deflate: Option<Agreement>,
}

impl Request {
    /// The values of a header, whose name is in lower case.
    pub fn values<'a>(&'a self, name: &str) -> impl DoubleEndedIterator<Item = &'a str> {
        let fields = self.headers.iter().filter(move |(field, _)| field == name);
        fields.map(|(_, value)| value.as_str())
    }
}

/// The head of a request, parsed: by [`parse`], or by the host's own server.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// The method.
    pub method: &'a str,
    /// The request target as sent, with its query.
    pub url: &'a str,
    /// Whether the version is HTTP/1.1.
    pub http_1_1: bool,
    /// The headers, in order.
    pub headers: &'a [Header<'a>],
}

/// What a request is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The path that clients ask for, compared without the query.
    pub path: &'a str,
    /// Whether compression may be negotiated.
    pub compression: bool,
    /// Whether the subprotocol `bearer` means that a token follows.
    pub bearer: bool,
}

impl<'a> Rules<'a> {
    pub(super) fn of(config: &'a Config) -> Self {
        let bearer = config.guard.token_from.contains(&TokenSource::Subprotocol);
        Self { path: &config.path, compression: config.compression.is_some(), bearer }
    }
}

/// Judges the bytes received so far.
#[must_use]
pub fn parse(input: &[u8], rules: Rules<'_>) -> Outcome {
    match parse_head(input, rules) {
        Ok(Some((request, consumed))) => Outcome::Accept { request, consumed },
        Ok(None) => Outcome::Incomplete,
        Err(refusal) => Outcome::Refuse(refusal),
    }
}

/// The response that opens the connection. Of the subprotocols offered, the first is taken: a
/// browser that offered some fails without one.
#[must_use]
pub fn accept_response(request: &Request) -> Vec<u8> {
    let mut response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n",
        derive_accept_key(request.key.as_bytes())
    );
    if let Some(protocol) = request.protocols.first() {
        response.extend(["Sec-WebSocket-Protocol: ", protocol.as_str(), "\r\n"]);
    }
    if let Some(agreement) = &request.deflate {
        response.push_str(&format!("Sec-WebSocket-Extensions: {agreement}\r\n"));
    }
    response.push_str("\r\n");
    response.into_bytes()
}

/// The length of the response's head at the front of `bytes`; 0 if none is there.
pub fn head_len(bytes: &[u8]) -> usize {
    if !bytes.starts_with(b"HTTP/") {
        return 0;
    }
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
    end.map_or(bytes.len(), |at| at + 4)
}

const MALFORMED: &str = "Malformed HTTP request";

fn parse_head(input: &[u8], rules: Rules<'_>) -> Result<Option<(Request, usize)>, Refusal> {
    // A TLS client, or any other stranger, learns at once that it is wrong here.
    if input.first().is_some_and(|byte| !byte.is_ascii_alphabetic() && !b"\r\n".contains(byte)) {
        return Err(Refusal::bad_request(MALFORMED));
    }
    // The head is parsed once, when it is whole: a client that dribbles makes little work.
    let Some(consumed) = head_end(&input[..input.len().min(MAX_HEAD)]) else {
        return if input.len() < MAX_HEAD { Ok(None) } else { Err(Refusal::headers_too_large()) };
    };
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut head = httparse::Request::new(&mut headers);
    match head.parse(&input[..consumed]) {
        Ok(httparse::Status::Complete(_)) => {}
        Err(httparse::Error::TooManyHeaders) => return Err(Refusal::headers_too_large()),
        Ok(httparse::Status::Partial) | Err(_) => return Err(Refusal::bad_request(MALFORMED)),
    }
    let (Some(method), Some(url), Some(version)) = (head.method, head.path, head.version) else {
        return Err(Refusal::bad_request(MALFORMED));
    };
    let head = Head { method, url, http_1_1: version == 1, headers: head.headers };
    Ok(Some((judge(&head, rules)?, consumed)))
}

/// Judges a whole request.
///
/// # Errors
/// Why it opens no connection: answer with [`refusal_response`] and close.
pub fn judge(head: &Head<'_>, rules: Rules<'_>) -> Result<Request, Refusal> {
    if !head.http_1_1 {
        return Err(Refusal::bad_request("HTTP/1.1 is required"));
    }
    if head.method != "GET" {
        return Err(Refusal::bad_request("The method must be GET"));
    }
    if request_path(head.url) != rules.path {
        return Err(RefusalReason::NotFound.into());
    }
    let (key, mut protocols) = check_headers(head.headers)?;
    let bearer = if rules.bearer { take_bearer(&mut protocols) } else { None };
    let deflate = if rules.compression { negotiate(head.headers)? } else { None };
    let headers = head
        .headers
        .iter()
        .map(|header| (header.name.to_ascii_lowercase(), latin1(header.value)))
        .collect();
    Ok(Request { url: head.url.to_owned(), headers, key, protocols, bearer, deflate })
}

/// Checks what RFC 6455 asks of the headers. Gives the key and the subprotocols.
fn check_headers(headers: &[Header<'_>]) -> Result<(String, Vec<String>), Refusal> {
    if !tokens(headers, "upgrade").any(|token| token.eq_ignore_ascii_case(b"websocket")) {
        return Err(RefusalReason::NotAWebsocket.into());
    }
    if !tokens(headers, "connection").any(|token| token.eq_ignore_ascii_case(b"upgrade")) {
        return Err(Refusal::bad_request("Connection must have the token upgrade"));
    }
    if single(headers, "sec-websocket-version") != Some(b"13") {
        return Err(RefusalReason::UnsupportedVersion.into());
    }
    if single(headers, "host").is_none() {
        return Err(Refusal::bad_request("Host must be given once"));
    }
    // What a body holds would be read as frames.
    let no_body = values(headers, "content-length").all(|length| length == b"0")
        && values(headers, "transfer-encoding").next().is_none();
    if !no_body {
        return Err(Refusal::bad_request("A body is not allowed"));
    }
    let key = single(headers, "sec-websocket-key")
        .filter(|key| is_key(key))
        .ok_or(Refusal::bad_request("Sec-WebSocket-Key must be given once: 16 bytes in base64"))?;
    let protocols = tokens(headers, "sec-websocket-protocol");
    let protocols: Vec<_> = protocols.map(|it| is_token(it).then(|| latin1(it))).collect();
    let Some(protocols) = protocols.into_iter().collect() else {
        return Err(Refusal::bad_request("Sec-WebSocket-Protocol must be a list of tokens"));
    };
    Ok((latin1(key), protocols))
}

/// Takes the token out of the list of subprotocols, since the one that is chosen is repeated in the
/// response: that is `bearer` itself only where nothing else is offered.
fn take_bearer(protocols: &mut Vec<String>) -> Option<String> {
    let at = protocols.iter().position(|protocol| protocol == BEARER)?;
    if at + 1 == protocols.len() {
        // What stands before it may be the token, in the wrong order.
        protocols.drain(..at);
        return None;
    }
    let token = protocols.remove(at + 1);
    if protocols.len() > 1 {
        protocols.remove(at);
    }
    Some(token)
}

fn negotiate(headers: &[Header<'_>]) -> Result<Option<Agreement>, Refusal> {
    deflate::negotiate(values(headers, "sec-websocket-extensions"))
        .map_err(|_| Refusal::bad_request("Sec-WebSocket-Extensions must be a list of extensions"))
}

/// Where the head ends: behind the first empty line that follows another one. A lone line feed
/// ends a line too, as RFC 9112 (section 2.2) permits, so no client waits for a verdict in vain.
fn head_end(input: &[u8]) -> Option<usize> {
    let mut line = 0;
    while let Some(len) = input[line..].iter().position(|&byte| byte == b'\n') {
        line += len + 1;
        match &input[line..] {
            [b'\n', ..] => return Some(line + 1),
            [b'\r', b'\n', ..] => return Some(line + 2),
            _ => {}
        }
    }
    None
}

/// The path of a request target, which may be a whole URL (RFC 6455, section 4.2.1).
fn request_path(url: &str) -> &str {
    // Without the query first, which may itself hold a whole URL.
    let url = url.split_once('?').map_or(url, |(url, _)| url);
    match url.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => rest.find('/').map_or("/", |at| &rest[at..]),
        _ => url,
    }
}

/// Whether this is what a URL begins with (RFC 3986, section 3.1).
fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// All values of a header, trimmed.
fn values<'a>(headers: &'a [Header<'a>], name: &str) -> impl Iterator<Item = &'a [u8]> {
    headers
        .iter()
        .filter(move |header| header.name.eq_ignore_ascii_case(name))
        .map(|header| header.value.trim_ascii())
}

/// The value of a header that comes exactly once.
fn single<'a>(headers: &'a [Header<'a>], name: &str) -> Option<&'a [u8]> {
    let mut values = values(headers, name);
    values.next().filter(|_| values.next().is_none())
}

/// The entries of a header that is a list, over all its lines.
fn tokens<'a>(headers: &'a [Header<'a>], name: &str) -> impl Iterator<Item = &'a [u8]> {
    values(headers, name)
        .flat_map(|value| value.split(|&byte| byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|token| !token.is_empty())
}

/// Whether this is base64 of 16 bytes: 22 characters, of which the last holds two bits, and `==`.
fn is_key(key: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/".contains(byte);
    matches!(key, [digits @ .., b'A' | b'Q' | b'g' | b'w', b'=', b'=']
        if digits.len() == 21 && digits.iter().all(is_digit))
}

/// Each byte a character, as Node reads header values.
fn latin1(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => text.to_owned(),
        _ => bytes.iter().copied().map(char::from).collect(),
    }
}

#[cfg(test)]
mod tests;
