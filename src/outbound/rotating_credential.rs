//! A credential that is replaced while it is in use.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::credential::Credential;
use super::event::{EventKind, RequestInfo};
use super::evidence::{
    AcceptanceSampling, CredentialGenerations, Evidence, EvidenceAtSend, TrackedCredential, Tried,
};
use super::outcome::ReplayOutcome;
use crate::clock::Now;
use crate::generation::Generation;
use crate::rotating::{
    Current, Events, Publisher, Refreshing, Rotating, RotatingBuilder, StartError, Status,
    Subscription,
};
use crate::source::Source;
use crate::telemetry::meter;

const DEFAULT_OVERLAP: Duration = Duration::from_secs(300);

/// A [`Credential`] that is replaced while it is in use, and what the upstream has accepted of it.
///
/// It is a [`Rotating`] value that knows which of its generations the upstream accepts. While a new
/// one is not accepted yet, the previous one stays in use:
///
/// - A request carries the previous credential as long as the upstream accepts it, and one request
///   at a time tries the new one: at once, then with pauses of 100 ms to 10 s.
/// - The first acceptance of the new one moves all requests to it. For the
///   [overlap](RotatingCredentialBuilder::overlap), requests fall back to the previous one if the
///   upstream rejects the new one after all.
///
/// Clones are cheap and share the value. Dropping the last clone stops the refresh task at once.
///
/// # Examples
///
/// ```
/// use tower_rotating_auth::{
///     Secret,
///     outbound::{IntoCredential, RotatingCredential},
///     source::{SourceError, source_fn},
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tower_rotating_auth::rotating::StartError> {
/// let source = source_fn(|| async { Ok::<_, SourceError>(Secret::from("sk-1f0c")) });
/// let key = RotatingCredential::start(source.bearer()).await?; // fails here, never per request
///
/// let current = key.current();
/// assert_eq!(current.value(), "Bearer sk-1f0c");
/// assert_eq!(current.generation().get(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RotatingCredential {
    engine: Rotating<Credential, Evidence>,
    events: Arc<Events<EventKind>>,
    /// How long this handle waits, if not as long as the builder says.
    force_wait: Option<Duration>,
}

/// A builder for a [`RotatingCredential`], created by [`RotatingCredential::builder`].
pub type RotatingCredentialBuilder = RotatingBuilder<EventKind>;

/// The only writer of a credential that [`RotatingCredential::manual`] created.
pub type CredentialPublisher = Publisher<Credential, Evidence>;

impl RotatingCredential {
    /// Creates a builder, for settings other than the defaults.
    pub fn builder() -> RotatingCredentialBuilder {
        RotatingBuilder::new().overlap(DEFAULT_OVERLAP)
    }

    /// Fetches the first credential and spawns the refresh task on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`StartErrorKind::Source`] if the source fails or delivers no
    /// usable credential, and [`StartErrorKind::NoRuntime`] outside a tokio runtime. A service
    /// should not start then. [`RotatingBuilder::wait_for_first`] retries.
    ///
    /// [`StartErrorKind::Source`]: crate::rotating::StartErrorKind::Source
    /// [`StartErrorKind::NoRuntime`]: crate::rotating::StartErrorKind::NoRuntime
    pub async fn start(source: impl Source<Value = Credential>) -> Result<Self, StartError> {
        Self::builder().start(source).await
    }

    /// Fetches the first credential and returns it with the refresh task, for callers that spawn
    /// their own tasks.
    ///
    /// The returned future is the refresh task. Poll it on a tokio runtime with a timer. It ends
    /// when the last handle is dropped.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`start`](Self::start).
    pub async fn pair(
        source: impl Source<Value = Credential>,
    ) -> Result<(Self, impl Future<Output = ()> + Send + 'static), StartError> {
        Self::builder().pair(source).await
    }

