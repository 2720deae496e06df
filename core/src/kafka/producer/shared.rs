//! The threads of a producer: one that makes native clients and asks for topics while there is
//! something to make or to ask, and one per client that takes its deliveries.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::config::ProducerConfig;
use super::intake::Intake;
use super::ledger::Ledger;
use super::profile::{Native, Poller, Profile, Ready};
use super::topics::{Patience, Refresh, State, Verdict};
use crate::kafka::client::{Client, ClientStats};
use crate::kafka::error::KafkaError;
use crate::kafka::notices::Notices;
use crate::kafka::sys::{Handle, Kind, Queue, Scope};
use crate::kafka::work;

/// Deliveries that are counted under one lock, for which JavaScript may wait.
const AT_ONCE: usize = 256;

/// How long a poll waits. It is interrupted when there is something else to do.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long no broker may be connected before `close` gives up on what it waits for. One that is back is found within
/// a second, and services are stopped that have not much more time than this.
const AWAY: Duration = Duration::from_secs(4);

/// Between two looks at whether one is.
const LOOK: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) config: ProducerConfig,
    pub(super) ledger: Arc<Ledger>,
    intake: Mutex<Intake>,
    /// There is work for the thread.
    changed: Condvar,
    notices: Arc<Notices>,
}

enum Job {
    Make(u32),
    Ask {
        topic: u32,
        name: String,
        handles: Vec<Arc<Handle>>,
        left: Duration,
    },
    /// The time of a topic is over.
    Fail(u32, KafkaError),
    Wait(Instant),
}

impl Shared {
    pub(super) fn new(config: ProducerConfig, notices: Arc<Notices>, ledger: Arc<Ledger>) -> Self {
        let age = Duration::from_millis(config.client.metadata_max_age.into());
        let intake = Intake::new(config.max_waiting_bytes, age, ledger.clone());
        Self { config, ledger, intake: Mutex::new(intake), changed: Condvar::new(), notices }
    }

    pub(super) fn intake(&self) -> MutexGuard<'_, Intake> {
        self.intake.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the thread look for work, and starts it if it does not run.
    pub(super) fn work(self: &Arc<Self>, mut intake: MutexGuard<'_, Intake>) {
        if std::mem::replace(&mut intake.working, true) {
            self.changed.notify_all();
            return;
        }
        drop(intake);
        let shared = self.clone();
        if let Err(error) = work::run(move || shared.run()) {
            self.give_up(&error);
        }
    }

    /// No thread is to be had: what waits for it fails.
    fn give_up(&self, error: &KafkaError) {
        let mut intake = self.intake();
        intake.working = false;
        let asked: Vec<_> = intake
            .topics
            .iter_mut()
            .filter_map(|(number, it)| matches!(it.state, State::Asking(_)).then_some(number))
            .collect();
        for topic in asked {
            intake.settle_topic(topic, Err(error.clone()));
        }
        for profile in 0..intake.profiles.len() {
            if matches!(intake.profiles.get(profile).map(|it| &it.native), Some(Native::Wanted)) {
                let number = u32::try_from(profile).unwrap_or(u32::MAX);
                intake.fail_profile(number, error);
                // The next send may have more luck.
                if let Some(of) = intake.profiles.get_mut(profile) {
                    of.native = Native::Absent;
                }
            }
        }
    }

