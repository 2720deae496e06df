//! What is done when accepting fails: accept(2) reports its own lack of something, and the faults of
//! peers that are gone already.

use std::io::{Error, ErrorKind};

#[derive(Debug, PartialEq, Eq)]
pub enum Remedy {
    /// It was the peer's fault: the next one may be in order.
    GoOn,
    /// Something is lacking, such as descriptors: the next attempt would fail as well.
    Pause { report: bool },
}

/// Whether descriptors are lacking, of the process or of the system.
pub fn lacks_descriptors(error: &Error) -> bool {
    // EMFILE and ENFILE, which have no `ErrorKind`; WSAEMFILE.
    let codes: &[i32] = if cfg!(windows) { &[10024] } else { &[24, 23] };
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}

/// A series of failures, which is one event: the host can do no more about the tenth.
#[derive(Debug, Default)]
pub struct Series {
    failing: bool,
}

impl Series {
    pub fn judge(&mut self, error: &Error) -> Remedy {
        if is_the_peers(error.kind()) {
            return Remedy::GoOn;
        }
        Remedy::Pause { report: !std::mem::replace(&mut self.failing, true) }
    }

    /// A socket was accepted, and no handshake had to give way for it.
    pub fn end(&mut self) {
        self.failing = false;
    }
}

/// A peer that left before it was accepted, or whose network did: accept(2) passes that on.
fn is_the_peers(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::Interrupted
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown
            | ErrorKind::TimedOut
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lack() -> Error {
        Error::other("too many open files")
    }

    #[test]
    fn a_series_is_reported_once_and_the_next_one_again() {
        let mut series = Series::default();
        assert_eq!(series.judge(&lack()), Remedy::Pause { report: true });
        assert_eq!(series.judge(&lack()), Remedy::Pause { report: false });
        assert_eq!(series.judge(&lack()), Remedy::Pause { report: false });
        series.end();
        assert_eq!(series.judge(&lack()), Remedy::Pause { report: true });
    }

    #[test]
    fn descriptors_are_lacking_where_the_system_says_so() {
        let [process, system] = if cfg!(windows) { [10024, 10024] } else { [24, 23] };
        assert!(lacks_descriptors(&Error::from_raw_os_error(process)));
        assert!(lacks_descriptors(&Error::from_raw_os_error(system)));
        assert!(!lacks_descriptors(&Error::from_raw_os_error(12)));
        assert!(!lacks_descriptors(&lack()));
    }

    #[test]
    fn a_fault_of_the_peers_is_passed_over_and_ends_no_series() {
        let mut series = Series::default();
        let peers = [
            ErrorKind::ConnectionAborted,
            ErrorKind::ConnectionReset,
            ErrorKind::Interrupted,
            ErrorKind::HostUnreachable,
            ErrorKind::NetworkUnreachable,
            ErrorKind::NetworkDown,
            ErrorKind::TimedOut,
        ];
        for kind in peers {
            assert_eq!(series.judge(&kind.into()), Remedy::GoOn, "{kind}");
        }
        assert_eq!(series.judge(&lack()), Remedy::Pause { report: true });
        assert_eq!(series.judge(&ErrorKind::ConnectionReset.into()), Remedy::GoOn);
        assert_eq!(series.judge(&lack()), Remedy::Pause { report: false });
    }
}
