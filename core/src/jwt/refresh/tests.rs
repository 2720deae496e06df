//! The policy of fetching, event by event, and over random sequences of events.

use super::*;
use proptest::prelude::*;
use std::collections::HashSet;

const MINUTE: Duration = Duration::from_secs(60);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn nothing() -> Arrival<u32> {
    Arrival { accept: false, fetch: None, answer: Vec::new() }
}

/// A set that was fetched at 0.
fn fetched() -> Refresh<u32> {
    let mut refresh = Refresh::new(RefreshPolicy::default());
    assert_eq!(refresh.tick(seconds(0)).fetch, Some(1));
    assert!(refresh.fetched(1, true, seconds(0)).accept);
    refresh
}

#[test]
fn the_first_tick_fetches_and_the_next_does_after_ten_minutes() {
    let mut refresh = fetched();
    assert_eq!(refresh.next_tick(), 10 * MINUTE);
    assert_eq!(refresh.tick(10 * MINUTE - seconds(1)), nothing());
    assert_eq!(refresh.tick(10 * MINUTE).fetch, Some(2));
    assert_eq!(refresh.tick(10 * MINUTE + seconds(1)), nothing());
}

#[test]
fn an_unknown_key_is_fetched_once_and_those_who_ask_meanwhile_wait_for_it() {
    let mut refresh = fetched();
    assert_eq!(refresh.unknown_key(1, MINUTE), Unknown::Wait(Some(2)));
    assert_eq!(refresh.unknown_key(2, MINUTE + seconds(1)), Unknown::Wait(None));
    let arrival = refresh.fetched(2, true, MINUTE + seconds(2));
    assert_eq!(arrival, Arrival { accept: true, fetch: None, answer: vec![1, 2] });
    assert_eq!(refresh.unknown_key(3, MINUTE + seconds(29)), Unknown::Refuse(3));
    assert_eq!(refresh.unknown_key(4, MINUTE + seconds(30)), Unknown::Wait(Some(3)));
}

#[test]
fn a_fetch_for_an_unknown_key_makes_the_set_young_again() {
    let mut refresh = fetched();
    refresh.unknown_key(1, 9 * MINUTE);
    refresh.fetched(2, true, 9 * MINUTE);
    assert_eq!(refresh.tick(10 * MINUTE), nothing());
    assert_eq!(refresh.next_tick(), 19 * MINUTE);
}

#[test]
fn in_an_outage_it_is_tried_once_per_cooldown_and_the_set_stays() {
    let mut refresh = fetched();
    assert_eq!(refresh.tick(10 * MINUTE).fetch, Some(2));
    let failed = refresh.fetched(2, false, 10 * MINUTE + seconds(1));
    assert_eq!(failed, nothing());
    assert_eq!(refresh.next_tick(), 10 * MINUTE + seconds(30));
    assert_eq!(refresh.unknown_key(1, 10 * MINUTE + seconds(2)), Unknown::Refuse(1));
    assert_eq!(refresh.tick(10 * MINUTE + seconds(29)), nothing());
    assert_eq!(refresh.tick(10 * MINUTE + seconds(30)).fetch, Some(3));
    assert!(refresh.fetched(3, true, 11 * MINUTE).accept);
}

#[test]
fn before_the_first_set_tokens_wait_for_it() {
    let mut refresh = Refresh::new(RefreshPolicy::default());
    assert_eq!(refresh.next_tick(), seconds(0));
    assert_eq!(refresh.unknown_key(1, seconds(5)), Unknown::Wait(Some(1)));
    assert_eq!(refresh.tick(seconds(5)), nothing());
    let failed = refresh.fetched(1, false, seconds(6));
    assert_eq!(failed, Arrival { accept: false, fetch: None, answer: vec![1] });
}

