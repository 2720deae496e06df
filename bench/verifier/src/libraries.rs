//! The libraries that verify, behind one function.

use jsonwebtoken::{DecodingKey, Validation, decode};
use messaging_core::jwt::{Given, JwtSettings, RawJwt};
use serde::Deserialize;
use std::error::Error;
use std::time::{SystemTime, UNIX_EPOCH};

/// What is asked for.
#[derive(Deserialize)]
pub struct Order {
    library: String,
    algorithm: String,
    /// A secret, or a public key in PEM.
    key: String,
    issuer: String,
    audience: String,
    pub tokens: Vec<String>,
    /// Of each token the user.
    pub users: Vec<String>,
    /// Tokens that must be refused.
    pub bad: Vec<String>,
    pub warmup: f64,
    pub seconds: f64,
}

/// A token's user, if the token is good.
type Verify = Box<dyn Fn(&str) -> Option<String>>;

pub fn verifier(order: &Order) -> Result<Verify, Box<dyn Error>> {
    match order.library.as_str() {
        "messaging" => messaging(order),
        "jsonwebtoken" => other(order),
        name => Err(format!("there is no library {name}").into()),
    }
}

fn messaging(order: &Order) -> Result<Verify, Box<dyn Error>> {
    let mut raw = RawJwt::default();
    let key = if order.algorithm.starts_with("HS") { "secret" } else { "publicKey" };
    for (name, value) in
        [(key, &order.key), ("issuer", &order.issuer), ("audience", &order.audience)]
    {
        raw.set(name, Given::Text(value.clone()));
    }
    let nothing = |_: &str| Err(std::io::ErrorKind::NotFound.into());
    let settings = JwtSettings::resolve(Some(&raw), &|_| None, &nothing)?.ok_or("no settings")?;
    let (verifier, _) = settings.into_verifier();
    Ok(Box::new(move |token| {
        // The engine's clock costs as much.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        verifier.verify(token, now).ok()?.user
    }))
}

/// It keeps no claims, so it reads what the other contestants hand over: an object of them.
fn other(order: &Order) -> Result<Verify, Box<dyn Error>> {
    let algorithm = order.algorithm.parse()?;
    let pem = order.key.as_bytes();
    let key = match &order.algorithm[..2] {
        "HS" => DecodingKey::from_secret(pem),
        "ES" => DecodingKey::from_ec_pem(pem)?,
        "Ed" => DecodingKey::from_ed_pem(pem)?,
        _ => DecodingKey::from_rsa_pem(pem)?,
    };
    let mut rules = Validation::new(algorithm);
    rules.set_issuer(&[&order.issuer]);
    rules.set_audience(&[&order.audience]);
    rules.set_required_spec_claims(&["exp", "iss", "aud"]);
    rules.validate_nbf = true;
    rules.leeway = 0;
    Ok(Box::new(move |token| {
        let data =
            decode::<serde_json::Map<String, serde_json::Value>>(token, &key, &rules).ok()?;
        data.claims.get("sub")?.as_str().map(str::to_owned)
    }))
}
