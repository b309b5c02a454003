//! Options for what clients with a valid key may do, and from where.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tower_rotating_auth::Rotating;
use tower_rotating_auth::inbound::policy::{IntoRoutePolicy, RoutePolicy};
use tower_rotating_auth::inbound::{DisclosedKey, Networks, SecureOnly, TrustedProxies};
use tower_rotating_auth::source::{FileSource, Source as _, SourceError};

use crate::error::{Error, chain};
use crate::gateway::observe::Observers;
use crate::output;

/// Options for authorization.
#[derive(Debug, clap::Args)]
pub(crate) struct AuthorizationArgs {
    /// File with route policies in TOML: which routes need which scopes, roles and clients.
    ///
    /// The gateway watches it and follows changes. If the content becomes unusable, the last good
    /// policy stays in force. In production mode, the file must not open a route to clients without
    /// a key. It replaces --public and --optional.
    #[arg(
        long,
        value_name = "PATH",
        env = "GATEWAY_POLICIES",
        hide_env_values = true
    )]
    policies: Option<OsString>,

    /// Network of proxies in front of the gateway, whose X-Forwarded-For and X-Forwarded-Proto
    /// count. Repeatable.
    ///
    /// Keys with `networks` in the key file go by the address that results.
    #[arg(long, value_name = "CIDR")]
    trusted_proxy: Vec<Networks>,

    /// Refuse requests with a key that came without TLS, with 403, and warn that the key is
    /// disclosed.
    ///
    /// If TLS ends in front of the gateway, name the proxy with --trusted-proxy: it says in
    /// X-Forwarded-Proto how the request came.
    #[arg(long, env = "GATEWAY_SECURE_ONLY")]
    secure_only: bool,
}

/// A file with policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PolicyFile {
    path: PathBuf,
    exemptions: Exemptions,
}

/// The right of a policy to open routes to clients without a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exemptions {
    Allowed,
    Refused,
}

/// The policies of a file.
pub(super) struct FollowedPolicies {
    file: PolicyFile,
    poll: Duration,
    pub(super) policies: Rotating<RoutePolicy>,
}

impl AuthorizationArgs {
    pub(crate) fn policies(&self, exemptions: Exemptions) -> Option<PolicyFile> {
        let path = self.policies.as_ref().filter(|path| !path.is_empty())?;
        Some(PolicyFile {
            path: path.into(),
            exemptions,
        })
    }

    /// Returns the rule about keys that come without TLS, if there is one.
    pub(crate) fn secure_only(&self) -> Option<SecureOnly> {
        let warn = |key: &DisclosedKey| {
            output::complain(format_args!(
                "disclosed: key {} of {} came without TLS; rotate it",
                key.key_id(),
                key.client()
            ));
        };
        self.secure_only
            .then(|| SecureOnly::new().on_disclosed(warn))
    }

    /// Returns whether every key is refused if the gateway has no TLS itself.
    pub(crate) fn needs_tls(&self) -> bool {
        self.secure_only && self.trusted_proxy.is_empty()
    }

    pub(crate) fn trusted_proxies(&self) -> TrustedProxies {
        let networks = self.trusted_proxy.iter();
        let networks = networks.fold(Networks::default(), |all, more| all.union(more));
        TrustedProxies::new(networks)
    }
}

impl PolicyFile {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Follows the file, or returns what already does.
    pub(super) async fn follow(
        self,
        poll: Duration,
        observers: &Observers,
        open: Option<&FollowedPolicies>,
    ) -> Result<FollowedPolicies, Error> {
        let policies = match open {
            Some(open) if (&open.file, open.poll) == (&self, poll) => open.policies.clone(),
            _ => self.open(poll, observers).await?,
        };
        Ok(FollowedPolicies {
            file: self,
            poll,
            policies,
        })
    }

    /// Reads the file, and follows it. Fails if it is not usable.
    async fn open(
        &self,
        poll: Duration,
        observers: &Observers,
    ) -> Result<Rotating<RoutePolicy>, Error> {
        let exemptions = self.exemptions;
        let file = FileSource::new(&self.path)
            .allow_world_readable()
            .route_policy();
        let closed = file.validate(move |policy: &RoutePolicy| match exemptions {
            Exemptions::Allowed => Ok(()),
            Exemptions::Refused => policy.ensure_closed().map_err(|error| {
                SourceError::invalid("the policy opens routes; pass --mode mixed to allow that")
                    .with_source(error)
            }),
        });
        Rotating::builder()
            .name("policies")
            .poll(poll)
            .observer(observers.values())
            .start(closed)
            .await
            .map_err(|error| {
                let path = self.path.display();
                Error::start(format!("cannot use --policies {path}: {}", chain(&error)))
            })
    }
}
