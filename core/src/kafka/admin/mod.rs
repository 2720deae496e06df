//! An admin: native clients, each with a thread that hands the answers of its requests on.

mod native;
mod request;
mod waiting;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::client::Done;
use super::config::ClientConfig;
use super::error::KafkaError;
use super::notices::Notices;
use super::sys::{AdminOperation, AdminOptions, List, Position, Scope};
use super::tokens::{Token, Tokens};
use super::work;

use native::Open;
pub use request::{
    AdminReply, AdminRequest, Assignment, ConfigEntry, OutcomeReply, Partition, PartitionOffset,
    PartitionTime, PositionReply, TopicToCreate,
};
use waiting::Waiting;

/// Every clone is the same admin.
#[derive(Debug, Clone)]
pub struct Admin {
    /// None when it is closed.
    clients: Arc<Mutex<Option<Clients>>>,
    waiting: Arc<Waiting>,
    tokens: Arc<Tokens>,
}

#[derive(Debug)]
struct Clients {
    cluster: Open,
    /// Made when it is needed.
    groups: Option<Open>,
    config: ClientConfig,
}

impl Admin {
    /// It reaches for its cluster when it is told to `connect`.
    ///
    /// # Errors
    /// Settings that librdkafka refuses, or the system has no thread.
    pub fn new(config: ClientConfig, notices: Arc<Notices>) -> Result<Self, KafkaError> {
        let waiting = Arc::new(Waiting::default());
        let cluster = Open::cluster(&config, notices, &waiting)?;
        let tokens = config.tokens.clone();
        let clients = Arc::new(Mutex::new(Some(Clients { cluster, groups: None, config })));
        Ok(Self { clients, waiting, tokens })
    }

    /// What it logs in with from now on, if the mechanism is `oauthbearer`.
    ///
    /// # Errors
    /// It cannot be sent.
    pub fn set_token(&self, token: Token) -> Result<(), KafkaError> {
        self.tokens.set(token)
    }

    /// One attempt to reach the cluster, as `Client::connect`.
    pub fn connect(&self, timeout: Duration, done: Done<AdminReply>) {
        self.ask(done, |clients, number, waiting| {
            let waiting = waiting.clone();
            let answer = move |outcome: Result<_, _>| {
                waiting.answer(number, outcome.map(AdminReply::Cluster));
            };
            clients.cluster.client.connect(timeout, Box::new(answer));
            Ok(())
        });
    }

    /// Whether a broker is connected.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        let clients = self.clients();
        clients.iter().flat_map(Clients::all).any(|it| it.client.stats().connections > 0)
    }

    /// Asks, and waits so long for the answer. When all brokers are lost it fails at once.
    pub fn request(&self, request: AdminRequest, timeout: Duration, done: Done<AdminReply>) {
        self.ask(done, |clients, number, waiting| {
            let open = match &request {
                AdminRequest::ListGroupOffsets { group_id, .. } => {
                    clients.for_groups(group_id, waiting)?
                }
                _ => &clients.cluster,
            };
            start(open, number, waiting, request, timeout)
        });
    }

    /// Ends it. What waits for an answer fails; done when the native clients have ended, too.
    pub fn close(&self, done: Done<()>) {
        let ending = Ending(self.end());
        work::ask(done, move || {
            ending.wait();
            Ok(())
        });
    }

    /// The same for whoever does not wait for it.
    pub fn abandon(&self) {
        drop(Ending(self.end()));
    }

    fn end(&self) -> Option<Clients> {
        let clients = self.clients().take();
        self.waiting.close();
        for open in clients.iter().flat_map(Clients::all) {
            open.answers.interrupt();
        }
        clients
    }

    fn ask(
        &self,
        done: Done<AdminReply>,
        start: impl FnOnce(&mut Clients, usize, &Arc<Waiting>) -> Result<(), KafkaError>,
    ) {
        let Some(number) = self.waiting.expect(done) else { return };
        let started = match &mut *self.clients() {
            Some(clients) => start(clients, number, &self.waiting),
            None => Err(KafkaError::closed()),
        };
        if let Err(error) = started {
            self.waiting.answer(number, Err(error));
        }
    }

    fn clients(&self) -> MutexGuard<'_, Option<Clients>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clients {
    /// # Errors
    /// The system has no thread for another client.
    fn for_groups(&mut self, group: &str, waiting: &Arc<Waiting>) -> Result<&Open, KafkaError> {
        let open = match self.groups.take() {
            Some(open) => open,
            None => {
                let notices = self.cluster.client.notices().clone();
                Open::groups(group.to_owned(), &self.config, notices, waiting)?
            }
        };
        Ok(self.groups.insert(open))
    }

    fn all(&self) -> impl Iterator<Item = &Open> {
        [&self.cluster].into_iter().chain(&self.groups)
    }
}

/// What was open, for whoever waits for its end. Where nobody does or can, it ends aside.
struct Ending(Option<Clients>);

impl Ending {
    fn wait(mut self) {
        if let Some(Clients { cluster, groups, .. }) = self.0.take() {
            [cluster].into_iter().chain(groups).for_each(Open::wait);
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(clients) = self.0.take() {
            work::drop_aside(clients);
        }
    }
}

/// Makes the request, whose answer comes to the queue, or asks in a thread that waits.
fn start(
    open: &Open,
    number: usize,
    waiting: &Arc<Waiting>,
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
            let (asked, waiting) = (handle.clone(), waiting.clone());
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

fn list<'a>(entries: impl Iterator<Item = (&'a String, i32, i64)>) -> Result<List, KafkaError> {
    let positions: Vec<_> =
        entries.map(|(topic, partition, offset)| Position::new(topic, partition, offset)).collect();
    List::new(&positions)
}

fn millis(time: u32) -> Duration {
    Duration::from_millis(time.into())
}
