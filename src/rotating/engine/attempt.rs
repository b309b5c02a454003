//! One attempt: the source is asked, and what it says is judged.

use crate::clock::Clocks;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::clock::Now;
use crate::rotating::value::{Deadline, Snapshot};
use crate::source::{Expiry, SourceError, SourceErrorKind};
use crate::source::{Fetch, Fetched, Revision, Source};

/// What an attempt that succeeded found.
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

/// Asks the source, whatever it does: an error, a hang and a panic all come back as errors.
pub(crate) async fn fetch<S: Source>(
    source: &mut S,
    request: Fetch<'_, S::Value>,
    limit: Duration,
) -> Result<Fetched<S::Value>, SourceError> {
    // A source that panicked is asked again: whether it can go on is its own affair. A fetch that is
    // given up is dropped in here, too, and may panic at that.
    let fetch = AssertUnwindSafe(async { timeout(limit, source.fetch(request)).await });
    match fetch.catch_unwind().await {
        Ok(Ok(fetched)) => fetched,
        Ok(Err(_elapsed)) => Err(timed_out("no answer within the fetch timeout")),
        Err(_panic) => Err(SourceError::new(
            SourceErrorKind::Panicked,
            "the source panicked",
        )),
    }
}

fn timed_out(message: &'static str) -> SourceError {
    SourceError::new(SourceErrorKind::TimedOut, message)
}

/// A deadline that has not passed, or the error that it has.
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
            "what the source delivered had expired already; is this machine's clock right?",
        )),
        unexpired => Ok(unexpired),
    }
}

/// The current content again. Where the source does not say until when it is good, that is known from
/// before; a source that still has what has expired since has failed to deliver.
fn same<T>(
    revision: Option<Revision>,
    expires: Option<Deadline>,
    current: &Snapshot<T>,
    now: Now,
) -> Result<Found<T>, SourceError> {
    let expires = check_expiry(expires.or(current.expires), now)?;
    Ok(Found::Same { revision, expires })
}

/// Tells whether what was fetched is new: by its revision, or else by comparing, off the runtime, whose
/// threads for that may all be busy: that is given up like a fetch.
pub(crate) async fn compare<T: PartialEq + Send + Sync + 'static>(
    fetched: Fetched<T>,
    current: &Arc<Snapshot<T>>,
    fetched_at: Now,
    clocks: &Clocks,
    limit: Duration,
) -> Result<Found<T>, SourceError> {
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
            "not compared with the current value within the fetch timeout",
        )),
        Ok(Err(_panic)) => Err(SourceError::new(
            SourceErrorKind::Panicked,
            "comparing the new value with the current one panicked",
        )),
    }
}
