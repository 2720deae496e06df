//! Storms of connections: how much does one cost up to the server's first message?

use super::Stage;
use crate::Result;
use crate::meter::Reading;
use crate::report::{Report, histogram};

/// The first storms of a JavaScript server cost up to twice the later ones.
const WARM_UP: u32 = 2;
const STORMS: u32 = 12;

pub fn play(stage: &mut Stage<'_>, concurrency: usize) -> Result<Report> {
    let count = stage.options.connections;
    let mut spent = Reading::default();
    let mut times = histogram();
    let mut units = 0;
    for storm in 0..STORMS {
        let before = stage.meter.read()?;
        let latencies = stage.connect(count, concurrency)?;
        if storm >= WARM_UP {
            spent += stage.meter.since(before)?;
            times.add(&latencies)?;
            units += count as u64;
        }
        stage.disconnect()?;
        if storm >= WARM_UP && spent.wall as f64 >= stage.options.seconds * 1e9 {
            break;
        }
    }
    Ok(Report::new(units, spent, &stage.meter, &stage.fleet)?.with_latency(&times))
}
