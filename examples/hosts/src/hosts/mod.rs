//! One file for each client library: first what a user of it copies, then how it is tried.

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

use std::future::Future;
use std::pin::Pin;

use crate::harness::{Failed, Tally, version_of};

/// A client library, and how it is tried.
pub(crate) struct Host {
    pub(crate) name: &'static str,
    /// Its package, and how the package's version starts.
    package: (&'static str, &'static str),
    pub(crate) trial: fn() -> Trial,
}

type Trial = Pin<Box<dyn Future<Output = Result<Tally, Failed>> + Send>>;

impl Host {
    /// The version of the library that was built.
    pub(crate) fn version(&self) -> &'static str {
        let (package, series) = self.package;
        version_of(package, series).unwrap_or("?")
    }
}

/// Those that were built.
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
];
