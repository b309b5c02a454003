//! Who is calling.

use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::select;
use tokio::time::sleep;

use super::auth_error::AuthErrorResponse;
use super::key::KeyDigest;
use super::key::Scopes;
use super::key::{ClientId, KeyId};
use super::key::{KeyRecord, Standing};
use super::key_set::KeySet;
use super::key_set::{InvalidToken, judge};
use crate::generation::Generation;
use crate::rotating::Rotating;

/// Timers stand still while the machine sleeps: the wall clock is looked at again at least so often.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// Who is calling: in the extensions of each request that was let through.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Principal {
    /// A client with a valid key.
    Key(KeyPrincipal),
    /// Somebody without a key, where none is needed.
    Anonymous(Anonymous),
    /// Anybody: the doors are open, and nobody looks at keys.
    Open,
}

/// Somebody without a key.
#[derive(Clone, Debug)]
pub struct Anonymous(Arc<AuthErrorResponse>);

impl Anonymous {
    pub(crate) const fn new(error_response: Arc<AuthErrorResponse>) -> Self {
        Self(error_response)
    }

    /// How the layer that let the caller through refuses requests: for a handler that wants a key after all.
    pub fn error_response(&self) -> &AuthErrorResponse {
        &self.0
    }
}

/// A client with a valid key. It knows neither the key nor its digest's text.
#[derive(Clone, Debug)]
pub struct KeyPrincipal {
    record: Arc<KeyRecord>,
    digest: KeyDigest,
    keys: Rotating<KeySet>,
    /// The generation of the set in which the key was found to be valid.
    seen: Generation,
}

/// Why a key is not valid any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// It was revoked, taken out of the set, or its client was disabled.
    Revoked,
    /// Its time is over.
    Expired,
}

impl Principal {
    /// The client with a valid key, if it is one.
    #[must_use]
    pub const fn key(&self) -> Option<&KeyPrincipal> {
        match self {
            Self::Key(principal) => Some(principal),
            Self::Anonymous(_) | Self::Open => None,
        }
    }
}

impl KeyPrincipal {
    pub(crate) const fn new(
        record: Arc<KeyRecord>,
        digest: KeyDigest,
        keys: Rotating<KeySet>,
        seen: Generation,
    ) -> Self {
        Self {
            record,
            digest,
            keys,
            seen,
        }
    }

    /// Who it is, whatever keys it has had.
    #[must_use]
    pub fn client(&self) -> &ClientId {
        self.record.client()
    }

    /// Which of the client's keys it presented.
    #[must_use]
    pub fn key_id(&self) -> &KeyId {
        self.record.id()
    }

    /// What the key may do.
    #[must_use]
    pub fn scopes(&self) -> &Scopes {
        self.record.scopes()
    }

    /// When the key expires, if it does.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.record.expires_at()
    }

    /// Resolves when the key is not valid any more: revoked, taken out of the set, or expired. For
    /// handlers that keep a connection open; bodies of responses end by themselves.
    ///
    /// It must be polled in a tokio runtime with a timer.
    ///
    /// # Cancel safety
    ///
    /// Dropping it changes nothing.
    pub async fn revoked(&self) -> Ended {
        let mut changes = self.keys.subscribe();
        loop {
            let until = match self.validity_at(self.keys.wall()) {
                Ok(until) => until,
                Err(ended) => return ended,
            };
            select! {
                change = changes.changed() => if change.is_none() {
                    self.expired().await;
                },
                () = wait_until(until, self.keys.wall()) => {}
            }
        }
    }

    /// The set will not change any more: there is only the clock.
    async fn expired(&self) {
        while let Ok(until) = self.validity_at(self.keys.wall()) {
            wait_until(until, self.keys.wall()).await;
        }
    }

    pub(crate) fn keys(&self) -> &Rotating<KeySet> {
        &self.keys
    }

    pub(crate) const fn seen(&self) -> Generation {
        self.seen
    }

    /// How the key stands in the set as it is now: until when it is valid, or why it is not.
    pub(crate) fn validity_at(&self, now: SystemTime) -> Result<Option<SystemTime>, Ended> {
        let keys = self.keys.current();
        let record = keys.find(&self.digest).ok_or(Ended::Revoked)?;
        match record.standing_at(now) {
            Standing::Valid => Ok(record.expires_at()),
            Standing::Expired => Err(Ended::Expired),
            Standing::NotYetValid | Standing::Revoked | Standing::Disabled => Err(Ended::Revoked),
        }
    }

    /// The same client by the record that is current, if its key is still valid.
    pub(crate) fn renewed_at(&self, now: SystemTime) -> Result<Self, InvalidToken> {
        let keys = self.keys.current();
        let record = keys.find(&self.digest);
        let record = judge(
            record,
            record.unwrap_or_else(|| keys.nobody()).standing_at(now),
        )?;
        Ok(Self {
            record: Arc::clone(record),
            seen: keys.generation(),
            ..self.clone()
        })
    }
}

async fn wait_until(until: Option<SystemTime>, now: SystemTime) {
    match until {
        Some(until) => {
            let left = until.duration_since(now).unwrap_or_default();
            sleep(left.min(LONGEST_SLEEP)).await;
        }
        None => pending().await,
    }
}
