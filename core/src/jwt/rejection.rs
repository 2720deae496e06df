//! Why a token was refused.

use thiserror::Error;

/// Why a token was refused. Neither the text nor the reason holds anything of the token.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq, Hash)]
pub enum Rejection {
    /// It is longer than `MAX_TOKEN`.
    #[error("the token is too large")]
    TooLarge,
    /// It is not three parts of base64url, or a part is not what it must be: the header an object with
    /// `alg` and without `crit`, whose extensions nobody here understands, the payload an object, each
    /// without a name twice.
    #[error("the token is malformed")]
    Malformed,
    /// Its algorithm is not one that is accepted, such as `none`, or not one of the key it names.
    #[error("the token's algorithm is not accepted")]
    Algorithm,
    /// No key is known that it could be signed with, or several are and it does not say which.
    #[error("the token's key is not known")]
    UnknownKey,
    /// The signature is not that of the key over this token.
    #[error("the token's signature is wrong")]
    Signature,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf` has not come yet.
    #[error("the token is not valid yet")]
    NotActive,
    /// `iss` is missing or none of those that are accepted.
    #[error("the token's issuer is not accepted")]
    Issuer,
    /// `aud` is missing or has none of those that are accepted.
    #[error("the token's audience is not accepted")]
    Audience,
    /// A claim is of a wrong type, or no name that a user or a session could have.
    #[error("a claim of the token is not usable")]
    Claims,
}

impl Rejection {
    /// All of them, for counters.
    pub const ALL: [Self; 10] = [
        Self::TooLarge,
        Self::Malformed,
        Self::Algorithm,
        Self::UnknownKey,
        Self::Signature,
        Self::Expired,
        Self::NotActive,
        Self::Issuer,
        Self::Audience,
        Self::Claims,
    ];

    /// The stable name in statistics.
    #[must_use]
    pub const fn counted_as(self) -> &'static str {
        match self {
            Self::TooLarge => "jwt_too_large",
            Self::Malformed => "jwt_malformed",
            Self::Algorithm => "jwt_algorithm",
            Self::UnknownKey => "jwt_unknown_key",
            Self::Signature => "jwt_signature",
            Self::Expired => "jwt_expired",
            Self::NotActive => "jwt_not_active",
            Self::Issuer => "jwt_issuer",
            Self::Audience => "jwt_audience",
            Self::Claims => "jwt_claims",
        }
    }
}
