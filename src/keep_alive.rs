//! What keeps Node.js alive while a manager is open, and what ends managers with their
//! environment (the main thread's or a worker's).
//!
//! The hold is a strong threadsafe function that is never called. It belongs to this table, not
//! to the JavaScript object: an open server that nothing references must go on.

use messaging_core::ws::Server;
use napi::Env;
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::ThreadsafeFunction;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

type Hold = ThreadsafeFunction<(), (), (), napi::Status, false>;

struct Held {
    server: Arc<Server>,
    /// Dropped to let the event loop end. None for a server that keeps nothing alive.
    _hold: Option<Hold>,
}

/// Open servers by environment, then by a number of their own.
static HELD: Mutex<Option<HashMap<usize, HashMap<u64, Held>>>> = Mutex::new(None);

fn held() -> MutexGuard<'static, Option<HashMap<usize, HashMap<u64, Held>>>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps the environment alive until the server has ended.
pub fn hold(env: &Env, server: &Arc<Server>) -> napi::Result<()> {
    let nothing: Function<'_, (), ()> = env.create_function_from_closure("hold", |_| Ok(()))?;
    let hold = nothing.build_threadsafe_function().callee_handled::<false>().build()?;
    enter(env, server, Some(hold))
}

/// Ends the server with its environment, at the latest, and does not keep that alive.
pub fn end_with(env: &Env, server: &Arc<Server>) -> napi::Result<()> {
    enter(env, server, None)
}

fn enter(env: &Env, server: &Arc<Server>, hold: Option<Hold>) -> napi::Result<()> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Relaxed);
    let key = env.raw() as usize;
    let first = !held().get_or_insert_default().contains_key(&key);
    if first {
        env.add_env_cleanup_hook(key, end_environment)?;
    }
    let entry = Held { server: server.clone(), _hold: hold };
    held().get_or_insert_default().entry(key).or_default().insert(number, entry);
    let (ended, watched) = (server.ended(), Arc::downgrade(server));
    server.spawn(async move {
        ended.await;
        // The callback holds the manager, which holds the server, which holds the callback.
        if let Some(server) = watched.upgrade() {
            server.events().retire();
        }
        // Taken out under the lock, dropped outside of it: dropping calls into Node-API.
        let done = held().as_mut().and_then(|all| all.get_mut(&key)?.remove(&number));
        drop(done);
    });
    Ok(())
}

/// The environment goes: its servers end at once.
fn end_environment(key: usize) {
    let gone = held().as_mut().and_then(|all| all.remove(&key)).unwrap_or_default();
    for entry in gone.into_values() {
        drop(entry.server.shutdown(Duration::ZERO));
    }
}
