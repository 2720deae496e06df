//! What becomes of messages that wait: for room, for a topic's metadata, or for their client.

use std::time::Instant;

use super::super::groups::Groups;
use super::super::profile::{Native, Profile};
use super::super::topics::{Known, State};
use super::super::waiting::Waiting;
use super::Intake;
use crate::kafka::error::KafkaError;

/// Messages that one drain takes, under a lock that JavaScript may wait for.
const AT_ONCE: usize = 512;

impl Intake {
    /// Lets go some of what waits for room, and tells whether there may be more to let go now.
    pub(in crate::kafka::producer) fn drain(&mut self, profile: u32) -> bool {
        let Some(of) = self.profiles.get_mut(profile as usize) else { return false };
        let Some(some) = of.start_drain(AT_ONCE) else { return false };
        self.waiting = self.waiting.saturating_sub(some.iter().map(Waiting::cost).sum());
        let mut groups = Groups::new(std::mem::take(&mut self.spare));
        for waiting in &some {
            self.message(profile, waiting.topic, waiting.tag, waiting.message(), &mut groups);
        }
        self.produce_all(&mut groups);
        self.spare = groups.into_spare();
        let drained = self.profiles.get_mut(profile as usize).is_some_and(Profile::end_drain);
        self.ledger.wake();
        drained
    }

    /// A broker or the client does not know what was sent to: perhaps a topic was made anew. Tells
    /// whether there is something to ask.
    pub(in crate::kafka::producer) fn doubt_topics(&mut self) -> bool {
        let now = Instant::now();
        self.topics.iter_mut().fold(false, |work, (_, topic)| match &mut topic.state {
            State::Known(known) => known.doubt(now) || work,
            State::Unknown | State::Asking(_) => work,
        })
    }

    /// Lets what waited for a topic go on, or fail.
    pub(in crate::kafka::producer) fn settle_topic(
        &mut self,
        number: u32,
        outcome: Result<Known, KafkaError>,
    ) {
        let Some(topic) = self.topics.get_mut(number) else { return };
        let State::Asking(asking) = std::mem::replace(&mut topic.state, State::Unknown) else {
            return;
        };
        match outcome {
            Ok(known) => {
                for done in asking.callers {
                    done(Ok(known.partitions.clone()));
                }
                topic.state = State::Known(known);
                for (profile, waiting) in asking.messages {
                    if let Some(of) = self.profiles.get_mut(profile as usize) {
                        // Its cost is counted already.
                        of.hold(waiting);
                        of.interrupt();
                    }
                }
            }
            Err(error) => {
                for done in asking.callers {
                    done(Err(error.clone()));
                }
                for (_, waiting) in asking.messages {
                    self.waiting = self.waiting.saturating_sub(waiting.cost());
                    self.ledger.fail(waiting.tag, error.clone());
                }
                self.ledger.wake();
            }
        }
    }

    /// Fails what waits for a profile that could not be made.
    pub(in crate::kafka::producer) fn fail_profile(&mut self, profile: u32, error: &KafkaError) {
        let Some(of) = self.profiles.get_mut(profile as usize) else { return };
        of.native = Native::Failed;
        for waiting in of.give_up() {
            self.waiting = self.waiting.saturating_sub(waiting.cost());
            self.ledger.fail(waiting.tag, error.clone());
        }
        self.ledger.wake();
    }
}
