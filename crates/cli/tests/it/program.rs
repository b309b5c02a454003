//! The program itself: its commands, its version, and mistyped commands.

use std::process::{Command, Output};

use crate::PROGRAM;

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(PROGRAM).args(arguments).output();
    let Output {
        status,
        stdout,
        stderr,
    } = output.unwrap();
    let [stdout, stderr] = [stdout, stderr].map(|text| String::from_utf8(text).unwrap());
    (status.code(), stdout, stderr)
}

#[test]
fn version_is_printed() {
    let version = format!("rotating-auth {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(run(&["--version"]), (Some(0), version, String::new()));
}

#[test]
fn help_lists_the_commands() {
    let (code, help, stderr) = run(&["--help"]);
    assert_eq!((code, &*stderr), (Some(0), ""));
    for command in [
        "demo",
        "gateway",
        "healthcheck",
        "key",
        "completions",
        "man",
    ] {
        assert!(help.contains(&format!("\n  {command} ")), "{help}");
    }
}

#[test]
fn help_says_what_sighup_reads() {
    let help = run(&["gateway", "--help"]).1;
    let (_, after) = help.split_once("SIGHUP reads ").unwrap();
    assert!(after.starts_with("the configuration file"), "{after}");
}

#[test]
fn mistyped_command_gets_a_suggestion() {
    for (arguments, suggestion) in [
        (&["gatway"][..], Some("`gateway`")),
        (&["key", "rotat"], Some("`rotate`")),
        (&["key", "isue"], Some("`issue`")),
        (&["sk-8Zk1tQ0mVd7RyXw3LpHs5N"], None),
        (&[], None),
        (&["key"], None),
    ] {
        let (code, stdout, stderr) = run(arguments);
        assert_eq!((code, &*stdout), (Some(2), ""), "{arguments:?}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(!stderr.contains("sk-8"), "{stderr}");
        match suggestion {
            Some(name) => assert!(stderr.contains(name), "{stderr}"),
            None => assert!(!stderr.contains("did you mean"), "{stderr}"),
        }
    }
}

#[test]
fn completions_know_the_commands_of_each_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, script, stderr) = run(&["completions", shell]);
        assert_eq!((code, &*stderr), (Some(0), ""), "{shell}");
        assert!(
            script.contains("rotate") && script.contains("client-keys"),
            "{shell}"
        );
    }
    let script = run(&["completions", "bash"]).1;
    let ended = Command::new("bash")
        .args(["-nc", &script])
        .status()
        .unwrap();
    assert!(ended.success());
    assert_eq!(run(&["completions", "tcsh"]).0, Some(2));
}

#[test]
fn man_prints_a_page_or_writes_all() {
    let (code, page, stderr) = run(&["man"]);
    assert_eq!((code, &*stderr), (Some(0), ""));
    assert!(page.contains(".TH rotating-auth 1"), "{page}");
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man1");
    let written = run(&["man", "--out", pages.to_str().unwrap()]);
    assert_eq!(written, (Some(0), String::new(), String::new()));
    for command in ["", "-gateway", "-key", "-key-rotate", "-key-leaked"] {
        let page = std::fs::read_to_string(pages.join(format!("rotating-auth{command}.1")));
        assert!(page.unwrap().contains("SYNOPSIS"), "{command}");
    }
}
