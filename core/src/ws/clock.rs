//! The clocks of the WebSocket server: a steady one for deadlines, the wall clock for timestamps.

use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// Milliseconds since the Unix epoch that never run backwards: the wall clock at first use plus
/// the monotonic time since. `lastHeartbeat` and the heartbeat's decisions read this one.
pub fn steady_millis() -> u64 {
    static START: OnceLock<(Instant, u64)> = OnceLock::new();
    let (start, epoch) = START.get_or_init(|| (Instant::now(), wall_millis()));
    epoch + u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Milliseconds since the Unix epoch by the wall clock.
pub fn wall_millis() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

/// Appends the wall clock as JavaScript's `toISOString()` does: `2026-01-31T12:00:00.000Z`.
pub fn write_timestamp(out: &mut Vec<u8>) {
    use std::io::Write;
    let now = humantime::format_rfc3339_millis(SystemTime::now());
    write!(out, "{now}").expect("writing to a Vec cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_looks_like_to_iso_string() {
        let mut out = Vec::new();
        write_timestamp(&mut out);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.len(), "2026-01-31T12:00:00.000Z".len());
        assert_eq!(&text[10..11], "T");
        assert_eq!(&text[19..20], ".");
        assert!(text.ends_with('Z'));
    }
}
