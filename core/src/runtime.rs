//! The one thread for what is neither a shard's work nor urgent: deadlines of requests and
//! shutdowns. It starts with the first server and lives as long as the process.

use std::future::pending;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::thread;
use tokio::runtime::{Builder, Handle};

/// The background runtime of the process.
///
/// # Errors
/// The system has no thread for it at the moment. The next call tries again.
pub(crate) fn background() -> io::Result<Handle> {
    static STARTED: Mutex<Option<Handle>> = Mutex::new(None);
    // Nothing is left half-done under this lock.
    let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*started {
        return Ok(handle.clone());
    }
    let handle = start(thread::Builder::new())?;
    *started = Some(handle.clone());
    Ok(handle)
}

/// Runs a runtime on a thread of its own, for ever. The thread is ours and not one of tokio's,
/// which panics where it cannot have one.
fn start(thread: thread::Builder) -> io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_time().build()?;
    let handle = runtime.handle().clone();
    let run = move || runtime.block_on(pending::<()>());
    thread.name("messaging-bg".to_owned()).spawn(run)?;
    Ok(handle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Duration;

    #[test]
    fn what_is_spawned_runs_beside_the_caller_with_timers() {
        let (sender, receiver) = mpsc::channel();
        background().unwrap().spawn(async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            sender.send(thread::current().name().map(str::to_owned)).unwrap();
        });
        let name = receiver.recv_timeout(Duration::from_secs(20)).unwrap();
        assert_eq!(name.as_deref(), Some("messaging-bg"));
    }

    #[test]
    fn a_thread_that_the_system_refuses_is_an_error() {
        // No address space has room for this stack, so the system has no thread to give.
        let refused = start(thread::Builder::new().stack_size(1 << 60));
        assert!(refused.is_err());
    }
}
