//! The token of a login by `oauthbearer`, for all native clients of one configuration. Who makes tokens is
//! JavaScript's, which sets the first before it connects, and others before they expire.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::config::Secret;
use super::error::KafkaError;
use super::sys::Handle;

/// JSON of what an `oauthBearerProvider` gives.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Token {
    value: Secret,
    /// Goes to the broker as well, which kafkajs documents but does not type.
    #[serde(default)]
    extensions: BTreeMap<String, String>,
}

/// Every clone of a configuration has the same.
#[derive(Debug, Default)]
pub struct Tokens(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    current: Option<Token>,
    clients: Vec<Weak<Handle>>,
}

impl Tokens {
    /// For connections from now on, of clients that there are and that there will be.
    ///
    /// # Errors
    /// It cannot be sent. Then no client of later has it.
    pub fn set(&self, token: Token) -> Result<(), KafkaError> {
        let mut state = self.state();
        state.clients.retain(|it| it.strong_count() > 0);
        for client in state.clients.iter().filter_map(Weak::upgrade) {
            let set = token.give(&client);
            // Its owner may have gone meanwhile, and its end takes a while.
            if let Some(last) = Arc::into_inner(client) {
                super::work::drop_aside(last);
            }
            set?;
        }
        state.current = Some(token);
        Ok(())
    }

    /// Gives a new client the token of now.
    pub(super) fn join(&self, client: &Arc<Handle>) -> Result<(), KafkaError> {
        let mut state = self.state();
        if let Some(token) = &state.current {
            token.give(client)?;
        }
        state.clients.push(Arc::downgrade(client));
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Token {
    fn give(&self, client: &Handle) -> Result<(), KafkaError> {
        let extensions: Vec<_> =
            self.extensions.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        client.set_token(&self.value.0, &extensions)
    }
}
