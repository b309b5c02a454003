//! Rotates a client's key on a schedule: creates a successor, delivers it, and retires the old key.

mod error;
#[cfg(all(feature = "file", feature = "key-file"))]
mod file_sink;
mod losses;
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
use self::losses::Losses;
use self::plan::{Delivered, Plan, Step, Usage, is_ours, next_step};
pub use self::sink::Sink;
pub use self::sink_fn::{SinkFn, sink_fn};
use super::request::{IssueRequest, RotateRequest};
use super::ring::{KeyRing, KeyRingErrorKind};
use super::state::KeyEntry;
use super::token::NewKey;
use crate::clock::{LONGEST_SLEEP, sleep_toward};
use crate::inbound::{ClientId, KeyDigest, KeyId};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// More steps than any state needs, even while others change it.
const MOST_STEPS: usize = 64;
/// The pause after the first failure. It doubles with each failure, up to the longest sleep.
const BACKOFF: Duration = Duration::from_secs(1);

/// Returns whether this key was seen in use.
type IsUsed = Box<dyn Fn(&KeyId) -> bool + Send>;

/// A task that replaces a client's key on a schedule.
///
/// It creates the successor, delivers it through a [`Sink`], waits until the successor was seen in
/// use or the overlap has passed, and then retires the old key.
///
/// # Restarts
///
/// A rotator stores nothing itself. It derives the next step from the state of the ring and from
/// the key that the sink holds, so a new process continues where another one ended:
///
/// - It removes a successor that was not delivered while the sink still holds the key before it,
///   since nobody has the token any more, and creates another one.
/// - It rotates a first key that was not delivered.
///
/// A client may remove the delivered key, or put an older one back. The rotator then makes another
/// key: at first at once, and while that goes on after pauses that double from a minute to a day.
/// It removes its own keys once they may be
/// [purged](crate::keyring::IssuancePolicy::purge_after).
///
/// The old key stays valid until the new one is delivered, at most for the policy's longest grace
/// ([`IssuancePolicy::max_grace`](crate::keyring::IssuancePolicy::max_grace)). A sink may fail that
/// long before the client loses its key, so the overlap should be shorter.
///
/// # One rotator per client
///
/// Run one rotator per client, in one process. It neither replaces nor delivers keys that it did
/// not create, but they count towards the client's limit
/// ([`IssuancePolicy::max_live_keys`](crate::keyring::IssuancePolicy::max_live_keys)). As with any
/// rotation, a key in its grace ends early if there would be too many.
///
/// # Rotating now
///
/// If the key has leaked, revoke the client's keys
/// ([`RevokeRequest::Client`](crate::keyring::RevokeRequest)). Otherwise stop the rotator, and
/// catch up once with a [`period`](Self::period) of zero. The rotator cannot deliver a successor
/// that was created elsewhere, since it does not know the token.
///
/// # Examples
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
/// let request = IssueRequest::new("batch".parse()?).or_new_client("chat:write".parse()?);
/// let mut rotator = Rotator::new(ring.clone(), request, FileSink::new(&path))
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
    request: IssueRequest,
    sink: S,
    plan: Plan,
    is_used: Option<IsUsed>,
    /// A key that was created and not delivered yet.
    pending: Option<NewKey>,
    /// The key that the sink holds, and since when this process has seen it.
    held: Option<(KeyDigest, SystemTime)>,
    /// The last key that was given to the sink, delivered or not.
    offered: Option<KeyId>,
    losses: Losses,
}

impl<S: Sink> Rotator<S> {
    /// Creates a rotator for one client's key.
    ///
    /// `request` describes the keys. Its idempotency key is ignored. [`IssueRequest::not_before`]
    /// and [`IssueRequest::not_after`] apply only to the first key; a later one then lives as long.
    ///
    /// If neither the request nor the policy sets a lifetime, a key lives for the
    /// [`period`](Self::period) and the policy's longest grace (or the overlap, if that is longer):
    /// a rotation that somebody stops leaves no key without an end. Use [`IssueRequest::for_ever`]
    /// for keys without one.
    pub fn new(ring: KeyRing, request: IssueRequest, sink: S) -> Self {
        Self {
            ring,
            request,
            sink,
            plan: Plan {
                period: 30 * DAY,
                overlap: DAY,
            },
            is_used: None,
            pending: None,
            held: None,
            offered: None,
            losses: Losses::default(),
        }
    }

    /// Sets the age at which a key is replaced. Defaults to 30 days. A key that expires is replaced
    /// at least one overlap before it does.
    pub const fn period(mut self, period: Duration) -> Self {
        self.plan.period = period;
        self
    }

    /// Sets how long the old key stays valid after the new one was delivered. Defaults to one day.
    ///
    /// It should be as long as the client takes to read the new key, plus its longest request. For
    /// a key that expires, it is at most half the key's lifetime.
    pub const fn overlap(mut self, overlap: Duration) -> Self {
        self.plan.overlap = overlap;
        self
    }

    /// Retires the old key as soon as `is_used` returns `true` for the new one. Use it for a client
    /// that is one process, or whose processes switch together.
    ///
    /// The rotator calls it whenever it catches up, which [`run`](Self::run) does at least every 30
    /// s. If the service runs in this process, the ring knows the answer:
    /// [`KeySummary::last_used`](crate::keyring::KeySummary::last_used).
    pub fn ends_when_used(mut self, is_used: impl Fn(&KeyId) -> bool + Send + 'static) -> Self {
        self.is_used = Some(Box::new(is_used));
        self
    }

