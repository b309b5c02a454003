//! A followed file.

use std::path::Path;
use std::time::Duration;

use tokio::time::timeout;

use crate::secret::Secret;
use crate::source::fetch::{Fetch, FetchReason, Fetched, Purpose, Revision};
use crate::source::file::FileSource;
use crate::source::{Source as _, SourceError, SourceErrorKind};

/// How long a test waits for an event before it fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A source that only the watch wakes, and what it delivered last.
pub(super) struct Followed {
    pub(super) source: FileSource,
    purpose: Purpose,
    revision: Option<Revision>,
}

impl Followed {
    pub(super) async fn start(path: &Path) -> Self {
        Self::of(FileSource::new(path)).await
    }

    pub(super) async fn of(source: FileSource) -> Self {
        let mut followed = Self::unstarted(source);
        followed.fetch().await.unwrap();
        followed
    }

    pub(super) fn unstarted(mut source: FileSource) -> Self {
        source.follower.without_looks();
        Self {
            source,
            purpose: Purpose::Secret,
            revision: None,
        }
    }

    /// Reads the text of a key set from now on.
    pub(super) fn for_key_set(mut self) -> Self {
        self.purpose = Purpose::KeySet;
        self
    }

    /// Waits for a hint.
    pub(super) async fn hint(&mut self) {
        let hint = timeout(PATIENCE, self.source.changed()).await;
        hint.expect("the watch reports the change");
    }

    /// Fetches, and returns new content.
    pub(super) async fn fetch(&mut self) -> Result<Option<String>, SourceError> {
        let request = Fetch::<Secret> {
            reason: FetchReason::Changed,
            rejected: None,
            revision: self.revision.as_ref(),
            current: None,
            purpose: self.purpose,
        };
        let fetched = self.source.fetch(request).await?;
        let Fetched::Value {
            value, revision, ..
        } = fetched
        else {
            return Ok(None);
        };
        self.revision = revision;
        Ok(Some(
            String::from_utf8(value.expose_secret().to_vec()).unwrap(),
        ))
    }

    /// Waits until the watch reports this content. A hint that comes early, such as when the old
    /// file is removed, is followed by another one.
    pub(super) async fn becomes(&mut self, content: &str) {
        loop {
            self.hint().await;
            if let Ok(Some(found)) = self.fetch().await {
                assert_eq!(found, content);
                return;
            }
        }
    }

    pub(super) async fn fails(&mut self, kind: SourceErrorKind) {
        loop {
            self.hint().await;
            if let Err(error) = self.fetch().await {
                assert_eq!(error.kind(), kind);
                return;
            }
        }
    }
}
