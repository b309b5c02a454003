//! Commands that show the file, and `--help`.

use std::process::Stdio;

use jiff::{Timestamp, ToSpan};
use serde_json::Value;
use tower_rotating_auth::inbound::KeyDigest;

use super::program::{Ended, Workspace, id_of};

fn json(text: &str) -> Vec<Value> {
    let value: Value = serde_json::from_str(text).unwrap();
    value.as_array().unwrap().clone()
}

#[test]
fn help_covers_every_command() {
    let workspace = Workspace::new();
    let help = workspace.keyctl("--help");
    assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""));
    for command in [
        "issue", "list", "rotate", "revoke", "import", "client", "purge", "verify", "doctor",
    ] {
        assert!(
            help.stdout.contains(&format!("\n  {command} ")),
            "{command}: {}",
            help.stdout
        );
        let own = workspace.keyctl(&format!("{command} --help"));
        assert_eq!((own.code, own.stderr.as_str()), (Some(0), ""), "{command}");
        assert!(own.stdout.contains("--file <PATH>"), "{}", own.stdout);
    }
    let rotate = workspace.keyctl("rotate --help").stdout;
    assert!(rotate.contains("also ended"), "{rotate}");
    for what in ["Examples:", "Exit codes:", "standard input"] {
        assert!(help.stdout.contains(what), "{what}: {}", help.stdout);
    }
}

#[test]
fn list_prints_table_or_json_without_digests() {
    let workspace = Workspace::new();
    let first = workspace.key("issue --file keys.toml --client open-webui --scope a --scope b");
    let second = workspace.key("rotate --file keys.toml --client open-webui --grace 1h");
    let third = workspace.key("issue --file keys.toml --client batch --expires never");
    workspace.keyctl("revoke --file keys.toml --client batch");

    let table = workspace.keyctl("list --file keys.toml").stdout;
    let lines: Vec<Vec<_>> = table
        .lines()
        .map(|line| line.split("  ").collect())
        .collect();
    assert_eq!(lines.len(), 4, "{table}");
    assert!(
        table.starts_with("CLIENT      KEY           STATE     CREATED (UTC)"),
        "{table}"
    );
    for (line, key, state) in [
        (1, &third, "revoked"),
        (2, &first, "in grace"),
        (3, &second, "active"),
    ] {
        let line = table.lines().nth(line).unwrap();
        assert!(line.contains(&id_of(key)) && line.contains(state), "{line}");
    }

    let text = workspace.keyctl("list --file keys.toml --json").stdout;
    let keys = json(&text);
    let field = |name: &str| -> Vec<Value> { keys.iter().map(|key| key[name].clone()).collect() };
    assert_eq!(field("client"), ["batch", "open-webui", "open-webui"]);
    assert_eq!(field("state"), ["revoked", "in_grace", "active"]);
    assert_eq!(
        field("replaces"),
        [Value::Null, Value::Null, id_of(&first).into()]
    );
    assert_eq!(keys[1]["scopes"], Value::from(vec!["a", "b"]));
    assert!(keys[0]["revoked_at"].is_string() && keys[0]["ends_at"].is_null());
    assert!(keys[1]["ends_at"].as_str().unwrap().ends_with('Z'));
    assert!(!(table + &text).contains("sha256"));
}

#[test]
fn verify_prints_client_or_reason() {
    let workspace = Workspace::new();
    let key = workspace.key("issue --file keys.toml --client ui --scope a");
    let (code, said) = workspace.verified(&format!("{key}\n"));
    assert_eq!(code, Some(0));
    assert!(
        said.starts_with(&format!(
            "valid: {} of ui with scopes a, expires ",
            id_of(&key)
        )),
        "{said}"
    );
    let without = workspace.key("issue --file keys.toml --client none");
    let (_, said) = workspace.verified(&without);
    assert!(said.contains(" of none without scopes, expires "), "{said}");
    let text = workspace
        .keyctl_with("verify --file keys.toml --json", &key)
        .stdout;
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&value["client"], &value["state"]),
        (&"ui".into(), &"active".into())
    );

    assert_eq!(value["valid"], true);

    let unknown = workspace.verified("sk-8Zk1tQ0mVd7RyXw3LpHs5N");
    assert_eq!(unknown.0, Some(1));
    let mistyped = workspace.verified(&key.replace(&key[key.len() - 6..], "000000"));
    assert_eq!(mistyped.0, Some(1));
    assert!(mistyped.1.contains("mistyped"), "{mistyped:?}");
    workspace.keyctl("revoke --file keys.toml --client ui");
    let revoked = workspace.verified(&key);
    assert_eq!(revoked.0, Some(1));
    assert!(revoked.1.contains("revoked"), "{revoked:?}");
}

