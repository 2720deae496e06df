//! Messages that cannot be given to librdkafka yet, as copies.

use super::rows::{Message, Packed};

/// What a message costs beside its bytes.
const OVERHEAD: usize = 96;

#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) topic: u32,
    /// -1 for one to be chosen.
    pub(super) partition: i32,
    pub(super) tag: usize,
    /// Key, value and headers.
    bytes: Box<[u8]>,
    key: Option<u32>,
    value: Option<u32>,
    timestamp: Option<i64>,
}

impl Waiting {
    pub(super) fn new(topic: u32, partition: i32, tag: usize, message: &Message<'_>) -> Self {
        let headers = message.extras.map(|it| it.headers);
        let parts = [message.key, message.value, headers];
        let bytes = parts.into_iter().flatten().collect::<Vec<_>>().concat().into_boxed_slice();
        // Lengths were numbers of 31 bits when they crossed.
        let length = |it: Option<&[u8]>| it.map(|it| it.len() as u32);
        Self {
            topic,
            partition,
            tag,
            bytes,
            key: length(message.key),
            value: length(message.value),
            timestamp: message.extras.map(|it| it.timestamp),
        }
    }

    pub(super) fn message(&self) -> Message<'_> {
        let (key, rest) = self.bytes.split_at(self.key.unwrap_or(0) as usize);
        let (value, headers) = rest.split_at(self.value.unwrap_or(0) as usize);
        Message {
            key: self.key.map(|_| key),
            value: self.value.map(|_| value),
            partition: self.partition,
            extras: self.timestamp.map(|timestamp| Packed { headers, timestamp }),
        }
    }

    pub(super) fn cost(&self) -> u64 {
        (self.bytes.len() + OVERHEAD) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_waited_is_what_it_was() {
        let extras = Some(Packed { headers: b"\x01\0\0\0h\0\0\0\0", timestamp: 5 });
        for message in [
            Message { key: Some(b"k"), value: Some(b"value"), partition: 3, extras },
            Message { key: None, value: Some(b""), partition: -1, extras: None },
            Message { key: Some(b""), value: None, partition: 0, extras },
        ] {
            let waiting = Waiting::new(1, message.partition, 2, &message);
            assert_eq!(waiting.message(), message);
            assert!(waiting.cost() > OVERHEAD as u64 - 1);
        }
    }
}
