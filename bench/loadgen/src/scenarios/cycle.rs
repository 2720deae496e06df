//! Clients that connect, subscribe, close with the closing handshake, and begin again.

use super::{GROUP, Stage, request};
use crate::Result;
use crate::client::{Client, Phase, Scenario as Handler};
use crate::message::Message;
use crate::meter::now;
use crate::report::{Report, histogram};
use hdrhistogram::Histogram;
use std::time::Instant;

/// `limit` bounds the cycles of the measured part: each leaves a port in TIME_WAIT.
pub fn play(stage: &mut Stage<'_>, concurrency: usize, limit: u64) -> Result<Report> {
    let mut cycling = Cycling {
        subscribe: request("subscribe", &format!(r#"{{"topic":"{GROUP}"}}"#)),
        stopping: false,
        cycles: 0,
        finished: 0,
        unexpected: 0,
        times: histogram(),
    };
    for _ in 0..concurrency {
        stage.fleet.connect_one()?;
    }
    let warm = stage.end_of(stage.options.warmup);
    let warm_limit = limit / 4;
    stage.turn_until(&mut cycling, "warm-up", |cycling| {
        Instant::now() >= warm || cycling.cycles >= warm_limit
    })?;
    cycling.cycles = 0;
    cycling.times.reset();
    let before = stage.meter.read()?;
    let end = stage.end_of(stage.options.seconds);
    stage.turn_until(&mut cycling, "cycles", |cycling| {
        Instant::now() >= end || cycling.cycles >= limit
    })?;
    let spent = stage.meter.since(before)?;
    let (cycles, times) = (cycling.cycles, cycling.times.clone());

    cycling.stopping = true;
    let last = concurrency;
    stage.turn_until(&mut cycling, "last cycles", |cycling| cycling.finished == last)?;
    let mut report = Report::new(cycles, spent, &stage.meter, &stage.fleet)?.with_latency(&times);
    report.unexpected = cycling.unexpected;
    stage.wait_until_empty()?;
    Ok(report)
}

struct Cycling {
    subscribe: Vec<u8>,
    stopping: bool,
    cycles: u64,
    finished: usize,
    unexpected: u64,
    times: Histogram<u64>,
}

impl Handler for Cycling {
    fn message(&mut self, client: &mut Client, message: Message, _: u64) {
        match (message, client.phase) {
            (Message::Welcome, Phase::Open) => client.queue(&self.subscribe),
            (Message::Joined, Phase::Open) => client.queue_close(),
            _ => self.unexpected += 1,
        }
    }

    fn closed(&mut self, client: &Client) -> bool {
        self.cycles += 1;
        self.times.saturating_record(now() - client.begun);
        self.finished += usize::from(self.stopping);
        !self.stopping
    }
}
