//! What a token says, checked against what is asked of it (RFC 7519, section 4.1).

use serde::Deserialize;
use serde_json::value::RawValue;

use super::object::{Object, string};
use super::rejection::Rejection;
use super::verifier::Verified;
use crate::ws::{MAX_NAME, valid_name};

/// Beyond it not every second has a number, and no clock gets there: such a token never expires.
const LAST_SECOND: f64 = (1u64 << 53) as f64;

/// JavaScript's `Number.MAX_SAFE_INTEGER`.
const LAST_EXACT: u64 = (1 << 53) - 1;

/// What is asked of a token besides its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// `jwt.issuer`, `WS_JWT_ISSUER`: `iss` must be one of these. Default: none, and `iss` does not matter.
    pub issuers: Vec<String>,
    /// `jwt.audience`, `WS_JWT_AUDIENCE`: `aud` must have one of these. Default: none, and `aud` does not
    /// matter, as in npm's jsonwebtoken and jose.
    pub audiences: Vec<String>,
    /// `jwt.clockTolerance`, `WS_JWT_CLOCK_TOLERANCE`: seconds by which the issuer's clock may differ from
    /// ours. Default 0, as there, up to 3600.
    pub clock_tolerance: u64,
    /// `jwt.userClaim`, `WS_JWT_USER_CLAIM`: the claim that names the user. Default `sub`.
    pub user_claim: String,
    /// `jwt.sessionClaim`, `WS_JWT_SESSION_CLAIM`: the claim that names the session. Default `sid`, that
    /// of OpenID Connect.
    pub session_claim: String,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            issuers: Vec::new(),
            audiences: Vec::new(),
            clock_tolerance: 0,
            user_claim: "sub".to_owned(),
            session_claim: "sid".to_owned(),
        }
    }
}

impl Rules {
    /// Checks the payload of a token whose signature is right, at `now`, in seconds since 1970.
    pub(super) fn check(&self, payload: String, now: u64) -> Result<Verified, Rejection> {
        let claims = Object::parse(&payload).ok_or(Rejection::Malformed)?;
        let expires_at = self.time(&claims, now)?;
        if !self.issuers.is_empty() {
            let issuer = claims.get("iss").ok_or(Rejection::Issuer)?;
            let issuer = string(issuer).ok_or(Rejection::Issuer)?;
            one_of(&self.issuers, &issuer).then_some(()).ok_or(Rejection::Issuer)?;
        }
        if !self.audiences.is_empty() {
            let audience = claims.get("aud").ok_or(Rejection::Audience)?;
            let found = audience_has(audience, &self.audiences);
            found.then_some(()).ok_or(Rejection::Audience)?;
        }
        let user = match claims.get(&self.user_claim) {
            None => None,
            Some(raw) => {
                Some(exact_name(raw).filter(|user| valid_name(user)).ok_or(Rejection::Claims)?)
            }
        };
        // As in what clients say of themselves, `null` is no session.
        let session = match claims.get(&self.session_claim).filter(|raw| raw.get() != "null") {
            None => None,
            Some(raw) => {
                let session = exact_name(raw).filter(|session| session.len() <= MAX_NAME);
                Some(session.ok_or(Rejection::Claims)?)
            }
        };
        Ok(Verified { user, session, expires_at, claims: payload })
    }

    /// Checks the times, and returns from when on the token would be refused.
    fn time(&self, claims: &Object<'_>, now: u64) -> Result<Option<u64>, Rejection> {
        let at = |name| match claims.get(name) {
            None => Ok(None),
            Some(raw) => number(raw).map(Some).ok_or(Rejection::Claims),
        };
        // Seconds since 1970 are exact in a double for longer than there are dates.
        let (now, tolerance) = (now as f64, self.clock_tolerance as f64);
        at("iat")?;
        let (expires, begins) = (at("exp")?, at("nbf")?);
        if expires.is_some_and(|expires| now >= expires + tolerance) {
            return Err(Rejection::Expired);
        }
        if begins.is_some_and(|begins| begins > now + tolerance) {
            return Err(Rejection::NotActive);
        }
        let refused_at = expires.map(|expires| (expires + tolerance).ceil());
        Ok(refused_at.filter(|at| *at < LAST_SECOND).map(|at| at as u64))
    }
}

/// A `NumericDate`: a number, a fraction allowed.
fn number(raw: &RawValue) -> Option<f64> {
    let number: serde_json::Number = serde_json::from_str(raw.get()).ok()?;
    number.as_f64().filter(|number| number.is_finite())
}

/// A name that is a string, or an integer in digits that JavaScript has exactly. Of other numbers two of an issuer's could be
/// one here.
fn exact_name(raw: &RawValue) -> Option<String> {
    if let Some(name) = string(raw) {
        return Some(name.into_owned());
    }
    let number = serde_json::from_str::<serde_json::Number>(raw.get()).ok()?.as_i64()?;
    (number.unsigned_abs() <= LAST_EXACT).then(|| number.to_string())
}

/// Whether `aud`, a string or a list of strings, has one of these.
fn audience_has(raw: &RawValue, audiences: &[String]) -> bool {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Audience {
        One(String),
        Many(Vec<String>),
    }

    match serde_json::from_str(raw.get()) {
        Ok(Audience::One(one)) => one_of(audiences, &one),
        Ok(Audience::Many(many)) => many.iter().any(|one| one_of(audiences, one)),
        Err(_) => false,
    }
}

fn one_of(accepted: &[String], one: &str) -> bool {
    accepted.iter().any(|accepted| accepted == one)
}

#[cfg(test)]
mod tests;
