//! Commands that change the file.

use std::time::{Duration, SystemTime};

use tower_rotating_auth::inbound::{AuthErrorKind, KeyDigest, verify_at};

use super::program::{Workspace, id_of};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The verdict of a service on a key, at a moment from now.
fn judged(workspace: &Workspace, key: &str, later: Duration) -> Result<String, AuthErrorKind> {
    let keys = workspace.key_set();
    let record = verify_at(&keys, key.as_bytes(), SystemTime::now() + later)
        .map_err(|error| error.kind())?;
    Ok(format!("{} {}", record.client(), record.scopes()))
}

#[test]
fn issue_creates_file_and_client_and_prints_key() {
    let workspace = Workspace::new();
    let key =
        workspace.key("issue --file keys.toml --client ui --scope chat:write --scope models:read");
    assert!(key.starts_with("trk_"), "{key}");
    assert_eq!(
        judged(&workspace, &key, Duration::ZERO),
        Ok("ui chat:write models:read".into())
    );
    assert_eq!(
        judged(&workspace, &key, 89 * DAY),
        Ok("ui chat:write models:read".into())
    );
    assert_eq!(
        judged(&workspace, &key, 91 * DAY),
        Err(AuthErrorKind::Expired)
    );
    assert!(!workspace.text().contains(&key[20..]));

    let narrow =
        workspace.key("issue --file keys.toml --client ui --scope models:read --expires never");
    assert_eq!(
        judged(&workspace, &narrow, 1000 * DAY),
        Ok("ui models:read".into())
    );
}

#[test]
fn issue_uses_the_prefix() {
    let workspace = Workspace::new();
    let key =
        workspace.key("issue --file keys.toml --client ui --prefix sk-acme_live --expires 12h");
    assert!(key.starts_with("sk-acme_live_"), "{key}");
    assert_eq!(
        judged(&workspace, &key, Duration::from_secs(11 * 3600)),
        Ok("ui ".into())
    );
    assert_eq!(
        judged(&workspace, &key, Duration::from_secs(13 * 3600)),
        Err(AuthErrorKind::Expired)
    );
}

#[test]
fn rotate_grants_grace_unless_compromised() {
    let workspace = Workspace::new();
    let first = workspace.key("issue --file keys.toml --client ui --scope a");
    let second = workspace.key("rotate --file keys.toml --client ui --grace 1h");
    assert!(workspace.is_valid(&first) && workspace.is_valid(&second));
    let hour = Duration::from_secs(3600);
    assert_eq!(
        judged(&workspace, &first, 2 * hour),
        Err(AuthErrorKind::Expired)
    );
    assert_eq!(judged(&workspace, &second, 2 * hour), Ok("ui a".into()));

    let third = workspace.key("rotate --file keys.toml --client ui --compromised");
    assert!(
        !workspace.is_valid(&first) && !workspace.is_valid(&second) && workspace.is_valid(&third)
    );
}

#[test]
fn revoke_takes_id_token_or_client() {
    let workspace = Workspace::new();
    let keys = [
        workspace.key("issue --file keys.toml --client a"),
        workspace.key("issue --file keys.toml --client a"),
        workspace.key("issue --file keys.toml --client b"),
        workspace.key("issue --file keys.toml --client b"),
        workspace.key("issue --file keys.toml --client c"),
    ];
    let [by_name, with_client, by_itself, stays, other] = &keys;
    let revoked = workspace.keyctl(&format!("revoke --file keys.toml --key {}", id_of(by_name)));
    assert_eq!(revoked.code, Some(0), "{revoked:?}");
    assert_eq!(revoked.stderr, format!("revoked {}\n", id_of(by_name)));
    assert!(!workspace.is_valid(by_name) && workspace.is_valid(with_client));

    let leaked = format!("\n  {by_itself}\n");
    let revoked = workspace.keyctl_with("revoke --file keys.toml --token -", &leaked);
    assert_eq!(revoked.code, Some(0), "{revoked:?}");
    assert!(!workspace.is_valid(by_itself) && workspace.is_valid(stays));

    assert_eq!(
        workspace.keyctl("revoke --file keys.toml --client a").code,
        Some(0)
    );
    assert!(!workspace.is_valid(with_client) && workspace.is_valid(other));
    let again = workspace.keyctl("revoke --file keys.toml --client a");
    assert_eq!((again.code, again.stdout.as_str()), (Some(0), ""));
    assert!(again.stderr.contains("nothing to revoke"), "{again:?}");
}

