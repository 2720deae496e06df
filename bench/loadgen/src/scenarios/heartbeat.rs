//! Heartbeats and their answers, with a fixed number under way per client.

use super::{CONCURRENCY, Stage, request};
use crate::Result;
use crate::client::{Client, Scenario as Handler};
use crate::message::Message;
use crate::meter::now;
use crate::report::{Report, histogram};
use hdrhistogram::Histogram;
use std::time::Instant;

pub fn play(stage: &mut Stage<'_>, in_flight: usize) -> Result<Report> {
    stage.connect(stage.options.connections, CONCURRENCY)?;
    let mut beating = Beating {
        frame: request("heartbeat", "{}"),
        stopping: false,
        answers: 0,
        under_way: 0,
        unexpected: 0,
        times: histogram(),
    };
    let begun = now();
    for client in &mut stage.fleet.clients {
        for _ in 0..in_flight {
            client.queue(&beating.frame);
            client.heartbeats.push_back(begun);
        }
        client.flush()?;
    }
    beating.under_way = (stage.fleet.clients.len() * in_flight) as u64;

    let warm = stage.end_of(stage.options.warmup);
    stage.turn_until(&mut beating, "warm-up", |_| Instant::now() >= warm)?;
    beating.answers = 0;
    beating.times.reset();
    let before = stage.meter.read()?;
    let end = stage.end_of(stage.options.seconds);
    stage.turn_until(&mut beating, "heartbeats", |_| Instant::now() >= end)?;
    let spent = stage.meter.since(before)?;
    let (answers, times) = (beating.answers, beating.times.clone());

    beating.stopping = true;
    stage.turn_until(&mut beating, "last answers", |beating| beating.under_way == 0)?;
    let mut report = Report::new(answers, spent, &stage.meter, &stage.fleet)?.with_latency(&times);
    report.unexpected = beating.unexpected;
    Ok(report)
}

struct Beating {
    frame: Vec<u8>,
    stopping: bool,
    answers: u64,
    under_way: u64,
    unexpected: u64,
    times: Histogram<u64>,
}

impl Handler for Beating {
    fn message(&mut self, client: &mut Client, message: Message, now: u64) {
        let Some(sent) = client.heartbeats.pop_front().filter(|_| message == Message::Heartbeat)
        else {
            self.unexpected += 1;
            return;
        };
        self.answers += 1;
        self.times.saturating_record(now - sent);
        if self.stopping {
            self.under_way -= 1;
        } else {
            client.queue(&self.frame);
            client.heartbeats.push_back(now);
        }
    }

    fn closed(&mut self, _: &Client) -> bool {
        self.unexpected += 1;
        false
    }
}
