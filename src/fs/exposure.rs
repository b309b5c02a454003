//! Who else may access a file.

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
