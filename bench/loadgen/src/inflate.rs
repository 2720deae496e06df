//! Inflation of a server's compressed messages (permessage-deflate, RFC 7692).
//!
//! The load generator must not set the pace, and a broadcast means a thousand messages to inflate.
//! A server that compresses each message by itself sends all its receivers the same bytes: what is
//! byte for byte the message that was inflated last is that message, and is not inflated again. So
//! each message is still looked at in full. Only a server that keeps its window between messages
//! makes each receiver's bytes different, and each has to be inflated.

use crate::frames::Takeover;
use flate2::{Decompress, FlushDecompress, Status};

/// What a sync flush ends with and the sender leaves out (RFC 7692, section 7.2.1).
const FLUSH_TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
/// More than any message of the benchmark, so that a server's fault does not take all memory.
const MAX_MESSAGE: usize = 1024 * 1024;

/// Inflates messages that were compressed by themselves, for all clients in turn.
#[derive(Debug)]
pub struct Inflater {
    stream: Decompress,
    /// The message inflated last, as it came.
    compressed: Vec<u8>,
    message: Vec<u8>,
}

/// What one connection agreed on.
#[derive(Debug, Default)]
pub enum Connection {
    #[default]
    Plain,
    Alone,
    /// The server keeps its window, so the client has to.
    Kept(Box<Decompress>),
}

impl Connection {
    pub fn new(takeover: Option<Takeover>) -> Self {
        match takeover {
            None => Self::Plain,
            Some(Takeover::None) => Self::Alone,
            Some(Takeover::Server) => Self::Kept(Box::new(Decompress::new(false))),
        }
    }
}

impl Inflater {
    pub fn new() -> Self {
        Self { stream: Decompress::new(false), compressed: Vec::new(), message: Vec::new() }
    }

    /// Inflates a whole message of this connection.
    pub fn inflate(
        &mut self,
        connection: &mut Connection,
        compressed: &[u8],
    ) -> Result<&[u8], String> {
        let stream = match connection {
            Connection::Plain => return Err("a message is compressed without leave".to_owned()),
            Connection::Kept(stream) => {
                // The message that is remembered for other connections is overwritten.
                self.compressed.clear();
                stream
            }
            Connection::Alone if !compressed.is_empty() && self.compressed == compressed => {
                return Ok(&self.message);
            }
            Connection::Alone => {
                self.compressed.clear();
                self.compressed.extend_from_slice(compressed);
                self.stream.reset(false);
                &mut self.stream
            }
        };
        self.message.clear();
        let inflated = run(stream, compressed, &mut self.message)
            .and_then(|()| run(stream, &FLUSH_TAIL, &mut self.message));
        if inflated.is_err() {
            self.compressed.clear();
        }
        inflated.map(|()| self.message.as_slice())
    }
}

fn run(stream: &mut Decompress, mut input: &[u8], message: &mut Vec<u8>) -> Result<(), String> {
    loop {
        if message.len() == message.capacity() {
            if message.len() >= MAX_MESSAGE {
                return Err("a message is too long when it is inflated".to_owned());
            }
            message.reserve(message.len().max(16 * 1024));
        }
        let before = stream.total_in();
        let status = stream
            .decompress_vec(input, message, FlushDecompress::Sync)
            .map_err(|error| format!("a message cannot be inflated: {error}"))?;
        input = &input[(stream.total_in() - before) as usize..];
        if status == Status::StreamEnd {
            return Err("a message ends its deflate stream".to_owned());
        }
        if input.is_empty() && message.len() < message.capacity() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compress, Compression, FlushCompress};

    fn compress(stream: &mut Compress, message: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(message.len() + 100);
        stream.compress_vec(message, &mut out, FlushCompress::Sync).expect("it compresses");
        out.strip_suffix(&FLUSH_TAIL).expect("a flush").to_vec()
    }

    #[test]
    fn messages_by_themselves_share_an_inflater() {
        let mut inflater = Inflater::new();
        let large = b"price 17 ".repeat(20_000);
        for message in [&b"one"[..], b"one", &large, b"two"] {
            let wire = compress(&mut Compress::new(Compression::new(6), false), message);
            for _ in 0..2 {
                let mut connection = Connection::new(Some(Takeover::None));
                assert_eq!(inflater.inflate(&mut connection, &wire), Ok(message));
            }
        }
    }

    #[test]
    fn a_kept_window_is_the_connections_own() {
        let mut inflater = Inflater::new();
        let mut alone = Connection::new(Some(Takeover::None));
        let by_itself = compress(&mut Compress::new(Compression::new(6), false), b"by itself");
        let mut kept = Connection::new(Some(Takeover::Server));
        let mut stream = Compress::new(Compression::new(6), false);
        for _ in 0..3 {
            let wire = compress(&mut stream, b"the same message again");
            assert_eq!(inflater.inflate(&mut kept, &wire), Ok(&b"the same message again"[..]));
            assert_eq!(inflater.inflate(&mut alone, &by_itself), Ok(&b"by itself"[..]));
        }
    }

    #[test]
    fn what_is_no_deflate_or_was_not_agreed_on_is_a_fault() {
        let mut inflater = Inflater::new();
        assert!(inflater.inflate(&mut Connection::Alone, b"\xff\xff\xff").is_err());
        assert!(inflater.inflate(&mut Connection::Plain, b"\0").is_err());
    }
}
