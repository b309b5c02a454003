//! rmcp, the client of an MCP server: its transport sends by a `StreamableHttpClient`, which is wrapped.
//!
//! The reqwest client under it tells a 401 as an error, and only where the server names a challenge in
//! `WWW-Authenticate`, as MCP asks of it. The key goes on as a header, beside those that the transport sets.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use axum::Router;
use futures_util::stream::BoxStream;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use rmcp::model::{ClientJsonRpcMessage, ListToolsResult, PaginatedRequestParams};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_client::{
    SseError, StreamableHttpClient, StreamableHttpClientTransport,
    StreamableHttpClientTransportConfig, StreamableHttpError, StreamableHttpPostResponse,
    StreamableHttpResponseLimits as Limits,
};
use rmcp::transport::streamable_http_server::StreamableHttpService;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::{ErrorData, RoleServer, ServerHandler, ServiceExt as _};
use sse_stream::Sse;
use tower::{Layer, ServiceExt, service_fn};
use tower_rotating_auth::{Credential, InjectKey, InvalidOrigin, Rotating};

use crate::harness::{Failed, Rotation, Tally, Upstream, under_load};

type Headers = HashMap<HeaderName, HeaderValue>;
type Answer<T> = Result<T, StreamableHttpError<reqwest::Error>>;

#[derive(Clone)]
struct Keyed {
    inject: InjectKey,
    client: reqwest::Client,
}

impl Keyed {
    /// Makes a call with the key among its headers; once more, if authorization is required.
    async fn call<T, Fut>(
        &self,
        uri: &str,
        headers: Headers,
        call: impl Fn(Headers) -> Fut + Clone,
    ) -> Answer<T>
    where
        Fut: Future<Output = Answer<T>>,
    {
        let service = service_fn(|mut request: Request<Headers>| {
            let key = std::mem::take(request.headers_mut());
            let mut headers = request.into_body();
            headers.extend(key.into_iter().filter_map(|(name, key)| Some((name?, key))));
            let answer = call(headers);
            async {
                let mut response = Response::new(answer.await);
                if let Err(StreamableHttpError::AuthRequired(_)) = response.body() {
                    *response.status_mut() = StatusCode::UNAUTHORIZED;
                }
                Ok::<_, Infallible>(response)
            }
        });
        let mut request = Request::new(headers);
        *request.uri_mut() = uri.parse().unwrap_or_default();
        let Ok(response) = self.inject.layer(service).oneshot(request).await;
        response.into_body()
    }
}

impl StreamableHttpClient for Keyed {
    type Error = reqwest::Error;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        token: Option<String>,
        headers: Headers,
    ) -> Answer<StreamableHttpPostResponse> {
        let limits = Limits::default();
        self.post_message_with_response_limits(uri, message, session, token, headers, limits)
            .await
    }

    async fn post_message_with_response_limits(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        _: Option<String>,
        headers: Headers,
        limits: Limits,
    ) -> Answer<StreamableHttpPostResponse> {
        self.call(&uri, headers, |headers| {
            let (uri, message, session) = (uri.clone(), message.clone(), session.clone());
            self.client
                .post_message_with_response_limits(uri, message, session, None, headers, limits)
        })
        .await
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session: Arc<str>,
        _: Option<String>,
        headers: Headers,
    ) -> Answer<()> {
        self.call(&uri, headers, |headers| {
            let (uri, session) = (uri.clone(), session.clone());
            self.client.delete_session(uri, session, None, headers)
        })
        .await
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        last_event: Option<String>,
        _: Option<String>,
        headers: Headers,
    ) -> Answer<BoxStream<'static, Result<Sse, SseError>>> {
        self.call(&uri, headers, |headers| {
            let (uri, session, last_event) = (uri.clone(), session.clone(), last_event.clone());
            self.client
                .get_stream(uri, session, last_event, None, headers)
        })
        .await
    }
}

fn keyed_transport(
    url: &str,
    key: Rotating<Credential>,
) -> Result<StreamableHttpClientTransport<Keyed>, InvalidOrigin> {
    let inject = InjectKey::new(url, key)?;
    let client = reqwest::Client::new();
    let config = StreamableHttpClientTransportConfig::with_uri(url);
    Ok(StreamableHttpClientTransport::with_client(
        Keyed { inject, client },
        config,
    ))
}

/// A server without a single tool.
struct Bare;

impl ServerHandler for Bare {
    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::default())
    }
}

pub(super) async fn trial() -> Result<Tally, Failed> {
    let upstream = Upstream::new(Rotation::CutOver);
    let sessions = Arc::new(LocalSessionManager::default());
    let server = StreamableHttpService::new(|| Ok(Bare), sessions, Default::default());
    let url = upstream
        .serve(Router::new().route_service("/mcp", server))
        .await?;
    let transport = keyed_transport(&format!("{url}/mcp"), upstream.key().await?)?;
    let client = ().serve(transport).await?;

    let tools = client.peer().clone();
    let tally = under_load(&upstream, move || {
        let tools = tools.clone();
        async move {
            let listed = tools.list_all_tools().await?;
            match listed.as_slice() {
                [] => Ok(()),
                other => Err(format!("{other:?}").into()),
            }
        }
    })
    .await;
    client.cancel().await?;
    tally
}
