//! Errors: exit codes, messages, and an unchanged file.

use super::program::{Workspace, id_of};

const SENTINEL: &str = "sk-sentinel-8Zk1tQ0mVd7RyXw3LpHs5N";

#[track_caller]
fn refused(workspace: &Workspace, arguments: &str, stdin: &str, code: i32, says: &str) {
    let before = workspace.file().exists().then(|| workspace.text());
    let ended = workspace.keyctl_with(arguments, stdin);
    assert_eq!(ended.code, Some(code), "{arguments}: {ended:?}");
    assert_eq!(ended.stdout, "", "{arguments}");
    assert!(
        ended.stderr.starts_with("error: "),
        "{arguments}: {ended:?}"
    );
    assert!(ended.stderr.contains(says), "{arguments}: {ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{arguments}: {ended:?}");
    assert!(!ended.stderr.contains(SENTINEL), "{arguments}: {ended:?}");
    let after = workspace.file().exists().then(|| workspace.text());
    assert_eq!(before, after, "{arguments}");
}

#[test]
fn invalid_key_options_exit_with_2_in_one_line() {
    let workspace = Workspace::new();
    for (arguments, says) in [
        ("", "missing command"),
        ("isue", "did you mean `issue`?"),
        (SENTINEL, "no such command"),
        ("issue", "not provided: --file <PATH>; "),
        ("issue --file keys.toml", "--client"),
        ("issue --file keys.toml --client ui --bogus", "--bogus"),
        ("issue --file keys.toml --client ui --expires soon", "90d"),
        (
            "issue --file keys.toml --client ui --expires 0s",
            "longer than zero",
        ),
        ("issue --file keys.toml --client ui --expires=-1d", "90d"),
        ("issue --file keys.toml --client ui --expires 1y", "90d"),
        (
            "issue --file keys.toml --client ui --prefix Acme",
            "--prefix",
        ),
        ("issue --file keys.toml --client ui --scope a\"b", "--scope"),
        ("rotate --file keys.toml --client ui", "--grace"),
        ("rotate --file keys.toml --grace 1h", "--client"),
        (
            "rotate --file keys.toml --client ui --grace 30d",
            "at most 7d",
        ),
        (
            "rotate --file keys.toml --client ui --grace 0",
            "the unit is missing",
        ),
        (
            "rotate --file keys.toml --client ui --grace 1h --compromised",
            "--compromised",
        ),
        ("revoke --file keys.toml", "--key"),
        ("revoke --file keys.toml --key a --client b", "--client"),
        ("client --file keys.toml --client ui", "--scope"),
        ("purge --file keys.toml --after soon", "90d"),
        (
            "client --file keys.toml --client ui --enable --disable",
            "--disable",
        ),
    ] {
        refused(&workspace, arguments, "", 2, says);
    }
    for arguments in [
        format!("revoke --file keys.toml --token {SENTINEL}"),
        format!("verify --file keys.toml {SENTINEL}"),
        format!("import --file keys.toml --client a {SENTINEL}"),
    ] {
        refused(&workspace, &arguments, "", 2, "");
    }
}

#[test]
fn key_in_place_of_a_name_is_not_repeated() {
    let workspace = Workspace::new();
    let key = workspace.key("issue --file keys.toml --client ui");
    let mistyped = key.replace(&key[key.len() - 6..], "000000");
    for key in [key, mistyped] {
        for arguments in [
            "issue --file keys.toml --client",
            "import --file keys.toml --client ui --id",
            "client --file keys.toml --disable --client",
            "rotate --file keys.toml --grace 1h --client",
            "rotate --file keys.toml --grace 1h --key",
            "revoke --file keys.toml --client",
            "revoke --file keys.toml --key",
        ] {
            let arguments = format!("{arguments} {key}");
            refused(&workspace, &arguments, SENTINEL, 2, "not a name");
            let said = workspace.keyctl(&arguments);
            assert!(!said.stderr.contains(&key), "{said:?}");
        }
    }
}

