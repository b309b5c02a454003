//! Verification: whether a token is an active key, as a pure function of the set and `now`.

use std::sync::Arc;
use std::time::SystemTime;

use super::set::KeySet;
use crate::inbound::auth_error::AuthError;
use crate::inbound::key::{KeyDigest, KeyRecord, KeyStatus};

/// Why a key is not admitted, and its record, if there is one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rejected<'k> {
    pub(crate) status: KeyStatus,
    pub(crate) record: Option<&'k Arc<KeyRecord>>,
}

impl From<Rejected<'_>> for AuthError {
    fn from(rejected: Rejected<'_>) -> Self {
        let error = Self::from(rejected.status);
        match rejected.record {
            Some(record) => error.of_key(record),
            None => error,
        }
    }
}

/// A step of verification, for the test that counts them; requests note nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Digest,
    LookUp,
    Status,
}

/// Returns the record of a token that is an active key of the set at `now`.
///
/// It takes one digest, one look-up and one check of the record, whatever the outcome, and
/// allocates nothing. [`RequireKeyLayer`](crate::inbound::RequireKeyLayer) calls it for each
/// request; call it yourself in a middleware of your own.
///
/// No cache of verdicts can go stale: there is none, since verifying one of a million keys takes
/// 0.2 µs (`docs/key-set.md`, printed by `cargo bench --bench key_set`).
///
/// # Examples
///
/// ```
/// use std::time::SystemTime;
/// use tower_rotating_auth::inbound::{
///     AuthErrorKind, KeyDigest, KeyRecord, KeySet, Scopes, verify_at,
/// };
///
/// let record = KeyRecord::new("k1".parse()?, "open-webui".parse()?, Scopes::default());
/// let keys = KeySet::new([(KeyDigest::of(b"8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe"), record)])?;
/// let now = SystemTime::now();
///
/// let record = verify_at(&keys, b"8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe", now)?;
/// assert_eq!(record.client().as_str(), "open-webui");
/// let error = verify_at(&keys, b"another", now).unwrap_err();
/// assert_eq!(error.kind(), AuthErrorKind::Unknown);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// Returns an error of kind [`Unknown`], [`NotYetValid`], [`Expired`], [`Revoked`] or [`Disabled`]
/// if the token is not an active key at `now`. Tell callers no more than that it is invalid: the
/// kind is for the log.
///
/// [`Unknown`]: crate::inbound::AuthErrorKind::Unknown
/// [`NotYetValid`]: crate::inbound::AuthErrorKind::NotYetValid
/// [`Expired`]: crate::inbound::AuthErrorKind::Expired
/// [`Revoked`]: crate::inbound::AuthErrorKind::Revoked
/// [`Disabled`]: crate::inbound::AuthErrorKind::Disabled
pub fn verify_at<'k>(
    keys: &'k KeySet,
    token: &[u8],
    now: SystemTime,
) -> Result<&'k Arc<KeyRecord>, AuthError> {
    verify(keys, token, now, |_| {}).map_err(AuthError::from)
}

fn verify<'k>(
    keys: &'k KeySet,
    token: &[u8],
    now: SystemTime,
    mut note: impl FnMut(Work),
) -> Result<&'k Arc<KeyRecord>, Rejected<'k>> {
    note(Work::Digest);
    let digest = KeyDigest::of(token);
    note(Work::LookUp);
    let found = keys.find(&digest);
    note(Work::Status);
    judge(keys, found, now)
}

/// Returns a record that was found if it is active at `now`.
pub(crate) fn judge<'k>(
    keys: &KeySet,
    found: Option<&'k Arc<KeyRecord>>,
    now: SystemTime,
) -> Result<&'k Arc<KeyRecord>, Rejected<'k>> {
    // An unknown token is checked against a dummy record, so that its refusal takes the same steps
    // as that of a known key.
    let status = found.unwrap_or_else(|| keys.dummy()).status_at(now);
    match (found, status) {
        (None, _) => Err(Rejected {
            status: KeyStatus::Unknown,
            record: None,
        }),
        (Some(record), KeyStatus::Active) => Ok(record),
        (record, status) => Err(Rejected { status, record }),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::inbound::auth_error::AuthErrorKind;
    use crate::inbound::key::Scopes;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    /// Five keys, each named by its status at second 100.
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
            record("valid")
                .with_not_before(at(100))
                .with_not_after(at(101)),
            record("early").with_not_before(at(101)),
            record("expired").with_not_after(at(100)),
            record("revoked").into_revoked(),
            disabled,
        ];
        let keys = records.map(|record| (KeyDigest::of(record.id.as_str().as_bytes()), record));
        KeySet::new(keys).unwrap()
    }

    #[test]
    fn key_is_active_from_not_before_until_not_after() {
        let keys = keys();
        for (seconds, expected) in [
            (99, Err(AuthErrorKind::NotYetValid)),
            (100, Ok("client")),
            (101, Err(AuthErrorKind::Expired)),
        ] {
            let verified = verify_at(&keys, b"valid", at(seconds));
            let client = verified.map(|record| record.client().as_str());
            assert_eq!(client.map_err(|error| error.kind()), expected);
        }
    }

    #[test]
    fn verify_takes_the_same_steps_for_each_status() {
        let keys = keys();
        let cases = [
            ("unknown", KeyStatus::Unknown),
            ("early", KeyStatus::NotYetValid),
            ("expired", KeyStatus::Expired),
            ("revoked", KeyStatus::Revoked),
            ("disabled", KeyStatus::Disabled),
        ];
        for (token, why) in cases {
            let mut work = Vec::new();
            let verified = verify(&keys, token.as_bytes(), at(100), |step| work.push(step));
            assert_eq!(verified.unwrap_err().status, why);
            assert_eq!(work, [Work::Digest, Work::LookUp, Work::Status], "{token}");
        }
    }

    #[test]
    fn revoked_takes_precedence_over_expired() {
        let keys = keys();
        let record = keys.find(&KeyDigest::of(b"expired")).unwrap();
        let revoked = KeyRecord::clone(record).into_revoked();
        assert_eq!(revoked.status_at(at(100)), KeyStatus::Revoked);
    }
}
