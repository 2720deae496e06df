//! The decoder: what it gives is what a plain reading of RFC 6455 gives, however TCP cut the
//! stream; it holds no more than the limit of a message allows, and takes all that it is given.

use std::borrow::Cow;

use super::{Input, pieces};
use crate::ws::close::{self, Violation};
use crate::ws::decoder::{Decoder, Item, Terms};
use crate::ws::deflate::Inflaters;
use crate::ws::frame::{self, MAX_CLIENT_HEADER, Opcode};

/// Steered by: whether compression is negotiated, the limit of a message, the reads. Then the
/// stream.
pub fn check(data: &[u8]) {
    let mut input = Input(data);
    let held_to = Limits { compression: input.byte() & 1 != 0, max_payload: input.number() };
    let reads = input.sizes();
    agrees_in_any_cut(input.rest(), &reads, held_to);
}

/// What a client is held to.
#[derive(Clone, Copy, Debug)]
pub(in crate::ws) struct Limits {
    pub compression: bool,
    pub max_payload: usize,
}

impl Limits {
    fn terms(self, inflaters: &mut Inflaters) -> Terms<'_> {
        Terms { max_payload: self.max_payload, compression: self.compression, inflaters, crumbs: 0 }
    }
}

/// What a decoder gave for a stream.
#[derive(Debug, PartialEq)]
pub(in crate::ws) struct Decoded {
    pub items: Vec<Item<'static>>,
    pub violation: Option<Violation>,
    pub idle: bool,
}

/// Decodes in one read, in these reads, and byte by byte: all must agree. Gives what came out of
/// the one read.
pub(in crate::ws) fn agrees_in_any_cut(stream: &[u8], reads: &[usize], limits: Limits) -> Decoded {
    let whole = decode(stream, &[], limits);
    for reads in [reads, &[1]] {
        assert_eq!(decode(stream, reads, limits), whole, "reads of {reads:?}");
    }
    if whole.violation.is_none() {
        assert_eq!(whole.items, items_of(stream, limits));
    }
    for item in &whole.items {
        comes_back(item, limits);
    }
    whole
}

/// What a stream without a violation holds, read in the plainest way: frame by frame, none of them
/// cut. What stands behind the last whole message is no item.
fn items_of(mut stream: &[u8], limits: Limits) -> Vec<Item<'static>> {
    let mut items = Vec::new();
    // The first byte of the open message, and its bytes.
    let mut open: Option<(u8, Vec<u8>)> = None;
    while let Some((first, payload)) = take_frame(&mut stream) {
        let opcode = first & 0x0f;
        match opcode {
            0x8 => items.push(Item::Close(close::parse_close_payload(&payload).expect("valid"))),
            0x9 => items.push(Item::Ping(payload.into())),
            0xa => items.push(Item::Pong(payload.into())),
            0x0 => open.as_mut().expect("a message to go on with").1.extend(payload),
            0x1 | 0x2 => assert!(open.replace((first, payload)).is_none(), "one at a time"),
            _ => panic!("opcode {opcode} is reserved"),
        }
        if opcode < 0x8
            && first & 0x80 != 0
            && let Some((first, mut bytes)) = open.take()
        {
            if first & 0x40 != 0 {
                assert!(limits.compression, "compression is not negotiated");
                let inflated = Inflaters::default().inflate(&bytes, limits.max_payload);
                bytes = inflated.expect("a good message");
            }
            items.push(match first & 0x0f {
                0x1 => Item::Text(String::from_utf8(bytes).expect("UTF-8").into()),
                _ => Item::Binary(bytes.into()),
            });
        }
    }
    items
}

/// The first byte of the next frame, if it is whole, and what it carries.
fn take_frame(stream: &mut &[u8]) -> Option<(u8, Vec<u8>)> {
    let [first, second] = *stream.first_chunk()?;
    let (len, mask_at) = match second & 0x7f {
        126 => (u64::from(u16::from_be_bytes(*stream[2..].first_chunk()?)), 4),
        127 => (u64::from_be_bytes(*stream[2..].first_chunk()?), 10),
        len => (u64::from(len), 2),
    };
    let mask: [u8; 4] = *stream.get(mask_at..)?.first_chunk()?;
    let len = usize::try_from(len).ok()?;
    let payload = stream.get(mask_at + 4..)?.get(..len)?;
    assert!(second & 0x80 != 0, "all frames of clients are masked");
    assert!(first & 0x30 == 0, "reserved bits are clear");
    assert!(first & 0x08 == 0 || first & 0xc0 == 0x80, "control frames are whole and plain");
    assert!(first & 0x4f != 0x40, "only the first frame tells of compression");
    assert_eq!(mask_at, frame::header_len(len), "the shortest form");
    *stream = &stream[mask_at + 4 + len..];
    Some((first, payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key).collect()))
}

