//! Writers of key files, and waiting for what they lead to.

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
pub(super) struct Desk {
    directory: TempDir,
    pub(super) path: PathBuf,
}

impl Desk {
    pub(super) fn new(content: impl AsRef<[u8]>) -> Self {
        let desk = Self::empty();
        create(&desk.path).write_all(content.as_ref()).unwrap();
        desk
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

/// A new file is for its owner alone.
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

/// Waits, for a hundred virtual days at most.
///
/// In steps, which take long enough altogether for what is not on virtual time. One long timeout may
/// pass at once: when another thread wakes a task in the moment in which its timer fires, the clock jumps
/// to the next timer, whosever it is.
pub(super) async fn in_time<T>(wait: impl Future<Output = T>) -> T {
    let mut wait = pin!(wait);
    for _ in 0..PATIENCE.as_secs() / STEP.as_secs() {
        if let Ok(done) = timeout(STEP, &mut wait).await {
            return done;
        }
    }
    panic!("it should have happened by now");
}

/// Asks the source now and waits for its error.
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
