//! Messages of one crossing by profile, topic and partition: librdkafka takes those of a partition at
//! once for a fraction of what they cost one by one.

use crate::kafka::sys::{Batch, Plain};

pub(super) struct Group<'a> {
    pub(super) profile: u32,
    pub(super) topic: u32,
    /// By partition.
    batches: Vec<Option<Batch<'a>>>,
    /// Which of them were begun, in that order.
    begun: Vec<u32>,
}

pub(super) struct Groups<'a> {
    all: Vec<Group<'a>>,
    /// The one that was used last.
    last: usize,
    /// Memory for batches.
    spare: Vec<Batch<'a>>,
}

/// Empty batches that are kept. More partitions at once are served with new ones.
const MOST_SPARE: usize = 256;

impl<'a> Groups<'a> {
    pub(super) fn new(spare: Vec<Batch<'static>>) -> Self {
        Self { all: Vec::new(), last: 0, spare: spare.into_iter().map(Batch::emptied).collect() }
    }

    /// The memory, for the next crossing.
    pub(super) fn into_spare(mut self) -> Vec<Batch<'static>> {
        self.spare.truncate(MOST_SPARE);
        self.spare.into_iter().map(Batch::emptied).collect()
    }

    /// `partition` is one that the topic has.
    pub(super) fn push(&mut self, profile: u32, topic: u32, partition: u32, plain: Plain<'a>) {
        let spare = &mut self.spare;
        let at = find(&mut self.all, &mut self.last, profile, topic);
        let Some(group) = self.all.get_mut(at) else { return };
        let place = partition as usize;
        if group.batches.len() <= place {
            group.batches.resize_with(place + 1, || None);
        }
        if let Some(batch) = group.batches.get_mut(place) {
            let batch = batch.get_or_insert_with(|| {
                group.begun.push(partition);
                spare.pop().unwrap_or_else(Batch::new)
            });
            batch.push(plain);
        }
    }

    /// Takes what is there for one partition, before a message that goes alone.
    pub(super) fn take(&mut self, profile: u32, topic: u32, partition: u32) -> Option<Batch<'a>> {
        let group = self.all.iter_mut().find(|it| it.profile == profile && it.topic == topic)?;
        group.begun.retain(|it| *it != partition);
        group.batches.get_mut(partition as usize)?.take()
    }

    /// Takes all of it, in the order in which it was begun.
    pub(super) fn take_all(
        &mut self,
    ) -> impl Iterator<Item = (u32, u32, u32, Batch<'a>)> + use<'a> {
        std::mem::take(&mut self.all).into_iter().flat_map(|mut group| {
            let begun = std::mem::take(&mut group.begun);
            begun.into_iter().filter_map(move |partition| {
                let batch = group.batches.get_mut(partition as usize)?.take()?;
                Some((group.profile, group.topic, partition, batch))
            })
        })
    }

    pub(super) fn give_back(&mut self, batch: Batch<'a>) {
        self.spare.push(batch.emptied());
    }
}

fn find(all: &mut Vec<Group<'_>>, last: &mut usize, profile: u32, topic: u32) -> usize {
    let is = |it: &Group<'_>| it.profile == profile && it.topic == topic;
    if !all.get(*last).is_some_and(is) {
        *last = all.iter().position(is).unwrap_or_else(|| {
            all.push(Group { profile, topic, batches: Vec::new(), begun: Vec::new() });
            all.len() - 1
        });
    }
    *last
}
