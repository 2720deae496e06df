//! A batch as it crosses to JavaScript: one piece of memory, which `lib/kafka/consumer/batch.ts`
//! reads by the same layout. Numbers are little-endian.
//!
//! | part | what |
//! |---|---|
//! | data | of each message its key, its value and its headers, one behind the other |
//! | padding | zeros, up to a multiple of 8 |
//! | runs | `RUN` bytes each: messages of one partition, in order |
//! | rows | `ROW` bytes each: the messages, in the order of the runs |
//! | tail | the number of runs and of rows, an i32 each |
//!
//! A run: first offset, first timestamp, the offset behind the run, the partition's high watermark (f64 each;
//! -1 where it is not known), topic, partition, assignment, epoch, first row, number of rows (i32 each).
//! A row: start in data, length of key, value and headers, offset and timestamp less the run's (i32 each). A
//! length of -1 is null. A header: the length of its name, its name, the length of its value (-1 for null),
//! its value.

use std::sync::Arc;

use super::pool::{Memory, Pool};

const RUN: usize = 4 * 8 + 6 * 4;
const ROW: usize = 6 * 4;

/// Messages of one batch at most.
pub(crate) const MOST_MESSAGES: usize = 1_000;
/// Bytes of data from which on a batch is full. One message more may be larger.
pub(crate) const MOST_BYTES: usize = 1 << 20;

/// Which messages are in one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// The topic's place in the consumer's table of names.
    pub(crate) topic: u32,
    pub(crate) partition: i32,
    /// Which of the consumer's successive assignments.
    pub(crate) assignment: u32,
    /// JavaScript's count of what has made earlier batches of this partition stale.
    pub(crate) epoch: u32,
}

/// One message.
#[derive(Debug)]
pub(crate) struct Record<'a, H> {
    pub(crate) offset: i64,
    pub(crate) timestamp: i64,
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) value: Option<&'a [u8]>,
    pub(crate) headers: H,
}

#[derive(Debug)]
struct Run {
    stamp: Stamp,
    offset: i64,
    timestamp: i64,
    next: i64,
    high: i64,
    first: usize,
    count: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Packer {
    pool: Arc<Pool>,
    /// None before the first message.
    memory: Option<Memory>,
    /// Bytes of messages there.
    filled: usize,
    rows: Vec<u8>,
    runs: Vec<Run>,
    messages: usize,
    /// What the last batch took, for the next one not to grow step by step.
    size: usize,
}

impl Packer {
    pub(crate) fn new(pool: Arc<Pool>) -> Self {
        Self { pool, ..Self::default() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Messages that still fit.
    pub(crate) fn room(&self) -> usize {
        if self.filled >= MOST_BYTES {
            return 0;
        }
        MOST_MESSAGES.saturating_sub(self.messages)
    }

    /// Adds a message. Offsets rise within a partition.
    pub(crate) fn push<'a>(
        &mut self,
        stamp: Stamp,
        record: Record<'a, impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>>,
    ) {
        let fits = self.runs.last().is_some_and(|run| run.takes(stamp, &record));
        if !fits {
            self.begin(stamp, record.offset, record.timestamp);
        }
        let Some(run) = self.runs.last_mut() else { return };
        run.count += 1;
        run.next = record.offset + 1;
        let offset = i32::try_from(record.offset - run.offset).unwrap_or(0);
        let timestamp = i32::try_from(record.timestamp - run.timestamp).unwrap_or(0);
        let memory = self.memory.get_or_insert_with(|| self.pool.take(self.size));
        let data = memory.bytes();
        let start = length(data.len());
        let key = put(data, record.key);
        let value = put(data, record.value);
        let before = data.len();
        for (name, value) in record.headers {
            data.extend_from_slice(&length(name.len()).to_le_bytes());
            data.extend_from_slice(name);
            let size = value.map_or(-1, |it| length(it.len()));
            data.extend_from_slice(&size.to_le_bytes());
            put(data, value);
        }
        let headers = length(data.len() - before);
        self.filled = data.len();
        for number in [start, key, value, headers, offset, timestamp] {
            self.rows.extend_from_slice(&number.to_le_bytes());
        }
        self.messages += 1;
    }

    fn begin(&mut self, stamp: Stamp, offset: i64, timestamp: i64) {
        let first = self.messages;
        self.runs.push(Run { stamp, offset, timestamp, next: offset, high: -1, first, count: 0 });
    }

    /// The partition's position is further than the last message, by what nobody sees: control
    /// records. True when there was no run of it, and now is one without messages.
    pub(crate) fn reach(&mut self, stamp: Stamp, position: i64) {
        match self.runs.iter_mut().rev().find(|it| it.stamp == stamp) {
            Some(run) => run.next = run.next.max(position),
            None => self.begin(stamp, position, -1),
        }
    }

    /// The partitions that have a run, the last of theirs.
    pub(crate) fn stamps(&self) -> Vec<Stamp> {
        let mut stamps: Vec<Stamp> = Vec::new();
        for run in &self.runs {
            if !stamps.contains(&run.stamp) {
                stamps.push(run.stamp);
            }
        }
        stamps
    }

    pub(crate) fn high_watermark(&mut self, stamp: Stamp, high: i64) {
        for run in self.runs.iter_mut().filter(|it| it.stamp == stamp) {
            run.high = high;
        }
    }

    /// The batch, after which this is empty.
    pub(crate) fn finish(&mut self) -> Memory {
        let mut memory = self.memory.take().unwrap_or_else(|| self.pool.take(0));
        let batch = memory.bytes();
        batch.resize(batch.len().next_multiple_of(8), 0);
        batch.reserve_exact(self.runs.len() * RUN + self.rows.len() + 8);
        for run in &self.runs {
            run.write(batch);
        }
        batch.extend_from_slice(&self.rows);
        batch.extend_from_slice(&length(self.runs.len()).to_le_bytes());
        batch.extend_from_slice(&length(self.messages).to_le_bytes());
        self.rows.clear();
        self.runs.clear();
        self.messages = 0;
        self.filled = 0;
        self.size = batch.len() + batch.len() / 8;
        memory
    }
}

impl Run {
    /// Whether the message goes on where this run ends.
    fn takes<H>(&self, stamp: Stamp, record: &Record<'_, H>) -> bool {
        self.stamp == stamp
            && i32::try_from(record.offset - self.offset).is_ok()
            && i32::try_from(record.timestamp - self.timestamp).is_ok()
    }

