//! Wrong options and environment variables: one error for all parts of the configuration.

use thiserror::Error;

/// A wrong option or environment variable. The text begins with its name, and never holds its value if
/// that is or could be a key.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ConfigError {
    /// The option is of another type.
    #[error("{option}: {problem}")]
    Type {
        /// The option's path.
        option: &'static str,
        /// What it must be, and what it is.
        problem: String,
    },
    /// The option is of the right type, but negative, fractional, unknown, or of no use beside others.
    #[error("{option}: {problem}")]
    Range {
        /// The option's path.
        option: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// The environment variable cannot be read as its option.
    #[error("{variable}: {problem}")]
    Env {
        /// The variable's name.
        variable: &'static str,
        /// What is wrong.
        problem: String,
    },
}

impl ConfigError {
    /// The stable code that users see.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Type { .. } => "ERR_INVALID_OPTION_TYPE",
            Self::Range { .. } => "ERR_INVALID_OPTION_RANGE",
            Self::Env { .. } => "ERR_INVALID_ENV",
        }
    }

    /// An option of another type than the one that is expected.
    pub(crate) fn wrong_type(option: &'static str, expected: &str, got: &str) -> Self {
        Self::Type { option, problem: format!("must be {expected}, got type {got}") }
    }

    /// An option with this value, which is shown as it is.
    pub(crate) fn out_of_range(option: &'static str, expected: &str, got: &str) -> Self {
        Self::Range { option, problem: format!("must be {expected}, got {got}") }
    }

    /// A variable with this text, which is shown in quotes.
    pub(crate) fn wrong_variable(variable: &'static str, expected: &str, got: &str) -> Self {
        Self::Env { variable, problem: format!("must be {expected}, got {got:?}") }
    }
}
