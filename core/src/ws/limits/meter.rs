//! What one connection sends, measured: whether a message is within the rates, and whether the excess has
//! lasted so long that the connection has to go.

use super::bucket::{Bucket, Rate};

/// The excess ends when nothing was refused for so long, in milliseconds.
const PAUSE: u32 = 1000;

/// An excess that lasts so long, in milliseconds, is no burst: the client does not heed its refusals.
const PATIENCE: u32 = 10_000;

/// One connection's buckets and how long it has been over them: 24 bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Meter {
    messages: Bucket,
    bytes: Bucket,
    /// When the present excess began, and when something was refused last: the low bits of the
    /// milliseconds, since only their distance counts.
    since: u32,
    last: u32,
}

/// How a refusal stands to those before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    /// It is the first for a while.
    Begins,
    /// The client was over its limits a moment ago too.
    GoesOn,
    /// It has been over them for 10 s without a second's pause.
    TooLong,
}

impl Meter {
    /// Whether a message is within the rate.
    pub fn message(&mut self, rate: Option<Rate>, now: u64) -> bool {
        rate.is_none_or(|rate| self.messages.take(rate, now))
    }

    /// Whether bytes that were read are within the rate.
    pub fn bytes(&mut self, rate: Option<Rate>, count: usize, now: u64) -> bool {
        rate.is_none_or(|rate| self.bytes.draw(rate, count as u64, now))
    }

    /// Takes note of a refusal.
    pub fn refuse(&mut self, now: u64) -> Excess {
        #[allow(clippy::cast_possible_truncation, reason = "that is the point: see `since`")]
        // 0 stands for never.
        let now = (now as u32).max(1);
        let paused = self.last == 0 || now.wrapping_sub(self.last) > PAUSE;
        self.last = now;
        if paused {
            self.since = now;
            return Excess::Begins;
        }
        if now.wrapping_sub(self.since) >= PATIENCE { Excess::TooLong } else { Excess::GoesOn }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_small() {
        assert_eq!(size_of::<Meter>(), 24);
    }

    #[test]
    fn ten_seconds_without_a_pause_are_too_long() {
        // Also across the end of the 32 bits.
        for start in [1_800_000_000_000, (1 << 32) - 5000] {
            let mut meter = Meter::default();
            assert_eq!(meter.refuse(start), Excess::Begins);
            for after in (500..10_000).step_by(500) {
                assert_eq!(meter.refuse(start + after), Excess::GoesOn, "{after}");
            }
            assert_eq!(meter.refuse(start + 10_000), Excess::TooLong);
        }
    }

    #[test]
    fn a_second_without_a_refusal_ends_the_excess() {
        let mut meter = Meter::default();
        for turn in 0..100 {
            assert_eq!(meter.refuse(1_800_000_000_000 + turn * 1001), Excess::Begins);
        }
        assert_eq!(meter.refuse(1_800_000_000_000 + 99 * 1001 + 1000), Excess::GoesOn);
    }

    #[test]
    fn without_a_rate_everything_is_within_it() {
        let mut meter = Meter::default();
        assert!((0..10_000).all(|_| meter.message(None, 1) && meter.bytes(None, 1 << 40, 1)));
    }
}
