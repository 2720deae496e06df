//! Who may come in: handshakes of all clients, and connections and handshakes of each address.

use std::net::IpAddr;
use std::sync::Arc;

use super::bucket::{Rate, SharedBucket};
use super::buckets::Buckets;
use super::seats::{Seat, Seats};
use crate::ws::config::{Limits, PerIp};
use crate::ws::handshake::RefusalReason;

/// An address as it is counted: of IPv6 the first 64 bits, of which a household has one at least, and so
/// whoever has one has all addresses of it.
type Source = u64;

/// A connection's place among those of its address.
pub type SourceSeat = Seat<Source>;

#[derive(Debug)]
pub struct Entrance {
    handshakes: Option<(Rate, SharedBucket)>,
    per_ip: Option<Addresses>,
}

#[derive(Debug)]
struct Addresses {
    limits: PerIp,
    seats: Arc<Seats<Source>>,
    handshakes: Buckets<Source>,
}

impl Entrance {
    pub fn new(limits: &Limits) -> Self {
        Self {
            handshakes: limits.handshakes.map(|rate| (rate, SharedBucket::default())),
            per_ip: limits.per_ip.map(|limits| Addresses {
                limits,
                seats: Arc::new(Seats::new()),
                handshakes: Buckets::new(),
            }),
        }
    }

    /// Whether one more handshake may begin.
    pub fn admits(&self, now: u64) -> bool {
        self.handshakes.as_ref().is_none_or(|(rate, bucket)| bucket.take(*rate, now))
    }

    /// Whether one more handshake of this address would be admitted, of which nothing is taken.
    pub fn would_admit(&self, ip: Option<IpAddr>, now: u64) -> Result<(), RefusalReason> {
        let all = self.handshakes.as_ref();
        if !all.is_none_or(|(rate, bucket)| bucket.has_any(*rate, now)) {
            return Err(RefusalReason::HandshakeRate);
        }
        let (Some(ip), Some(Addresses { limits, seats, handshakes })) = (ip, &self.per_ip) else {
            return Ok(());
        };
        let source = source(ip);
        let in_rate = |rate| handshakes.get(source, now).has_any(rate, now);
        let free = limits.handshakes.is_none_or(in_rate)
            && limits.connections.is_none_or(|limit| seats.has_any(&source, limit));
        if free { Ok(()) } else { Err(RefusalReason::IpLimited) }
    }

    /// Whether this address may come in, with the place that it takes.
    pub fn admits_address(&self, ip: IpAddr, now: u64) -> Result<Option<SourceSeat>, ()> {
        let Some(Addresses { limits, seats, handshakes }) = &self.per_ip else {
            return Ok(None);
        };
        let source = source(ip);
        if let Some(rate) = limits.handshakes
            && !handshakes.get(source, now).take(rate, now)
        {
            return Err(());
        }
        match limits.connections {
            Some(limit) => Seat::claim(seats, source, limit).map(Some).ok_or(()),
            None => Ok(None),
        }
    }
}

fn source(ip: IpAddr) -> Source {
    match ip.to_canonical() {
        // A block of multicast addresses, which nobody has as their own.
        IpAddr::V4(ip) => 0xffff_ffff << 32 | u64::from(ip.to_bits()),
        #[allow(clippy::cast_possible_truncation, reason = "the upper half of 128 bits is 64 bits")]
        IpAddr::V6(ip) => (ip.to_bits() >> 64) as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000_000;

    fn entrance(connections: Option<usize>, handshakes: Option<Rate>) -> Entrance {
        let per_ip = Some(PerIp { connections, handshakes });
        Entrance::new(&Limits { per_ip, ..Limits::default() })
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn each_address_has_its_own_places_and_ipv6_by_its_first_half() {
        let entrance = entrance(Some(1), None);
        let seat = |address| entrance.admits_address(ip(address), NOW);
        let held = seat("2001:db8::1").unwrap();
        let would = |address| entrance.would_admit(Some(ip(address)), NOW);
        assert_eq!(would("2001:db8::2"), Err(RefusalReason::IpLimited));
        assert_eq!(would("2001:db8:0:1::1"), Ok(()));
        assert!(seat("2001:db8::2").is_err());
        assert!(seat("2001:db8:0:1::1").is_ok());
        let four = seat("203.0.113.7").unwrap();
        assert!(seat("::ffff:203.0.113.7").is_err());
        assert!(seat("203.0.113.8").is_ok());
        drop((held, four));
        assert!(seat("2001:db8::2").is_ok());
        assert!(seat("203.0.113.7").is_ok());
    }

    #[test]
    fn handshakes_have_a_rate_for_each_address_and_one_for_all() {
        let entrance = entrance(None, Some(Rate::new(1, 3)));
        let count = |address, now| {
            (0..10).filter(|_| entrance.admits_address(ip(address), now).is_ok()).count()
        };
        let would = |address, now| entrance.would_admit(Some(ip(address)), now);
        assert!((0..10).all(|_| would("203.0.113.7", NOW).is_ok()), "nothing is taken");
        assert_eq!(count("203.0.113.7", NOW), 3);
        assert_eq!(would("203.0.113.7", NOW), Err(RefusalReason::IpLimited));
        assert_eq!(would("203.0.113.7", NOW + 1000), Ok(()));
        assert_eq!(count("203.0.113.8", NOW), 3);
        assert_eq!(count("203.0.113.7", NOW + 1000), 1);
        assert!((0..1000).all(|_| entrance.admits(NOW)), "no rate for all was given");

        let all = Limits { handshakes: Some(Rate::new(1, 5)), ..Limits::default() };
        let entrance = Entrance::new(&all);
        assert_eq!(entrance.would_admit(None, NOW), Ok(()));
        assert_eq!((0..10).filter(|_| entrance.admits(NOW)).count(), 5);
        assert_eq!(entrance.would_admit(None, NOW), Err(RefusalReason::HandshakeRate));
        assert!(entrance.admits_address(ip("::1"), NOW).is_ok(), "and none for each");
    }
}
