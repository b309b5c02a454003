//! Who else may access a file, or replace it.

use std::fmt;
use std::path::PathBuf;

/// Who may access a file besides its owner, as far as its mode shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(all(unix, not(portable_only))),
    expect(dead_code, reason = "only Unix has permission bits")
)]
pub(crate) enum Exposure {
    /// Nobody, or a group that may read it.
    Private,
    /// Everybody may read it.
    Readable { mode: u32 },
    /// The group or everybody may write it.
    Writable { mode: u32 },
}

/// Why somebody else could replace a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(all(unix, not(portable_only))),
    expect(dead_code, reason = "only Unix has owners and permission bits")
)]
pub(crate) enum Distrust {
    /// Another user owns the file.
    Owner { uid: u32 },
    /// Others may write in the directory that holds the file, or a link to it.
    Directory { path: PathBuf, uid: u32, mode: u32 },
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner { uid } => write!(
                f,
                "belongs to user {uid}, who could replace the keys; give it to root or to the user who reads it"
            ),
            Self::Directory { path, uid, mode } => write!(
                f,
                "is in a directory that others may write to ({path:?}, owner {uid}, mode {mode:04o}), who could \
                 replace the file; run `chmod go-w` on the directory, or give it to root"
            ),
        }
    }
}
