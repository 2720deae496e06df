//! What crosses from JavaScript: a table of rows with four numbers each, and the bytes they speak of.
//! `lib/kafka/producer/rows.ts` writes the same.
//!
//! | row | 0 | 1 | 2 | 3 |
//! |---|---|---|---|---|
//! | `SEND` | -2 | number of the send | profile | 0 |
//! | `TOPIC` | -3 | topic | 0 | 0 |
//! | `EXTRAS` | -4 | length of the headers | timestamp, low half | timestamp, high half |
//! | `END` | -5 | 0 | 0 | 0 |
//! | message | start of its bytes | length of the key | length of the value | partition |
//!
//! A send is its `SEND`, its topics with their messages, and its `END`; it may go on in the next
//! table. `EXTRAS` belong to the message that follows. A length is -1 for null, a partition -1 for one
//! to be chosen, a timestamp 0 for now. A message's bytes are its key, its value and its headers,
//! behind one another. A header is the length of its name, the name, the length of its value (-1 for
//! null), and the value; lengths have 32 bits, the lowest byte first.

use crate::kafka::sys::{Extras, Plain};

const SEND: i32 = -2;
const TOPIC: i32 = -3;
const EXTRAS: i32 = -4;
const END: i32 = -5;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Row<'a> {
    Send { id: u32, profile: u32 },
    Topic { topic: u32 },
    Message(Message<'a>),
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub(super) key: Option<&'a [u8]>,
    pub(super) value: Option<&'a [u8]>,
    /// -1 for one to be chosen.
    pub(super) partition: i32,
    /// `Extras` as they have crossed, if it has any.
    pub(super) extras: Option<Packed<'a>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Packed<'a> {
    pub(super) headers: &'a [u8],
    pub(super) timestamp: i64,
}

/// The table and the bytes do not go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

#[derive(Debug)]
pub(super) struct Rows<'a> {
    table: std::slice::ChunksExact<'a, i32>,
    data: &'a [u8],
}

impl<'a> Rows<'a> {
    pub(super) fn new(table: &'a [i32], data: &'a [u8]) -> Self {
        Self { table: table.chunks_exact(4), data }
    }

    fn row(&self, row: [i32; 4]) -> Result<Row<'a>, Malformed> {
        let [first, a, b, _] = row;
        match first {
            SEND => Ok(Row::Send { id: a.cast_unsigned(), profile: number(b)? }),
            TOPIC => Ok(Row::Topic { topic: number(a)? }),
            END => Ok(Row::End),
            _ => self.message(row, None).map(Row::Message),
        }
    }

    fn message(
        &self,
        [start, key, value, partition]: [i32; 4],
        extras: Option<(u32, i64)>,
    ) -> Result<Message<'a>, Malformed> {
        let rest = self.data.get(number(start)? as usize..).ok_or(Malformed)?;
        let (key, rest) = part(rest, key)?;
        let (value, rest) = part(rest, value)?;
        let extras = match extras {
            None => None,
            Some((length, timestamp)) => {
                let headers = rest.get(..length as usize).ok_or(Malformed)?;
                Some(Packed { headers, timestamp })
            }
        };
        if partition < -1 {
            return Err(Malformed);
        }
        Ok(Message { key, value, partition, extras })
    }
}

impl<'a> Iterator for Rows<'a> {
    type Item = Result<Row<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = four(self.table.next()?);
        if row[0] != EXTRAS {
            return Some(self.row(row));
        }
        let timestamp = i64::from(row[3]) << 32 | i64::from(row[2].cast_unsigned());
        // A table ends with a whole message.
        let message = self
            .table
            .next()
            .ok_or(Malformed)
            .and_then(|next| self.message(four(next), Some((number(row[1])?, timestamp))));
        Some(message.map(Row::Message))
    }
}

fn four(row: &[i32]) -> [i32; 4] {
    // `chunks_exact` gives no other length.
    row.try_into().unwrap_or([END; 4])
}

fn number(value: i32) -> Result<u32, Malformed> {
    u32::try_from(value).map_err(|_| Malformed)
}

