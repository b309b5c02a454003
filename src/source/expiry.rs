//! The expiry of a value.

use std::str::FromStr;
use std::time::{Duration, SystemTime};

use crate::parse_error::{ParseError, ParseErrorKind};

/// The longest time, ten years. Longer ones are cut to it, so that no sum of times overflows.
pub(crate) const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// When a value expires, as its source says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expiry {
    /// A lifetime, counted from when the source was asked: `expires_in`.
    In(Duration),
    /// A time on the wall clock, in UTC: `exp`, `expirationTimestamp`.
    At(SystemTime),
}

impl Expiry {
    /// Creates an expiry from the seconds of an `expires_in` ([RFC 6749 §5.1]).
    ///
    /// A lifetime above ten years counts as ten years.
    ///
    /// # Examples
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
    /// Returns a [`ParseError`] for zero, a negative number and NaN.
    ///
    /// [RFC 6749 §5.1]: https://www.rfc-editor.org/rfc/rfc6749#section-5.1
    pub fn in_seconds(seconds: f64) -> Result<Self, ParseError> {
        if seconds.is_nan() || seconds <= 0.0 {
            return Err(INVALID);
        }
        let lifetime = Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST);
        Ok(Self::In(lifetime.min(LONGEST)))
    }
}

impl FromStr for Expiry {
    type Err = ParseError;

    /// Parses the seconds of an `expires_in` that came as text.
    fn from_str(seconds: &str) -> Result<Self, ParseError> {
        let seconds = seconds.trim().parse().map_err(|_| INVALID)?;
        Self::in_seconds(seconds)
    }
}

const INVALID: ParseError = ParseError::new(ParseErrorKind::Lifetime);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expires_in_is_parsed_leniently_within_reason() {
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
