//! `EmbeddedKafka`: JavaScript's handle of brokers inside the process.

use messaging_core::kafka::mock::{EmbeddedConfig, EmbeddedKafka as Engine, EmbeddedTopic};
use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;

use super::promise::{parsed, promise, thrown};
use crate::error::{Result, internal};
use crate::keep_alive::Entry;

#[napi]
#[derive(Debug)]
pub struct EmbeddedKafka {
    engine: Engine,
    entry: Entry,
}

#[napi]
impl EmbeddedKafka {
    /// Starts it. It keeps the environment alive until it is closed.
    #[napi(constructor)]
    pub fn new(env: Env, config: String) -> Result<Self> {
        let config: EmbeddedConfig = parsed(&config)?;
        let engine = Engine::start(&config).map_err(|error| thrown(&error))?;
        let ending = engine.clone();
        let entry = Entry::holding(&env, Box::new(move || ending.abandon())).map_err(internal)?;
        Ok(Self { engine, entry })
    }

    #[napi]
    pub fn brokers(&self) -> Vec<String> {
        self.engine.brokers().to_vec()
    }

    /// Resolves with `null` as JSON.
    #[napi(ts_return_type = "Promise<string>")]
    pub fn create_topic<'env>(&self, env: &'env Env, topic: String) -> Result<Object<'env>> {
        let topic: EmbeddedTopic = parsed(&topic)?;
        promise(env, |done| self.engine.create_topic(topic, done))
    }

    /// Resolves with `null` as JSON.
    #[napi(ts_return_type = "Promise<string>")]
    pub fn close<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let entry = self.entry;
        promise(env, |done| {
            self.engine.close(Box::new(move |outcome| {
                if outcome.is_ok() {
                    entry.leave();
                }
                done(outcome);
            }));
        })
    }
}
