//! Addresses: a client's, the upstream's, and the way between them.

pub(crate) mod base_url;
mod location;
mod query;

pub(crate) use self::location::map_back;
