//! How long a key lives.

use crate::keyring::state::KeyEntry;
use std::time::{Duration, SystemTime};

/// For how long a key was made; of one that ends, and whose beginning is not known, what is left.
pub(crate) fn length_of_life(entry: &KeyEntry, now: SystemTime) -> Option<Duration> {
    let end = entry.not_after()?;
    let start = entry.not_before().max(entry.created_at());
    let start = start.filter(|start| *start < end).unwrap_or(now);
    end.duration_since(start).ok()
}
