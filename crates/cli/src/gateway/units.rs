//! Numbers with a unit, as options have them.

use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::SignedDuration;

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    seconds_in(0.05..=86_400.0, text)
}

pub(super) fn seconds_or_none(text: &str) -> Result<Duration, String> {
    seconds_in(0.0..=86_400.0, text)
}

fn seconds_in(range: RangeInclusive<f64>, text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if range.contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(format!(
            "must be a number of seconds from {} to {}",
            range.start(),
            range.end()
        )),
    }
}

/// Parses a time such as `30m` or `1h`.
pub(super) fn duration(text: &str) -> Result<Duration, &'static str> {
    text.parse::<SignedDuration>()
        .ok()
        .and_then(|time| Duration::try_from(time).ok())
        .filter(|time| !time.is_zero())
        .ok_or("must be a duration such as 30m, 1h or 8h")
}

/// Parses a number of bytes, such as `65536`, `64KiB` or `1MiB`.
pub(super) fn bytes(text: &str) -> Result<u64, &'static str> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit: u64 = match &text[digits.len()..] {
        "" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
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
    fn bytes_take_binary_units() {
        let wanted = [
            ("0", Ok(0)),
            ("65536", Ok(65_536)),
            ("64KiB", Ok(65_536)),
            ("2MiB", Ok(2 << 20)),
            ("1GiB", Ok(1 << 30)),
        ];
        for (text, wanted) in wanted {
            assert_eq!(bytes(text), wanted, "{text}");
        }
        for text in ["", "MiB", "1 MiB", "1MB", "-1", "1.5MiB", "20000000000GiB"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }
}
