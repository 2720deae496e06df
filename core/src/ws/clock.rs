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
    out.extend_from_slice(&timestamp(wall_millis()));
}

/// A time in milliseconds since the Unix epoch, before the year 10000, in the same form.
pub fn iso(millis: u64) -> String {
    timestamp(millis).map(char::from).iter().collect()
}

/// Digits by hand: every message has a timestamp, and the formatting machinery took a quarter of
/// what a send that finds cold caches costs in the engine.
fn timestamp(millis: u64) -> [u8; 24] {
    let (days, time) = (millis / 86_400_000, millis % 86_400_000);
    let (year, month, day) = date(days);
    let mut text = *b"0000-00-00T00:00:00.000Z";
    digits(&mut text[0..4], year);
    digits(&mut text[5..7], month);
    digits(&mut text[8..10], day);
    digits(&mut text[11..13], time / 3_600_000);
    digits(&mut text[14..16], time / 60_000 % 60);
    digits(&mut text[17..19], time / 1000 % 60);
    digits(&mut text[20..23], time % 1000);
    text
}

/// Writes a number's last digits.
fn digits(text: &mut [u8], mut number: u64) {
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Year, month and day of a day since the epoch, in the Gregorian calendar. Years are counted from
/// March, so that the leap day comes last, and in cycles of 400, which all have the same days.
fn date(days: u64) -> (u64, u64, u64) {
    const CYCLE: u64 = 146_097;
    // From 1 March of the year 0.
    let days = days + 719_468;
    let day_of_cycle = days % CYCLE;
    let leap_days = day_of_cycle / 1460 - day_of_cycle / 36_524 + day_of_cycle / (CYCLE - 1);
    let year_of_cycle = (day_of_cycle - leap_days) / 365;
    let day_of_year =
        day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    // From March on, five months have 153 days, again and again.
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = days / CYCLE * 400 + year_of_cycle + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    fn expected(millis: u64) -> String {
        let time = UNIX_EPOCH + Duration::from_millis(millis);
        humantime::format_rfc3339_millis(time).to_string()
    }

    fn written(millis: u64) -> String {
        String::from_utf8(timestamp(millis).to_vec()).unwrap()
    }

    #[test]
    fn a_timestamp_looks_like_to_iso_string() {
        assert_eq!(written(1_769_860_800_000), "2026-01-31T12:00:00.000Z");
        let mut out = Vec::new();
        write_timestamp(&mut out);
        assert_eq!(out.len(), "2026-01-31T12:00:00.000Z".len());
    }

    #[test]
    fn each_day_of_two_cycles_has_its_date() {
        for day in 0..2 * 146_097 {
            let millis = day * 86_400_000 + day % 86_400_000;
            assert_eq!(written(millis), expected(millis));
        }
    }

    proptest! {
        #[test]
        fn any_time_is_written_as_others_do(millis in 0u64..253_402_300_800_000) {
            prop_assert_eq!(written(millis), expected(millis));
        }
    }
}
