//! Buckets by name, for users and addresses. A bucket that is full again is as good as a new one, so it is
//! forgotten when nobody holds it: what is kept is who was active within the time that a bucket takes to fill.

use dashmap::DashMap;
use rustc_hash::FxBuildHasher;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::bucket::SharedBucket;

/// Names that are kept at most. One more is not remembered and so not limited: to refuse strangers for
/// want of room would let whoever fills the table lock everybody out.
const MOST: usize = 1 << 17;

/// As many new names as are kept, and these at least, come in between two looks for what can be forgotten.
const FEW: usize = 1024;

#[derive(Debug)]
pub struct Buckets<K: Hash + Eq + Debug> {
    by_name: DashMap<K, Arc<SharedBucket>, FxBuildHasher>,
    /// New names until the next look.
    until_look: AtomicUsize,
}

impl<K: Hash + Eq + Debug> Buckets<K> {
    pub fn new() -> Self {
        Self { by_name: DashMap::default(), until_look: AtomicUsize::new(FEW) }
    }

    /// The bucket of this name.
    pub fn get(&self, name: K, now: u64) -> Arc<SharedBucket> {
        if let Some(bucket) = self.by_name.get(&name) {
            return bucket.clone();
        }
        let countdown = |left: usize| left.checked_sub(1);
        if self.until_look.fetch_update(Relaxed, Relaxed, countdown).is_err() {
            self.forget(now);
            self.until_look.store(self.by_name.len().max(FEW), Relaxed);
        }
        if self.by_name.len() >= MOST {
            return Arc::default();
        }
        self.by_name.entry(name).or_default().clone()
    }

    fn forget(&self, now: u64) {
        self.by_name.retain(|_, bucket| Arc::strong_count(bucket) > 1 || !bucket.is_full(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::limits::Rate;

    const NOW: u64 = 1_800_000_000_000;

    #[test]
    fn one_name_has_one_bucket_and_what_is_full_again_is_forgotten() {
        let (buckets, rate) = (Buckets::new(), Rate::new(1, 10));
        let held = buckets.get(u64::MAX, NOW);
        for name in 0..FEW as u64 {
            assert!(buckets.get(name % 100, NOW).take(rate, NOW) || name >= 1000);
        }
        assert!(!buckets.get(1, NOW).take(rate, NOW));
        assert_eq!(buckets.by_name.len(), 101);
        for name in 1000..1000 + FEW as u64 {
            buckets.get(name, NOW + 60_000);
        }
        assert!(buckets.by_name.len() <= FEW + 1, "{}", buckets.by_name.len());
        assert!(Arc::ptr_eq(&held, &buckets.get(u64::MAX, NOW + 60_000)), "held ones stay");
    }

    #[test]
    fn the_table_is_bounded() {
        let (buckets, rate) = (Buckets::new(), Rate::new(1, 1));
        for name in 0..MOST as u64 + 10_000 {
            buckets.get(name, NOW).take(rate, NOW);
        }
        assert_eq!(buckets.by_name.len(), MOST);
    }
}
