//! Clients, upstreams and files that harm others, if the gateway lets them.

#[cfg(unix)]
mod hanging_source;
mod methods;
#[cfg(unix)]
mod old_keys;
mod readiness;
#[cfg(unix)]
mod shares;
