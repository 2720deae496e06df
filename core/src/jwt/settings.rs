//! The option `jwt`: from what the host gave, or the environment, to keys and rules.
//!
//! An option goes before its environment variable. Of secret, public key and key set there is one: if
//! the options have one of them, the variables of all three are not looked at.

mod given;
mod keys;

pub use given::Given;
use given::Item;

use super::algorithm::{Algorithm, Algorithms};
use super::claims::Rules;
use super::key_set::KeySet;
use super::refresh::RefreshPolicy;
use super::verifier::Verifier;
use crate::config_error::ConfigError;

/// The longest clock tolerance in seconds: more would be no tolerance.
const MAX_TOLERANCE: u64 = 3600;

/// The one list of the options: the field, the name in JavaScript, the path, the environment variable. A dot in a
/// name leads into an object.
macro_rules! options {
    ($($field:ident, $name:literal, $path:literal, $variable:literal;)*) => {
        /// The members of the option `jwt` as the host gave them. By default none is given.
        #[derive(Clone, Debug, Default)]
        pub struct RawJwt {
            $(#[doc = concat!("`", $path, "`, `", $variable, "`")] pub $field: Given,)*
        }

        impl RawJwt {
            /// The members' names in JavaScript.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// Sets the member of this name. Returns whether there is one.
            pub fn set(&mut self, name: &str, value: Given) -> bool {
                match name {
                    $($name => self.$field = value,)*
                    _ => return false,
                }
                true
            }

            fn items<'a>(&'a self, env: Env<'a>) -> Items<'a> {
                Items { $($field: Item::new($path, $variable, &self.$field, env),)* }
            }
        }

        struct Items<'a> {
            $($field: Item<'a>,)*
        }

        impl<'a> Items<'a> {
            fn all(&self) -> [&Item<'a>; RawJwt::NAMES.len()] {
                [$(&self.$field),*]
            }
        }
    };
}

options! {
    secret, "secret", "jwt.secret", "WS_JWT_SECRET";
    public_key, "publicKey", "jwt.publicKey", "WS_JWT_PUBLIC_KEY";
    jwks, "jwks", "jwt.jwks", "WS_JWKS_URL";
    cache_max_age, "jwks.cacheMaxAge", "jwt.jwks.cacheMaxAge", "WS_JWT_JWKS_CACHE_MAX_AGE";
    cooldown, "jwks.cooldown", "jwt.jwks.cooldown", "WS_JWT_JWKS_COOLDOWN";
    algorithms, "algorithms", "jwt.algorithms", "WS_JWT_ALGORITHMS";
    issuer, "issuer", "jwt.issuer", "WS_JWT_ISSUER";
    audience, "audience", "jwt.audience", "WS_JWT_AUDIENCE";
    clock_tolerance, "clockTolerance", "jwt.clockTolerance", "WS_JWT_CLOCK_TOLERANCE";
    user_claim, "userClaim", "jwt.userClaim", "WS_JWT_USER_CLAIM";
    session_claim, "sessionClaim", "jwt.sessionClaim", "WS_JWT_SESSION_CLAIM";
}

impl Items<'_> {
    /// What is given of all. A number whose variable is 0 is not.
    fn given(&self) -> Option<&Item<'_>> {
        let numbers = [&self.clock_tolerance, &self.cache_max_age, &self.cooldown];
        let is_unset = |item: &Item<'_>| {
            numbers.into_iter().any(|number| std::ptr::eq(number, item)) && item.is_zero()
        };
        self.all().into_iter().find(|item| item.is_given() && !is_unset(item))
    }

    /// The variable that keys are from.
    fn key_variable(&self) -> Option<&'static str> {
        let all = [&self.secret, &self.public_key, &self.jwks];
        all.into_iter().find(|item| item.environment().is_some()).map(|item| item.variable)
    }
}

type Env<'a> = &'a dyn Fn(&str) -> Option<String>;
type Read<'a> = &'a dyn Fn(&str) -> std::io::Result<String>;

/// How tokens are verified.
#[derive(Debug)]
pub struct JwtSettings {
    /// What is asked of tokens besides their signature.
    pub rules: Rules,
    /// `jwt.algorithms`, `WS_JWT_ALGORITHMS`: the algorithms that are accepted. Default: those that the
    /// key's type allows for, and a secret's length; of a key set, those of each key.
    pub accepted: Algorithms,
    /// Where the keys are from.
    pub keys: KeySource,
    /// The option or the variable that says so.
    named: Name,
}

