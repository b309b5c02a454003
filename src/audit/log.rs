//! The audit log: it collects events, and hands them to a subscriber.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use std::{fmt, thread};

use tokio::time::Instant;

use super::action::AuditAction;
use super::event::AuditEvent;
use super::queue::{Pushed, Queue};
use crate::rotating::Event;
use crate::telemetry::{LogDecision, LogLimiter, meter};

/// How long events are only counted before the count is reported.
const REPORT_AFTER: Duration = Duration::from_secs(1);

/// The name of the log in metrics, and in its own events.
pub(super) const NAME: &str = "audit";

/// Collects the events of both halves, and hands them to a subscriber.
///
/// Clones share the subscriber. When the last clone and the last observer are dropped, it gets what
/// waits, and its thread ends.
///
/// See the [module documentation](crate::audit) for an example.
#[derive(Clone)]
pub struct AuditLog {
    collector: Arc<Collector>,
}

/// The events on their way to the subscriber. The last owner closes the queue.
struct Collector {
    queue: Arc<Queue>,
    limiter: Arc<LogLimiter<BudgetKey>>,
    name: Arc<str>,
}

/// The properties by which events share a budget.
#[derive(Clone, Debug, PartialEq, Eq)]
struct BudgetKey {
    action: AuditAction,
    reason: Option<&'static str>,
    name: Arc<str>,
}

impl AuditLog {
    /// Creates an audit log with this subscriber, which gets every event, in order.
    ///
    /// The subscriber runs on a thread of its own, so it may block. After a panic it still gets the
    /// next event. See [`AuditFile::subscriber`](crate::audit::AuditFile::subscriber).
    pub fn new(subscriber: impl FnMut(&AuditEvent) + Send + 'static) -> Self {
        let (queue, limiter) = (Queue::new(), Arc::new(LogLimiter::new()));
        let collector = Collector {
            queue: Arc::clone(&queue),
            limiter: Arc::clone(&limiter),
            name: NAME.into(),
        };
        meter::add(meter::AUDIT_DROPPED, &collector.name, None, 0);
        let name = Arc::clone(&collector.name);
        let deliver = move || deliver(&queue, &limiter, &name, subscriber);
        // Without a thread, the queue fills up, and events count as dropped.
        if let Err(error) = thread::Builder::new().name("audit".into()).spawn(deliver) {
            tracing::error!(%error, "failed to start a thread for audit events");
        }
        Self {
            collector: Arc::new(collector),
        }
    }

    /// Returns an observer that adds the events of one part, for its `observer` method: of
    /// [`RequireKeyLayer`](crate::inbound::RequireKeyLayer::observer),
    /// [`RotatingBuilder`](crate::rotating::RotatingBuilder::observer), or
    /// [`KeyRingBuilder`](crate::keyring::KeyRingBuilder::observer).
    pub fn observer<K>(&self) -> impl FnMut(&Event<K>) + Send + 'static + use<K>
    where
        for<'e> AuditEvent: From<&'e Event<K>>,
    {
        let collector = Arc::clone(&self.collector);
        move |event| collector.add(event.into())
    }

    /// Adds an event of the program itself, such as the load of its configuration. It never blocks.
    pub fn record(&self, event: AuditEvent) {
        self.collector.add(event);
    }

    /// Returns how many events were dropped because the subscriber was too slow.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.collector.queue.dropped()
    }

    /// Returns a handle that waits for the end of the log, for the end of a program.
    #[must_use]
    pub fn ended(&self) -> AuditEnded {
        AuditEnded(Arc::clone(&self.collector.queue))
    }
}

/// Waits for the end of an [`AuditLog`], created by [`AuditLog::ended`].
#[derive(Clone)]
pub struct AuditEnded(Arc<Queue>);

impl AuditEnded {
    /// Waits until the last clone of the log and its last observer are dropped, and the subscriber
    /// has seen all events, for at most `patience`. Returns whether it has.
    ///
    /// It blocks the thread.
    #[must_use]
    pub fn wait(&self, patience: Duration) -> bool {
        self.0.wait_for_end(patience)
    }
}

impl fmt::Debug for AuditEnded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditEnded").finish_non_exhaustive()
    }
}

impl Collector {
    fn add(&self, event: AuditEvent) {
        if event.action == AuditAction::Other {
            return;
        }
        let like = BudgetKey {
            action: event.action,
            reason: event.reason,
            name: Arc::clone(&event.name),
        };
        let is_reported = !event.action.may_flood()
            || self.limiter.decide_at(like, Instant::now()) == LogDecision::Allow;
        if is_reported {
            self.push(event);
        }
    }

    fn push(&self, event: AuditEvent) {
        if self.queue.push(event) == Pushed::Dropped {
            meter::add(meter::AUDIT_DROPPED, &self.name, None, 1);
        }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// Returns an event for each kind of which some were only counted.
fn not_reported(limiter: &LogLimiter<BudgetKey>, now: SystemTime) -> Vec<AuditEvent> {
    let counts = limiter.take_counts().into_iter();
    let event = |(like, count): (BudgetKey, u64)| {
        let reason = like.reason;
        let event = AuditEvent::new(now, like.name, like.action);
        AuditEvent { reason, ..event }.not_reported(count)
    };
    counts.map(event).collect()
}

/// Hands events to the subscriber as they come, until the queue is closed.
fn deliver(
    queue: &Queue,
    limiter: &LogLimiter<BudgetKey>,
    name: &Arc<str>,
    mut subscriber: impl FnMut(&AuditEvent),
) {
    let mut reported = Instant::now();
    loop {
        let mut batch = queue.take(REPORT_AFTER);
        if batch.is_last || reported.elapsed() >= REPORT_AFTER {
            reported = Instant::now();
            batch
                .events
                .extend(not_reported(limiter, SystemTime::now()));
        }
        if batch.dropped > 0 {
            let event = AuditEvent::new(SystemTime::now(), Arc::clone(name), AuditAction::Dropped);
            batch.events.push_back(AuditEvent {
                count: Some(batch.dropped),
                ..event
            });
        }
        for event in &batch.events {
            // Unwind safe for the crate: the subscriber shares no state with it.
            let result = catch_unwind(AssertUnwindSafe(|| subscriber(event)));
            if result.is_err() {
                tracing::error!("the subscriber of audit events panicked");
            }
        }
        if batch.is_last {
            drop(subscriber); // it may have more to do before all is said
            queue.end();
            return;
        }
    }
}

impl fmt::Debug for AuditLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditLog").finish_non_exhaustive()
    }
}
