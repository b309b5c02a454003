//! A source that asks an OAuth 2.0 token endpoint.
//!
//! A request is a [`form`] with the grant and the client's proof of itself ([`client_auth`],
//! [`assertion`]). [`answer`] finds the token.

mod answer;
mod assertion;
mod client_auth;
mod form;
mod source;

pub use self::client_auth::ClientAuth;
pub use self::source::OAuth2Source;
