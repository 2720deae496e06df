//! The settings of TLS as they were given. Each goes before its environment variable; the variables
//! of PEM texts are paths of files.
//!
//! Whoever sets a variable means to have TLS: one that cannot be what it says is an error, also
//! where a mild reading would be possible, since the mild reading is a server without protection.

use std::fmt;

use super::TlsError;
use super::material::Source;
use crate::ws::config::{ConfigError, Env, RawValue, Setting};

/// A PEM text as the host gave it.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum RawPem {
    /// `undefined`, `null` or empty.
    #[default]
    Absent,
    /// Its bytes.
    Text(Vec<u8>),
    /// Anything else: what JavaScript's `typeof` says.
    Other(&'static str),
}

impl fmt::Debug for RawPem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "Absent",
            Self::Text(_) => "Text",
            Self::Other(_) => "Other",
        })
    }
}

/// `tls` as the host gave it. By default nothing is given.
#[derive(Clone, Default)]
pub struct RawTls {
    /// `tls.cert`, `WS_TLS_CERT`: the certificate and behind it those up to its authority.
    pub cert: RawPem,
    /// `tls.key`, `WS_TLS_KEY`: its private key.
    pub key: RawPem,
    /// `tls.ca`, `WS_TLS_CA`: the authorities of clients' certificates.
    pub ca: RawPem,
    /// `tls.passphrase`, `WS_TLS_PASSPHRASE`: what the key is encrypted with.
    pub passphrase: RawValue,
    /// `tls.minVersion`, `WS_TLS_MIN_VERSION`: the oldest version of TLS that is spoken, `TLSv1.2`
    /// by default, or `TLSv1.3`.
    pub min_version: RawValue,
    /// `tls.requestCert`, `WS_TLS_REQUEST_CERT`: a client must present a certificate of `ca`.
    /// Default false.
    pub request_cert: RawValue,
}

impl fmt::Debug for RawTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawTls").finish_non_exhaustive()
    }
}

/// What TLS is made of.
pub(super) struct Settings {
    pub cert: Source,
    pub key: Source,
    pub ca: Option<Source>,
    pub passphrase: Option<String>,
    /// TLS 1.2 is not spoken.
    pub only_13: bool,
    pub request_cert: bool,
}

impl RawTls {
    /// Whether nothing is given.
    pub(super) fn is_empty(&self) -> bool {
        let pems = [&self.cert, &self.key, &self.ca];
        pems.into_iter().all(|pem| *pem == RawPem::Absent)
            && self.passphrase.falls_through()
            && self.min_version.falls_through()
            && self.request_cert == RawValue::Absent
    }

    /// Whether there is a file that the environment names and no option goes before.
    pub(super) fn reads_files(&self, env: Env<'_>) -> bool {
        [(&self.cert, CERT), (&self.key, KEY), (&self.ca, CA)].into_iter().any(
            |(pem, (_, variable))| {
                *pem == RawPem::Absent && env(variable).is_some_and(|path| !path.is_empty())
            },
        )
    }

    /// The error of whoever replaces nothing by nothing.
    pub(super) fn nothing_new() -> ConfigError {
        let problem = "nothing to replace anything by: give cert and key, unless the environment \
                       names their files (WS_TLS_CERT, WS_TLS_KEY)";
        ConfigError::Type { option: "tls", problem: problem.to_owned() }
    }

    /// What is given here, and the rest from `earlier`.
    pub(super) fn over(self, earlier: &Self) -> Self {
        let pem = |new: RawPem, old: &RawPem| if new == RawPem::Absent { old.clone() } else { new };
        let text = |new: RawValue, old: &RawValue| {
            if new.falls_through() { old.clone() } else { new }
        };
        let boolean = |new: RawValue, old: &RawValue| {
            if new == RawValue::Absent { old.clone() } else { new }
        };
        Self {
            cert: pem(self.cert, &earlier.cert),
            key: pem(self.key, &earlier.key),
            ca: pem(self.ca, &earlier.ca),
            passphrase: text(self.passphrase, &earlier.passphrase),
            min_version: text(self.min_version, &earlier.min_version),
            request_cert: boolean(self.request_cert, &earlier.request_cert),
        }
    }

