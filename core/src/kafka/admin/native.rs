//! A native client with the thread that hands its answers on.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::request::AdminReply;
use super::waiting::Waiting;
use crate::kafka::client::Client;
use crate::kafka::config::ClientConfig;
use crate::kafka::error::KafkaError;
use crate::kafka::notices::Notices;
use crate::kafka::sys::{Event, Kind, Position, Queue};
use crate::kafka::work;

/// How long the thread sleeps when nothing happens; its end wakes it.
const IDLE: Duration = Duration::from_secs(3_600);

#[derive(Debug)]
pub(super) struct Open {
    pub(super) client: Arc<Client>,
    pub(super) answers: Arc<Queue>,
    thread: JoinHandle<()>,
}

impl Open {
    /// For everything but what a group has committed.
    pub(super) fn cluster(
        config: &ClientConfig,
        notices: Arc<Notices>,
        waiting: &Arc<Waiting>,
    ) -> Result<Self, KafkaError> {
        Self::new(Kind::Producer, config, &[], notices, waiting)
    }

    /// For what groups have committed. Any admin could ask for it, but librdkafka (2.12) crashes without
    /// a group of its own when a coordinator has moved (its issue 5040). So the first group that is asked
    /// for is its own; it never joins it, and other groups can be asked for as well.
    pub(super) fn groups(
        first: String,
        config: &ClientConfig,
        notices: Arc<Notices>,
        waiting: &Arc<Waiting>,
    ) -> Result<Self, KafkaError> {
        let settings = [("group.id", first), ("enable.auto.commit", "false".to_owned())];
        Self::new(Kind::Consumer, config, &settings, notices, waiting)
    }

    fn new(
        kind: Kind,
        config: &ClientConfig,
        settings: &[(&'static str, String)],
        notices: Arc<Notices>,
        waiting: &Arc<Waiting>,
    ) -> Result<Self, KafkaError> {
        let client = Client::new(kind, config, settings, 0, notices)?;
        let answers = Arc::new(Queue::new(client.handle()));
        Queue::of_events(client.handle(), kind).forward_to(&answers);
        let started = thread::Builder::new().name("messaging-kafka-admin".to_owned()).spawn({
            let (client, answers, waiting) = (client.clone(), answers.clone(), waiting.clone());
            move || serve(&client, &answers, &waiting)
        });
        match started {
            Ok(thread) => Ok(Self { client, answers, thread }),
            Err(error) => {
                work::drop_aside((answers, client));
                Err(KafkaError::no_thread(error.to_string()))
            }
        }
    }

    /// Waits until the thread and, if nothing else uses it, the native client have ended. Whoever waits for
    /// answers has been told of the end before.
    pub(super) fn wait(self) {
        let Self { client, answers, thread } = self;
        // A thread that has panicked has ended as well.
        let _ = thread.join();
        drop((answers, client));
    }
}

/// The thread's work.
fn serve(client: &Client, answers: &Queue, waiting: &Waiting) {
    let mut faults = 0;
    while !waiting.is_closed() {
        let Some(event) = answers.poll(IDLE) else { continue };
        match client.handle_event(event) {
            Some(event) => waiting.answer(event.opaque().addr(), reply(&event)),
            // No answer comes any more to what was asked, which librdkafka would wait for until its time is over.
            None if client.seen() > faults => {
                faults = client.seen();
                if let Some(outage) = client.outage() {
                    waiting.fail_all(&outage);
                }
            }
            None => {}
        }
    }
}

fn reply(event: &Event) -> Result<AdminReply, KafkaError> {
    use rdkafka::bindings as native;
    if let Some(error) = event.error() {
        return Err(error);
    }
    Ok(match event.kind() {
        native::RD_KAFKA_EVENT_DESCRIBETOPICS_RESULT => {
            AdminReply::Topics(event.described_topics())
        }
        native::RD_KAFKA_EVENT_LISTOFFSETS_RESULT => positions(event.listed_offsets()),
        native::RD_KAFKA_EVENT_LISTCONSUMERGROUPOFFSETS_RESULT
        | native::RD_KAFKA_EVENT_ALTERCONSUMERGROUPOFFSETS_RESULT => {
            match event.group_positions() {
                Some(group) => group.error.map_or_else(|| Ok(positions(group.positions)), Err)?,
                None => positions(Vec::new()),
            }
        }
        _ => AdminReply::Outcomes(event.outcomes().into_iter().map(Into::into).collect()),
    })
}

fn positions(positions: Vec<Position>) -> AdminReply {
    AdminReply::Positions(positions.into_iter().map(Into::into).collect())
}
