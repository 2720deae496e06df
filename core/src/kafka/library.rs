//! Which librdkafka is inside.

use super::sys;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Library {
    pub version: String,
    /// What it was built with, by its own words, such as `ssl` and `zstd`.
    pub features: Vec<String>,
}

#[must_use]
pub fn library() -> Library {
    Library { version: sys::version(), features: sys::features() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_rely_on_is_built_in() {
        let Library { version, features } = library();
        assert!(version.starts_with("2."), "{version}");
        for feature in ["gzip", "snappy", "lz4", "zstd", "ssl", "sasl_plain", "sasl_scram"] {
            assert!(features.iter().any(|it| it == feature), "{feature} is not in {features:?}");
        }
    }
}
