//! What a producer knows of its topics: how many partitions each has, and which of them have a leader.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::partitioner::Turn;
use super::waiting::Waiting;
use crate::kafka::client::Done;
use crate::kafka::error::KafkaError;
use crate::kafka::sys::{ClusterInfo, PartitionInfo};

/// Waits between questions for a topic that is not there yet. They double.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

const UNKNOWN_TOPIC_OR_PART: i32 = 3;

/// How long what is known counts as new, when something speaks against it.
const NEW: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Topic {
    pub(super) name: String,
    pub(super) turn: Turn,
    pub(super) state: State,
}

#[derive(Debug)]
pub(super) enum State {
    /// Nobody has asked yet, or in vain.
    Unknown,
    Asking(Asking),
    Known(Known),
}

/// A topic that is asked for, and what waits for the answer.
pub(super) struct Asking {
    since: Instant,
    /// When the cluster first said that it has no such topic; none after another answer.
    missing: Option<Instant>,
    attempts: u32,
    /// What the last answer was, which did not tell yet.
    last: Option<KafkaError>,
    /// When to ask next; none while a question is under way.
    pub(super) due: Option<Instant>,
    /// With their profiles.
    pub(super) messages: VecDeque<(u32, Waiting)>,
    pub(super) callers: Vec<Done<Vec<PartitionInfo>>>,
}

#[derive(Debug)]
pub(super) struct Known {
    pub(super) partitions: Vec<PartitionInfo>,
    /// Those with a leader.
    pub(super) available: Vec<i32>,
    at: Instant,
    /// It is to be asked for again.
    pub(super) refresh: Refresh,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refresh {
    No,
    Wanted,
    Running,
}

/// How long a topic is asked for again.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Patience {
    /// At all; none for without end.
    pub(super) budget: Option<Duration>,
    /// After the cluster has said that it has no such topic; none for no other end.
    pub(super) missing: Option<Duration>,
}

/// What an answer means for those who wait.
pub(super) enum Verdict {
    Known(Known),
    Failed(KafkaError),
    Again,
}

impl Asking {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            since: now,
            missing: None,
            attempts: 0,
            last: None,
            due: Some(now),
            messages: VecDeque::new(),
            callers: Vec::new(),
        }
    }

    /// Asks again for what may still come, as long as `patience` says.
    pub(super) fn judge(
        &mut self,
        answer: Result<ClusterInfo, KafkaError>,
        name: &str,
        patience: Patience,
        now: Instant,
    ) -> Verdict {
        let error = match answer.and_then(|info| partitions_of(info, name)) {
            Ok(partitions) => return Verdict::Known(Known::new(partitions, now)),
            Err(error) => error,
        };
        self.missing = (error.code == UNKNOWN_TOPIC_OR_PART).then(|| self.missing.unwrap_or(now));
        let missing_end = self.missing.zip(patience.missing).map(|(since, time)| since + time);
        let end = missing_end.into_iter().chain(self.deadline(patience.budget)).min();
        if !may_come(&error) || end.is_some_and(|end| end <= now) {
            return Verdict::Failed(error);
        }
        let wait = FIRST_WAIT.saturating_mul(1 << self.attempts.min(8)).min(LONGEST_WAIT);
        self.attempts += 1;
        self.last = Some(error);
        // The last question comes when the time is over.
        self.due = missing_end.into_iter().chain([now + wait]).min();
        Verdict::Again
    }

    /// When those who wait are told that there is no answer.
    pub(super) fn deadline(&self, budget: Option<Duration>) -> Option<Instant> {
        budget.map(|budget| self.since + budget)
    }

    /// What they are told then.
    pub(super) fn too_late(&mut self) -> KafkaError {
        let never = || KafkaError::timed_out("no broker was asked in time");
        self.last.take().unwrap_or_else(never)
    }
}

impl Known {
    fn new(mut partitions: Vec<PartitionInfo>, at: Instant) -> Self {
        partitions.sort_unstable_by_key(|it| it.partition_id);
        let led = partitions.iter().filter(|it| it.leader >= 0);
        Self {
            available: led.map(|it| it.partition_id).collect(),
            partitions,
            at,
            refresh: Refresh::No,
        }
    }

    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.partitions.len()).unwrap_or(u32::MAX)
    }

    /// Whether it is to be asked for again, which then is noted.
    pub(super) fn grew_old(&mut self, age: Duration, now: Instant) -> bool {
        let old = self.refresh == Refresh::No && now.saturating_duration_since(self.at) >= age;
        if old {
            self.refresh = Refresh::Wanted;
        }
        old
    }

    /// Takes the answer to another question. Without one it stays as it is, until it is old again.
    pub(super) fn renew(
        &mut self,
        answer: Result<ClusterInfo, KafkaError>,
        name: &str,
        now: Instant,
    ) {
        match answer.and_then(|info| partitions_of(info, name)) {
            Ok(partitions) => *self = Self::new(partitions, now),
            Err(_) => (self.at, self.refresh) = (now, Refresh::No),
        }
    }

    /// Something speaks against it: a broker that does not lead, or a partition that is not there.
    pub(super) fn doubt(&mut self, now: Instant) -> bool {
        self.grew_old(NEW, now)
    }
}

