//! Durations with a meaning of their own: a grace and a lifetime.

use std::str::FromStr;
use std::time::Duration;

use crate::duration::Length;

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