    /// Creates a credential that its publisher replaces manually, without a source or a refresh
    /// task.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_rotating_auth::{Secret, outbound::{Credential, RotatingCredential}};
    ///
    /// let (key, mut publisher) = RotatingCredential::manual(Credential::bearer(&Secret::from("sk-1"))?);
    /// publisher.publish(Credential::bearer(&Secret::from("sk-2"))?);
    /// assert_eq!(key.current().value(), "Bearer sk-2");
    /// # Ok::<_, tower_rotating_auth::InvalidKey>(())
    /// ```
    #[must_use]
    pub fn manual(credential: Credential) -> (Self, CredentialPublisher) {
        Self::builder().manual(credential)
    }

    /// Sets how long requests that use this handle wait for a newer credential, in place of
    /// [`RotatingBuilder::force_wait`]. Its clones wait as long, and other handles as before.
    ///
    /// Use it to change the wait while the service runs, without another credential.
    #[must_use]
    pub fn with_force_wait(mut self, force_wait: Duration) -> Self {
        self.force_wait = Some(force_wait.min(crate::source::LONGEST));
        self
    }

    /// Returns the current credential with its generation.
    ///
    /// This is one atomic load. It takes no lock, allocates nothing and needs no runtime.
    #[must_use]
    pub fn current(&self) -> Current<Credential, Evidence> {
        self.engine.current()
    }

    /// Asks the source now and returns the credential that is current afterwards, new or not.
    ///
    /// See [`Rotating::refresh`].
    ///
    /// # Errors
    ///
    /// The future returns the same errors as that of [`Rotating::refresh`].
    pub fn refresh(&self) -> Refreshing<Credential, Evidence> {
        self.engine.refresh()
    }

    /// Reports that the upstream rejected a generation, and requests a newer one.
    ///
    /// [`InjectKeyLayer`](crate::outbound::InjectKeyLayer) calls this by itself. See
    /// [`Rotating::refresh_newer_than`] for how callers share a refresh, and how often they can
    /// force one. If the upstream has accepted the generation since for another request, the
    /// rejection may not be about the credential. After such a false alarm, the next rejection
    /// waits half a second for an acceptance before the source is asked.
    ///
    /// # Errors
    ///
    /// The future returns the same errors as that of [`Rotating::refresh_newer_than`], and one of
    /// kind [`StillInUse`](crate::rotating::RefreshErrorKind::StillInUse) after a false alarm.
    pub fn refresh_newer_than(&self, rejected: Generation) -> Refreshing<Credential, Evidence> {
        let current = self.current();
        let evidence = current.state();
        let refreshing = (self.engine).demand(rejected, evidence.health(), self.force_wait);
        if current.generation() == rejected {
            // Queue first, count second: who sees the count queues a `Join`, which must come after
            // this command. Before it, the `Join` would find no round to wait for.
            evidence.reject(self.now().mono);
        }
        refreshing
    }