#[test]
fn import_takes_a_key_or_its_digest() {
    let workspace = Workspace::new();
    let plain = "sk-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe";
    let taken = workspace.keyctl_with(
        "import --file keys.toml --client a --scope x --id legacy",
        plain,
    );
    assert_eq!(taken.code, Some(0), "{taken:?}");
    assert_eq!(taken.stdout, "");
    assert_eq!(judged(&workspace, plain, Duration::ZERO), Ok("a x".into()));
    let said = taken.stderr.strip_prefix("imported").unwrap();
    let again = workspace.keyctl_with("import --file keys.toml --client a", plain);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert_eq!(again.stderr.strip_prefix("already imported"), Some(said));
    assert!(workspace.text().contains("id = \"legacy\""));

    let unseen = "another-8Zk1tQ0mVd7RyXw3LpHs5Nb";
    let digest = KeyDigest::of(unseen.as_bytes()).to_text();
    let taken = workspace.keyctl_with("import --file keys.toml --client b --digest", &digest);
    assert_eq!(taken.code, Some(0), "{taken:?}");
    assert!(workspace.is_valid(unseen));
    assert!(workspace.text().contains("provenance = \"unchecked\""));
}

#[test]
fn client_sets_scopes_and_disables_and_enables() {
    let workspace = Workspace::new();
    let key = workspace.key("issue --file keys.toml --client ui");
    let done = |arguments: &str| {
        let ended = workspace.keyctl(arguments);
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (Some(0), ""),
            "{ended:?}"
        );
    };
    done("client --file keys.toml --client ui --scope a --scope b");
    assert_eq!(
        judged(&workspace, &key, Duration::ZERO),
        Ok("ui a b".into())
    );
    done("client --file keys.toml --client ui --disable");
    assert_eq!(
        judged(&workspace, &key, Duration::ZERO),
        Err(AuthErrorKind::Disabled)
    );
    done("client --file keys.toml --client ui --enable");
    assert!(workspace.is_valid(&key));
}

#[test]
fn issue_scopes_become_client_scopes_and_can_narrow() {
    let workspace = Workspace::new();
    let key = workspace.key("issue --file keys.toml --client ui --scope a --scope b");
    let narrowed = workspace.keyctl("client --file keys.toml --client ui --scope a");
    assert_eq!(narrowed.code, Some(0), "{narrowed:?}");
    assert_eq!(judged(&workspace, &key, Duration::ZERO), Ok("ui a".into()));
}

#[test]
fn purge_removes_long_expired_keys() {
    let workspace = Workspace::new();
    let gone = workspace.key("issue --file keys.toml --client a --expires 2d");
    let stays = workspace.key("issue --file keys.toml --client b --expires never");
    let purged = |arguments: &str| {
        let ended = workspace.keyctl(&format!("purge --file keys.toml {arguments}"));
        assert_eq!((ended.code, &*ended.stdout), (Some(0), ""), "{ended:?}");
        ended.stderr
    };
    let nothing = purged("");
    assert!(nothing.starts_with("nothing to purge") && nothing.contains("--expires"));

    workspace.let_days_pass(40);
    assert!(purged("--after 60d").starts_with("nothing to purge"));
    assert_eq!(purged(""), format!("purged {}\n", id_of(&gone)));
    assert!(!workspace.text().contains(&id_of(&gone)) && workspace.is_valid(&stays));
}

#[test]
fn concurrent_programs_lose_no_change() {
    let workspace = Workspace::new();
    let children: Vec<_> = (0..8)
        .map(|n| {
            let arguments = format!("issue --file keys.toml --client client-{n}");
            let mut command = workspace.command(&arguments);
            command
                .stdout(std::process::Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for child in children {
        let ended = child.wait_with_output().unwrap();
        assert!(ended.status.success());
        let key = String::from_utf8(ended.stdout).unwrap();
        assert!(workspace.is_valid(&key));
    }
    assert_eq!(workspace.key_set().len(), 8);
}
