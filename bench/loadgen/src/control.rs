//! The control channel to the server program: one TCP connection, JSON lines in both directions.
//!
//! While a series of sends runs, the server takes each byte as "one more message has reached all
//! its receivers". That costs it nothing to parse, so pacing the sender hardly shows in its CPU.

use crate::Result;
use crate::meter::now;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::Duration;

#[derive(Debug)]
pub struct Control {
    stream: TcpStream,
    replies: Receiver<String>,
}

impl Control {
    pub fn connect(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        let reader = BufReader::new(stream.try_clone()?);
        let (sender, replies) = channel();
        // A reader of its own lets the clients' loop look for a reply without waiting for one.
        std::thread::spawn(move || {
            for line in reader.lines().map_while(std::io::Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Self { stream, replies })
    }

    pub fn order(&self, request: &Value) -> Result<()> {
        (&self.stream).write_all(format!("{request}\n").as_bytes())?;
        Ok(())
    }

    pub fn acknowledge(&self) {
        // A server that went away shows itself by the reply that never comes.
        let _ = (&self.stream).write_all(b".");
    }

    pub fn try_reply(&self) -> Result<Option<Value>> {
        match self.replies.try_recv() {
            Ok(line) => Ok(Some(serde_json::from_str(&line)?)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err("the server closed the control channel".into()),
        }
    }

    pub fn ask(&self, request: &Value) -> Result<Value> {
        self.order(request)?;
        let line = self.replies.recv_timeout(Duration::from_secs(20));
        Ok(serde_json::from_str(&line.map_err(|_| format!("no reply to {request}"))?)?)
    }

    /// Connections that the server counts.
    pub fn connections(&self) -> Result<usize> {
        let reply = self.ask(&json!({ "op": "count" }))?;
        Ok(reply["connections"].as_u64().ok_or("a count is a number")? as usize)
    }

    /// How far the server's clock is ahead of ours in ns. Its zero differs between runtimes. The
    /// quickest of a few round trips tells it to some 20 µs.
    pub fn clock_offset(&self) -> Result<i64> {
        let mut best = (u64::MAX, 0);
        for _ in 0..32 {
            let before = now();
            let reply = self.ask(&json!({ "op": "clock" }))?;
            let after = now();
            let clock = reply["clock"].as_i64().ok_or("a clock is a number")?;
            best = best.min((after - before, clock - ((before + after) / 2) as i64));
        }
        Ok(best.1)
    }
}
