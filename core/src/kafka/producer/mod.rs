//! The producer: kafkajs's sends over librdkafka. A send crosses once, however many messages it has,
//! and is answered once. Nothing here blocks the thread that sends.

mod config;
mod groups;
mod intake;
mod ledger;
mod partitioner;
mod profile;
mod rows;
mod shared;
mod topics;
mod waiting;

pub use config::{ProducerConfig, ProfileConfig};

use serde::Serialize;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use self::ledger::Ledger;
use self::profile::Native;
use self::shared::Shared;
use self::topics::{Asking, State};
use super::client::{ClientStats, Done};
use super::error::KafkaError;
use super::notices::Notices;
use super::sys::{ClusterInfo, PartitionInfo};
use super::tokens::Token;
use super::work;

pub struct Producer {
    shared: Arc<Shared>,
    /// Errors of sends that `take` has told of, and nobody has taken yet.
    failures: Mutex<VecDeque<KafkaError>>,
    connecting: Mutex<Vec<Call<ClusterInfo>>>,
}

/// A call that may be answered from two sides.
type Call<T> = Arc<Mutex<Option<Done<T>>>>;

/// What a producer costs, and what is under way.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProducerStats {
    #[serde(flatten)]
    pub clients: ClientStats,
    /// Sends that are not finished.
    pub sends: usize,
    /// What waits in front of librdkafka, in bytes.
    pub waiting_bytes: u64,
}

impl Producer {
    /// It does nothing until `connect`. `wake` is called on any thread when there is something to
    /// `take`, and must only wake.
    pub fn new(
        config: ProducerConfig,
        notices: Arc<Notices>,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let ledger = Arc::new(Ledger::new(wake));
        Self {
            shared: Arc::new(Shared::new(config, notices, ledger)),
            failures: Mutex::default(),
            connecting: Mutex::default(),
        }
    }

    /// One attempt to reach the cluster, with the client that most sends use. It may be called again.
    pub fn connect(&self, done: Done<ClusterInfo>) {
        let call = Arc::new(Mutex::new(Some(done)));
        {
            let mut connecting = self.connecting.lock().unwrap_or_else(PoisonError::into_inner);
            connecting.retain(|it| Arc::strong_count(it) > 1);
            connecting.push(call.clone());
        }
        let (shared, inside) = (self.shared.clone(), call.clone());
        let started = work::run(move || match default_client(&shared) {
            Ok(client) => {
                let config = &shared.config.client;
                let patience =
                    u64::from(config.connection_timeout) + u64::from(config.request_timeout);
                let done = Box::new(move |outcome| answer(&inside, outcome));
                client.connect(Duration::from_millis(patience), done);
            }
            Err(error) => answer(&inside, Err(error)),
        });
        if let Err(error) = started {
            answer(&call, Err(error));
        }
    }

    /// What clients log in with from now on, if the mechanism is `oauthbearer`.
    ///
    /// # Errors
    /// It cannot be sent.
    pub fn set_token(&self, token: Token) -> Result<(), KafkaError> {
        self.shared.config.client.tokens.set(token)
    }

    /// The number of a profile.
    ///
    /// # Errors
    /// There are too many.
    pub fn profile(&self, config: ProfileConfig) -> Result<u32, KafkaError> {
        self.shared.intake().profile(config)
    }

    /// The number of a topic.
    pub fn topic(&self, name: &str) -> u32 {
        self.shared.intake().topics.number(name)
    }

    /// Takes a table of sends and the bytes that it speaks of (`rows.rs`).
    ///
    /// # Errors
    /// They do not go together. Sends behind the fault are lost.
    pub fn flush(&self, table: &[i32], data: &[u8]) -> Result<(), KafkaError> {
        let mut intake = self.shared.intake();
        let outcome = intake.flush(table, data);
        if !matches!(outcome, Ok(false)) {
            self.shared.work(intake);
        }
        outcome.map(drop).map_err(|_| KafkaError::invalid("malformed rows"))
    }

