//! One option as it was given: its value from the host, its environment variable, and the rules
//! by which a value counts as not given.

use std::fmt;
use std::ops::RangeInclusive;

use super::ConfigError;
use crate::jwt::RawJwt;

/// A value as the host gave it, before any rule is applied.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum RawValue {
    /// `undefined` or `null`.
    #[default]
    Absent,
    /// A boolean.
    Bool(bool),
    /// A number, `NaN` and the infinities included.
    Number(f64),
    /// A string.
    Text(String),
    /// An array of the others.
    List(Vec<RawValue>),
    /// Anything else: what JavaScript's `typeof` says.
    Other(&'static str),
}

impl RawValue {
    /// Whether the value counts as not given, for everything but booleans.
    pub(in crate::ws) fn falls_through(&self) -> bool {
        match self {
            Self::Absent => true,
            Self::Number(number) => number.is_nan() || *number == 0.0,
            Self::Text(text) => text.is_empty(),
            Self::Bool(_) | Self::List(_) | Self::Other(_) => false,
        }
    }

    /// What `typeof` says of it, or `array`.
    #[must_use]
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Absent => "undefined",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::Text(_) => "string",
            Self::List(_) => "array",
            Self::Other(name) => name,
        }
    }
}

/// An option whose members are options of their own.
#[derive(Clone, Debug, Default)]
pub enum RawObject<T> {
    /// `undefined` or `null`: the environment counts.
    #[default]
    Absent,
    /// `false`: it is off, whatever the environment says.
    Off,
    /// Its members.
    Given(T),
}

/// The value as JavaScript would write it.
impl fmt::Display for RawValue {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(out, "{value}"),
            Self::Number(number) if number.is_infinite() => {
                write!(out, "{}Infinity", if *number < 0.0 { "-" } else { "" })
            }
            Self::Number(number) if number.abs() >= 1e21 => write!(out, "{number:e}"),
            Self::Number(number) => write!(out, "{number}"),
            Self::Text(text) => write!(out, "{text:?}"),
            Self::Absent | Self::List(_) | Self::Other(_) => out.write_str(self.type_name()),
        }
    }
}

