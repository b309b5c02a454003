//! Durations as people write them, in all options.

use std::str::FromStr;
use std::time::Duration;

use jiff::{Span, SpanRelativeTo};

/// A duration such as `90d`, `1h 30m`, `2 weeks` or `PT1H`. A day has 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Length(pub(crate) Duration);

impl FromStr for Length {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WHAT: &str = "must be a duration such as 90d, 12h or 30m";
        if text.parse::<u64>().is_ok() {
            return Err("the unit is missing; write 90d, 12h, 30m or 0s");
        }
        let span: Span = text.parse().map_err(|_| WHAT)?;
        let length = span
            .to_duration(SpanRelativeTo::days_are_24_hours())
            .map_err(|_| WHAT)?;
        Duration::try_from(length).map(Self).map_err(|_| WHAT)
    }
}
