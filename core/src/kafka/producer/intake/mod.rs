//! From rows to librdkafka's queues. What cannot go there yet waits here: for a topic's metadata, for
//! its native client, or for room.

mod held;
mod sending;

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::config::{MOST_PROFILES, ProfileConfig};
use super::groups::Groups;
use super::ledger::{Ledger, Slot};
use super::profile::{Native, Profile};
use super::rows::{Malformed, Row, Rows};
use super::topics::{Asking, State, Topics};
use crate::kafka::error::KafkaError;
use crate::kafka::sys::Batch;

pub(super) struct Intake {
    pub(super) topics: Topics,
    pub(super) profiles: Vec<Profile>,
    /// The send whose rows are coming.
    current: Option<Current>,
    spare: Vec<Batch<'static>>,
    /// What all messages cost that wait here.
    waiting: u64,
    most_waiting: u64,
    /// How old metadata may get.
    age: Duration,
    ledger: Arc<Ledger>,
    /// A message had it that something is to be asked for again.
    asked: bool,
    /// A thread makes clients and asks for topics.
    pub(super) working: bool,
    pub(super) closed: bool,
}

#[derive(Debug)]
struct Current {
    /// None for one that was refused.
    slot: Option<Slot>,
    profile: u32,
    topic: u32,
    /// The topic's place in the send, and one more.
    topics: u32,
    messages: u32,
}

impl Current {
    fn tag(&self, slot: Slot) -> usize {
        slot.tag(self.topics.saturating_sub(1))
    }
}

impl Intake {
    pub(super) fn new(most_waiting: u64, age: Duration, ledger: Arc<Ledger>) -> Self {
        Self {
            topics: Topics::default(),
            profiles: Vec::new(),
            current: None,
            spare: Vec::new(),
            waiting: 0,
            most_waiting,
            age,
            ledger,
            asked: false,
            working: false,
            closed: false,
        }
    }

    /// The number of a profile, which is made when a send needs it.
    pub(super) fn profile(&mut self, config: ProfileConfig) -> Result<u32, KafkaError> {
        let known = self.profiles.iter().position(|it| it.config == config);
        if known.is_none() && self.profiles.len() == MOST_PROFILES {
            let problem = format!(
                "a producer sends with {MOST_PROFILES} combinations of acks, timeout and compression at most"
            );
            return Err(KafkaError::invalid(problem));
        }
        let number = known.unwrap_or_else(|| {
            self.profiles.push(Profile::new(config));
            self.profiles.len() - 1
        });
        Ok(u32::try_from(number).unwrap_or(u32::MAX))
    }

    /// Takes a table, and tells whether there is work for the thread.
    pub(super) fn flush(&mut self, table: &[i32], data: &[u8]) -> Result<bool, Malformed> {
        let now = Instant::now();
        let mut groups = Groups::new(std::mem::take(&mut self.spare));
        let mut work = false;
        let outcome = Rows::new(table, data).try_for_each(|row| {
            work |= self.row(row?, &mut groups, now)?;
            Ok(())
        });
        self.produce_all(&mut groups);
        self.spare = groups.into_spare();
        if outcome.is_err() {
            self.abandon();
        }
        let asked = std::mem::take(&mut self.asked);
        outcome.map(|()| work || asked)
    }

    fn row<'a>(
        &mut self,
        row: Row<'a>,
        groups: &mut Groups<'a>,
        now: Instant,
    ) -> Result<bool, Malformed> {
        match row {
            Row::Send { id, profile } => return self.begin(id, profile),
            Row::Topic { topic } => return self.topic(topic, now),
            Row::Message(message) => {
                let current = self.current.as_mut().ok_or(Malformed)?;
                if current.topics == 0 {
                    return Err(Malformed);
                }
                if let Some(slot) = current.slot {
                    current.messages += 1;
                    let (tag, profile, topic) = (current.tag(slot), current.profile, current.topic);
                    self.message(profile, topic, tag, message, groups);
                }
            }
            Row::End => {
                let current = self.current.take().ok_or(Malformed)?;
                if let Some(slot) = current.slot {
                    // Before its messages go, as they may come back before the next row.
                    self.ledger.whole(slot, current.messages);
                }
            }
        }
        Ok(false)
    }

    fn begin(&mut self, id: u32, profile: u32) -> Result<bool, Malformed> {
        if self.current.is_some() {
            return Err(Malformed);
        }
        let native = self.profiles.get_mut(profile as usize).ok_or(Malformed)?;
        let (mut work, mut refused) = (false, None);
        if self.closed {
            refused = Some(KafkaError::closed());
        } else if self.waiting >= self.most_waiting {
            refused = Some(KafkaError::queue_full(self.waiting));
        } else {
            match &native.native {
                // What was wrong may be over, such as too many threads.
                Native::Absent | Native::Failed => {
                    native.native = Native::Wanted;
                    work = true;
                }
                Native::Wanted | Native::Making | Native::Ready(_) => {}
            }
        }
        let slot = match refused {
            Some(error) => {
                self.ledger.refuse(id, error);
                None
            }
            None => Some(self.ledger.open(id)),
        };
        self.current = Some(Current { slot, profile, topic: 0, topics: 0, messages: 0 });
        Ok(work)
    }

    fn topic(&mut self, number: u32, now: Instant) -> Result<bool, Malformed> {
        let current = self.current.as_mut().ok_or(Malformed)?;
        let topic = self.topics.get_mut(number).ok_or(Malformed)?;
        current.topic = number;
        current.topics += 1;
        if current.slot.is_none() {
            return Ok(false);
        }
        Ok(match &mut topic.state {
            State::Unknown => {
                topic.state = State::Asking(Asking::new(now));
                true
            }
            State::Asking(_) => false,
            State::Known(known) => known.grew_old(self.age, now),
        })
    }

    /// Forgets what waits, whose sends were failed already, and gives what is to be ended.
    pub(super) fn clear(&mut self) -> (Vec<Profile>, Topics) {
        self.closed = true;
        self.current = None;
        self.waiting = 0;
        (std::mem::take(&mut self.profiles), std::mem::take(&mut self.topics))
    }

    /// Ends a send whose rows were malformed.
    fn abandon(&mut self) {
        let Some(current) = self.current.take() else { return };
        let Some(slot) = current.slot else { return };
        self.ledger.fail(slot.tag(0), KafkaError::invalid("malformed rows"));
        self.ledger.whole(slot, current.messages + 1);
    }

    pub(super) fn waiting(&self) -> u64 {
        self.waiting
    }
}

