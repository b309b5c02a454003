//! Blocking work, run off the runtime.

use std::error::Error;
use std::fmt;
use std::panic::resume_unwind;

use tokio::task::spawn_blocking;

/// The runtime shut down before the work was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ShuttingDown;

/// Runs blocking work on a thread of its own and waits for it. A panic goes on in the caller.
///
/// # Cancel safety
///
/// Work that has begun is done, whether or not somebody waits for it.
pub(crate) async fn run<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ShuttingDown> {
    spawn_blocking(work)
        .await
        .map_err(|error| match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_cancelled) => ShuttingDown,
        })
}

impl fmt::Display for ShuttingDown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the runtime is shutting down")
    }
}

impl Error for ShuttingDown {}

#[cfg(test)]
mod tests {
    use std::panic::AssertUnwindSafe;

    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn run_returns_the_result_of_the_work() {
        assert_eq!(run(|| 6 * 7).await, Ok(42));
    }

    #[tokio::test]
    async fn run_resumes_a_panic_in_the_caller() {
        let work = run(|| -> () { panic!("broken") });
        let panic = AssertUnwindSafe(work).catch_unwind().await.unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"broken"));
    }

    #[test]
    fn run_ends_when_the_runtime_shuts_down() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let _guard = runtime.enter();
        let work = run(|| 42);
        runtime.shutdown_background();
        // The runtime is gone before the work is queued.
        assert_eq!(work.now_or_never(), Some(Err(ShuttingDown)));
    }
}
