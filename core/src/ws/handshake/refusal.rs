//! Requests that open no connection: the reasons, and the responses that tell them.

/// Why a request opens no connection. The numbers of the variants are indices into statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalReason {
    /// Not HTTP/1.1, not GET, or a header is missing or wrong.
    BadRequest,
    /// Another path.
    NotFound,
    /// A request without `Upgrade: websocket`, as of a browser that was given the address.
    NotAWebsocket,
    /// Another version of the protocol than 13.
    UnsupportedVersion,
    /// The head is over its limits.
    HeadersTooLarge,
    /// The head did not arrive in time, or the handshake gave way to later ones.
    HandshakeTimeout,
    /// The server takes no more connections.
    ServerOverloaded,
    /// No TLS came about: no TLS was spoken, or none that both sides could agree on.
    TlsHandshake,
    /// The page is none of those that may connect.
    Origin,
    /// The client's address has as many connections as it may have, or comes too often.
    IpLimited,
    /// Too many clients come at a time.
    HandshakeRate,
    /// A balancer's header is missing or wrong, or its sender is none.
    ProxyHeader,
}

impl RefusalReason {
    /// All reasons, in the order of their numbers.
    pub const ALL: [Self; 12] = [
        Self::BadRequest,
        Self::NotFound,
        Self::NotAWebsocket,
        Self::UnsupportedVersion,
        Self::HeadersTooLarge,
        Self::HandshakeTimeout,
        Self::ServerOverloaded,
        Self::TlsHandshake,
        Self::Origin,
        Self::IpLimited,
        Self::HandshakeRate,
        Self::ProxyHeader,
    ];

    /// The stable name in statistics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::NotFound => "not_found",
            Self::NotAWebsocket => "not_a_websocket",
            Self::UnsupportedVersion => "unsupported_version",
            Self::HeadersTooLarge => "headers_too_large",
            Self::HandshakeTimeout => "handshake_timeout",
            Self::ServerOverloaded => "server_overloaded",
            Self::TlsHandshake => "tls_handshake",
            Self::Origin => "origin",
            Self::IpLimited => "ip_limited",
            Self::HandshakeRate => "handshake_rate",
            Self::ProxyHeader => "proxy_header",
        }
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::BadRequest | Self::TlsHandshake | Self::ProxyHeader => 400,
            Self::NotFound => 404,
            Self::NotAWebsocket | Self::UnsupportedVersion => 426,
            Self::HeadersTooLarge => 431,
            Self::HandshakeTimeout => 408,
            Self::Origin => 403,
            Self::IpLimited => 429,
            Self::ServerOverloaded | Self::HandshakeRate => 503,
        }
    }

    const fn status_text(self) -> &'static str {
        match self {
            Self::BadRequest | Self::TlsHandshake | Self::ProxyHeader => "Bad Request",
            Self::NotFound => "Not Found",
            Self::NotAWebsocket | Self::UnsupportedVersion => "Upgrade Required",
            Self::HeadersTooLarge => "Request Header Fields Too Large",
            Self::HandshakeTimeout => "Request Timeout",
            Self::Origin => "Forbidden",
            Self::IpLimited => "Too Many Requests",
            Self::ServerOverloaded | Self::HandshakeRate => "Service Unavailable",
        }
    }
}

/// A refusal: its reason, and a sentence that tells a developer what is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The reason, which gives the status.
    pub reason: RefusalReason,
    /// The body of the response.
    pub detail: &'static str,
}

impl Refusal {
    pub(super) const fn bad_request(detail: &'static str) -> Self {
        Self { reason: RefusalReason::BadRequest, detail }
    }

    pub(super) const fn headers_too_large() -> Self {
        Self { reason: RefusalReason::HeadersTooLarge, detail: "The headers are too large" }
    }
}

/// A refusal whose reason says it all.
impl From<RefusalReason> for Refusal {
    fn from(reason: RefusalReason) -> Self {
        let detail = match reason {
            RefusalReason::NotAWebsocket => "This is a WebSocket endpoint",
            RefusalReason::UnsupportedVersion => "Sec-WebSocket-Version must be 13",
            RefusalReason::Origin => "The origin is not allowed",
            RefusalReason::IpLimited => "Too many connections or handshakes from this address",
            _ => reason.status_text(),
        };
        Self { reason, detail }
    }
}

/// The response to a request that opens no connection. Close the socket behind it.
#[must_use]
pub fn refusal_response(refusal: &Refusal) -> Vec<u8> {
    let Refusal { reason, detail } = refusal;
    // A 426 tells what to upgrade to, and so lists Upgrade as an option of this connection.
    let (connection, more) = match reason.status() {
        426 => ("close, Upgrade", "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"),
        429 | 503 => ("close", "Retry-After: 1\r\n"),
        _ => ("close", ""),
    };
    format!(
        "HTTP/1.1 {status} {status_text}\r\nConnection: {connection}\r\n{more}\
         Content-Type: text/plain\r\nContent-Length: {length}\r\n\r\n{detail}\n",
        status = reason.status(),
        status_text = reason.status_text(),
        length = detail.len() + 1,
    )
    .into_bytes()
}
