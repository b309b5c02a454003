//! The request to a source, and its answer.

use std::fmt;

use super::error::SourceError;
use super::expiry::Expiry;
use crate::generation::Generation;

/// The request to a source. Its [`Debug`](fmt::Debug) omits the value.
#[non_exhaustive]
pub struct Fetch<'a, T> {
    /// Why the source is asked now.
    pub reason: FetchReason,
    /// The rejected generation, if the reason is [`FetchReason::Rejected`].
    pub rejected: Option<Generation>,
    /// The revision of the current value, if the source gave one.
    pub revision: Option<&'a Revision>,
    /// The current value, so that a source can update a large one instead of building it again.
    pub current: Option<&'a T>,
    /// What the value is for.
    pub(crate) purpose: Purpose,
}

/// What a secret is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// One secret, such as a key.
    #[default]
    Secret,
    /// The text of a key set. What such a text may look like is up to the parser.
    KeySet,
}

impl<T> Clone for Fetch<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Fetch<'_, T> {}

impl<'a, T> Fetch<'a, T> {
    /// Returns the same request for a source of another type, without the current value.
    pub(crate) const fn of_another_type<U>(&self) -> Fetch<'a, U> {
        Fetch {
            reason: self.reason,
            rejected: self.rejected,
            revision: self.revision,
            current: None,
            purpose: self.purpose,
        }
    }

    /// Returns the same request for the text of a key set.
    #[cfg(feature = "inbound")]
    pub(crate) const fn for_key_set(mut self) -> Self {
        self.purpose = Purpose::KeySet;
        self
    }
}

/// The reasons for a fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchReason {
    /// There is no value yet.
    Start,
    /// A fetch was due.
    Scheduled,
    /// The source hinted that its value may have changed.
    Changed,
    /// The upstream rejected the current value.
    Rejected,
    /// [`Rotating::refresh`](crate::Rotating::refresh) was called.
    Requested,
}

impl FetchReason {
    /// Returns the reason in one word, for logs. These words are stable.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Scheduled => "scheduled",
            Self::Changed => "changed",
            Self::Rejected => "rejected",
            Self::Requested => "requested",
        }
    }
}

/// The answer of a source. Its [`Debug`](fmt::Debug) omits the value.
#[non_exhaustive]
pub enum Fetched<T> {
    /// The content is the same as at the revision in the request.
    Unchanged {
        /// When the current value expires, if that is known now. `None` keeps what was known.
        expires_at: Option<Expiry>,
    },
    /// A value, new or not.
    Value {
        /// The value.
        value: T,
        /// The revision of the content. Equal revisions mean equal content.
        revision: Option<Revision>,
        /// When the value expires.
        expires_at: Option<Expiry>,
    },
}

impl<T> Fetched<T> {
    /// Creates an answer with a value, without a revision and an expiry.
    #[must_use]
    pub const fn new(value: T) -> Self {
        Self::Value {
            value,
            revision: None,
            expires_at: None,
        }
    }

    /// Creates an answer that says that nothing has changed since the revision in the request.
    #[must_use]
    pub const fn unchanged() -> Self {
        Self::Unchanged { expires_at: None }
    }

    /// Sets when the value expires.
    #[must_use]
    pub fn expires(mut self, expiry: Expiry) -> Self {
        match &mut self {
            Self::Unchanged { expires_at } | Self::Value { expires_at, .. } => {
                *expires_at = Some(expiry);
            }
        }
        self
    }

    /// Sets the revision of the value. It has no effect on [`Fetched::Unchanged`].
    #[must_use]
    pub fn revision(mut self, of_value: Revision) -> Self {
        if let Self::Value { revision, .. } = &mut self {
            *revision = Some(of_value);
        }
        self
    }

    /// Adds a tag to the revision, if there is one.
    pub(crate) fn tagged(mut self, tag: u8) -> Self {
        if let Self::Value { revision, .. } = &mut self {
            *revision = revision.take().map(|revision| revision.with_tag(tag));
        }
        self
    }

    /// Turns the value into another.
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

/// The revision of a source's content: a hash, an `ETag` or a version.
///
/// The engine takes equal revisions for equal content and does not compare the values.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Revision(Box<[u8]>);

impl Revision {
    /// Creates a revision of any bytes that are equal exactly when the content is.
    #[must_use]
    pub fn new(bytes: impl Into<Box<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// Returns the bytes. They may be a digest of a secret: keep them out of logs.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns this revision with a tag before it.
    fn with_tag(&self, tag: u8) -> Self {
        Self::new([&[tag], self.as_bytes()].concat())
    }

    /// Returns the revision without this tag, or `None` if it has another.
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