    #[expect(clippy::cast_precision_loss, reason = "offsets and times are under 2^53")]
    fn write(&self, batch: &mut Vec<u8>) {
        for number in [self.offset, self.timestamp, self.next, self.high] {
            batch.extend_from_slice(&(number as f64).to_le_bytes());
        }
        let Stamp { topic, partition, assignment, epoch } = self.stamp;
        for number in [topic, partition.cast_unsigned(), assignment, epoch] {
            batch.extend_from_slice(&number.to_le_bytes());
        }
        batch.extend_from_slice(&length(self.first).to_le_bytes());
        batch.extend_from_slice(&length(self.count).to_le_bytes());
    }
}

fn put(data: &mut Vec<u8>, bytes: Option<&[u8]>) -> i32 {
    bytes.map_or(-1, |it| {
        data.extend_from_slice(it);
        length(it.len())
    })
}

fn length(size: usize) -> i32 {
    i32::try_from(size).unwrap_or(i32::MAX)
}

const _: () = assert!(ROW == 24 && RUN.is_multiple_of(8));

#[cfg(test)]
mod tests {
    use super::*;

    type Headers = std::vec::IntoIter<(&'static [u8], Option<&'static [u8]>)>;

    const STAMP: Stamp = Stamp { topic: 3, partition: 7, assignment: 2, epoch: 9 };

    fn record(offset: i64, value: &'static str) -> Record<'static, Headers> {
        Record {
            offset,
            timestamp: 1_000 + offset,
            key: None,
            value: Some(value.as_bytes()),
            headers: Vec::new().into_iter(),
        }
    }

    /// A batch, read back by its layout.
    struct Read<'a>(&'a [u8]);

    impl Read<'_> {
        fn int(&self, at: usize) -> i32 {
            i32::from_le_bytes(self.0[at..at + 4].try_into().unwrap())
        }

        fn float(&self, at: usize) -> f64 {
            f64::from_le_bytes(self.0[at..at + 8].try_into().unwrap())
        }

        fn counts(&self) -> (usize, usize) {
            let end = self.0.len();
            (self.int(end - 8).try_into().unwrap(), self.int(end - 4).try_into().unwrap())
        }

