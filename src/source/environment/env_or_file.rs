//! A variable that holds a secret, or one beside it that names a file.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;

use crate::secret::Secret;
use crate::source::env::EnvSource;
use crate::source::error::SourceError;
use crate::source::fetch::{Fetch, Fetched};
#[cfg(feature = "file")]
use crate::source::file::FileSource;
use crate::source::refresh_interval::RefreshInterval;
use crate::source::source_trait::{BoxSource, Source};

/// A source of the secret in an environment variable, or in the file that the variable with the
/// suffix `_FILE` names, as images of containers have it.
///
/// A variable that is set to nothing counts as not set. The file is watched, and needs the feature
/// `file`.
///
/// # Examples
///
/// ```
/// use tower_rotating_auth::source::{EnvOrFile, SourceError};
///
/// // OPENAI_API_KEY, or the file that OPENAI_API_KEY_FILE names.
/// let found = EnvOrFile::find("OPENAI_API_KEY")?;
/// # let _ = found;
/// # Ok::<_, SourceError>(())
/// ```
pub struct EnvOrFile {
    name: String,
    source: BoxSource<Secret>,
}

/// Where the secret is.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    Variable,
    File(OsString),
}

impl EnvOrFile {
    /// Creates a source of the variable `name`, or of the file that `<name>_FILE` names.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`SourceErrorKind::Permanent`] if neither is set, or both are.
    ///
    /// [`SourceErrorKind::Permanent`]: crate::source::SourceErrorKind::Permanent
    pub fn new(name: &str) -> Result<Self, SourceError> {
        Self::find(name)?
            .ok_or_else(|| SourceError::permanent(format!("neither {name} nor {name}_FILE is set")))
    }

    /// Creates the source, or returns `None` if neither variable is set.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`SourceErrorKind::Permanent`] if both are set.
    ///
    /// [`SourceErrorKind::Permanent`]: crate::source::SourceErrorKind::Permanent
    pub fn find(name: &str) -> Result<Option<Self>, SourceError> {
        let place = place(name, |name| env::var_os(name))?;
        let source = place.map(|place| match place {
            Place::Variable => Ok(EnvSource::new(name).boxed()),
            Place::File(path) => file(name, path),
        });
        let source = source.transpose()?;
        Ok(source.map(|source| Self {
            name: name.to_owned(),
            source,
        }))
    }
}

#[cfg(feature = "file")]
fn file(_: &str, path: OsString) -> Result<BoxSource<Secret>, SourceError> {
    Ok(FileSource::new(path).boxed())
}

#[cfg(not(feature = "file"))]
fn file(name: &str, _: OsString) -> Result<BoxSource<Secret>, SourceError> {
    Err(SourceError::permanent(format!(
        "{name}_FILE needs the feature `file` of tower-rotating-auth"
    )))
}

fn place(
    name: &str,
    variable: impl Fn(&OsStr) -> Option<OsString>,
) -> Result<Option<Place>, SourceError> {
    let file_name = format!("{name}_FILE");
    let [value, path] =
        [name, &file_name].map(|name| variable(name.as_ref()).filter(|value| !value.is_empty()));
    match (value, path) {
        (None, None) => Ok(None),
        (Some(_), None) => Ok(Some(Place::Variable)),
        (None, Some(path)) => Ok(Some(Place::File(path))),
        (Some(_), Some(_)) => Err(SourceError::permanent(format!(
            "{name} and {file_name} are both set; unset one of them"
        ))),
    }
}

impl Source for EnvOrFile {
    type Value = Secret;

    async fn fetch(&mut self, request: Fetch<'_, Secret>) -> Result<Fetched<Secret>, SourceError> {
        self.source.fetch(request).await
    }

    async fn changed(&mut self) {
        self.source.changed().await;
    }

    fn refresh_interval(&self) -> RefreshInterval {
        self.source.refresh_interval()
    }
}

impl fmt::Debug for EnvOrFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnvOrFile")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceErrorKind;

    fn place_of(value: Option<&str>, path: Option<&str>) -> Result<Option<Place>, SourceError> {
        place("KEY", |name| match name.to_str() {
            Some("KEY") => value.map(OsString::from),
            Some("KEY_FILE") => path.map(OsString::from),
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn variable_or_file_is_chosen_by_what_is_set() {
        let file = || Place::File("/run/key".into());
        for (value, path, expected) in [
            (None, None, None),
            (Some(""), Some(""), None),
            (Some("sk-1"), None, Some(Place::Variable)),
            (Some("sk-1"), Some(""), Some(Place::Variable)),
            (None, Some("/run/key"), Some(file())),
            (Some(""), Some("/run/key"), Some(file())),
        ] {
            assert_eq!(
                place_of(value, path).unwrap(),
                expected,
                "{value:?} {path:?}"
            );
        }
    }

    #[test]
    fn both_variables_are_an_error_that_names_them() {
        let error = place_of(Some("sk-1"), Some("/run/key")).unwrap_err();
        assert_eq!(error.kind(), SourceErrorKind::Permanent);
        let text = error.to_string();
        assert!(text.contains("KEY and KEY_FILE"), "{text}");
        assert!(!text.contains("sk-1"), "{text}");
    }
}
