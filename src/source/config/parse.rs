//! A source as a single command-line argument.

use std::str::FromStr;

use super::SourceConfig;
use crate::source::error::SourceError;

impl FromStr for SourceConfig {
    type Err = SourceError;

    /// Parses one of the texts in the table of [`SourceConfig`].
    ///
    /// The field of a file is what follows the last `#`. Use [`SourceConfig::file`] for a path with
    /// a `#`.
    ///
    /// # Errors
    ///
    /// Returns an error of kind
    /// [`SourceErrorKind::Invalid`](crate::source::SourceErrorKind::Invalid) for anything else. It
    /// does not contain the text, which may be a key that was passed by mistake.
    fn from_str(text: &str) -> Result<Self, SourceError> {
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Ok(Self::env(name)),
            #[cfg(feature = "file")]
            Some(("file", rest)) => match rest.rsplit_once('#') {
                None if !rest.is_empty() => Ok(Self::file(rest)),
                Some((path, name)) if !path.is_empty() && !name.is_empty() => {
                    Ok(Self::file_field(path, name))
                }
                _ => Err(not_a_source()),
            },
            #[cfg(feature = "exec")]
            Some(("exec", program)) if !program.is_empty() => {
                Ok(Self::Exec(super::ExecConfig::new(program)))
            }
            #[cfg(feature = "http")]
            Some(("https" | "http", _)) => http(text),
            #[cfg(feature = "vault")]
            Some(("vault", place)) => vault(place),
            _ => Err(not_a_source()),
        }
    }
}

fn not_a_source() -> SourceError {
    SourceError::invalid(
        "not a source of a secret; write file:PATH, file:PATH#FIELD, env:NAME, exec:PROGRAM, \
         https://HOST/PATH#/pointer or vault:MOUNT/PATH#FIELD (the last three are features)",
    )
}

#[cfg(feature = "http")]
fn http(text: &str) -> Result<SourceConfig, SourceError> {
    let (url, pointer) = match text.split_once('#') {
        Some((url, pointer)) => (url, Some(pointer.to_owned())),
        None => (text, None),
    };
    if pointer
        .as_ref()
        .is_some_and(|pointer| !pointer.starts_with('/'))
    {
        return Err(SourceError::invalid(
            "what follows the # of an endpoint is a JSON pointer, such as #/data/key",
        ));
    }
    url.parse::<crate::source::Endpoint>()?;
    let mut config = super::HttpConfig::new(url);
    config.pointer = pointer;
    Ok(SourceConfig::Http(config))
}

#[cfg(feature = "vault")]
fn vault(place: &str) -> Result<SourceConfig, SourceError> {
    let parts = place
        .rsplit_once('#')
        .and_then(|(path, field)| Some((path.split_once('/')?, field)));
    match parts {
        Some(((mount, path), field)) if ![mount, path, field].contains(&"") => Ok(
            SourceConfig::Vault(super::VaultConfig::kv2(mount, path, field)),
        ),
        _ => Err(SourceError::invalid(
            "not a secret of Vault; write vault:MOUNT/PATH#FIELD, such as vault:secret/openai#api_key",
        )),
    }
}
