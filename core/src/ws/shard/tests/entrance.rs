//! Who comes in: sockets whose balancer has to say whose they are, the time that all of it may take, and whose
//! place is given to whom.

use std::io::Write;
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use super::rig::{Client, REQUEST, Rig};
use crate::ws::config::{Config, Limits, PerIp};
use crate::ws::forwarded::TrustProxy;
use crate::ws::inbox::Job;
use crate::ws::limits::Rate;
use crate::ws::origins::Pattern;
use crate::ws::shard::lifecycle::MAX_HANDSHAKES;
use crate::ws::shard::slot::{Phase, Slot};
use crate::ws::tls::testing::context;

const HEADER: &[u8] = b"PROXY TCP4 203.0.113.7 10.0.0.1 4711 80\r\n";

fn proxied() -> Config {
    Config { proxy_protocol: true, ..Config::default() }
}

fn one_per_address() -> Limits {
    let per_ip = Some(PerIp { connections: Some(1), handshakes: None });
    Limits { per_ip, ..Limits::default() }
}

/// Serves a socket until its slot is like this.
fn serve_until(rig: &mut Rig, client: &Client, done: impl Fn(&Slot) -> bool) {
    let key = client.address.slot;
    rig.serve(client, |shard| shard.sockets.slots.get(key).is_none_or(&done));
}

fn is_shaking_hands(slot: &Slot) -> bool {
    matches!(slot.phase, Phase::Handshake(_))
}

#[test]
fn the_oldest_handshake_gives_way_however_far_it_is() {
    let judged = Some([Pattern::Asked].into_iter().collect());
    let judged = Config { origins: judged, ..Config::default() };
    let page = [&REQUEST[..REQUEST.len() - 2], b"Origin: https://a\r\n\r\n"].concat();
    let steps: [fn(&Slot) -> bool; 3] = [
        |slot| matches!(slot.phase, Phase::Header(_)),
        is_shaking_hands,
        |slot| matches!(slot.phase, Phase::Judging(_)),
    ];
    let begun: [(Config, &[u8]); 3] =
        [(proxied(), b""), (Config::default(), b"GET "), (judged, &page)];
    for (is_there, (config, begun)) in steps.into_iter().zip(begun) {
        let mut rig = Rig::new(config);
        rig.shard.shaking = MAX_HANDSHAKES - 1;
        let oldest = rig.knock(begun);
        serve_until(&mut rig, &oldest, is_there);
        assert!(is_there(rig.slot(&oldest).unwrap()));
        let next = rig.knock(b"");
        let stay = [&oldest, &next].map(|client| rig.slot(client).is_some());
        assert_eq!(stay, [false, true]);
        let reasons = ["handshake_timeout", "proxy_header", "origin"];
        assert_eq!(reasons.map(|reason| rig.refused(reason)), [1, 0, 0]);
    }
}

#[test]
fn silent_sockets_keep_no_balancer_out() {
    let mut rig = Rig::new(proxied());
    // As if all the others were under way.
    rig.shard.shaking = MAX_HANDSHAKES - 2;
    let silent = [rig.knock(b""), rig.knock(b"")];
    let honest = rig.knock(&[HEADER, REQUEST].concat());
    let stay = silent.each_ref().map(|client| rig.slot(client).is_some());
    assert_eq!(stay, [false, true]);
    serve_until(&mut rig, &honest, |slot| matches!(slot.phase, Phase::Open(_)));
    assert!(rig.is_open(&honest));
}

