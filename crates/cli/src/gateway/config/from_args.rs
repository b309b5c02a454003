//! Settings from options and environment variables.

use super::settings::{Limits, Server, Settings};
use crate::error::Error;
use crate::gateway::args::GatewayArgs;
use crate::gateway::auth::AuthConfig;
use crate::gateway::edge::cors::named;
use crate::gateway::server::tls::Files;
use crate::gateway::upstream::Upstream;

impl Settings {
    /// Checks the options against each other. The options describe the one upstream.
    pub(crate) fn from_args(mut args: GatewayArgs) -> Result<Self, Error> {
        let upstream = std::mem::take(&mut args.upstream);
        let key = std::env::var("OPENAI_API_KEY").ok();
        let upstream = Upstream::from_args(upstream, key)?;
        Self::with_upstreams(args, vec![upstream])
    }

    /// Checks the options that concern no upstream.
    pub(crate) fn with_upstreams(
        args: GatewayArgs,
        upstreams: Vec<Upstream>,
    ) -> Result<Self, Error> {
        let end_after = args.auth.development_for();
        let needs_tls = args.auth.needs_tls();
        let auth = AuthConfig::decide(args.auth, args.listen)?;
        if matches!(auth, AuthConfig::Open(_)) && named(&args.cors).is_none() {
            return Err(Error::usage(
                "--cors * would let every web page use the upstream's key in development mode; name \
                 the origins",
            ));
        }
        let tls = Files::decide(
            args.tls_cert,
            args.tls_key,
            "--tls-cert (GATEWAY_TLS_CERT) and --tls-key (GATEWAY_TLS_KEY)",
        )?;
        let tls = Files::with_clients(tls, args.client_certificates.decide())?;
        if tls.is_none() && needs_tls {
            return Err(Error::usage(
                "--secure-only would refuse every key; pass --tls-cert and --tls-key, or name the proxy \
                 where TLS ends with --trusted-proxy",
            ));
        }
        if tls.is_none() && !args.listen.ip().is_loopback() && !args.allow_cleartext {
            return Err(Error::usage(
                "--listen: client keys would cross a network in cleartext; pass --tls-cert and \
                 --tls-key, or --allow-cleartext (GATEWAY_ALLOW_CLEARTEXT) if TLS ends in front of \
                 the gateway",
            ));
        }
        Ok(Self {
            log_format: args.log.log_format,
            headers: args.headers.rules()?,
            audit: args.audit.settings(),
            end_after,
            listen: args.listen,
            admin_listen: args.admin_listen,
            limits: Limits {
                wait_for_key: args.wait_for_key,
                poll: args.poll_interval,
                max_stale: args.limits.max_stale(),
                shutdown_delay: args.shutdown_delay,
                drain: args.drain_timeout,
                server: args.limits.server(),
                proxy: args.limits.proxy(),
            },
            server: Server {
                tls,
                cors: args.cors,
                auth,
            },
            upstreams,
        })
    }
}
