//! What one shard does with its sockets, its queue and its faults, over real sockets. `rig` drives a
//! shard by hand, so that a test decides what happens between two of its steps.

mod attached;
mod closing;
mod compressing;
mod dismissed;
mod entrance;
mod guard;
mod heartbeat;
mod held;
mod keys;
mod recovery;
mod rig;
mod secure;
mod slow_readers;
mod thread;
mod turns;

use rustc_hash::FxBuildHasher;
use std::collections::HashSet;

use super::slot::Slot;
use crate::ws::connection::GroupId;

/// A list of a connection's groups would be walked at each leave: leaving ten thousand rooms, one by
/// one, would look fifty million entries over. The index has the same property, and a test of it.
#[test]
fn a_group_is_found_among_those_of_a_connection_by_its_hash() {
    fn is_hashed(_: &HashSet<GroupId, FxBuildHasher>) {}
    let _: fn(&Slot) = |slot| is_hashed(&slot.groups);
}