#[test]
fn before_the_first_set_it_is_tried_again_soon_and_then_ever_later() {
    let mut refresh = Refresh::<u32>::new(RefreshPolicy::default());
    let mut begun = 0;
    assert_eq!(refresh.tick(seconds(0)).fetch, Some(1));
    for (number, wait) in (1..).zip([1, 2, 4, 8, 16, 30, 30]) {
        refresh.fetched(number, false, seconds(begun));
        assert_eq!(refresh.tick(seconds(begun + wait) - Duration::from_millis(1)), nothing());
        begun += wait;
        assert_eq!(refresh.next_tick(), seconds(begun));
        assert_eq!(refresh.tick(seconds(begun)).fetch, Some(number + 1));
    }
    refresh.fetched(8, true, seconds(begun));
    assert_eq!(refresh.unknown_key(1, seconds(begun + 29)), Unknown::Refuse(1));

    let policy = RefreshPolicy { cooldown: Duration::from_millis(20), ..RefreshPolicy::default() };
    let mut eager = Refresh::<u32>::new(policy);
    eager.tick(seconds(0));
    eager.fetched(1, false, seconds(0));
    assert_eq!(eager.next_tick(), policy.cooldown, "no longer than the cooldown");
}

#[test]
fn a_fetch_that_takes_too_long_is_given_up_and_its_set_is_taken_when_it_comes() {
    let mut refresh = fetched();
    refresh.unknown_key(1, MINUTE);
    assert_eq!(refresh.next_tick(), MINUTE + seconds(10));
    assert_eq!(refresh.tick(MINUTE + seconds(9)), nothing());
    assert_eq!(refresh.tick(MINUTE + seconds(10)).answer, [1]);
    assert_eq!(refresh.unknown_key(2, 2 * MINUTE), Unknown::Wait(Some(3)));
    let late = refresh.fetched(2, true, 2 * MINUTE);
    assert_eq!(late, Arrival { accept: true, fetch: None, answer: vec![] });
    assert_eq!(refresh.fetched(3, true, 2 * MINUTE).answer, [2]);
    assert!(!refresh.fetched(2, true, 2 * MINUTE).accept, "an older set than the one in use");
    assert!(!refresh.fetched(9, true, 2 * MINUTE).accept, "a fetch that was never begun");
}

#[test]
fn only_so_many_wait() {
    let mut refresh = fetched();
    for token in 0..MAX_WAITING as u32 {
        assert!(matches!(refresh.unknown_key(token, MINUTE), Unknown::Wait(_)));
    }
    assert_eq!(refresh.unknown_key(9999, MINUTE), Unknown::Refuse(9999));
    assert_eq!(refresh.waiting(), MAX_WAITING);
    refresh.forget(&5);
    refresh.forget(&9999);
    assert_eq!(
        refresh.unknown_key(1234, MINUTE),
        Unknown::Wait(None),
        "in the place of the one who left"
    );
    let answer = refresh.fetched(2, true, MINUTE).answer;
    assert_eq!(answer.len(), MAX_WAITING);
    assert!(answer.contains(&1234) && !answer.contains(&5));
    assert_eq!(refresh.waiting(), 0);
}

#[test]
fn a_set_is_current_as_long_as_it_is_that_of_the_last_fetch() {
    let mut refresh = Refresh::new(RefreshPolicy::default());
    assert!(!refresh.is_current(), "there is none");
    refresh.unknown_key(1, seconds(0));
    assert!(!refresh.is_current());
    refresh.fetched(1, true, seconds(0));
    assert!(refresh.is_current());
    refresh.unknown_key(2, MINUTE);
    assert!(!refresh.is_current(), "a newer one is under way");
    refresh.fetched(2, false, MINUTE);
    assert!(!refresh.is_current(), "the newer one could not be had");
}

#[derive(Clone, Debug)]
enum Event {
    Pass(u64),
    Tick,
    Ask,
    End { which: u64, good: bool },
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        (0u64..20_000).prop_map(Event::Pass),
        (0u64..700_000).prop_map(Event::Pass),
        Just(Event::Tick),
        Just(Event::Ask),
        (0u64..4, any::<bool>()).prop_map(|(which, good)| Event::End { which, good }),
    ];
    prop::collection::vec(event, 0..200)
}

