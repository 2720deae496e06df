//! A socket on its way to the shard that will own it: one that was accepted here, or one that the
//! host's own server accepted and whose request it has read.

use super::handshake::{self, Head, Header, Refusal, Request, Rules};
use super::transport::Carrier;

/// A socket that comes to a shard.
#[derive(Debug)]
pub struct Arrival {
    pub carrier: Carrier,
    /// Its number, by which the host can speak of it. Sockets that were accepted here get one at the
    /// shard.
    pub serial: u64,
    /// What the host has read of it.
    pub given: Option<Box<Given>>,
}

/// A request that the host's server has parsed, and the bytes that it has read behind it.
#[derive(Debug)]
pub struct Given {
    pub method: String,
    pub url: String,
    pub http_1_1: bool,
    /// Names and values in order, the values as bytes.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Frames already, though nobody has answered yet.
    pub rest: Vec<u8>,
    /// What the host has judged of the request's origin by its own rules, if it has.
    pub origin_allowed: Option<bool>,
}

impl Given {
    /// Judges the request as if it had been read here.
    pub fn judge(&self, rules: Rules<'_>) -> Result<Request, Refusal> {
        let headers = self.headers.iter().map(|(name, value)| Header { name, value });
        let headers: Vec<_> = headers.collect();
        let head = Head {
            method: &self.method,
            url: &self.url,
            http_1_1: self.http_1_1,
            headers: &headers,
        };
        handshake::judge(&head, rules)
    }
}
