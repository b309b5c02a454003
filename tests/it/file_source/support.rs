//! Functions that wait for the effect of a writer.

use std::fmt::Debug;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::time::timeout;
use tower_rotating_auth::{
    Rotating, Secret,
    rotating::{RefreshError, RefreshErrorKind},
};

pub(super) use super::key_folder::{KeyFolder, create, replace, write};

/// How long a test waits, and in which steps.
const PATIENCE: Duration = Duration::from_secs(100 * 24 * 3600);
const STEP: Duration = Duration::from_secs(30);

/// Waits for at most a hundred virtual days.
///
/// It waits in steps, which together take long enough for work that does not run on virtual time. A
/// single long timeout may pass at once: if another thread wakes a task when its timer fires, the
/// clock jumps to the next timer, no matter whose it is.
pub(super) async fn in_time<T>(wait: impl Future<Output = T>) -> T {
    let mut wait = pin!(wait);
    for _ in 0..PATIENCE.as_secs() / STEP.as_secs() {
        if let Ok(done) = timeout(STEP, &mut wait).await {
            return done;
        }
    }
    panic!("it should have happened by now");
}

/// Refreshes the key and returns the error of its source.
pub(super) async fn failure(key: &Rotating<Secret>) -> RefreshError {
    match in_time(key.refresh()).await {
        Err(error) if error.kind() == RefreshErrorKind::Failed => error,
        other => panic!("the source should have failed: {other:?}"),
    }
}

#[track_caller]
pub(super) fn assert_content<T: AsRef<[u8]> + Debug>(key: &Secret, expected: T) {
    let found = String::from_utf8_lossy(key.expose_secret());
    assert_eq!(found, String::from_utf8_lossy(expected.as_ref()));
}
