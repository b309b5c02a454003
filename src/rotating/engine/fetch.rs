//! What a fetch brings, compared with the current value.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::clock::{Clocks, Now};
use crate::rotating::value::{Deadline, Snapshot};
use crate::source::{Expiry, Fetched, Revision, SourceError, SourceErrorKind};

/// The result of a fetch that succeeded.
pub(crate) enum Found<T> {
    New {
        value: T,
        revision: Option<Revision>,
        expires: Option<Deadline>,
    },
    Same {
        revision: Option<Revision>,
        expires: Option<Deadline>,
    },
}

fn timed_out(message: &'static str) -> SourceError {
    SourceError::new(SourceErrorKind::TimedOut, message)
}

/// Returns the deadline of an expiry, or an error if it has passed.
pub(crate) fn unexpired(
    expiry: Option<Expiry>,
    fetched_at: Now,
    now: Now,
) -> Result<Option<Deadline>, SourceError> {
    check_expiry(expiry.map(|expiry| Deadline::of(expiry, fetched_at)), now)
}

fn check_expiry(expires: Option<Deadline>, now: Now) -> Result<Option<Deadline>, SourceError> {
    match expires {
        Some(deadline) if deadline.passed(now) => Err(SourceError::new(
            SourceErrorKind::Expired,
            "the value had already expired when it arrived; check the clock of this machine",
        )),
        unexpired => Ok(unexpired),
    }
}

/// Returns the result of a fetch that found the current content again.
///
/// If the source gives no expiry, the known one stays. A value that has expired by now is an error.
fn same<T, S>(
    revision: Option<Revision>,
    expires: Option<Deadline>,
    current: &Snapshot<T, S>,
    now: Now,
) -> Result<Found<T>, SourceError> {
    let expires = check_expiry(expires.or(current.expires), now)?;
    Ok(Found::Same { revision, expires })
}

/// Compares what was fetched with the current value, by revision or else by value.
///
/// Values are compared on a blocking thread. All of those may be busy, so the comparison has a
/// timeout like a fetch.
pub(crate) async fn compare<T, S>(
    fetched: Fetched<T>,
    current: &Arc<Snapshot<T, S>>,
    fetched_at: Now,
    clocks: &Clocks,
    limit: Duration,
) -> Result<Found<T>, SourceError>
where
    T: PartialEq + Send + Sync + 'static,
    S: Send + Sync + 'static,
{
    let (value, revision, expires_at) = match fetched {
        Fetched::Unchanged { expires_at } => {
            let expires = unexpired(expires_at, fetched_at, clocks.now())?;
            return same(current.revision.clone(), expires, current, clocks.now());
        }
        Fetched::Value {
            value,
            revision,
            expires_at,
        } => (value, revision, expires_at),
    };
    let expires = unexpired(expires_at, fetched_at, clocks.now())?;
    if revision.is_some() && revision == current.revision {
        return same(revision, expires, current, clocks.now());
    }
    let old = Arc::clone(&current.content);
    let compared = spawn_blocking(move || (value != old.value).then_some(value));
    match timeout(limit, compared).await {
        Ok(Ok(Some(value))) => Ok(Found::New {
            value,
            revision,
            expires,
        }),
        Ok(Ok(None)) => same(revision, expires, current, clocks.now()),
        Err(_elapsed) => Err(timed_out(
            "the new value was not compared with the current one within the fetch timeout",
        )),
        Ok(Err(_panic)) => Err(SourceError::new(
            SourceErrorKind::Panicked,
            "comparing the new value with the current one panicked",
        )),
    }
}
