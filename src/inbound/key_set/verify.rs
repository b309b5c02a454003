//! Whether a token is a valid key: a pure function of the set, the token and `now`.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use super::set::KeySet;
use crate::inbound::key::KeyDigest;
use crate::inbound::key::{KeyRecord, Standing};

/// Why a token is not a valid key. Callers are told nothing but that it is not: the reason is for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidToken {
    /// No such key.
    Unknown,
    /// Its time has not come.
    NotYetValid,
    /// Its time is over.
    Expired,
    /// It was revoked.
    Revoked,
    /// Its client is disabled.
    Disabled,
}

/// What verifying costs, noted step by step; a request pays for nothing but the noting of none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    Digest,
    LookUp,
    Standing,
}

/// Looks a token up in a set: one digest, one look-up, one look at the record, whatever the outcome.
///
/// For people who write their middleware themselves; the layer does no more.
///
/// ```
/// use std::time::SystemTime;
/// use tower_rotating_auth::inbound::{InvalidToken, KeyDigest, KeyRecord, KeySet, Scopes, verify_at};
///
/// let record = KeyRecord::new("k1".parse()?, "open-webui".parse()?, Scopes::default());
/// let keys = KeySet::new([(KeyDigest::of(b"8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe"), record)])?;
/// let now = SystemTime::now();
///
/// let record = verify_at(&keys, b"8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe", now).unwrap();
/// assert_eq!(record.client().as_str(), "open-webui");
/// assert_eq!(verify_at(&keys, b"another", now).unwrap_err(), InvalidToken::Unknown);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// When the token is not a valid key at `now`.
pub fn verify_at<'k>(
    keys: &'k KeySet,
    token: &[u8],
    now: SystemTime,
) -> Result<&'k Arc<KeyRecord>, InvalidToken> {
    verify(keys, token, now, |_| {}).map(|(_, record)| record)
}

pub(crate) fn verify<'k>(
    keys: &'k KeySet,
    token: &[u8],
    now: SystemTime,
    mut note: impl FnMut(Work),
) -> Result<(KeyDigest, &'k Arc<KeyRecord>), InvalidToken> {
    note(Work::Digest);
    let digest = KeyDigest::of(token);
    note(Work::LookUp);
    let found = keys.find(&digest);
    note(Work::Standing);
    let standing = found.unwrap_or_else(|| keys.nobody()).standing_at(now);
    judge(found, standing).map(|record| (digest, record))
}

pub(crate) fn judge<R>(found: Option<R>, standing: Standing) -> Result<R, InvalidToken> {
    match (found, standing) {
        (None, _) => Err(InvalidToken::Unknown),
        (Some(record), Standing::Valid) => Ok(record),
        (Some(_), Standing::NotYetValid) => Err(InvalidToken::NotYetValid),
        (Some(_), Standing::Expired) => Err(InvalidToken::Expired),
        (Some(_), Standing::Revoked) => Err(InvalidToken::Revoked),
        (Some(_), Standing::Disabled) => Err(InvalidToken::Disabled),
    }
}

impl fmt::Display for InvalidToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "unknown",
            Self::NotYetValid => "not yet valid",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Disabled => "disabled",
        })
    }
}

impl Error for InvalidToken {}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::inbound::key::Scopes;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    /// Five keys, each named by how it stands at second 100.
    fn keys() -> KeySet {
        let record = |id: &str| {
            KeyRecord::new(
                id.parse().unwrap(),
                "client".parse().unwrap(),
                Scopes::default(),
            )
        };
        let mut disabled = record("disabled");
        disabled.disabled = true;
        let records = [
            record("valid").not_before(at(100)).not_after(at(101)),
            record("early").not_before(at(101)),
            record("expired").not_after(at(100)),
            record("revoked").revoked(),
            disabled,
        ];
        let keys = records.map(|record| (KeyDigest::of(record.id.as_str().as_bytes()), record));
        KeySet::new(keys).unwrap()
    }

    #[test]
    fn a_key_is_valid_from_its_first_moment_until_the_moment_that_it_ends() {
        let keys = keys();
        for (seconds, expected) in [
            (99, Err(InvalidToken::NotYetValid)),
            (100, Ok("client")),
            (101, Err(InvalidToken::Expired)),
        ] {
            let verified = verify_at(&keys, b"valid", at(seconds));
            assert_eq!(verified.map(|record| record.client().as_str()), expected);
        }
    }

    #[test]
    fn whatever_is_wrong_with_a_token_the_work_is_the_same() {
        let keys = keys();
        let cases = [
            ("nobody's", InvalidToken::Unknown),
            ("early", InvalidToken::NotYetValid),
            ("expired", InvalidToken::Expired),
            ("revoked", InvalidToken::Revoked),
            ("disabled", InvalidToken::Disabled),
        ];
        for (token, why) in cases {
            let mut work = Vec::new();
            let verified = verify(&keys, token.as_bytes(), at(100), |step| work.push(step));
            assert_eq!(verified.unwrap_err(), why);
            assert_eq!(
                work,
                [Work::Digest, Work::LookUp, Work::Standing],
                "{token}"
            );
        }
    }

    #[test]
    fn a_revoked_key_is_revoked_whatever_else_it_is() {
        let keys = keys();
        let record = keys.find(&KeyDigest::of(b"expired")).unwrap();
        let revoked = KeyRecord::clone(record).revoked();
        assert_eq!(revoked.standing_at(at(100)), Standing::Revoked);
    }
}