    /// Reports that the upstream accepted a generation: its answer shows that it looked at the key
    /// and accepted it. Do not report 429, 5xx or transport errors.
    ///
    /// Has no effect for a generation that is neither the current nor the previous one.
    ///
    /// [`InjectKeyLayer`](crate::outbound::InjectKeyLayer) calls this by itself. Call it if you put
    /// keys on requests with [`Credential::apply_to`], together with
    /// [`refresh_newer_than`](Self::refresh_newer_than) for rejections. Without it, the storm guard
    /// takes every rotation for one that the upstream never accepted, and holds refreshes back.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_rotating_auth::{
    ///     Secret,
    ///     outbound::{Credential, IntoCredential, RotatingCredential},
    ///     source::{SourceError, source_fn},
    /// };
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let mut made = 0;
    /// # let source = source_fn(move || {
    /// #     made += 1;
    /// #     let key = Secret::from(format!("sk-{made}").as_str());
    /// #     async { Ok::<_, SourceError>(key) }
    /// # });
    /// let key = RotatingCredential::start(source.bearer()).await?;
    /// for _ in 0..4 {
    ///     let used = key.current().generation();
    ///     key.report_accepted(used);
    ///     assert!(key.current().evidence().is_proven());
    ///     tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    ///     let newer = key.refresh_newer_than(used).await?; // rejected later
    ///     assert!(newer.generation() > used);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn report_accepted(&self, generation: Generation) {
        self.accepted(generation, None, RequestInfo::default);
    }

    /// Records that the upstream accepted a request. `at_send` is the evidence at the time when it
    /// was sent, if that is known.
    pub(crate) fn accepted(
        &self,
        generation: Generation,
        at_send: Option<EvidenceAtSend>,
        request: impl FnOnce() -> RequestInfo,
    ) {
        let current = self.current();
        let now = self.now();
        let accept = |tracked: &TrackedCredential| {
            let at_send = at_send.unwrap_or_else(|| tracked.state.at_unknown_send());
            tracked.state.accept(at_send, now.mono)
        };
        if current.generation() != generation {
            let previous = current.state().previous();
            if let Some(previous) = previous.filter(|tracked| tracked.generation == generation) {
                accept(&previous);
            }
        } else if accept(current.content()) {
            self.emit(EventKind::InUse {
                generation,
                request: request(),
            });
        }
    }

    /// Records that one request was rejected with `rejected` and accepted with `accepted`.
    pub(crate) fn too_early(&self, rejected: Generation, accepted: Generation) {
        let current = self.current();
        let previous = current.state().previous();
        if current.generation() == rejected
            && previous.is_some_and(|previous| previous.generation == accepted)
        {
            current.state().too_early(self.now().mono);
        }
    }

    /// Records that a request was rejected with a generation. It shows nothing by itself.
    pub(crate) fn rejected(&self, generation: Generation) {
        let previous = self.current().state().previous();
        if let Some(previous) = previous.filter(|tracked| tracked.generation == generation) {
            previous.state.reject(self.now().mono);
        }
    }

    /// Records that one request was rejected with all of `tried`.
    pub(crate) fn rejected_with(&self, tried: &[Tried]) {
        let current = self.current();
        let has_tried = |generation| tried.iter().any(|tried| tried.generation == generation);
        if has_tried(current.generation()) {
            current.state().all_rejected(has_tried, self.now().mono);
        }
    }

    /// Reports a generation that was not accepted for the whole overlap, once.
    pub(crate) fn report_overdue(&self, current: &Current<Credential, Evidence>, now: Now) {
        if current.state().take_overdue(now.mono) {
            let generation = current.generation();
            self.emit(EventKind::NeverAccepted { generation });
        }
    }

    /// Returns the state of the credential and of its refreshes, for health checks.
    #[must_use]
    pub fn status(&self) -> Status {
        self.engine.status()
    }

    /// Subscribes to each later change.
    #[must_use]
    pub fn subscribe(&self) -> Subscription<Credential, Evidence> {
        self.engine.subscribe()
    }

    /// Waits for the refresh of a generation that the upstream accepted and has rejected since.
    ///
    /// Returns `None` if it was not rejected since, or if nothing refreshes it.
    pub(crate) fn join_refresh(
        &self,
        current: &Current<Credential, Evidence>,
    ) -> Option<Refreshing<Credential, Evidence>> {
        let evidence = current.state();
        (evidence.is_proven() && evidence.is_doubted())
            .then(|| (self.engine).join(current.generation(), self.force_wait))
            .flatten()
    }

    pub(crate) fn has_expired(&self, current: &Current<Credential, Evidence>) -> bool {
        self.engine.has_expired(current)
    }

    pub(crate) fn now(&self) -> Now {
        self.engine.now()
    }

    /// Creates the handle. Its counters exist from then on, since alerts see increases alone.
    fn new(engine: Rotating<Credential, Evidence>, events: Arc<Events<EventKind>>) -> Self {
        let name = engine.name();
        meter::add(meter::REJECTIONS, &name, None, 0);
        for outcome in ReplayOutcome::ALL {
            let outcome = Some(("outcome", outcome.as_str()));
            meter::add(meter::REPLAYS, &name, outcome, 0);
        }
        Self {
            engine,
            events,
            force_wait: None,
        }
    }

    pub(crate) fn name(&self) -> Arc<str> {
        self.engine.name()
    }

    pub(crate) fn emit(&self, kind: EventKind) {
        self.events.emit(kind, self.engine.wall());
    }
}

