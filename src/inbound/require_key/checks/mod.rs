//! Checks of a request besides its key: its channel, its address, a second factor.

mod restrictions;
mod secure_only;
