//! A full disk, and an output that nobody reads.

use std::ffi::OsString;
use std::fs::{self, File};
use std::process::Command;

use super::program::Desk;
use crate::child::{again_as, in_child};

/// The test of this name again, where it may mount.
fn again(test: &str) {
    let namespace = ["--user", "--map-root-user", "--mount"];
    again_as(&namespace, "true", &format!("key::io_errors::{test}"));
}

/// A folder on a disk of 16 KiB.
fn small() -> Desk {
    let desk = Desk::new();
    let mut mount = Command::new("mount");
    let mount = mount.args(["-t", "tmpfs", "-o", "size=16k", "none"]);
    assert!(mount.arg(desk.folder.path()).status().unwrap().success());
    desk
}

fn unmount(desk: &Desk) {
    let unmounted = Command::new("umount").arg(desk.folder.path()).status();
    assert!(unmounted.unwrap().success(), "the folder cannot be removed");
}

fn names(desk: &Desk) -> Vec<OsString> {
    let entries = fs::read_dir(&desk.folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names
}

#[test]
fn full_disk_changes_nothing() {
    if !in_child() {
        return again("full_disk_changes_nothing");
    }
    let desk = small();

    let first = desk.key("issue --file keys.toml --client first --expires never");
    let mut written = 1;
    let (before, full) = loop {
        let before = desk.text();
        let ended = desk.keyctl(&format!("issue --file keys.toml --client c{written}"));
        if ended.code != Some(0) {
            break (before, ended);
        }
        written += 1;
        assert!(written < 200, "the disk is not full yet");
    };
    assert_eq!((full.code, full.stdout.as_str()), (Some(3), ""), "{full:?}");
    assert!(full.stderr.contains("No space left on device"), "{full:?}");
    assert_eq!(desk.text(), before);
    assert_eq!(desk.key_set().len(), written);
    assert!(desk.is_valid(&first));
    assert_eq!(
        names(&desk),
        ["keys.toml", "keys.toml.lock", "keys.toml.serial"]
    );
    unmount(&desk);
}

#[test]
fn lock_made_on_full_disk_is_reusable() {
    if !in_child() {
        return again("lock_made_on_full_disk_is_reusable");
    }
    let desk = small();
    let filler = desk.folder.path().join("filler");
    fs::write(&filler, [0; 16 * 1024]).unwrap();
    let full = desk.keyctl("issue --file keys.toml --client ui");
    assert_eq!(full.code, Some(3), "{full:?}");
    assert!(full.stderr.contains("No space left on device"), "{full:?}");
    assert_eq!(names(&desk), ["filler", "keys.toml.lock"]);
    fs::remove_file(&filler).unwrap();
    desk.key("issue --file keys.toml --client ui");
    unmount(&desk);
}

#[test]
fn unprinted_key_is_named_in_the_error() {
    let desk = Desk::new();
    let nobody_reads = File::options().write(true).open("/dev/full").unwrap();
    let ended = desk
        .command("issue --file keys.toml --client ui")
        .stdout(nobody_reads)
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(3));
    let said = String::from_utf8(ended.stderr).unwrap();
    let keys = desk.key_set();
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
    let desk = small();
    desk.key("issue --file keys.toml --client ui");
    let mut mount = Command::new("mount");
    let mount = mount.args(["-o", "remount,ro"]).arg(desk.folder.path());
    assert!(mount.status().unwrap().success());
    let found = desk.keyctl("doctor --file keys.toml");
    assert_eq!(found.code, Some(1), "{found:?}");
    assert!(
        found.stdout.contains("may not write in the directory"),
        "{found:?}"
    );
    let written = desk.keyctl("issue --file keys.toml --client other");
    assert_eq!(written.code, Some(3), "{written:?}");
    assert!(written.stderr.contains("mount it writable"), "{written:?}");
    unmount(&desk);
}

#[test]
fn file_mounted_by_itself_is_named_as_the_cause() {
    if !in_child() {
        return again("file_mounted_by_itself_is_named_as_the_cause");
    }
    let desk = Desk::new();
    let first = desk.key("issue --file keys.toml --client ui");
    let mut mount = Command::new("mount");
    let mount = mount.arg("--bind").args([desk.file(), desk.file()]);
    assert!(mount.status().unwrap().success());
    let before = desk.text();
    let written = desk.keyctl("issue --file keys.toml --client other");
    assert_eq!(
        (written.code, &*written.stdout),
        (Some(3), ""),
        "{written:?}"
    );
    assert!(
        written.stderr.contains("mount its directory"),
        "{written:?}"
    );
    assert_eq!(desk.text(), before);
    assert!(desk.is_valid(&first));
    let unmounted = Command::new("umount").arg(desk.file()).status();
    assert!(unmounted.unwrap().success(), "the folder cannot be removed");
}
