//! opentelemetry-otlp over gRPC: its exporter takes an interceptor and no layer, so it gets the
//! current key and no replay.
//!
//! An interceptor sees no response, and the exporter drops a rejected batch. So keys must overlap,
//! and the source must announce a new key, as a watched file does.

use axum::Router;
use axum::routing::post;
use bytes::Bytes;
use opentelemetry::trace::{Span, Tracer, TracerProvider};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig, WithTonicConfig};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::task::spawn_blocking;
use tonic::Request;
use tower_rotating_auth::outbound::RotatingCredential;

use crate::harness::{Failed, Rotation, Tally, Upstream, grpc_answer, under_load};

fn keyed_provider(
    url: &str,
    key: RotatingCredential,
) -> Result<SdkTracerProvider, ExporterBuildError> {
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(url)
        .with_interceptor(move |mut call: Request<()>| {
            key.current().apply_to(call.metadata_mut().as_mut());
            Ok(call)
        })
        .build()?;
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .build())
}

pub(super) async fn trial() -> Result<Tally, Failed> {
    let upstream = Upstream::new(Rotation::Overlap);
    let path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    let empty = Bytes::from_static(&[0; 5]);
    let collector = Router::new().route(path, post(async || grpc_answer(empty)));
    let url = upstream.serve(collector).await?;
    let provider = keyed_provider(&url, upstream.key().await?)?;

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
