//! The load: callers that never pause while the key rotates twice.

use std::fmt;
use std::future::Future;

use tokio::select;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Failed, Keys, Upstream};

const CALLERS: usize = 8;
const ROTATIONS: usize = 2;
/// The number of calls that each caller makes between two rotations.
const CALLS: usize = 25;

/// The result of a trial.
pub(crate) struct Tally {
    calls: usize,
    rotations: usize,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { calls, rotations } = self;
        write!(f, "calls={calls} rotations={rotations}")
    }
}

/// Calls without a pause while the key rotates twice. Fails if one call fails.
pub(crate) async fn under_load<F, Fut>(upstream: &Upstream, call: F) -> Result<Tally, Failed>
where
    F: Fn() -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<(), Failed>> + Send,
{
    let (answered, mut progress) = watch::channel([0; CALLERS]);
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let (call, answered) = (call.clone(), answered.clone());
        callers.spawn(async move {
            while !answered.is_closed() {
                call().await?;
                answered.send_modify(|answered| answered[caller] += 1);
            }
            Ok::<_, Failed>(())
        });
    }
    let rotating = async {
        for _ in 0..ROTATIONS {
            go_on(upstream, &mut progress).await?;
            upstream.rotate();
        }
        go_on(upstream, &mut progress).await?;
        drop(progress);
        Ok::<_, Failed>(())
    };
    select! {
        rotated = rotating => rotated?,
        Some(failed) = callers.join_next() => failed??,
    }
    while let Some(ended) = callers.join_next().await {
        ended??;
    }
    let calls = answered.borrow().iter().sum();
    tally(calls, &upstream.watch().borrow())
}

/// Waits until the current key is in use and each caller has made [`CALLS`] calls since.
///
/// A call that began before the rotation could be rejected a second time by the next one.
async fn go_on(
    upstream: &Upstream,
    progress: &mut watch::Receiver<[usize; CALLERS]>,
) -> Result<(), Failed> {
    upstream.watch().wait_for(Keys::current_is_used).await?;
    let before = *progress.borrow();
    let gone_on = |now: &[usize; CALLERS]| {
        let mut callers = before.iter().zip(now);
        callers.all(|(before, now)| now - before >= CALLS)
    };
    progress.wait_for(gone_on).await?;
    Ok(())
}

fn tally(calls: usize, keys: &Keys) -> Result<Tally, Failed> {
    let rotations = keys.rotations();
    if rotations != ROTATIONS {
        return Err(format!("the server saw {rotations} rotations, not {ROTATIONS}").into());
    }
    if !keys.learned_as_intended() {
        return Err(
            "the client did not learn of the new keys in the way that this trial is for".into(),
        );
    }
    Ok(Tally { calls, rotations })
}