    fn run(self: &Arc<Self>) {
        let mut intake = self.intake();
        loop {
            match self.next_job(&mut intake) {
                None => {
                    intake.working = false;
                    return;
                }
                Some(Job::Wait(until)) => {
                    let left = until.saturating_duration_since(Instant::now());
                    let waited = self.changed.wait_timeout(intake, left);
                    intake = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
                Some(Job::Fail(topic, error)) => intake.settle_topic(topic, Err(error)),
                Some(Job::Make(profile)) => {
                    drop(intake);
                    let _ = self.make(profile);
                    intake = self.intake();
                }
                Some(Job::Ask { topic, name, handles, left }) => {
                    drop(intake);
                    self.ask(topic, &name, &handles, left);
                    intake = self.intake();
                }
            }
        }
    }

    fn next_job(&self, intake: &mut Intake) -> Option<Job> {
        let now = Instant::now();
        let wanted =
            intake.profiles.iter_mut().zip(0..).find(|(it, _)| matches!(it.native, Native::Wanted));
        if let Some((profile, number)) = wanted {
            profile.native = Native::Making;
            return Some(Job::Make(number));
        }
        let budget = self.config.budget();
        // When to look again, and by when somebody wants an answer: one question at a time is asked, and none of
        // them may cost another topic its time.
        let (mut soonest, mut last): (Option<Instant>, Option<Instant>) = (None, None);
        let mut found = None;
        for (number, topic) in intake.topics.iter_mut() {
            let wanted = match &mut topic.state {
                State::Asking(asking) => {
                    let deadline = asking.deadline(budget);
                    if deadline.is_some_and(|it| it <= now) {
                        return Some(Job::Fail(number, asking.too_late()));
                    }
                    last = earlier(last, deadline);
                    soonest = earlier(soonest, earlier(asking.due, deadline));
                    asking.due.is_some_and(|due| due <= now)
                }
                State::Known(known) => known.refresh == Refresh::Wanted,
                State::Unknown => false,
            };
            if wanted && found.is_none() {
                found = Some((number, topic.name.clone()));
            }
        }
        let Some((topic, name)) = found else { return soonest.map(Job::Wait) };
        match intake.topics.get_mut(topic).map(|it| &mut it.state) {
            Some(State::Asking(asking)) => asking.due = None,
            Some(State::Known(known)) => known.refresh = Refresh::Running,
            Some(State::Unknown) | None => {}
        }
        let request = Duration::from_millis(self.config.client.request_timeout.into());
        let left = last.map_or(request, |it| request.min(it.saturating_duration_since(now)));
        Some(Job::Ask { topic, name, handles: handles(&intake.profiles, topic), left })
    }

    /// Asks with the first client, and lets the others learn of it that send to the topic.
    fn ask(&self, topic: u32, name: &str, handles: &[Arc<Handle>], timeout: Duration) {
        let mut answers = handles.iter().map(|it| it.metadata(Scope::One(name), timeout));
        let answer = answers.next().unwrap_or_else(|| Err(KafkaError::closed()));
        if answer.is_ok() {
            answers.for_each(drop);
        }
        let now = Instant::now();
        let patience = Patience { budget: self.config.budget(), missing: self.config.missing() };
        let mut intake = self.intake();
        let Some(entry) = intake.topics.get_mut(topic) else { return };
        match &mut entry.state {
            State::Unknown => {}
            State::Asking(asking) => match asking.judge(answer, name, patience, now) {
                Verdict::Known(known) => intake.settle_topic(topic, Ok(known)),
                Verdict::Failed(error) => intake.settle_topic(topic, Err(error)),
                Verdict::Again => {}
            },
            State::Known(known) => known.renew(answer, name, now),
        }
    }

    /// Makes the client of a profile that is in state `Making`. It takes a while: certificates are read.
    pub(super) fn make(self: &Arc<Self>, number: u32) -> Result<Arc<Client>, KafkaError> {
        let config = self.intake().profiles.get(number as usize).map(|it| it.config);
        let config = config.ok_or_else(KafkaError::closed)?;
        let events = rdkafka::bindings::RD_KAFKA_EVENT_DR;
        let (notices, settings) = (self.notices.clone(), self.config.settings(config));
        let made = Client::new(Kind::Producer, &self.config.client, &settings, events, notices);
        let ready = made.and_then(|client| self.ready(client, number));
        let mut intake = self.intake();
        let intake = &mut *intake;
        match (ready, intake.profiles.get_mut(number as usize)) {
            (Ok(ready), Some(profile)) => {
                let client = ready.client.clone();
                ready.poller.backlogged.store(true, Relaxed);
                ready.poller.queue.interrupt();
                profile.native = Native::Ready(ready);
                Ok(client)
            }
            // It was closed meanwhile. This is a thread that may wait.
            (Ok(ready), None) => {
                let mut profile = Profile::new(config);
                profile.native = Native::Ready(ready);
                profile.end();
                Err(KafkaError::closed())
            }
            (Err(error), _) => {
                intake.fail_profile(number, &error);
                Err(error)
            }
        }
    }

    fn ready(self: &Arc<Self>, client: Arc<Client>, number: u32) -> Result<Ready, KafkaError> {
        let poller = Arc::new(Poller {
            queue: Queue::of_events(client.handle(), Kind::Producer),
            stop: AtomicBool::new(false),
            backlogged: AtomicBool::new(false),
        });
        let (shared, theirs, taker) = (self.clone(), poller.clone(), client.clone());
        let thread = thread::Builder::new()
            .name("messaging-kafka".to_owned())
            .spawn(move || shared.poll(&theirs, &taker, number))
            .map_err(|error| KafkaError::no_thread(error.to_string()))?;
        Ok(Ready { client, poller, thread })
    }

    fn doubt_topics(self: &Arc<Self>) {
        let mut intake = self.intake();
        if intake.doubt_topics() {
            self.work(intake);
        }
    }

    /// Waits for what is being sent, as long as that, and while there is a broker that it may go to.
    pub(super) fn finish_sends(&self, patience: Duration) {
        let start = Instant::now();
        let (end, mut seen) = (start + patience, start);
        loop {
            let now = Instant::now();
            if self.ledger.wait_until_empty(end.min(now + LOOK)) {
                return;
            }
            if self.stats().connections > 0 {
                seen = now;
            }
            if now >= end || now.saturating_duration_since(seen) >= AWAY {
                return;
            }
        }
    }

    pub(super) fn stats(&self) -> ClientStats {
        let intake = self.intake();
        let ready = intake.profiles.iter().filter_map(|it| match &it.native {
            Native::Ready(ready) => Some(ready.client.stats()),
            _ => None,
        });
        ready.sum()
    }

    /// Gives up on what is left, and ends all clients, which waits for their threads.
    pub(super) fn end(&self) {
        self.ledger.fail_all(&KafkaError::closed());
        let (profiles, mut topics) = self.intake().clear();
        self.changed.notify_all();
        for (_, topic) in topics.iter_mut() {
            if let State::Asking(asking) = &mut topic.state {
                for done in asking.callers.drain(..) {
                    done(Err(KafkaError::closed()));
                }
            }
        }
        for profile in profiles {
            profile.end();
        }
    }

    fn poll(self: &Arc<Self>, poller: &Poller, client: &Client, number: u32) {
        while !poller.stop.load(Relaxed) {
            let mut next = poller.queue.poll(PATIENCE);
            // All that is there at once, so that JavaScript is woken once for it.
            while let Some(event) = next {
                if let Some(mut deliveries) = client.handle_event(event) {
                    let mut unknown = false;
                    let mut next = || {
                        let mut delivery = deliveries.next_delivery()?;
                        if let Some(error) = &mut delivery.error {
                            unknown |= is_unknown(error);
                            if error.name == "_MSG_TIMED_OUT" {
                                error.reason = client.outage().map(Box::new);
                            }
                        }
                        Some(delivery)
                    };
                    while self.ledger.settle(AT_ONCE, &mut next) {}
                    if unknown {
                        self.doubt_topics();
                    }
                }
                next = poller.queue.poll(Duration::ZERO);
            }
            self.ledger.wake();
            let mut room = poller.backlogged.load(Relaxed);
            while room {
                // Between two, JavaScript may have the lock.
                room = self.intake().drain(number);
            }
        }
    }
}

fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}

/// No such topic or partition, as far as a broker or the client knows.
fn is_unknown(error: &KafkaError) -> bool {
    matches!(error.name.as_str(), "UNKNOWN_TOPIC_OR_PART" | "_UNKNOWN_TOPIC" | "_UNKNOWN_PARTITION")
}

/// The client to ask with, and those others that know the topic.
fn handles(profiles: &[Profile], topic: u32) -> Vec<Arc<Handle>> {
    let mut ready = profiles.iter().filter_map(|it| match &it.native {
        Native::Ready(ready) => Some((it, ready.client.handle().clone())),
        _ => None,
    });
    let first = ready.next().map(|(_, handle)| handle);
    let others = ready.filter(|(it, _)| it.uses(topic)).map(|(_, handle)| handle);
    first.into_iter().chain(others).collect()
}
