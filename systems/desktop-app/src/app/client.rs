//! The client: the key of this instance on each request, over TLS with a pinned certificate.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tower::ServiceBuilder;
use tower_rotating_auth::RotatingAuthLayer;
use tower_rotating_auth::outbound::adapter::HttpAdapter;
use tower_rotating_auth::outbound::{
    InjectKey, InjectKeyLayer, IntoCredential as _, RotatingCredential,
};
use tower_rotating_auth::source::FileSource;

use crate::args::Args;
use crate::error::{AppError, CallError};
use crate::trust;

/// A connection that waits for longer starts anew, and so sees the current certificate.
const IDLE: Duration = Duration::from_secs(1);

type Https = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

pub(crate) struct Api {
    url: String,
    key: RotatingCredential,
    client: InjectKey<Https, HttpAdapter>,
}

impl Api {
    pub(crate) async fn open(args: &Args, url: &str) -> Result<Self, AppError> {
        if url.starts_with("http://") && !args.allow_cleartext {
            return Err(AppError::Cleartext);
        }
        let path = args.runtime.join(format!("{}.key", args.name));
        let source = FileSource::new(&path).strict().bearer();
        let key = RotatingCredential::start(source).await;
        let key = key.map_err(|error| AppError::Unreadable(path, error))?;
        let tls = trust::config(&args.runtime, &args.name).await?;
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls);
        let connector = match args.allow_cleartext {
            true => connector.https_or_http().enable_http1().build(),
            false => connector.https_only().enable_http1().build(),
        };
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        let inject = InjectKeyLayer::new(url, key.clone())?;
        Ok(Self {
            url: url.to_owned(),
            key,
            client: ServiceBuilder::new()
                .layer(RotatingAuthLayer::new().inject(inject))
                .service(client),
        })
    }

    /// Returns how many keys this instance has had.
    pub(crate) fn generation(&self) -> u64 {
        self.key.status().generation.get()
    }

    /// Sends a request, and returns the whole body.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<Bytes, CallError> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("content-type", "application/json")
            .body(Full::from(body.to_string()))?;
        let response: Response<_> = self.client.clone().oneshot(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        match status {
            StatusCode::OK => Ok(body),
            _ => Err(CallError::Status(status)),
        }
    }
}
