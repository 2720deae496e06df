//! The options that say who may come in, and where to.

use std::fs;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use super::setting::{Env, RawObject, RawOptions, RawValue, Settings};
use super::{ConfigError, MAX_TIMER};
use crate::jwt::{JwtSettings, MAX_KEY_SET};
use crate::ws::guard::jwt::JwtCheck;
use crate::ws::guard::patterns::{Pattern, Patterns};
use crate::ws::guard::token::TokenSource;
use crate::ws::guard::{Authenticator, Authorizer};

/// The most attempts to log in: whoever guesses needs far more.
const MAX_FAILURES: u64 = 1000;

/// Who may come in, and where to. By default everybody may, by the client's own word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardConfig {
    /// `authenticate`: the host's hook that says who a client is; or `jwt`, `WS_JWT_SECRET`,
    /// `WS_JWT_PUBLIC_KEY`, `WS_JWKS_URL`: by what its token is verified here. One of the two. Without
    /// them the client's claim is believed.
    pub authenticator: Authenticator,
    /// `authorize`: the host's hook, or the patterns `authorize.subscribe`,
    /// `WS_AUTHORIZE_SUBSCRIBE`, and `authorize.join_room`, `WS_AUTHORIZE_JOIN_ROOM`. By default
    /// everybody may go everywhere; with patterns for one action, the other needs some too.
    pub authorizer: Authorizer,
    /// `requireAuth`, `WS_REQUIRE_AUTH`: nothing but `authenticate` and `heartbeat` is done for a
    /// client before it has authenticated, and no broadcast reaches it. Default false.
    pub require_auth: bool,
    /// `authTimeout`, `WS_AUTH_TIMEOUT`: ms in which a client has to authenticate under
    /// `requireAuth`, default 10000, up to 2^31 - 1. It bounds who holds a place for nothing. It
    /// runs on while a decision is awaited, and closes only after a refusal.
    pub auth_timeout: Duration,
    /// `maxAuthFailures`, `WS_MAX_AUTH_FAILURES`: how often a connection's client may be refused
    /// before it is closed, default 3, up to 1000. Logins between do not start the count anew.
    pub max_auth_failures: u32,
    /// `tokenFrom`, `WS_TOKEN_FROM`: where the handshake's request may carry a token, the first
    /// place first. Default: nowhere.
    pub token_from: Vec<TokenSource>,
    /// `tokenExpiringLead`, `WS_TOKEN_EXPIRING_LEAD`: ms before an identity's end at which its
    /// client is told, default 60000, up to 2^31 - 1; at most half of the time that it has.
    pub token_expiring_lead: Duration,
    /// `hookTimeout`, `WS_HOOK_TIMEOUT`: ms that a hook of the host's has, default 5000, up to
    /// 2^31 - 1. Then the answer is no.
    pub hook_timeout: Duration,
}

impl Default for GuardConfig {
    fn default() -> Self {
        Self {
            authenticator: Authenticator::Claim,
            authorizer: Authorizer::Nobody,
            require_auth: false,
            auth_timeout: Duration::from_secs(10),
            max_auth_failures: 3,
            token_from: Vec::new(),
            token_expiring_lead: Duration::from_secs(60),
            hook_timeout: Duration::from_secs(5),
        }
    }
}

impl GuardConfig {
    pub(super) fn resolve(
        options: &RawOptions,
        given: &Settings<'_>,
        env: Env<'_>,
    ) -> Result<Self, ConfigError> {
        let default = Self::default();
        let timer = 1..=MAX_TIMER;
        let millis = |given: Option<u64>, default| given.map_or(default, Duration::from_millis);
        Ok(Self {
            authenticator: authenticator(options, given, env)?,
            authorizer: authorizer(options, given)?,
            require_auth: given.require_auth.boolean()?.unwrap_or(default.require_auth),
            auth_timeout: millis(given.auth_timeout.integer(timer.clone())?, default.auth_timeout),
            max_auth_failures: given
                .max_auth_failures
                .integer(1..=MAX_FAILURES)?
                .unwrap_or(default.max_auth_failures),
            token_from: token_from(given)?,
            token_expiring_lead: millis(
                given.token_expiring_lead.integer(timer.clone())?,
                default.token_expiring_lead,
            ),
            hook_timeout: millis(given.hook_timeout.integer(timer)?, default.hook_timeout),
        })
    }
}

fn authenticator(
    options: &RawOptions,
    given: &Settings<'_>,
    env: Env<'_>,
) -> Result<Authenticator, ConfigError> {
    let is_hook = given.authenticate.function("a function")?;
    let settings = match &options.jwt {
        RawObject::Off => None,
        RawObject::Absent => JwtSettings::resolve(None, env, &small_file)?,
        RawObject::Given(jwt) => JwtSettings::resolve(Some(jwt), env, &small_file)?,
    };
    let Some(settings) = settings else {
        return Ok(if is_hook { Authenticator::Host } else { Authenticator::Claim });
    };
    if is_hook {
        return Err(settings.beside("authenticate"));
    }
    let (verifier, remote) = settings.into_verifier();
    let remote = remote.map(|(uri, policy)| (uri.into(), policy));
    Ok(Authenticator::Jwt(JwtCheck { verifier: Arc::new(verifier), remote }))
}

/// The text of a file of keys. What is no plain file could have no end, or none that comes.
fn small_file(path: &str) -> io::Result<String> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut text = String::new();
    fs::File::open(path)?.take(MAX_KEY_SET as u64 + 1).read_to_string(&mut text)?;
    Ok(text)
}

fn token_from(given: &Settings<'_>) -> Result<Vec<TokenSource>, ConfigError> {
    if given.token_from.is_off() {
        return Ok(Vec::new());
    }
    let expected = "header, subprotocol, cookie:NAME or query:NAME";
    Ok(given.token_from.texts(expected, TokenSource::parse)?.unwrap_or_default())
}

fn authorizer(options: &RawOptions, given: &Settings<'_>) -> Result<Authorizer, ConfigError> {
    if given.authorize.is_off() {
        return Ok(Authorizer::Nobody);
    }
    let is_object = options.authorize == RawValue::Other("object");
    if !is_object && given.authorize.function("a function or an object")? {
        return Ok(Authorizer::Host);
    }
    let expected = "patterns with *, {userId}, {sessionId} and {claims.NAME}";
    let subscribe = given.authorize_subscribe.texts(expected, Pattern::parse)?;
    let join_room = given.authorize_join_room.texts(expected, Pattern::parse)?;
    if !is_object && subscribe.is_none() && join_room.is_none() {
        return Ok(Authorizer::Nobody);
    }
    Ok(Authorizer::Patterns(Arc::new(Patterns {
        subscribe: subscribe.unwrap_or_default(),
        join_room: join_room.unwrap_or_default(),
    })))
}