proptest! {
    /// Whatever happens: fetches keep their distance, each token that waits is answered once and in
    /// time, no set gives way to an older one, and a host that ticks when it is told to has a set that is
    /// young enough or a fetch that was tried not long ago.
    #[test]
    fn the_policy_holds_over_any_events(events in events()) {
        let policy = RefreshPolicy::default();
        let mut refresh = Refresh::new(policy);
        let mut now = Duration::ZERO;
        let (mut begun, mut good_at, mut in_use) = (Vec::new(), None, 0);
        // The fetches that were begun without a set.
        let mut blind = None;
        let distance = |number: u64, blind: Option<u64>| {
            let doubled = Duration::from_secs(1 << (number - 1).min(20));
            let soon = blind.is_none_or(|last| number < last);
            if soon { doubled.min(policy.cooldown) } else { policy.cooldown }
        };
        let (mut asked, mut waiting, mut since) = (0u32, HashSet::new(), Duration::ZERO);
        let mut steps = Vec::new();
        for event in events {
            // The host ticks whenever it is told to, so time passes in steps.
            if let Event::Pass(ms) = event {
                let until = now + Duration::from_millis(ms);
                while refresh.next_tick() <= until {
                    let at = refresh.next_tick().max(now);
                    steps.push((at, Event::Tick));
                    let arrival = refresh.tick(at);
                    begun.extend(arrival.fetch.map(|number| (number, at)));
                    for token in arrival.answer {
                        prop_assert!(waiting.remove(&token), "{token} did not wait");
                    }
                    now = at;
                    prop_assert!(refresh.next_tick() > at, "a tick that changes nothing: {steps:?}");
                }
                now = until;
            }
            match event {
                Event::Pass(_) => {}
                Event::Tick => {
                    let arrival = refresh.tick(now);
                    begun.extend(arrival.fetch.map(|number| (number, now)));
                    for token in arrival.answer {
                        prop_assert!(waiting.remove(&token));
                    }
                }
                Event::Ask => {
                    asked += 1;
                    let before = begun.len();
                    match refresh.unknown_key(asked, now) {
                        Unknown::Wait(fetch) => {
                            if waiting.is_empty() {
                                since = now;
                            }
                            begun.extend(fetch.map(|number| (number, now)));
                            waiting.insert(asked);
                        }
                        Unknown::Refuse(token) => {
                            prop_assert_eq!(token, asked);
                            let last = begun.last().copied();
                            prop_assert!(last.is_some_and(|(number, at)| now < at + distance(number, blind)));
                        }
                    }
                    prop_assert!(begun.len() <= before + 1);
                }
                Event::End { which, good } => {
                    let Some((number, _)) = begun.iter().rev().nth(which as usize).copied() else {
                        continue;
                    };
                    let arrival = refresh.fetched(number, good, now);
                    prop_assert_eq!(arrival.fetch, None);
                    prop_assert_eq!(arrival.accept, good && number > in_use);
                    if arrival.accept {
                        (good_at, in_use) = (Some(now), number);
                        blind = blind.or(Some(begun.len() as u64));
                    }
                    for token in arrival.answer {
                        prop_assert!(waiting.remove(&token));
                    }
                }
            }
            prop_assert_eq!(refresh.waiting(), waiting.len());
            if !waiting.is_empty() {
                prop_assert!(now < since + policy.timeout, "waited for too long");
            }
            for pair in begun.windows(2) {
                prop_assert_eq!(pair[1].0, pair[0].0 + 1);
                prop_assert!(pair[1].1 >= pair[0].1 + distance(pair[0].0, blind));
            }
            if refresh.next_tick() > now {
                let young = good_at.is_some_and(|at| now < at + policy.max_age);
                let tried = begun.last().is_some_and(|(_, at)| now < *at + policy.cooldown.max(policy.timeout));
                prop_assert!(young || tried);
            }
        }
    }
}
