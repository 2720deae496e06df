//! Messages and their answers, with a fixed number under way per client.

use super::{CONCURRENCY, Stage, request};
use crate::Result;
use crate::client::{Client, Scenario as Handler};
use crate::frames;
use crate::message::Message;
use crate::meter::now;
use crate::report::{Report, histogram};
use hdrhistogram::Histogram;
use std::time::Instant;

/// What the clients say.
#[derive(Debug)]
pub enum Talk {
    /// Heartbeats, all the same: an encoded frame.
    Heartbeat(Vec<u8>),
    /// Numbered messages of this size, which come back as they are.
    Echo(usize),
}

impl Talk {
    pub fn heartbeat() -> Self {
        Self::Heartbeat(request("heartbeat", "{}"))
    }

    /// Queues the next message. A client's `next_sequence` is that of the next echo.
    fn say(&self, client: &mut Client, now: u64) {
        match self {
            Self::Heartbeat(frame) => client.queue(frame),
            &Self::Echo(size) => {
                let sequence = client.next_sequence + client.under_way.len() as u64;
                let json = format!(r#"{{"type":"bench","payload":{{"seq":{sequence},"sent":0}}}}"#);
                // Blanks behind it are JSON too.
                let text = format!("{json:<size$}");
                client.queue(&frames::encode(frames::TEXT, text.as_bytes()));
            }
        }
        client.under_way.push_back(now);
    }

    fn is_answer(&self, client: &mut Client, message: Message) -> bool {
        match (self, message) {
            (Self::Heartbeat(_), Message::Heartbeat) => true,
            (&Self::Echo(expected), Message::Bench { sequence, size, .. }) => {
                let due = std::mem::replace(&mut client.next_sequence, sequence + 1);
                sequence == due && size == expected
            }
            _ => false,
        }
    }
}

pub fn play(stage: &mut Stage<'_>, talk: Talk, in_flight: usize) -> Result<Report> {
    stage.connect(stage.options.connections, CONCURRENCY)?;
    let begun = now();
    for client in &mut stage.fleet.clients {
        for _ in 0..in_flight {
            talk.say(client, begun);
        }
        client.flush()?;
    }
    let under_way = (stage.fleet.clients.len() * in_flight) as u64;
    let times = histogram();
    let mut talking =
        Talking { talk, stopping: false, answers: 0, under_way, unexpected: 0, times };

    let warm = stage.end_of(stage.options.warmup);
    stage.turn_until(&mut talking, "warm-up", |_| Instant::now() >= warm)?;
    talking.answers = 0;
    talking.times.reset();
    let before = stage.meter.read()?;
    let end = stage.end_of(stage.options.seconds);
    stage.turn_until(&mut talking, "round trips", |_| Instant::now() >= end)?;
    let spent = stage.meter.since(before)?;
    let (answers, times) = (talking.answers, talking.times.clone());

    talking.stopping = true;
    stage.turn_until(&mut talking, "last answers", |talking| talking.under_way == 0)?;
    let mut report = Report::new(answers, spent, &stage.meter, &stage.fleet)?.with_latency(&times);
    report.unexpected = talking.unexpected;
    Ok(report)
}

struct Talking {
    talk: Talk,
    stopping: bool,
    answers: u64,
    under_way: u64,
    unexpected: u64,
    times: Histogram<u64>,
}

impl Handler for Talking {
    fn message(&mut self, client: &mut Client, message: Message, now: u64) {
        let right = self.talk.is_answer(client, message);
        let Some(sent) = client.under_way.pop_front().filter(|_| right) else {
            self.unexpected += 1;
            return;
        };
        self.answers += 1;
        self.times.saturating_record(now - sent);
        if self.stopping {
            self.under_way -= 1;
        } else {
            self.talk.say(client, now);
        }
    }

    fn closed(&mut self, _: &Client) -> bool {
        self.unexpected += 1;
        false
    }
}