fn partitions_of(info: ClusterInfo, name: &str) -> Result<Vec<PartitionInfo>, KafkaError> {
    let missing = || {
        KafkaError::new(
            UNKNOWN_TOPIC_OR_PART,
            "UNKNOWN_TOPIC_OR_PART",
            "the broker does not have this topic",
        )
    };
    let topic = info.topics.into_iter().find(|it| it.name == name).ok_or_else(missing)?;
    if let Some(error) = topic.error {
        return Err(error);
    }
    if topic.partitions.is_empty() { Err(missing()) } else { Ok(topic.partitions) }
}

/// Whether a topic may be there, or tell of itself, a little later.
fn may_come(error: &KafkaError) -> bool {
    const LEADER_NOT_AVAILABLE: i32 = 5;
    const NETWORK: [&str; 4] = ["_TRANSPORT", "_TIMED_OUT", "_ALL_BROKERS_DOWN", "_RESOLVE"];
    matches!(error.code, UNKNOWN_TOPIC_OR_PART | LEADER_NOT_AVAILABLE)
        || NETWORK.contains(&error.name.as_str())
}

/// Every topic that was named, by number.
#[derive(Debug, Default)]
pub(super) struct Topics {
    all: Vec<Topic>,
    numbers: HashMap<String, u32>,
}

impl Topics {
    pub(super) fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        self.all.push(Topic {
            name: name.to_owned(),
            turn: Turn::anywhere(),
            state: State::Unknown,
        });
        self.numbers.insert(name.to_owned(), number);
        number
    }

    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut Topic> {
        self.all.get_mut(number as usize)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (u32, &mut Topic)> {
        (0..).zip(self.all.iter_mut())
    }
}

impl std::fmt::Debug for Asking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asking").field("due", &self.due).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::sys::TopicInfo;

    fn answer(error: Option<KafkaError>, leaders: &[i32]) -> Result<ClusterInfo, KafkaError> {
        let partitions = (0..).zip(leaders).map(|(partition_id, leader)| PartitionInfo {
            partition_error_code: 0,
            partition_id,
            leader: *leader,
            replicas: vec![],
            isr: vec![],
            offline_replicas: vec![],
        });
        let topic = TopicInfo { name: "t".to_owned(), error, partitions: partitions.collect() };
        Ok(ClusterInfo { cluster_id: None, controller: None, brokers: vec![], topics: vec![topic] })
    }

    fn unknown() -> KafkaError {
        KafkaError::new(3, "UNKNOWN_TOPIC_OR_PART", "")
    }

    #[test]
    fn a_topic_is_known_with_its_partitions_and_of_them_those_that_have_a_leader() {
        let now = Instant::now();
        let Verdict::Known(known) =
            Asking::new(now).judge(answer(None, &[1, -1, 2]), "t", Patience::default(), now)
        else {
            panic!("not known");
        };
        assert_eq!((known.count(), known.available), (3, vec![0, 2]));
    }

    #[test]
    fn one_that_may_still_come_is_asked_for_until_the_time_is_over() {
        let now = Instant::now();
        let patience = Patience { budget: Some(Duration::from_millis(500)), missing: None };
        for given in
            [answer(Some(unknown()), &[]), answer(None, &[]), Err(KafkaError::timed_out(""))]
        {
            let mut asking = Asking::new(now);
            assert!(matches!(asking.judge(given.clone(), "t", patience, now), Verdict::Again));
            assert_eq!(asking.due, Some(now + FIRST_WAIT));
            assert!(matches!(asking.judge(given.clone(), "t", patience, now), Verdict::Again));
            assert_eq!(asking.due, Some(now + 2 * FIRST_WAIT));
            let late = now + Duration::from_secs(1);
            assert!(matches!(asking.judge(given.clone(), "t", patience, late), Verdict::Failed(_)));
            assert!(matches!(asking.judge(given, "t", Patience::default(), late), Verdict::Again));
        }
    }

    #[test]
    fn one_that_must_not_be_made_is_given_up_when_the_cluster_had_none_for_long_enough() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let patience = Patience { missing: Some(Duration::from_millis(80)), budget: None };
        let mut asking = Asking::new(start);
        let mut judge =
            |given, ms| matches!(asking.judge(given, "t", patience, at(ms)), Verdict::Again);
        // What tells nothing of the topic does not count.
        assert!(judge(Err(KafkaError::timed_out("")), 1_000));
        assert!(judge(answer(Some(unknown()), &[]), 2_000));
        assert!(judge(answer(Some(unknown()), &[]), 2_050));
        assert_eq!(asking.due, Some(at(2_080)));
        let given = answer(Some(unknown()), &[]);
        assert!(matches!(asking.judge(given, "t", patience, at(2_080)), Verdict::Failed(_)));
    }

    #[test]
    fn one_that_is_forbidden_fails_at_once() {
        let forbidden = KafkaError::new(29, "TOPIC_AUTHORIZATION_FAILED", "");
        let now = Instant::now();
        let given = answer(Some(forbidden.clone()), &[]);
        let Verdict::Failed(error) = Asking::new(now).judge(given, "t", Patience::default(), now)
        else {
            panic!("not failed");
        };
        assert_eq!(error, forbidden);
    }

    #[test]
    fn what_is_known_is_asked_for_again_once_when_it_is_old_or_doubted() {
        let now = Instant::now();
        let (later, age) = (now + Duration::from_secs(2), Duration::from_secs(300));
        let mut known = Known::new(vec![], now);
        assert!(!known.grew_old(age, later) && !known.doubt(now));
        assert!(known.doubt(later) && !known.doubt(later));
        let mut known = Known::new(vec![], now);
        assert!(known.grew_old(age, now + age));
    }
}
