//! The clocks and the memory of the measured process.

use crate::Result;
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;
use std::fs;

/// CLOCK_MONOTONIC in ns, the time of all latencies.
pub fn now() -> u64 {
    nanoseconds(clock_gettime(ClockId::CLOCK_MONOTONIC).expect("Linux always has this clock"))
}

fn nanoseconds(time: TimeSpec) -> u64 {
    time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64
}

/// Reads what a process has used. Its CPU clock counts all threads in ns, also those that ended.
#[derive(Debug)]
pub struct Meter {
    pid: i32,
    cpu: ClockId,
}

/// CPU time in ns: what was used up to now, or between two readings.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reading {
    /// The server process, all threads.
    pub cpu: u64,
    /// The server's main thread, which in Node runs JavaScript. It is exact while that thread
    /// sleeps, else up to a scheduler's tick old.
    pub main_thread: u64,
    /// The load generator itself.
    pub load: u64,
    pub wall: u64,
}

impl Meter {
    pub fn new(pid: i32) -> Result<Self> {
        Ok(Self { pid, cpu: clock_getcpuclockid(Pid::from_raw(pid))? })
    }

    pub fn read(&self) -> Result<Reading> {
        let schedstat = fs::read_to_string(format!("/proc/{0}/task/{0}/schedstat", self.pid))?;
        let main_thread = schedstat.split(' ').next().ok_or("schedstat is empty")?.parse()?;
        Ok(Reading {
            cpu: nanoseconds(clock_gettime(self.cpu)?),
            main_thread,
            load: nanoseconds(clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID)?),
            wall: now(),
        })
    }

    pub fn since(&self, earlier: Reading) -> Result<Reading> {
        let later = self.read()?;
        Ok(Reading {
            cpu: later.cpu - earlier.cpu,
            main_thread: later.main_thread - earlier.main_thread,
            load: later.load - earlier.load,
            wall: later.wall - earlier.wall,
        })
    }

    /// Resident memory in bytes, by a walk of the page tables: the counters in `status` lag.
    pub fn resident(&self) -> Result<u64> {
        let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.pid))?;
        let line = rollup.lines().find_map(|line| line.strip_prefix("Rss:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
        Ok(kilobytes.ok_or("smaps_rollup has no Rss")?.trim().parse::<u64>()? * 1024)
    }

    pub fn threads(&self) -> Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/task", self.pid))?.count())
    }
}

impl std::ops::AddAssign for Reading {
    fn add_assign(&mut self, other: Self) {
        self.cpu += other.cpu;
        self.main_thread += other.main_thread;
        self.load += other.load;
        self.wall += other.wall;
    }
}
