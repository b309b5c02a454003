//! Where a key comes from.

/// Where a key comes from, and so what is known of its strength.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Provenance {
    /// It was made here, of 256 random bits.
    #[default]
    Issued,
    /// It was made elsewhere, and looked strong when it was taken in.
    Imported,
    /// It was made elsewhere, and nobody here has seen more of it than its digest.
    Unchecked,
}
