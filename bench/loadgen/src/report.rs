//! What one scenario measured: the one line that the load generator prints.

use crate::Result;
use crate::fleet::Fleet;
use crate::meter::{Meter, Reading};
use hdrhistogram::Histogram;
use serde::Serialize;

/// Latencies in ns up to a minute, to three digits.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("the bounds are valid")
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// What the CPU time is divided by: deliveries, round trips, connections, cycles or calls.
    pub units: u64,
    /// CPU µs of the server process per unit, all threads.
    pub cpu_us: f64,
    /// The same of its main thread.
    pub main_thread_us: f64,
    /// The same of the load generator: if it is the busier one, it sets the pace.
    pub load_us: f64,
    pub wall_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
    /// Growth of resident memory per unit in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resident_bytes: Option<f64>,
    /// Of the units, how many came compressed.
    pub compressed: u64,
    /// Messages that did not come, came out of order, or were not expected at all.
    pub lost: u64,
    pub misordered: u64,
    pub unexpected: u64,
    pub fault_count: u64,
    pub faults: Vec<String>,
    pub server_threads: usize,
}

/// µs
#[derive(Debug, Serialize)]
pub struct Latency {
    pub p50: f64,
    pub p99: f64,
    pub max: f64,
}

impl Report {
    pub fn new(units: u64, spent: Reading, meter: &Meter, fleet: &Fleet) -> Result<Self> {
        let per_unit = |ns: u64| ns as f64 / 1000.0 / units.max(1) as f64;
        Ok(Self {
            units,
            cpu_us: per_unit(spent.cpu),
            main_thread_us: per_unit(spent.main_thread),
            load_us: per_unit(spent.load),
            wall_ms: spent.wall as f64 / 1e6,
            latency: None,
            resident_bytes: None,
            compressed: 0,
            lost: 0,
            misordered: 0,
            unexpected: 0,
            fault_count: fleet.fault_count,
            faults: fleet.faults.clone(),
            server_threads: meter.threads()?,
        })
    }

    pub fn with_latency(mut self, times: &Histogram<u64>) -> Self {
        let at = |quantile: f64| times.value_at_quantile(quantile) as f64 / 1000.0;
        self.latency = Some(Latency { p50: at(0.5), p99: at(0.99), max: at(1.0) });
        self
    }
}