#[test]
fn disallowed_change_exits_with_1_and_says_what_to_do() {
    let workspace = Workspace::new();
    let key = workspace.key("issue --file keys.toml --client ui --scope a");
    let file = "--file keys.toml";
    for (arguments, says) in [
        (format!("issue {file} --client ui --scope b"), "the scope b"),
        (
            format!("rotate {file} --client nobody --grace 1h"),
            "no client nobody",
        ),
        (format!("revoke {file} --client nobody"), "no client nobody"),
        (
            format!("client {file} --client nobody --disable"),
            "no client nobody",
        ),
        (format!("revoke {file} --key nothing"), "no such key"),
    ] {
        refused(&workspace, &arguments, "", 1, says);
    }
    refused(
        &workspace,
        &format!("revoke {file} --token -"),
        SENTINEL,
        1,
        "no such key",
    );
    let mistyped = key.replace(&key[key.len() - 6..], "000000");
    refused(
        &workspace,
        &format!("revoke {file} --token -"),
        &mistyped,
        1,
        "mistyped",
    );
    let imported =
        workspace.keyctl_with(&format!("import {file} --client ui --id legacy"), &mistyped);
    assert_eq!(imported.code, Some(0), "{imported:?}");
    let revoked = workspace.keyctl_with(&format!("revoke {file} --token -"), &mistyped);
    assert_eq!(revoked.code, Some(0), "it is there: {revoked:?}");
    refused(
        &workspace,
        &format!("import {file} --client ui"),
        "changeme",
        1,
        "everybody knows",
    );
    refused(
        &workspace,
        &format!("import {file} --client ui"),
        "Tr0ub4dor",
        1,
        "22 random",
    );

    workspace.key(&format!("issue {file} --client ui"));
    refused(
        &workspace,
        &format!("issue {file} --client ui"),
        "",
        1,
        "revoke one first",
    );
    refused(
        &workspace,
        &format!("rotate {file} --client ui --grace 1h"),
        "",
        1,
        "--key ID",
    );
    let id = id_of(&key);
    assert_eq!(
        workspace.keyctl(&format!("revoke {file} --key {id}")).code,
        Some(0)
    );
    refused(
        &workspace,
        &format!("rotate {file} --key {id} --grace 1h"),
        "",
        1,
        "was revoked",
    );
}

#[test]
fn missing_or_invalid_file_exits_with_3() {
    let workspace = Workspace::new();
    for arguments in [
        "list --file keys.toml",
        "verify --file keys.toml",
        "doctor --file keys.toml",
        "rotate --file keys.toml --client ui --grace 1h",
        "revoke --file keys.toml --client ui",
        "client --file keys.toml --client ui --disable",
        "purge --file keys.toml",
        "issue --file missing/keys.toml --client ui",
    ] {
        refused(&workspace, arguments, SENTINEL, 3, "keys.toml");
    }
    std::fs::write(workspace.file(), format!("version = 1\n{SENTINEL}\n")).unwrap();
    refused(&workspace, "list --file keys.toml", "", 3, "line 2");
    refused(
        &workspace,
        "issue --file keys.toml --client ui",
        "",
        3,
        "line 2",
    );
}

#[test]
fn empty_or_oversized_stdin_exits_with_2() {
    let workspace = Workspace::new();
    workspace.key("issue --file keys.toml --client ui");
    for arguments in [
        "verify --file keys.toml",
        "revoke --file keys.toml --token -",
        "import --file keys.toml --client ui",
    ] {
        refused(&workspace, arguments, " \n", 2, "standard input");
        refused(
            &workspace,
            arguments,
            &"k".repeat(70_000),
            2,
            "standard input",
        );
    }
    refused(
        &workspace,
        "import --file keys.toml --client ui --digest",
        "sha256:0",
        2,
        "64 hexadecimal",
    );
}
