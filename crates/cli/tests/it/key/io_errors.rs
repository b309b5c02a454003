//! A full disk, and an output that nobody reads.

use std::ffi::OsString;
use std::fs::{self, File};
use std::process::Command;

use super::program::Workspace;
use crate::child::{again_as, in_child};

/// The test of this name again, where it may mount.
fn again(test: &str) {
    let namespace = ["--user", "--map-root-user", "--mount"];
    again_as(&namespace, "true", &format!("key::io_errors::{test}"));
}

/// A folder on a disk of 16 KiB.
fn small() -> Workspace {
    let workspace = Workspace::new();
    let mut mount = Command::new("mount");
    let mount = mount.args(["-t", "tmpfs", "-o", "size=16k", "none"]);
    assert!(
        mount
            .arg(workspace.folder.path())
            .status()
            .unwrap()
            .success()
    );
    workspace
}

fn unmount(workspace: &Workspace) {
    let unmounted = Command::new("umount").arg(workspace.folder.path()).status();
    assert!(unmounted.unwrap().success(), "the folder cannot be removed");
}

fn names(workspace: &Workspace) -> Vec<OsString> {
    let entries = fs::read_dir(&workspace.folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names
}

#[test]
fn full_disk_changes_nothing() {
    if !in_child() {
        return again("full_disk_changes_nothing");
    }
    let workspace = small();

    let first = workspace.key("issue --file keys.toml --client first --expires never");
    let mut written = 1;
    let (before, full) = loop {
        let before = workspace.text();
        let ended = workspace.keyctl(&format!("issue --file keys.toml --client c{written}"));
        if ended.code != Some(0) {
            break (before, ended);
        }
        written += 1;
        assert!(written < 200, "the disk is not full yet");
    };
    assert_eq!((full.code, full.stdout.as_str()), (Some(3), ""), "{full:?}");
    assert!(full.stderr.contains("No space left on device"), "{full:?}");
    assert_eq!(workspace.text(), before);
    assert_eq!(workspace.key_set().len(), written);
    assert!(workspace.is_valid(&first));
    assert_eq!(
        names(&workspace),
        ["keys.toml", "keys.toml.lock", "keys.toml.serial"]
    );
    unmount(&workspace);
}

#[test]
fn lock_made_on_full_disk_is_reusable() {
    if !in_child() {
        return again("lock_made_on_full_disk_is_reusable");
    }
    let workspace = small();
    let filler = workspace.folder.path().join("filler");
    fs::write(&filler, [0; 16 * 1024]).unwrap();
    let full = workspace.keyctl("issue --file keys.toml --client ui");
    assert_eq!(full.code, Some(3), "{full:?}");
    assert!(full.stderr.contains("No space left on device"), "{full:?}");
    assert_eq!(names(&workspace), ["filler", "keys.toml.lock"]);
    fs::remove_file(&filler).unwrap();
    workspace.key("issue --file keys.toml --client ui");
    unmount(&workspace);
}

#[test]
fn unprinted_key_is_named_in_the_error() {
    let workspace = Workspace::new();
    let nobody_reads = File::options().write(true).open("/dev/full").unwrap();
    let ended = workspace
        .command("issue --file keys.toml --client ui")
        .stdout(nobody_reads)
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(3));
    let said = String::from_utf8(ended.stderr).unwrap();
    let keys = workspace.key_set();
    let id = keys.records().next().unwrap().id();
    assert!(
        said.contains(&format!(
            "key {id} is in the file but could not be printed; revoke it"
        )),
        "{said}"
    );
}

#[test]
fn read_only_folder_is_found_by_doctor() {
    if !in_child() {
        return again("read_only_folder_is_found_by_doctor");
    }
    let workspace = small();
    workspace.key("issue --file keys.toml --client ui");
    let mut mount = Command::new("mount");
    let mount = mount
        .args(["-o", "remount,ro"])
        .arg(workspace.folder.path());
    assert!(mount.status().unwrap().success());
    let found = workspace.keyctl("doctor --file keys.toml");
    assert_eq!(found.code, Some(1), "{found:?}");
    assert!(
        found.stdout.contains("may not write in the directory"),
        "{found:?}"
    );
    let written = workspace.keyctl("issue --file keys.toml --client other");
    assert_eq!(written.code, Some(3), "{written:?}");
    assert!(written.stderr.contains("mount it writable"), "{written:?}");
    unmount(&workspace);
}

#[test]
fn file_mounted_by_itself_is_named_as_the_cause() {
    if !in_child() {
        return again("file_mounted_by_itself_is_named_as_the_cause");
    }
    let workspace = Workspace::new();
    let first = workspace.key("issue --file keys.toml --client ui");
    let mut mount = Command::new("mount");
    let mount = mount
        .arg("--bind")
        .args([workspace.file(), workspace.file()]);
    assert!(mount.status().unwrap().success());
    let before = workspace.text();
    let written = workspace.keyctl("issue --file keys.toml --client other");
    assert_eq!(
        (written.code, &*written.stdout),
        (Some(3), ""),
        "{written:?}"
    );
    assert!(
        written.stderr.contains("mount its directory"),
        "{written:?}"
    );
    assert_eq!(workspace.text(), before);
    assert!(workspace.is_valid(&first));
    let unmounted = Command::new("umount").arg(workspace.file()).status();
    assert!(unmounted.unwrap().success(), "the folder cannot be removed");
}
