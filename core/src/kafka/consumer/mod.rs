//! A consumer: one native client and one thread, from `connect` to the end of one run of kafkajs's.
//!
//! The thread takes what librdkafka has fetched, packs it into batches, and carries out what JavaScript
//! orders. librdkafka's own events are served whatever JavaScript does, so a handler that is slow, or that
//! blocks the event loop, keeps its partitions: messages wait in a queue of their own, which is read only
//! while there is room for a batch.

mod batches;
mod config;
mod group;
mod order;
mod pack;
mod partitions;
mod pool;
mod signal;
mod topics;
mod worker;

pub use config::ConsumerConfig;
pub use order::{Change, Command, OffsetText, PauseRule, Place, Subscription};
pub use pool::Memory;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use self::batches::Batches;
use self::order::{Order, Orders};
use self::pool::Pool;
use self::signal::Signal;
use self::topics::Topics;
use super::client::{Client, ClientStats, Done};
use super::error::KafkaError;
use super::notices::Notices;
use super::sys::{ClusterInfo, Kind, Position};
use super::tokens::{Token, Tokens};

/// Events of consumers.
const EVENTS: i32 =
    rdkafka::bindings::RD_KAFKA_EVENT_REBALANCE | rdkafka::bindings::RD_KAFKA_EVENT_OFFSET_COMMIT;

#[derive(Debug)]
pub struct Consumer {
    shared: Arc<Shared>,
    /// None once it is closed: the last owner of a client waits for its threads, and must not be
    /// JavaScript.
    client: Mutex<Option<Arc<Client>>>,
    tokens: Arc<Tokens>,
}

/// What JavaScript's thread and the consumer's own have in common.
#[derive(Debug)]
struct Shared {
    signal: Arc<Signal>,
    orders: Orders,
    batches: Batches,
    pool: Arc<Pool>,
    topics: Topics,
    notices: Arc<Notices>,
}

impl Consumer {
    /// Makes the client and its thread. It joins its group with `subscribe`. `on_notice` and `on_batch` are
    /// called on any thread, and must only wake.
    ///
    /// # Errors
    /// Settings that librdkafka refuses, or no thread.
    pub fn open(
        config: &ConsumerConfig,
        on_notice: impl Fn() + Send + Sync + 'static,
        on_batch: impl Fn() + Send + Sync + 'static,
    ) -> Result<Arc<Self>, KafkaError> {
        let notices = Arc::new(Notices::new(on_notice));
        let client = Client::new(
            Kind::Consumer,
            &config.client,
            &config.settings(),
            EVENTS,
            notices.clone(),
        )?;
        let shared = Arc::new(Shared {
            signal: Arc::new(Signal::default()),
            orders: Orders::default(),
            batches: Batches::new(on_batch),
            pool: Arc::default(),
            topics: Topics::default(),
            notices,
        });
        let patience = Duration::from_millis(config.rebalance_timeout.into());
        worker::start(shared.clone(), client.clone(), patience)?;
        let tokens = config.client.tokens.clone();
        Ok(Arc::new(Self { shared, client: Mutex::new(Some(client)), tokens }))
    }

    /// What has happened, in order.
    pub fn notices(&self) -> &Notices {
        &self.shared.notices
    }

    /// The next batch. After none, the host is woken when there is one.
    pub fn take(&self) -> Option<Memory> {
        let (batch, room) = self.shared.batches.take();
        if room {
            self.shared.signal.notify();
        }
        batch
    }

    /// The names of topics, by the numbers that batches have for them.
    pub fn topics(&self) -> Vec<String> {
        self.shared.topics.names()
    }

    /// What it logs in with from now on, if the mechanism is `oauthbearer`.
    ///
    /// # Errors
    /// It cannot be sent.
    pub fn set_token(&self, token: Token) -> Result<(), KafkaError> {
        self.tokens.set(token)
    }

    /// One attempt to reach the cluster.
    pub fn connect(&self, timeout: Duration, done: Done<ClusterInfo>) {
        match self.client() {
            Some(client) => client.connect(timeout, done),
            None => done(Err(KafkaError::closed())),
        }
    }

    /// What the cluster says of these topics, or of all.
    pub fn metadata(
        &self,
        topics: Option<Vec<String>>,
        timeout: Duration,
        done: Done<ClusterInfo>,
    ) {
        match self.client() {
            Some(client) => client.metadata(topics, timeout, done),
            None => done(Err(KafkaError::closed())),
        }
    }

    /// Says where topics begin for a group without offsets, once and for all, and gives what the cluster says
    /// of them.
    pub fn declare(
        &self,
        subscriptions: &[Subscription],
        timeout: Duration,
        done: Done<ClusterInfo>,
    ) {
        let Some(client) = self.client() else { return done(Err(KafkaError::closed())) };
        for Subscription { topic, from_beginning } in subscriptions {
            if let Err(error) = self.shared.topics.declare(client.handle(), topic, *from_beginning)
            {
                return done(Err(error));
            }
        }
        let names = subscriptions.iter().map(|it| it.topic.clone()).collect();
        client.metadata(Some(names), timeout, done);
    }

    /// Joins the group.
    pub fn subscribe(&self, topics: Vec<String>, done: Done<()>) {
        self.order(Order::Subscribe(topics, done));
    }

    /// Commits, if this is still the assignment.
    pub fn commit(&self, assignment: u32, offsets: &[Place], done: Done<()>) {
        let offsets = offsets.iter().map(Place::position).collect();
        self.order(Order::Commit { assignment, offsets, done });
    }

    /// What the group has committed of these partitions, -1001 where nothing.
    pub fn committed(&self, partitions: &[Place], timeout: Duration, done: Done<Vec<Place>>) {
        let Some(client) = self.client() else { return done(Err(KafkaError::closed())) };
        let partitions: Vec<Position> = partitions.iter().map(Place::position).collect();
        let asked = client.clone();
        client.ask(done, move || {
            let committed = asked.handle().committed(&partitions, timeout)?;
            committed.into_iter().map(Place::of).collect()
        });
    }

    /// Is carried out by the thread, in order.
    pub fn command(&self, command: Command) {
        self.order(Order::Command(command));
    }

    /// What it costs now; nothing once it is closed.
    #[must_use]
    pub fn stats(&self) -> ClientStats {
        let client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        client.as_ref().map(|it| it.stats()).unwrap_or_default()
    }

    /// Leaves the group and ends; any number of times. What is given is called when all is gone.
    pub fn close(&self, done: Done<()>) {
        drop(self.client.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.order(Order::Close(done));
    }

    fn order(&self, order: Order) {
        if let Some(order) = self.shared.orders.push(order) {
            // The thread has ended.
            order.refuse();
        }
        self.shared.signal.notify();
    }

    fn client(&self) -> Option<Arc<Client>> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
