//! Who may come in, and where to: what is to be decided of a connection, who decides, and what is
//! remembered of it for all connections of a server.
//!
//! A decision is made here and now, or it is asked for: `Guard::authenticate` and
//! `Guard::authorize` tell which. While an answer is awaited, the shard does not interpret the
//! client's next frames (see `shard::decisions`), so their order holds without any care for it.

pub mod claims;
pub mod desk;
pub mod jwt;
pub mod patterns;
pub mod put_out;
pub mod revoked;
pub mod token;

use std::fmt;
use std::sync::Arc;

use self::claims::Claims;
use self::desk::{Desk, Number};
use self::jwt::{JwtCheck, RemoteKeys};
use self::patterns::{Patterns, Permissions, Subject};
use self::put_out::PutOut;
use self::revoked::Revoked;
use super::config::GuardConfig;
use super::connection::{Connection, GroupKind, Membership};
use super::message::{MAX_NAME, valid_name};
use crate::jwt::Rejection;

/// Bytes of a token at most: cookies and header fields hardly carry more.
pub const MAX_TOKEN: usize = 8 * 1024;
/// Bytes of an identity's claims at most, as JSON. They are read again at each authorisation.
pub const MAX_CLAIMS: usize = 16 * 1024;

/// What a client claims when it logs in.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Login {
    pub user: Option<String>,
    pub session: Option<String>,
    pub token: Option<String>,
}

/// Without the token, which is a secret.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = self.token.as_ref().map(|_| "…");
        f.debug_struct("Login")
            .field("user", &self.user)
            .field("session", &self.session)
            .field("token", &token)
            .finish()
    }
}

/// Who a client is, as it was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub user: Box<str>,
    pub session: Option<Box<str>>,
    /// When it ceases to hold, in milliseconds since the epoch.
    pub expires_at: Option<u64>,
    /// What else is known of the user: a JSON object.
    pub claims: Option<Box<str>>,
}

impl Identity {
    /// Nothing when a name or the claims are over their limits.
    #[must_use]
    pub fn new(
        user: &str,
        session: Option<&str>,
        expires_at: Option<u64>,
        claims: Option<&str>,
    ) -> Option<Self> {
        let fits = valid_name(user)
            && session.is_none_or(|session| session.len() <= MAX_NAME)
            && claims.is_none_or(|claims| claims.len() <= MAX_CLAIMS);
        fits.then(|| Self {
            user: user.into(),
            session: session.map(Into::into),
            expires_at,
            claims: claims.map(Into::into),
        })
    }
}

/// What a client may be kept from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Subscribe,
    JoinRoom,
}

impl Action {
    /// The type of the message that asks for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Subscribe => "subscribe",
            Self::JoinRoom => "join_room",
        }
    }
}

/// What is to be decided of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Who it is. `at_once` if the handshake brought the token: then there is one attempt only.
    Authenticate { login: Login, at_once: bool },
    /// Whether it may go there.
    Authorize { action: Action, name: Box<str> },
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is this one.
    Identity(Box<Identity>),
    /// It may.
    Allowed,
    Refused,
    /// Its token is not good.
    Rejected(Rejection),
    /// The host's hook has not answered in time, which is a no.
    TimedOut,
    /// Without keys nobody can say, which is a no.
    Unanswered,
    /// The fetch of keys that it waited for has ended: it is to be judged again, for good. `current` if the
    /// keys are those of now.
    Fetched {
        current: bool,
    },
}

/// A decision, or that it has to be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    Decided(Verdict),
    /// The host decides: the connection waits for its verdict.
    Host,
    /// The key of its token is not known, and may come: the connection waits for it, if it can.
    Keys,
}

/// Who says who a client is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Authenticator {
    /// The client: its claim is believed.
    #[default]
    Claim,
    /// The host's hook.
    Host,
    /// Whoever has signed its token.
    Jwt(JwtCheck),
}

/// Who says where a client may go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Authorizer {
    /// Everybody may go everywhere.
    #[default]
    Nobody,
    /// The host's hook.
    Host,
    Patterns(Arc<Patterns>),
}

/// What one server knows of decisions, for all its shards.
#[derive(Debug, Default)]
pub struct Guard {
    pub desk: Desk,
    pub revoked: Revoked,
    put_out: PutOut,
    /// The keys of tokens, if they are fetched.
    pub keys: Option<RemoteKeys>,
    authenticator: Authenticator,
    authorizer: Authorizer,
}

impl Guard {
    #[must_use]
    pub fn of(config: &GuardConfig) -> Self {
        let (authenticator, authorizer) = (config.authenticator.clone(), config.authorizer.clone());
        let keys = match &authenticator {
            Authenticator::Jwt(check) => RemoteKeys::of(check),
            Authenticator::Claim | Authenticator::Host => None,
        };
        Self { authenticator, authorizer, keys, ..Self::default() }
    }

