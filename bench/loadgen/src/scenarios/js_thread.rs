//! What a broadcast costs the server's main thread, work that it leaves for later included.
//!
//! The calls are made one per turn of the event loop, with nothing acknowledged, and all that the
//! main thread uses until the last message has arrived counts. The same loop without sending is
//! measured in turn with it and taken off.

use super::{CONCURRENCY, GROUP, Stage};
use crate::Result;
use crate::options::{Audience, Series};
use crate::report::Report;

/// Thousands of calls to a few clients compile the JavaScript without much traffic.
const WARM_UP_CLIENTS: usize = 10;
const WARM_UP_CALLS: u64 = 5000;
/// Loops with and without sending alternate, so that both meet the same moods of the machine.
const PAIRS: u64 = 4;

pub fn play(stage: &mut Stage<'_>, size: usize, interval: f64, calls: u64) -> Result<Report> {
    let series = Series {
        audience: Audience::Everybody,
        group: GROUP,
        size,
        window: calls,
        batch: 1,
        calls: calls.div_ceil(PAIRS),
        seconds: stage.options.seconds / PAIRS as f64,
        interval,
        idle: false,
    };
    stage.connect(WARM_UP_CLIENTS, CONCURRENCY)?;
    let warm_up = Series {
        window: 16,
        calls: WARM_UP_CALLS,
        seconds: stage.options.warmup,
        interval: 0.0,
        ..series.clone()
    };
    stage.series(&warm_up, WARM_UP_CLIENTS, true)?;

    stage.connect(stage.options.connections, CONCURRENCY)?;
    let receivers = stage.fleet.clients.len();
    let idle = Series { idle: true, ..series.clone() };
    // The first series with all clients is not measured.
    let mut outcome = stage.series(&series, receivers, false)?;
    outcome.restart();
    let mut empty = outcome.clone();
    for _ in 0..PAIRS {
        empty.add(&stage.series(&idle, receivers, false)?)?;
        outcome.add(&stage.series(&series, receivers, false)?)?;
    }

    let loop_cost = empty.spent.main_thread as f64 / empty.calls.max(1) as f64;
    let taken_off = (loop_cost * outcome.calls as f64) as u64;
    let mut spent = outcome.spent;
    spent.main_thread = spent.main_thread.saturating_sub(taken_off);
    let report = Report::new(outcome.calls, spent, &stage.meter, &stage.fleet)?;
    Ok(outcome.complete(report))
}
