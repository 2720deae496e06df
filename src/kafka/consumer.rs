//! A consumer for JavaScript: see `lib/kafka/consumer/engine.ts`, which is the only one to use it.

use messaging_core::kafka::consumer::{
    Command, Consumer, ConsumerConfig, Memory, Place, Subscription,
};
use napi::Env;
use napi::bindgen_prelude::{Function, Object};
use napi_derive::napi;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;

use super::promise::{parsed, promise, thrown};
use crate::convert::Lent;
use crate::error::{Result, internal};
use crate::keep_alive::Entry;
use crate::wake::waker;

/// What is asked of it, as JSON. Times are milliseconds.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
enum Request {
    Connect { timeout: u32 },
    Metadata { topics: Option<Vec<String>>, timeout: u32 },
    Declare { topics: Vec<Subscription>, timeout: u32 },
    Subscribe { topics: Vec<String> },
    Commit { assignment: u32, offsets: Vec<Place> },
    Committed { partitions: Vec<Place>, timeout: u32 },
    Close,
}

#[napi]
#[derive(Debug)]
pub struct KafkaConsumer {
    consumer: Arc<Consumer>,
    entry: Entry,
}

#[napi]
impl KafkaConsumer {
    /// `config` is a `ConsumerConfig` as JSON. An open consumer keeps the process alive.
    #[napi(constructor)]
    pub fn new(
        env: Env,
        config: String,
        on_notice: Function<'_, (), ()>,
        on_batch: Function<'_, (), ()>,
    ) -> Result<Self> {
        let config: ConsumerConfig = parsed(&config)?;
        let consumer = Consumer::open(&config, waker(&on_notice)?, waker(&on_batch)?)
            .map_err(|error| thrown(&error))?;
        let ending = consumer.clone();
        let end = Box::new(move || ending.close(Box::new(|_| {})));
        let entry = Entry::holding(&env, end).map_err(internal)?;
        Ok(Self { consumer, entry })
    }

    /// The next batch (its layout is in `core/src/kafka/consumer/pack.rs`). After null, `onBatch` is called
    /// when there is one.
    #[napi(ts_return_type = "Buffer | null")]
    pub fn take(&self) -> Option<Lent<Memory>> {
        self.consumer.take().map(Lent)
    }

    /// The names of topics, by their numbers in batches.
    #[napi]
    pub fn topics(&self) -> Vec<String> {
        self.consumer.topics()
    }

    /// What has happened, JSON each; `onNotice` is called when there is more.
    #[napi]
    pub fn take_notices(&self) -> Vec<String> {
        let notices = self.consumer.notices().take();
        notices.iter().map(|it| serde_json::to_string(it).unwrap_or_default()).collect()
    }

    /// What an `oauthBearerProvider` gives, as JSON: for connections from now on.
    #[napi]
    pub fn set_token(&self, json: String) -> Result<()> {
        self.consumer.set_token(parsed(&json)?).map_err(|error| thrown(&error))
    }

    /// JSON of the core's `ClientStats`.
    #[napi]
    pub fn stats(&self) -> String {
        serde_json::to_string(&self.consumer.stats()).unwrap_or_default()
    }

    /// An order without an answer, as JSON.
    #[napi]
    pub fn command(&self, json: String) -> Result<()> {
        let command: Command = parsed(&json)?;
        self.consumer.command(command);
        Ok(())
    }

    /// A question or an order, as JSON. Resolves with JSON.
    #[napi(ts_return_type = "Promise<string>")]
    pub fn request<'env>(&self, env: &'env Env, json: String) -> Result<Object<'env>> {
        let request: Request = parsed(&json)?;
        let consumer = &self.consumer;
        let within = |timeout: u32| Duration::from_millis(timeout.into());
        match request {
            Request::Connect { timeout } => {
                promise(env, |done| consumer.connect(within(timeout), done))
            }
            Request::Metadata { topics, timeout } => {
                promise(env, |done| consumer.metadata(topics, within(timeout), done))
            }
            Request::Declare { topics, timeout } => {
                promise(env, |done| consumer.declare(&topics, within(timeout), done))
            }
            Request::Subscribe { topics } => promise(env, |done| consumer.subscribe(topics, done)),
            Request::Commit { assignment, offsets } => {
                promise(env, |done| consumer.commit(assignment, &offsets, done))
            }
            Request::Committed { partitions, timeout } => {
                promise(env, |done| consumer.committed(&partitions, within(timeout), done))
            }
            Request::Close => promise(env, |done| {
                let entry = self.entry;
                consumer.close(Box::new(move |outcome| {
                    done(outcome);
                    entry.leave();
                }));
            }),
        }
    }
}
