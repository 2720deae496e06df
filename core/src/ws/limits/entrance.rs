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

    /// Whether one more handshake of this client would be admitted, of which nothing is taken.
    pub fn would_admit(&self, ip: Option<IpAddr>, now: u64) -> Result<(), RefusalReason> {
        if let (Some(ip), Some(Addresses { limits, seats, handshakes })) = (ip, &self.per_ip) {
            let source = source(ip);
            let in_rate = |rate| handshakes.get(source, now).has_any(rate, now);
            let free = limits.handshakes.is_none_or(in_rate)
                && limits.connections.is_none_or(|limit| seats.has_any(&source, limit));
            if !free {
                return Err(RefusalReason::IpLimited);
            }
        }
        match &self.handshakes {
            Some((rate, bucket)) if !bucket.has_any(*rate, now) => {
                Err(RefusalReason::HandshakeRate)
            }
            _ => Ok(()),
        }
    }

    /// Whether a client may come in, with the place that it takes of its address, if it has one. Only whom the
    /// address's limits let in takes of the rate of all, or one address could use it up for the others; and whom that
    /// rate refuses takes nothing of the address's.
    pub fn admit(&self, ip: Option<IpAddr>, now: u64) -> Result<Option<SourceSeat>, RefusalReason> {
        let (mut seat, mut taken) = (None, None);
        if let (Some(ip), Some(Addresses { limits, seats, handshakes })) = (ip, &self.per_ip) {
            let source = source(ip);
            if let Some(rate) = limits.handshakes {
                let bucket = handshakes.get(source, now);
                if !bucket.take(rate, now) {
                    return Err(RefusalReason::IpLimited);
                }
                taken = Some((rate, bucket));
            }
            if let Some(limit) = limits.connections {
                let place = Seat::claim(seats, source, limit).ok_or(RefusalReason::IpLimited)?;
                seat = Some(place);
            }
        }
        match &self.handshakes {
            Some((rate, bucket)) if !bucket.take(*rate, now) => {
                if let Some((rate, bucket)) = taken {
                    bucket.give_back(rate);
                }
                Err(RefusalReason::HandshakeRate)
            }
            _ => Ok(seat),
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
        let seat = |address| entrance.admit(Some(ip(address)), NOW);
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
            (0..10).filter(|_| entrance.admit(Some(ip(address)), now).is_ok()).count()
        };
        let would = |address, now| entrance.would_admit(Some(ip(address)), now);
        assert!((0..10).all(|_| would("203.0.113.7", NOW).is_ok()), "nothing is taken");
        assert_eq!(count("203.0.113.7", NOW), 3);
        assert_eq!(would("203.0.113.7", NOW), Err(RefusalReason::IpLimited));
        assert_eq!(would("203.0.113.7", NOW + 1000), Ok(()));
        assert_eq!(count("203.0.113.8", NOW), 3);
        assert_eq!(count("203.0.113.7", NOW + 1000), 1);
        assert!((0..1000).all(|_| entrance.admit(None, NOW).is_ok()), "no rate for all was given");

        let all = Limits { handshakes: Some(Rate::new(1, 5)), ..Limits::default() };
        let entrance = Entrance::new(&all);
        assert_eq!(entrance.would_admit(None, NOW), Ok(()));
        assert_eq!((0..10).filter(|_| entrance.admit(Some(ip("::1")), NOW).is_ok()).count(), 5);
        assert_eq!(entrance.would_admit(None, NOW), Err(RefusalReason::HandshakeRate));
        let one_more = entrance.admit(Some(ip("::1")), NOW + 1000);
        assert!(one_more.is_ok(), "and none for each");
    }

    /// Ten at once of all, of each address three at once and one connection.
    fn shared_by_all(handshakes: Rate) -> Entrance {
        let per_ip = PerIp { connections: Some(1), handshakes: Some(Rate::new(1, 3)) };
        let limits =
            Limits { handshakes: Some(handshakes), per_ip: Some(per_ip), ..Limits::default() };
        Entrance::new(&limits)
    }

    #[test]
    fn what_an_address_is_refused_takes_nothing_of_the_rate_of_all() {
        let entrance = shared_by_all(Rate::new(1, 10));
        let admit = |address| entrance.admit(Some(ip(address)), NOW).map(drop);
        let flood: Vec<_> = (0..30).filter_map(|_| admit("203.0.113.7").err()).collect();
        assert_eq!(flood, [RefusalReason::IpLimited; 27]);
        let held = entrance.admit(Some(ip("203.0.113.8")), NOW).unwrap();
        assert_eq!(admit("203.0.113.8"), Err(RefusalReason::IpLimited), "for want of a place");
        drop(held);
        let left = (0..10).filter(|_| entrance.admit(None, NOW).is_ok()).count();
        assert_eq!(left, 6, "three and one were let in");
        let full = entrance.would_admit(Some(ip("203.0.113.7")), NOW);
        assert_eq!(full, Err(RefusalReason::IpLimited), "and this is the first to be looked at");
    }

    #[test]
    fn what_the_rate_of_all_refuses_takes_nothing_of_an_address() {
        let entrance = shared_by_all(Rate::new(1, 1));
        assert!(entrance.admit(None, NOW).is_ok());
        let address = ip("203.0.113.7");
        for _ in 0..10 {
            let refused = entrance.admit(Some(address), NOW).map(drop);
            assert_eq!(refused, Err(RefusalReason::HandshakeRate));
        }
        let addresses = entrance.per_ip.as_ref().unwrap();
        assert_eq!(addresses.seats.names(), 0, "its place is free");
        assert!(addresses.handshakes.get(source(address), NOW).is_full(NOW));
    }
}
