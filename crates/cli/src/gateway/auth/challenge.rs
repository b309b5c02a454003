//! Options for the challenge in `WWW-Authenticate`, which tells clients how to get a key.

use tower_rotating_auth::inbound::{AuthErrorResponse, ErrorFormat, Scope};

use crate::error::Error;

/// Options for the challenge of a refusal.
#[derive(Debug, clap::Args)]
pub(crate) struct ChallengeArgs {
    /// Realm in the WWW-Authenticate header of refusals.
    #[arg(
        long,
        value_name = "NAME",
        env = "GATEWAY_REALM",
        default_value = "gateway",
        hide_env_values = true
    )]
    realm: String,

    /// Scopes in the WWW-Authenticate header of a 401, which MCP clients ask for: `a,b`, or
    /// repeated.
    ///
    /// A 403 names the scopes that its route requires, whatever is set here.
    #[arg(long, value_name = "SCOPES", value_delimiter = ',')]
    challenge_scope: Vec<Scope>,

    /// URL of the protected resource metadata (RFC 9728) in the WWW-Authenticate header of
    /// refusals, where MCP clients learn who issues their tokens.
    ///
    /// The gateway does not serve the document itself. If the upstream does, open its path with
    /// --mode mixed and --public.
    #[arg(
        long,
        value_name = "URL",
        env = "GATEWAY_RESOURCE_METADATA",
        hide_env_values = true
    )]
    resource_metadata: Option<String>,
}

impl ChallengeArgs {
    /// Returns the responses to refused requests.
    pub(crate) fn error_response(&self) -> Result<AuthErrorResponse, Error> {
        let responses = AuthErrorResponse::new(&self.realm)
            .map_err(|error| Error::usage(format!("--realm: {error}")))?
            .format(ErrorFormat::OpenAi)
            .scopes(self.challenge_scope.iter().cloned().collect());
        match self.resource_metadata.as_deref() {
            None | Some("") => Ok(responses),
            Some(url) => responses
                .resource_metadata(url)
                .map_err(|error| Error::usage(format!("--resource-metadata: {error}"))),
        }
    }
}
