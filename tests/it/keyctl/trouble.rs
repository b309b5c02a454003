//! A disk that is full, and an output that nobody reads.

use std::fs::{self, File};
use std::process::Command;

use super::program::Desk;
use crate::support::child::{again_as, in_child};

/// Runs again where it may mount.
#[test]
fn on_a_disk_that_is_full_nothing_changes_and_the_error_says_so() {
    if !in_child() {
        again_as(
            &["--user", "--map-root-user", "--mount"],
            "true",
            "keyctl::trouble::on_a_disk_that_is_full_nothing_changes_and_the_error_says_so",
        );
        return;
    }
    let desk = Desk::new();
    let mut mount = Command::new("mount");
    let mount = mount.args(["-t", "tmpfs", "-o", "size=16k", "none"]);
    assert!(mount.arg(desk.folder.path()).status().unwrap().success());

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
    let mut names: Vec<_> = fs::read_dir(&desk.folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["keys.toml", "keys.toml.lock"]);

    let unmounted = Command::new("umount").arg(desk.folder.path()).status();
    assert!(unmounted.unwrap().success(), "the folder cannot be removed");
}

#[test]
fn a_key_that_could_not_be_handed_over_is_named_to_be_revoked() {
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
            "the key {id} is in the file and lost to you: revoke it"
        )),
        "{said}"
    );
}
