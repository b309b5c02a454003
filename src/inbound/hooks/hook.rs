//! Functions of the application that the layer calls.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use http::{Extensions, HeaderMap};

use crate::inbound::key::KeyRecord;

/// A function of the application.
pub(crate) struct Hook<F: ?Sized>(pub(crate) Arc<F>);

/// Returns whether a request satisfies the second factor of a key.
pub(crate) type SecondFactor =
    Hook<dyn Fn(&KeyRecord, &HeaderMap, &Extensions) -> bool + Send + Sync>;

impl<F: ?Sized> Clone for Hook<F> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<F: ?Sized> Deref for Hook<F> {
    type Target = F;

    fn deref(&self) -> &F {
        &self.0
    }
}

impl<F: ?Sized> fmt::Debug for Hook<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook(..)")
    }
}
