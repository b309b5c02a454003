//! Tests that run again in a child process with different privileges or mounts.

use std::env;
use std::process::{Command, Stdio};

const CHILD: &str = "TEST_RUNS_IN_A_CHILD";

/// Returns whether this process is the child.
pub(crate) fn in_child() -> bool {
    env::var_os(CHILD).is_some()
}

/// Runs a test again in a user namespace, after the shell command `prepare`.
///
/// On a system without user namespaces, it prints that the test is skipped.
#[track_caller]
pub(crate) fn again_as(namespace: &[&str], prepare: &str, test: &str) {
    assert!(!in_child(), "the child runs in the namespace of its parent");
    let unshare = |command: &[&str]| {
        let mut unshare = Command::new("unshare");
        unshare.args(namespace).args(command).env(CHILD, "yes");
        unshare
    };
    let possible = unshare(&["true"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !possible {
        eprintln!("skipped: {test} needs `unshare {}`", namespace.join(" "));
        return;
    }
    let script = format!("{prepare} && exec \"$0\" \"$@\"");
    let tests = env::current_exe().unwrap();
    let output = unshare(&["sh", "-c", &script])
        .arg(tests)
        .args(["--exact", test])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
