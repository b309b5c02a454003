//! Numbers with a unit, as options have them.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::duration::Length;

const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Parses a duration such as `10s`, or a number of seconds.
pub(super) fn seconds(text: &str) -> Result<Duration, &'static str> {
    within(SHORTEST..=LONGEST, text)
        .ok_or("must be a duration from 50ms to 1d, such as 10s; a bare number is in seconds")
}

/// Parses a duration that may be zero.
pub(super) fn seconds_or_none(text: &str) -> Result<Duration, &'static str> {
    within(Duration::ZERO..=LONGEST, text)
        .ok_or("must be a duration from 0s to 1d, such as 10s; a bare number is in seconds")
}

fn within(range: RangeInclusive<Duration>, text: &str) -> Option<Duration> {
    let length = match text.parse() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok()?,
        Err(_) => text.parse::<Length>().ok()?.0,
    };
    Some(length).filter(|length| range.contains(length))
}

/// Parses a duration such as `30m` or `1h`.
pub(super) fn duration(text: &str) -> Result<Duration, &'static str> {
    match text.parse() {
        Ok(Length(length)) if !length.is_zero() => Ok(length),
        _ => Err("must be a duration such as 30m, 1h or 8h"),
    }
}

/// Parses a number of bytes, such as `65536`, `64KiB` or `1MiB`.
pub(super) fn bytes(text: &str) -> Result<u64, &'static str> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit: u64 = match &text[digits.len()..] {
        "" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => 0,
    };
    digits
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(unit))
        .filter(|_| unit > 0)
        .ok_or("must be a number of bytes such as 65536, 64KiB or 1MiB")
}

/// Parses the size of a request head. hyper needs 8 KiB.
pub(super) fn head_bytes(text: &str) -> Result<u32, &'static str> {
    bytes(text)?
        .try_into()
        .ok()
        .filter(|bytes| (8 * 1024..=1024 * 1024).contains(bytes))
        .ok_or("must be from 8KiB to 1MiB")
}

/// Parses the size of a full audit file.
pub(super) fn audit_bytes(text: &str) -> Result<u64, &'static str> {
    bytes(text)
        .ok()
        .filter(|bytes| (1 << 20..=1 << 40).contains(bytes))
        .ok_or("must be from 1MiB to 1TiB, such as 100MiB")
}

/// Parses a number of things of which there must be one.
pub(super) fn count(text: &str) -> Result<usize, &'static str> {
    match text.parse() {
        Ok(count @ 1..=1_000_000) => Ok(count),
        _ => Err("must be a number from 1 to 1000000"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_take_units_or_seconds() {
        let millis = |millis| Ok(Duration::from_millis(millis));
        for (text, wanted) in [
            ("10s", millis(10_000)),
            ("10", millis(10_000)),
            ("0.05", millis(50)),
            ("50ms", millis(50)),
            ("1h 30m", millis(5_400_000)),
            ("1d", millis(86_400_000)),
        ] {
            assert_eq!(seconds(text), wanted, "{text}");
        }
        for text in ["", "0", "0s", "2d", "-1s", "-1", "nan", "10x", "soon"] {
            assert!(seconds(text).is_err(), "{text}");
        }
        assert_eq!(seconds_or_none("0"), millis(0));
        assert_eq!(seconds_or_none("0s"), millis(0));
    }

    #[test]
    fn audit_size_has_a_unit_and_bounds() {
        assert_eq!(audit_bytes("100MiB"), Ok(100 << 20));
        assert_eq!(audit_bytes("1TiB"), Ok(1 << 40));
        for text in ["100", "1023KiB", "2TiB", "", "0"] {
            assert!(audit_bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn bytes_take_binary_units() {
        let wanted = [
            ("0", Ok(0)),
            ("65536", Ok(65_536)),
            ("64KiB", Ok(65_536)),
            ("2MiB", Ok(2 << 20)),
            ("1GiB", Ok(1 << 30)),
            ("1TiB", Ok(1 << 40)),
        ];
        for (text, wanted) in wanted {
            assert_eq!(bytes(text), wanted, "{text}");
        }
        for text in ["", "MiB", "1 MiB", "1MB", "-1", "1.5MiB", "20000000000GiB"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }
}