    /// Whether a client's word is not enough.
    #[must_use]
    pub fn verifies(&self) -> bool {
        !matches!(self.authenticator, Authenticator::Claim)
    }

    /// Whether tokens are verified here.
    #[must_use]
    pub fn verifies_tokens(&self) -> bool {
        matches!(self.authenticator, Authenticator::Jwt(_))
    }

    /// Whether the host says who a client is. It is told of the request, which is kept for that.
    #[must_use]
    pub fn asks_the_host(&self) -> bool {
        matches!(self.authenticator, Authenticator::Host)
    }

    /// A client that waited for this decision has left. Its place among those who wait for keys is free, or who comes
    /// and goes would take all of them.
    pub fn forget(&self, number: Number) {
        if self.desk.forget(number)
            && let Some(keys) = &self.keys
        {
            keys.forget(number);
        }
    }

    /// A user is put out: the logins that are being decided do not bring it back.
    pub fn put_out(&self, user: &str) {
        // Where all is decided at once, there are none.
        if self.asks_the_host() || self.keys.is_some() {
            self.put_out.add(user, self.desk.mark());
        }
    }

    /// Whether this user was put out while the login of this number was being decided.
    #[must_use]
    pub fn was_put_out(&self, user: &str, login: Number) -> bool {
        self.put_out.contains(user, login)
    }

    /// Decides who a client is. A verdict is an identity or a refusal.
    #[must_use]
    pub fn authenticate(&self, login: &Login) -> Ruling {
        match &self.authenticator {
            Authenticator::Claim => {
                let user = login.user.as_deref().unwrap_or_default();
                let identity = Identity::new(user, login.session.as_deref(), None, None);
                Ruling::Decided(
                    identity.map_or(Verdict::Refused, |it| Verdict::Identity(it.into())),
                )
            }
            Authenticator::Host => Ruling::Host,
            Authenticator::Jwt(check) => check.authenticate(login),
        }
    }

    /// Decides who a client is whose keys are waited for no longer. They are those of now, or maybe not.
    #[must_use]
    pub fn authenticate_finally(&self, login: &Login, current: bool) -> Verdict {
        match &self.authenticator {
            Authenticator::Jwt(check) => check.decide(login, current),
            Authenticator::Claim | Authenticator::Host => Verdict::Refused,
        }
    }

    /// Decides whether a client may go there. A verdict is a permission or a refusal.
    #[must_use]
    pub fn authorize(&self, connection: &Connection, action: Action, name: &str) -> Ruling {
        let allowed = match &self.authorizer {
            Authorizer::Nobody => true,
            Authorizer::Host => return Ruling::Host,
            Authorizer::Patterns(patterns) => {
                let [user, session, claims] = connection.identity();
                let subject = Subject {
                    user: user.as_deref(),
                    session: session.as_deref(),
                    claims: Claims::new(claims.as_deref()),
                };
                patterns.of(&subject).allow(action, name)
            }
        };
        Ruling::Decided(if allowed { Verdict::Allowed } else { Verdict::Refused })
    }

    /// Which of the memberships that a client was granted outlast its login as `subject`, which has
    /// `replaced` another user. What a hook has granted to the same user is the host's to end.
    #[must_use]
    pub fn retention<'s>(&'s self, subject: &'s Subject<'s>, replaced: bool) -> Retention<'s> {
        match &self.authorizer {
            Authorizer::Nobody => Retention::All,
            _ if replaced => Retention::Nothing,
            Authorizer::Host => Retention::All,
            Authorizer::Patterns(patterns) => Retention::Allowed(patterns.of(subject)),
        }
    }
}

/// What outlasts a login of what a client was granted.
#[derive(Debug)]
pub enum Retention<'s> {
    All,
    Nothing,
    Allowed(Permissions<'s>),
}

impl Retention<'_> {
    #[must_use]
    pub fn keeps(&self, membership: &Membership) -> bool {
        let action = match membership.kind {
            GroupKind::Topic => Action::Subscribe,
            GroupKind::Room => Action::JoinRoom,
            GroupKind::User => return true,
        };
        match self {
            Self::All => true,
            Self::Nothing => false,
            Self::Allowed(permissions) => permissions.allow(action, &membership.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_shown() {
        let login = Login { token: Some("secret".into()), ..Login::default() };
        assert!(!format!("{login:?}").contains("secret"));
    }

    #[test]
    fn an_identity_is_held_to_the_limits_of_names() {
        assert!(Identity::new("", None, None, None).is_none());
        assert!(Identity::new(&"u".repeat(257), None, None, None).is_none());
        assert!(Identity::new("u", Some(&"s".repeat(257)), None, None).is_none());
        assert!(Identity::new("u", None, None, Some(&" ".repeat(MAX_CLAIMS + 1))).is_none());
        assert!(Identity::new("u", Some(""), Some(0), Some("{}")).is_some());
    }
}
