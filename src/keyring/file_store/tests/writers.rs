//! Several writers at the same time.

use std::env;
use std::process::{Command, Stdio};
use std::thread;

use super::{Folder, add, with_one_more};
use crate::keyring::file_store::commit;
use crate::keyring::state::KeyRingState;
use crate::keyring::store::StoreErrorKind;

const FILE: &str = "TEST_WRITES_THIS_FILE_WITH_OTHERS";
const NAME: &str = "TEST_WRITER_IS_CALLED";

fn keys(writer: &str) -> impl Iterator<Item = String> + use<'_> {
    (0..15).map(move |n| format!("{writer}-{n}"))
}

fn all_are_there(folder: &Folder, writers: &[&str]) {
    let state = commit::load(&folder.file).unwrap();
    let expected: Vec<_> = writers.iter().flat_map(|writer| keys(writer)).collect();
    for name in &expected {
        assert!(state.key(&name.parse().unwrap()).is_some(), "{name}");
    }
    assert_eq!(state.keys().count(), expected.len());
    assert_eq!(state.serial(), u64::try_from(expected.len()).unwrap());
}

#[test]
fn two_threads_lose_no_change() {
    let folder = Folder::new();
    thread::scope(|scope| {
        for writer in ["a", "b"] {
            scope.spawn(|| add(&folder.file, keys(writer)));
        }
    });
    all_are_there(&folder, &["a", "b"]);
}

#[test]
fn three_processes_lose_no_change() {
    if let Some(file) = env::var_os(FILE) {
        return add(file.as_ref(), keys(&env::var(NAME).unwrap()));
    }
    let folder = Folder::new();
    let children = ["a", "b", "c"].map(|writer| {
        Command::new(env::current_exe().unwrap())
            .args([
                "--exact",
                "keyring::file_store::tests::writers::three_processes_lose_no_change",
            ])
            .env(FILE, &folder.file)
            .env(NAME, writer)
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    });
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    all_are_there(&folder, &["a", "b", "c"]);
}

#[test]
fn commit_on_other_content_is_stale() {
    let folder = Folder::new();
    add(&folder.file, ["one".into()]);
    let base = commit::load(&folder.file).unwrap();
    add(&folder.file, ["two".into()]);
    let late = commit::commit(&folder.file, &base, &with_one_more(&base, "late"), |_| {
        Ok(())
    });
    assert!(
        matches!(&late, Err(error) if error.kind() == StoreErrorKind::Conflict),
        "{late:?}"
    );

    let base = commit::load(&folder.file).unwrap();
    let text = std::fs::read_to_string(&folder.file).unwrap();
    let edited = text.replace("id = \"c\"\n", "id = \"c\"\nenabled = false\n");
    assert_ne!(edited, text);
    std::fs::write(&folder.file, edited).unwrap();
    let late = commit::commit(&folder.file, &base, &with_one_more(&base, "late"), |_| {
        Ok(())
    });
    assert!(
        matches!(&late, Err(error) if error.kind() == StoreErrorKind::Conflict),
        "{late:?}"
    );
}

#[test]
fn older_copy_is_refused_until_its_number_is_raised() {
    let folder = Folder::new();
    add(&folder.file, ["one".into()]);
    let old = std::fs::read_to_string(&folder.file).unwrap();
    add(&folder.file, ["two".into()]);
    std::fs::write(&folder.file, &old).unwrap();
    let error = commit::load(&folder.file).unwrap_err().to_string();
    assert!(error.contains("serial 1, but 2 was written"), "{error}");
    let base = KeyRingState::empty();
    let written = commit::commit(&folder.file, &base, &with_one_more(&base, "k"), |_| Ok(()));
    assert!(
        matches!(&written, Err(error) if error.kind() == StoreErrorKind::Failed),
        "{written:?}"
    );

    let meant = old.replace("serial = 1", "serial = 3");
    std::fs::write(&folder.file, meant).unwrap();
    assert_eq!(commit::load(&folder.file).unwrap().keys().count(), 1);
}

