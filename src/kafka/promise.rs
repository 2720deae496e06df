//! A call of the core as a promise of JSON.

use messaging_core::kafka::{Done, KafkaError};
use napi::bindgen_prelude::{JsValue, Object};
use napi::{Env, JsError};
use serde::Serialize;

use crate::error::{Result, coded, internal};

/// The `code` of every failure that comes from librdkafka or a broker. Its message is a
/// `KafkaError` as JSON, of which `lib/kafka/native-errors.ts` makes an error of kafkajs's.
const KAFKA: &str = "KAFKA";

/// Starts a call that ends on another thread. The promise keeps the environment alive.
pub fn promise<'env, T: Serialize + Send + 'static>(
    env: &'env Env,
    start: impl FnOnce(Done<T>),
) -> Result<Object<'env>> {
    let (deferred, promise) = env.create_deferred::<String, _>().map_err(internal)?;
    start(Box::new(move |outcome: std::result::Result<T, KafkaError>| {
        let json = outcome.map(|value| json_of(&value));
        // Rejecting by Node-API's own way would lose the code.
        deferred.resolve(move |env| json.map_err(|error| rejection(&env, &error)));
    }));
    Ok(promise)
}

/// For calls that fail at once.
pub fn thrown(error: &KafkaError) -> crate::error::Error {
    coded(KAFKA, json_of(error))
}

fn rejection(env: &Env, error: &KafkaError) -> napi::Error {
    let error = JsError::from(thrown(error)).into_unknown(*env);
    napi::Error::from(error.to_unknown())
}

/// What is made of numbers and text always has a JSON.
pub fn json_of<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Parses what `lib/kafka/` has made.
pub fn parsed<T: serde::de::DeserializeOwned>(json: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|error| {
        // Its text tells of the place and not of values, which may be secrets.
        let what = format!("line {} column {}", error.line(), error.column());
        coded(crate::error::INVALID_ARGUMENT, format!("malformed request at {what}"))
    })
}
