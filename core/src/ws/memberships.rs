//! The rooms and topics of one connection, in the order in which it came to them. To add one, or to
//! end one, costs the same however many there are: whoever belongs to ten thousand rooms and leaves
//! them one by one must not look ten thousand of them over each time.

#[cfg(test)]
use std::cell::Cell;

use super::connection::{GroupKind, Membership};

#[derive(Debug, Default)]
pub struct Memberships {
    /// By place. What ended leaves a gap, until there are more gaps than memberships.
    entries: Vec<(Place, Option<Membership>)>,
    gaps: usize,
    /// How many of them are topics; the others are rooms.
    topics: usize,
    /// How many entries were looked at in all, which the tests count instead of the time.
    #[cfg(test)]
    pub looks: Cell<usize>,
}

/// A membership's number within its connection. It grows with each that begins.
pub type Place = u64;

impl Memberships {
    /// The place that the next membership will have.
    pub fn next_place(&self) -> Place {
        self.entries.last().map_or(0, |(place, _)| place + 1)
    }

    /// Adds a membership at the next place.
    pub fn push(&mut self, membership: Membership) {
        self.topics += usize::from(membership.kind == GroupKind::Topic);
        self.entries.push((self.next_place(), Some(membership)));
    }

    /// Ends the membership at a place.
    pub fn remove(&mut self, place: Place) {
        let found = self.entries.binary_search_by(|(at, _)| {
            self.look();
            at.cmp(&place)
        });
        if let Some(ended) = found.ok().and_then(|index| self.entries[index].1.take()) {
            self.topics -= usize::from(ended.kind == GroupKind::Topic);
            self.gaps += 1;
        }
        if self.gaps * 2 > self.entries.len() {
            self.entries.iter().for_each(|_| self.look());
            self.entries.retain(|(_, membership)| membership.is_some());
            self.entries.shrink_to(self.entries.len() * 2);
            self.gaps = 0;
        }
    }

    /// The host stands for the membership at a place from now on, whoever made it.
    pub fn vouch(&mut self, place: Place) {
        let found = self.entries.binary_search_by(|(at, _)| {
            self.look();
            at.cmp(&place)
        });
        if let Some(membership) = found.ok().and_then(|index| self.entries[index].1.as_mut()) {
            membership.granted = false;
        }
    }

    /// Ends those that `keeps` does not want, and returns them.
    pub fn weed(&mut self, keeps: impl Fn(&Membership) -> bool) -> Vec<Membership> {
        let entries = self.entries.iter().inspect(|_| self.look());
        let doomed = entries.filter(|(_, it)| it.as_ref().is_some_and(|it| !keeps(it)));
        let doomed: Vec<(Place, Option<Membership>)> = doomed.cloned().collect();
        doomed.iter().for_each(|(place, _)| self.remove(*place));
        doomed.into_iter().filter_map(|(_, membership)| membership).collect()
    }

    /// How many there are of a kind.
    pub fn count(&self, kind: GroupKind) -> usize {
        match kind {
            GroupKind::Topic => self.topics,
            GroupKind::Room => self.entries.len() - self.gaps - self.topics,
            GroupKind::User => 0,
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Membership> {
        let entries = self.entries.iter().inspect(|_| self.look());
        entries.filter_map(|(_, membership)| membership.as_ref())
    }

    #[allow(clippy::unused_self, reason = "it counts in tests only")]
    fn look(&self) {
        #[cfg(test)]
        self.looks.set(self.looks.get() + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(number: u64) -> Membership {
        Membership {
            kind: GroupKind::Room,
            group: number,
            name: number.to_string().into(),
            granted: false,
        }
    }

    fn groups(memberships: &Memberships) -> Vec<u64> {
        memberships.iter().map(|membership| membership.group).collect()
    }

    #[test]
    fn the_order_of_their_coming_outlasts_what_ends_in_between() {
        let mut memberships = Memberships::default();
        let mut places = Vec::new();
        for number in 0..10 {
            places.push(memberships.next_place());
            memberships.push(room(number));
        }
        for number in [3, 0, 8, 1, 2, 9, 5] {
            memberships.remove(places[number]);
        }
        assert_eq!(groups(&memberships), [4, 6, 7]);

        let place = memberships.next_place();
        memberships.push(room(3));
        assert_eq!(groups(&memberships), [4, 6, 7, 3]);
        memberships.remove(place);
        memberships.remove(places[6]);
        assert_eq!(groups(&memberships), [4, 7]);
        for number in [4, 7] {
            memberships.remove(places[number]);
        }
        assert!(groups(&memberships).is_empty());
    }

    #[test]
    fn a_place_that_is_empty_is_nobodys() {
        let mut memberships = Memberships::default();
        for number in 0..4 {
            memberships.push(room(number));
        }
        memberships.remove(1);
        memberships.remove(1);
        memberships.remove(99);
        assert_eq!(groups(&memberships), [0, 2, 3]);
    }

    #[test]
    fn each_kind_is_counted() {
        let mut memberships = Memberships::default();
        for number in 0..6 {
            let kind = if number % 3 == 0 { GroupKind::Topic } else { GroupKind::Room };
            memberships.push(Membership { kind, ..room(number) });
        }
        memberships.remove(0);
        memberships.remove(0);
        memberships.remove(1);
        assert_eq!([GroupKind::Topic, GroupKind::Room].map(|kind| memberships.count(kind)), [1, 3]);
        (2..6).for_each(|place| memberships.remove(place));
        assert_eq!([GroupKind::Topic, GroupKind::Room].map(|kind| memberships.count(kind)), [0, 0]);
    }
}
