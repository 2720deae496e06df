//! The users that were put out, so that no login that was being decided at that time brings them back: the newest
//! of them.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::desk::Number;

/// Users that are remembered. Logins of before the oldest one that was forgotten are refused, whoever they are of: hardly
/// any is still being decided then.
const MAX_PUT_OUT: usize = 65_536;

#[derive(Debug, Default)]
pub struct PutOut(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Logins of a user up to this number are refused.
    last: HashMap<Arc<str>, Number>,
    /// The oldest first.
    order: VecDeque<(Number, Arc<str>)>,
    /// Up to here all are refused.
    forgotten: Number,
}

impl PutOut {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A user was put out, after the decision of this number had begun and before the next one.
    pub fn add(&self, user: &str, number: Number) {
        let state = &mut *self.lock();
        let user: Arc<str> = user.into();
        state.last.insert(user.clone(), number);
        state.order.push_back((number, user));
        if state.order.len() > MAX_PUT_OUT
            && let Some((number, user)) = state.order.pop_front()
        {
            state.forgotten = number;
            // It may have been put out again since.
            if state.last.get(&user) == Some(&number) {
                state.last.remove(&user);
            }
        }
    }

    /// Whether this user was put out after the decision of this number had begun.
    pub fn contains(&self, user: &str, number: Number) -> bool {
        let state = self.lock();
        number <= state.forgotten || state.last.get(user).is_some_and(|last| number <= *last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_logins_of_before_are_refused_and_only_of_this_user() {
        let put_out = PutOut::default();
        assert!(!put_out.contains("ada", 1));
        put_out.add("ada", 5);
        assert!(put_out.contains("ada", 5));
        assert!(!put_out.contains("ada", 6));
        assert!(!put_out.contains("eve", 5));
        put_out.add("ada", 8);
        assert!(put_out.contains("ada", 7));
    }

    #[test]
    fn of_who_is_forgotten_older_logins_are_refused_whoever_they_are_of() {
        let put_out = PutOut::default();
        put_out.add("ada", 1);
        put_out.add("eve", 2);
        let most = MAX_PUT_OUT as u64;
        (3..=most + 1).for_each(|number| put_out.add("ada", number));
        assert!(put_out.contains("bob", 1));
        assert!(!put_out.contains("bob", 2));
        assert!(put_out.contains("eve", 2));
        assert!(put_out.contains("ada", most + 1));
        put_out.add("ada", most + 2);
        assert!(put_out.contains("bob", 2));
        let state = put_out.lock();
        assert_eq!((state.last.len(), state.order.len()), (1, MAX_PUT_OUT));
    }
}
