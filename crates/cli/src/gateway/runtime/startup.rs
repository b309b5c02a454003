//! The lines that a gateway logs when it starts.

use super::gateway::Gateway;
use super::live::Live;
use crate::gateway::auth::AuthConfig;
use crate::gateway::config::Settings;
use crate::gateway::server::Listener;
use crate::output;

/// The line that a gateway logs when it serves.
pub(crate) struct Startup {
    url: String,
    admin: Option<String>,
    mode: &'static str,
    client_keys: Option<String>,
    upstreams: Vec<String>,
}

impl Startup {
    pub(crate) fn new(settings: &Settings, gateway: &Gateway, listener: &Listener) -> Self {
        let auth = &settings.server.auth;
        Self {
            url: gateway.url(listener),
            admin: gateway.admin_url(),
            mode: auth.mode(),
            client_keys: match auth {
                AuthConfig::Open(_) => None,
                AuthConfig::Guarded(guard) => Some(guard.keys.to_string()),
            },
            upstreams: settings.upstreams.iter().map(ToString::to_string).collect(),
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Writes a line for each thing that runs.
    pub(crate) fn say(&self, live: &Live) {
        let Self {
            url,
            admin,
            mode,
            client_keys,
            upstreams,
        } = self;
        output::say(format_args!("mode: {mode}"));
        for upstream in upstreams {
            output::say(format_args!("{upstream}"));
        }
        let counts = live.parts().and_then(|parts| parts.client_keys());
        if let Some((place, counts)) = client_keys.as_ref().zip(counts) {
            output::say(format_args!("client keys: {counts}; from {place}"));
        }
        if let Some(admin) = admin {
            output::say(format_args!("admin on {admin}"));
        }
        output::say(format_args!("listening on {url}"));
        if client_keys.is_some() {
            output::say(format_args!(
                r#"curl -N {url}/v1/models -H "Authorization: Bearer $CLIENT_KEY""#
            ));
        } else {
            output::say(format_args!("curl -N {url}/v1/models"));
        }
    }
}
