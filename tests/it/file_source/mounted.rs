//! A volume that is mounted over an existing directory after the start.

use std::fs;
use std::process::Command;

use super::support::{Desk, write};
use super::watch::Watched;
use crate::support::child::{again_as, in_child};

/// Runs again in a namespace that may mount. A mount causes no event: the next look finds it, and
/// watches it.
#[tokio::test(start_paused = true)]
async fn mounted_volume_is_watched_once_found() {
    if !in_child() {
        again_as(
            &["--user", "--map-root-user", "--mount"],
            "true",
            "file_source::mounted::mounted_volume_is_watched_once_found",
        );
        return;
    }
    let desk = Desk::empty();
    let path = desk.at("keys/openai");
    fs::create_dir(desk.at("keys")).unwrap();
    write(&path, "sk-0");
    let mut key = Watched::start(&path).await;

    let mut mount = Command::new("mount");
    let mount = mount.args(["-t", "tmpfs", "none"]).arg(desk.at("keys"));
    assert!(mount.status().unwrap().success());
    write(&path, "sk-1");
    key.becomes("sk-1").await;
    write(&path, "sk-2");
    key.becomes("sk-2").await;

    let unmounted = Command::new("umount").arg(desk.at("keys")).status();
    assert!(
        unmounted.unwrap().success(),
        "the directory cannot be removed"
    );
}
