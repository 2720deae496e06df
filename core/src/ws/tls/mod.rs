//! TLS on the manager's own port, by rustls.
//!
//! - `settings`: what was given, by options or by the environment, and which of it counts.
//! - `material`: certificates and keys out of PEM.
//! - `context`: what new connections are served with, which can be replaced.
//! - `stream`: TLS over a socket, for the shard.

mod context;
mod material;
mod settings;
mod stream;
#[cfg(test)]
pub mod testing;

use super::config::ConfigError;

pub use context::{Tls, TlsContext};
pub use settings::{RawPem, RawTls};
pub use stream::TlsStream;

/// Why there is no TLS. No text has anything of a key or a passphrase in it.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum TlsError {
    /// An option or a variable of the wrong type or outside its limits.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No certificate in the text, or one that cannot be read.
    #[error("{from}: {problem}")]
    Certificate {
        /// The option or variable.
        from: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
    /// No private key in the text, or one that cannot be read or used.
    #[error("{from}: {problem}")]
    Key {
        /// The option or variable.
        from: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
    /// The passphrase is missing or wrong.
    #[error("{from}: {problem}")]
    Passphrase {
        /// The option or variable.
        from: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
    /// The certificate is of another key.
    #[error("{key}: the private key does not match the certificate of {cert}")]
    Mismatch {
        /// The option or variable of the key.
        key: &'static str,
        /// The option or variable of the certificate.
        cert: &'static str,
    },
    /// No authority in the text, or one that cannot be read.
    #[error("{from}: {problem}")]
    Authority {
        /// The option or variable.
        from: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
    /// The server was made without TLS, which cannot be added to an open port.
    #[error("the manager was made without TLS")]
    Off,
}

impl TlsError {
    /// The stable code that users see.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Config(error) => error.code(),
            Self::Certificate { .. } => "ERR_TLS_CERTIFICATE",
            Self::Key { .. } => "ERR_TLS_KEY",
            Self::Passphrase { .. } => "ERR_TLS_PASSPHRASE",
            Self::Mismatch { .. } => "ERR_TLS_KEY_MISMATCH",
            Self::Authority { .. } => "ERR_TLS_CA",
            Self::Off => "ERR_TLS_OFF",
        }
    }
}

/// What the host should be told of its certificate, which is used all the same.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum TlsNotice {
    /// Its time is over.
    #[error("{from}: the certificate has expired")]
    Expired {
        /// The option or variable.
        from: &'static str,
    },
    /// Its time has not begun.
    #[error("{from}: the certificate is not valid yet")]
    NotYetValid {
        /// The option or variable.
        from: &'static str,
    },
}

impl TlsNotice {
    /// The stable code that users see.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Expired { .. } => "ERR_TLS_EXPIRED",
            Self::NotYetValid { .. } => "ERR_TLS_NOT_YET_VALID",
        }
    }
}
