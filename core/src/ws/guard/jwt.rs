//! Tokens that the engine verifies itself, and the connections that wait for the keys of a remote set.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::desk::Number;
use super::{Identity, Login, Ruling, Verdict};
use crate::jwt::{
    Arrival, KeySet, KeySetError, Refresh, RefreshPolicy, Rejection, Unknown, Verifier,
};
use crate::ws::clock;

/// By what tokens are verified: of the configuration, so without a state of its own but the keys.
#[derive(Clone, Debug)]
pub struct JwtCheck {
    pub verifier: Arc<Verifier>,
    /// Where the keys are fetched from and when, if they are.
    pub remote: Option<(Arc<str>, RefreshPolicy)>,
}

/// The same one: keys are not compared.
impl PartialEq for JwtCheck {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.verifier, &other.verifier) && self.remote == other.remote
    }
}

impl Eq for JwtCheck {}

impl JwtCheck {
    /// Decides who a client is by its token. `keys` is what may be waited for.
    pub(super) fn authenticate(&self, login: &Login) -> Ruling {
        match self.verify(login) {
            Err(Rejection::UnknownKey) if self.remote.is_some() => Ruling::Keys,
            verified => Ruling::Decided(verdict(verified)),
        }
    }

    /// Decides for good. Without `current` keys a token whose key is not known may be a good one.
    pub(super) fn decide(&self, login: &Login, current: bool) -> Verdict {
        match self.verify(login) {
            Err(Rejection::UnknownKey) if !current => Verdict::Unanswered,
            verified => verdict(verified),
        }
    }

    fn verify(&self, login: &Login) -> Result<Identity, Rejection> {
        // No token is like an empty one: what the client says of itself counts for nothing.
        let token = login.token.as_deref().unwrap_or_default();
        let verified = self.verifier.verify(token, clock::wall_millis() / 1000)?;
        let user = verified.user.ok_or(Rejection::Claims)?;
        let expires_at = verified.expires_at.map(|second| second.saturating_mul(1000));
        let claims = Some(&*verified.claims);
        Identity::new(&user, verified.session.as_deref(), expires_at, claims)
            .ok_or(Rejection::Claims)
    }
}

fn verdict(verified: Result<Identity, Rejection>) -> Verdict {
    match verified {
        Ok(identity) => Verdict::Identity(identity.into()),
        Err(rejection) => Verdict::Rejected(rejection),
    }
}

/// A remote key set: when it is fetched, and who waits for it. One server's.
pub struct RemoteKeys {
    pub uri: Arc<str>,
    verifier: Arc<Verifier>,
    began: Instant,
    refresh: Mutex<Refresh<Number>>,
    /// A fetch was begun out of turn, or has ended: `next_tick` is another one.
    pub changed: Notify,
}

impl fmt::Debug for RemoteKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteKeys").finish_non_exhaustive()
    }
}

impl RemoteKeys {
    pub(super) fn of(check: &JwtCheck) -> Option<Self> {
        let (uri, policy) = check.remote.clone()?;
        Some(Self {
            uri,
            verifier: check.verifier.clone(),
            began: Instant::now(),
            refresh: Mutex::new(Refresh::new(policy)),
            changed: Notify::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Refresh<Number>> {
        self.refresh.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A decision is to wait for keys. `Ok` is the fetch that is to be begun for it, if one is. `Err` says
    /// that it cannot wait, and whether the keys are those of now.
    pub fn wait(&self, number: Number) -> Result<Option<u64>, bool> {
        let mut refresh = self.lock();
        match refresh.unknown_key(number, self.began.elapsed()) {
            Unknown::Wait(None) => Ok(None),
            Unknown::Wait(fetch) => {
                self.changed.notify_one();
                Ok(fetch)
            }
            Unknown::Refuse(_) => Err(refresh.is_current()),
        }
    }

    /// A decision does not wait any more.
    pub(super) fn forget(&self, number: Number) {
        self.lock().forget(&number);
    }

    /// Time has passed. The moment is when to call it again.
    pub fn tick(&self) -> (Arrival<Number>, Instant) {
        let mut refresh = self.lock();
        let arrival = refresh.tick(self.began.elapsed());
        (arrival, self.began + refresh.next_tick())
    }

    /// A fetch has ended with this text, or without one.
    ///
    /// # Errors
    /// What is wrong with the text; then it counts as not fetched, but for a set without a key that can be
    /// used, which is in use from now on. Who waits is answered all the same.
    pub fn fetched(
        &self,
        number: u64,
        text: Option<&str>,
    ) -> (Arrival<Number>, Result<(), KeySetError>) {
        let keys = text.map(|text| KeySet::parse(text, self.verifier.accepted())).transpose();
        let mut refresh = self.lock();
        let good = matches!(keys, Ok(Some(_)));
        let arrival = refresh.fetched(number, good, self.began.elapsed());
        let problem = keys.and_then(|keys| {
            let Some(keys) = keys.filter(|_| arrival.accept) else {
                return Ok(());
            };
            let usable = keys.usable();
            // Under the lock: whoever cannot wait any more finds the keys.
            self.verifier.replace_keys(keys);
            usable
        });
        drop(refresh);
        self.changed.notify_one();
        (arrival, problem)
    }
}
