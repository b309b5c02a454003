//! The owner of a directory swaps what is in it while root works there.

use std::fs;
use std::os::unix::fs::{lchown, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::hostile::work_as_root;
use super::{OTHER, Victim, folder_of_root, give};

const ROUNDS: usize = 100;
const NAMES: [&str; 7] = [
    "keys.toml",
    "keys.toml.lock",
    "keys.toml.next",
    "keys.toml.serial",
    "batch.key",
    "batch.key.next",
    "keys.toml.used.next",
];

/// Makes a link that belongs to the other user from the start, and renames it to `at`.
fn swap_in_link(to: &Path, at: &Path, beside: &Path) {
    if symlink(to, beside).is_ok() {
        lchown(beside, Some(OTHER), Some(OTHER)).unwrap();
        let _ = fs::rename(beside, at);
        let _ = fs::remove_file(beside);
    }
}

/// Runs root's work many times, and `swap` in a loop beside it.
fn beside_work(folder: &Path, swap: impl Fn(usize) + Sync) {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0.. {
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
                swap(round);
            }
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        for _ in 0..ROUNDS {
            runtime.block_on(work_as_root(folder));
        }
        is_over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn swapped_names_let_root_change_nothing_outside() {
    let Some(parent) = folder_of_root() else {
        return;
    };
    let victim = Victim::new();
    let folder = parent.path().join("theirs");
    fs::create_dir(&folder).unwrap();
    give(&folder, OTHER);
    let aside = parent.path().join("aside");
    beside_work(&folder, |round| {
        let at = folder.join(NAMES[round % NAMES.len()]);
        match round / NAMES.len() % 3 {
            0 => swap_in_link(&victim.path(), &at, &aside),
            1 => {
                let _ = fs::remove_file(&at);
                let _ = fs::hard_link(victim.path(), &at);
            }
            _ => drop(fs::remove_file(&at)),
        }
    });
    victim.is_untouched("swapped names");
}

#[test]
fn swapped_folder_lets_root_change_nothing_outside() {
    let Some(parent) = folder_of_root() else {
        return;
    };
    let victim = Victim::new();
    let theirs = parent.path().join("theirs");
    let folder = theirs.join("keys");
    fs::create_dir_all(&folder).unwrap();
    for path in [&theirs, &folder] {
        give(path, OTHER);
    }
    let (aside, link) = (theirs.join("aside"), theirs.join("link"));
    beside_work(&folder, |_| {
        let _ = fs::rename(&folder, &aside);
        swap_in_link(victim.folder.path(), &folder, &link);
        let _ = fs::remove_file(&folder);
        let _ = fs::rename(&aside, &folder);
    });
    victim.is_untouched("a swapped folder");
}
