//! Replays the inputs that fuzzing has found to be worth keeping, without a fuzzer: whoever breaks
//! a property that one of them shows, learns it from `cargo test`.

use super::{decoder, handshake, inflate, messages};
use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// A target by its name, which is that of its file, of its dictionary and of its corpus' folder.
type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 5] = [
    ("decoder", decoder::check),
    ("handshake", handshake::check),
    ("inflate", inflate::check),
    ("messages", messages::check),
    ("tokens", crate::jwt::fuzzing::check),
];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(name)
}

fn entries(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    entries.map(|entry| entry.expect("a readable folder").path()).collect()
}

fn stems(folder: &Path) -> BTreeSet<String> {
    let stem = |path: &PathBuf| path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned);
    entries(folder).iter().filter_map(stem).collect()
}

#[test]
fn the_kept_inputs_hold() {
    for (name, check) in TARGETS {
        let inputs = entries(&folder("corpus").join(name));
        assert!(!inputs.is_empty(), "the corpus of {name} is empty");
        for path in inputs {
            let input = fs::read(&path).expect("a readable file");
            let holds = catch_unwind(AssertUnwindSafe(|| check(&input)));
            assert!(holds.is_ok(), "{name} does not hold for {path:?}");
        }
    }
}

#[test]
fn each_target_is_replayed() {
    let names: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    for kind in ["fuzz_targets", "corpus", "dictionaries"] {
        assert_eq!(stems(&folder(kind)), names, "{kind}");
    }
}