/// The one list of the options: the field, the name in JavaScript, the environment variable. A dot in a name
/// leads into an object; without a name of a variable there is none.
macro_rules! options {
    ($($field:ident, $name:literal, $variable:literal;)*) => {
        /// The options as the host gave them. By default none is given.
        #[derive(Clone, Debug, Default)]
        pub struct RawOptions {
            $(#[doc = concat!("`", $name, "`, `", $variable, "`")] pub $field: RawValue,)*
            /// `jwt`, whose members have a list of their own.
            pub jwt: RawObject<RawJwt>,
        }

        impl RawOptions {
            /// The options' names in JavaScript.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// Sets the option of this name. Returns whether there is one.
            pub fn set(&mut self, name: &str, value: RawValue) -> bool {
                match name {
                    $($name => self.$field = value,)*
                    _ => return false,
                }
                true
            }

            pub(super) fn settings<'a>(&'a self, env: Env<'a>) -> Settings<'a> {
                Settings {
                    $($field: Setting {
                        name: $name,
                        variable: $variable,
                        value: &self.$field,
                        env,
                    },)*
                }
            }
        }

        /// The options, each with all that is needed to read it.
        pub(super) struct Settings<'a> {
            $(pub(super) $field: Setting<'a>,)*
        }
    };
}

options! {
    port, "port", "WS_PORT";
    host, "host", "WS_HOST";
    path, "path", "WS_PATH";
    heartbeat_interval, "heartbeatInterval", "WS_HEARTBEAT_INTERVAL";
    max_connections, "maxConnections", "WS_MAX_CONNECTIONS";
    enable_compression, "enableCompression", "WS_COMPRESSION";
    compression_threshold, "compressionThreshold", "WS_COMPRESSION_THRESHOLD";
    compression_level, "compressionLevel", "WS_COMPRESSION_LEVEL";
    enable_heartbeat, "enableHeartbeat", "WS_HEARTBEAT";
    protocol, "protocol", "WS_PROTOCOL";
    max_payload, "maxPayload", "WS_MAX_PAYLOAD";
    handshake_timeout, "handshakeTimeout", "WS_HANDSHAKE_TIMEOUT";
    close_timeout, "closeTimeout", "WS_CLOSE_TIMEOUT";
    max_buffered_amount, "maxBufferedAmount", "WS_MAX_BUFFERED_AMOUNT";
    slow_consumer, "slowConsumer", "WS_SLOW_CONSUMER";
    memory_budget, "memoryBudget", "WS_MEMORY_BUDGET";
    shards, "shards", "WS_SHARDS";
    require_auth, "requireAuth", "WS_REQUIRE_AUTH";
    auth_timeout, "authTimeout", "WS_AUTH_TIMEOUT";
    max_auth_failures, "maxAuthFailures", "WS_MAX_AUTH_FAILURES";
    token_from, "tokenFrom", "WS_TOKEN_FROM";
    token_expiring_lead, "tokenExpiringLead", "WS_TOKEN_EXPIRING_LEAD";
    hook_timeout, "hookTimeout", "WS_HOOK_TIMEOUT";
    authenticate, "authenticate", "";
    authorize, "authorize", "";
    authorize_subscribe, "authorize.subscribe", "WS_AUTHORIZE_SUBSCRIBE";
    authorize_join_room, "authorize.join_room", "WS_AUTHORIZE_JOIN_ROOM";
    origins, "origins", "WS_ORIGINS";
    trust_proxy, "trustProxy", "WS_TRUST_PROXY";
    proxy_protocol, "proxyProtocol", "WS_PROXY_PROTOCOL";
    limits, "limits", "";
    limits_messages_per_second, "limits.messagesPerSecond", "WS_RATE_LIMIT";
    limits_burst, "limits.burst", "";
    limits_bytes_per_second, "limits.bytesPerSecond", "WS_RATE_LIMIT_BYTES";
    limits_subscriptions, "limits.subscriptions", "WS_MAX_SUBSCRIPTIONS";
    limits_rooms, "limits.rooms", "WS_MAX_ROOMS";
    limits_connections_per_user, "limits.connectionsPerUser", "WS_MAX_CONNECTIONS_PER_USER";
    limits_messages_per_second_per_user, "limits.messagesPerSecondPerUser", "WS_RATE_LIMIT_PER_USER";
    limits_handshakes_per_second, "limits.handshakesPerSecond", "WS_HANDSHAKE_RATE";
    limits_per_ip, "limits.perIp", "WS_LIMIT_PER_IP";
    limits_per_ip_connections, "limits.perIp.connections", "WS_MAX_CONNECTIONS_PER_IP";
    limits_per_ip_handshakes_per_second, "limits.perIp.handshakesPerSecond", "WS_HANDSHAKE_RATE_PER_IP";
}

/// What can be turned off: nothing then.
pub(super) type Switch<T> = Option<T>;

/// A rate, and what may come at once.
pub(super) type Pace = (u64, Option<u64>);

/// How a variable's value is asked for.
pub(in crate::ws) type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// One option, ready to be read. Each reader returns `None` when nothing is given.
pub(in crate::ws) struct Setting<'a> {
    name: &'static str,
    variable: &'static str,
    value: &'a RawValue,
    env: Env<'a>,
}

impl<'a> Setting<'a> {
    /// One that is no line of the list above, being part of another option.
    pub(in crate::ws) fn new(
        name: &'static str,
        variable: &'static str,
        value: &'a RawValue,
        env: Env<'a>,
    ) -> Self {
        Self { name, variable, value, env }
    }

    /// Whether it is `false`, which for what has no off value of its own says: off, whatever the environment has.
    pub(super) fn is_off(&self) -> bool {
        *self.value == RawValue::Bool(false)
    }

    /// Reads an integer. In the environment too, 0 counts as not given.
    pub(super) fn integer<T: TryFrom<u64>>(
        &self,
        range: RangeInclusive<u64>,
    ) -> Result<Option<T>, ConfigError> {
        let expected = format!("an integer from {} to {}", range.start(), range.end());
        let parse = |number: f64| {
            // Beyond 2^53 not every integer is exact, but all limits are below.
            let integer = (number >= 0.0 && number.fract() == 0.0).then_some(number as u64)?;
            T::try_from(integer).ok().filter(|_| range.contains(&integer))
        };
        match self.value {
            value if value.falls_through() => {}
            RawValue::Number(number) => return self.in_range(&expected, parse(*number)),
            _ => return Err(self.wrong_type(&expected)),
        }
        let Some(text) = self.environment() else {
            return Ok(None);
        };
        match text.trim().parse() {
            Ok(0.0) => Ok(None),
            Ok(number) => self.valid_variable(&expected, text, parse(number)),
            Err(_) => self.valid_variable(&expected, text, None),
        }
    }

