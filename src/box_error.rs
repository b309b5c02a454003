//! An error of any type.

use std::error::Error;

/// An error of any type, as in Tower.
pub(crate) type BoxError = Box<dyn Error + Send + Sync>;
