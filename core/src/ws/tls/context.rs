//! What new connections are served with. It can be replaced while connections are open: these go
//! on with what they began with.

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::SingleCertAndKey;
use rustls::version::{TLS12, TLS13};
use rustls::{ConfigBuilder, ServerConfig, WantsVerifier};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::settings::{RawTls, Settings};
use super::{TlsError, TlsNotice, material};
use crate::ws::config::{Env, RawObject};

/// What a server's TLS is made of: read, checked, and ready for connections.
pub struct Tls {
    config: Arc<ServerConfig>,
    given: RawTls,
    notice: Option<TlsNotice>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads what the option `tls` has, or the environment. `None` when neither asks for TLS.
    ///
    /// # Errors
    /// What is wrong first.
    pub fn resolve(given: RawObject<RawTls>, env: Env<'_>) -> Result<Option<Self>, TlsError> {
        match given {
            RawObject::Off => Ok(None),
            RawObject::Absent => Self::make(RawTls::default(), false, env),
            RawObject::Given(given) => Self::make(given, true, env),
        }
    }

    fn make(given: RawTls, wanted: bool, env: Env<'_>) -> Result<Option<Self>, TlsError> {
        let Some(settings) = given.settings(wanted, env)? else {
            return Ok(None);
        };
        let provider = Arc::new(aws_lc_rs::default_provider());
        let (identity, notice) = material::identity(&settings, &provider)?;
        let versions: &[_] = if settings.only_13 { &[&TLS13] } else { &[&TLS13, &TLS12] };
        // Its suites have all of these versions: the error is none that a user could cause.
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(versions)
            .map_err(|_| UNUSABLE)?;
        let builder = require_clients(builder, &settings, &provider)?;
        let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(identity)));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        if settings.request_cert {
            // A session that is resumed brings no certificate, which may have expired since, or whose
            // authority may be trusted no more.
            config.send_tls13_tickets = 0;
        } else {
            // One, since a client has one connection here.
            config.send_tls13_tickets = 1;
            config.ticketer = aws_lc_rs::Ticketer::new().map_err(|_| UNUSABLE)?;
        }
        Ok(Some(Self { config: Arc::new(config), given, notice }))
    }

    /// What the host should be told of, though it is no error.
    #[must_use]
    pub const fn notice(&self) -> Option<TlsNotice> {
        self.notice
    }
}

const UNUSABLE: TlsError = TlsError::Certificate { from: "tls", problem: "TLS cannot be set up" };

type Builder<State> = ConfigBuilder<ServerConfig, State>;

fn require_clients(
    builder: Builder<WantsVerifier>,
    settings: &Settings,
    provider: &Arc<CryptoProvider>,
) -> Result<Builder<rustls::server::WantsServerCert>, TlsError> {
    // It is looked at in any case: that it is wrong should be known before it is needed.
    let given = match &settings.ca {
        Some(ca) => Some((material::authorities(ca)?, ca.name)),
        None => None,
    };
    let Some((roots, from)) = given.filter(|_| settings.request_cert) else {
        return Ok(builder.with_no_client_auth());
    };
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let unusable = |_| TlsError::Authority { from, problem: "its authorities cannot be used" };
    Ok(builder.with_client_cert_verifier(verifier.build().map_err(unusable)?))
}

/// The TLS of one server, as it is now.
pub struct TlsContext(Mutex<Tls>);

impl fmt::Debug for TlsContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsContext").finish_non_exhaustive()
    }
}

impl TlsContext {
    pub fn new(tls: Tls) -> Self {
        Self(Mutex::new(tls))
    }

    /// What the next connection is served with.
    pub fn current(&self) -> Arc<ServerConfig> {
        self.lock().config.clone()
    }

    /// Each step leaves it whole, so a poisoned lock is usable.
    fn lock(&self) -> MutexGuard<'_, Tls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces what is given; what is not stays as it was, and the files that the environment names
    /// are read again. In case of an error all stays as it was; that nothing is given, nor can be read again, is one
    /// too. Returns what the host should be told.
    pub fn replace(&self, given: RawTls, env: Env<'_>) -> Result<Option<TlsNotice>, TlsError> {
        let nothing = given.is_empty();
        let merged = given.over(&self.lock().given);
        if nothing && !merged.reads_files(env) {
            return Err(RawTls::nothing_new().into());
        }
        // Without the lock: the files are read here, and connections must not wait for that.
        let tls = Tls::make(merged, true, env)?.ok_or(TlsError::Off)?;
        let notice = tls.notice();
        *self.lock() = tls;
        Ok(notice)
    }
}