    /// Reads a string by `parse`, which returns `None` for a bad one.
    pub(in crate::ws) fn text<T>(
        &self,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        match self.value {
            value if value.falls_through() => {}
            RawValue::Text(text) => return self.in_range(expected, parse(text)),
            _ => return Err(self.wrong_type(expected)),
        }
        let Some(text) = self.environment() else {
            return Ok(None);
        };
        let value = parse(&text);
        self.valid_variable(expected, text, value)
    }

    /// Reads a boolean.
    pub(in crate::ws) fn boolean(&self) -> Result<Option<bool>, ConfigError> {
        match self.value {
            RawValue::Absent => self.yes_or_no("true or false", &["false", "0"]),
            RawValue::Bool(value) => Ok(Some(*value)),
            _ => Err(self.wrong_type("a boolean")),
        }
    }

    /// The same for the two variables that callers have already: in the environment only `true` is true,
    /// and nothing is an error.
    pub(super) fn lenient_boolean(&self) -> Result<Option<bool>, ConfigError> {
        match self.value {
            RawValue::Absent => Ok(self.environment().map(|text| text == "true")),
            _ => self.boolean(),
        }
    }

    /// A variable that switches protection on must not be off because it was written in another way.
    fn yes_or_no(&self, expected: &str, no: &[&str]) -> Result<Option<bool>, ConfigError> {
        let Some(text) = self.environment() else {
            return Ok(None);
        };
        let value = match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            text if no.contains(&text) => Some(false),
            _ => None,
        };
        self.valid_variable(expected, text, value)
    }

    /// Reads a limit, which can be turned off: `Some(None)`.
    pub(super) fn limit<T: TryFrom<u64>>(
        &self,
        range: RangeInclusive<u64>,
    ) -> Result<Option<Switch<T>>, ConfigError> {
        let expected = format!("an integer from {} to {}", range.start(), range.end());
        self.switchable(&expected, |text| parse_in(text, &range).and_then(|n| T::try_from(n).ok()))
    }

    /// Reads a rate, in the environment with what may come at once: `100` or `100/200`.
    pub(super) fn rate(
        &self,
        range: RangeInclusive<u64>,
    ) -> Result<Option<Switch<Pace>>, ConfigError> {
        let expected = format!("an integer from {} to {}", range.start(), range.end());
        self.switchable(&expected, |text| match text.split_once('/') {
            None => Some((parse_in(text, &range)?, None)),
            Some((rate, burst)) => Some((parse_in(rate, &range)?, Some(parse_in(burst, &range)?))),
        })
    }

    fn switchable<T>(
        &self,
        number: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<Switch<T>>, ConfigError> {
        let expected = format!("{number}, or false");
        match self.value {
            value if value.falls_through() => {}
            RawValue::Bool(false) => return Ok(Some(None)),
            // What is no integer is written with a sign or a point, and so is none to `parse` either.
            RawValue::Number(number) => {
                return self.in_range(&expected, parse(&number.to_string()).map(Some));
            }
            _ => return Err(self.wrong_type(&expected)),
        }
        let Some(text) = self.environment() else {
            return Ok(None);
        };
        let value = match text.trim() {
            word if is_off(word) => Some(None),
            text => parse(text).map(Some),
        };
        self.valid_variable(&format!("{number}, or off"), text, value)
    }

    /// Reads a function, which stays with the host. Returns whether it is there.
    pub(super) fn function(&self, expected: &str) -> Result<bool, ConfigError> {
        match self.value {
            value if value.falls_through() => Ok(false),
            RawValue::Other("function") => Ok(true),
            _ => Err(self.wrong_type(expected)),
        }
    }

    /// Reads an object whose properties are options of their own. Returns whether it is there.
    pub(super) fn object(&self, expected: &str) -> Result<bool, ConfigError> {
        match self.value {
            value if value.falls_through() => Ok(false),
            RawValue::Other("object") => Ok(true),
            _ => Err(self.wrong_type(expected)),
        }
    }

    /// Reads an object whose properties are options of their own, or whether they count at all. What is off is
    /// also `off` in the environment, as with `switchable`.
    pub(super) fn switch_or_object(&self) -> Result<Option<bool>, ConfigError> {
        match self.value {
            RawValue::Bool(value) => Ok(Some(*value)),
            value if value.falls_through() => {
                self.yes_or_no("true, false or off", &["false", "0", "off"])
            }
            _ => self.object("an object or a boolean").map(|given| given.then_some(true)),
        }
    }

    /// Reads one value or an array of them, in the environment a list with commas. `text` reads strings and
    /// `other` what else there may be; both return `None` for a bad one.
    pub(super) fn list<T>(
        &self,
        expected: &str,
        text: impl Fn(&str) -> Option<T>,
        other: impl Fn(&RawValue) -> Option<T>,
    ) -> Result<Option<Vec<T>>, ConfigError> {
        let other = |value: &RawValue| match other(value) {
            Some(read) => Ok(read),
            None if matches!(value, RawValue::Number(_)) => self.shown(expected, None, value),
            None => Err(self.wrong_type_of(expected, value)),
        };
        self.entries(expected, text, other)
    }

    /// The same for strings only.
    pub(super) fn texts<T>(
        &self,
        expected: &str,
        text: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<Vec<T>>, ConfigError> {
        self.entries(expected, text, |value| Err(self.wrong_type_of(expected, value)))
    }

    fn entries<T>(
        &self,
        expected: &str,
        text: impl Fn(&str) -> Option<T>,
        other: impl Fn(&RawValue) -> Result<T, ConfigError>,
    ) -> Result<Option<Vec<T>>, ConfigError> {
        let read = |value: &RawValue| match value {
            RawValue::Text(entry) => self.shown(expected, text(entry), value),
            value => other(value),
        };
        match self.value {
            value if value.falls_through() => {}
            RawValue::List(values) => {
                return values.iter().map(read).collect::<Result<_, _>>().map(Some);
            }
            value => return read(value).map(|one| Some(vec![one])),
        }
        let Some(given) = self.environment() else {
            return Ok(None);
        };
        let entries: Option<Vec<_>> = given.split(',').map(|entry| text(entry.trim())).collect();
        self.valid_variable(expected, given, entries)
    }

    fn environment(&self) -> Option<String> {
        (self.env)(self.variable).filter(|text| !text.is_empty())
    }

    fn in_range<T>(&self, expected: &str, value: Option<T>) -> Result<Option<T>, ConfigError> {
        self.shown(expected, value, self.value).map(Some)
    }

    /// A list of what cannot stand together.
    pub(super) fn mixed(&self, expected: &str) -> ConfigError {
        let got = self.environment().unwrap_or_else(|| self.value.to_string());
        match self.value {
            value if value.falls_through() => {
                ConfigError::wrong_variable(self.variable, expected, &got)
            }
            _ => ConfigError::out_of_range(self.name, expected, &got),
        }
    }

    fn shown<T>(&self, expected: &str, value: Option<T>, got: &RawValue) -> Result<T, ConfigError> {
        value.ok_or_else(|| ConfigError::out_of_range(self.name, expected, &got.to_string()))
    }

    fn valid_variable<T>(
        &self,
        expected: &str,
        got: String,
        value: Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        value.map(Some).ok_or_else(|| ConfigError::wrong_variable(self.variable, expected, &got))
    }

    fn wrong_type(&self, expected: &str) -> ConfigError {
        self.wrong_type_of(expected, self.value)
    }

    fn wrong_type_of(&self, expected: &str, value: &RawValue) -> ConfigError {
        ConfigError::wrong_type(self.name, expected, value.type_name())
    }
}

/// Whether a variable's word turns off what could have a value.
pub(super) fn is_off(word: &str) -> bool {
    ["off", "false", "0"].iter().any(|off| word.eq_ignore_ascii_case(off))
}

/// A number in decimal digits, if it is within the range.
fn parse_in(text: &str, range: &RangeInclusive<u64>) -> Option<u64> {
    let text = text.trim();
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && range.contains(number))
}
