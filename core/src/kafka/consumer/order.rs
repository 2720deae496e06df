//! What JavaScript orders of a consumer's thread, which carries it out in this order.

use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::kafka::client::Done;
use crate::kafka::error::KafkaError;
use crate::kafka::sys::Position;

/// An order without an answer; JSON with `type` on the other side.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Command {
    /// Goes to another place in the partition, now or when it is assigned. Earlier batches are stale.
    Seek { topic: String, partition: i32, offset: OffsetText, epoch: u32 },
    /// What is paused from now on, and the partitions for which that changes something.
    Pauses { rules: Vec<PauseRule>, changes: Vec<Change> },
    /// What was to be done before the partitions of this assignment go, is done.
    Release { assignment: u32 },
}

/// What is paused of one topic.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PauseRule {
    pub topic: String,
    /// All partitions, except for those of `resumed`.
    pub all: bool,
    pub paused: Vec<i32>,
    pub resumed: Vec<i32>,
}

impl PauseRule {
    pub(super) fn pauses(&self, partition: i32) -> bool {
        (self.all && !self.resumed.contains(&partition)) || self.paused.contains(&partition)
    }
}

/// A partition that is paused or resumed.
#[derive(Debug, Clone, Deserialize)]
pub struct Change {
    pub topic: String,
    pub partition: i32,
    pub epoch: u32,
    /// Where to go on. None: where the first batch of the assignment began.
    pub offset: Option<OffsetText>,
}

/// A topic, and where it begins for a group without an offset.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    pub topic: String,
    pub from_beginning: bool,
}

/// A place in a partition.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Place {
    pub topic: String,
    pub partition: i32,
    pub offset: OffsetText,
    #[serde(default)]
    pub metadata: Option<String>,
}

impl Place {
    pub(super) fn position(&self) -> Position {
        let position = Position::new(self.topic.clone(), self.partition, self.offset.0);
        Position { metadata: self.metadata.clone(), ..position }
    }

    pub(super) fn of(position: Position) -> Result<Self, KafkaError> {
        let Position { topic, partition, offset, metadata, error } = position;
        error.map_or(Ok(Self { topic, partition, offset: OffsetText(offset), metadata }), Err)
    }
}

/// An offset, which is text in JSON, as kafkajs has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OffsetText(pub i64);

impl<'de> Deserialize<'de> for OffsetText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

impl Serialize for OffsetText {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

pub(super) enum Order {
    Subscribe(Vec<String>, Done<()>),
    /// Refused unless this assignment still holds.
    Commit {
        assignment: u32,
        offsets: Vec<Position>,
        done: Done<()>,
    },
    Command(Command),
    Close(Done<()>),
}

impl Order {
    /// The thread has ended. What is closed already is closed.
    pub(super) fn refuse(self) {
        match self {
            Self::Subscribe(_, done) | Self::Commit { done, .. } => done(Err(KafkaError::closed())),
            Self::Close(done) => done(Ok(())),
            Self::Command(_) => {}
        }
    }
}

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order").finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
pub(super) struct Orders(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    waiting: Vec<Order>,
    ended: bool,
}

impl Orders {
    /// Gives the order back if nobody will carry it out.
    pub(super) fn push(&self, order: Order) -> Option<Order> {
        let mut state = self.state();
        if state.ended {
            return Some(order);
        }
        state.waiting.push(order);
        None
    }

    pub(super) fn take(&self) -> Vec<Order> {
        std::mem::take(&mut self.state().waiting)
    }

    /// No more. Gives those that nobody has carried out.
    pub(super) fn end(&self) -> Vec<Order> {
        let mut state = self.state();
        state.ended = true;
        std::mem::take(&mut state.waiting)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_topic_is_paused_except_for_what_was_resumed() {
        let rule = PauseRule { all: true, resumed: vec![1], paused: vec![], topic: "t".to_owned() };
        assert!(rule.pauses(0) && !rule.pauses(1));
        let some = PauseRule { all: false, paused: vec![1], ..rule };
        assert!(some.pauses(1) && !some.pauses(0));
    }

    #[test]
    fn commands_are_read_as_javascript_writes_them() {
        let seek = r#"{"type":"seek","topic":"t","partition":2,"offset":"-2","epoch":3}"#;
        let command: Command = serde_json::from_str(seek).unwrap();
        assert!(matches!(command, Command::Seek { offset: OffsetText(-2), epoch: 3, .. }));
        let pauses = r#"{"type":"pauses","rules":[{"topic":"t","all":false,"paused":[1],"resumed":[]}],
            "changes":[{"topic":"t","partition":1,"epoch":1,"offset":null}]}"#;
        let command: Command = serde_json::from_str(pauses).unwrap();
        assert!(matches!(command, Command::Pauses { changes, .. } if changes[0].offset.is_none()));
    }
}
