//! An admin: a native client, and a thread that hands the answers of its requests on.

mod request;
mod waiting;

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::client::{Client, Done};
use super::config::ClientConfig;
use super::error::KafkaError;
use super::notices::Notices;
use super::sys::{AdminOperation, AdminOptions, Event, Kind, List, Position, Queue, Scope};
use super::work;

pub use request::{
    AdminReply, AdminRequest, Assignment, ConfigEntry, OutcomeReply, Partition, PartitionOffset,
    PartitionTime, PositionReply, TopicToCreate,
};
use waiting::Waiting;

/// How long the thread sleeps when nothing happens; its end wakes it.
const IDLE: Duration = Duration::from_secs(3_600);

/// Ends when the last clone is closed or dropped; `close` waits for it.
#[derive(Debug, Clone)]
pub struct Admin {
    /// None when it is closed.
    open: Arc<Mutex<Option<Open>>>,
    waiting: Arc<Waiting>,
}

#[derive(Debug)]
struct Open {
    client: Arc<Client>,
    answers: Arc<Queue>,
    thread: JoinHandle<()>,
}

impl Admin {
    /// It reaches for its cluster when it is told to `connect`.
    ///
    /// # Errors
    /// Settings that librdkafka refuses, or the system has no thread.
    pub fn new(config: &ClientConfig, notices: Arc<Notices>) -> Result<Self, KafkaError> {
        let client = Client::new(Kind::Producer, config, &[], 0, notices)?;
        let answers = Arc::new(Queue::new(client.handle()));
        Queue::main(client.handle()).forward_to(&answers);
        let waiting = Arc::new(Waiting::default());
        let started = thread::Builder::new().name("messaging-kafka-admin".to_owned()).spawn({
            let (client, answers, waiting) = (client.clone(), answers.clone(), waiting.clone());
            move || serve(&client, &answers, &waiting)
        });
        match started {
            Ok(thread) => {
                let open = Arc::new(Mutex::new(Some(Open { client, answers, thread })));
                Ok(Self { open, waiting })
            }
            Err(error) => {
                work::drop_aside((answers, client));
                Err(KafkaError::no_thread(error.to_string()))
            }
        }
    }

    /// One attempt to reach the cluster, as `Client::connect`.
    pub fn connect(&self, timeout: Duration, done: Done<AdminReply>) {
        self.ask(done, |open, number, waiting| {
            let answer = move |outcome: Result<_, _>| {
                waiting.answer(number, outcome.map(AdminReply::Cluster));
            };
            open.client.connect(timeout, Box::new(answer));
            Ok(())
        });
    }

    /// Asks, and waits so long for the answer.
    pub fn request(&self, request: AdminRequest, timeout: Duration, done: Done<AdminReply>) {
        self.ask(done, |open, number, waiting| start(open, number, waiting, request, timeout));
    }

    /// Ends it. What waits for an answer fails; done when the native client has ended, too.
    pub fn close(&self, done: Done<()>) {
        let ending = Ending(self.end());
        work::ask(done, move || {
            ending.wait();
            Ok(())
        });
    }

    /// The same for whoever does not wait for it.
    pub fn abandon(&self) {
        if let Some(open) = self.end() {
            work::drop_aside(open);
        }
    }

    fn end(&self) -> Option<Open> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.waiting.close();
        if let Some(open) = &open {
            open.answers.interrupt();
        }
        open
    }

    fn ask(
        &self,
        done: Done<AdminReply>,
        start: impl FnOnce(&Open, usize, Arc<Waiting>) -> Result<(), KafkaError>,
    ) {
        let Some(number) = self.waiting.expect(done) else { return };
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let started = match &*open {
            Some(open) => start(open, number, self.waiting.clone()),
            None => Err(KafkaError::closed()),
        };
        drop(open);
        if let Err(error) = started {
            self.waiting.answer(number, Err(error));
        }
    }
}

/// What was open, for whoever waits for its end. Where nobody can, it ends aside.
struct Ending(Option<Open>);

