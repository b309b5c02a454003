//! Programs that people write key files with.

use std::path::Path;
use std::process::Command;

use super::key_folder::{KeyFolder, write};
use super::support::Followed;

/// Runs a shell command. `$1` is the path of the key file, and `$2` its new content.
fn run(script: &str, path: &Path, content: &str) {
    let status = Command::new("sh")
        .args(["-ec", script, "sh"])
        .arg(path)
        .arg(content)
        .status();
    assert!(status.unwrap().success(), "{script}");
}

async fn rotate_with(script: &str) {
    let folder = KeyFolder::new("sk-0");
    let mut key = Followed::start(&folder.path).await;
    for number in 1..=5 {
        let content = format!("sk-{number}");
        run(script, &folder.path, &content);
        key.becomes(&content).await;
    }
}

#[tokio::test]
async fn shell_redirection_is_seen() {
    rotate_with(r#"printf '%s\n' "$2" > "$1""#).await;
}

#[tokio::test]
async fn tee_is_seen() {
    rotate_with(r#"printf '%s\n' "$2" | tee "$1" > /dev/null"#).await;
}

#[tokio::test]
async fn mv_is_seen() {
    rotate_with(r#"printf '%s\n' "$2" > "$1.next"; chmod 600 "$1.next"; mv "$1.next" "$1""#).await;
}

#[tokio::test]
async fn cp_is_seen() {
    rotate_with(r#"printf '%s\n' "$2" > "$1.next"; cp "$1.next" "$1""#).await;
}

#[tokio::test]
async fn forced_link_is_seen() {
    rotate_with(
        r#"printf '%s\n' "$2" > "$1.$2"; chmod 600 "$1.$2"; ln -sf "$1.$2" "$1.link"; mv "$1.link" "$1""#,
    )
    .await;
}

/// As vim does with `backupcopy=no`: the old file becomes the backup, and a new one is created.
#[tokio::test]
async fn editor_with_a_backup_is_seen() {
    rotate_with(r#"umask 077; mv "$1" "$1~"; printf '%s\n' "$2" > "$1"; rm "$1~""#).await;
}

/// As vim does with `backupcopy=yes`: the old content is copied, and the file written in place.
#[tokio::test]
async fn editor_that_writes_in_place_is_seen() {
    rotate_with(r#"cp "$1" "$1~"; printf '%s\n' "$2" > "$1"; rm "$1~""#).await;
}

#[cfg(target_os = "linux")]
mod linux {
    use super::*;

    #[tokio::test]
    async fn sed_in_place_is_seen() {
        rotate_with(r#"sed -i "s/.*/$2/" "$1""#).await;
    }

    #[tokio::test]
    async fn cp_reflink_is_seen() {
        rotate_with(r#"printf '%s\n' "$2" > "$1.next"; cp --reflink=auto "$1.next" "$1""#).await;
    }

    #[tokio::test]
    async fn install_is_seen() {
        rotate_with(r#"printf '%s\n' "$2" > "$1.next"; install -m 600 "$1.next" "$1""#).await;
    }

    #[tokio::test]
    async fn write_to_tmpfs_is_seen() {
        let directory = tempfile::tempdir_in("/dev/shm").unwrap();
        let path = directory.path().join("openai");
        write(&path, "sk-0");
        let mut key = Followed::start(&path).await;
        run(r#"printf '%s\n' "$2" > "$1""#, &path, "sk-1");
        key.becomes("sk-1").await;
    }
}
