//! The outputs of the key commands: files, JSON, and the file from the environment.

use std::fs;

use serde_json::{Value, json};

use super::program::{Workspace, id_of};

/// Runs a command that prints one JSON value and no message.
#[track_caller]
fn json_of(workspace: &Workspace, arguments: &str, stdin: &str) -> Value {
    let ended = workspace.keyctl_with(arguments, stdin);
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""), "{ended:?}");
    serde_json::from_str(&ended.stdout).unwrap()
}

#[test]
fn out_writes_a_file_for_its_owner_alone() {
    let workspace = Workspace::new();
    let out = workspace.folder.path().join("ui.key");
    let issued = workspace.keyctl("issue --file keys.toml --client ui --out ui.key");
    assert_eq!((issued.code, &*issued.stdout), (Some(0), ""), "{issued:?}");
    let key = fs::read_to_string(&out).unwrap();
    assert!(workspace.is_valid(&key) && key.ends_with('\n'));
    assert!(!issued.stderr.contains(key.trim()));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&out).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let rotated = workspace.keyctl("rotate --file keys.toml --client ui --grace 1h --out new.key");
    assert_eq!(rotated.code, Some(0), "{rotated:?}");
    let new = fs::read_to_string(workspace.folder.path().join("new.key")).unwrap();
    assert!(workspace.is_valid(&new) && new != key);
}

#[test]
fn out_that_exists_costs_no_key() {
    let workspace = Workspace::new();
    workspace.key("issue --file keys.toml --client ui");
    let before = workspace.text();
    fs::write(workspace.folder.path().join("other"), "theirs").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("elsewhere", workspace.folder.path().join("link")).unwrap();
    for out in ["other", "link", "missing/ui.key"] {
        if cfg!(not(unix)) && out == "link" {
            continue;
        }
        for command in ["issue --client b", "rotate --client ui --grace 1h"] {
            let ended = workspace.keyctl(&format!("{command} --file keys.toml --out {out}"));
            assert_eq!((ended.code, &*ended.stdout), (Some(3), ""), "{ended:?}");
        }
    }
    assert_eq!(workspace.text(), before);
    assert_eq!(
        fs::read_to_string(workspace.folder.path().join("other")).unwrap(),
        "theirs"
    );
    assert!(!workspace.folder.path().join("elsewhere").exists());
}

#[test]
fn failed_issue_leaves_no_file_behind() {
    let workspace = Workspace::new();
    workspace.key("issue --file keys.toml --client ui --scope a");
    let ended = workspace.keyctl("issue --file keys.toml --client ui --scope b --out ui.key");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(!workspace.folder.path().join("ui.key").exists());
}

#[cfg(unix)]
#[test]
fn stdout_file_that_others_can_read_is_warned_about() {
    let workspace = Workspace::new();
    for (n, (mode, is_warned)) in [("022", true), ("077", false)].into_iter().enumerate() {
        let command = format!(
            "umask {mode}; {} key issue --file keys.toml --client c{n} >{mode}.key",
            crate::PROGRAM
        );
        let ended = std::process::Command::new("sh")
            .current_dir(&workspace.folder)
            .args(["-c", &command])
            .output()
            .unwrap();
        assert!(ended.status.success(), "{ended:?}");
        let stderr = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(stderr.contains("--out"), is_warned, "{mode}: {stderr}");
    }
}

#[test]
fn file_comes_from_the_environment() {
    let workspace = Workspace::new();
    let run = |arguments: &str, file: &str| {
        let mut command = workspace.command(arguments);
        command
            .env("ROTATING_AUTH_KEY_FILE", file)
            .output()
            .unwrap()
    };
    let issued = run("issue --client ui", "keys.toml");
    assert!(issued.status.success(), "{issued:?}");
    assert_eq!(workspace.key_set().len(), 1);
    let listed = run("list --file keys.toml", "other.toml");
    assert!(listed.status.success(), "the option wins: {listed:?}");
    assert_eq!(run("list", "").status.code(), Some(2));
}