/// By what a user knows a setting.
#[derive(Clone, Copy, Debug)]
enum Name {
    Option,
    Variable(&'static str),
}

/// Where keys are from.
#[derive(Debug)]
pub enum KeySource {
    /// A secret, a public key, or a key set as an object or a file.
    Fixed(KeySet),
    /// A key set that the host fetches.
    Remote {
        /// Where from: `http:` or `https:`.
        uri: String,
        /// When.
        policy: RefreshPolicy,
    },
}

impl JwtSettings {
    /// Resolves the option `jwt` (`None`: not given) and the environment (`env` gives a variable's
    /// value, `read` a file's text). `None`: tokens are not verified here.
    ///
    /// # Errors
    /// The first option or variable that is wrong. Rules without a key are wrong too: whoever sets an
    /// issuer and misspells the key must not run without verification.
    pub fn resolve(
        options: Option<&RawJwt>,
        env: Env<'_>,
        read: Read<'_>,
    ) -> Result<Option<Self>, ConfigError> {
        let nothing = RawJwt::default();
        let items = options.unwrap_or(&nothing).items(env);
        let rules = rules(&items)?;
        let names = items.algorithms.texts("names of algorithms")?;
        let Some(source) = keys::source(&items, read)? else {
            return match (options, items.given()) {
                (Some(_), _) => Err(ConfigError::Range { option: "jwt", problem: NO_KEY.into() }),
                (None, Some(item)) => Err(item.wrong(NO_KEY)),
                (None, None) => Ok(None),
            };
        };
        let accepted = match names {
            None => source.fitting(),
            Some(names) => accepted(&items.algorithms, &names, &source)?,
        };
        let keys = source.into_keys(accepted)?;
        let named = match (options, items.key_variable()) {
            (None, Some(variable)) => Name::Variable(variable),
            _ => Name::Option,
        };
        Ok(Some(Self { rules, accepted, keys, named }))
    }

    /// The error of whoever wants tokens to be verified here, and by this option too.
    #[must_use]
    pub fn beside(&self, option: &str) -> ConfigError {
        let problem = format!("must not stand beside the option {option}: one of them verifies");
        match self.named {
            Name::Option => ConfigError::Range { option: "jwt", problem },
            Name::Variable(variable) => ConfigError::Env { variable, problem },
        }
    }

    /// The verifier, and where its keys are to be fetched from and when, if they are. Until they are
    /// there it knows no key.
    #[must_use]
    pub fn into_verifier(self) -> (Verifier, Option<(String, RefreshPolicy)>) {
        let (keys, remote) = match self.keys {
            KeySource::Fixed(keys) => (keys, None),
            KeySource::Remote { uri, policy } => (KeySet::empty(), Some((uri, policy))),
        };
        (Verifier::new(self.rules, self.accepted, keys), remote)
    }
}

const NO_KEY: &str = "nothing to verify tokens by: give secret, publicKey or jwks \
                      (WS_JWT_SECRET, WS_JWT_PUBLIC_KEY, WS_JWKS_URL)";

fn rules(items: &Items<'_>) -> Result<Rules, ConfigError> {
    let default = Rules::default();
    Ok(Rules {
        issuers: items.issuer.wanted("an issuer")?,
        audiences: items.audience.wanted("an audience")?,
        clock_tolerance: items
            .clock_tolerance
            .integer(1..=MAX_TOLERANCE)?
            .unwrap_or(default.clock_tolerance),
        user_claim: items.user_claim.text("a claim's name")?.unwrap_or(default.user_claim),
        session_claim: items.session_claim.text("a claim's name")?.unwrap_or(default.session_claim),
    })
}

fn accepted(
    item: &Item<'_>,
    names: &[String],
    source: &keys::Source<'_>,
) -> Result<Algorithms, ConfigError> {
    let fitting = source.fitting();
    let one =
        |name: &String| match Algorithm::named(name) {
            Some(one) if fitting.contains(one) => Ok(one),
            Some(one) => Err(item
                .wrong(&format!("{} does not fit the key, which accepts {fitting}", one.name()))),
            None if name.eq_ignore_ascii_case("none") => {
                Err(item.wrong("none is never accepted: anybody could write such a token"))
            }
            None => Err(item.wrong(&format!("{name:?} is no algorithm that is supported"))),
        };
    names.iter().map(one).collect()
}

#[cfg(test)]
mod tests;