    /// Writes what has finished to `into`: see `Ledger::take`.
    pub fn take(&self, into: &mut [f64]) -> isize {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared.ledger.take(into, &mut failures)
    }

    /// The error of the next failed send, in the order of `take`.
    pub fn take_failure(&self) -> Option<KafkaError> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// What is known of a topic, asked of a broker when nothing is.
    pub fn partitions(&self, name: &str, done: Done<Vec<PartitionInfo>>) {
        let mut intake = self.shared.intake();
        if intake.closed {
            drop(intake);
            return done(Err(KafkaError::closed()));
        }
        let number = intake.topics.number(name);
        let Some(topic) = intake.topics.get_mut(number) else { return };
        match &mut topic.state {
            State::Known(known) => {
                let partitions = known.partitions.clone();
                let age = self.shared.config.client.metadata_max_age;
                let old = known.grew_old(Duration::from_millis(age.into()), Instant::now());
                if old {
                    self.shared.work(intake);
                } else {
                    drop(intake);
                }
                done(Ok(partitions));
            }
            State::Asking(asking) => asking.callers.push(done),
            State::Unknown => {
                let mut asking = Asking::new(Instant::now());
                asking.callers.push(done);
                topic.state = State::Asking(asking);
                self.shared.work(intake);
            }
        }
    }

    #[must_use]
    pub fn stats(&self) -> ProducerStats {
        let clients = self.shared.stats();
        let waiting_bytes = self.shared.intake().waiting();
        ProducerStats { clients, sends: self.shared.ledger.unfinished(), waiting_bytes }
    }

    /// Takes no more sends, waits for those that are under way as long as the configuration says and there
    /// is a broker that they may go to, and ends. `done` is called when all threads have ended.
    pub fn close(&self, done: Done<()>) {
        let patience = Duration::from_millis(self.shared.config.close_timeout.into());
        self.finish(patience, done);
    }

    /// Ends without waiting for anything.
    pub fn end(&self) {
        self.finish(Duration::ZERO, Box::new(drop));
    }

    fn finish(&self, patience: Duration, done: Done<()>) {
        self.shared.intake().closed = true;
        let connecting =
            std::mem::take(&mut *self.connecting.lock().unwrap_or_else(PoisonError::into_inner));
        for call in connecting {
            answer(&call, Err(KafkaError::closed()));
        }
        let (shared, call) = (self.shared.clone(), Arc::new(Mutex::new(Some(done))));
        let inside = call.clone();
        let started = thread::Builder::new().name("messaging-kafka".to_owned()).spawn(move || {
            shared.finish_sends(patience);
            shared.end();
            answer(&inside, Ok(()));
        });
        if let Err(error) = started {
            // Threads and all are leaked: waiting here would hold up JavaScript.
            self.shared.ledger.fail_all(&KafkaError::closed());
            answer(&call, Err(KafkaError::no_thread(error.to_string())));
        }
    }
}

fn default_client(shared: &Arc<Shared>) -> Result<Arc<super::Client>, KafkaError> {
    let number = {
        let mut intake = shared.intake();
        if intake.closed {
            return Err(KafkaError::closed());
        }
        let number = intake.profile(ProfileConfig::DEFAULT)?;
        let profile = intake.profiles.get_mut(number as usize).ok_or_else(KafkaError::closed)?;
        match &profile.native {
            Native::Ready(ready) => return Ok(ready.client.clone()),
            Native::Making => return Err(KafkaError::invalid("it is connecting already")),
            Native::Absent | Native::Wanted | Native::Failed => profile.native = Native::Making,
        }
        number
    };
    shared.make(number)
}

/// Answers a call that nobody has answered.
fn answer<T>(call: &Call<T>, outcome: Result<T, KafkaError>) {
    let done = call.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(done) = done {
        done(outcome);
    }
}

impl fmt::Debug for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer").field("shared", &self.shared).finish_non_exhaustive()
    }
}
