//! What a source is told, and what it answers.

use super::error::SourceError;
use super::expiry::Expiry;
use crate::generation::Generation;
use std::fmt;

/// What a source is told when it is asked. Its [`Debug`](fmt::Debug) leaves the value out.
#[non_exhaustive]
pub struct Fetch<'a, T> {
    /// Why it is asked now.
    pub reason: FetchReason,
    /// The generation that was rejected, if that is why.
    pub rejected: Option<Generation>,
    /// The revision of the current value, if the source gave one.
    pub revision: Option<&'a Revision>,
    /// The current value, so that a large one can be brought up to date instead of built again.
    pub current: Option<&'a T>,
}

impl<'a, T> Fetch<'a, T> {
    /// The same, for a source whose values are made into values of this type.
    pub(crate) const fn of_another_type<U>(&self) -> Fetch<'a, U> {
        Fetch {
            reason: self.reason,
            rejected: self.rejected,
            revision: self.revision,
            current: None,
        }
    }
}

/// Why a source is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchReason {
    /// There is no value yet.
    Start,
    /// The schedule says so.
    Scheduled,
    /// The source said that its value may have changed.
    Changed,
    /// The upstream rejected the current value.
    Rejected,
    /// [`Rotating::refresh`](crate::Rotating::refresh) was called.
    Requested,
}

/// What a source found. Its [`Debug`](fmt::Debug) leaves the value out.
#[non_exhaustive]
pub enum Fetched<T> {
    /// The content is what it was at the revision that the source was told.
    Unchanged {
        /// When the current value stops being good, if that is now known to be later.
        expires_at: Option<Expiry>,
    },
    /// A value, new or not.
    Value {
        /// The value.
        value: T,
        /// What the source says of its content: equal revision, same content.
        revision: Option<Revision>,
        /// When it stops being good.
        expires_at: Option<Expiry>,
    },
}

impl<T> Fetched<T> {
    /// A value of which no more is known.
    #[must_use]
    pub const fn new(value: T) -> Self {
        Self::Value {
            value,
            revision: None,
            expires_at: None,
        }
    }

    /// Nothing has changed since the revision that the source was told.
    #[must_use]
    pub const fn unchanged() -> Self {
        Self::Unchanged { expires_at: None }
    }

    /// Says when the value stops being good.
    #[must_use]
    pub fn expires(mut self, expiry: Expiry) -> Self {
        match &mut self {
            Self::Unchanged { expires_at } | Self::Value { expires_at, .. } => {
                *expires_at = Some(expiry);
            }
        }
        self
    }

    /// Says which revision the value is; of no effect where nothing changed.
    #[must_use]
    pub fn revision(mut self, of_value: Revision) -> Self {
        if let Self::Value { revision, .. } = &mut self {
            *revision = Some(of_value);
        }
        self
    }

    /// The same, with a tag on its revision, if it has one.
    pub(crate) fn tagged(mut self, tag: u8) -> Self {
        if let Self::Value { revision, .. } = &mut self {
            *revision = revision.take().map(|revision| revision.with_tag(tag));
        }
        self
    }

    pub(crate) fn try_map<U>(
        self,
        f: impl FnOnce(T) -> Result<U, SourceError>,
    ) -> Result<Fetched<U>, SourceError> {
        Ok(match self {
            Self::Unchanged { expires_at } => Fetched::Unchanged { expires_at },
            Self::Value {
                value,
                revision,
                expires_at,
            } => Fetched::Value {
                value: f(value)?,
                revision,
                expires_at,
            },
        })
    }
}

/// What a source says of its content (a hash, an `ETag`, a version): equal revision, same content.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Revision(Box<[u8]>);

impl Revision {
    /// Any bytes that are equal exactly when the content is.
    #[must_use]
    pub fn new(bytes: impl Into<Box<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes that it was made of. They may be a digest of a secret: not for logs.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    fn with_tag(&self, tag: u8) -> Self {
        Self::new([&[tag], self.as_bytes()].concat())
    }

    /// The revision that was given this tag.
    pub(crate) fn without_tag(&self, tag: u8) -> Option<Self> {
        self.as_bytes().strip_prefix(&[tag]).map(Self::new)
    }
}

impl fmt::Debug for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Revision([REDACTED])")
    }
}

impl<T> fmt::Debug for Fetch<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetch")
            .field("reason", &self.reason)
            .field("rejected", &self.rejected)
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Fetched<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unchanged { expires_at } => f
                .debug_struct("Unchanged")
                .field("expires_at", expires_at)
                .finish(),
            Self::Value {
                revision,
                expires_at,
                ..
            } => f
                .debug_struct("Value")
                .field("revision", revision)
                .field("expires_at", expires_at)
                .finish_non_exhaustive(),
        }
    }
}
