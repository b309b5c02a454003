//! The head of a request.

use http::{Extensions, HeaderMap, Method, Uri, Version};

/// The parts of a request that a decision, a response or an event needs.
#[derive(Clone, Copy)]
pub(crate) struct RequestHead<'a> {
    pub(crate) method: &'a Method,
    pub(crate) version: Version,
    pub(crate) uri: &'a Uri,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) extensions: &'a Extensions,
    /// The template that the router matched, if it is known.
    pub(crate) template: Option<&'a str>,
}
