//! Rates: a bucket that a steady stream refills, as a pure function of its state and the time. It is the
//! generic cell rate algorithm (ITU-T I.371): the state is one number, the time at which the bucket
//! will be full again, so there is nothing to refill and no timer.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

const NANOS: u64 = 1_000_000_000;
const NANOS_A_MILLI: u64 = 1_000_000;

/// So many a second in the long run, and so many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    per_second: u64,
    burst: u64,
}

impl Rate {
    /// Both are at least 1.
    pub fn new(per_second: u64, burst: u64) -> Self {
        Self { per_second: per_second.max(1), burst: burst.max(1) }
    }

    pub fn per_second(self) -> u64 {
        self.per_second
    }

    /// Nanoseconds in which so many flow in.
    fn time(self, count: u64) -> u64 {
        count.saturating_mul(NANOS) / self.per_second
    }
}

/// A bucket that one thread owns. A new one is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    full_at: u64,
}

impl Bucket {
    /// Takes one, at `now` in milliseconds; false when there is none, and then nothing is taken.
    pub fn take(&mut self, rate: Rate, now: u64) -> bool {
        let after = taken(self.full_at, rate, now);
        self.full_at = after.unwrap_or(self.full_at);
        after.is_some()
    }

    /// Takes so many, which have come in already, if any is left; what is more is owed. False when the
    /// bucket is empty or owes, and then nothing is taken.
    pub fn draw(&mut self, rate: Rate, count: u64, now: u64) -> bool {
        let now = now.saturating_mul(NANOS_A_MILLI);
        let full_at = self.full_at.max(now);
        if full_at - now >= rate.time(rate.burst) {
            return false;
        }
        self.full_at = full_at.saturating_add(rate.time(count));
        true
    }
}

/// A bucket that several threads take from.
#[derive(Debug, Default)]
pub struct SharedBucket(AtomicU64);

impl SharedBucket {
    /// As [`Bucket::take`].
    pub fn take(&self, rate: Rate, now: u64) -> bool {
        self.0.fetch_update(Relaxed, Relaxed, |full_at| taken(full_at, rate, now)).is_ok()
    }

    /// Gives back one that was taken.
    pub fn give_back(&self, rate: Rate) {
        self.0.fetch_sub(rate.time(1), Relaxed);
    }

    /// Whether one could be taken.
    pub fn has_any(&self, rate: Rate, now: u64) -> bool {
        taken(self.0.load(Relaxed), rate, now).is_some()
    }

    /// Whether it is as good as a new one.
    pub fn is_full(&self, now: u64) -> bool {
        self.0.load(Relaxed) <= now.saturating_mul(NANOS_A_MILLI)
    }
}

/// The state when one was taken, if there is one.
fn taken(full_at: u64, rate: Rate, now: u64) -> Option<u64> {
    let now = now.saturating_mul(NANOS_A_MILLI);
    let after = full_at.max(now).saturating_add(rate.time(1));
    (after - now <= rate.time(rate.burst)).then_some(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: u64 = 1_800_000_000_000;

    #[test]
    fn a_burst_and_then_the_rate() {
        let rate = Rate::new(100, 200);
        let mut bucket = Bucket::default();
        let count = |bucket: &mut Bucket, now| (0..1000).filter(|_| bucket.take(rate, now)).count();
        assert_eq!(count(&mut bucket, NOW), 200);
        assert_eq!(count(&mut bucket, NOW + 9), 0);
        assert_eq!(count(&mut bucket, NOW + 10), 1);
        assert_eq!(count(&mut bucket, NOW + 1010), 100);
        assert_eq!(count(&mut bucket, NOW + 60_000), 200, "it holds no more than the burst");
    }

    #[test]
    fn what_has_come_may_be_owed_but_not_twice() {
        let rate = Rate::new(1000, 2000);
        let mut bucket = Bucket::default();
        assert!(bucket.draw(rate, 5000, NOW), "the first is let in, however large");
        assert!(!bucket.draw(rate, 1, NOW + 2999));
        assert!(bucket.draw(rate, 1, NOW + 3001));
    }

    #[test]
    fn a_clock_that_stepped_back_gives_nothing_away_and_takes_nothing() {
        let rate = Rate::new(10, 10);
        let mut bucket = Bucket::default();
        assert!(bucket.take(rate, NOW));
        assert!(!bucket.take(rate, NOW - 60_000));
        assert!(bucket.take(rate, NOW));
    }

    #[test]
    fn threads_share_one_bucket() {
        let (rate, bucket) = (Rate::new(1, 500), SharedBucket::default());
        let taken: usize = std::thread::scope(|scope| {
            let take = || (0..300).filter(|_| bucket.take(rate, NOW)).count();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(taken, 500);
        assert!(!bucket.is_full(NOW + 499_999));
        assert!(bucket.is_full(NOW + 500_000));
    }

    proptest! {
        /// Over any stretch of time no more passes than the burst and what flowed in; and who keeps to
        /// the rate is never refused.
        #[test]
        fn no_more_than_burst_and_rate(
            per_second in 1u64..2000, burst in 1u64..500,
            gaps in prop::collection::vec(0u64..200, 1..300),
        ) {
            let rate = Rate::new(per_second, burst);
            let (mut bucket, mut now, mut passed) = (Bucket::default(), NOW, 0);
            for gap in gaps {
                now += gap;
                passed += u64::from(bucket.take(rate, now));
                prop_assert!(passed <= burst + (now - NOW) * per_second / 1000 + 1);
            }
            let (mut bucket, step) = (Bucket::default(), 1000u64.div_ceil(per_second));
            for turn in 0..500 {
                prop_assert!(bucket.take(rate, NOW + turn * step));
            }
        }
    }
}