#[test]
fn verify_json_gives_the_reason() {
    let workspace = Workspace::new();
    let [revoked, expired] = ["revoked", "expired"].map(|client| {
        workspace.key(&format!(
            "issue --file keys.toml --client {client} --expires 1d"
        ))
    });
    workspace.let_days_pass(2);
    let disabled = workspace.key("issue --file keys.toml --client disabled");
    workspace.keyctl("client --file keys.toml --client disabled --disable");
    workspace.keyctl("revoke --file keys.toml --client revoked");
    let mistyped = revoked.replace(&revoked[revoked.len() - 6..], "000000");
    for (key, reason) in [
        ("sk-8Zk1tQ0mVd7RyXw3LpHs5N", "unknown"),
        (&mistyped, "mistyped"),
        (&revoked, "revoked"),
        (&expired, "expired"),
        (&disabled, "disabled"),
    ] {
        let ended = workspace.keyctl_with("verify --file keys.toml --json", key);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        let said: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(
            said,
            serde_json::json!({"valid": false, "reason": reason}),
            "{ended:?}"
        );
    }
}

#[test]
fn list_shows_day_of_last_use() {
    let workspace = Workspace::new();
    let [used, unused] = ["a", "b"].map(|client| {
        workspace.key(&format!(
            "issue --file keys.toml --client {client} --expires never"
        ))
    });
    let shown = || {
        let ended = workspace.keyctl("list --file keys.toml --json");
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let keys = json(&ended.stdout);
        let days: Vec<_> = keys.iter().map(|key| key["last_used"].clone()).collect();
        (days, ended.stderr)
    };
    let nothing = vec![Value::Null, Value::Null];
    assert_eq!(shown(), (nothing.clone(), String::new()));
    workspace.note_uses("2026-01-02", &[&id_of(&used)]);
    assert_eq!(shown().0, ["2026-01-02".into(), Value::Null]);
    let table = workspace.keyctl("list --file keys.toml").stdout;
    for (key, day) in [(&used, "  2026-01-02"), (&unused, "  -")] {
        let mut lines = table.lines();
        let line = lines.find(|line| line.contains(&id_of(key))).unwrap();
        assert!(line.ends_with(day), "{table}");
    }
    std::fs::write(workspace.folder.path().join("keys.toml.used"), "another").unwrap();
    let (days, said) = shown();
    assert_eq!(days, nothing);
    assert!(said.contains("keys.toml.used"), "{said}");
}

#[test]
fn list_shows_disabled_for_keys_of_disabled_clients() {
    let workspace = Workspace::new();
    let gone = workspace.key("issue --file keys.toml --client ui");
    workspace.keyctl(&format!("revoke --file keys.toml --key {}", id_of(&gone)));
    workspace.key("issue --file keys.toml --client ui");
    workspace.keyctl("client --file keys.toml --client ui --disable");
    let keys = json(&workspace.keyctl("list --file keys.toml --json").stdout);
    let states = keys
        .iter()
        .map(|key| (key["state"].as_str().unwrap(), &key["client_enabled"]));
    let no = Value::Bool(false);
    assert_eq!(
        states.collect::<Vec<_>>(),
        [("revoked", &no), ("disabled", &no)]
    );
    let table = workspace.keyctl("list --file keys.toml").stdout;
    let states = table
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().nth(2).unwrap());
    assert_eq!(states.collect::<Vec<_>>(), ["revoked", "disabled"]);
}

#[test]
fn verify_reads_stdin_before_the_file() {
    let workspace = Workspace::new();
    let mut verify = workspace.command("verify --file keys.toml");
    verify.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut verify = verify.spawn().unwrap();
    let key = verify.stdin.take().unwrap();
    let mut issue = workspace.command("issue --file keys.toml --client ui");
    assert!(issue.stdout(key).status().unwrap().success());
    drop(issue); // it has the pipe yet
    let verified = Ended::from(verify.wait_with_output().unwrap());
    assert_eq!(verified.code, Some(0), "{verified:?}");

    let workspace = Workspace::new();
    for arguments in ["verify", "revoke --token -", "import --client ui"] {
        let ended = workspace.keyctl(&format!("{arguments} --file keys.toml"));
        assert_eq!(ended.code, Some(2), "{arguments}: {ended:?}");
        assert!(ended.stderr.contains("standard input"), "{ended:?}");
    }
}

