//! Tests of commands that keep secrets: `pass` and `sops`.

use std::fs;
use std::process::Command;

use tower_rotating_auth::{Rotating, source::ExecSource};

use crate::process::{in_path, run};

#[tokio::test]
async fn pass_prints_the_key() {
    let test = "pass_prints_the_key";
    if !in_path("pass", test) || !in_path("gpg", test) {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let command = |program: &str| {
        let mut command = Command::new(program);
        command.env("GNUPGHOME", home.path().join("gnupg"));
        command.env("PASSWORD_STORE_DIR", home.path().join("store"));
        command
    };
    fs::create_dir(home.path().join("gnupg")).unwrap();
    let generate = [
        "--batch",
        "--quiet",
        "--passphrase",
        "",
        "--quick-generate-key",
        "t@localhost",
    ];
    run(&mut command("gpg"), &generate);
    run(&mut command("pass"), &["init", "t@localhost"]);
    let insert = "echo sk-1 | pass insert -e openai";
    run(&mut command("sh"), &["-c", insert]);

    let mut source = ExecSource::new("pass").args(["show", "openai"]);
    for (name, value) in command("pass").get_envs() {
        source = source.env(name, value.unwrap());
    }
    let key = Rotating::start(source).await.expect("pass prints the key");
    assert_eq!(key.current().expose_secret(), b"sk-1");
    run(&mut command("gpgconf"), &["--kill", "all"]);
}

#[tokio::test]
async fn sops_prints_the_key() {
    let test = "sops_prints_the_key";
    if !in_path("sops", test) || !in_path("age-keygen", test) {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name).display().to_string();
    run(&mut Command::new("age-keygen"), &["-o", &at("age")]);
    let recipient = run(&mut Command::new("age-keygen"), &["-y", &at("age")]);
    fs::write(at("plain.yaml"), "openai: sk-1\n").unwrap();
    let encrypt = [
        "--encrypt",
        "--age",
        &recipient,
        "--output",
        &at("e.yaml"),
        &at("plain.yaml"),
    ];
    run(&mut Command::new("sops"), &encrypt);

    let source = ExecSource::new("sops").env("SOPS_AGE_KEY_FILE", at("age"));
    let source = source.args(["--decrypt", "--extract", r#"["openai"]"#, &at("e.yaml")]);
    let key = Rotating::start(source).await.expect("sops prints the key");
    assert_eq!(key.current().expose_secret(), b"sk-1");
}
