//! Where a consumer is in its group.

use std::time::{Duration, Instant};

/// How much earlier than the group's own patience ours ends, so that the group waits for us.
const MARGIN: Duration = Duration::from_secs(3);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Membership {
    /// Without partitions.
    Idle,
    /// Messages are taken.
    Assigned,
    /// The group takes the partitions back, and waits until what is being handled is committed.
    Revoking { until: Instant },
}

/// How long handlers may go on in a rebalance.
pub(super) fn patience(rebalance_timeout: Duration) -> Duration {
    rebalance_timeout - MARGIN.min(rebalance_timeout / 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handlers_are_waited_for_a_little_less_than_the_group_waits() {
        assert_eq!(patience(Duration::from_secs(60)), Duration::from_secs(57));
        assert_eq!(patience(Duration::from_secs(1)), Duration::from_millis(900));
        assert_eq!(patience(Duration::ZERO), Duration::ZERO);
    }
}
