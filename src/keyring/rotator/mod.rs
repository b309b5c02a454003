//! Rotation on a schedule: a successor is made, delivered, and the old key ended when the client is where the new one is.

mod error;
#[cfg(all(feature = "file", feature = "key-file"))]
mod file_sink;
mod plan;
mod sink;
mod sink_fn;
#[cfg(all(feature = "file", feature = "key-file"))]
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::{Duration, SystemTime};

use tokio::time::sleep;

pub use self::error::{RotatorError, RotatorErrorKind};
#[cfg(all(feature = "file", feature = "key-file"))]
pub use self::file_sink::FileSink;
use self::plan::{Delivered, Plan, Step, Usage, next_step};
pub use self::sink::{Sink, SinkError, SinkErrorKind};
pub use self::sink_fn::{SinkFn, sink_fn};
use super::request::IssueRequest;
use super::request::RotateRequest;
use super::ring::{KeyRing, KeyRingErrorKind};
use super::token::NewKey;
use crate::clock::{LONGEST_SLEEP, sleep_toward};
use crate::inbound::{KeyDigest, KeyId};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// More than any state of a ledger needs, with others who change it meanwhile.
const MOST_STEPS: usize = 64;
/// After the first failure, doubled with each one after it up to the longest sleep.
const BACKOFF: Duration = Duration::from_secs(1);

/// Whether the key of this name was seen in use.
type IsUsed = Box<dyn Fn(&KeyId) -> bool + Send>;

/// Replaces a client's key on a schedule: makes the successor, delivers it through a [`Sink`], waits until it was seen in use or
/// the overlap has passed, ends the old one.
///
/// It keeps nothing of its own. What is to be done next follows from the ring's ledger and from the key that the sink holds, so
/// that a process that ends at any step and starts again goes on from there: a successor that was made and not delivered is
/// revoked where the sink still holds the key before it, since nobody has its token any more, and another one made; a first key
/// that was not delivered is rotated. The old key is valid until the new one was delivered, for as long
/// as the policy's greatest grace ([`IssuancePolicy::max_grace`](crate::keyring::IssuancePolicy::max_grace)): so long may the sink be out of order
/// before the client is without a key, and the overlap should be less.
///
/// The client is the rotator's own: its keys are those that the rotator has made. Others of the same client are neither replaced
/// nor delivered, and count to its limit: as at any rotation, one that is in its grace ends where there would be too many
/// ([`IssuancePolicy::max_live_keys`](crate::keyring::IssuancePolicy::max_live_keys)). A client has one rotator at a time, in one process.
///
/// To rotate now, revoke the client's keys where the key has leaked ([`RevokeRequest::Client`](crate::keyring::RevokeRequest)), or stop the rotator and catch
/// up once with one of a [`period`](Self::period) of zero. A successor that is made by other means is not delivered, and its token is not
/// known here.
///
/// ```
/// use std::time::Duration;
/// use tower_rotating_auth::{
///     Rotating,
///     keyring::{KeyRing, IssueRequest, MemoryStore, Rotator},
///     source::FileSource,
/// };
/// # #[cfg(all(feature = "file", feature = "key-file"))] {
/// use tower_rotating_auth::keyring::FileSink;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("batch.key");
/// let ring = KeyRing::start(MemoryStore::default()).await?;
/// let terms = IssueRequest::new("batch".parse()?).or_new_client("chat:write".parse()?);
/// let mut rotator = Rotator::new(ring.clone(), terms, FileSink::new(&path))
///     .period(Duration::from_secs(30 * 24 * 60 * 60))
///     .overlap(Duration::from_secs(60 * 60));
/// let next = rotator.catch_up().await?; // or `rotator.run()`, in a task of its own
/// assert!(next > std::time::SystemTime::now());
///
/// let key = Rotating::start(FileSource::new(&path)).await?; // in the client's process
/// assert_eq!(ring.list().len(), 1);
/// # let _ = key;
/// # Ok(())
/// # }
/// # main().unwrap();
/// # }
/// ```
#[must_use]
pub struct Rotator<S> {
    ring: KeyRing,
    terms: IssueRequest,
    sink: S,
    plan: Plan,
    is_used: Option<IsUsed>,
    /// Made, and not delivered yet.
    pending: Option<NewKey>,
    /// What the sink holds, and since when that was seen.
    held: Option<(KeyDigest, SystemTime)>,
}

impl<S: Sink> Rotator<S> {
    /// A rotator of one client's key, which is as `terms` have it; their idempotency key is not used, and a moment at which a key
    /// begins or ends ([`IssueRequest::not_before`], [`IssueRequest::not_after`]) is the first one's alone. Where the terms do not say how
    /// long a key lives, a later one lives as long as the policy says, and where that says nothing, as long as the key before it was
    /// made for; also one that is made because all before it were revoked.
    pub fn new(ring: KeyRing, terms: IssueRequest, sink: S) -> Self {
        Self {
            ring,
            terms,
            sink,
            plan: Plan {
                period: 30 * DAY,
                overlap: DAY,
            },
            is_used: None,
            pending: None,
            held: None,
        }
    }

    /// A key is replaced when it is so old, 30 days unless told, and an overlap before it ends by itself.
    pub const fn period(mut self, period: Duration) -> Self {
        self.plan.period = period;
        self
    }

