//! A followed file, and writers.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::timeout;

use crate::secret::Secret;
use crate::source::fetch::{Fetch, FetchReason, Fetched, Purpose, Revision};
use crate::source::file::FileSource;
use crate::source::{Source as _, SourceError, SourceErrorKind};

/// How long a test waits for an event before it fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A directory with a key file.
pub(super) struct KeyFolder {
    directory: TempDir,
    pub(super) path: PathBuf,
}

impl KeyFolder {
    pub(super) fn empty() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("openai");
        Self { directory, path }
    }

    pub(super) fn new(content: &str) -> Self {
        let folder = Self::empty();
        write(&folder.path, content);
        folder
    }

    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

/// Writes in place: the file is empty for a moment.
pub(super) fn write(path: &Path, content: &str) {
    let mut options = OpenOptions::new();
    let options = options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(path).unwrap();
    file.write_all(content.as_bytes()).unwrap();
}

/// Writes another file and renames it to this name.
pub(super) fn replace(path: &Path, content: &str) {
    let temporary = path.with_extension("tmp");
    write(&temporary, content);
    fs::rename(temporary, path).unwrap();
}

/// A volume as Kubernetes mounts it: `openai -> ..data/openai`, `..data -> ..VERSION`.
pub(super) struct Volume {
    root: PathBuf,
    version: u32,
}

impl Volume {
    pub(super) fn new(root: PathBuf, content: &str) -> Self {
        fs::create_dir(&root).unwrap();
        symlink("..data/openai", root.join("openai")).unwrap();
        let mut volume = Self { root, version: 0 };
        volume.swap(content);
        volume
    }

    /// Swaps the volume as the kubelet does: it creates a directory, renames a link to it over the
    /// old link, and removes the old directory.
    pub(super) fn swap(&mut self, content: &str) {
        let old = self.root.join(format!("..{}", self.version));
        self.version += 1;
        let new = format!("..{}", self.version);
        fs::create_dir(self.root.join(&new)).unwrap();
        write(&self.root.join(&new).join("openai"), content);
        symlink(&new, self.root.join("..data_tmp")).unwrap();
        fs::rename(self.root.join("..data_tmp"), self.root.join("..data")).unwrap();
        if old.exists() {
            fs::remove_dir_all(old).unwrap();
        }
    }
}

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
