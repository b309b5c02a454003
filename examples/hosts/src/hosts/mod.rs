//! One file for each client library: first the part to copy, then the trial.

#[cfg(feature = "async-openai")]
mod async_openai;
#[cfg(feature = "hyper-util")]
mod hyper_util;
#[cfg(feature = "kube")]
mod kube;
#[cfg(feature = "object_store")]
mod object_store;
#[cfg(feature = "otlp-grpc")]
mod otlp_grpc;
#[cfg(feature = "otlp-http")]
mod otlp_http;
#[cfg(feature = "reqwest")]
mod reqwest;
#[cfg(feature = "reqwest-0.12")]
mod reqwest_012;
#[cfg(feature = "reqwest-middleware")]
mod reqwest_middleware;
#[cfg(feature = "rmcp")]
mod rmcp;
#[cfg(feature = "tonic-client")]
mod tonic_client;
#[cfg(feature = "tonic-server")]
mod tonic_server;

use std::future::Future;
use std::pin::Pin;

use crate::harness::{Failed, Tally, version_of};

/// A client library and its trial.
pub(crate) struct Host {
    pub(crate) name: &'static str,
    /// The name of its package, and the start of the package's version.
    package: (&'static str, &'static str),
    pub(crate) trial: fn() -> Trial,
}

type Trial = Pin<Box<dyn Future<Output = Result<Tally, Failed>> + Send>>;

impl Host {
    /// Returns the version of the library in this build.
    pub(crate) fn version(&self) -> &'static str {
        let (package, series) = self.package;
        version_of(package, series).unwrap_or("?")
    }
}

/// The libraries in this build.
pub(crate) const HOSTS: &[Host] = &[
    #[cfg(feature = "async-openai")]
    Host {
        name: "async-openai",
        package: ("async-openai", "0.43."),
        trial: || Box::pin(async_openai::trial()),
    },
    #[cfg(feature = "hyper-util")]
    Host {
        name: "hyper-util",
        package: ("hyper-util", "0.1."),
        trial: || Box::pin(hyper_util::trial()),
    },
    #[cfg(feature = "kube")]
    Host {
        name: "kube",
        package: ("kube", "5."),
        trial: || Box::pin(kube::trial()),
    },
    #[cfg(feature = "object_store")]
    Host {
        name: "object_store",
        package: ("object_store", "0.14."),
        trial: || Box::pin(object_store::trial()),
    },
    #[cfg(feature = "otlp-grpc")]
    Host {
        name: "otlp-grpc",
        package: ("opentelemetry-otlp", "0.33."),
        trial: || Box::pin(otlp_grpc::trial()),
    },
    #[cfg(feature = "otlp-http")]
    Host {
        name: "otlp-http",
        package: ("opentelemetry-otlp", "0.33."),
        trial: || Box::pin(otlp_http::trial()),
    },
    #[cfg(feature = "reqwest")]
    Host {
        name: "reqwest",
        package: ("reqwest", "0.13."),
        trial: || Box::pin(reqwest::trial()),
    },
    #[cfg(feature = "reqwest-0.12")]
    Host {
        name: "reqwest-0.12",
        package: ("reqwest", "0.12."),
        trial: || Box::pin(reqwest_012::trial()),
    },
    #[cfg(feature = "reqwest-middleware")]
    Host {
        name: "reqwest-middleware",
        package: ("reqwest-middleware", "0.5."),
        trial: || Box::pin(reqwest_middleware::trial()),
    },
    #[cfg(feature = "rmcp")]
    Host {
        name: "rmcp",
        package: ("rmcp", "3."),
        trial: || Box::pin(rmcp::trial()),
    },
    #[cfg(feature = "tonic-client")]
    Host {
        name: "tonic-client",
        package: ("tonic", "0.14."),
        trial: || Box::pin(tonic_client::trial()),
    },
    #[cfg(feature = "tonic-server")]
    Host {
        name: "tonic-server",
        package: ("tonic", "0.14."),
        trial: || Box::pin(tonic_server::trial()),
    },
];
