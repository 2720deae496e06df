//! One option as it was given: its value from the host, its environment variable, and the rules
//! by which a value counts as not given.

use std::fmt;
use std::ops::RangeInclusive;

use super::ConfigError;

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
    /// An array.
    List(Vec<RawValue>),
    /// Anything else: what JavaScript's `typeof` says.
    Other(&'static str),
}

impl RawValue {
    /// Whether the value counts as not given, for everything but booleans.
    fn falls_through(&self) -> bool {
        match self {
            Self::Absent => true,
            Self::Number(number) => number.is_nan() || *number == 0.0,
            Self::Text(text) => text.is_empty(),
            Self::Bool(_) | Self::List(_) | Self::Other(_) => false,
        }
    }

    /// Whether it is a function. Nothing else may be given.
    pub(super) fn is_function(
        &self,
        option: &'static str,
        expected: &str,
    ) -> Result<bool, ConfigError> {
        match self {
            Self::Other("function") => Ok(true),
            value if value.falls_through() => Ok(false),
            _ => Err(ConfigError::Type {
                option,
                expected: expected.to_owned(),
                got: format!("type {}", self.type_name()),
            }),
        }
    }

    const fn type_name(&self) -> &'static str {
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

/// The one list of the options: the field, the name in JavaScript, the environment variable.
macro_rules! options {
    ($($field:ident, $name:literal, $variable:literal;)*) => {
        /// The options as the host gave them. By default none is given.
        #[derive(Clone, Debug, Default)]
        pub struct RawOptions {
            $(#[doc = concat!("`", $name, "`, `", $variable, "`")] pub $field: RawValue,)*
            /// `authenticate`: a function, which stays with the host. It has no variable.
            pub authenticate: RawValue,
            /// `authorize`: a function, or an object whose parts are options of their own.
            pub authorize: RawValue,
        }

        impl RawOptions {
            /// The options' names in JavaScript; a dot leads into an object.
            pub const NAMES: &'static [&'static str] = &[$($name,)* "authenticate", "authorize"];

            /// Sets the option of this name. Returns whether there is one.
            pub fn set(&mut self, name: &str, value: RawValue) -> bool {
                match name {
                    $($name => self.$field = value,)*
                    "authenticate" => self.authenticate = value,
                    "authorize" => self.authorize = value,
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
    authorize_subscribe, "authorize.subscribe", "WS_AUTHORIZE_SUBSCRIBE";
    authorize_join_room, "authorize.join_room", "WS_AUTHORIZE_JOIN_ROOM";
}

type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// One option, ready to be read. Each reader returns `None` when nothing is given.
pub(super) struct Setting<'a> {
    name: &'static str,
    variable: &'static str,
    value: &'a RawValue,
    env: Env<'a>,
}

impl Setting<'_> {
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
    pub(super) fn text<T>(
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

    /// Reads a boolean. In the environment only `true` is true, and nothing is an error.
    pub(super) fn boolean(&self) -> Result<Option<bool>, ConfigError> {
        match self.value {
            RawValue::Absent => Ok(self.environment().map(|text| text == "true")),
            RawValue::Bool(value) => Ok(Some(*value)),
            _ => Err(self.wrong_type("a boolean")),
        }
    }

    /// Reads a list of what `parse` reads: an array of strings, or one string. In the environment
    /// its entries are separated by commas.
    pub(super) fn list<T>(
        &self,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<Vec<T>>, ConfigError> {
        let entry = |entry: &RawValue| match entry {
            RawValue::Text(text) => parse(text).ok_or_else(|| ConfigError::Range {
                option: self.name,
                expected: expected.to_owned(),
                got: entry.to_string(),
            }),
            other => Err(ConfigError::Type {
                option: self.name,
                expected: expected.to_owned(),
                got: format!("an entry of type {}", other.type_name()),
            }),
        };
        match self.value {
            value if value.falls_through() => {}
            RawValue::List(entries) => {
                return entries.iter().map(entry).collect::<Result<_, _>>().map(Some);
            }
            text @ RawValue::Text(_) => return entry(text).map(|entry| Some(vec![entry])),
            _ => return Err(self.wrong_type(expected)),
        }
        let Some(text) = self.environment() else {
            return Ok(None);
        };
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(&parse);
        let entries = entries.collect();
        self.valid_variable(expected, text, entries)
    }

    fn environment(&self) -> Option<String> {
        (self.env)(self.variable).filter(|text| !text.is_empty())
    }

    fn in_range<T>(&self, expected: &str, value: Option<T>) -> Result<Option<T>, ConfigError> {
        value.map(Some).ok_or_else(|| ConfigError::Range {
            option: self.name,
            expected: expected.to_owned(),
            got: self.value.to_string(),
        })
    }

    fn valid_variable<T>(
        &self,
        expected: &str,
        got: String,
        value: Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        let (variable, expected) = (self.variable, expected.to_owned());
        value.map(Some).ok_or(ConfigError::Env { variable, expected, got })
    }

    fn wrong_type(&self, expected: &str) -> ConfigError {
        ConfigError::Type {
            option: self.name,
            expected: expected.to_owned(),
            got: format!("type {}", self.value.type_name()),
        }
    }
}
