//! What keeps Node.js alive while something of ours is open, and what ends it with its environment
//! (the main thread's or a worker's).
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

/// Ends what is open, at once and without waiting.
type End = Box<dyn FnOnce() + Send>;

struct Open {
    end: End,
    /// Dropped to let the event loop end. None for what keeps nothing alive.
    _hold: Option<Hold>,
}

/// What is open by environment, then by a number of its own.
static OPEN: Mutex<Option<HashMap<usize, HashMap<u64, Open>>>> = Mutex::new(None);

fn open() -> MutexGuard<'static, Option<HashMap<usize, HashMap<u64, Open>>>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A place in the table.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    environment: usize,
    number: u64,
}

impl Entry {
    /// Keeps the environment alive until `leave`, and calls `end` if the environment goes before.
    pub fn holding(env: &Env, end: End) -> napi::Result<Self> {
        let nothing: Function<'_, (), ()> = env.create_function_from_closure("hold", |_| Ok(()))?;
        let hold = nothing.build_threadsafe_function().callee_handled::<false>().build()?;
        Self::enter(env, end, Some(hold))
    }

    /// Calls `end` if the environment goes before `leave`, and does not keep that alive.
    pub fn watching(env: &Env, end: End) -> napi::Result<Self> {
        Self::enter(env, end, None)
    }

    fn enter(env: &Env, end: End, hold: Option<Hold>) -> napi::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let entry = Self { environment: env.raw() as usize, number: NEXT.fetch_add(1, Relaxed) };
        let first = !open().get_or_insert_default().contains_key(&entry.environment);
        if first {
            env.add_env_cleanup_hook(entry.environment, end_environment)?;
        }
        let all = &mut *open();
        let here = all.get_or_insert_default().entry(entry.environment).or_default();
        here.insert(entry.number, Open { end, _hold: hold });
        Ok(entry)
    }

    /// It has ended by itself. May be called on any thread, and twice.
    pub fn leave(self) {
        // Taken out under the lock, dropped outside of it: dropping calls into Node-API.
        let done =
            open().as_mut().and_then(|all| all.get_mut(&self.environment)?.remove(&self.number));
        drop(done);
    }
}

/// Keeps the environment alive until the server has ended.
pub fn hold(env: &Env, server: &Arc<Server>) -> napi::Result<()> {
    leave_with(server, Entry::holding(env, ending(server))?);
    Ok(())
}

/// Ends the server with its environment, at the latest, and does not keep that alive.
pub fn end_with(env: &Env, server: &Arc<Server>) -> napi::Result<()> {
    leave_with(server, Entry::watching(env, ending(server))?);
    Ok(())
}

fn ending(server: &Arc<Server>) -> End {
    let server = server.clone();
    Box::new(move || drop(server.shutdown(Duration::ZERO)))
}

fn leave_with(server: &Arc<Server>, entry: Entry) {
    let (ended, watched) = (server.ended(), Arc::downgrade(server));
    server.spawn(async move {
        ended.await;
        // The callback holds the manager, which holds the server, which holds the callback.
        if let Some(server) = watched.upgrade() {
            server.events().retire();
        }
        entry.leave();
    });
}

/// The environment goes: what is open in it ends at once.
fn end_environment(environment: usize) {
    let gone = open().as_mut().and_then(|all| all.remove(&environment)).unwrap_or_default();
    for (_, open) in gone {
        (open.end)();
    }
}
