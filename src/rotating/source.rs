//! Where a value is fetched from.

use std::fmt;
use std::future::{Future, pending};
use std::time::Duration;

use super::adapt::{BoxSource, Fallback, TryMap, Validate};
use super::{Expiry, Generation, SourceError};

/// Where a value is fetched from: a file, an endpoint, a closure, a channel.
///
/// The engine asks one source from one task, never twice at a time, and keeps the last good value
/// whatever a fetch does: an error, a hang past the fetch timeout or a panic counts as a failed attempt.
///
/// Implement it with `async fn`:
///
/// ```
/// use tower_rotating_auth::{Fetch, Fetched, Rotating, Secret, Source, SourceError};
///
/// struct Fixed;
///
/// impl Source for Fixed {
///     type Value = Secret;
///
///     async fn fetch(&mut self, _ask: Fetch<'_, Secret>) -> Result<Fetched<Secret>, SourceError> {
///         Ok(Fetched::new(Secret::from("sk-1f0c")))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tower_rotating_auth::StartError> {
/// let key = Rotating::start(Fixed).await?;
/// assert_eq!(key.current().expose_secret(), b"sk-1f0c");
/// # Ok(())
/// # }
/// ```
pub trait Source: Send + 'static {
    /// What is fetched.
    type Value: Send + Sync + 'static;

    /// Fetches the value as it is now.
    ///
    /// # Cancel safety
    ///
    /// The future is dropped when the fetch timeout passes and when the last handle goes. Whatever must
    /// not outlive it (a child process, say) ends in its `Drop`.
    fn fetch(
        &mut self,
        ask: Fetch<'_, Self::Value>,
    ) -> impl Future<Output = Result<Fetched<Self::Value>, SourceError>> + Send;

    /// Resolves when the value may have changed: a hint to fetch now, no more.
    ///
    /// # Cancel safety
    ///
    /// The engine drops this future and calls again at will; a change in between must not be lost.
    fn changed(&mut self) -> impl Future<Output = ()> + Send {
        pending()
    }

    /// How often the source is asked when nothing else calls for it, and how often at the most.
    fn pace(&self) -> Pace {
        Pace::default()
    }

    /// Turns each fetched value into another.
    fn map<F, U>(self, mut f: F) -> impl Source<Value = U>
    where
        Self: Sized,
        F: FnMut(Self::Value) -> U + Send + 'static,
        U: Send + Sync + 'static,
    {
        TryMap::new(self, move |value| Ok(f(value)))
    }

    /// Turns each fetched value into another, or refuses it: then the last good value stays.
    fn try_map<F, U>(self, f: F) -> TryMap<Self, F>
    where
        Self: Sized,
        F: FnMut(Self::Value) -> Result<U, SourceError> + Send + 'static,
        U: Send + Sync + 'static,
    {
        TryMap::new(self, f)
    }

    /// Looks at each fetched value before it is published; after an error the last good value stays.
    fn validate<F>(self, f: F) -> Validate<Self, F>
    where
        Self: Sized,
        F: FnMut(&Self::Value) -> Result<(), SourceError> + Send + 'static,
    {
        Validate::new(self, f)
    }

    /// Asks `other` whenever this source fails.
    fn fallback<S>(self, other: S) -> Fallback<Self, S>
    where
        Self: Sized,
        S: Source<Value = Self::Value>,
    {
        Fallback::new(self, other)
    }

    /// Erases the type, for sources that are chosen at run time.
    fn boxed(self) -> BoxSource<Self::Value>
    where
        Self: Sized,
    {
        BoxSource::new(self)
    }
}

/// How often a source is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    pub(crate) poll: Option<Duration>,
    pub(crate) min_interval: Duration,
}

impl Pace {
    /// Asked at least every `poll`, also where a value tells when it expires, and at most every
    /// `min_interval` (which is a millisecond or more).
    #[must_use]
    pub const fn new(poll: Duration, min_interval: Duration) -> Self {
        Self {
            poll: Some(poll),
            min_interval,
        }
    }
}

impl Default for Pace {
    /// As the value's expiry asks, every 60 s where it has none, and at most once a second.
    fn default() -> Self {
        Self {
            poll: None,
            min_interval: Duration::from_secs(1),
        }
    }
}

/// What a source is told when it is asked. Its [`Debug`](fmt::Debug) leaves the value out.
#[non_exhaustive]
pub struct Fetch<'a, T> {
    /// Why it is asked now.
    pub reason: Reason,
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
pub enum Reason {
    /// There is no value yet.
    Start,
    /// The schedule says so.
    Scheduled,
    /// The source said that its value may have changed.
    Changed,
    /// The upstream rejected the current value.
    Rejected,
    /// [`Rotating::refresh`](super::Rotating::refresh) was called.
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
