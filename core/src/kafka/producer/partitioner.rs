//! Which partition a message goes to that names none: as kafkajs's `DefaultPartitioner` has it, so
//! that a key stays where it was.

/// A topic's turn.
#[derive(Debug)]
pub(super) struct Turn(u32);

impl Turn {
    /// From anywhere, so that producers that start together do not all begin with the same partition.
    pub(super) fn anywhere() -> Self {
        Self(fastrand::u32(..))
    }

    /// By the key, over all partitions; without one in turn, over those that have a leader.
    pub(super) fn partition(&mut self, key: Option<&[u8]>, count: u32, available: &[i32]) -> i32 {
        if let Some(key) = key {
            return within(murmur2(key), count);
        }
        self.0 = self.0.wrapping_add(1);
        let next = within(self.0, u32::try_from(available.len()).unwrap_or(0));
        available.get(next as usize).copied().unwrap_or_else(|| within(self.0, count))
    }
}

/// The sign is dropped, as in Java's client.
fn within(number: u32, count: u32) -> i32 {
    let positive = number & 0x7fff_ffff;
    positive.checked_rem(count).unwrap_or(0).cast_signed()
}

/// Java's client's hash (`org.apache.kafka.common.utils.Utils.murmur2`).
fn murmur2(bytes: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let length = bytes.len() as u32;
    let (words, rest) = bytes.as_chunks::<4>();
    let mut hash = 0x9747_b28c ^ length;
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !rest.is_empty() {
        for (place, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * place);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_the_hash_that_javas_client_gives_it() {
        // kafkajs's and Java's own answers.
        for (key, hash) in VECTORS {
            assert_eq!(murmur2(key.as_bytes()).cast_signed(), *hash, "{key:?}");
        }
    }

    #[test]
    fn without_a_key_partitions_that_have_a_leader_take_turns() {
        let mut turn = Turn(u32::MAX - 1);
        let turns: Vec<_> = (0..5).map(|_| turn.partition(None, 4, &[0, 1, 3])).collect();
        let first = (0x7fff_ffff_u32 % 3) as usize;
        assert_eq!(turns[0], [0, 1, 3][first]);
        assert_eq!(&turns[1..], [0, 1, 3, 0]);
        // None has one: any of them.
        assert_eq!(Turn(5).partition(None, 4, &[]), 2);
        assert_eq!(Turn(5).partition(None, 0, &[]), 0);
    }

    const VECTORS: &[(&str, i32)] = &[
        ("", 275646681),
        ("a", -1563381124),
        ("ab", 316155434),
        ("abc", 479470107),
        ("abcd", -1323649548),
        ("21", -973932308),
        ("foobar", -790332482),
        ("a-little-bit-long-string", -985981536),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        ("näher ✓", -1778194096),
        ("key-4711", 1430258957),
    ];
}
