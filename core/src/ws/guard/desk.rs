//! The decisions that are waited for. Those that the host is asked for: a bounded number at once, and who
//! waits in line. And those that wait for keys, which take nobody's place and are bounded by `jwt::MAX_WAITING`.
//!
//! A place is given back by the host's answer, and neither by the client's leaving nor by the deadline: the host is at
//! work on it all the same, and clients that come and go, or that ask again and again, must not pile up work.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

use crate::ws::connection::Address;

/// Decisions that are with the host at once. A connection that needs one more waits, unread.
pub const MAX_DECISIONS: usize = 1024;

/// How long a place is kept for a host that does not answer at all. Hooks that never settle must not take all
/// places for good.
pub const LONGEST: Duration = Duration::from_secs(60);

/// Names one decision of a server; the host answers by it.
pub type Number = u64;

#[derive(Debug, Default)]
pub struct Desk(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    last: Number,
    /// With the host, and who still waits for its answer.
    open: HashMap<Number, Option<Address>>,
    /// In line for a place, the first to come first.
    waiting: BTreeMap<Number, Address>,
    /// They wait for something else than the host.
    aside: HashMap<Number, Address>,
}

/// A decision that has ended, who still waited for it, and the one that has its place now.
#[derive(Debug, PartialEq, Eq)]
pub struct Closed {
    pub who: Option<Address>,
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
            state.open.insert(number, Some(who));
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

    /// A number between those of the decisions that have begun and of those that will.
    pub fn mark(&self) -> Number {
        let state = &mut *self.lock();
        state.last += 1;
        state.last
    }

    /// Nobody waits for this decision any longer. Who did, and whether it is with the host, which has its place until
    /// it has answered. Nothing if it has been answered.
    pub fn give_up(&self, number: Number) -> Option<(Address, bool)> {
        let state = &mut *self.lock();
        if let Some(who) = state.waiting.remove(&number) {
            return Some((who, false));
        }
        state.open.get_mut(&number)?.take().map(|who| (who, true))
    }

    /// The host has answered, or is not waited for any longer. Nothing for what comes after that.
    pub fn close(&self, number: Number) -> Option<Closed> {
        let state = &mut *self.lock();
        if let Some(who) = state.aside.remove(&number) {
            return Some(Closed { who: Some(who), next: None });
        }
        let who = state.open.remove(&number)?;
        let next = state.waiting.pop_first();
        if let Some((number, who)) = next {
            state.open.insert(number, Some(who));
        }
        Some(Closed { who, next })
    }

    /// Decisions that are waited for, or that the host has not answered yet.
    pub fn count(&self) -> usize {
        let state = &*self.lock();
        state.open.len() + state.waiting.len()
    }

    /// Keeps of these what waits for its deadline still: what is in line, or with the host, for somebody.
    pub fn keep_awaited(&self, asked: &mut VecDeque<(Instant, Number)>) {
        let state = &*self.lock();
        asked.retain(|(_, number)| {
            state.open.contains_key(number) || state.waiting.contains_key(number)
        });
    }

    /// The client has left. If it was still in line, nobody waits for its turn. Returns whether it waited for
    /// something else than the host.
    pub fn forget(&self, number: Number) -> bool {
        let state = &mut *self.lock();
        state.waiting.remove(&number);
        state.aside.remove(&number).is_some()
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
        assert_eq!(desk.close(first), Some(Closed { who: Some(address(0)), next }));
        assert_eq!(desk.close(first), None, "an answer counts once");
        assert!(!desk.enter(address(5002)).1, "the place was given on");
        assert_eq!(desk.close(second).map(|closed| closed.who), Some(Some(address(5001))));
    }

    #[test]
    fn a_decision_that_is_given_up_keeps_its_place_until_the_host_has_answered() {
        let desk = Desk::default();
        let numbers: Vec<_> = (0..MAX_DECISIONS).map(|slot| desk.enter(address(slot)).0).collect();
        for &number in &numbers {
            assert!(desk.give_up(number).is_some_and(|(_, is_with_host)| is_with_host));
            assert_eq!(desk.give_up(number), None);
        }
        let (next, has_place) = desk.enter(address(5000));
        assert!(!has_place, "the host is still at work on all of them");
        assert_eq!(desk.give_up(next), Some((address(5000), false)));
        assert_eq!(desk.close(numbers[0]), Some(Closed { who: None, next: None }));
        assert!(desk.enter(address(5001)).1);
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
        assert_eq!(desk.close(aside), Some(Closed { who: Some(address(1)), next: None }));
        assert_eq!(desk.close(aside), None);
        assert_eq!(desk.close(waits), None, "it has no place yet");
    }

    #[test]
    fn who_has_left_keeps_its_place_until_the_host_has_answered() {
        let desk = Desk::default();
        let (number, _) = desk.enter(address(0));
        desk.forget(number);
        assert_eq!(desk.close(number), Some(Closed { who: Some(address(0)), next: None }));
    }
}
