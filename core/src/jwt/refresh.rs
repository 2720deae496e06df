//! When a remote key set is fetched, and who waits for it. The fetch itself is the host's.
//!
//! Tokens are verified by the last good set, however old it is: an issuer that cannot be reached must
//! not lock out everybody. It is fetched again when it is `max_age` old, whether tokens come or not, so
//! a key that its issuer has withdrawn is accepted for no longer than that and the fetch take. A token
//! whose key is not known makes for one fetch, at most once per `cooldown`, and waits for it. A good set
//! may be an empty one: its issuer has withdrawn all keys.
//!
//! Before the first set nobody can come in, so that it is tried again sooner than after `cooldown`.

use std::time::Duration;

/// Tokens that may wait for a fetch. Further ones are refused at once: those who were first keep their places.
pub const MAX_WAITING: usize = 1000;

/// From the first fetch to the second, if that one fails. Then twice that, and so on up to `cooldown`.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// How often a key set is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshPolicy {
    /// `jwt.jwks.cacheMaxAge`, `WS_JWT_JWKS_CACHE_MAX_AGE`: the age in ms at which a set is fetched again, default 600,000 (10
    /// minutes), up to 2^31 - 1.
    pub max_age: Duration,
    /// `jwt.jwks.cooldown`, `WS_JWT_JWKS_COOLDOWN`: the least time in ms from the beginning of one fetch to that of the next,
    /// default 30,000, up to 2^31 - 1. Tokens with made-up keys cannot make for more. Before the first set
    /// it is 1 second and doubles, up to this.
    pub cooldown: Duration,
    /// For how long tokens wait for a fetch, which then counts as failed: 10 seconds. What comes later
    /// is taken all the same.
    pub timeout: Duration,
}

impl Default for RefreshPolicy {
    fn default() -> Self {
        Self {
            max_age: Duration::from_secs(10 * 60),
            cooldown: Duration::from_secs(30),
            timeout: Duration::from_secs(10),
        }
    }
}

/// The state of one remote key set. `T` is whatever stands for a token that waits. `now` is the time
/// since any moment, on a clock that never goes back.
#[derive(Debug)]
pub struct Refresh<T> {
    policy: RefreshPolicy,
    /// When the last good set came.
    fetched_at: Option<Duration>,
    /// When the last fetch was begun.
    begun_at: Option<Duration>,
    /// The fetch that tokens wait for.
    under_way: Option<u64>,
    /// The number of the last fetch that was begun; they begin at 1.
    last: u64,
    /// The number of the fetch whose set is in use, 0 before there is one.
    in_use: u64,
    waiting: Vec<T>,
}

/// What becomes of a token whose key is not known.
#[derive(Debug, PartialEq, Eq)]
pub enum Unknown<T> {
    /// It waits for the fetch under way. If a number is given, that fetch is to be begun now.
    Wait(Option<u64>),
    /// It is refused: a fetch was begun not long ago, or too many wait.
    Refuse(T),
}

/// What follows from the end of a fetch, or from time.
#[derive(Debug, PartialEq, Eq)]
pub struct Arrival<T> {
    /// Whether the set that came is to be used from now on. It is not if a newer one is in use.
    pub accept: bool,
    /// A fetch to be begun now, by its number.
    pub fetch: Option<u64>,
    /// Tokens to be verified again, after the new set is in use. That answer is final.
    pub answer: Vec<T>,
}

impl<T> Refresh<T> {
    /// A set that is not there yet: the first tick begins to fetch it.
    #[must_use]
    pub const fn new(policy: RefreshPolicy) -> Self {
        Self {
            policy,
            fetched_at: None,
            begun_at: None,
            under_way: None,
            last: 0,
            in_use: 0,
            waiting: Vec::new(),
        }
    }

    /// A token's key is not known.
    pub fn unknown_key(&mut self, token: T, now: Duration) -> Unknown<T> {
        let fetch = match self.under_way {
            Some(_) if self.waiting.len() < MAX_WAITING => None,
            None if self.may_begin(now) => Some(self.begin(now)),
            _ => return Unknown::Refuse(token),
        };
        self.waiting.push(token);
        Unknown::Wait(fetch)
    }

    /// Time has passed: gives up a fetch that takes too long, and begins one that is due.
    pub fn tick(&mut self, now: Duration) -> Arrival<T> {
        let answer = match (self.under_way, self.begun_at) {
            (Some(_), Some(begun)) if now >= begun.saturating_add(self.policy.timeout) => {
                self.end()
            }
            _ => Vec::new(),
        };
        let due = self.under_way.is_none() && now >= self.due() && self.may_begin(now);
        Arrival { accept: false, fetch: due.then(|| self.begin(now)), answer }
    }

    /// When `tick` will next have something to do.
    #[must_use]
    pub fn next_tick(&self) -> Duration {
        let begun = self.begun_at.unwrap_or_default();
        match (self.under_way, self.begun_at) {
            (Some(_), _) => begun.saturating_add(self.policy.timeout),
            (None, None) => Duration::ZERO,
            (None, Some(_)) => self.due().max(begun.saturating_add(self.distance())),
        }
    }

    /// The fetch of this number has ended, with a set that can be used or without one.
    pub fn fetched(&mut self, number: u64, good: bool, now: Duration) -> Arrival<T> {
        let accept = good && number > self.in_use && number <= self.last;
        if accept {
            self.in_use = number;
            self.fetched_at = Some(now);
        }
        let answer = if self.under_way == Some(number) { self.end() } else { Vec::new() };
        Arrival { accept, fetch: None, answer }
    }

    /// Nobody asks any more what becomes of a token. Its place is free.
    pub fn forget(&mut self, token: &T)
    where
        T: PartialEq,
    {
        if let Some(at) = self.waiting.iter().position(|it| it == token) {
            self.waiting.swap_remove(at);
        }
    }

    /// Whether the set in use is that of the last fetch: a key that it does not have is hardly a good one. Else
    /// a fetch is under way, or has failed.
    #[must_use]
    pub const fn is_current(&self) -> bool {
        self.has_set() && self.in_use == self.last
    }

    /// Whether there is a set that tokens can be verified by.
    const fn has_set(&self) -> bool {
        self.in_use > 0
    }

    /// How many tokens wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn due(&self) -> Duration {
        self.fetched_at.map_or(Duration::ZERO, |at| at.saturating_add(self.policy.max_age))
    }

    fn may_begin(&self, now: Duration) -> bool {
        self.begun_at.is_none_or(|begun| now >= begun.saturating_add(self.distance()))
    }

    /// The least time from the beginning of the last fetch to that of the next.
    fn distance(&self) -> Duration {
        if self.has_set() {
            return self.policy.cooldown;
        }
        let doubled = 2u32.saturating_pow(u32::try_from(self.last - 1).unwrap_or(u32::MAX));
        FIRST_RETRY.saturating_mul(doubled).min(self.policy.cooldown)
    }

    fn begin(&mut self, now: Duration) -> u64 {
        self.begun_at = Some(now);
        self.last += 1;
        self.under_way = Some(self.last);
        self.last
    }

    fn end(&mut self) -> Vec<T> {
        self.under_way = None;
        std::mem::take(&mut self.waiting)
    }
}

#[cfg(test)]
mod tests;