#[test]
fn doctor_reports_each_kind_of_finding() {
    let workspace = Workspace::new();
    workspace.key("issue --file keys.toml --client good");
    workspace.note_uses("2020-01-01", &[]);
    let well = workspace.keyctl("doctor --file keys.toml");
    assert_eq!(
        (well.code, well.stdout.as_str(), well.stderr.as_str()),
        (Some(0), "", "no findings\n")
    );
    assert_eq!(
        workspace.keyctl("doctor --file keys.toml --json").stdout,
        "[]\n"
    );

    let soon = workspace.key("issue --file keys.toml --client soon --expires 4d");
    let well = workspace.keyctl("doctor --file keys.toml");
    assert_eq!(well.code, Some(0), "it is new: {well:?}");
    workspace.let_days_pass(3);
    workspace.key("issue --file keys.toml --client gone");
    workspace.keyctl("revoke --file keys.toml --client gone");
    let digest = KeyDigest::of(b"nobody here has seen this key").to_text();
    workspace.keyctl_with(
        "import --file keys.toml --client legacy --id old --digest",
        &digest,
    );
    let mut expected = vec![
        ("soon", "ends soon"),
        ("legacy", "may be weak"),
        ("gone", "no live key"),
    ];
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let open = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(workspace.file(), open).unwrap();
        expected.push(("", "everybody may read"));
    }
    let ill = workspace.keyctl("doctor --file keys.toml");
    assert_eq!(ill.code, Some(1), "{ill:?}");
    assert_eq!(ill.stderr, format!("error: {} findings\n", expected.len()));
    for (line, (client, what)) in ill.stdout.lines().zip(&expected) {
        assert!(line.starts_with(client) && line.contains(what), "{line}");
    }
    let text = workspace.keyctl("doctor --file keys.toml --json").stdout;
    let findings = json(&text);
    assert_eq!(findings.len(), expected.len(), "{text}");
    assert_eq!(findings[0]["key"], id_of(&soon));
}

#[test]
fn doctor_finds_unused_keys_if_uses_are_recorded() {
    let workspace = Workspace::new();
    let [used, unused] = ["used", "unused"].map(|client| {
        workspace.key(&format!(
            "issue --file keys.toml --client {client} --expires never"
        ))
    });
    workspace.let_days_pass(8);
    workspace.key("issue --file keys.toml --client new");
    let doctor = || {
        let ended = workspace.keyctl("doctor --file keys.toml");
        (ended.code, ended.stdout, ended.stderr)
    };
    let (code, findings, said) = doctor();
    assert_eq!((code, &*findings), (Some(0), ""));
    assert!(said.contains("cannot find unused keys"), "{said}");

    workspace.note_uses("2020-01-01", &[&id_of(&used)]);
    let (code, findings, said) = doctor();
    let says = format!("unused {}: never used since it was issued", id_of(&unused));
    assert_eq!(code, Some(1));
    assert!(findings.starts_with(&says), "{findings}");
    assert_eq!(said, "error: 1 finding\n");

    // The two were made before anybody noted anything, a week ago.
    workspace.let_days_pass(30);
    let week_ago = Timestamp::now() - (7 * 24).hours();
    workspace.note_uses(&week_ago.strftime("%Y-%m-%d").to_string(), &[&id_of(&used)]);
    let (_, findings, _) = doctor();
    let says = format!(
        "\nunused {}: not used since recording began",
        id_of(&unused)
    );
    assert!(findings.contains(&says), "{findings}");
    let today = Timestamp::now().strftime("%Y-%m-%d").to_string();
    workspace.note_uses(&today, &[]);
    let (code, findings, _) = doctor();
    assert_eq!((code, &*findings), (Some(0), ""), "it is too early to tell");
}

#[test]
fn doctor_reports_unreadable_uses_and_the_rest() {
    let workspace = Workspace::new();
    workspace.key("issue --file keys.toml --client gone");
    workspace.keyctl("revoke --file keys.toml --client gone");
    std::fs::write(workspace.folder.path().join("keys.toml.used"), "another").unwrap();
    let ended = workspace.keyctl("doctor --file keys.toml");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(ended.stderr, "error: 2 findings\n");
    for what in ["gone: no live key", "keys.toml.used"] {
        assert!(ended.stdout.contains(what), "{ended:?}");
    }
}

#[test]
fn doctor_finds_abandoned_keys() {
    let workspace = Workspace::new();
    let key = workspace.key("issue --file keys.toml --client ui --expires never");
    workspace.let_days_pass(70);
    let day = Timestamp::now() - (24 * 65).hours();
    workspace.note_uses(&day.strftime("%Y-%m-%d").to_string(), &[&id_of(&key)]);
    assert_eq!(workspace.keyctl("doctor --file keys.toml").code, Some(0));
    let abandoned = workspace.keyctl("doctor --file keys.toml --unused-for 60d --json");
    assert_eq!(abandoned.code, Some(1));
    assert_eq!(json(&abandoned.stdout)[0]["key"], id_of(&key));

    workspace.let_days_pass(60);
    let day = Timestamp::now() - (24 * 125).hours();
    workspace.note_uses(&day.strftime("%Y-%m-%d").to_string(), &[&id_of(&key)]);
    let abandoned = workspace.keyctl("doctor --file keys.toml");
    assert_eq!(abandoned.stderr, "error: 2 findings\n", "{abandoned:?}");
}
