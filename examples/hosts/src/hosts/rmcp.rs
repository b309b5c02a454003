//! rmcp, as the client of an MCP server: `tower-rotating-auth-rmcp` wraps its HTTP client.
//!
//! rmcp's reqwest client returns a 401 as an error, but only if the server sends a
//! `WWW-Authenticate` challenge, as MCP requires. The key is one more header beside those of the
//! transport.

use std::sync::Arc;

use axum::Router;
use rmcp::model::{ListToolsResult, PaginatedRequestParams};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_client::{
    StreamableHttpClientTransport, StreamableHttpClientTransportConfig,
};
use rmcp::transport::streamable_http_server::StreamableHttpService;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::{ErrorData, RoleServer, ServerHandler, ServiceExt as _};
use tower_rotating_auth::outbound::{ConfigError, InjectKeyLayer, RotatingCredential};
use tower_rotating_auth_rmcp::KeyedMcpClient;

use crate::harness::{Failed, Rotation, Tally, Upstream, under_load};

fn keyed_transport(
    url: &str,
    key: RotatingCredential,
) -> Result<StreamableHttpClientTransport<KeyedMcpClient<reqwest::Client>>, ConfigError> {
    let client = KeyedMcpClient::new(reqwest::Client::new(), InjectKeyLayer::new(url, key)?);
    let config = StreamableHttpClientTransportConfig::with_uri(url);
    Ok(StreamableHttpClientTransport::with_client(client, config))
}

/// A server that has no tools.
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
