//! The topics of a consumer: their numbers in batches, and librdkafka's local objects, which say where a topic
//! begins and live as long as the client.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::kafka::error::KafkaError;
use crate::kafka::sys::{Handle, Topic};

#[derive(Debug, Default)]
pub(super) struct Topics(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    names: Vec<String>,
    /// None once the client goes.
    declared: HashMap<String, Topic>,
    ended: bool,
}

impl Topics {
    /// The first declaration of a topic holds.
    pub(super) fn declare(
        &self,
        handle: &Arc<Handle>,
        name: &str,
        from_beginning: bool,
    ) -> Result<(), KafkaError> {
        let mut state = self.state();
        if state.ended {
            return Err(KafkaError::closed());
        }
        if !state.declared.contains_key(name) {
            let topic = Topic::beginning(handle, name, from_beginning)?;
            state.declared.insert(name.to_owned(), topic);
        }
        Ok(())
    }

    /// A topic's number, which is new for a new name.
    pub(super) fn number(&self, name: &str) -> u32 {
        let mut state = self.state();
        let found = state.names.iter().position(|it| it == name);
        let index = found.unwrap_or_else(|| {
            state.names.push(name.to_owned());
            state.names.len() - 1
        });
        u32::try_from(index).unwrap_or(u32::MAX)
    }

    pub(super) fn name(&self, number: u32) -> String {
        let state = self.state();
        usize::try_from(number)
            .ok()
            .and_then(|index| state.names.get(index))
            .cloned()
            .unwrap_or_default()
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.state().names.clone()
    }

    /// The local objects keep their client, which could not go else.
    pub(super) fn end(&self) {
        let mut state = self.state();
        state.ended = true;
        state.declared.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
