//! Whether a look at a file may have to wait for another machine.

use std::path::Path;

use crate::source::file::facts::Storage;

/// Returns where the file is, by the file systems of its path and of what that leads to.
#[cfg(target_os = "linux")]
pub(crate) fn storage(path: &Path, target: Option<&Path>) -> Storage {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."));
    match target {
        Some(target) if is_local(folder) && is_local(target) => Storage::Local,
        _ => Storage::Unknown,
    }
}

#[cfg(target_os = "linux")]
fn is_local(path: &Path) -> bool {
    /// The magic numbers of ext4, xfs, btrfs, tmpfs, ramfs, overlay and f2fs.
    const LOCAL: [u32; 7] = [
        0xEF53,
        0x5846_5342,
        0x9123_683E,
        0x0102_1994,
        0x8584_58F6,
        0x794C_7630,
        0xF2F5_2010,
    ];
    rustix::fs::statfs(path)
        .is_ok_and(|found| u32::try_from(found.f_type).is_ok_and(|found| LOCAL.contains(&found)))
}

/// Returns [`Storage::Unknown`]: nothing is known here.
#[cfg(not(target_os = "linux"))]
pub(crate) const fn storage(_: &Path, _: Option<&Path>) -> Storage {
    Storage::Unknown
}
