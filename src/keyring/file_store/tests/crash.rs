//! A process that ends in the middle of a write.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio, abort};

use super::{Folder, add, key, with_one_more};
use crate::inbound::Scopes;
use crate::keyring::file_store::commit;
use crate::keyring::state::{ClientEntry, KeyRingState};

const FILE: &str = "TEST_WRITES_THIS_FILE";
const STEPS: &str = "TEST_ENDS_AFTER_SO_MANY_STEPS";
const TEST: &str = "keyring::file_store::tests::crash::";

/// Runs this test again, in a process that writes this file.
fn child(folder: &Folder, test: &str) -> Command {
    let mut child = Command::new(env::current_exe().unwrap());
    child
        .args(["--exact", "--nocapture", &format!("{TEST}{test}")])
        .env(FILE, &folder.file)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    child
}

/// Returns the file to write, in a child.
fn file() -> Option<PathBuf> {
    env::var_os(FILE).map(Into::into)
}

#[test]
fn crash_at_any_step_leaves_old_or_new_content() {
    if let Some(file) = file() {
        let mut left: usize = env::var(STEPS).unwrap().parse().unwrap();
        let base = commit::load(&file).unwrap();
        let next = with_one_more(&base, &format!("k{}", base.serial()));
        let committed = commit::commit(&file, &base, &next, |_| {
            if left == 0 {
                abort();
            }
            left -= 1;
            Ok(())
        });
        return committed.unwrap();
    }
    let folder = Folder::new();
    // Enough for several chunks.
    let client = ClientEntry::new("c".parse().unwrap(), Scopes::default());
    let keys = (0..1000).map(|n| key(&format!("old-{n}")));
    let base = KeyRingState::new(1, [client], keys).unwrap();
    commit::commit(&folder.file, &KeyRingState::empty(), &base, |_| Ok(())).unwrap();

    let (mut old, mut new) = (0, 0);
    for steps in 0.. {
        let before = commit::load(&folder.file).unwrap();
        let test = "crash_at_any_step_leaves_old_or_new_content";
        let ended = child(&folder, test).env(STEPS, steps.to_string()).status();
        let after = commit::load(&folder.file).unwrap();
        if after == before {
            old += 1;
        } else {
            let name = format!("k{}", before.serial());
            assert_eq!(after, with_one_more(&before, &name), "after {steps} steps");
            new += 1;
        }
        if ended.unwrap().success() {
            break;
        }
    }
    // Old: before lock, read, create, two writes, sync and rename. New: before the directory sync,
    // before the note, and at the end.
    assert_eq!((old, new), (7, 3));
    add(&folder.file, ["after all that".replace(' ', "-")]);
    assert_eq!(
        folder.names(),
        ["keys.toml", "keys.toml.lock", "keys.toml.serial"]
    );
}

#[test]
fn killed_process_keeps_its_confirmed_writes() {
    if let Some(file) = file() {
        loop {
            let base = commit::load(&file).unwrap();
            add(&file, [format!("k{}", base.serial())]);
            println!("\nwritten: {}", base.serial() + 1);
        }
    }
    let folder = Folder::new();
    for round in 0..20 {
        let test = "killed_process_keeps_its_confirmed_writes";
        let mut child = child(&folder, test).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let said = lines
            .filter_map(|line| line.unwrap().strip_prefix("written: ")?.parse::<u64>().ok())
            .nth(round % 4)
            .unwrap();
        // At varying moments: a write takes longer than this.
        for _ in 0..round * 5000 {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let found = commit::load(&folder.file).unwrap();
        assert!(found.serial() >= said, "{said} was written");
        let keys = u64::try_from(found.keys().count()).unwrap();
        assert_eq!(keys, found.serial(), "each write adds a key");
    }
}
