//! Another model server in this one's place, such as llama.cpp's, whose key is fixed at its start.

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::{StatusCode, Uri};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tower::{BoxError, ServiceBuilder};
use tower_rotating_auth::outbound::adapter::HttpAdapter;
use tower_rotating_auth::outbound::{Credential, InjectKey, InjectKeyLayer, RotatingCredential};
use tower_rotating_auth::{RotatingAuthLayer, Secret};

use crate::error::ServerError;

const MAX_BODY: usize = 1 << 20;

#[derive(Clone)]
pub(crate) struct Backend {
    base: String,
    client: InjectKey<Client<HttpConnector, Full<Bytes>>, HttpAdapter>,
}

impl Backend {
    pub(crate) fn new(base: &str) -> Result<Self, ServerError> {
        let key = std::env::var("BACKEND_KEY").map_err(ServerError::NoBackendKey)?;
        let key = Credential::bearer(&Secret::from(key));
        let key = key.map_err(ServerError::UnusableBackendKey)?;
        let (key, _publisher) = RotatingCredential::manual(key);
        let inject = InjectKeyLayer::new(base, key).map_err(ServerError::Backend)?;
        // llama.cpp's server closes a connection that waits without notice, and a chat that meets
        // that would have to be repeated.
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .build_http();
        Ok(Self {
            base: base.trim_end_matches('/').to_owned(),
            client: ServiceBuilder::new()
                .layer(RotatingAuthLayer::new().inject(inject))
                .service(client),
        })
    }

    /// Sends the request on, without the key of its client, which the layer has removed.
    pub(crate) async fn forward(self, request: Request) -> Response {
        match self.answer(request).await {
            Ok(response) => response,
            Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
        }
    }

    async fn answer(self, request: Request) -> Result<Response, BoxError> {
        let (head, body) = request.into_parts();
        let body = axum::body::to_bytes(body, MAX_BODY).await?;
        let mut on = http::Request::new(Full::new(body));
        *on.method_mut() = head.method;
        *on.uri_mut() = Uri::try_from(format!("{}{}", self.base, head.uri.path()))?;
        if let Some(kind) = head.headers.get("content-type") {
            on.headers_mut().insert("content-type", kind.clone());
        }
        Ok(self.client.oneshot(on).await?.map(Body::new))
    }
}
