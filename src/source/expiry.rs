//! When a value stops being good, as its source says it.

use std::error::Error;
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

/// No time is longer: what claims to be is cut to it, so that no sum of times overflows.
pub(crate) const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// When a value stops being good, as its source says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expiry {
    /// So long after the source was asked: `expires_in`.
    In(Duration),
    /// At this time on the wall clock: `exp`, `expirationTimestamp`.
    At(SystemTime),
}

impl Expiry {
    /// Reads the seconds of an `expires_in` ([RFC 6749 §5.1]), whole or not.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_rotating_auth::source::Expiry;
    ///
    /// assert_eq!(Expiry::in_seconds(3599.5), Ok(Expiry::In(Duration::from_millis(3_599_500))));
    /// assert_eq!("3600".parse(), Ok(Expiry::In(Duration::from_secs(3600))));
    /// assert!(Expiry::in_seconds(0.0).is_err());
    /// assert!(Expiry::in_seconds(f64::NAN).is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// Zero, negative numbers and NaN are no lifetime. What is longer than ten years is cut to ten years.
    ///
    /// [RFC 6749 §5.1]: https://www.rfc-editor.org/rfc/rfc6749#section-5.1
    pub fn in_seconds(seconds: f64) -> Result<Self, InvalidLifetime> {
        if seconds.is_nan() || seconds <= 0.0 {
            return Err(InvalidLifetime(()));
        }
        let lifetime = Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST);
        Ok(Self::In(lifetime.min(LONGEST)))
    }
}

impl FromStr for Expiry {
    type Err = InvalidLifetime;

    /// Reads an `expires_in` that came as text.
    fn from_str(seconds: &str) -> Result<Self, InvalidLifetime> {
        let seconds = seconds.trim().parse().map_err(|_| InvalidLifetime(()))?;
        Self::in_seconds(seconds)
    }
}

/// Not a number of seconds that something can live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidLifetime(());

impl fmt::Display for InvalidLifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a lifetime is a number of seconds above zero")
    }
}

impl Error for InvalidLifetime {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expires_in_is_read_wide_and_refused_where_it_means_nothing() {
        for refused in ["0", "-1", "NaN", "-inf", "", "soon", "1e"] {
            assert!(refused.parse::<Expiry>().is_err(), "{refused}");
        }
        for (text, seconds) in [("3600", 3600.0), ("3599.9", 3599.9), (" 60 ", 60.0)] {
            assert_eq!(
                text.parse(),
                Ok(Expiry::In(Duration::from_secs_f64(seconds)))
            );
        }
        for huge in ["18446744073709551616", "inf", "1e300"] {
            assert_eq!(huge.parse(), Ok(Expiry::In(LONGEST)));
        }
    }
}
