//! Why a text is not a key file.

use std::error::Error;
use std::fmt;

use crate::inbound::key_set::set::InvalidKeySet;

/// Why a text is not a key file. It tells where and what, and quotes nothing that may be secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidKeyFile {
    /// Not TOML of this shape; the line, and the field where that is known to be harmless to name.
    Shape {
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        what: String,
    },
    /// A version that this crate does not read.
    Version(u32),
    /// A field of a client or key has a value that it cannot have.
    Field {
        /// Which entry, by table and position from 1.
        entry: String,
        /// Which field.
        field: &'static str,
        /// What it should be.
        what: String,
    },
    /// A key itself stands in the file, where its digest or its name belongs.
    PlainKey {
        /// Which entry, by table and position from 1.
        entry: String,
    },
    /// The keys do not make a set.
    Set(InvalidKeySet),
}

impl fmt::Display for InvalidKeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shape { line, what } => write!(f, "not a key file: line {line}: {what}"),
            Self::Version(version) => {
                write!(
                    f,
                    "not a key file that can be read: version {version}, not 1"
                )
            }
            Self::Field { entry, field, what } => write!(f, "{entry}: {field} should be {what}"),
            Self::PlainKey { entry } => {
                write!(
                    f,
                    "{entry}: a key itself does not belong here; store its digest, and name it something else"
                )
            }
            Self::Set(_) => f.write_str("the keys of the file do not make a set"),
        }
    }
}

impl Error for InvalidKeyFile {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Set(invalid) => Some(invalid),
            _ => None,
        }
    }
}
