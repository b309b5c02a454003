//! Lengths of time, as people write them.

use std::str::FromStr;
use std::time::Duration;

use jiff::{Span, SpanRelativeTo};

/// `90d`, `1h 30m`, `2 weeks`, `PT1H`: a day is 24 hours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Length(pub(crate) Duration);

/// For how long a rotated key stays valid. A longer one is refused, and not cut: its client would find out too late.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grace(pub(crate) Duration);

impl Grace {
    pub(crate) const LONGEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);
}

/// For how long a new key is valid.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Life {
    For(Duration),
    ForEver,
}

impl FromStr for Length {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WHAT: &str = "a length of time is needed, such as 90d, 12h or 30m";
        if text.parse::<u64>().is_ok() {
            return Err("a unit is missing: say 90d, 12h, 30m or 0s");
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
            false => Err("a grace is 7d at most"),
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
            Length(Duration::ZERO) => Err("a key that expires at once is none"),
            Length(life) => Ok(Self::For(life)),
        }
    }
}
