//! The configuration file: what it may contain, and what becomes of the requests while it changes.
#![cfg(unix)]

mod file;
mod kept;
mod observed;
mod rejected;
mod reload;
mod rotation;
mod startup;
mod streams;
mod transport;

use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::response::IntoResponse as _;
use http::StatusCode;
use serde_json::Value;

pub(crate) use super::harness::Folder;
use super::harness::{Gateway, Recorder, soon};

/// Starts a gateway with a configuration file alone.
pub(crate) async fn configured(config: &Path) -> Gateway {
    Gateway::start(|command| {
        command.arg("--config").arg(config);
    })
    .await
}

/// An upstream that accepts some keys, by the header that they come in.
#[derive(Clone)]
pub(crate) struct Keyed {
    accepted: Arc<Mutex<Vec<String>>>,
    pub(crate) recorder: Recorder,
    pub(crate) base: String,
}

impl Keyed {
    pub(crate) async fn start(header: &'static str, first: &str) -> Self {
        let accepted = Arc::new(Mutex::new(vec![first.to_owned()]));
        let accepts = Arc::clone(&accepted);
        let (address, recorder) = Recorder::answering(move |seen| {
            let sent = seen.head.headers.get(header);
            let sent = sent.and_then(|sent| sent.to_str().ok()).unwrap_or_default();
            match accepts.lock().unwrap().iter().any(|key| key == sent) {
                true => StatusCode::OK.into_response(),
                false => StatusCode::UNAUTHORIZED.into_response(),
            }
        })
        .await;
        Self {
            accepted,
            recorder,
            base: format!("http://{address}/v1"),
        }
    }

    pub(crate) fn accept(&self, keys: &[String]) {
        *self.accepted.lock().unwrap() = keys.to_vec();
    }

    /// Waits for a request with this key.
    pub(crate) async fn has_seen(&self, header: &str, key: &str) {
        let seen = async {
            while !self.recorder.all().iter().any(|seen| {
                let sent = seen.head.headers.get(header);
                sent.is_some_and(|sent| sent == key)
            }) {
                tokio::task::yield_now().await;
            }
        };
        soon(seen).await;
    }
}

/// Returns `/readyz` as JSON.
pub(crate) async fn readyz(gateway: &Gateway) -> (StatusCode, Value) {
    let answer = reqwest::get(gateway.url("/readyz")).await.unwrap();
    let status = answer.status();
    let body = answer.bytes().await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

/// Waits until the file was applied and rejected so many times, and returns `/readyz`.
pub(crate) async fn applied(gateway: &Gateway, reloads: u64, rejections: u64) -> Value {
    let counts = async {
        loop {
            let (_, body) = readyz(gateway).await;
            let config = &body["config"];
            if config["reloads"] == reloads && config["rejections"] == rejections {
                return body;
            }
            tokio::task::yield_now().await;
        }
    };
    soon(counts).await
}

pub(crate) async fn status(gateway: &Gateway, path: &str) -> StatusCode {
    reqwest::get(gateway.url(path)).await.unwrap().status()
}
