//! Inflation and compression: no output is over the limit, pieces give what the whole gives, and
//! what was compressed comes back.

use std::io::Read;

use flate2::bufread::DeflateDecoder;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::{Input, pieces};
use crate::ws::close::Violation;
use crate::ws::deflate::{self, Compressor, Inflaters, Inflation, Window, max_compressed};

/// What a sync flush ends with, and is left out on the wire.
const FLUSH_TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// How often a client flushes in one message, at the most.
const MOST_FLUSHES: usize = 64;

/// Steered by: what to do with the rest, with which level, window and flush; the limit; the
/// pieces. Then bytes that claim to be compressed, or a message to compress.
pub fn check(data: &[u8]) {
    let mut input = Input(data);
    let (what, how, limit, sizes) = (input.byte(), input.byte(), input.number(), input.sizes());
    let rest = input.rest();
    match what % 3 {
        0 => any_bytes(rest, &sizes, limit),
        1 => comes_back(rest, u32::from(how % 9) + 1, 9 + how / 9 % 7, &sizes),
        _ => {
            // Whoever flushes more often makes messages longer than they have to be.
            let least = rest.len().div_ceil(MOST_FLUSHES);
            let parts: Vec<_> = sizes.iter().map(|&size| size.max(least)).collect();
            let parts: Vec<_> = pieces(rest, &parts).collect();
            let compressed = client_compress(&parts, u32::from(how % 10), how >= 128);
            assert!(compressed.len() <= max_compressed(rest.len()));
            assert_eq!(inflate(&compressed, &sizes, rest.len()).as_deref(), Ok(rest));
        }
    }
}

/// Whatever the bytes, the limit holds; and the next message does not suffer from them.
fn any_bytes(bytes: &[u8], sizes: &[usize], limit: usize) {
    let Ok(message) = inflate(bytes, sizes, limit) else {
        return;
    };
    assert!(message.len() <= limit, "{} bytes of {limit}", message.len());
    // flate2's reader drives the inflater in another way. It ends with the first final block,
    // behind which a message may go on.
    let stream = [bytes, &FLUSH_TAIL, &[1, 0, 0, 0xff, 0xff]].concat();
    let mut first = Vec::new();
    let mut reader = DeflateDecoder::new(&stream[..]).take(message.len() as u64 + 1);
    reader.read_to_end(&mut first).expect("what was inflated is a deflate stream");
    assert!(message.starts_with(&first), "flate2's reader gives another message");
}

/// A message that the server compresses for a client's window comes back within that window.
pub(in crate::ws) fn comes_back(message: &[u8], level: u32, bits: u8, sizes: &[usize]) {
    let mut compressor = Compressor::new(level);
    let Some(compressed) = compressor.compress(message, window(bits)) else {
        return;
    };
    assert!(compressed.len() < message.len());
    assert_eq!(inflate_within(compressed, bits), message);
    assert_eq!(inflate(compressed, sizes, message.len()).as_deref(), Ok(message));
    assert_eq!(inflate(compressed, sizes, message.len() - 1), Err(Violation::TooBig));
}

/// Inflates in pieces of these sizes, and as a whole: both must agree.
pub(in crate::ws) fn inflate(
    compressed: &[u8],
    sizes: &[usize],
    limit: usize,
) -> Result<Vec<u8>, Violation> {
    let mut inflaters = Inflaters::default();
    let whole = inflaters.inflate(compressed, limit);
    // By the same inflaters: neither message knows of the other.
    let mut inflation = Inflation::default();
    let in_pieces = pieces(compressed, sizes)
        .try_for_each(|piece| {
            let pushed = inflation.push(piece, &mut inflaters, limit);
            assert!(inflation.capacity() <= Inflation::most_capacity(limit));
            pushed
        })
        .and_then(|()| inflation.finish(&mut inflaters, limit));
    assert_eq!(in_pieces, whole, "pieces of {sizes:?}");
    whole
}

/// Inflates with no more than `bits` of window: so little output at a time that all distances
/// reach into the window and not into the output.
pub(in crate::ws) fn inflate_within(compressed: &[u8], bits: u8) -> Vec<u8> {
    let mut stream = Decompress::new_with_window_bits(false, bits);
    let bytes = [compressed, &FLUSH_TAIL].concat();
    let mut message = Vec::new();
    loop {
        let mut out = [0; 16];
        let before = (stream.total_in(), stream.total_out());
        let rest = &bytes[before.0 as usize..];
        let status = stream.decompress(rest, &mut out, FlushDecompress::Sync).expect("deflate");
        let written = (stream.total_out() - before.1) as usize;
        message.extend_from_slice(&out[..written]);
        if status == Status::BufError || before == (stream.total_in(), stream.total_out()) {
            return message;
        }
    }
}

/// A message as a client compresses it: in parts, each flushed, the last one perhaps by a final
/// block.
pub(in crate::ws) fn client_compress(parts: &[&[u8]], level: u32, last: bool) -> Vec<u8> {
    let mut stream = Compress::new(Compression::new(level), false);
    let len: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(len + len / 8 + 64 * (parts.len() + 2));
    for part in parts {
        stream.compress_vec(part, &mut out, FlushCompress::Sync).expect("room for all");
    }
    if last {
        stream.compress_vec(&[], &mut out, FlushCompress::Finish).expect("room for all");
    } else if parts.is_empty() {
        stream.compress_vec(&[], &mut out, FlushCompress::Sync).expect("room for all");
    }
    assert!(out.len() < out.capacity());
    if !last && out.ends_with(&FLUSH_TAIL) {
        out.truncate(out.len() - FLUSH_TAIL.len());
    }
    out
}

/// The window of a client that asks for one.
fn window(bits: u8) -> Window {
    let offer = format!("permessage-deflate; server_max_window_bits={bits}");
    let agreement = deflate::negotiate([offer.as_bytes()].into_iter());
    agreement.ok().flatten().expect("a good offer").window
}
