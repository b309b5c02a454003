//! The audit of changes.

use std::fs;

use serde_json::Value;

use super::program::{Ended, Workspace, id_of};

const AUDIT: &str = "audit.jsonl";

/// Runs a command with the key file and the audit file.
fn audited(workspace: &Workspace, arguments: &str, stdin: &str) -> Ended {
    let files = format!(" --file keys.toml --audit-file {AUDIT}");
    workspace.keyctl_with(&(arguments.to_owned() + &files), stdin)
}

/// Returns the event, the client, the key and the key that it replaces, of each line.
fn changes(workspace: &Workspace) -> Vec<[String; 4]> {
    let text = fs::read_to_string(workspace.folder.path().join(AUDIT)).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines
        .map(|line: Value| {
            assert_eq!(line["name"], "client-keys", "{line}");
            line["time"]
                .as_str()
                .unwrap()
                .parse::<jiff::Timestamp>()
                .unwrap();
            ["event", "client", "key_id", "replaces"]
                .map(|field| line[field].as_str().unwrap_or("-").to_owned())
        })
        .collect()
}

#[test]
fn every_changing_command_appends_its_events() {
    let workspace = Workspace::new();
    let run = |arguments: &str, stdin: &str| {
        let ended = audited(&workspace, arguments, stdin);
        assert_eq!(ended.code, Some(0), "{arguments}: {ended:?}");
        ended.stdout.trim().to_owned()
    };
    let first = run("issue --client ui --scope a", "");
    let second = run("rotate --client ui --grace 1h", "");
    let legacy = "0Zk1tQ0mVd7RyXw3LpHs5NvK3qYw8RzT5mN2xJ7hBcDf";
    run("import --client legacy --id old --scope a", legacy);
    run("client --client ui --scope a,b", "");
    run("client --client ui --disable", "");
    run("client --client ui --enable", "");
    run(&format!("revoke --key {}", id_of(&second)), "");
    let report = format!(r#"[{{"token":"{legacy}","type":"t","url":"https://example.com/a"}}]"#);
    run("leaked", &report);
    workspace.let_days_pass(400);
    run("purge", "");

    let (first_id, second_id) = (id_of(&first), id_of(&second));
    let of_key =
        |event: &str, client: &str, key: &str| [event, client, key, "-"].map(str::to_owned);
    let of_client = |event: &str, client: &str| of_key(event, client, "-");
    let found = changes(&workspace);
    for expected in [
        of_client("client_added", "ui"),
        of_key("key_issued", "ui", &first_id),
        ["key_rotated", "ui", &second_id, &first_id].map(str::to_owned),
        of_client("client_added", "legacy"),
        of_key("key_imported", "legacy", "old"),
        of_client("client_changed", "ui"),
        of_client("client_disabled", "ui"),
        of_client("client_enabled", "ui"),
        of_key("key_revoked", "ui", &second_id),
        of_key("key_revoked", "legacy", "old"),
        of_client("keys_purged", "-"),
    ] {
        let count = found.iter().filter(|line| **line == expected).count();
        assert_eq!(count, 1, "{expected:?} in {found:#?}");
    }
    let text = fs::read_to_string(workspace.folder.path().join(AUDIT)).unwrap();
    for key in [&first, &second, legacy] {
        assert!(!text.contains(key), "{text}");
    }
}

#[test]
fn refused_and_repeated_changes_have_no_line() {
    let workspace = Workspace::new();
    assert_eq!(audited(&workspace, "issue --client ui", "").code, Some(0));
    assert_eq!(audited(&workspace, "revoke --client ui", "").code, Some(0));
    let before = changes(&workspace);
    assert_eq!(audited(&workspace, "revoke --client ui", "").code, Some(0));
    assert_eq!(
        audited(&workspace, "revoke --client nobody", "").code,
        Some(1)
    );
    assert_eq!(
        audited(&workspace, "rotate --client ui --grace 1h", "").code,
        Some(1)
    );
    assert_eq!(changes(&workspace), before);
}

#[test]
fn audit_file_comes_from_the_environment() {
    let workspace = Workspace::new();
    let mut command = workspace.command("issue --file keys.toml --client ui");
    let output = command.env("ROTATING_AUTH_AUDIT_FILE", AUDIT).output();
    assert!(output.unwrap().status.success());
    assert_eq!(changes(&workspace).last().unwrap()[0], "key_issued");
}

#[test]
fn unusable_audit_file_changes_nothing() {
    let workspace = Workspace::new();
    let ended = workspace.keyctl("issue --file keys.toml --client ui --audit-file no/such/folder");
    assert_eq!((ended.code, &*ended.stdout), (Some(3), ""), "{ended:?}");
    assert!(ended.stderr.contains("--audit-file"), "{ended:?}");
    assert!(!workspace.file().exists());
}

#[cfg(unix)]
#[test]
fn audit_file_is_private_and_never_truncated() {
    use std::os::unix::fs::PermissionsExt as _;

    let workspace = Workspace::new();
    let file = workspace.folder.path().join(AUDIT);
    assert_eq!(audited(&workspace, "issue --client ui", "").code, Some(0));
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let first = fs::read_to_string(&file).unwrap();
    assert_eq!(
        audited(&workspace, "issue --client batch", "").code,
        Some(0)
    );
    assert!(fs::read_to_string(&file).unwrap().starts_with(&first));
}

#[cfg(target_os = "linux")]
#[test]
fn unwritten_line_fails_after_the_change() {
    let workspace = Workspace::new();
    let ended = workspace.keyctl("issue --file keys.toml --client ui --audit-file /dev/full");
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stderr.contains("/dev/full"), "{ended:?}");
    assert!(workspace.is_valid(ended.stdout.trim()));
}
