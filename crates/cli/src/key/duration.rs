//! Durations as people write them.

use std::str::FromStr;
use std::time::Duration;

use jiff::{Span, SpanRelativeTo};

/// A duration such as `90d`, `1h 30m`, `2 weeks` or `PT1H`. A day has 24 hours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Length(pub(crate) Duration);

/// How long a rotated key stays valid. A longer grace is refused and not shortened, because the
/// client would find out too late.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grace(pub(crate) Duration);

impl Grace {
    pub(crate) const LONGEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);
}

/// The lifetime of a new key.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Life {
    For(Duration),
    ForEver,
}

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

impl FromStr for Grace {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Length(grace) = text.parse()?;
        match grace <= Self::LONGEST {
            true => Ok(Self(grace)),
            false => Err("must be at most 7d"),
        }
    }
}

impl FromStr for Life {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "never" {
            return Ok(Self::ForEver);
        }
        match text.parse()? {
            Length(Duration::ZERO) => Err("must be longer than zero, or never"),
            Length(life) => Ok(Self::For(life)),
        }
    }
}