#[test]
fn deleted_file_is_not_an_empty_one() {
    let folder = Folder::new();
    assert_eq!(commit::load(&folder.file).unwrap(), KeyRingState::empty());
    add(&folder.file, ["one".into()]);
    std::fs::remove_file(&folder.file).unwrap();
    let error = commit::load(&folder.file).unwrap_err().to_string();
    assert!(
        error.contains("is gone, but serial 1 was written"),
        "{error}"
    );
    std::fs::remove_file(folder.file.with_extension("toml.serial")).unwrap();
    assert_eq!(commit::load(&folder.file).unwrap(), KeyRingState::empty());
}

#[test]
fn unreadable_note_is_an_error() {
    let folder = Folder::new();
    add(&folder.file, ["one".into()]);
    let note = folder.file.with_extension("toml.serial");
    let next = |base: &KeyRingState| {
        let next = with_one_more(base, "next");
        commit::commit(&folder.file, base, &next, |_| Ok(()))
    };
    let base = commit::load(&folder.file).unwrap();
    std::fs::write(&note, "a serial\n").unwrap();
    let error = commit::load(&folder.file).unwrap_err().to_string();
    assert!(error.contains("keys.toml.serial"), "{error}");
    next(&base).unwrap_err();
    std::fs::remove_file(&note).unwrap();
    std::fs::create_dir(&note).unwrap();
    commit::load(&folder.file).unwrap_err();

    std::fs::remove_dir(&note).unwrap();
    next(&base).unwrap();
}

#[test]
fn empty_note_is_written_by_the_next_commit() {
    let folder = Folder::new();
    let note = folder.file.with_extension("toml.serial");
    std::fs::write(&note, "").unwrap();
    assert_eq!(commit::load(&folder.file).unwrap(), KeyRingState::empty());
    add(&folder.file, ["one".into()]);
    let note = std::fs::read_to_string(&note).unwrap();
    assert_eq!(note.trim_start_matches('0'), "1\n");
}

#[test]
fn old_note_counts_while_it_is_the_higher() {
    let folder = Folder::new();
    let old_note = folder.file.with_extension("toml.generation");
    add(&folder.file, ["one".into()]);
    let text = std::fs::read_to_string(&folder.file).unwrap();
    let note = folder.file.with_extension("toml.serial");

    // As an earlier version left it: its own name of the counter, and its own note.
    std::fs::remove_file(&note).unwrap();
    std::fs::write(&old_note, "00000000000000000004\n").unwrap();
    let old = |n| text.replace("serial = 1", &format!("generation = {n}"));
    std::fs::write(&folder.file, old(3)).unwrap();
    let error = commit::load(&folder.file).unwrap_err().to_string();
    assert!(error.contains("serial 3, but 4 was written"), "{error}");
    std::fs::write(&folder.file, old(4)).unwrap();
    add(&folder.file, ["two".into()]);
    assert_eq!(
        std::fs::read_to_string(&note)
            .unwrap()
            .trim_start_matches('0'),
        "5\n"
    );
    let text = std::fs::read_to_string(&folder.file).unwrap();
    assert!(text.contains("\nserial = 5\n"), "{text}");

    // From now on the new note is the higher one.
    std::fs::write(&folder.file, old(4)).unwrap();
    let error = commit::load(&folder.file).unwrap_err().to_string();
    assert!(error.contains("serial 4, but 5 was written"), "{error}");
}

#[test]
fn missing_file_error_names_both_notes() {
    let folder = Folder::new();
    let old_note = folder.file.with_extension("toml.generation");
    add(&folder.file, ["one".into()]);
    std::fs::write(&old_note, "7\n").unwrap();
    std::fs::remove_file(&folder.file).unwrap();
    let error = commit::load(&folder.file).unwrap_err().to_string();
    let note = folder.file.with_extension("toml.serial");
    for name in [&note, &old_note] {
        let name = name.file_name().unwrap().to_str().unwrap();
        assert!(error.contains(name), "{error}");
    }
    std::fs::remove_file(&note).unwrap();
    commit::load(&folder.file).unwrap_err();
    std::fs::write(&old_note, "a serial\n").unwrap();
    let error = commit::load(&folder.file).unwrap_err().to_string();
    assert!(error.contains("keys.toml.generation"), "{error}");
    std::fs::remove_file(&old_note).unwrap();
    assert_eq!(commit::load(&folder.file).unwrap(), KeyRingState::empty());
}
