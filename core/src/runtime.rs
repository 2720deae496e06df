//! The one runtime for what is neither a shard's work nor urgent: deadlines of requests and
//! shutdowns. It starts at first use and lives as long as the process.

use std::sync::OnceLock;
use tokio::runtime::{Builder, Runtime};

/// The shared background runtime.
pub fn background() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("messaging-bg")
            .enable_time()
            .build()
            .expect("a process that cannot start a thread cannot go on")
    })
}
