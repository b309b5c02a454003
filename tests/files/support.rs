//! Key files, their followers, and namespaces.

use std::env;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tokio::time::timeout;
use tower_rotating_auth::{Rotating, Secret, rotating::Subscription, source::FileSource};

/// How long a change may take that the watch sees, and one that it cannot see. The machine may be
/// busy, so the first bound is far above the figures.
pub(crate) const WATCHED: Duration = Duration::from_millis(500);
pub(crate) const LOOKED_AT: Duration = Duration::from_millis(1_100);

/// A program, by the variable that names it.
pub(crate) fn program(variable: &str) -> String {
    env::var(variable).unwrap_or_else(|_| variable.to_lowercase())
}

/// Writes in place: the file is empty for a moment.
pub(crate) fn write(path: &Path, content: &str) {
    let mut options = OpenOptions::new();
    let options = options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(path).unwrap();
    file.write_all(content.as_bytes()).unwrap();
}

/// Prepares another file, which replaces the one at this path when the result is called.
pub(crate) fn replacement(path: &Path, content: &str) -> impl FnOnce() + use<> {
    let (next, path) = (path.with_extension("next"), path.to_owned());
    write(&next, content);
    move || fs::rename(next, path).unwrap()
}

/// A volume as Kubernetes mounts it: `openai -> ..data/openai`, `..data -> ..VERSION`.
pub(crate) struct Volume {
    root: PathBuf,
    version: u32,
}

impl Volume {
    pub(crate) fn new(root: &Path, content: &str) -> Self {
        symlink("..data/openai", root.join("openai")).unwrap();
        let root = root.to_owned();
        let mut volume = Self { root, version: 0 };
        volume.next(content)();
        volume
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.root.join("openai")
    }

    /// Prepares the next version, which is swapped in when the result is called.
    pub(crate) fn next(&mut self, content: &str) -> impl FnOnce() + use<> {
        self.version += 1;
        let new = format!("..{}", self.version);
        fs::create_dir(self.root.join(&new)).unwrap();
        write(&self.root.join(&new).join("openai"), content);
        let (next, data) = (self.root.join("..data_tmp"), self.root.join("..data"));
        symlink(&new, &next).unwrap();
        move || fs::rename(next, data).unwrap()
    }
}

/// A key that a file source follows.
pub(crate) struct Followed {
    pub(crate) key: Rotating<Secret>,
    changes: Subscription<Secret>,
}

impl Followed {
    pub(crate) async fn start(path: &Path) -> Self {
        Self::of(FileSource::new(path)).await
    }

    pub(crate) async fn of(source: FileSource) -> Self {
        let key = Rotating::start(source).await.unwrap();
        let changes = key.subscribe();
        Self { key, changes }
    }

    /// Waits for this key, and for no other one before it.
    pub(crate) async fn becomes(&mut self, content: &str, within: Duration) -> Duration {
        let began = Instant::now();
        let changed = timeout(Duration::from_secs(30), self.changes.changed()).await;
        let current = changed.expect("the change is seen").unwrap();
        let found = String::from_utf8_lossy(current.expose_secret()).into_owned();
        assert_eq!(found, content);
        let took = began.elapsed();
        assert!(took <= within, "{content} after {took:?}");
        took
    }
}

/// Runs a command and fails unless it succeeds.
#[track_caller]
pub(crate) fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {said}{errors}"
    );
    said
}

const CHILD: &str = "TEST_RUNS_IN_A_NAMESPACE";

/// Returns whether this process may mount what it likes. If not, it runs the test again in a mount
/// namespace of its own, and returns `false` once that has passed.
pub(crate) fn in_mount_namespace(test: &str) -> bool {
    if env::var_os(CHILD).is_some() {
        return true;
    }
    let tests = env::current_exe().unwrap();
    let said = Command::new("unshare")
        .args(["--mount", "--propagation", "private"])
        .arg(tests)
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, "yes")
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&said.stdout).into_owned();
    let errors = String::from_utf8_lossy(&said.stderr).into_owned();
    let passed = said.status.success() && out.contains("1 passed");
    assert!(passed, "{out}{errors}");
    print!("{out}");
    false
}