/// So many bytes, or null, and what comes behind them.
fn part(bytes: &[u8], length: i32) -> Result<(Option<&[u8]>, &[u8]), Malformed> {
    if length == -1 {
        return Ok((None, bytes));
    }
    let (part, rest) = bytes.split_at_checked(number(length)? as usize).ok_or(Malformed)?;
    Ok((Some(part), rest))
}

impl<'a> Message<'a> {
    pub(super) fn plain(&self, tag: usize) -> Plain<'a> {
        Plain { key: self.key, value: self.value, tag }
    }
}

impl<'a> Packed<'a> {
    pub(super) fn unpacked(&self) -> Result<Extras<'a>, Malformed> {
        let mut headers = Vec::new();
        let mut rest = self.headers;
        while !rest.is_empty() {
            let (name, value);
            (name, rest) = sized(rest)?;
            (value, rest) = sized(rest)?;
            headers.push((name.ok_or(Malformed)?, value));
        }
        Ok(Extras { headers, timestamp: self.timestamp })
    }
}

fn sized(bytes: &[u8]) -> Result<(Option<&[u8]>, &[u8]), Malformed> {
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or(Malformed)?;
    part(rest, i32::from_le_bytes(*length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all<'a>(table: &'a [i32], data: &'a [u8]) -> Vec<Result<Row<'a>, Malformed>> {
        Rows::new(table, data).collect()
    }

    #[test]
    fn a_send_comes_out_as_it_was_put_in() {
        let headers = [&[1, 0, 0, 0][..], b"h", &[255, 255, 255, 255]].concat();
        let data = [&b"keyvalue"[..], &headers].concat();
        let rows = [
            [-2, 7, 1, 0],
            [-3, 2, 0, 0],
            [0, 3, 5, -1],
            [-4, 9, -1, 1],
            [3, -1, 5, 4],
            [3, 0, -1, 0],
            [-5, 0, 0, 0],
        ];
        let rows = all(rows.as_flattened(), &data);
        let plain =
            Message { key: Some(b"key"), value: Some(b"value"), partition: -1, extras: None };
        let packed = Packed { headers: &headers, timestamp: (1 << 32) + 0xffff_ffff };
        let with = Message { key: None, value: Some(b"value"), partition: 4, extras: Some(packed) };
        let empty = Message { key: Some(b""), value: None, partition: 0, extras: None };
        assert_eq!(
            rows,
            [
                Ok(Row::Send { id: 7, profile: 1 }),
                Ok(Row::Topic { topic: 2 }),
                Ok(Row::Message(plain)),
                Ok(Row::Message(with)),
                Ok(Row::Message(empty)),
                Ok(Row::End),
            ]
        );
        assert_eq!(packed.unpacked().unwrap().headers, [(&b"h"[..], None)]);
    }

    #[test]
    fn what_points_outside_the_bytes_is_malformed() {
        for row in [
            [4, 0, 0, 0],
            [0, 2, 2, 0],
            [0, -2, 1, 0],
            [0, 1, i32::MAX, 0],
            [0, 1, 1, -2],
            [-9, 0, 0, 0],
            [-3, -1, 0, 0],
        ] {
            assert_eq!(all(&row, b"abc"), [Err(Malformed)], "{row:?}");
        }
        assert_eq!(all(&[-4, 0, 0, 0], b""), [Err(Malformed)]);
        assert_eq!(all([[-4, 4, 0, 0], [0, 1, 1, 0]].as_flattened(), b"abc"), [Err(Malformed)]);
    }

    proptest! {
        #[test]
        fn no_table_panics(
            table in prop::collection::vec(prop_oneof![-6..40i32, any::<i32>()], 0..64),
            data in prop::collection::vec(any::<u8>(), 0..48),
        ) {
            for row in Rows::new(&table, &data) {
                if let Ok(Row::Message(message)) = row {
                    let bytes = message.key.map_or(0, <[u8]>::len) + message.value.map_or(0, <[u8]>::len);
                    prop_assert!(bytes <= data.len());
                    let _ = message.extras.map(|it| it.unpacked());
                }
            }
        }
    }
}
