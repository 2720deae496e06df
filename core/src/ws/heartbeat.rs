//! When a silent connection is pinged and when it is given up.

/// What a sweep does with one connection.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was heard from within one interval.
    Alive,
    /// Silent for more than one interval: a ping asks whether it is still there.
    Ping,
    /// Silent for more than two intervals: it is closed.
    Dead,
}

/// Judges a connection that was last heard from at `last_seen`; all times in milliseconds.
pub fn judge(now: u64, last_seen: u64, interval: u64) -> Verdict {
    let silent = now.saturating_sub(last_seen);
    if silent > interval.saturating_mul(2) {
        Verdict::Dead
    } else if silent > interval {
        Verdict::Ping
    } else {
        Verdict::Alive
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_belong_to_the_living() {
        let cases = [
            (0, Verdict::Alive),
            (100, Verdict::Alive),
            (101, Verdict::Ping),
            (200, Verdict::Ping),
            (201, Verdict::Dead),
        ];
        for (silent, verdict) in cases {
            assert_eq!(judge(1000 + silent, 1000, 100), verdict, "silent for {silent}");
        }
    }

    #[test]
    fn a_clock_that_stepped_back_harms_nobody() {
        assert_eq!(judge(900, 1000, 100), Verdict::Alive);
    }
}