impl Current<Credential, Evidence> {
    /// Returns what the upstream's answers have shown about this generation.
    #[must_use]
    pub fn evidence(&self) -> &Evidence {
        self.state()
    }
}

impl RotatingCredentialBuilder {
    /// Sets how long the previous credential stays usable once the upstream has accepted the new
    /// one. Defaults to 5 minutes.
    ///
    /// Until then the previous one stays in use, without a limit but its own expiry: a key that was
    /// mistyped must not take the service down. If the new one is not accepted for as long as the
    /// overlap, an event and a log line say so
    /// ([`NeverAccepted`](crate::outbound::EventKind::NeverAccepted)).
    ///
    /// Only a credential that the upstream has accepted is kept. Choose an overlap below the
    /// lifetime of a key.
    ///
    /// Use [`Duration::ZERO`] if the upstream accepts a new key before the source delivers it, or
    /// if keys are replaced because they leaked. Then every request carries the newest one.
    pub fn overlap(mut self, overlap: Duration) -> Self {
        self.overlap = overlap.min(crate::source::LONGEST);
        self
    }

    /// Fetches the first credential and spawns the refresh task, as [`RotatingCredential::start`]
    /// does.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`RotatingCredential::start`].
    pub async fn start(
        self,
        source: impl Source<Value = Credential>,
    ) -> Result<RotatingCredential, StartError> {
        let generations = self.generations(AcceptanceSampling::OncePerTick);
        let (engine, events) = self.start_with(source, generations).await?;
        Ok(RotatingCredential::new(engine, events))
    }

    /// Fetches the first credential and returns it with the refresh task, as
    /// [`RotatingCredential::pair`] does.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`start`](Self::start).
    pub async fn pair(
        self,
        source: impl Source<Value = Credential>,
    ) -> Result<
        (
            RotatingCredential,
            impl Future<Output = ()> + Send + 'static,
        ),
        StartError,
    > {
        let generations = self.generations(AcceptanceSampling::OncePerTick);
        let (engine, events, task) = self.pair_with(source, generations).await?;
        Ok((RotatingCredential::new(engine, events), task))
    }

    /// Creates a credential that is published manually, as [`RotatingCredential::manual`] does.
    ///
    /// Only the name, the observer, the overlap and the wall clock apply.
    #[must_use]
    pub fn manual(mut self, credential: Credential) -> (RotatingCredential, CredentialPublisher) {
        let events = self.events();
        let generations = self.generations(AcceptanceSampling::Each);
        let emit = Arc::clone(&events);
        let (engine, publisher) = self.manual_with(credential, generations, emit);
        (RotatingCredential::new(engine, events), publisher)
    }

    fn generations(&self, sampling: AcceptanceSampling) -> Arc<CredentialGenerations> {
        let overlap = self.overlap;
        Arc::new(CredentialGenerations { overlap, sampling })
    }
}

impl CredentialPublisher {
    /// Makes `credential` current and drops the previous one, so that no request falls back to it.
    ///
    /// Use this if the previous credential leaked. It drops the previous one even if `credential`
    /// is already current, and also from requests that were about to fall back to it. Returns the
    /// current generation.
    pub fn cut_over(&mut self, credential: Credential) -> Generation {
        let current = self.current();
        drop(current.content.state.end_trial());
        if current.content.value == credential {
            let generation = current.content.generation;
            drop(current);
            self.free_retired();
            return generation;
        }
        drop(current);
        let now = self.now();
        let evidence = Evidence::new(AcceptanceSampling::Each, None, now.mono);
        self.replace(credential, evidence, now)
    }
}

impl fmt::Debug for RotatingCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.engine, f)
    }
}
