//! The copy of a request's URI that axum's router keeps for its handlers.

use http::{Extensions, Uri};

#[cfg(feature = "axum")]
pub(crate) fn original_uri(extensions: &mut Extensions) -> Option<&mut Uri> {
    extensions
        .get_mut::<axum::extract::OriginalUri>()
        .map(|original| &mut original.0)
}

/// No router is known.
#[cfg(not(feature = "axum"))]
pub(crate) const fn original_uri(_: &mut Extensions) -> Option<&mut Uri> {
    None
}