impl Ending {
    fn wait(mut self) {
        if let Some(Open { client, answers, thread }) = self.0.take() {
            // A thread that has panicked has ended as well.
            let _ = thread.join();
            drop((answers, client));
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(open) = self.0.take() {
            work::drop_aside(open);
        }
    }
}

/// Makes the request, whose answer comes to the queue, or asks in a thread that waits.
fn start(
    open: &Open,
    number: usize,
    waiting: Arc<Waiting>,
    request: AdminRequest,
    timeout: Duration,
) -> Result<(), KafkaError> {
    let (client, answers) = (&open.client, &*open.answers);
    let handle = client.handle();
    let options = |operation| AdminOptions::new(handle, operation, number, timeout);
    match request {
        AdminRequest::CreateTopics { topics, validate_only, timeout } => {
            let options = options(AdminOperation::RD_KAFKA_ADMIN_OP_CREATETOPICS)?
                .operation_timeout(millis(timeout))?
                .validate_only(validate_only)?;
            let topics = topics.iter().map(TopicToCreate::native).collect::<Vec<_>>();
            handle.create_topics(&topics, &options, answers)
        }
        AdminRequest::DeleteTopics { topics, timeout } => {
            let options = options(AdminOperation::RD_KAFKA_ADMIN_OP_DELETETOPICS)?
                .operation_timeout(millis(timeout))?;
            handle.delete_topics(&topics, &options, answers)
        }
        AdminRequest::DescribeTopics { topics } => {
            let options = options(AdminOperation::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS)?;
            handle.describe_topics(&topics, &options, answers)
        }
        AdminRequest::ListOffsets { partitions } => {
            let times = partitions.iter().map(|it| (&it.topic, it.partition, it.timestamp));
            let options = options(AdminOperation::RD_KAFKA_ADMIN_OP_LISTOFFSETS)?;
            handle.list_offsets(&list(times)?, &options, answers);
            Ok(())
        }
        AdminRequest::ListGroupOffsets { group_id, partitions } => {
            let none = Position::INVALID;
            let named =
                |it: &[Partition]| list(it.iter().map(|it| (&it.topic, it.partition, none)));
            let list = partitions.as_deref().map(named).transpose()?;
            let options = options(AdminOperation::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS)?;
            handle.list_group_offsets(&group_id, list.as_ref(), &options, answers)
        }
        AdminRequest::AlterGroupOffsets { group_id, partitions } => {
            let positions = partitions.iter().map(PartitionOffset::position);
            let list = List::new(&positions.collect::<Result<Vec<_>, _>>()?)?;
            let options = options(AdminOperation::RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS)?;
            handle.alter_group_offsets(&group_id, &list, &options, answers)
        }
        AdminRequest::DeleteGroups { group_ids } => {
            let options = options(AdminOperation::RD_KAFKA_ADMIN_OP_DELETEGROUPS)?;
            handle.delete_groups(&group_ids, &options, answers)
        }
        blocking => {
            let asked = handle.clone();
            let done = move |outcome| waiting.answer(number, outcome);
            client.ask(Box::new(done), move || {
                let metadata = |scope| asked.metadata(scope, timeout);
                Ok(match blocking {
                    AdminRequest::ListTopics => AdminReply::Names(
                        metadata(Scope::All)?.topics.into_iter().map(|it| it.name).collect(),
                    ),
                    AdminRequest::DescribeAllTopics => {
                        AdminReply::Topics(metadata(Scope::All)?.topics)
                    }
                    AdminRequest::ListGroups => AdminReply::Groups(asked.groups(None, timeout)?),
                    AdminRequest::DescribeGroups { group_ids } => {
                        let mut groups = Vec::new();
                        for group in &group_ids {
                            groups.append(&mut asked.groups(Some(group), timeout)?);
                        }
                        AdminReply::Groups(groups)
                    }
                    _ => AdminReply::Cluster(metadata(Scope::Known)?),
                })
            });
            Ok(())
        }
    }
}

/// The thread's work.
fn serve(client: &Client, answers: &Queue, waiting: &Waiting) {
    while !waiting.is_closed() {
        let event = answers.poll(IDLE).and_then(|event| client.handle_event(event));
        if let Some(event) = event {
            waiting.answer(event.opaque().addr(), reply(&event));
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

fn list<'a>(entries: impl Iterator<Item = (&'a String, i32, i64)>) -> Result<List, KafkaError> {
    let positions: Vec<_> =
        entries.map(|(topic, partition, offset)| Position::new(topic, partition, offset)).collect();
    List::new(&positions)
}

fn millis(time: u32) -> Duration {
    Duration::from_millis(time.into())
}
