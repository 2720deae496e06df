//! What a connection that says nothing costs in memory.

use super::Stage;
use crate::Result;
use crate::report::Report;
use serde_json::json;
use std::time::Duration;

/// Connections of the warm-up: code is compiled and pools exist before the first reading.
const WARM_UP: usize = 200;
/// Allocators give pages back with a delay.
const SETTLE: Duration = Duration::from_millis(1500);

pub fn play(stage: &mut Stage<'_>, concurrency: usize) -> Result<Report> {
    stage.connect(WARM_UP, concurrency)?;
    stage.disconnect()?;
    let before = resident(stage)?;
    let reading = stage.meter.read()?;
    let count = stage.options.connections;
    let times = stage.connect(count, concurrency)?;
    let spent = stage.meter.since(reading)?;
    let growth = resident(stage)? as f64 - before as f64;
    let mut report =
        Report::new(count as u64, spent, &stage.meter, &stage.fleet)?.with_latency(&times);
    report.resident_bytes = Some(growth / count as f64);
    report.lost = (count as u64).saturating_sub(stage.control.connections()? as u64);
    Ok(report)
}

/// Resident memory when garbage is collected and nothing moves.
fn resident(stage: &Stage<'_>) -> Result<u64> {
    stage.control.ask(&json!({ "op": "gc" }))?;
    std::thread::sleep(SETTLE);
    stage.meter.resident()
}
