//! The decisions that are waited for. Those that the host is asked for: a bounded number at once, and who
//! waits in line. And those that wait for keys, which take nobody's place and are bounded by `jwt::MAX_WAITING`.
//!
//! A place is given back by the host's answer or by the deadline, and not by the client's leaving:
//! the host is at work on it all the same, and clients that come and go must not pile up work.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::ws::connection::Address;

/// Decisions that are with the host at once. A connection that needs one more waits, unread.
pub const MAX_DECISIONS: usize = 1024;

/// Names one decision of a server; the host answers by it.
pub type Number = u64;

#[derive(Debug, Default)]
pub struct Desk(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    last: Number,
    /// With the host.
    open: HashMap<Number, Address>,
    /// In line for a place, the first to come first.
    waiting: BTreeMap<Number, Address>,
    /// They wait for something else than the host.
    aside: HashMap<Number, Address>,
}

/// A decision that has ended, and the one that has its place now.
#[derive(Debug, PartialEq, Eq)]
pub struct Closed {
    pub who: Address,
    pub next: Option<(Number, Address)>,
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number for a new decision, and whether the host can be asked now. Else it is told of the
    /// decision's turn by [`Closed::next`].
    pub fn enter(&self, who: Address) -> (Number, bool) {
        let state = &mut *self.lock();
        state.last += 1;
        let number = state.last;
        let has_place = state.open.len() < MAX_DECISIONS;
        if has_place {
            state.open.insert(number, who);
        } else {
            state.waiting.insert(number, who);
        }
        (number, has_place)
    }

    /// A number for a decision that is not the host's.
    pub fn enter_aside(&self, who: Address) -> Number {
        let state = &mut *self.lock();
        state.last += 1;
        state.aside.insert(state.last, who);
        state.last
    }

    /// The host has answered, or its time is over: whichever comes first. Nothing for the other.
    pub fn close(&self, number: Number) -> Option<Closed> {
        let state = &mut *self.lock();
        if let Some(who) = state.aside.remove(&number) {
            return Some(Closed { who, next: None });
        }
        let who = state.open.remove(&number)?;
        let next = state.waiting.pop_first();
        if let Some((number, who)) = next {
            state.open.insert(number, who);
        }
        Some(Closed { who, next })
    }

    /// The client has left. If it was still in line, nobody waits for its turn.
    pub fn forget(&self, number: Number) {
        let state = &mut *self.lock();
        state.waiting.remove(&number);
        state.aside.remove(&number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(slot: usize) -> Address {
        Address { shard: 0, slot, serial: 1 }
    }

    #[test]
    fn places_are_bounded_and_given_on_in_the_order_of_coming() {
        let desk = Desk::default();
        let numbers: Vec<_> = (0..MAX_DECISIONS).map(|slot| desk.enter(address(slot))).collect();
        assert!(numbers.iter().all(|(_, has_place)| *has_place));
        let (left, _) = desk.enter(address(5000));
        let (second, has_place) = desk.enter(address(5001));
        assert!(!has_place);
        desk.forget(left);

        let (first, _) = numbers[0];
        let next = Some((second, address(5001)));
        assert_eq!(desk.close(first), Some(Closed { who: address(0), next }));
        assert_eq!(desk.close(first), None, "an answer counts once");
        assert!(!desk.enter(address(5002)).1, "the place was given on");
        assert_eq!(desk.close(second).map(|closed| closed.who), Some(address(5001)));
    }

    #[test]
    fn who_waits_aside_takes_no_place() {
        let desk = Desk::default();
        let (aside, left) = (desk.enter_aside(address(1)), desk.enter_aside(address(2)));
        desk.forget(left);
        assert_eq!(desk.close(left), None);
        assert!((0..MAX_DECISIONS).all(|slot| desk.enter(address(slot)).1));
        let (waits, has_place) = desk.enter(address(3));
        assert!(!has_place);
        assert_eq!(desk.close(aside), Some(Closed { who: address(1), next: None }));
        assert_eq!(desk.close(aside), None);
        assert_eq!(desk.close(waits), None, "it has no place yet");
    }

    #[test]
    fn who_has_left_keeps_its_place_until_the_host_has_answered() {
        let desk = Desk::default();
        let (number, _) = desk.enter(address(0));
        desk.forget(number);
        assert_eq!(desk.close(number), Some(Closed { who: address(0), next: None }));
    }
}