    /// Reads options, variables and the files that these name. `None` when there is to be no TLS:
    /// `wanted` says that the option `tls` itself is there.
    pub(super) fn settings(
        &self,
        wanted: bool,
        env: Env<'_>,
    ) -> Result<Option<Settings>, TlsError> {
        let variable = |name: &str| env(name).filter(|value| !value.is_empty());
        if !wanted && !VARIABLES.iter().any(|name| variable(name).is_some()) {
            return Ok(None);
        }
        let cert = pem(CERT, &self.cert, env)?.ok_or_else(|| missing(CERT, wanted))?;
        let key = pem(KEY, &self.key, env)?.ok_or_else(|| missing(KEY, wanted))?;
        let ca = pem(CA, &self.ca, env)?;
        let setting = |name, variable, value| Setting::new(name, variable, value, env);
        let request_cert = setting("tls.requestCert", "WS_TLS_REQUEST_CERT", &self.request_cert);
        let request_cert = request_cert.boolean()?.unwrap_or(false);
        if request_cert && ca.is_none() {
            return Err(missing(CA, wanted));
        }
        let passphrase = setting("tls.passphrase", "WS_TLS_PASSPHRASE", &self.passphrase)
            .text("a string", |text| Some(text.to_owned()))?;
        let min_version = setting("tls.minVersion", "WS_TLS_MIN_VERSION", &self.min_version).text(
            "TLSv1.2 or TLSv1.3",
            |version| match version {
                "TLSv1.2" => Some(false),
                "TLSv1.3" => Some(true),
                _ => None,
            },
        )?;
        let only_13 = min_version.unwrap_or(false);
        Ok(Some(Settings { cert, key, ca, passphrase, only_13, request_cert }))
    }
}

/// The name in JavaScript and the environment variable.
type Names = (&'static str, &'static str);

const CERT: Names = ("tls.cert", "WS_TLS_CERT");
const KEY: Names = ("tls.key", "WS_TLS_KEY");
const CA: Names = ("tls.ca", "WS_TLS_CA");

const VARIABLES: [&str; 6] =
    [CERT.1, KEY.1, CA.1, "WS_TLS_PASSPHRASE", "WS_TLS_MIN_VERSION", "WS_TLS_REQUEST_CERT"];

const PEM: &str = "a PEM text as a string or a Buffer";

fn pem(
    (option, variable): Names,
    given: &RawPem,
    env: Env<'_>,
) -> Result<Option<Source>, ConfigError> {
    match given {
        RawPem::Text(text) => return Ok(Some(Source { name: option, pem: text.clone() })),
        RawPem::Other(kind) => {
            return Err(ConfigError::wrong_type(option, PEM, kind));
        }
        RawPem::Absent => {}
    }
    let Some(path) = env(variable).filter(|path| !path.is_empty()) else {
        return Ok(None);
    };
    match std::fs::read(&path) {
        Ok(pem) => Ok(Some(Source { name: variable, pem })),
        // Whoever puts the key itself here, and no path of it, must not find it in a log.
        Err(error) => {
            let expected = "the path of a PEM file that can be read";
            Err(ConfigError::wrong_variable(variable, expected, &error.kind().to_string()))
        }
    }
}

/// What is needed was given neither as an option nor by the environment.
fn missing((option, variable): Names, wanted: bool) -> TlsError {
    let error = if wanted {
        ConfigError::wrong_type(option, PEM, "undefined")
    } else {
        let expected = "the path of a PEM file, since another WS_TLS_ variable is set";
        ConfigError::wrong_variable(variable, expected, "")
    };
    error.into()
}
