//! One member of the option `jwt` as it was given, and its environment variable.

use std::fmt;
use std::ops::RangeInclusive;

use super::Env;
use crate::config_error::ConfigError;

/// A value as the host gave it.
#[derive(Clone, Default, PartialEq)]
pub enum Given {
    /// `undefined` or `null`.
    #[default]
    Absent,
    /// `false`.
    Off,
    /// A string.
    Text(String),
    /// A `Buffer` or another `Uint8Array`.
    Bytes(Vec<u8>),
    /// A number.
    Number(f64),
    /// A list of strings.
    Texts(Vec<String>),
    /// Any other object, as `JSON.stringify` writes it.
    Json(String),
    /// Anything else: what JavaScript's `typeof` says.
    Other(&'static str),
}

impl Given {
    /// Whether it counts as not given, as with all options.
    fn falls_through(&self) -> bool {
        match self {
            Self::Absent => true,
            Self::Number(number) => number.is_nan() || *number == 0.0,
            Self::Text(text) => text.is_empty(),
            Self::Bytes(bytes) => bytes.is_empty(),
            Self::Off | Self::Texts(_) | Self::Json(_) | Self::Other(_) => false,
        }
    }

    pub(super) const fn type_name(&self) -> &'static str {
        match self {
            Self::Absent => "undefined",
            Self::Off => "boolean",
            Self::Text(_) => "string",
            Self::Bytes(_) => "Uint8Array",
            Self::Number(_) => "number",
            Self::Texts(_) => "array",
            Self::Json(_) => "object",
            Self::Other(name) => name,
        }
    }
}

/// Shows only the type, since the value may be a secret.
impl fmt::Debug for Given {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.type_name())
    }
}

/// One member, ready to be read. Each reader returns `None` when nothing is given.
pub(super) struct Item<'a> {
    path: &'static str,
    pub(super) variable: &'static str,
    given: &'a Given,
    env: Env<'a>,
}

impl<'a> Item<'a> {
    pub(super) fn new(
        path: &'static str,
        variable: &'static str,
        given: &'a Given,
        env: Env<'a>,
    ) -> Self {
        Self { path, variable, given, env }
    }

    /// The option, if it is given.
    pub(super) fn option(&self) -> Option<&'a Given> {
        (!self.given.falls_through()).then_some(self.given)
    }

    /// The variable, if it is set and not empty.
    pub(super) fn environment(&self) -> Option<String> {
        (self.env)(self.variable).filter(|text| !text.is_empty())
    }

    pub(super) fn is_given(&self) -> bool {
        self.option().is_some() || self.environment().is_some()
    }

    /// Whether the variable is the number 0.
    pub(super) fn is_zero(&self) -> bool {
        self.environment().is_some_and(|text| text.trim().parse() == Ok(0.0))
    }

    pub(super) fn text(&self, expected: &str) -> Result<Option<String>, ConfigError> {
        match self.option() {
            Some(Given::Text(text)) => Ok(Some(text.clone())),
            Some(other) => Err(self.wrong_type(&format!("{expected}, a string"), other)),
            None => Ok(self.environment()),
        }
    }

    /// Reads what is asked of a claim: one or several strings, or nothing, by `false` or without any.
    pub(super) fn wanted(&self, expected: &str) -> Result<Vec<String>, ConfigError> {
        match self.option() {
            Some(Given::Off) => Ok(Vec::new()),
            _ => Ok(self.texts(expected)?.unwrap_or_default()),
        }
    }

    /// Reads one or several strings. In the environment, commas part them.
    pub(super) fn texts(&self, expected: &str) -> Result<Option<Vec<String>>, ConfigError> {
        let texts = match self.option() {
            Some(Given::Text(text)) => vec![text.clone()],
            Some(Given::Texts(texts)) => texts.clone(),
            Some(other) => {
                return Err(
                    self.wrong_type(&format!("{expected}, a string or a list of strings"), other)
                );
            }
            None => match self.environment() {
                Some(text) => text.split(',').map(|one| one.trim().to_owned()).collect(),
                None => return Ok(None),
            },
        };
        // An empty list would accept all or nothing: it is not for us to say what was meant.
        if texts.is_empty() || texts.iter().any(String::is_empty) {
            return Err(self.wrong("must not be empty, nor have an empty string in it"));
        }
        Ok(Some(texts))
    }

    /// Reads an integer. In the environment too, 0 counts as not given.
    pub(super) fn integer(&self, range: RangeInclusive<u64>) -> Result<Option<u64>, ConfigError> {
        let expected = format!("an integer from {} to {}", range.start(), range.end());
        let parse = |number: f64| {
            let integer = (number >= 0.0 && number.fract() == 0.0).then_some(number as u64)?;
            range.contains(&integer).then_some(integer)
        };
        let (number, shown) = match self.option() {
            // As JavaScript writes it.
            Some(Given::Number(number)) => {
                (Some(*number), number.to_string().replace("inf", "Infinity"))
            }
            Some(other) => return Err(self.wrong_type(&expected, other)),
            None => match self.environment() {
                Some(text) => (text.trim().parse().ok(), format!("{text:?}")),
                None => return Ok(None),
            },
        };
        match number {
            Some(0.0) => Ok(None),
            Some(number) if parse(number).is_some() => Ok(parse(number)),
            _ => Err(self.wrong(&format!("must be {expected}, got {shown}"))),
        }
    }

    pub(super) fn wrong_type(&self, expected: &str, got: &Given) -> ConfigError {
        ConfigError::wrong_type(self.path, expected, got.type_name())
    }

    /// What is wrong with the option, or with the variable if there is no option.
    pub(super) fn wrong(&self, problem: &str) -> ConfigError {
        let problem = problem.to_owned();
        match self.option() {
            Some(_) => ConfigError::Range { option: self.path, problem },
            None => ConfigError::Env { variable: self.variable, problem },
        }
    }

    /// The name by which users know what was given.
    pub(super) fn name(&self) -> &'static str {
        if self.option().is_some() { self.path } else { self.variable }
    }
}
