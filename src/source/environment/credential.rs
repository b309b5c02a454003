//! Credentials that systemd hands to a service.

use std::env;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use crate::source::error::SourceError;
use crate::source::file::FileSource;

impl FileSource {
    /// Creates a source for a credential that systemd passes to a service: the file of this name in
    /// `$CREDENTIALS_DIRECTORY`, from `LoadCredential=` or `SetCredential=`.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`SourceErrorKind::Permanent`] if systemd passed no credentials,
    /// and of kind [`SourceErrorKind::Invalid`] if `name` is no file name.
    ///
    /// [`SourceErrorKind::Invalid`]: crate::source::SourceErrorKind::Invalid
    /// [`SourceErrorKind::Permanent`]: crate::source::SourceErrorKind::Permanent
    pub fn systemd_credential(name: &str) -> Result<Self, SourceError> {
        path(name, env::var_os("CREDENTIALS_DIRECTORY")).map(Self::new)
    }
}

fn path(name: &str, directory: Option<OsString>) -> Result<PathBuf, SourceError> {
    let mut parts = Path::new(name).components();
    if !matches!(
        (parts.next(), parts.next()),
        (Some(Component::Normal(_)), None)
    ) {
        return Err(SourceError::invalid("not the name of a credential"));
    }
    let directory = directory.filter(|directory| !directory.is_empty());
    let directory = directory.ok_or_else(|| {
        SourceError::permanent(format!(
            "CREDENTIALS_DIRECTORY is not set; add LoadCredential={name}:PATH to the unit"
        ))
    })?;
    Ok(Path::new(&directory).join(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceErrorKind;

    #[test]
    fn credential_is_a_file_in_the_directory_of_systemd() {
        let directory = || Some("/run/credentials/gateway".into());
        let expected = Path::new("/run/credentials/gateway/openai");
        assert_eq!(path("openai", directory()).unwrap(), expected);
        for directory in [None, Some(OsString::new())] {
            let error = path("openai", directory).unwrap_err();
            assert_eq!(error.kind(), SourceErrorKind::Permanent);
        }
        for name in ["", ".", "..", "/etc/shadow", "../openai", "a/b"] {
            let error = path(name, directory()).unwrap_err();
            assert_eq!(error.kind(), SourceErrorKind::Invalid, "{name}");
        }
    }
}
