//! kube: its client takes any Tower service, so the layer goes below it.
//!
//! The configuration must have no credentials of its own: kube would add them after ours. kube's
//! default stack is not `Clone`, so it cannot be called twice. This stack can.

use axum::routing::get;
use axum::{Json, Router};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::rt::TokioExecutor;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::client::{Body, ConfigExt};
use kube::{Api, Client, Config};
use serde_json::json;
use tower::ServiceBuilder;
use tower_rotating_auth::outbound::{ConfigError, InjectKeyLayer, RotatingCredential};

use crate::harness::{Failed, Rotation, Tally, Upstream, under_load};

fn keyed_client(config: Config, key: RotatingCredential) -> Result<Client, ConfigError> {
    let cluster = config.cluster_url.to_string();
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .layer(InjectKeyLayer::new(cluster, key)?.replay(Body::try_clone))
        .service(HttpClient::builder(TokioExecutor::new()).build_http());
    Ok(Client::new(service, config.default_namespace))
}

pub(super) async fn trial() -> Result<Tally, Failed> {
    let upstream = Upstream::new(Rotation::CutOver);
    let settings = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": "settings", "namespace": "default" },
        "data": { "answer": "42" },
    });
    let path = "/api/v1/namespaces/default/configmaps/settings";
    let api = Router::new().route(path, get(async move || Json(settings.clone())));
    let url = upstream.serve(api).await?;
    let client = keyed_client(Config::new(url.parse()?), upstream.key().await?)?;
    let settings: Api<ConfigMap> = Api::default_namespaced(client);

    under_load(&upstream, move || {
        let settings = settings.clone();
        async move {
            let data = settings.get("settings").await?.data.unwrap_or_default();
            match data.get("answer").map(String::as_str) {
                Some("42") => Ok(()),
                other => Err(format!("{other:?}").into()),
            }
        }
    })
    .await
}
