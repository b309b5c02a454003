//! Where a request keeps what a layer has removed from it.

use http::Extensions;

use crate::inbound::principal::{Hidden, KeyPrincipal, Principal};

/// Marks a request whose principal keeps what was removed. It has no size, and so is not allocated.
///
/// Without it, the principal is one that an application has kept from another request.
#[derive(Clone, Copy)]
struct InPrincipal;

/// Returns what a layer further out has removed from a request.
pub(crate) fn hidden_in(extensions: &Extensions) -> Option<&Hidden> {
    match extensions.get() {
        Some(InPrincipal) => extensions
            .get()
            .and_then(Principal::key)
            .map(KeyPrincipal::hidden)
            .filter(|hidden| !hidden.is_empty()),
        None => extensions.get(),
    }
}

/// Puts a principal into a request, with what its layer has removed. Replaces what a layer further
/// out has put there.
pub(crate) fn put_principal(
    extensions: &mut Extensions,
    principal: Option<Principal>,
    mut hidden: Hidden,
) {
    if let Some(outer) = hidden_in(extensions) {
        hidden = hidden.and(outer);
    }
    let principal = match principal {
        Some(Principal::Key(key)) if !hidden.is_empty() => {
            extensions.insert(InPrincipal);
            Some(Principal::Key(key.hiding(hidden)))
        }
        principal => {
            if !hidden.is_empty() {
                extensions.remove::<InPrincipal>();
                extensions.insert(hidden);
            }
            principal
        }
    };
    match principal {
        Some(principal) => drop(extensions.insert(principal)),
        // One that an outer layer inserted must not count where this layer found none.
        None => drop(extensions.remove::<Principal>()),
    }
}
