//! What a producer's engine in `lib/kafka/producer/engine.ts` calls. Sends cross in tables, whose rows
//! `core/src/kafka/producer/rows.rs` tells of, and so do their results: see `take`.

use messaging_core::kafka::notices::Notices;
use messaging_core::kafka::producer::{Producer, ProducerConfig, ProfileConfig};
use messaging_core::kafka::{Done, KafkaError};
use napi::Env;
use napi::bindgen_prelude::{Float64Array, Function, Object};
use napi_derive::napi;
use serde::Deserialize;
use std::sync::{Arc, Mutex, PoisonError};

use super::promise::{parsed, promise, thrown};
use crate::convert::numbers;
use crate::error::{Result, internal};
use crate::keep_alive::Entry;
use crate::wake::waker;

/// What crosses as JSON.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
enum Request {
    PartitionMetadata { topic: String },
}

#[napi]
#[derive(Debug)]
pub struct KafkaProducer {
    core: Arc<Producer>,
    notices: Arc<Notices>,
    /// Keeps the environment alive while this is connected.
    open: Arc<Mutex<Option<Entry>>>,
}

#[napi]
impl KafkaProducer {
    /// `config` is JSON of the core's `ProducerConfig`. `on_finished` is called when there is something
    /// to `take`, `on_notice` when there are events.
    #[napi(constructor)]
    pub fn new(
        config: String,
        on_finished: Function<'_, (), ()>,
        on_notice: Function<'_, (), ()>,
    ) -> Result<Self> {
        let config: ProducerConfig = parsed(&config)?;
        let notices = Arc::new(Notices::new(waker(&on_notice)?));
        let core = Arc::new(Producer::new(config, notices.clone(), waker(&on_finished)?));
        Ok(Self { core, notices, open: Arc::default() })
    }

    /// One attempt to reach the cluster. The process is kept alive from here until `close`, or until
    /// the attempt fails.
    #[napi(ts_return_type = "Promise<string>")]
    pub fn connect<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let (core, open) = (self.core.clone(), self.open.clone());
        let entry = Entry::holding(env, Box::new(move || core.end())).map_err(internal)?;
        leave(&open);
        *open.lock().unwrap_or_else(PoisonError::into_inner) = Some(entry);
        promise(env, |done: Done<_>| {
            self.core.connect(Box::new(move |outcome| {
                if outcome.is_err() {
                    leave(&open);
                }
                done(outcome);
            }));
        })
    }

    /// What an `oauthBearerProvider` gives, as JSON: for connections from now on.
    #[napi]
    pub fn set_token(&self, json: String) -> Result<()> {
        self.core.set_token(parsed(&json)?).map_err(|error| thrown(&error))
    }

    /// The number of a profile: JSON of the core's `ProfileConfig`.
    #[napi]
    pub fn profile(&self, config: String) -> Result<u32> {
        let config: ProfileConfig = parsed(&config)?;
        self.core.profile(config).map_err(|error| thrown(&error))
    }

    /// The number of a topic.
    #[napi]
    pub fn topic(&self, name: String) -> u32 {
        self.core.topic(&name)
    }

    /// Takes so many rows of the table, and the bytes that they speak of. Both may be used again when
    /// this returns.
    #[napi]
    pub fn flush(&self, table: &[i32], data: &[u8], rows: u32) -> Result<()> {
        let table = table.get(..rows as usize * 4).unwrap_or(table);
        self.core.flush(table, data).map_err(|error| thrown(&error))
    }

    /// Writes finished sends to `into`, as many as fit, and returns how many numbers that were. For
    /// each send: its number, how many partitions have its messages, and for each of those the
    /// topic's place in the send, the partition, the base offset (-1: not told) and the time of
    /// appending (-1: none); or its number and -1, and then `takeFailure` has the error. When not even
    /// one fits, it returns how many numbers it has, as a negative number.
    #[napi]
    pub fn take(&self, mut into: Float64Array) -> i32 {
        i32::try_from(self.core.take(numbers(&mut into))).unwrap_or(0)
    }

    /// The error of the next send that failed: JSON of `KafkaError`.
    #[napi]
    pub fn take_failure(&self) -> Option<String> {
        let error = self.core.take_failure()?;
        serde_json::to_string(&error).ok()
    }

    /// Log lines and errors that belong to no send: JSON each.
    #[napi]
    pub fn take_notices(&self) -> Vec<String> {
        let notices = self.notices.take();
        notices.iter().filter_map(|it| serde_json::to_string(it).ok()).collect()
    }

    /// A rare call: JSON of a `Request`, answered with JSON.
    #[napi(ts_return_type = "Promise<string>")]
    pub fn request<'env>(&self, env: &'env Env, request: String) -> Result<Object<'env>> {
        match parsed(&request)? {
            Request::PartitionMetadata { topic } => {
                promise(env, |done| self.core.partitions(&topic, done))
            }
        }
    }

    /// JSON of the core's `ProducerStats`.
    #[napi]
    pub fn stats(&self) -> String {
        serde_json::to_string(&self.core.stats()).unwrap_or_default()
    }

    /// Waits for what is being sent, as long as the configuration says, and ends. What is left then
    /// fails, and is there to `take` when this resolves.
    #[napi(ts_return_type = "Promise<string>")]
    pub fn close<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let open = self.open.clone();
        promise(env, |done: Done<()>| {
            self.core.close(Box::new(move |outcome: std::result::Result<(), KafkaError>| {
                leave(&open);
                done(outcome);
            }));
        })
    }
}

fn leave(open: &Mutex<Option<Entry>>) {
    let entry = open.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(entry) = entry {
        entry.leave();
    }
}