/// Decodes a stream that comes in reads of these sizes, see [`pieces`].
pub(in crate::ws) fn decode(stream: &[u8], reads: &[usize], limits: Limits) -> Decoded {
    let mut decoder = Decoder::new();
    let mut inflaters = Inflaters::default();
    let mut items = Vec::new();
    for read in pieces(stream, reads) {
        let mut read = read.to_vec();
        let mut input = &mut read[..];
        loop {
            match decoder.next(&mut input, &mut limits.terms(&mut inflaters)) {
                Ok(Some(item)) => items.push(owned(item)),
                Ok(None) => break,
                Err(violation) => {
                    assert!(decoder.is_idle(), "a violation drops what was kept");
                    return Decoded { items, violation: Some(violation), idle: true };
                }
            }
            is_bounded(&decoder, limits);
        }
        assert!(input.is_empty(), "None means that all input is consumed");
        is_bounded(&decoder, limits);
    }
    assert!(!decoder.is_idle() || decoder.held() == 0);
    Decoded { items, violation: None, idle: decoder.is_idle() }
}

fn is_bounded(decoder: &Decoder, limits: Limits) {
    let (held, most) = (decoder.held(), decoder.most_held(limits.max_payload));
    assert!(held <= most, "{held} bytes are held of {most}");
}

/// An item is within its limit, and in a frame of its own it is the same item again.
fn comes_back(item: &Item<'static>, limits: Limits) {
    let (opcode, payload) = match item {
        Item::Text(text) => (Opcode::Text, text.as_bytes()),
        Item::Binary(data) => (Opcode::Binary, &data[..]),
        Item::Ping(data) => (Opcode::Ping, &data[..]),
        Item::Pong(data) => (Opcode::Pong, &data[..]),
        Item::Close(None) => (Opcode::Close, &[][..]),
        Item::Close(Some((code, reason))) => {
            (Opcode::Close, &close::close_payload(*code, reason)[..])
        }
    };
    let most = if opcode.is_control() { frame::MAX_CONTROL_PAYLOAD } else { limits.max_payload };
    assert!(payload.len() <= most, "{} bytes of {most}", payload.len());
    let stream = marked_frame(true, opcode, false, [0x12, 0x34, 0x56, 0x78], payload);
    let again = decode(&stream, &[], limits);
    assert_eq!((&again.items[..], again.violation), (std::slice::from_ref(item), None));
}

/// A client frame, masked; `rsv1` begins a compressed message.
pub(in crate::ws) fn marked_frame(
    fin: bool,
    opcode: Opcode,
    rsv1: bool,
    mask: [u8; 4],
    payload: &[u8],
) -> Vec<u8> {
    let mut bytes = [0; MAX_CLIENT_HEADER];
    let len = frame::write_header(opcode, payload.len(), rsv1, &mut bytes);
    bytes[0] &= if fin { 0xff } else { 0x7f };
    bytes[1] |= 0x80;
    bytes[len..len + 4].copy_from_slice(&mask);
    let mut masked = payload.to_vec();
    frame::unmask(&mut masked, mask, 0);
    [&bytes[..len + 4], &masked].concat()
}

fn owned(item: Item<'_>) -> Item<'static> {
    match item {
        Item::Text(text) => Item::Text(Cow::Owned(text.into_owned())),
        Item::Binary(data) => Item::Binary(Cow::Owned(data.into_owned())),
        Item::Ping(data) => Item::Ping(Cow::Owned(data.into_owned())),
        Item::Pong(data) => Item::Pong(Cow::Owned(data.into_owned())),
        Item::Close(close) => Item::Close(close),
    }
}
