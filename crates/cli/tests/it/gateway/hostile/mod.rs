//! Clients and upstreams that harm others, if the gateway lets them.

mod methods;
mod readiness;