#[test]
fn for_want_of_descriptors_the_older_half_gives_way_and_not_too_many_at_once() {
    let mut rig = Rig::new(Config::default());
    rig.shard.shared.inboxes[0].push(Job::GiveWay);
    rig.turn();
    let clients: Vec<_> = (0..101).map(|_| rig.knock(b"")).collect();
    rig.shard.shared.inboxes[0].push(Job::GiveWay);
    rig.turn();
    assert_eq!(rig.refused("handshake_timeout"), 0, "they have just come");
    rig.advance(Duration::from_secs(2));
    let left = |rig: &mut Rig| {
        rig.shard.shared.inboxes[0].push(Job::GiveWay);
        rig.turn();
        let stay = clients.iter().map(|client| rig.slot(client).is_some());
        let stay: Vec<bool> = stay.collect();
        assert!(stay.is_sorted(), "the oldest end first");
        stay.into_iter().filter(|stays| *stays).count()
    };
    let counts = [left(&mut rig), left(&mut rig), left(&mut rig), left(&mut rig)];
    assert_eq!(counts, [69, 37, 18, 9]);
    assert_eq!(rig.refused("handshake_timeout"), 92);
    // Accepting takes one descriptor for each, and so these are no end of the want.
    let taken = (0..100).filter(|_| rig.shard.shared.took_given_way()).count();
    assert_eq!(taken, 92);
}

#[test]
fn for_want_of_descriptors_who_has_just_come_stays_though_others_are_long_through() {
    let mut rig = Rig::new(Config::default());
    let through = rig.connect();
    rig.advance(Duration::from_secs(2));
    let fresh = rig.knock(b"");
    rig.shard.shared.inboxes[0].push(Job::GiveWay);
    rig.turn();
    assert!(rig.slot(&fresh).is_some() && rig.is_open(&through));
    assert_eq!(rig.refused("handshake_timeout"), 0);
}

#[test]
fn for_who_is_refused_at_once_nobody_gives_way() {
    let mut rig = Rig::new(Config { limits: one_per_address(), ..Config::default() });
    rig.shard.shaking = MAX_HANDSHAKES - 1;
    let (first, second) = (rig.knock(b""), rig.knock(b""));
    assert!(is_shaking_hands(rig.slot(&first).unwrap()));
    assert_eq!(rig.refused("ip_limited"), 1);
    assert!(!is_shaking_hands(rig.slot(&second).unwrap()));
}

#[test]
fn who_is_refused_before_tls_is_gone_before_any_of_it_is_read() {
    let tls = context();
    let mut rig = Rig::new(Config { limits: one_per_address(), ..Config::default() });
    let (first, second) = (rig.knock_at(Some(&tls), b""), rig.knock_at(Some(&tls), b"\x16"));
    assert!(rig.slot(&first).is_some() && rig.slot(&second).is_none());
    assert_eq!(rig.refused("ip_limited"), 1);
}

#[test]
fn the_time_of_a_handshake_begins_before_the_header() {
    let mut rig = Rig::new(proxied());
    let timeout = rig.shard.shared.config.handshake_timeout;
    let (mut client, silent) = (rig.knock(&HEADER[..20]), rig.knock(b""));
    rig.advance(timeout - Duration::from_millis(1));
    rig.turn();
    client.peer.write_all(&HEADER[20..]).unwrap();
    serve_until(&mut rig, &client, is_shaking_hands);
    assert!(rig.slot(&client).is_some());

    rig.advance(Duration::from_millis(1));
    rig.turn();
    assert!(rig.slot(&client).is_none() && rig.slot(&silent).is_none());
    let reasons = ["handshake_timeout", "proxy_header"].map(|reason| rig.refused(reason));
    assert_eq!(reasons, [1, 1]);
}

#[test]
fn the_address_that_a_header_names_has_its_seat_at_once() {
    let mut rig = Rig::new(Config { limits: one_per_address(), ..proxied() });
    // Who has not said whose it is takes nobody's seat.
    let silent = [rig.knock(b""), rig.knock(b"")];
    let first = rig.knock(HEADER);
    serve_until(&mut rig, &first, is_shaking_hands);
    assert!(rig.slot(&first).unwrap().seat.is_some());

    let mut second = rig.knock(HEADER);
    serve_until(&mut rig, &second, |slot| matches!(slot.phase, Phase::Draining { .. }));
    assert!(second.read_all().starts_with(b"HTTP/1.1 429 "));
    assert_eq!(rig.refused("ip_limited"), 1);

    let other = rig.knock(b"PROXY TCP4 203.0.113.8 10.0.0.1 4711 80\r\n");
    serve_until(&mut rig, &other, is_shaking_hands);
    assert!(rig.slot(&other).unwrap().seat.is_some());
    assert!(silent.iter().all(|client| rig.slot(client).unwrap().seat.is_none()));

    rig.shard.bury(first.address.slot);
    let next = rig.knock(HEADER);
    serve_until(&mut rig, &next, is_shaking_hands);
    assert!(rig.slot(&next).unwrap().seat.is_some(), "a seat that is left can be taken");
}

