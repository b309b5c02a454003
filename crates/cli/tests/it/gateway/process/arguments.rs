//! Options and variables, and errors about them.

use tempfile::tempdir;

use crate::gateway::harness::{Gateway, Recorder, ended};

const SENTINEL: &str = "sk-sentinel-7f3a";
const UPSTREAM: &str = "--upstream=https://api.example.com/v1";

#[tokio::test]
async fn help_names_variables_and_hides_values() {
    let variables = [
        ("OPENAI_API_BASE_URL", SENTINEL),
        ("OPENAI_API_KEY", SENTINEL),
        ("OPENAI_API_KEY_FILE", SENTINEL),
        ("CLIENT_KEYS", SENTINEL),
        ("GATEWAY_REALM", SENTINEL),
    ];
    let (code, help, stderr) = ended(["--help"], &variables).await;
    assert_eq!((code, &*stderr), (Some(0), ""));
    for (option, variable) in [
        ("--listen <ADDR>", "GATEWAY_LISTEN"),
        ("--upstream <URL>", "OPENAI_API_BASE_URL"),
        ("--upstream-key-file <PATH>", "OPENAI_API_KEY_FILE"),
        ("--upstream-key <SOURCE>", "GATEWAY_UPSTREAM_KEY"),
        (
            "--upstream-key-overlap <DURATION>",
            "GATEWAY_UPSTREAM_KEY_OVERLAP",
        ),
        ("--upstream-header <NAME>", "GATEWAY_UPSTREAM_HEADER"),
        ("--poll-interval <DURATION>", "GATEWAY_POLL_INTERVAL"),
        ("--upstream-timeout <DURATION>", "GATEWAY_UPSTREAM_TIMEOUT"),
        ("--drain-timeout <DURATION>", "GATEWAY_DRAIN_TIMEOUT"),
        ("--mode <MODE>", "GATEWAY_MODE"),
        ("--realm <NAME>", "GATEWAY_REALM"),
        ("--tls-cert <PATH>", "GATEWAY_TLS_CERT"),
        ("--tls-key <PATH>", "GATEWAY_TLS_KEY"),
    ] {
        let (_, after) = help.split_once(option).expect(option);
        let (_, after) = after.split_once("[env: ").expect(option);
        assert!(after.starts_with(variable), "{option}: {after}");
    }
    assert!(help.contains("OPENAI_API_KEY "), "{help}");
    assert!(help.contains("CLIENT_KEYS "), "{help}");
    assert!(help.contains("--client-keys <PATH>"), "{help}");
    assert!(!help.contains(SENTINEL), "{help}");
}

#[tokio::test]
async fn invalid_gateway_options_exit_with_2_in_one_line() {
    let key = [("OPENAI_API_KEY", "sk-1")];
    for (arguments, variables, says) in [
        (vec!["--bogus"], &key[..], "--bogus"),
        (vec!["--listen", "here"], &key, "--listen"),
        (vec!["--listen"], &key, "--listen"),
        (
            vec![UPSTREAM, "--poll-interval", "0"],
            &key,
            "--poll-interval",
        ),
        (
            vec![UPSTREAM, "--upstream-key-overlap=-1"],
            &key,
            "--upstream-key-overlap",
        ),
        (
            vec![UPSTREAM, "--poll-interval", "NaN"],
            &key,
            "--poll-interval",
        ),
        (
            vec![UPSTREAM, "--upstream-timeout", "inf"],
            &key,
            "--upstream-timeout",
        ),
        (
            vec![UPSTREAM, "--upstream-header", "a b"],
            &key,
            "--upstream-header",
        ),
        (
            vec![UPSTREAM, "--upstream-header", "connection"],
            &key,
            "--upstream-header",
        ),
        (
            vec![UPSTREAM, "--upstream-header", "Host"],
            &key,
            "--upstream-header",
        ),
        (vec!["--upstream", "api.example.com"], &key, "--upstream"),
        (vec!["--upstream", "/v1"], &key, "--upstream"),
        (
            vec!["--upstream", "ftp://api.example.com"],
            &key,
            "https://",
        ),
        (
            vec!["--upstream", "https://api.example.com/v1?a=b"],
            &key,
            "query",
        ),
        (
            vec!["--upstream", "https://api.example.com/v1#a"],
            &key,
            "fragment",
        ),
        (
            vec!["--upstream", "https://api.example.com/a/%2e%2E/v1"],
            &key,
            "..",
        ),
        (vec!["--listen", "127.0.0.1:0"], &key, "no upstream"),
        (vec![UPSTREAM], &[], "no key"),
        (vec![UPSTREAM], &[("OPENAI_API_KEY", " ")], "no key"),
        (vec!["--demo", UPSTREAM], &[], "--demo"),
        (vec![], &[], "no upstream"),
    ] {
        let (code, stdout, stderr) = ended(&arguments, variables).await;
        assert_eq!((code, &*stdout), (Some(2), ""), "{arguments:?}: {stderr}");
        assert!(stderr.starts_with("error: "), "{arguments:?}: {stderr}");
        assert!(stderr.contains(says), "{arguments:?}: {stderr}");
        assert_eq!(
            stderr.trim_end().lines().count(),
            1,
            "{arguments:?}: {stderr}"
        );
    }
}

