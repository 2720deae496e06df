//! The scenarios, and what they have in common.

mod broadcast;
mod connect;
mod cycle;
mod idle;
mod js_thread;
mod round_trips;
mod series;

use self::round_trips::Talk;
use crate::Result;
use crate::client::{Client, Scenario as Handler};
use crate::control::Control;
use crate::fleet::Fleet;
use crate::frames;
use crate::message::Message;
use crate::meter::Meter;
use crate::options::{Audience, Options, Scenario};
use crate::report::{Report, histogram};
use hdrhistogram::Histogram;
use std::time::{Duration, Instant};

/// The longest wait for events: how soon a loop notices a reply or its deadline.
const TURN: Duration = Duration::from_millis(5);
/// Handshakes under way while a scenario's clients connect before anything is measured.
const CONCURRENCY: usize = 100;
/// The name of the topic or room that is sent to, and one client in how many joins it.
const GROUP: &str = "bench";
const EVERY: usize = 10;

/// A running contestant and the clients that load it.
#[derive(Debug)]
struct Stage<'a> {
    options: &'a Options,
    control: Control,
    meter: Meter,
    fleet: Fleet,
    deadline: Instant,
}

pub fn play(options: &Options) -> Result<Report> {
    let mut stage = Stage {
        options,
        control: Control::connect(options.control)?,
        meter: Meter::new(options.pid)?,
        fleet: Fleet::new(options.port, &options.path, options.deflate)?,
        deadline: options.deadline_from_now(),
    };
    match &options.scenario {
        Scenario::Broadcast { audience, size, window, batch, interval } => {
            let shape = broadcast::Shape {
                audience: *audience,
                size: *size,
                window: *window,
                batch: *batch,
                interval: *interval,
            };
            broadcast::play(&mut stage, &shape)
        }
        Scenario::Heartbeat { in_flight } => {
            round_trips::play(&mut stage, Talk::heartbeat(), *in_flight)
        }
        Scenario::Echo { in_flight, size } => {
            round_trips::play(&mut stage, Talk::Echo(*size), *in_flight)
        }
        Scenario::Connect { concurrency } => connect::play(&mut stage, *concurrency),
        Scenario::Cycle { concurrency, limit } => cycle::play(&mut stage, *concurrency, *limit),
        Scenario::Idle { concurrency } => idle::play(&mut stage, *concurrency),
        Scenario::JsThread { size, interval, calls } => {
            js_thread::play(&mut stage, *size, *interval, *calls)
        }
    }
}

impl Stage<'_> {
    /// Turns the loop until `done`, or fails at the deadline.
    fn turn_until<H: Handler>(
        &mut self,
        handler: &mut H,
        what: &str,
        mut done: impl FnMut(&mut H) -> bool,
    ) -> Result<()> {
        while !done(handler) {
            self.fleet.turn(TURN, handler)?;
            if Instant::now() >= self.deadline {
                return Err(format!("{what}: not done by the deadline; {}", self.why()).into());
            }
        }
        Ok(())
    }

    fn why(&self) -> String {
        format!("{} faults {:?}", self.fleet.fault_count, self.fleet.faults)
    }

    /// Connects clients until there are `count`, at most `concurrency` handshakes at a time, and
    /// gives the times from each connect to the server's first message.
    fn connect(&mut self, count: usize, concurrency: usize) -> Result<Histogram<u64>> {
        let mut opening = Opening { welcomed: 0, closed: 0, times: histogram() };
        let target = count - self.fleet.clients.len();
        let mut begun = 0;
        while opening.welcomed < target {
            while begun < target && begun - opening.welcomed < concurrency {
                self.fleet.connect_one()?;
                begun += 1;
            }
            self.fleet.turn(TURN, &mut opening)?;
            if opening.closed > 0 || Instant::now() >= self.deadline {
                let welcomed = opening.welcomed;
                return Err(format!("{welcomed} of {target} connected; {}", self.why()).into());
            }
        }
        Ok(opening.times)
    }

    /// Lets a tenth of the clients join the group, waits for all answers, and tells how many
    /// clients a message to this audience must reach.
    fn join(&mut self, audience: Audience) -> Result<usize> {
        let frame = match audience {
            Audience::Everybody => return Ok(self.fleet.clients.len()),
            Audience::Topic => request("subscribe", &format!(r#"{{"topic":"{GROUP}"}}"#)),
            Audience::Room => request("join_room", &format!(r#"{{"room":"{GROUP}"}}"#)),
        };
        let target = self.fleet.send(&frame, |index| index.is_multiple_of(EVERY));
        let mut joining = Joining { answers: 0 };
        self.turn_until(&mut joining, "joining", |joining| joining.answers == target)?;
        Ok(target)
    }

    /// Lets all clients go and waits until the server has noticed.
    fn disconnect(&mut self) -> Result<()> {
        self.fleet.abandon();
        self.wait_until_empty()
    }

    fn wait_until_empty(&self) -> Result<()> {
        while self.control.connections()? > 0 {
            if Instant::now() >= self.deadline {
                return Err("the server keeps connections that have gone".into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    fn end_of(&self, seconds: f64) -> Instant {
        self.deadline.min(Instant::now() + Duration::from_secs_f64(seconds))
    }
}

/// An encoded client message of the wire.
fn request(kind: &str, payload: &str) -> Vec<u8> {
    let text = format!(r#"{{"type":"{kind}","payload":{payload}}}"#);
    frames::encode(frames::TEXT, text.as_bytes())
}

struct Opening {
    welcomed: usize,
    closed: usize,
    times: Histogram<u64>,
}

impl Handler for Opening {
    fn message(&mut self, client: &mut Client, message: Message, now: u64) {
        if message == Message::Welcome {
            self.welcomed += 1;
            self.times.saturating_record(now - client.begun);
        }
    }

    fn closed(&mut self, _: &Client) -> bool {
        self.closed += 1;
        false
    }
}

struct Joining {
    answers: usize,
}

impl Handler for Joining {
    fn message(&mut self, _: &mut Client, message: Message, _: u64) {
        self.answers += usize::from(message == Message::Joined);
    }

    fn closed(&mut self, _: &Client) -> bool {
        false
    }
}

/// Gives the server's threads the moment they need to fall asleep, so that their clocks are exact.
fn settle() {
    std::thread::sleep(Duration::from_millis(30));
}
