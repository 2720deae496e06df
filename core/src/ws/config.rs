//! The options of a server: from the values that the host gave, or the environment, to a valid
//! [`Config`]. An option goes before its environment variable, and that before the default.
//!
//! `undefined`, `null`, `NaN`, `''` and `0` count as not given, as callers are used to; the one
//! exception is `port: 0`, the ephemeral port. For booleans only `undefined` and `null` do. An
//! empty environment variable is unset.
//!
//! What is a boolean or can be off is off by `false`, whatever the environment says.

mod guard;
mod limits;
mod setting;

use std::net::{IpAddr, Ipv4Addr};
use std::thread::available_parallelism;
use std::time::Duration;

use super::forwarded::{MAX_HOPS, TrustProxy};
use super::origins::{Origins, Pattern};
pub use crate::config_error::ConfigError;
pub use guard::GuardConfig;
pub use limits::{Limits, PerIp};
pub(in crate::ws) use setting::{Env, Setting};
pub use setting::{RawObject, RawOptions, RawValue};

/// The longest timer in ms: what a signed 32-bit number holds, which is also Node's limit.
const MAX_TIMER: u64 = (1 << 31) - 1;
/// The most connections: beyond the file descriptors of any system.
const MAX_CONNECTIONS: u64 = 10_000_000;
/// The largest message: the longest string that JavaScript (V8) can hold.
const MAX_PAYLOAD: u64 = 0x1fff_ffe8;
/// The largest bound of a queue: 1 TiB. More is a slip of the pen.
const MAX_QUEUE: u64 = 1 << 40;
/// The most shards: each is a thread.
const MAX_SHARDS: u64 = 64;

/// What a server is run with. Every value is within its limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `port`, `WS_PORT`: the TCP port to listen on, default 8080, up to 65535. The option `0`
    /// lets the system choose a free one, for tests.
    pub port: u16,
    /// `host`, `WS_HOST`: the address to listen on, an IP address or `localhost` (127.0.0.1).
    /// Default `None`: all addresses, IPv6 and IPv4, as Node's servers do.
    pub host: Option<IpAddr>,
    /// `path`, `WS_PATH`: the path that clients ask for, default `/ws`. It begins with `/` and is
    /// written as it comes in a request: printable ASCII, without query or fragment.
    pub path: String,
    /// `heartbeatInterval`, `WS_HEARTBEAT_INTERVAL`: how long, in ms, a client may be silent before
    /// it is pinged; after two intervals it is removed. Default 30000, up to 2^31 - 1: under the
    /// idle limit of usual proxies. `None` when `enableHeartbeat`, `WS_HEARTBEAT` is false.
    pub heartbeat: Option<Duration>,
    /// `maxConnections`, `WS_MAX_CONNECTIONS`: connections at a time, default 1000, up to
    /// 10,000,000. Further clients are told to try again later (close code 1013).
    pub max_connections: usize,
    /// How messages are compressed for clients that can inflate them (permessage-deflate, RFC
    /// 7692). `None` when `enableCompression`, `WS_COMPRESSION` is false; default true.
    pub compression: Option<Compression>,
    /// `protocol`, `WS_PROTOCOL`: what frames mean. Default `messaging`.
    pub protocol: Protocol,
    /// `maxPayload`, `WS_MAX_PAYLOAD`: the largest message of a client in bytes, default 16384, up
    /// to 536,870,888, the longest string of JavaScript. It bounds what one client can make the server hold (close code 1009).
    pub max_payload: usize,
    /// `handshakeTimeout`, `WS_HANDSHAKE_TIMEOUT`: ms in which a client sends its whole request,
    /// default 10000, up to 2^31 - 1. It ends silent and dribbling clients.
    pub handshake_timeout: Duration,
    /// `closeTimeout`, `WS_CLOSE_TIMEOUT`: ms that a closing client may take for nothing: it
    /// counts from the last byte that the client took of what is queued for it, and then is the
    /// time for its close frame. Default 5000, up to 2^31 - 1. Then the socket is destroyed.
    pub close_timeout: Duration,
    /// `maxBufferedAmount`, `WS_MAX_BUFFERED_AMOUNT`: bytes owed to one client, default 4 MiB, up
    /// to 1 TiB. A client that reads too slowly for it meets `slowConsumer`.
    pub max_buffered_amount: usize,
    /// `slowConsumer`, `WS_SLOW_CONSUMER`: what happens to a client over `maxBufferedAmount`.
    /// Default `disconnect`.
    pub slow_consumer: SlowConsumer,
    /// `memoryBudget`, `WS_MEMORY_BUDGET`: bytes of all queued payloads, each counted once,
    /// default 256 MiB, up to 1 TiB. Over it sends are refused, since they cannot wait.
    pub memory_budget: usize,
    /// `shards`, `WS_SHARDS`: threads that serve connections, up to 64. Default: the number of
    /// cores less one, which is JavaScript's, but at least 1 and at most 4; I/O rarely needs more.
    pub shards: usize,
    /// `origins`, `WS_ORIGINS`: the pages that may connect, as browsers tell by `Origin`; others are answered
    /// with 403. Default `None`: all, as callers are used to.
    pub origins: Option<Origins>,
    /// `trustProxy`, `WS_TRUST_PROXY`: whose `X-Forwarded-For` tells a client's address. Default: nobody's.
    /// All cannot be trusted: then any client could write itself any address.
    pub trust_proxy: TrustProxy,
    /// `proxyProtocol`, `WS_PROXY_PROTOCOL`: every connection of the own port begins with a header of the PROXY
    /// protocol, version 1 or 2, by which a balancer tells the client's address. Default false. Who sends
    /// none is closed: to take both would let anybody write the header.
    pub proxy_protocol: bool,
    /// `limits`: how much one client, user or address may ask for.
    pub limits: Limits,
    /// Who may come in, and where to.
    pub guard: GuardConfig,
}