#[tokio::test]
async fn key_file_and_key_variable_together_exit_with_2() {
    let key = ("OPENAI_API_KEY", SENTINEL);
    let file = ("OPENAI_API_KEY_FILE", "/run/secrets/key");
    for (arguments, variables) in [
        (vec![UPSTREAM, "--upstream-key-file", "key"], vec![key]),
        (vec![UPSTREAM], vec![key, file]),
    ] {
        let (code, _, stderr) = ended(&arguments, &variables).await;
        assert_eq!(code, Some(2), "{stderr}");
        for name in [
            "--upstream-key-file",
            "OPENAI_API_KEY_FILE",
            " OPENAI_API_KEY ",
        ] {
            assert!(stderr.contains(name), "{stderr}");
        }
        assert!(!stderr.contains(SENTINEL), "{stderr}");
    }
}

#[tokio::test]
async fn empty_variable_counts_as_unset() {
    let (upstream, _) = Recorder::start().await;
    Gateway::with_key(&format!("http://{upstream}/v1"), |command| {
        command.env("OPENAI_API_KEY_FILE", "");
    })
    .await;
}

#[tokio::test]
async fn http_upstream_must_be_loopback() {
    for host in [
        "models.internal",
        "192.0.2.1:8000",
        "127.0.0.1.example.com",
        "[2001:db8::1]",
    ] {
        let upstream = format!("http://{host}/v1");
        let (code, _, stderr) = ended(["--upstream", &upstream], &[("OPENAI_API_KEY", "k")]).await;
        assert_eq!(code, Some(2), "{host}: {stderr}");
        assert!(stderr.contains("use https://"), "{host}: {stderr}");
    }
}

#[tokio::test]
async fn possible_secrets_in_arguments_are_not_repeated() {
    let option = format!("--upstream-key={SENTINEL}");
    let url = format!("https://user:{SENTINEL}@api.example.com/v1");
    for arguments in [vec![SENTINEL], vec![&option], vec!["--upstream", &url]] {
        let (code, stdout, stderr) = ended(&arguments, &[("OPENAI_API_KEY", "k")]).await;
        assert_eq!(code, Some(2), "{stderr}");
        assert!(!(stdout + &stderr).contains(SENTINEL), "{stderr}");
    }
}

#[tokio::test]
async fn unusable_upstream_key_exits_with_1() {
    let folder = tempdir().unwrap();
    let [missing, empty, broken] = ["missing", "empty", "broken"].map(|name| {
        let path = folder.path().join(name);
        path.to_str().unwrap().to_owned()
    });
    std::fs::write(&empty, "\n").unwrap();
    std::fs::write(&broken, format!("{SENTINEL}\nand another line")).unwrap();
    let here = folder.path().to_str().unwrap();
    for file in [&missing, &empty, &broken, here] {
        let arguments = [
            "--listen",
            "127.0.0.1:0",
            UPSTREAM,
            "--upstream-key-file",
            file,
        ];
        let (code, stdout, stderr) = ended(arguments, &[]).await;
        assert_eq!((code, &*stdout), (Some(1), ""), "{file}: {stderr}");
        assert!(stderr.contains(file), "{stderr}");
        let reasons = stderr.lines().filter(|line| !line.contains(" WARN "));
        assert_eq!(reasons.count(), 1, "{stderr}");
        assert!(!stderr.contains(SENTINEL), "{stderr}");
    }

    let unusable = [("OPENAI_API_KEY", "sk-sentinel-7f3a with a blank")];
    let (code, _, stderr) = ended(["--listen", "127.0.0.1:0", UPSTREAM], &unusable).await;
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("OPENAI_API_KEY"), "{stderr}");
    assert!(!stderr.contains(SENTINEL), "{stderr}");
}

#[tokio::test]
async fn taken_port_exits_with_1() {
    let (taken, _) = Recorder::start().await;
    let taken_port = [
        ("GATEWAY_LISTEN", &*taken.to_string()),
        ("OPENAI_API_KEY", "k"),
    ];
    let (code, _, stderr) = ended([UPSTREAM], &taken_port).await;
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains(&taken.to_string()), "{stderr}");
    assert!(stderr.contains("GATEWAY_LISTEN"), "{stderr}");
}

#[tokio::test]
async fn documented_limits_are_those_of_help() {
    let table = include_str!("../../../../../../docs/gateway.md");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `--"));
    let documented: Vec<(&str, &str)> = rows
        .filter_map(|row| {
            let (name, rest) = row.split_once("` | ")?;
            Some((name, rest.split_once(" | ")?.0))
        })
        .collect();
    let (_, help, _) = ended(["--help"], &[]).await;
    for (name, default) in &documented {
        let (_, after) = help.split_once(&format!("--{name} <")).expect(name);
        let (_, after) = after.split_once("[default: ").expect(name);
        assert_eq!(after.split_once(']').unwrap().0, *default, "{name}");
    }
    let (_, limits) = help.split_once("\nLimits:\n").unwrap();
    let (limits, _) = limits.split_once("\nEnvironment:\n").unwrap();
    let options = limits
        .lines()
        .filter_map(|line| line.trim().strip_prefix("--"));
    let mut count = 0;
    for option in options {
        let name = option.split(' ').next().unwrap();
        assert!(documented.iter().any(|(known, _)| *known == name), "{name}");
        count += 1;
    }
    assert!(count >= 17, "{help}");
}
