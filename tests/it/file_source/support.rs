//! Writers of key files, and functions that wait for the effect.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::future::Future;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::timeout;
use tower_rotating_auth::{
    Rotating, Secret,
    rotating::{RefreshError, RefreshErrorKind},
};

/// How long a test waits, and in which steps.
const PATIENCE: Duration = Duration::from_secs(100 * 24 * 3600);
const STEP: Duration = Duration::from_secs(30);

/// A directory with a key file.
pub(super) struct KeyFolder {
    directory: TempDir,
    pub(super) path: PathBuf,
}

impl KeyFolder {
    pub(super) fn new(content: impl AsRef<[u8]>) -> Self {
        let folder = Self::empty();
        create(&folder.path).write_all(content.as_ref()).unwrap();
        folder
    }

    pub(super) fn empty() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("openai");
        Self { directory, path }
    }

    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

/// Creates a file that only its owner may access.
pub(super) fn create(path: &Path) -> File {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let options = options.write(true).create(true).truncate(true);
    options.open(path).unwrap()
}

/// Writes in place: the file is empty for a moment.
pub(super) fn write(path: &Path, content: &str) {
    create(path).write_all(content.as_bytes()).unwrap();
}

/// Writes another file and renames it to this name.
pub(super) fn replace(path: &Path, content: &str) {
    let temporary = path.with_extension("tmp");
    write(&temporary, content);
    fs::rename(temporary, path).unwrap();
}

/// Waits for at most a hundred virtual days.
///
/// It waits in steps, which together take long enough for work that does not run on virtual time. A
/// single long timeout may pass at once: if another thread wakes a task when its timer fires, the
/// clock jumps to the next timer, no matter whose it is.
pub(super) async fn in_time<T>(wait: impl Future<Output = T>) -> T {
    let mut wait = pin!(wait);
    for _ in 0..PATIENCE.as_secs() / STEP.as_secs() {
        if let Ok(done) = timeout(STEP, &mut wait).await {
            return done;
        }
    }
    panic!("it should have happened by now");
}

/// Refreshes the key and returns the error of its source.
pub(super) async fn failure(key: &Rotating<Secret>) -> RefreshError {
    match in_time(key.refresh()).await {
        Err(error) if error.kind() == RefreshErrorKind::Failed => error,
        other => panic!("the source should have failed: {other:?}"),
    }
}

#[track_caller]
pub(super) fn assert_content<T: AsRef<[u8]> + Debug>(key: &Secret, expected: T) {
    let found = String::from_utf8_lossy(key.expose_secret());
    assert_eq!(found, String::from_utf8_lossy(expected.as_ref()));
}
