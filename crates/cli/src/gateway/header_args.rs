//! Options about headers.

use http::HeaderName;

use super::proxy::headers::{Direction, HeaderRules, Unknown, belongs_to_the_connection};
use crate::error::Error;

/// Headers in which clients send their keys to the gateway.
const KEYS_OF_CLIENTS: [&str; 5] = [
    "api-key",
    "authorization",
    "cookie",
    "x-api-key",
    "x-goog-api-key",
];

/// Options about which headers pass.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Headers")]
pub(crate) struct HeaderArgs {
    /// Forward only headers that the gateway knows to be harmless, in both directions.
    ///
    /// By default, it forwards all but known families: credentials, claims about the client and
    /// overrides of requests; keys, cookies and browser policies of responses.
    #[arg(long, env = "GATEWAY_STRICT_HEADERS")]
    strict_headers: bool,

    /// Forward this header of requests although the gateway would drop it. Repeatable.
    #[arg(long, value_name = "NAME")]
    keep_request_header: Vec<HeaderName>,

    /// Forward this header of responses although the gateway would drop it. Repeatable.
    #[arg(long, value_name = "NAME")]
    keep_response_header: Vec<HeaderName>,
}

impl HeaderArgs {
    pub(crate) fn rules(self) -> Result<HeaderRules, Error> {
        let kept = |direction, names: Vec<HeaderName>| {
            names.into_iter().map(move |name| (direction, name))
        };
        let keep: Vec<_> = kept(Direction::Request, self.keep_request_header)
            .chain(kept(Direction::Response, self.keep_response_header))
            .collect();
        let is_impossible = |(direction, name): &&(Direction, HeaderName)| {
            let is_key = KEYS_OF_CLIENTS.contains(&name.as_str());
            belongs_to_the_connection(name) || (is_key && *direction == Direction::Request)
        };
        if let Some((_, name)) = keep.iter().find(is_impossible) {
            return Err(Error::usage(format!(
                "--keep-request-header, --keep-response-header: {name} cannot be kept, because it \
                 belongs to one connection or carries a client's key"
            )));
        }
        let unknown = if self.strict_headers {
            Unknown::Drop
        } else {
            Unknown::Pass
        };
        Ok(HeaderRules { unknown, keep })
    }
}
