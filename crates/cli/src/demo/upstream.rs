//! A small OpenAI-compatible upstream in this process. It accepts only its current key, and
//! replaces it every few seconds.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpListener;
use tower_rotating_auth::outbound::AuthScheme;

use super::journal::Journal;
use super::{api, key_writer};
use crate::error::Error;
use crate::gateway::{Base, Cleartext, KeyFrom, KeyHeader, Upstream};

pub(super) struct DemoUpstream {
    base: Base,
    key_file: PathBuf,
    /// Removed on drop, with the key file in it.
    _folder: TempDir,
}

impl DemoUpstream {
    /// Starts the upstream on a free port, and the rotation of its key.
    pub(super) async fn start(journal: Journal) -> Result<Self, Error> {
        let failed =
            |error: std::io::Error| Error::start(format!("cannot start the demo: {error}"));
        let folder = tempfile::Builder::new()
            .prefix("rotating-auth-demo-")
            .tempdir()
            .map_err(failed)?;
        let key_file = folder.path().join("api-key");
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let base = Base::parse(&format!("http://{address}/v1"), Cleartext::Loopback)
            .map_err(|why| Error::start(format!("cannot start the demo: {why}")))?;

        let current = key_writer::first_key(&key_file).map_err(failed)?;
        tokio::spawn(key_writer::rotate(
            key_file.clone(),
            Arc::clone(&current),
            journal.clone(),
        ));
        let api = api::routes(current, journal);
        tokio::spawn(async move { axum::serve(listener, api).await });
        Ok(Self {
            base,
            key_file,
            _folder: folder,
        })
    }

    /// Returns the settings of a gateway in front of it.
    pub(super) fn settings(&self) -> Upstream {
        Upstream {
            name: None,
            base: self.base.clone(),
            header: KeyHeader::Scheme(AuthScheme::BEARER),
            key: KeyFrom::File(self.key_file.clone()),
            overlap: Duration::ZERO, // the upstream accepts each key before the file has it
            rejected_by: Vec::new(),
            timeout: Duration::from_secs(60),
            ca: None,
            identity: None,
        }
    }
}