    /// Reads what other processes have written, does all that is due, and returns when something is
    /// due next.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`RotatorErrorKind::Ring`] if the ring failed,
    /// [`RotatorErrorKind::Sink`] if the sink failed, and [`RotatorErrorKind::Undelivered`] if the
    /// sink does not hold the key after a delivery. The kind is [`RotatorErrorKind::Unclear`] if
    /// the sink lost its key and there is no room for another, and [`RotatorErrorKind::Unsettled`]
    /// if others keep changing the client's keys.
    ///
    /// # Cancel safety
    ///
    /// Steps that were completed stay completed. The next call continues from there.
    pub async fn catch_up(&mut self) -> Result<SystemTime, RotatorError> {
        // An operation finds out by itself that others have written; waiting is none.
        self.ring.reload().await?;
        for _ in 0..MOST_STEPS {
            self.deliver().await?;
            let delivered = self.look().await?;
            let state = self.ring.state();
            let now = self.ring.now();
            let client = self.request.client();
            let step = next_step(&state, client, delivered, self.plan, now);
            if let Step::Discard(_) | Step::Replace(..) = step {
                if let Some(until) = self.losses.wait_until(now) {
                    return Ok(until);
                }
                self.losses.note(now);
            } else if let (Step::Wait(_), Some(delivered)) = (&step, delivered) {
                self.losses
                    .held_since(delivered.since, self.plan.overlap, now);
            }
            let life = self.plan.lifetime(state.policy().max_grace);
            let request = self.request.clone().default_lifetime(life);
            match step {
                Step::Issue(last, mark) => {
                    let last = last.and_then(|id| state.key(&id));
                    let request =
                        last.map_or_else(|| request.clone(), |last| request.after(last, now));
                    let request = request.idempotency_key(mark);
                    self.pending = self.ring.issue(request).await?.into_new();
                    purge(&self.ring, self.request.client()).await?;
                }
                Step::Rotate(old, mark) | Step::Replace(old, mark) => {
                    let rotate = RotateRequest::with_grace(old, Duration::MAX)
                        .lifetime_from(&request)
                        .idempotency_key(mark);
                    self.pending = self.ring.rotate(rotate).await?.into_new();
                    purge(&self.ring, self.request.client()).await?;
                }
                // A client that has read the key may have put the one before back.
                Step::Discard(lost) if self.offered.as_ref() == Some(&lost) => {
                    drop(self.ring.revoke(lost).await?);
                }
                Step::Discard(lost) => self.ring.discard(&lost).await?,
                Step::Unclear => return Err(RotatorError::new(RotatorErrorKind::Unclear)),
                Step::Retire(old) => self.ring.retire(&old).await?,
                Step::Wait(until) => return Ok(until),
            }
        }
        Err(RotatorError::new(RotatorErrorKind::Unsettled))
    }

    /// Catches up whenever something is due, and at least every 30 s: so it soon replaces a key
    /// that another process has revoked.
    ///
    /// Spawn it, and abort it to stop. It holds a clone of the ring, which therefore keeps running
    /// until its runtime ends. A failure is logged and tried again after 1 s, then after 2 s, 4 s
    /// and so on up to 30 s.
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
                    let client = self.request.client();
                    tracing::warn!(
                        %client,
                        error = &error as &dyn std::error::Error,
                        "rotation failed; trying again"
                    );
                    sleep(backoff).await;
                    backoff = (2 * backoff).min(LONGEST_SLEEP);
                }
            }
        }
    }

    /// Delivers the pending key, if there is one. It is kept until the sink holds it.
    async fn deliver(&mut self) -> Result<(), RotatorError> {
        let Some(key) = &self.pending else {
            return Ok(());
        };
        let state = self.ring.state();
        let entry = state.key(key.id());
        if !entry.is_some_and(|entry| state.is_live(entry, self.ring.now())) {
            self.pending = None; // it was revoked meanwhile
            return Ok(());
        }
        self.offered = Some(key.id().clone());
        self.sink.deliver(key).await?;
        if self.sink.held().await? != Some(key.digest()) {
            return Err(RotatorError::new(RotatorErrorKind::Undelivered));
        }
        self.pending = None;
        Ok(())
    }

    /// Returns which key the sink holds.
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
        let state = self.ring.state();
        let usage = match (state.key_of(&digest), &self.is_used) {
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

/// Removes the client's keys that rotators made and that ended long ago.
///
/// It borrows no rotator: a future that did would need `Sync` of the sink to be `Send`.
async fn purge(ring: &KeyRing, client: &ClientId) -> Result<(), RotatorError> {
    let (state, now) = (ring.state(), ring.now());
    let mut ours = state.keys_of(client).filter(|key| is_ours(key));
    if ours.any(|key| state.is_purgeable(key, now)) {
        let client = client.clone();
        let is_meant = move |key: &KeyEntry| *key.client() == client && is_ours(key);
        ring.purge_if(is_meant).await?;
    }
    Ok(())
}

impl<S: fmt::Debug> fmt::Debug for Rotator<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rotator")
            .field("request", &self.request)
            .field("sink", &self.sink)
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}
