//! Tests of the decoder: a table of streams, and properties over any message in any fragments in
//! any cut of the stream.

use proptest::prelude::*;

use super::*;
use crate::ws::fuzzing::decoder::{Decoded, Limits, agrees_in_any_cut, marked_frame};
use crate::ws::fuzzing::inflate::client_compress;

const LIMIT: usize = 1024;
/// Compression is there to be used or not.
const LIMITS: Limits = Limits { compression: true, max_payload: LIMIT };
const MASK: [u8; 4] = [0x12, 0x34, 0x56, 0x78];

/// Terms of a connection without compression.
fn plain(max_payload: usize) -> Terms<'static> {
    let inflaters = Box::leak(Box::default());
    Terms { max_payload, compression: false, inflaters, crumbs: 0 }
}

/// A client frame, masked.
fn client_frame(fin: bool, opcode: Opcode, mask: [u8; 4], payload: &[u8]) -> Vec<u8> {
    marked_frame(fin, opcode, false, mask, payload)
}

fn frames(frames: &[(bool, Opcode, &[u8])]) -> Vec<u8> {
    frames.iter().flat_map(|(fin, opcode, data)| client_frame(*fin, *opcode, MASK, data)).collect()
}

impl Decoded {
    fn good(items: Vec<Item<'static>>) -> Self {
        Self { items, violation: None, idle: true }
    }
}

/// Decodes in one read and byte by byte: both must agree.
fn decode_both(stream: &[u8]) -> Decoded {
    agrees_in_any_cut(stream, &[], LIMITS)
}

#[test]
fn a_whole_frame_is_lent_from_the_input() {
    let mut stream = frames(&[(true, Opcode::Text, b"hello"), (true, Opcode::Binary, &[1, 2, 3])]);
    let mut input = &mut stream[..];
    let mut decoder = Decoder::new();
    let text = decoder.next(&mut input, &mut plain(LIMIT));
    let binary = decoder.next(&mut input, &mut plain(LIMIT));
    assert!(matches!(text, Ok(Some(Item::Text(Cow::Borrowed("hello"))))));
    assert!(matches!(binary, Ok(Some(Item::Binary(Cow::Borrowed([1, 2, 3]))))));
    assert_eq!(decoder.next(&mut input, &mut plain(LIMIT)), Ok(None));
    assert!(decoder.is_idle());
    assert_eq!(size_of::<Decoder>(), size_of::<usize>());
}

#[test]
fn control_frames_come_between_fragments() {
    let stream = frames(&[
        (false, Opcode::Text, "zw\u{f6}lf ".as_bytes().split_at(3).0),
        (true, Opcode::Ping, b"?"),
        (false, Opcode::Continuation, "zw\u{f6}lf ".as_bytes().split_at(3).1),
        (false, Opcode::Continuation, b""),
        (true, Opcode::Pong, b""),
        (true, Opcode::Continuation, b"Boxer"),
        (true, Opcode::Close, &close::close_payload(close::NORMAL, "bye")),
    ]);
    let items = vec![
        Item::Ping(b"?".into()),
        Item::Pong(b"".into()),
        Item::Text("zwölf Boxer".into()),
        Item::Close(Some((close::NORMAL, "bye".to_owned()))),
    ];
    assert_eq!(decode_both(&stream), Decoded::good(items));
}