#[test]
fn an_address_over_its_limits_uses_up_nothing_of_the_rate_of_all() {
    let limits = Limits { handshakes: Some(Rate::new(1, 2)), ..one_per_address() };
    let balanced =
        |trust_proxy| Config { limits: limits.clone(), trust_proxy, ..Config::default() };
    let header = |ip: &str| format!("PROXY TCP4 {ip} 10.0.0.1 4711 80\r\n").into_bytes();
    let request = |ip: &str| {
        let head = &REQUEST[..REQUEST.len() - 2];
        [head, format!("X-Forwarded-For: {ip}\r\n\r\n").as_bytes()].concat()
    };
    type Opening<'a> = &'a dyn Fn(&str) -> Vec<u8>;
    let cases: [(Config, Opening<'_>); 2] = [
        (Config { proxy_protocol: true, ..balanced(TrustProxy::Nobody) }, &header),
        (balanced(TrustProxy::Hops(1)), &request),
    ];
    for (config, opening) in cases {
        let mut rig = Rig::new(config);
        let mut come = |ip: &str| {
            let mut client = rig.knock(&opening(ip));
            let answered = |slot: &Slot| slot.seat.is_some() || !slot.phase.is_shaking();
            serve_until(&mut rig, &client, answered);
            let is_seated = rig.slot(&client).unwrap().seat.is_some();
            let status = client.read_all().get(9..12).map(<[u8]>::to_vec).unwrap_or_default();
            (is_seated, String::from_utf8(status).unwrap())
        };
        assert!(come("203.0.113.7").0);
        for _ in 0..20 {
            assert_eq!(come("203.0.113.7"), (false, "429".to_owned()));
        }
        assert!(come("203.0.113.8").0, "what is left of the rate is another's");
        assert_eq!(come("203.0.113.9"), (false, "503".to_owned()));
        let reasons = ["ip_limited", "handshake_rate"].map(|reason| rig.refused(reason));
        assert_eq!(reasons, [20, 1]);
    }
}

#[test]
fn what_stands_behind_a_header_is_the_clients() {
    let binary = [&b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"[..], &[203, 0, 113, 7, 10, 0, 0, 1]];
    let binary = [&binary.concat()[..], &4711u16.to_be_bytes(), &[0, 80]].concat();
    for header in [HEADER, &binary] {
        let all = [header, REQUEST].concat();
        for cut in [header.len() - 1, header.len(), header.len() + 1, all.len()] {
            let mut rig = Rig::new(proxied());
            let mut client = rig.knock(&all[..cut]);
            rig.serve(&client, |_| true);
            client.peer.write_all(&all[cut..]).unwrap();
            serve_until(&mut rig, &client, |slot| matches!(slot.phase, Phase::Open(_)));
            let remote = rig.slot(&client).unwrap().connection().unwrap().remote;
            let named: SocketAddr = "203.0.113.7:4711".parse().unwrap();
            assert_eq!(remote, Some(named), "cut at {cut}");
        }
    }
}

#[test]
fn who_leaves_before_the_header_is_not_refused_and_who_may_send_none_is() {
    let mut rig = Rig::new(proxied());
    let leaving = rig.knock(b"");
    leaving.peer.shutdown(Shutdown::Write).unwrap();
    serve_until(&mut rig, &leaving, |_| false);
    assert_eq!(rig.refused("proxy_header"), 0);

    let trust_proxy = TrustProxy::Networks(TrustProxy::networks("10.0.0.0/8").unwrap());
    let mut rig = Rig::new(Config { trust_proxy, ..proxied() });
    let stranger = rig.knock(HEADER);
    assert!(rig.slot(&stranger).is_none(), "before a byte is read");
    assert_eq!(rig.refused("proxy_header"), 1);
}
