//! A test that runs again in a process of its own, where the system is different.

use std::env;
use std::process::{Command, Stdio};

const CHILD: &str = "TEST_RUNS_IN_A_CHILD";

/// Whether this is the second run.
pub(crate) fn in_child() -> bool {
    env::var_os(CHILD).is_some()
}

/// Runs the test of this name again in a user namespace, after a shell command that prepares it. Where
/// there are no such namespaces, the test is skipped with a line that says so.
#[track_caller]
pub(crate) fn again_as(namespace: &[&str], prepare: &str, test: &str) {
    assert!(!in_child(), "the child sees what its parent saw");
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