#[test]
fn violations_of_sequences_and_payloads() {
    use Opcode::{Binary, Close, Continuation, Text};
    type Frames<'a> = &'a [(bool, Opcode, &'a [u8])];
    let big = [b'x'; 1025];
    let cases: &[(Frames<'_>, Violation)] = &[
        (&[(true, Continuation, b"")], Violation::UnexpectedContinuation),
        (&[(false, Continuation, b"")], Violation::UnexpectedContinuation),
        (&[(false, Text, b"a"), (true, Text, b"b")], Violation::ExpectedContinuation),
        (&[(false, Text, b"a"), (false, Binary, b"b")], Violation::ExpectedContinuation),
        (&[(true, Text, &big)], Violation::TooBig),
        (&[(true, Binary, &big)], Violation::TooBig),
        (&[(false, Text, &big[..1024]), (true, Continuation, b"x")], Violation::TooBig),
        (&[(true, Text, b"\xff")], Violation::InvalidUtf8),
        (&[(true, Text, b"\xe2\x82")], Violation::InvalidUtf8),
        (&[(false, Text, b"\xe2"), (true, Continuation, b"")], Violation::InvalidUtf8),
        (&[(false, Text, b"\xe2"), (false, Continuation, b"a")], Violation::InvalidUtf8),
        (&[(true, Close, &[3])], Violation::ClosePayload),
        (&[(true, Close, &[3, 0xed])], Violation::CloseCode),
        (&[(true, Close, &[3, 0xe8, 0x80])], Violation::InvalidUtf8),
    ];
    for (bad, violation) in cases {
        let decoded = decode_both(&frames(bad));
        assert_eq!((decoded.items.len(), decoded.violation), (0, Some(*violation)), "{bad:?}");
    }
}

#[test]
fn the_limit_holds_messages_but_not_control_frames() {
    let at_limit = vec![7; LIMIT];
    let stream = frames(&[
        (true, Opcode::Binary, &at_limit),
        (false, Opcode::Binary, &at_limit[..1000]),
        (true, Opcode::Ping, &at_limit[..125]),
        (true, Opcode::Continuation, &at_limit[1000..]),
    ]);
    let items = vec![
        Item::Binary(at_limit.clone().into()),
        Item::Ping(at_limit[..125].to_vec().into()),
        Item::Binary(at_limit.into()),
    ];
    assert_eq!(decode_both(&stream), Decoded::good(items));

    let mut ping = frames(&[(true, Opcode::Ping, &[1; 125])]);
    let item = Decoder::new().next(&mut &mut ping[..], &mut plain(10));
    assert_eq!(item, Ok(Some(Item::Ping([1; 125][..].into()))));
}

#[test]
fn a_claimed_length_takes_no_memory_and_an_excess_shows_at_the_header() {
    let mut decoder = Decoder::new();
    let mut bytes = [0; MAX_CLIENT_HEADER + 1];
    frame::write_header(Opcode::Binary, 1 << 30, false, &mut bytes);
    bytes[1] |= 0x80;
    assert_eq!(decoder.next(&mut &mut { bytes }[..], &mut plain(1 << 30)), Ok(None));
    assert!(decoder.held() < 64);

    let header = &mut bytes[..MAX_CLIENT_HEADER];
    let item = Decoder::new().next(&mut &mut *header, &mut plain(LIMIT));
    assert_eq!(item, Err(Violation::TooBig));
}

#[test]
fn bad_text_shows_before_its_frame_ends() {
    let mut stream = frames(&[(true, Opcode::Text, b"good \xf4\x90 and the rest")]);
    let cut = 6 + "good ".len() + 2;
    let input = &mut stream[..cut];
    let item = Decoder::new().next(&mut &mut *input, &mut plain(LIMIT));
    assert_eq!(item, Err(Violation::InvalidUtf8));
}

#[test]
fn compressed_messages_in_any_form() {
    let text = "the same words again, ".repeat(20);
    let compressed = compress(text.as_bytes());
    let (first, rest) = compressed.split_at(5);
    let stream = [
        marked_frame(true, Opcode::Text, true, MASK, &compressed),
        marked_frame(false, Opcode::Binary, true, MASK, first),
        client_frame(true, Opcode::Ping, MASK, b"?"),
        client_frame(false, Opcode::Continuation, MASK, b""),
        client_frame(true, Opcode::Continuation, MASK, rest),
        client_frame(true, Opcode::Text, MASK, b"plain"),
    ];
    let items = vec![
        Item::Text(text.clone().into()),
        Item::Ping(b"?".into()),
        Item::Binary(text.into_bytes().into()),
        Item::Text("plain".into()),
    ];
    assert_eq!(decode_both(&stream.concat()), Decoded::good(items));
}

#[test]
fn a_compressed_message_may_be_longer_than_it_is_inflated() {
    let mut noise = vec![0; LIMIT];
    fastrand::Rng::with_seed(7).fill(&mut noise);
    let compressed = compress(&noise);
    assert!(compressed.len() > LIMIT);
    let stream = marked_frame(true, Opcode::Binary, true, MASK, &compressed);
    assert_eq!(decode_both(&stream), Decoded::good(vec![Item::Binary(noise.into())]));
}

#[test]
fn compressed_messages_that_break_a_rule() {
    let bomb = compress(&[0; LIMIT + 1]);
    let padded = vec![0; max_compressed(LIMIT) + 1];
    let cases: [(&[u8], Violation); 4] = [
        (&bomb, Violation::TooBig),
        (&padded, Violation::TooBig),
        (b"\xff\xff", Violation::InvalidDeflate),
        (&compress(b"\xff is not UTF-8"), Violation::InvalidUtf8),
    ];
    for (payload, violation) in cases {
        let decoded = decode_both(&marked_frame(true, Opcode::Text, true, MASK, payload));
        assert_eq!((decoded.items.len(), decoded.violation), (0, Some(violation)));
    }
    let mut frame = marked_frame(true, Opcode::Text, true, MASK, &bomb);
    let item = Decoder::new().next(&mut &mut frame[..], &mut plain(LIMIT));
    assert_eq!(item, Err(Violation::ReservedBits), "not negotiated");
}

/// A message as a client compresses it.
fn compress(message: &[u8]) -> Vec<u8> {
    client_compress(&[message], 6, false)
}

/// A message, whether it is compressed, and its fragments' sizes; or a control frame.
#[derive(Clone, Debug)]
enum Sent {
    Text(String, bool, Vec<usize>),
    Binary(Vec<u8>, bool, Vec<usize>),
    Control(Item<'static>),
}

fn sent() -> impl Strategy<Value = Sent> {
    let sizes = || prop::collection::vec(0usize..40, 0..4);
    let data = || {
        prop_oneof![4 => prop::collection::vec(any::<u8>(), 0..40),
                              1 => prop::collection::vec(any::<u8>(), 120..600)]
    };
    prop_oneof![
        ("[a-zé€😀]{0,40}", any::<bool>(), sizes()).prop_map(|(a, b, c)| Sent::Text(a, b, c)),
        (data(), any::<bool>(), sizes()).prop_map(|(a, b, c)| Sent::Binary(a, b, c)),
        control_item().prop_map(Sent::Control),
    ]
}

fn control_item() -> impl Strategy<Value = Item<'static>> {
    let data = || prop::collection::vec(any::<u8>(), 0..126);
    prop_oneof![
        data().prop_map(|data| Item::Ping(data.into())),
        data().prop_map(|data| Item::Pong(data.into())),
        prop::option::of((3000u16..5000, ".{0,20}")).prop_map(Item::Close),
    ]
}

fn control_frame(item: &Item<'_>, mask: [u8; 4]) -> Vec<u8> {
    match item {
        Item::Ping(data) => client_frame(true, Opcode::Ping, mask, data),
        Item::Pong(data) => client_frame(true, Opcode::Pong, mask, data),
        Item::Close(Some((code, reason))) => {
            client_frame(true, Opcode::Close, mask, &close::close_payload(*code, reason))
        }
        _ => client_frame(true, Opcode::Close, mask, &[]),
    }
}

/// The stream of what is sent, and the items it must give. `between` are control frames to put
/// behind fragments, as long as there are any.
fn stream_of(
    sent: &[Sent],
    between: &[Item<'static>],
    mask: [u8; 4],
) -> (Vec<u8>, Vec<Item<'static>>) {
    let (mut stream, mut items) = (Vec::new(), Vec::new());
    let mut between = between.iter();
    for sent in sent {
        let (opcode, data, compressed, sizes, item) = match sent {
            Sent::Text(text, compressed, sizes) => {
                let item = Item::Text(text.clone().into());
                (Opcode::Text, text.as_bytes(), *compressed, sizes, item)
            }
            Sent::Binary(data, compressed, sizes) => {
                (Opcode::Binary, &data[..], *compressed, sizes, Item::Binary(data.clone().into()))
            }
            Sent::Control(item) => {
                stream.extend(control_frame(item, mask));
                items.push(item.clone());
                continue;
            }
        };
        let bytes = if compressed { compress(data) } else { data.to_vec() };
        let (mut data, mut opcode, mut rsv1) = (&bytes[..], opcode, compressed);
        for &size in sizes {
            let (fragment, rest) = data.split_at(size.min(data.len()));
            stream.extend(marked_frame(false, opcode, rsv1, mask, fragment));
            (data, opcode, rsv1) = (rest, Opcode::Continuation, false);
            if let Some(control) = between.next() {
                stream.extend(control_frame(control, mask));
                items.push(control.clone());
            }
        }
        stream.extend(marked_frame(true, opcode, rsv1, mask, data));
        items.push(item);
    }
    (stream, items)
}

proptest! {
    #[test]
    fn any_fragments_and_any_cut_give_the_same_items(
        sent in prop::collection::vec(sent(), 0..8),
        between in prop::collection::vec(control_item(), 0..6),
        mask in any::<[u8; 4]>(),
        reads in prop::collection::vec(1usize..50, 1..8),
    ) {
        let (stream, items) = stream_of(&sent, &between, mask);
        prop_assert_eq!(agrees_in_any_cut(&stream, &reads, LIMITS), Decoded::good(items));
    }

    /// What is decoded, and where it ends, never depends on how the stream was cut.
    #[test]
    fn a_mutated_stream_decodes_or_breaks_a_rule(
        sent in prop::collection::vec(sent(), 1..6),
        at in any::<prop::sample::Index>(),
        bits in 1u8..,
        reads in prop::collection::vec(1usize..50, 1..8),
    ) {
        let (mut stream, _) = stream_of(&sent, &[], MASK);
        let at = at.index(stream.len());
        stream[at] ^= bits;
        agrees_in_any_cut(&stream, &reads, LIMITS);
    }

    /// What must hold is asserted there: all input consumed, bounded memory.
    #[test]
    fn any_bytes_are_survived(
        mut stream in prop::collection::vec(any::<u8>(), 0..3000),
        start in prop::sample::select(vec![0x81u8, 0x01, 0x02, 0x82, 0x89]),
        masked in any::<bool>(),
        reads in prop::collection::vec(1usize..500, 0..6),
    ) {
        // Half of the streams begin plausibly, or few would pass the first header.
        if masked && stream.len() > 2 {
            stream[0] = start;
            stream[1] |= 0x80;
        }
        agrees_in_any_cut(&stream, &reads, LIMITS);
    }
}