impl std::fmt::Debug for Intake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Intake")
            .field("profiles", &self.profiles)
            .field("topics", &self.topics)
            .field("waiting", &self.waiting)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    const LIMIT: u64 = 1_000;

    fn intake() -> (Intake, Arc<Ledger>) {
        let ledger = Arc::new(Ledger::new(|| {}));
        let mut intake = Intake::new(LIMIT, Duration::from_secs(300), ledger.clone());
        intake.profile(ProfileConfig::DEFAULT).unwrap();
        intake.topics.number("orders");
        (intake, ledger)
    }

    /// A send of one message with a value of so many bytes.
    fn send(id: i32, bytes: i32) -> Vec<i32> {
        let rows = [[-2, id, 0, 0], [-3, 0, 0, 0], [0, -1, bytes, -1], [-5, 0, 0, 0]];
        rows.as_flattened().to_vec()
    }

    fn failures(ledger: &Ledger) -> Vec<(f64, String)> {
        let (mut numbers, mut errors) = (vec![0.0; 64], VecDeque::new());
        let count = ledger.take(&mut numbers, &mut errors);
        numbers.truncate(usize::try_from(count).unwrap());
        let failed = numbers.as_chunks::<2>().0.iter();
        failed.zip(errors).map(|([id, _], error)| (*id, error.name)).collect()
    }

    #[test]
    fn messages_of_an_unknown_topic_wait_for_it_and_fail_with_it() {
        let (mut intake, ledger) = intake();
        assert_eq!(intake.flush(&send(1, 5), b"value"), Ok(true));
        // It is asked for once.
        intake.profiles[0].native = Native::Making;
        assert_eq!(intake.flush(&send(2, 5), b"value"), Ok(false));
        assert!(intake.waiting() > 10 && failures(&ledger).is_empty());
        intake.settle_topic(0, Err(KafkaError::timed_out("")));
        assert_eq!(intake.waiting(), 0);
        let all = [(1.0, "_TIMED_OUT".to_owned()), (2.0, "_TIMED_OUT".to_owned())];
        assert_eq!(failures(&ledger), all);
    }

    #[test]
    fn what_is_too_much_to_wait_is_refused_as_a_whole() {
        let (mut intake, ledger) = intake();
        let value = vec![0; 1_000];
        intake.flush(&send(1, 1_000), &value).unwrap();
        let waiting = intake.waiting();
        intake.flush(&send(2, 1_000), &value).unwrap();
        assert_eq!(intake.waiting(), waiting);
        assert_eq!(failures(&ledger), [(2.0, "_QUEUE_FULL".to_owned())]);
        intake.settle_topic(0, Err(KafkaError::timed_out("")));
        intake.flush(&send(3, 1_000), &value).unwrap();
        assert_eq!(intake.waiting(), waiting);
    }

    #[test]
    fn what_waits_for_a_client_fails_with_it_and_the_next_send_tries_again() {
        let (mut intake, ledger) = intake();
        intake.flush(&send(1, 5), b"value").unwrap();
        intake.fail_profile(0, &KafkaError::invalid(""));
        assert!(matches!(intake.profiles[0].native, Native::Failed));
        intake.flush(&send(2, 5), b"value").unwrap();
        assert!(matches!(intake.profiles[0].native, Native::Wanted));
        assert!(failures(&ledger).is_empty());
    }

    #[test]
    fn there_are_so_many_profiles_and_no_more() {
        let (mut intake, _) = intake();
        let with = |timeout| ProfileConfig { timeout, ..ProfileConfig::DEFAULT };
        for timeout in 1..MOST_PROFILES as u32 {
            assert_eq!(intake.profile(with(timeout)), Ok(timeout));
        }
        assert!(intake.profile(with(99)).is_err());
        assert_eq!(intake.profile(with(3)), Ok(3));
    }

    fn any_row() -> impl Strategy<Value = [i32; 4]> {
        prop_oneof![
            3 => (0..9i32).prop_map(|id| [-2, id, 0, 0]),
            3 => Just([-3, 0, 0, 0]),
            6 => (0..5i32, -1..5i32, -1..5i32, -1..3i32).prop_map(|(a, b, c, d)| [a, b, c, d]),
            3 => Just([-5, 0, 0, 0]),
            1 => prop::array::uniform4(-6..12i32),
        ]
    }

    proptest! {
        #[test]
        fn no_table_panics_and_every_send_that_was_begun_ends(
            tables in prop::collection::vec(prop::collection::vec(any_row(), 0..40), 1..6),
        ) {
            let (mut intake, ledger) = intake();
            for table in &tables {
                let _ = intake.flush(table.as_flattened(), b"0123456789");
            }
            // One may be in the middle, and ends with what is no row.
            let _ = intake.flush(&[-9, 0, 0, 0], b"");
            intake.settle_topic(0, Err(KafkaError::timed_out("")));
            prop_assert_eq!(ledger.unfinished(), 0);
            prop_assert_eq!(intake.waiting(), 0);
        }
    }
}
