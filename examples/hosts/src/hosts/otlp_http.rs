//! opentelemetry-otlp over HTTP: wrap the `HttpClient` that its exporter sends through.
//!
//! The batch processor exports from its own thread, without tokio, so the client must be a blocking
//! one. The layer needs no runtime there, because the refresh task polls the source in the runtime
//! that started it.

use axum::Router;
use axum::routing::post;
use bytes::Bytes;
use http::{Request, Response};
use opentelemetry::trace::{Span, Tracer, TracerProvider};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::task::spawn_blocking;
use tower::{Layer, service_fn};
use tower_rotating_auth::outbound::{InjectKeyLayer, RotatingCredential};

use crate::harness::{Failed, Rotation, Tally, Upstream, under_load};

#[derive(Debug)]
struct Keyed {
    inject: InjectKeyLayer,
    client: reqwest::blocking::Client,
}

#[async_trait::async_trait]
impl HttpClient for Keyed {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = service_fn(|request| self.client.send_bytes(request));
        self.inject.layer(client).oneshot(request).await
    }
}

/// Builds the provider. Call it outside of a runtime: reqwest's blocking client panics in one.
fn keyed_provider(url: &str, key: RotatingCredential) -> Result<SdkTracerProvider, Failed> {
    let inject = InjectKeyLayer::new(url, key)?;
    let client = reqwest::blocking::Client::new();
    let exporter = SpanExporter::builder()
        .with_http()
        .with_endpoint(format!("{url}/v1/traces"))
        .with_http_client(Keyed { inject, client })
        .build()?;
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .build())
}

pub(super) async fn trial() -> Result<Tally, Failed> {
    let upstream = Upstream::new(Rotation::CutOver);
    let collector = Router::new().route("/v1/traces", post(async || ()));
    let (url, key) = (upstream.serve(collector).await?, upstream.key().await?);
    let provider = spawn_blocking(move || keyed_provider(&url, key)).await??;

    let exporting = provider.clone();
    let tally = under_load(&upstream, move || {
        let provider = exporting.clone();
        async {
            spawn_blocking(move || {
                provider.tracer("hosts").start("call").end();
                provider.force_flush()
            })
            .await??;
            Ok(())
        }
    })
    .await;
    spawn_blocking(move || provider.shutdown()).await??;
    tally
}
