//! Reports of secret scanners.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::program::{Workspace, id_of};

/// GitHub's example: a body, its signature, and the key.
const EXAMPLE: [&str; 4] = [
    r#"[{"source":"commit","token":"some_token","type":"some_type","url":"https://example.com/base-repo-url/"}]"#,
    "MEQCIQDaMKqrGnE27S0kgMrEK0eYBmyG0LeZismAEz/BgZyt7AIfXt9fErtRS4XaeSt/AO1RtBY66YcAdjxji410VQV4xg==",
    "bcb53661c06b4728e59d897fb6165d5c9cda0fd9cdf9d09ead458168deb7518c",
    "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYAGMWO8XgCamYKMJS6jc/qgvSlAd\nAjPuDPRcXU22YxgBrz+zoN19MzuRyW87qEt9/AmtoNP5GrobzUvQSyJFVw==\n-----END PUBLIC KEY-----\n",
];

fn public_keys(id: &str, pem: &str) -> String {
    let key = json!({ "key_identifier": id, "key": pem, "is_current": true });
    json!({ "public_keys": [key] }).to_string()
}

/// A scanner with a key of its own.
struct Scanner(EcdsaKeyPair);

impl Scanner {
    fn new() -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let key = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        Self(EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &random).unwrap())
    }

    fn pem(&self) -> String {
        let mut der = STANDARD
            .decode("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAA")
            .unwrap();
        der.truncate(26);
        der.extend_from_slice(self.0.public_key().as_ref());
        let text = STANDARD.encode(der);
        format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n")
    }

    fn sign(&self, body: &str) -> String {
        let signature = self.0.sign(&SystemRandom::new(), body.as_bytes());
        STANDARD.encode(signature.unwrap())
    }
}

#[test]
fn reported_keys_are_revoked_by_digest() {
    let workspace = Workspace::new();
    let keys = ["a", "b", "c"]
        .map(|client| workspace.key(&format!("issue --file keys.toml --client {client}")));
    let report = json!([
        { "token": keys[0], "type": "trk", "url": "https://example.com/a\nb", "source": "content" },
        { "token": keys[1], "type": "trk", "url": "", "source": "content" },
        { "token": "trk_nobody", "type": "trk", "url": "", "source": "content" },
    ]);
    let report = report.to_string();
    let ended = workspace.keyctl_with("leaked --file keys.toml", &report);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let said: Vec<_> = ended.stdout.lines().collect();
    assert_eq!(said.len(), 3, "{said:?}");
    assert!(said[0].contains(&id_of(&keys[0])) && said[1].contains(&id_of(&keys[1])));
    for key in &keys {
        assert!(!ended.stdout.contains(&**key) && !ended.stderr.contains(&**key));
    }
    let valid = keys.each_ref().map(|key| workspace.is_valid(key));
    assert_eq!(valid, [false, false, true]);

    let again = workspace.keyctl_with("leaked --file keys.toml --json", &report);
    let again: Value = serde_json::from_str(&again.stdout).unwrap();
    let field = |name: &str| -> Vec<_> {
        let entries = again.as_array().unwrap().iter();
        entries.map(|entry| entry[name].as_str().unwrap()).collect()
    };
    assert_eq!(
        field("outcome"),
        ["already_revoked", "already_revoked", "unknown"]
    );
    assert_eq!(
        field("label"),
        ["true_positive", "true_positive", "false_positive"]
    );
    assert_eq!(field("token_type"), ["trk"; 3]);
    let hash = ring::digest::digest(&ring::digest::SHA256, b"trk_nobody");
    assert_eq!(field("token_hash")[2], STANDARD.encode(hash));
}

#[test]
fn signature_of_githubs_example_is_valid() {
    let [body, signature, id, pem] = EXAMPLE;
    let workspace = Workspace::new();
    workspace.key("issue --file keys.toml --client ui");
    fs::write(workspace.folder.path().join("public"), public_keys(id, pem)).unwrap();
    let command =
        format!("leaked --file keys.toml --keys public --key-id {id} --signature {signature}");
    let ended = workspace.keyctl_with(&command, body);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let ended = workspace.keyctl_with(&command, &body.replace("some_type", "some_typo"));
    assert_eq!((ended.code, &*ended.stdout), (Some(1), ""), "{ended:?}");
}

#[test]
fn nothing_is_revoked_without_a_valid_signature() {
    let workspace = Workspace::new();
    let key = workspace.key("issue --file keys.toml --client ui");
    let (scanner, other) = (Scanner::new(), Scanner::new());
    let public = workspace.folder.path().join("public");
    fs::write(&public, public_keys("k1", &scanner.pem())).unwrap();
    let body = json!([{ "token": key, "type": "trk" }]).to_string();
    let signature = scanner.sign(&body);
    let valid = format!("--keys public --key-id k1 --signature {signature}");
    for (options, body, code) in [
        (valid.clone(), format!("{body}\n"), 1),
        (valid.clone(), format!(" {body}"), 1),
        (
            format!("--keys public --key-id k2 --signature {signature}"),
            body.clone(),
            1,
        ),
        (
            format!(
                "--keys public --key-id k1 --signature {}",
                other.sign(&body)
            ),
            body.clone(),
            1,
        ),
        (
            "--keys public --key-id k1 --signature !".to_owned(),
            body.clone(),
            2,
        ),
        (format!("--signature {signature}"), body.clone(), 2),
        ("--keys public".to_owned(), body.clone(), 2),
        ("--key-id k1".to_owned(), body.clone(), 2),
        (
            format!("--keys missing --key-id k1 --signature {signature}"),
            body.clone(),
            3,
        ),
        (
            format!("--keys keys.toml --key-id k1 --signature {signature}"),
            body.clone(),
            3,
        ),
    ] {
        let ended = workspace.keyctl_with(&format!("leaked --file keys.toml {options}"), &body);
        assert_eq!(
            (ended.code, &*ended.stdout),
            (Some(code), ""),
            "{options}: {ended:?}"
        );
        assert!(!ended.stderr.contains(&key), "{ended:?}");
        assert!(workspace.is_valid(&key), "{options}");
    }
    let ended = workspace.keyctl_with(&format!("leaked --file keys.toml {valid}"), &body);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!workspace.is_valid(&key));
}

#[test]
fn invalid_report_exits_with_2() {
    let workspace = Workspace::new();
    let key = workspace.key("issue --file keys.toml --client ui");
    for body in [
        key.clone(),
        format!("[{key}"),
        format!("[{{\"token\":\"{key}\"}},{{}}]"),
        format!("[\"{key}\"]"),
        " \n".to_owned(),
    ] {
        let ended = workspace.keyctl_with("leaked --file keys.toml", &body);
        assert_eq!((ended.code, &*ended.stdout), (Some(2), ""), "{ended:?}");
        assert!(!ended.stderr.contains(&key), "{ended:?}");
        assert!(workspace.is_valid(&key));
    }
}
