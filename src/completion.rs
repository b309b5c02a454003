//! What a future does that is polled after its completion.

/// Panics, as the futures of the standard library do.
#[cold]
#[track_caller]
pub(crate) fn polled_after_completion() -> ! {
    panic!("response future polled after completion")
}

/// Returns what a future owns until it completes.
///
/// # Panics
///
/// Panics if it was taken.
#[track_caller]
pub(crate) fn present<T>(owned: &mut Option<T>) -> &mut T {
    owned.as_mut().unwrap_or_else(|| polled_after_completion())
}

/// Takes what a future owns until it completes.
///
/// # Panics
///
/// Panics if it was taken before.
#[track_caller]
pub(crate) fn taken<T>(owned: &mut Option<T>) -> T {
    owned.take().unwrap_or_else(|| polled_after_completion())
}
