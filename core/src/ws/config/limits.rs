//! The limits of one client, user or address. Each may be turned off: by `false`, or by `off` or `0` in its
//! variable, where a 0 that counts as not given would keep a limit that somebody wanted to be rid of.

use super::setting::Settings;
use super::{ConfigError, Protocol};
use crate::ws::limits::Rate;

/// The highest rate of messages or handshakes: beyond what a connection can carry.
const MAX_RATE: u64 = 1_000_000;
/// The most bytes a second: 1 TiB. More is a slip of the pen.
const MAX_BYTES: u64 = 1 << 40;
/// The most of what is counted: beyond what fits into memory.
const MAX_COUNT: u64 = 10_000_000;

/// The limits. `None` is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `limits.messagesPerSecond` and `limits.burst`, `WS_RATE_LIMIT` as `100` or `100/200`: messages of
    /// one connection, pings, pongs and fragments of less than 1 KiB too; default 100 a second, and twice as many at once, up to
    /// 1,000,000. What is over it is not carried out. Off under `protocol: 'raw'` unless it is given, since
    /// there nothing can be answered.
    pub messages: Option<Rate>,
    /// `limits.bytesPerSecond`, `WS_RATE_LIMIT_BYTES`: bytes of one connection as they come over the wire, up
    /// to 1 TiB. Twice as many may come at once, and `maxPayload` at least, so that whoever was quiet may
    /// send any message that is allowed. Off by default: `maxPayload` and the rate of messages, which counts
    /// small fragments, bound it, and services raise `maxPayload` for uploads.
    pub bytes: Option<Rate>,
    /// `limits.subscriptions`, `WS_MAX_SUBSCRIPTIONS`: topics of one connection, default 1000, up to
    /// 10,000,000. It binds clients; what the host subscribes counts, and is never refused.
    pub subscriptions: Option<usize>,
    /// `limits.rooms`, `WS_MAX_ROOMS`: the same for rooms.
    pub rooms: Option<usize>,
    /// `limits.connectionsPerUser`, `WS_MAX_CONNECTIONS_PER_USER`: connections that are logged in as one
    /// user, up to 10,000,000. A further login is refused; the earlier ones stay, since what a client says
    /// must not end the connection of another. Off by default.
    pub connections_per_user: Option<usize>,
    /// `limits.messagesPerSecondPerUser`, `WS_RATE_LIMIT_PER_USER`: messages of one user over all its
    /// connections, and twice as many at once, up to 1,000,000. Off by default.
    pub messages_per_user: Option<Rate>,
    /// `limits.handshakesPerSecond`, `WS_HANDSHAKE_RATE`: handshakes of all clients, and twice as many at
    /// once, up to 1,000,000. What is over it is answered with 503. Off by default.
    pub handshakes: Option<Rate>,
    /// `limits.perIp`, `WS_LIMIT_PER_IP`: what one address may ask for. Off unless it is given or
    /// `trustProxy` is: behind a balancer all clients seem to have one address.
    pub per_ip: Option<PerIp>,
}

/// What one address may ask for; of IPv6 a block of 64 bits counts as one. What is over it is answered with
/// 429.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerIp {
    /// `limits.perIp.connections`, `WS_MAX_CONNECTIONS_PER_IP`: default 200, up to 10,000,000. Whole offices
    /// share an address.
    pub connections: Option<usize>,
    /// `limits.perIp.handshakesPerSecond`, `WS_HANDSHAKE_RATE_PER_IP`: default 20, up to 1,000,000; ten
    /// times as many at once, since all who share an address come back together.
    pub handshakes: Option<Rate>,
}

impl Default for PerIp {
    fn default() -> Self {
        Self { connections: Some(200), handshakes: Some(per_ip_rate(20)) }
    }
}

fn per_ip_rate(per_second: u64) -> Rate {
    Rate::new(per_second, per_second * 10)
}

fn twice(per_second: u64) -> Rate {
    Rate::new(per_second, per_second * 2)
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            messages: Some(Rate::new(100, 200)),
            bytes: None,
            subscriptions: Some(1000),
            rooms: Some(1000),
            connections_per_user: None,
            messages_per_user: None,
            handshakes: None,
            per_ip: None,
        }
    }
}

impl Limits {
    pub(super) fn resolve(
        given: &Settings<'_>,
        protocol: Protocol,
        max_payload: usize,
        trusts_proxies: bool,
    ) -> Result<Self, ConfigError> {
        given.limits.object("an object")?;
        let default = Self::default();
        let burst = given.limits_burst.integer(1..=MAX_RATE)?;
        let messages = match given.limits_messages_per_second.rate(1..=MAX_RATE)? {
            Some(rate) => {
                rate.map(|(rate, most)| Rate::new(rate, burst.or(most).unwrap_or(rate * 2)))
            }
            None if protocol == Protocol::Raw => None,
            None => default.messages.map(|rate| match burst {
                Some(burst) => Rate::new(rate.per_second(), burst),
                None => rate,
            }),
        };
        let bytes = given.limits_bytes_per_second.limit(1..=MAX_BYTES)?.flatten();
        let bytes = bytes.map(|rate: u64| Rate::new(rate, (rate * 2).max(max_payload as u64)));
        Ok(Self {
            messages,
            bytes,
            subscriptions: given
                .limits_subscriptions
                .limit(1..=MAX_COUNT)?
                .unwrap_or(default.subscriptions),
            rooms: given.limits_rooms.limit(1..=MAX_COUNT)?.unwrap_or(default.rooms),
            connections_per_user: given.limits_connections_per_user.limit(1..=MAX_COUNT)?.flatten(),
            messages_per_user: given
                .limits_messages_per_second_per_user
                .limit(1..=MAX_RATE)?
                .flatten()
                .map(twice),
            handshakes: given
                .limits_handshakes_per_second
                .limit(1..=MAX_RATE)?
                .flatten()
                .map(twice),
            per_ip: per_ip(given, trusts_proxies)?,
        })
    }
}

fn per_ip(given: &Settings<'_>, trusts_proxies: bool) -> Result<Option<PerIp>, ConfigError> {
    if given.limits_per_ip.is_off() {
        return Ok(None);
    }
    let on = given.limits_per_ip.switch_or_object()?;
    let connections = given.limits_per_ip_connections.limit(1..=MAX_COUNT)?;
    let handshakes = given.limits_per_ip_handshakes_per_second.limit(1..=MAX_RATE)?;
    let named = connections.is_some() || handshakes.is_some();
    let default = PerIp::default();
    let limits = PerIp {
        connections: connections.unwrap_or(default.connections),
        handshakes: handshakes.map_or(default.handshakes, |rate| rate.map(per_ip_rate)),
    };
    Ok(on.unwrap_or(named || trusts_proxies).then_some(limits))
}
