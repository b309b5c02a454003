//! The origin of a key.

/// The origin of a key, and with it what is known of its strength.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Provenance {
    /// A key ring made the key of 256 random bits.
    #[default]
    Issued,
    /// Another program made the key; it looked strong enough when it was imported.
    Imported,
    /// Another program made the key, and only its digest was imported: its strength is unknown.
    Unchecked,
}
