//! Calls that block, on threads of their own: librdkafka has no other way to ask for metadata or to
//! end a client. They are rare (a connect, an admin's question), so each has a thread for itself.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::client::Done;
use super::error::KafkaError;

/// Calls that wait at once, over all clients of the process. More are refused.
const MOST: usize = 128;

static RUNNING: AtomicUsize = AtomicUsize::new(0);

/// Runs `work` aside.
///
/// # Errors
/// Too many run already, or the system has no thread. Then `work` was dropped.
pub(crate) fn run(work: impl FnOnce() + Send + 'static) -> Result<(), KafkaError> {
    if RUNNING.fetch_add(1, Relaxed) >= MOST {
        RUNNING.fetch_sub(1, Relaxed);
        return Err(KafkaError::no_thread(format!("{MOST} calls wait for Kafka already")));
    }
    let running = Running;
    let name = "messaging-kafka".to_owned();
    thread::Builder::new()
        .name(name)
        .spawn(move || {
            let _running = running;
            work();
        })
        .map(drop)
        .map_err(|error| KafkaError::no_thread(error.to_string()))
}

/// Runs a call aside and hands its outcome on, also that there was no thread for it.
pub(crate) fn ask<T: Send + 'static>(
    done: Done<T>,
    call: impl FnOnce() -> Result<T, KafkaError> + Send + 'static,
) {
    // Whoever is refused a thread is to be told, so `done` is shared until it is known who calls it.
    let shared = Arc::new(Mutex::new(Some(done)));
    let take = |shared: &Mutex<Option<Done<T>>>| {
        shared.lock().unwrap_or_else(PoisonError::into_inner).take()
    };
    let inside = shared.clone();
    let started = run(move || {
        let outcome = call();
        if let Some(done) = take(&inside) {
            done(outcome);
        }
    });
    if let Err(error) = started
        && let Some(done) = take(&shared)
    {
        done(Err(error));
    }
}

/// Drops `value` aside, since that waits for threads of librdkafka. Without a thread it is leaked:
/// waiting here could hold up JavaScript.
pub(crate) fn drop_aside<T: Send + 'static>(value: T) {
    let value = std::mem::ManuallyDrop::new(value);
    let _ = thread::Builder::new()
        .name("messaging-kafka".to_owned())
        .spawn(move || drop(std::mem::ManuallyDrop::into_inner(value)));
}

/// Counts down, whatever ends the work.
struct Running;

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.fetch_sub(1, Relaxed);
    }
}