        fn run(&self, index: usize) -> ([f64; 4], [i32; 6]) {
            let (runs, rows) = self.counts();
            let at = self.0.len() - 8 - rows * ROW - (runs - index) * RUN;
            let floats = std::array::from_fn(|i| self.float(at + 8 * i));
            (floats, std::array::from_fn(|i| self.int(at + 32 + 4 * i)))
        }

        fn row(&self, index: usize) -> [i32; 6] {
            let (_, rows) = self.counts();
            let at = self.0.len() - 8 - (rows - index) * ROW;
            std::array::from_fn(|i| self.int(at + 4 * i))
        }
    }

    #[test]
    fn a_batch_has_its_messages_in_runs_and_rows() {
        let mut packer = Packer::default();
        packer.push(STAMP, record(10, "a"));
        packer.push(STAMP, record(12, "bcd"));
        let headers: Vec<(&[u8], Option<&[u8]>)> = vec![(b"n", Some(b"xy")), (b"", None)];
        let other = Stamp { partition: -1, ..STAMP };
        let full = Record {
            offset: 5,
            timestamp: 6,
            key: Some(b"key".as_slice()),
            value: None,
            headers: headers.into_iter(),
        };
        packer.push(other, full);
        packer.high_watermark(STAMP, 99);
        let mut batch = packer.finish();
        let batch = batch.as_mut();
        let read = Read(batch);
        assert_eq!(read.counts(), (2, 3));
        assert_eq!(read.run(0), ([10., 1010., 13., 99.], [3, 7, 2, 9, 0, 2]));
        assert_eq!(read.run(1), ([5., 6., 6., -1.], [3, -1, 2, 9, 2, 1]));
        assert_eq!(read.row(0), [0, -1, 1, 0, 0, 0]);
        assert_eq!(read.row(1), [1, -1, 3, 0, 2, 2]);
        assert_eq!(read.row(2), [4, 3, -1, 19, 0, 0]);
        let data = b"abcdkey\x01\0\0\0n\x02\0\0\0xy\0\0\0\0\xff\xff\xff\xff";
        assert_eq!(batch[..data.len()], *data);
        assert_eq!(batch.len() % 8, 0);
        assert!(packer.is_empty());
    }

    #[test]
    fn a_run_ends_where_its_numbers_would_not_fit_or_its_stamp_changes() {
        let mut packer = Packer::default();
        packer.push(STAMP, record(0, ""));
        packer.push(STAMP, record(i64::from(i32::MAX) + 1, ""));
        packer.push(STAMP, Record { timestamp: -1, ..record(i64::from(i32::MAX) + 2, "") });
        packer.push(Stamp { epoch: 10, ..STAMP }, record(3, ""));
        let mut batch = packer.finish();
        let batch = batch.as_mut();
        assert_eq!(Read(batch).counts(), (4, 4));
    }

    #[test]
    fn what_nobody_sees_moves_the_end_of_a_run_or_makes_an_empty_one() {
        let mut packer = Packer::default();
        packer.push(STAMP, record(4, "a"));
        packer.reach(STAMP, 6);
        packer.reach(Stamp { partition: 8, ..STAMP }, 20);
        packer.reach(STAMP, 3);
        let mut batch = packer.finish();
        let batch = batch.as_mut();
        let read = Read(batch);
        assert_eq!(read.counts(), (2, 1));
        assert_eq!(read.run(0).0[2], 6.);
        assert_eq!(read.run(1), ([20., -1., 20., -1.], [3, 8, 2, 9, 1, 0]));
    }

    #[test]
    fn a_batch_is_full_by_messages_or_by_bytes() {
        let mut packer = Packer::default();
        for offset in 0..1_000 {
            assert!(packer.room() > 0);
            packer.push(STAMP, record(offset, "x"));
        }
        assert_eq!(packer.room(), 0);
        packer.finish();
        assert_eq!(packer.room(), MOST_MESSAGES);
        let large = vec![0; MOST_BYTES];
        let message = Record {
            offset: 0,
            timestamp: 0,
            key: None,
            value: Some(large.as_slice()),
            headers: std::iter::empty(),
        };
        packer.push(STAMP, message);
        assert_eq!(packer.room(), 0);
    }
}