impl Default for Config {
    fn default() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self {
            port: 8080,
            host: None,
            path: "/ws".to_owned(),
            heartbeat: Some(Duration::from_secs(30)),
            max_connections: 1000,
            compression: Some(Compression::default()),
            protocol: Protocol::Messaging,
            max_payload: 16 * 1024,
            handshake_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(5),
            max_buffered_amount: 4 * 1024 * 1024,
            slow_consumer: SlowConsumer::Disconnect,
            memory_budget: 256 * 1024 * 1024,
            shards: (cores - 1).clamp(1, 4),
            origins: None,
            trust_proxy: TrustProxy::Nobody,
            proxy_protocol: false,
            limits: Limits::default(),
            guard: GuardConfig::default(),
        }
    }
}

impl Config {
    /// Resolves options, environment (`env` gives a variable's value) and defaults.
    ///
    /// # Errors
    /// The first option or variable that is wrong. A variable is not looked at when its option is
    /// given.
    pub fn resolve(
        options: &RawOptions,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let given = options.settings(env);
        let default = Self::default();
        let timer = 1..=MAX_TIMER;
        let millis = |given: Option<u64>, default| given.map_or(default, Duration::from_millis);
        let heartbeat = given.heartbeat_interval.integer(timer.clone())?;
        let enable_heartbeat = given.enable_heartbeat.lenient_boolean()?;
        let path = given.path.text("a path like /ws, without query or fragment", |path| {
            let printable = path.bytes().all(|byte| byte.is_ascii_graphic());
            (path.starts_with('/') && printable && !path.contains(['?', '#'])).then(|| path.into())
        })?;
        let protocol = given.protocol.text("messaging or raw", |name| match name {
            "messaging" => Some(Protocol::Messaging),
            "raw" => Some(Protocol::Raw),
            _ => None,
        })?;
        let protocol = protocol.unwrap_or(default.protocol);
        let max_payload = given.max_payload.integer(1..=MAX_PAYLOAD)?;
        let max_payload = max_payload.unwrap_or(default.max_payload);
        let trust_proxy = trust_proxy(&given)?;
        let proxy_protocol = given.proxy_protocol.boolean()?.unwrap_or(default.proxy_protocol);
        let trusts_proxies = proxy_protocol || trust_proxy != TrustProxy::Nobody;
        Ok(Self {
            port: match options.port {
                RawValue::Number(0.0) => 0,
                _ => given.port.integer(0..=u64::from(u16::MAX))?.unwrap_or(default.port),
            },
            host: given.host.text("an IP address or localhost", parse_host)?.or(default.host),
            path: path.unwrap_or(default.path),
            heartbeat: match enable_heartbeat {
                Some(false) => None,
                _ => heartbeat.map(Duration::from_millis).or(default.heartbeat),
            },
            max_connections: given
                .max_connections
                .integer(1..=MAX_CONNECTIONS)?
                .unwrap_or(default.max_connections),
            compression: compression(&given)?,
            protocol,
            max_payload,
            handshake_timeout: millis(
                given.handshake_timeout.integer(timer.clone())?,
                default.handshake_timeout,
            ),
            close_timeout: millis(given.close_timeout.integer(timer)?, default.close_timeout),
            max_buffered_amount: given
                .max_buffered_amount
                .integer(1..=MAX_QUEUE)?
                .unwrap_or(default.max_buffered_amount),
            slow_consumer: given
                .slow_consumer
                .text("disconnect or dropOldest", |name| match name {
                    "disconnect" => Some(SlowConsumer::Disconnect),
                    "dropOldest" => Some(SlowConsumer::DropOldest),
                    _ => None,
                })?
                .unwrap_or(default.slow_consumer),
            memory_budget: given
                .memory_budget
                .integer(1..=MAX_QUEUE)?
                .unwrap_or(default.memory_budget),
            shards: given.shards.integer(1..=MAX_SHARDS)?.unwrap_or(default.shards),
            origins: origins(&given)?,
            limits: Limits::resolve(&given, protocol, max_payload, trusts_proxies)?,
            trust_proxy: match trust_proxy {
                // The balancer that sends the header is one of them.
                TrustProxy::Hops(1) if proxy_protocol => TrustProxy::Nobody,
                TrustProxy::Hops(hops) if proxy_protocol => TrustProxy::Hops(hops - 1),
                trust => trust,
            },
            proxy_protocol,
            guard: GuardConfig::resolve(options, &given, env)?,
        })
    }
}

