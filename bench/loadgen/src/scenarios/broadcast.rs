//! Broadcasts to everybody, or to a topic or room that a tenth of the clients joined.

use super::{CONCURRENCY, GROUP, Stage};
use crate::Result;
use crate::options::{Audience, Series};
use crate::report::Report;

#[derive(Debug)]
pub struct Shape {
    pub audience: Audience,
    pub size: usize,
    pub window: u64,
    pub batch: u64,
    pub interval: f64,
}

pub fn play(stage: &mut Stage<'_>, shape: &Shape) -> Result<Report> {
    stage.connect(stage.options.connections, CONCURRENCY)?;
    let receivers = stage.join(shape.audience)?;
    let series = Series {
        audience: shape.audience,
        group: GROUP,
        size: shape.size,
        window: shape.window,
        batch: shape.batch,
        calls: u64::MAX >> 12,
        seconds: stage.options.warmup,
        interval: shape.interval,
        idle: false,
    };
    let mut outcome = stage.series(&series, receivers, true)?;
    outcome.restart();
    let measured = Series { seconds: stage.options.seconds, ..series };
    outcome.add(&stage.series(&measured, receivers, true)?)?;
    let report = Report::new(outcome.deliveries, outcome.spent, &stage.meter, &stage.fleet)?;
    Ok(outcome.complete(report))
}
