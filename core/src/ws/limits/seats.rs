//! Places of which each name has only so many: connections of a user or of an address.

use dashmap::DashMap;
use rustc_hash::FxBuildHasher;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

#[derive(Debug)]
pub struct Seats<K: Hash + Eq + Debug> {
    taken: DashMap<K, usize, FxBuildHasher>,
}

impl<K: Hash + Eq + Clone + Debug> Seats<K> {
    pub fn new() -> Self {
        Self { taken: DashMap::default() }
    }

    /// Takes one of `limit` places, of which there is at least one.
    pub fn claim(&self, name: K, limit: usize) -> bool {
        let mut taken = self.taken.entry(name).or_insert(0);
        let free = *taken < limit;
        *taken += usize::from(free);
        free
    }

    /// Whether one of `limit` places is free.
    pub fn has_any(&self, name: &K, limit: usize) -> bool {
        self.taken.get(name).is_none_or(|taken| *taken < limit)
    }

    /// Gives a place back that was taken.
    pub fn release(&self, name: &K) {
        self.taken.remove_if_mut(name, |_, taken| {
            *taken = taken.saturating_sub(1);
            *taken == 0
        });
    }

    #[cfg(test)]
    pub fn names(&self) -> usize {
        self.taken.len()
    }
}

/// A place that is given back when this is dropped.
#[derive(Debug)]
pub struct Seat<K: Hash + Eq + Clone + Debug> {
    seats: Arc<Seats<K>>,
    name: K,
}

impl<K: Hash + Eq + Clone + Debug> Seat<K> {
    pub fn claim(seats: &Arc<Seats<K>>, name: K, limit: usize) -> Option<Self> {
        seats.claim(name.clone(), limit).then(|| Self { seats: seats.clone(), name })
    }
}

impl<K: Hash + Eq + Clone + Debug> Drop for Seat<K> {
    fn drop(&mut self) {
        self.seats.release(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_has_its_own_places() {
        let seats = Arc::new(Seats::new());
        let held: Vec<_> = (0..2).filter_map(|_| Seat::claim(&seats, "a", 2)).collect();
        assert_eq!(held.len(), 2);
        assert!(Seat::claim(&seats, "a", 2).is_none());
        assert!(Seat::claim(&seats, "b", 2).is_some());
        drop(held);
        assert_eq!(seats.names(), 0, "who has none is forgotten");
        assert!(Seat::claim(&seats, "a", 1).is_some());
    }

    #[test]
    fn threads_never_take_one_too_many() {
        let seats = Arc::new(Seats::new());
        let most = std::thread::scope(|scope| {
            let claim = || (0..100).filter(|_| seats.claim("a", 150)).count();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(claim)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>()
        });
        assert_eq!(most, 150);
    }
}
