//! The owner of the file, its access rights, and links to it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::{Folder, add, with_one_more};
use crate::keyring::file_store::commit;
use crate::keyring::state::KeyRingState;
use crate::keyring::store::StoreErrorKind;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn new_file_is_private_and_later_writes_keep_the_mode() {
    let folder = Folder::new();
    add(&folder.file, ["one".into()]);
    assert_eq!(mode(&folder.file), 0o600);
    assert_eq!(mode(&folder.file.with_extension("toml.lock")), 0o600);
    set_mode(&folder.file, 0o640);
    add(&folder.file, ["two".into()]);
    assert_eq!(mode(&folder.file), 0o640);
}

#[cfg(any(target_os = "linux", target_os = "android"))]
#[test]
fn writes_keep_the_acl() {
    use rustix::fs::{XattrFlags, getxattr, setxattr};

    const NAME: &str = "system.posix_acl_access";
    // The owner may read and write, user 1234 may read, others nothing. Each entry: tag, rights,
    // id.
    let entries: [(u16, u16, u32); 5] = [
        (0x01, 6, u32::MAX),
        (0x02, 4, 1234),
        (0x04, 0, u32::MAX),
        (0x10, 4, u32::MAX),
        (0x20, 0, u32::MAX),
    ];
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (tag, may, who) in entries {
        list.extend(tag.to_le_bytes());
        list.extend(may.to_le_bytes());
        list.extend(who.to_le_bytes());
    }
    let folder = Folder::new();
    add(&folder.file, ["one".into()]);
    if let Err(error) = setxattr(&folder.file, NAME, &list, XattrFlags::empty()) {
        eprintln!("skipped: no access control lists here: {error}");
        return;
    }
    add(&folder.file, ["two".into()]);
    let mut found = [0; 100];
    let length = getxattr(&folder.file, NAME, &mut found[..]).unwrap();
    assert_eq!(&found[..length], list);
    assert_eq!(mode(&folder.file), 0o640, "the group's bits are the mask");
}

#[test]
fn lock_is_private_and_note_is_readable() {
    let folder = Folder::new();
    let beside = |suffix: &str| folder.file.with_extension(format!("toml.{suffix}"));
    add(&folder.file, ["one".into()]);
    set_mode(&folder.file, 0o644);
    // Somebody has changed its mode.
    set_mode(&beside("lock"), 0o644);
    add(&folder.file, ["two".into()]);
    assert_eq!(mode(&folder.file), 0o644);
    assert_eq!(
        mode(&beside("lock")),
        0o600,
        "who holds it keeps all others out"
    );
    assert_eq!(mode(&beside("serial")), 0o644);
}

#[test]
fn file_writable_by_others_is_refused() {
    let folder = Folder::new();
    add(&folder.file, ["one".into()]);
    for open in [0o620, 0o602, 0o666] {
        set_mode(&folder.file, open);
        let before = fs::read(&folder.file).unwrap();
        let error = commit::load(&folder.file).unwrap_err().to_string();
        assert!(error.contains(&format!("mode {open:04o}")), "{error}");
        let base = KeyRingState::empty();
        let written = commit::commit(&folder.file, &base, &with_one_more(&base, "k"), |_| Ok(()));
        assert!(
            matches!(&written, Err(error) if error.kind() == StoreErrorKind::Failed),
            "{written:?}"
        );
        assert_eq!(fs::read(&folder.file).unwrap(), before);
    }
}

#[test]
fn link_is_kept_and_its_target_written() {
    let folder = Folder::new();
    let elsewhere = Folder::new();
    add(&elsewhere.file, ["one".into()]);
    symlink(&elsewhere.file, &folder.file).unwrap();
    add(&folder.file, ["two".into()]);
    assert_eq!(folder.names(), ["keys.toml"]);
    assert_eq!(commit::load(&elsewhere.file).unwrap().keys().count(), 2);
    assert_eq!(
        elsewhere.names(),
        ["keys.toml", "keys.toml.lock", "keys.toml.serial"]
    );
}

#[test]
fn dangling_link_and_directories_are_errors() {
    let folder = Folder::new();
    let at = |name: &str| folder.folder.path().join(name);
    symlink(at("nothing"), at("link")).unwrap();
    fs::create_dir(at("folder")).unwrap();
    for name in ["link", "folder", "missing/keys.toml"] {
        let error = commit::load(&at(name)).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
        let base = KeyRingState::empty();
        let written = commit::commit(&at(name), &base, &with_one_more(&base, "k"), |_| Ok(()));
        assert!(
            matches!(&written, Err(error) if error.kind() == StoreErrorKind::Failed),
            "{name}: {written:?}"
        );
    }
    assert!(!at("nothing").exists());
}

#[test]
fn planted_links_are_not_followed() {
    let folder = Folder::new();
    let victim = folder.folder.path().join("victim");
    fs::write(&victim, "untouched").unwrap();
    symlink(&victim, folder.file.with_extension("toml.next")).unwrap();
    add(&folder.file, ["one".into()]);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched");

    let lock = folder.file.with_extension("toml.lock");
    let base = commit::load(&folder.file).unwrap();
    fs::remove_file(&lock).unwrap();
    symlink(&victim, &lock).unwrap();
    let written = commit::commit(&folder.file, &base, &with_one_more(&base, "k"), |_| Ok(()));
    assert!(
        matches!(&written, Err(error) if error.kind() == StoreErrorKind::Failed),
        "{written:?}"
    );
    assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched");
}

#[test]
fn other_content_is_refused_and_kept() {
    let folder = Folder::new();
    for text in [
        "",
        "version = 1\nunknown = 1\n",
        "sk-8Zk1tQ0mVd7RyXw3LpHs5N\n",
        "\u{0}",
    ] {
        fs::write(&folder.file, text).unwrap();
        let error = commit::load(&folder.file).unwrap_err();
        assert!(error.to_string().contains("keys.toml"), "{error}");
        assert!(!format!("{error:?}").contains("8Zk1"), "{error:?}");
        let base = KeyRingState::empty();
        let written = commit::commit(&folder.file, &base, &with_one_more(&base, "k"), |_| Ok(()));
        assert!(
            matches!(&written, Err(error) if error.kind() == StoreErrorKind::Failed),
            "{written:?}"
        );
        assert_eq!(fs::read_to_string(&folder.file).unwrap(), text);
    }
}
