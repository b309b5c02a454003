//! The removed parts of a request, in its extensions.

use http::Extensions;

use crate::inbound::principal::{Caller, Hidden, KeyPrincipal, Principal};

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
    caller: Option<Caller>,
    mut hidden: Hidden,
) {
    if let Some(outer) = hidden_in(extensions) {
        hidden = hidden.and(outer);
    }
    let is_key = matches!(caller, Some(Caller::Key(_)));
    if !hidden.is_empty() && is_key {
        extensions.insert(InPrincipal);
    } else if !hidden.is_empty() {
        extensions.remove::<InPrincipal>();
        extensions.insert(std::mem::replace(&mut hidden, Hidden::NOTHING));
    }
    let principal = match caller {
        Some(Caller::Key(identity)) => Principal::Key(KeyPrincipal::new(identity, hidden)),
        Some(Caller::Anonymous(anonymous)) => Principal::Anonymous(anonymous),
        Some(Caller::Open) => Principal::Open,
        // One that an outer layer inserted must not count where this layer found none.
        None => return drop(extensions.remove::<Principal>()),
    };
    extensions.insert(principal);
}
