//! When a silent connection is pinged and when it is given up.

/// What a sweep does with one connection.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was heard from within one interval.
    Alive,
    /// Silent for more than one interval: a ping asks whether it is still there.
    Ping,
    /// Silent for more than two intervals, and the last ping has not been answered: it is closed.
    Dead,
}

/// Judges a connection that was last heard from at `last_seen`; all times in milliseconds. `asked`
/// says whether it was pinged since then: sweeps are an interval apart and a little late, so a
/// client that spoke right after one can look silent for two intervals to the next but one.
pub fn judge(now: u64, last_seen: u64, interval: u64, asked: bool) -> Verdict {
    let silent = now.saturating_sub(last_seen);
    if silent > interval.saturating_mul(2) && asked {
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
            assert_eq!(judge(1000 + silent, 1000, 100, true), verdict, "silent for {silent}");
        }
    }

    #[test]
    fn nobody_is_given_up_unasked() {
        assert_eq!(judge(5000, 1000, 100, false), Verdict::Ping);
    }

    #[test]
    fn a_clock_that_stepped_back_harms_nobody() {
        assert_eq!(judge(900, 1000, 100, true), Verdict::Alive);
    }
}
