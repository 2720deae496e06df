//! A failure as librdkafka or a broker has it. `lib/kafka/native-errors.ts` makes kafkajs's of it.

use serde::Serialize;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
#[error("{name}: {message}")]
pub struct KafkaError {
    /// The protocol's number, or librdkafka's own, which is negative.
    pub code: i32,
    /// The symbol of the code, such as `UNKNOWN_TOPIC_OR_PART` or `_TRANSPORT`.
    pub name: String,
    pub message: String,
    /// The client has ended for good, and must be made anew.
    pub fatal: bool,
    /// What is behind it, where that is another fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Box<Self>>,
}

impl KafkaError {
    pub(crate) fn new(code: i32, name: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code, name: name.into(), message: message.into(), fatal: false, reason: None }
    }

    /// What the host has given cannot be used.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(-186, "_INVALID_ARG", message)
    }

    /// The client was closed.
    pub(crate) fn closed() -> Self {
        Self::new(-197, "_DESTROY", "the client is closed")
    }

    /// The partitions in question are not, or no longer, this member's.
    pub(crate) fn rebalancing() -> Self {
        Self::new(27, "REBALANCE_IN_PROGRESS", "the partitions were given to another member")
    }

    /// Nobody answered in time.
    pub(crate) fn timed_out(message: impl Into<String>) -> Self {
        Self::new(-185, "_TIMED_OUT", message)
    }

    /// Too much waits already.
    pub(crate) fn queue_full(waiting: u64) -> Self {
        Self::new(
            -184,
            "_QUEUE_FULL",
            format!("the producer's queue is full: {waiting} bytes wait"),
        )
    }

    /// The system gives no thread, or too many calls wait already.
    pub(crate) fn no_thread(message: impl Into<String>) -> Self {
        Self::new(-194, "_CRIT_SYS_RESOURCE", message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::sys::{code_of, name_of};
    use rdkafka::bindings::rd_kafka_resp_err_t::{
        RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE as CRIT_SYS_RESOURCE,
        RD_KAFKA_RESP_ERR__DESTROY as DESTROY, RD_KAFKA_RESP_ERR__INVALID_ARG as INVALID_ARG,
        RD_KAFKA_RESP_ERR__QUEUE_FULL as QUEUE_FULL, RD_KAFKA_RESP_ERR__TIMED_OUT as TIMED_OUT,
        RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS as REBALANCE_IN_PROGRESS,
    };

    #[test]
    fn codes_and_names_are_those_of_librdkafka() {
        let errors = [
            (KafkaError::invalid(""), INVALID_ARG),
            (KafkaError::closed(), DESTROY),
            (KafkaError::rebalancing(), REBALANCE_IN_PROGRESS),
            (KafkaError::timed_out(""), TIMED_OUT),
            (KafkaError::queue_full(1), QUEUE_FULL),
            (KafkaError::no_thread(""), CRIT_SYS_RESOURCE),
        ];
        for (error, code) in errors {
            assert_eq!((error.code, error.name), (code_of(code), name_of(code)));
        }
    }
}
