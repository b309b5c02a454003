//! Who else may get at the file.

/// Who besides the owner may get at the file, as far as that can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(all(unix, not(portable_only))),
    expect(dead_code, reason = "only Unix has permission bits to tell")
)]
pub(crate) enum Exposure {
    /// Nobody, or a group that may read it.
    Private,
    /// Everybody may read it.
    Readable { mode: u32 },
    /// The group or everybody may write it.
    Writable { mode: u32 },
}
