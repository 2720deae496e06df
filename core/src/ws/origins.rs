//! Which pages may connect: a browser tells by `Origin` (RFC 6454) what page it acts for, and sends the
//! user's cookies whatever page that is. Exact origins and patterns are judged here; regular expressions and
//! functions are JavaScript's, and the host is asked.

/// The origins that are allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins {
    patterns: Vec<Pattern>,
    /// The host has rules of its own, for what no pattern allows.
    asks: bool,
}

/// One allowed origin, or many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// `*`
    Any,
    /// In lower case and without the scheme's own port, as browsers write it; `null` too.
    Exact(String),
    /// `https://*.example.com`: what stands before and behind the asterisk, for which there is at least
    /// one label.
    Below { scheme: String, domain: String },
    /// A rule of the host's.
    Asked,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Allowed,
    Refused,
    /// The host has to say.
    Asked,
}

impl FromIterator<Pattern> for Origins {
    fn from_iter<T: IntoIterator<Item = Pattern>>(patterns: T) -> Self {
        let mut origins = Self::default();
        for pattern in patterns {
            match pattern {
                Pattern::Asked => origins.asks = true,
                pattern => origins.patterns.push(pattern),
            }
        }
        origins
    }
}

impl Pattern {
    /// Reads `*`, `null`, `https://example.com`, `http://localhost:3000` or `https://*.example.com`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text == "*" {
            return Some(Self::Any);
        }
        if text == "null" {
            return Some(Self::Exact(text.to_owned()));
        }
        let (scheme, rest) = text.split_once("://")?;
        let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
        let below = rest.strip_prefix("*.");
        let host = below.unwrap_or(rest);
        // Labels and a port, or an IPv6 address in brackets: anything else no browser sends.
        let is_host = !host.is_empty()
            && !host.starts_with(['.', ':'])
            && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b));
        if !is_scheme || !is_host {
            return None;
        }
        let origin = normalised(&format!("{scheme}://{host}"));
        let (scheme, host) = origin.split_once("://")?;
        Some(match below {
            Some(_) => Self::Below { scheme: format!("{scheme}://"), domain: format!(".{host}") },
            None => Self::Exact(origin),
        })
    }

    /// `origin` is normalised.
    fn allows(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(allowed) => allowed == origin,
            Self::Below { scheme, domain } => origin
                .strip_prefix(scheme.as_str())
                .and_then(|rest| rest.strip_suffix(domain.as_str()))
                .is_some_and(is_labels),
            Self::Asked => false,
        }
    }
}

impl Origins {
    /// Judges a request by the values of its `Origin` headers. Who sends none is no browser, and could send
    /// any.
    pub fn judge<'a>(&self, mut given: impl Iterator<Item = &'a str>) -> Verdict {
        let Some(origin) = given.next() else {
            return Verdict::Allowed;
        };
        if given.next().is_some() {
            return Verdict::Refused;
        }
        let origin = normalised(origin);
        match self.patterns.iter().any(|pattern| pattern.allows(&origin)) {
            true => Verdict::Allowed,
            false if self.asks => Verdict::Asked,
            false => Verdict::Refused,
        }
    }
}

/// Lower case, and without the port that the scheme has anyway.
fn normalised(origin: &str) -> String {
    let mut origin = origin.to_ascii_lowercase();
    for (scheme, port) in [("https://", ":443"), ("http://", ":80")] {
        if origin.starts_with(scheme) && origin.ends_with(port) {
            origin.truncate(origin.len() - port.len());
        }
    }
    origin
}

/// Whether this is one label of a host's name, or several with dots between.
fn is_labels(text: &str) -> bool {
    text.split('.').all(|label| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn judge(allowed: &[&str], origin: &str) -> Verdict {
        let origins: Origins = allowed.iter().map(|it| Pattern::parse(it).unwrap()).collect();
        origins.judge([origin].into_iter())
    }

    #[test]
    fn what_is_listed_is_allowed_and_nothing_else() {
        let list = ["https://example.com", "http://localhost:3000", "https://*.example.org:8443"];
        for origin in [
            "https://example.com",
            "HTTPS://Example.COM",
            "https://example.com:443",
            "http://localhost:3000",
            "https://a.example.org:8443",
            "https://a.b-c.example.org:8443",
        ] {
            assert_eq!(judge(&list, origin), Verdict::Allowed, "{origin}");
        }
        for origin in [
            "http://example.com",
            "https://example.com:8443",
            "https://example.com.evil.net",
            "https://evil-example.com",
            "https://www.example.com",
            "https://example.com/",
            "http://localhost",
            "https://example.org:8443",
            "https://a.example.org",
            "https://.example.org:8443",
            "https://a..example.org:8443",
            "https://evil.net/.example.org:8443",
            "https://evil.net:1@a.example.org:8443",
            "https://evil.net#.example.org:8443",
            "http://a.example.org:8443",
            "null",
            "",
            "*",
        ] {
            assert_eq!(judge(&list, origin), Verdict::Refused, "{origin}");
        }
    }

    #[test]
    fn an_asterisk_allows_all_and_null_is_an_origin_like_others() {
        assert_eq!(judge(&["*"], "https://anything"), Verdict::Allowed);
        assert_eq!(judge(&["null"], "null"), Verdict::Allowed);
        assert_eq!(judge(&["https://a"], "null"), Verdict::Refused);
        assert_eq!(judge(&["app://x"], "app://x"), Verdict::Allowed);
        assert_eq!(judge(&["http://[::1]:80"], "http://[::1]"), Verdict::Allowed);
    }

    #[test]
    fn who_tells_no_origin_is_allowed_and_who_tells_two_is_not() {
        let origins: Origins = Pattern::parse("https://a").into_iter().collect();
        assert_eq!(origins.judge(std::iter::empty()), Verdict::Allowed);
        assert_eq!(origins.judge(["https://a", "https://a"].into_iter()), Verdict::Refused);
        assert_eq!(Origins::default().judge(["https://a"].into_iter()), Verdict::Refused);
    }

    #[test]
    fn the_host_is_asked_only_where_no_pattern_allows() {
        let patterns = [Pattern::Asked, Pattern::Exact("https://a".to_owned())];
        let origins: Origins = patterns.into_iter().collect();
        assert_eq!(origins.judge(["https://a"].into_iter()), Verdict::Allowed);
        assert_eq!(origins.judge(["https://b"].into_iter()), Verdict::Asked);
    }

    #[test]
    fn what_no_browser_sends_is_no_pattern() {
        for bad in [
            "",
            "example.com",
            "https://",
            "https://*",
            "https://*.",
            "https://a.*.com",
            "https://example.com/",
            "https://example.com/path",
            "https://user@example.com",
            "https://a b",
            "*.example.com",
            "**",
            "1s://a",
            "://a",
        ] {
            assert_eq!(Pattern::parse(bad), None, "{bad}");
        }
    }

    proptest! {
        /// A pattern allows nothing but names below its domain.
        #[test]
        fn nothing_but_names_below_the_domain(origin in "https?://[a-z.@:/#*-]{0,12}(\\.example\\.com)?(:443)?") {
            if judge(&["https://*.example.com"], &origin) == Verdict::Allowed {
                let host = origin.trim_end_matches(":443").strip_prefix("https://").expect("https");
                let labels = host.strip_suffix(".example.com").expect("below");
                prop_assert!(labels.split('.').all(|l| !l.is_empty() && !l.contains(['/', '@', ':', '#', '*'])));
            }
        }
    }
}