/// `localhost` is not looked up: it must mean the same on every machine.
fn parse_host(host: &str) -> Option<IpAddr> {
    match host {
        "localhost" => Some(Ipv4Addr::LOCALHOST.into()),
        _ => host.parse().ok(),
    }
}

/// What JavaScript has to judge is checked there.
fn origins(given: &setting::Settings<'_>) -> Result<Option<Origins>, ConfigError> {
    if given.origins.is_off() {
        return Ok(None);
    }
    let asked = |value: &RawValue| {
        matches!(value, RawValue::Other("object" | "function")).then_some(Pattern::Asked)
    };
    let expected = "origins like https://example.com or https://*.example.com, or *";
    Ok(given.origins.list(expected, Pattern::parse, asked)?.map(Origins::from_iter))
}

fn trust_proxy(given: &setting::Settings<'_>) -> Result<TrustProxy, ConfigError> {
    let expected = "a number of proxies from 1 to 100, or addresses, CIDR blocks, loopback, linklocal, uniquelocal";
    let hops =
        |number: u64| (1..=MAX_HOPS).contains(&number).then_some(TrustProxy::Hops(number as usize));
    let text = |text: &str| match text {
        word if setting::is_off(word) => Some(TrustProxy::Nobody),
        number if number.bytes().all(|b| b.is_ascii_digit()) => number.parse().ok().and_then(hops),
        text => TrustProxy::networks(text).map(TrustProxy::Networks),
    };
    let other = |value: &RawValue| match value {
        RawValue::Bool(false) => Some(TrustProxy::Nobody),
        RawValue::Number(number) if number.fract() == 0.0 && *number > 0.0 => hops(*number as u64),
        _ => None,
    };
    let mut entries = given.trust_proxy.list(expected, text, other)?.unwrap_or_default();
    if entries.len() == 1 {
        return Ok(entries.swap_remove(0));
    }
    // Several of them can only be addresses.
    let mut networks = Vec::new();
    for entry in entries {
        match entry {
            TrustProxy::Networks(more) => networks.extend(more),
            _ => return Err(given.trust_proxy.mixed(expected)),
        }
    }
    Ok(if networks.is_empty() { TrustProxy::Nobody } else { TrustProxy::Networks(networks) })
}

fn compression(given: &setting::Settings<'_>) -> Result<Option<Compression>, ConfigError> {
    let default = Compression::default();
    let compression = Compression {
        threshold: given
            .compression_threshold
            .integer(1..=MAX_PAYLOAD)?
            .unwrap_or(default.threshold),
        level: given.compression_level.integer(1..=9)?.unwrap_or(default.level),
    };
    Ok(given.enable_compression.lenient_boolean()?.unwrap_or(true).then_some(compression))
}

/// How messages are compressed. Each is compressed once, however many receivers it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compression {
    /// `compressionThreshold`, `WS_COMPRESSION_THRESHOLD`: the least bytes of a message that is
    /// compressed, default 1024, as in `ws`; 1 compresses whatever gets smaller. Short messages
    /// gain little, and cost each client an inflation.
    pub threshold: usize,
    /// `compressionLevel`, `WS_COMPRESSION_LEVEL`: zlib's level, from 1, the fastest, to 9, the
    /// smallest. Default 6, zlib's own default.
    pub level: u32,
}

impl Default for Compression {
    fn default() -> Self {
        Self { threshold: 1024, level: 6 }
    }
}

/// What frames mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// JSON messages with rooms, topics and users.
    Messaging,
    /// Nothing is interpreted: every frame goes to the host as it is.
    Raw,
}

/// What happens to a client that reads too slowly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlowConsumer {
    /// It is closed with code 1013, and resumes when it comes back.
    Disconnect,
    /// The oldest frames queued for it are dropped, and counted.
    DropOldest,
}

#[cfg(test)]
mod tests;