    /// The old key is ended so long after the new one was delivered, a day unless told: as long as the client takes to read it,
    /// and as its longest request. Of a key that ends by itself, it is never more than half the life.
    pub const fn overlap(mut self, overlap: Duration) -> Self {
        self.plan.overlap = overlap;
        self
    }

    /// The old key is ended as soon as `is_used` says that the new one was seen in use, too: for a client that is one process, or
    /// whose processes switch together. It is asked whenever the rotator catches up, which [`run`](Self::run) does every 30 s
    /// then. Where the service runs in this process, the ring knows: [`KeySummary::last_used`](crate::keyring::KeySummary::last_used).
    pub fn ends_when_used(mut self, is_used: impl Fn(&KeyId) -> bool + Send + 'static) -> Self {
        self.is_used = Some(Box::new(is_used));
        self
    }

    /// Takes in what other processes have written, does all that is due, and returns when something is due next.
    ///
    /// # Errors
    ///
    /// When the ring or the sink failed. What was done stays done; the next call goes on from there.
    ///
    /// # Cancel safety
    ///
    /// A call that is dropped is as a process that ends: the next one goes on from there.
    pub async fn catch_up(&mut self) -> Result<SystemTime, RotatorError> {
        // An operation finds out by itself that others have written; waiting is none.
        self.ring.reload().await?;
        for _ in 0..MOST_STEPS {
            self.deliver().await?;
            let delivered = self.look().await?;
            let ledger = self.ring.state();
            let now = self.ring.now();
            match next_step(&ledger, self.terms.client(), delivered, self.plan, now) {
                Step::Issue(last, mark) => {
                    let last = last.and_then(|id| ledger.key(&id));
                    let terms =
                        last.map_or_else(|| self.terms.clone(), |last| self.terms.after(last, now));
                    let terms = terms.idempotency_key(mark);
                    self.pending = self.ring.issue(terms).await?.into_new();
                }
                Step::Rotate(old, mark) => {
                    let rotate = RotateRequest::with_grace(old, Duration::MAX)
                        .lifetime_from(&self.terms)
                        .idempotency_key(mark);
                    self.pending = self.ring.rotate(rotate).await?.into_new();
                }
                Step::Discard(lost) => drop(self.ring.revoke(lost).await?),
                Step::Unclear => return Err(RotatorError::new(RotatorErrorKind::Unclear)),
                Step::Retire(old) => self.ring.retire(&old).await?,
                Step::Wait(until) => return Ok(until),
            }
        }
        Err(RotatorError::new(RotatorErrorKind::Unsettled))
    }

    /// Catches up whenever something is due, and every 30 s, without end: so soon is a key replaced that another process has
    /// revoked. It is spawned, and aborted where it should end: it has a ring of its own, which does not stop when the last other
    /// clone of it is dropped, but with the runtime that it runs on.
    ///
    /// Failures are told to `tracing`, and tried again: after a second, then after twice that …, up to 30 s.
    pub async fn run(mut self) {
        let mut backoff = BACKOFF;
        loop {
            match self.catch_up().await {
                Ok(next) => {
                    backoff = BACKOFF;
                    sleep_toward(Some(next), self.ring.now()).await;
                }
                Err(error) => {
                    if error
                        .ring()
                        .is_some_and(|error| error.kind() == KeyRingErrorKind::Stopped)
                    {
                        return;
                    }
                    let client = self.terms.client();
                    tracing::warn!(
                        %client,
                        error = &error as &dyn std::error::Error,
                        "a key could not be rotated on schedule; it is tried again"
                    );
                    sleep(backoff).await;
                    backoff = (2 * backoff).min(LONGEST_SLEEP);
                }
            }
        }
    }

    /// Delivers what was made, if it was not; the key is kept until the sink holds it.
    async fn deliver(&mut self) -> Result<(), RotatorError> {
        let Some(key) = &self.pending else {
            return Ok(());
        };
        let ledger = self.ring.state();
        let entry = ledger.key(key.id());
        if !entry.is_some_and(|entry| ledger.is_live(entry, self.ring.now())) {
            self.pending = None; // somebody has ended it meanwhile
            return Ok(());
        }
        self.sink.deliver(key).await?;
        if self.sink.held().await? != Some(key.digest()) {
            return Err(RotatorError::new(RotatorErrorKind::Undelivered));
        }
        self.pending = None;
        Ok(())
    }

    /// Which key the sink holds.
    async fn look(&mut self) -> Result<Option<Delivered>, RotatorError> {
        let Some(digest) = self.sink.held().await? else {
            self.held = None;
            return Ok(None);
        };
        let since = match self.held {
            Some((before, since)) if before == digest => since,
            _ => self.ring.now(),
        };
        self.held = Some((digest, since));
        let ledger = self.ring.state();
        let usage = match (ledger.key_of(&digest), &self.is_used) {
            (Some(key), Some(is_used)) if is_used(key.id()) => Usage::Seen,
            _ => Usage::NotYet,
        };
        Ok(Some(Delivered {
            digest,
            since,
            usage,
        }))
    }
}

impl<S: fmt::Debug> fmt::Debug for Rotator<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rotator")
            .field("terms", &self.terms)
            .field("sink", &self.sink)
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}
