//! One series of sends: the server program makes the calls, the clients count what arrives.

use super::{Stage, TURN, settle};
use crate::Result;
use crate::client::{Client, Scenario as Handler};
use crate::control::Control;
use crate::message::Message;
use crate::meter::Reading;
use crate::options::Series;
use crate::report::{Report, histogram};
use hdrhistogram::Histogram;
use serde_json::json;
use std::time::{Duration, Instant};

/// Sequence numbers of a series begin here, so that all have as many digits.
const FIRST_SEQUENCE: u64 = 1_000_000;
/// How long messages may still be under way after the server has made its last call.
const DRAIN: Duration = Duration::from_secs(10);

#[derive(Debug, Clone)]
pub struct Outcome {
    pub calls: u64,
    pub deliveries: u64,
    pub spent: Reading,
    pub times: Histogram<u64>,
    compressed: u64,
    lost: u64,
    misordered: u64,
    unexpected: u64,
}

impl Outcome {
    /// Forgets what a warm-up measured, but not what went wrong in it.
    pub fn restart(&mut self) {
        self.calls = 0;
        self.deliveries = 0;
        self.compressed = 0;
        self.spent = Reading::default();
        self.times.reset();
    }

    /// Adds another series to this one.
    pub fn add(&mut self, other: &Outcome) -> Result<()> {
        self.calls += other.calls;
        self.deliveries += other.deliveries;
        self.spent += other.spent;
        self.times.add(&other.times)?;
        self.compressed += other.compressed;
        self.lost += other.lost;
        self.misordered += other.misordered;
        self.unexpected += other.unexpected;
        Ok(())
    }

    /// Adds what this series saw to a report.
    pub fn complete(&self, report: Report) -> Report {
        let mut report = report.with_latency(&self.times);
        report.compressed = self.compressed;
        report.lost = self.lost;
        report.misordered = self.misordered;
        report.unexpected = self.unexpected;
        report
    }
}

impl Stage<'_> {
    /// Runs one series to its end. `receivers` is the number of clients each message must reach;
    /// with `acknowledge` the server hears of each message that has reached all of them.
    pub fn series(
        &mut self,
        series: &Series,
        receivers: usize,
        acknowledge: bool,
    ) -> Result<Outcome> {
        let clock_offset = self.control.clock_offset()?;
        for client in &mut self.fleet.clients {
            client.next_sequence = FIRST_SEQUENCE;
        }
        let mut order = serde_json::to_value(series)?;
        order["op"] = json!("series");
        order["first"] = json!(FIRST_SEQUENCE);
        settle();
        let before = self.meter.read()?;
        self.control.order(&order)?;
        let mut receiving = Receiving {
            control: acknowledge.then_some(&self.control),
            receivers: receivers as u32,
            size: series.size,
            clock_offset,
            reached: Vec::new(),
            deliveries: 0,
            compressed: 0,
            misordered: 0,
            unexpected: 0,
            times: histogram(),
        };
        let (mut calls, mut drained_by) = (None, self.deadline);
        loop {
            self.fleet.turn(TURN, &mut receiving)?;
            if let (None, Some(reply)) = (calls, self.control.try_reply()?) {
                calls = Some(reply["calls"].as_u64().ok_or("calls is a number")?);
                drained_by = self.deadline.min(Instant::now() + DRAIN);
            }
            let expected = calls.filter(|_| !series.idle).map(|calls| calls * receivers as u64);
            let complete = match (calls, expected) {
                (Some(_), None) => true,
                (_, Some(expected)) => receiving.deliveries >= expected,
                (None, None) => false,
            };
            if complete || Instant::now() >= drained_by {
                break;
            }
        }
        settle();
        let calls = calls.ok_or_else(|| format!("the series has no end; {}", self.why()))?;
        let expected = if series.idle { 0 } else { calls * receivers as u64 };
        Ok(Outcome {
            calls,
            deliveries: receiving.deliveries,
            compressed: receiving.compressed,
            spent: self.meter.since(before)?,
            lost: expected.saturating_sub(receiving.deliveries),
            misordered: receiving.misordered,
            unexpected: receiving.unexpected,
            times: receiving.times,
        })
    }
}

struct Receiving<'a> {
    control: Option<&'a Control>,
    receivers: u32,
    /// Bytes that each message has when it is inflated.
    size: usize,
    clock_offset: i64,
    /// Receivers so far of each message of the series.
    reached: Vec<u32>,
    deliveries: u64,
    compressed: u64,
    misordered: u64,
    unexpected: u64,
    times: Histogram<u64>,
}

impl Handler for Receiving<'_> {
    fn message(&mut self, client: &mut Client, message: Message, now: u64) {
        let Message::Bench { sequence, sent, size, compressed } = message else {
            self.unexpected += 1;
            return;
        };
        // The send time may have gained or lost a digit since the server chose the text's length.
        if size.abs_diff(self.size) > 2 {
            self.unexpected += 1;
        }
        if sequence != client.next_sequence {
            self.misordered += 1;
        }
        client.next_sequence = sequence + 1;
        self.deliveries += 1;
        self.compressed += u64::from(compressed);
        let sent_here = sent.saturating_add_signed(-self.clock_offset);
        // Within the clock offset's uncertainty a message may seem to arrive before it was sent.
        self.times.saturating_record(now.saturating_sub(sent_here).max(1));
        let Some(number) = sequence.checked_sub(FIRST_SEQUENCE) else {
            self.unexpected += 1;
            return;
        };
        let number = number as usize;
        if self.reached.len() <= number {
            self.reached.resize(number + 1, 0);
        }
        self.reached[number] += 1;
        if self.reached[number] == self.receivers
            && let Some(control) = self.control
        {
            control.acknowledge();
        }
    }

    fn closed(&mut self, _: &Client) -> bool {
        self.unexpected += 1;
        false
    }
}
