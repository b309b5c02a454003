//! Volumes of containers: file systems that are mounted, and files that are mounted alone.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use tempfile::tempdir;
use tracing_subscriber::fmt::MakeWriter;

use super::support::{Followed, LOOKED_AT, WATCHED, in_mount_namespace, replacement, run, write};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Records the warnings of this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn has(&self, words: &str) -> bool {
        String::from_utf8_lossy(&self.0.lock().unwrap()).contains(words)
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Docker's `-v ./openai:/run/openai`: a file that is mounted alone.
#[tokio::test]
async fn file_mounted_alone_is_followed_and_warned_about() {
    if !in_mount_namespace("mounts::file_mounted_alone_is_followed_and_warned_about") {
        return;
    }
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).finish();
    let _logged = tracing::subscriber::set_default(subscriber);
    let (host, container) = (tempdir().unwrap(), tempdir().unwrap());
    let [source, path] = [&host, &container].map(|folder| folder.path().join("openai"));
    write(&source, "sk-0");
    write(&path, "");
    run("mount", &["--bind", text(&source), text(&path)]);
    let mut key = Followed::start(&path).await;
    assert!(log.has("mount of its own"));
    for number in 1..=5 {
        let content = format!("sk-{number}");
        write(&source, &content); // in place, on the host
        key.becomes(&content, LOOKED_AT).await;
    }
    write(&path, "sk-6"); // in place, in the container
    key.becomes("sk-6", LOOKED_AT).await;

    replacement(&source, "sk-7")();
    key.key.refresh().await.unwrap();
    assert_eq!(key.key.current().expose_secret(), b"sk-6");
    assert!(log.has("will not change any more"));
    run("umount", &[text(&path)]);
    run("mount", &["--bind", text(&source), text(&path)]);
    key.becomes("sk-7", LOOKED_AT).await;
    run("umount", &[text(&path)]);
}

/// A folder that is mounted: writes on the host are seen.
#[tokio::test]
async fn mounted_folder_is_followed() {
    if !in_mount_namespace("mounts::mounted_folder_is_followed") {
        return;
    }
    let (host, container) = (tempdir().unwrap(), tempdir().unwrap());
    let source = host.path().join("openai");
    write(&source, "sk-0");
    run(
        "mount",
        &["--bind", text(host.path()), text(container.path())],
    );
    let mut key = Followed::start(&container.path().join("openai")).await;
    for number in 1..=10 {
        let content = format!("sk-{number}");
        if number % 2 == 0 {
            write(&source, &content);
        } else {
            replacement(&source, &content)();
        }
        key.becomes(&content, WATCHED).await;
    }
    run("umount", &[text(container.path())]);
}

#[tokio::test]
async fn file_on_tmpfs_is_followed() {
    if !in_mount_namespace("mounts::file_on_tmpfs_is_followed") {
        return;
    }
    let folder = tempdir().unwrap();
    run("mount", &["-t", "tmpfs", "none", text(folder.path())]);
    let path = folder.path().join("openai");
    write(&path, "sk-0");
    let mut key = Followed::start(&path).await;
    for number in 1..=10 {
        let content = format!("sk-{number}");
        if number % 2 == 0 {
            write(&path, &content);
        } else {
            replacement(&path, &content)();
        }
        key.becomes(&content, WATCHED).await;
    }
    run("umount", &[text(folder.path())]);
}

/// The first write to a file of an image copies it up: another file takes its place.
#[tokio::test]
async fn overlay_copy_up_is_followed() {
    if !in_mount_namespace("mounts::overlay_copy_up_is_followed") {
        return;
    }
    let folder = tempdir().unwrap();
    run("mount", &["-t", "tmpfs", "none", text(folder.path())]);
    let [lower, upper, work, merged] =
        ["lower", "upper", "work", "merged"].map(|name| folder.path().join(name));
    for layer in [&lower, &upper, &work, &merged] {
        fs::create_dir(layer).unwrap();
    }
    write(&lower.join("openai"), "sk-0");
    let layers = format!(
        "lowerdir={},upperdir={},workdir={}",
        text(&lower),
        text(&upper),
        text(&work)
    );
    run(
        "mount",
        &["-t", "overlay", "overlay", "-o", &layers, text(&merged)],
    );
    let path = merged.join("openai");
    let mut key = Followed::start(&path).await;
    for number in 1..=5 {
        let content = format!("sk-{number}");
        write(&path, &content);
        key.becomes(&content, LOOKED_AT).await;
    }
    run("umount", &[text(&merged)]);
    run("umount", &[text(folder.path())]);
}

/// A volume that is mounted over the folder of the key.
#[tokio::test]
async fn volume_mounted_later_is_followed() {
    if !in_mount_namespace("mounts::volume_mounted_later_is_followed") {
        return;
    }
    let folder = tempdir().unwrap();
    let path = folder.path().join("openai");
    write(&path, "sk-0");
    let volume = tempdir().unwrap();
    write(&volume.path().join("openai"), "sk-1");
    let mut key = Followed::start(&path).await;
    run(
        "mount",
        &["--bind", text(volume.path()), text(folder.path())],
    );
    key.becomes("sk-1", LOOKED_AT).await;
    write(&path, "sk-2");
    key.becomes("sk-2", WATCHED).await;
    run("umount", &[text(folder.path())]);
    key.becomes("sk-0", LOOKED_AT).await;
}
