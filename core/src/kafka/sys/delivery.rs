//! What became of messages.

use rdkafka::bindings::{
    rd_kafka_event_message_next, rd_kafka_message_errstr, rd_kafka_message_timestamp,
    rd_kafka_resp_err_t, rd_kafka_timestamp_type_t,
};

use super::Event;
use super::text::{error_of, owned};
use crate::kafka::error::KafkaError;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// What the message was given.
    pub(crate) tag: usize,
    pub(crate) partition: i32,
    /// Negative where the broker did not tell.
    pub(crate) offset: i64,
    /// When the broker appended it, for topics stamped by brokers; else -1.
    pub(crate) appended: i64,
    pub(crate) error: Option<KafkaError>,
}

impl Event {
    /// The next of this event's deliveries. Each is given once.
    pub(crate) fn next_delivery(&mut self) -> Option<Delivery> {
        // SAFETY: a live event.
        let raw = unsafe { rd_kafka_event_message_next(self.raw()) };
        // SAFETY: null, or a message that lives as long as the event.
        let message = unsafe { raw.as_ref() }?;
        let mut kind = rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: a live message, and a place to write to.
        let time = unsafe { rd_kafka_message_timestamp(raw, &raw mut kind) };
        let by_broker = kind == rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME;
        let failed = message.err != rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;
        let error = failed.then(|| {
            // SAFETY: a live message; the text lives as long.
            error_of(message.err, unsafe { owned(rd_kafka_message_errstr(raw)) })
        });
        Some(Delivery {
            tag: message._private.addr(),
            partition: message.partition,
            offset: message.offset,
            appended: if by_broker { time } else { -1 },
            error,
        })
    }
}