#[test]
fn scopes_with_commas_are_several() {
    let workspace = Workspace::new();
    let issue =
        "issue --file keys.toml --client ui --scope chat:write,models:read --scope x --json";
    let issued = json_of(&workspace, issue, "");
    assert_eq!(issued["scopes"], json!(["chat:write", "models:read", "x"]));
    let client = "client --file keys.toml --client ui --scope chat:write,models:read,x,y --json";
    let scopes = json_of(&workspace, client, "")["scopes"].clone();
    assert_eq!(scopes, json!(["chat:write", "models:read", "x", "y"]));
    for scopes in ["a,", ",a", "a,,b", ","] {
        let ended = workspace.keyctl(&format!(
            "issue --file keys.toml --client z --scope {scopes}"
        ));
        assert_eq!(ended.code, Some(2), "{scopes}: {ended:?}");
    }
}

#[test]
fn missing_scope_is_named_with_the_command() {
    let workspace = Workspace::new();
    workspace.key("issue --file keys.toml --client ui --scope a");
    let refused = workspace.keyctl("issue --file keys.toml --client ui --scope a,b");
    assert_eq!(refused.code, Some(1));
    let (_, command) = refused.stderr.split_once("`rotating-auth key ").unwrap();
    let (command, _) = command.split_once('`').unwrap();
    assert_eq!(command, "client --file keys.toml --client ui --scope a,b");
    assert_eq!(workspace.keyctl(command).code, Some(0));
    let key = workspace.key("issue --file keys.toml --client ui --scope a,b");

    let narrowed = workspace.keyctl("client --file keys.toml --client ui --scope a");
    assert_eq!(narrowed.code, Some(1), "{narrowed:?}");
    assert!(narrowed.stderr.contains(&id_of(&key)), "{narrowed:?}");
    assert!(narrowed.stderr.contains("the scope b"), "{narrowed:?}");
    let revoke = format!("key revoke --file keys.toml --key {}`", id_of(&key));
    assert!(narrowed.stderr.contains(&revoke), "{narrowed:?}");
}

#[test]
fn every_command_has_json() {
    let workspace = Workspace::new();
    let file = "--file keys.toml --json";
    let issued = json_of(
        &workspace,
        &format!("issue {file} --client ui --scope a"),
        "",
    );
    let key = issued["token"].as_str().unwrap();
    assert!(workspace.is_valid(key));
    assert_eq!(
        (&issued["state"], &issued["client"]),
        (&json!("active"), &json!("ui"))
    );

    let rotated = json_of(
        &workspace,
        &format!("rotate {file} --client ui --grace 1h"),
        "",
    );
    assert_eq!(rotated["replaces"], json!(id_of(key)));
    assert!(rotated["replaced_ends_at"].is_string() && rotated["ended"] == json!([]));

    let written = json_of(
        &workspace,
        &format!("issue {file} --client b --out b.key"),
        "",
    );
    assert_eq!(
        (&written["token"], &written["written_to"]),
        (&Value::Null, &json!("b.key"))
    );

    let imported = json_of(
        &workspace,
        &format!("import {file} --client c --id legacy"),
        "sk-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe",
    );
    assert_eq!(imported["id"], json!("legacy"));
    let revoked = json_of(&workspace, &format!("revoke {file} --key legacy"), "");
    assert_eq!(revoked, json!({ "revoked": ["legacy"] }));
    let again = json_of(&workspace, &format!("revoke {file} --key legacy"), "");
    assert_eq!(again, json!({ "revoked": [] }));
    let client = json_of(
        &workspace,
        &format!("client {file} --client ui --disable"),
        "",
    );
    assert_eq!(
        client,
        json!({ "client": "ui", "enabled": false, "scopes": ["a"] })
    );
    assert_eq!(
        json_of(&workspace, &format!("purge {file}"), ""),
        json!({ "purged": [] })
    );
    assert_eq!(
        json_of(&workspace, &format!("list {file}"), "")
            .as_array()
            .unwrap()
            .len(),
        4
    );
}
