//! Each error number at each step of a write.

use std::time::{Duration, SystemTime};

use rustix::io::Errno;

use super::{note, read};
use crate::fs::Step;
use crate::inbound::KeySet;
use crate::keyring::file_store::commit::find;

#[test]
fn failed_step_leaves_old_or_new_uses() {
    let steps = [
        Step::Lock,
        Step::Read,
        Step::Create,
        Step::Write,
        Step::Sync,
        Step::Rename,
        Step::SyncDirectory,
    ];
    let errnos = [
        Errno::INVAL,
        Errno::OPNOTSUPP,
        Errno::IO,
        Errno::NOSPC,
        Errno::BUSY,
        Errno::ACCESS,
    ];
    let day = SystemTime::UNIX_EPOCH + Duration::from_secs(20_000 * 24 * 60 * 60);
    for (failing, errno) in steps.into_iter().flat_map(|step| errnos.map(|e| (step, e))) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        let noted = note(&path, &KeySet::empty(), day, |step| {
            if step == failing {
                Err(errno.into())
            } else {
                Ok(())
            }
        });
        let found = read(&find(&path).unwrap().used()).unwrap();
        let is_synced = failing == Step::SyncDirectory;
        let is_fine = is_synced && matches!(errno, Errno::INVAL | Errno::OPNOTSUPP);
        assert_eq!(noted.is_ok(), is_fine, "{failing:?} {errno:?}");
        assert_eq!(found.is_some(), is_synced, "{failing:?} {errno:?}");
        note(&path, &KeySet::empty(), day, |_| Ok(())).unwrap();
        assert!(!path.with_extension("toml.used.next").exists());
    }
}
