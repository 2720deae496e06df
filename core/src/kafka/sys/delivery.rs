//! What became of messages.

use rdkafka::bindings::{
    rd_kafka_event_message_next, rd_kafka_message_produce_errstr, rd_kafka_message_timestamp,
    rd_kafka_resp_err_t, rd_kafka_timestamp_type_t,
};

use super::Event;
use super::text::{error_of, owned, text_of};
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
            // Not `rd_kafka_message_errstr`, which takes the message's own content for a text.
            // SAFETY: a live message; the text lives as long. Null where the broker gave none.
            let text = unsafe { owned(rd_kafka_message_produce_errstr(raw)) };
            error_of(message.err, if text.is_empty() { text_of(message.err) } else { text })
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
