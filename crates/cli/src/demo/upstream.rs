//! A small OpenAI-compatible upstream in this process, whose key does not stay the same.
//!
//! It takes only its current key. A sidecar replaces that every few seconds: the upstream switches first,
//! and the key file follows a moment later, which is the order that costs a gateway most.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tower_rotating_auth::Secret;

use super::{api, key_writer};
use crate::error::Error;
use crate::gateway::{Base, KeyFrom, KeyHeader, Upstream};

/// What a user may try first: a stream that lasts longer than a key does.
pub(crate) const TRY: &str = r#"/v1/chat/completions -H 'content-type: application/json' -d '{"model":"demo","stream":true,"messages":[{"role":"user","content":"hello"}]}'"#;

/// The one key that the upstream takes, and how many there have been.
pub(super) struct Issued {
    pub(super) key: Secret,
    pub(super) count: u64,
}

pub(super) type CurrentKey = Arc<ArcSwap<Issued>>;

pub(crate) struct DemoUpstream {
    base: Base,
    key_file: PathBuf,
    /// Removed when this is dropped, with the key file in it.
    _folder: TempDir,
}

impl DemoUpstream {
    pub(crate) async fn start() -> Result<Self, Error> {
        let failed = |error: std::io::Error| Error::start(format!("no demo: {error}"));
        let folder = tempfile::Builder::new()
            .prefix("gateway-demo-")
            .tempdir()
            .map_err(failed)?;
        let key_file = folder.path().join("api-key");
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let base = Base::parse(&format!("http://{address}/v1"))
            .map_err(|why| Error::start(format!("no demo: {why}")))?;

        let current = key_writer::first_key(&key_file).map_err(failed)?;
        tokio::spawn(key_writer::replace_keys(
            key_file.clone(),
            Arc::clone(&current),
        ));
        tokio::spawn(async move { axum::serve(listener, api::routes(current)).await });
        Ok(Self {
            base,
            key_file,
            _folder: folder,
        })
    }

    /// What a gateway has to be told of it.
    pub(crate) fn upstream(&self) -> Upstream {
        Upstream {
            base: self.base.clone(),
            header: KeyHeader::Bearer,
            key: KeyFrom::File(self.key_file.clone()),
            overlap: Duration::ZERO, // it takes each key before the file has it
        }
    }
}
