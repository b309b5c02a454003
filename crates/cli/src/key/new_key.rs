//! A new key: where it goes, and what is said about it.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::PathBuf;

use serde_json::{Map, Value};
use tower_rotating_auth::inbound::KeyId;
use tower_rotating_auth::keyring::{KeyRing, NewKey};

use super::format::{Moment, Style, object, scopes};
use crate::error::Error;
use crate::output::{complain, print};

/// Options about where a new key goes.
#[derive(Debug, clap::Args)]
pub(crate) struct Out {
    /// Write the key to this new file, which only its owner can read, and not to standard output.
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
}

/// The destination of a new key. An unused file is removed.
pub(super) enum Destination {
    Stdout,
    File(NewFile),
}

/// A file that is created for a key.
pub(super) struct NewFile {
    path: PathBuf,
    file: File,
    is_written: bool,
}

impl Destination {
    /// Creates the file. Call it before the key is made, so that a bad path costs no key.
    pub(super) fn open(out: Out) -> Result<Self, Error> {
        let Some(path) = out.out else {
            warn_if_others_can_read_stdout();
            return Ok(Self::Stdout);
        };
        match create(&path) {
            Ok(file) => Ok(Self::File(NewFile {
                path,
                file,
                is_written: false,
            })),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(Error::failed(
                format!("{path:?} already exists; pass another --out, or remove that file"),
            )),
            Err(error) => Err(Error::failed(format!(
                "cannot create {path:?}: {error}; pass another --out"
            ))),
        }
    }

    /// Delivers the key, alone or as a part of the JSON object `fields`.
    pub(super) fn deliver(
        self,
        key: &NewKey,
        style: Style,
        fields: impl FnOnce() -> Map<String, Value>,
    ) -> Result<(), Error> {
        let token = key.token().expose_secret();
        let place = match self {
            Self::Stdout => None,
            Self::File(file) => Some(file.write(token).map_err(|failure| lost(&failure, key))?),
        };
        let shown = match (style.is_json(), place) {
            (true, place) => style.object(|| {
                let mut fields = fields();
                let token = place.is_none().then(|| String::from_utf8_lossy(token));
                fields.insert("token".into(), token.as_deref().into());
                let place = place.map(|path| path.display().to_string());
                fields.insert("written_to".into(), place.into());
                Value::Object(fields)
            }),
            (false, None) => print(String::from_utf8_lossy(token)),
            (false, Some(path)) => {
                complain(format_args!("wrote the key to {path:?}"));
                Ok(())
            }
        };
        shown.map_err(|failure| lost(&failure, key))
    }
}

impl NewFile {
    fn write(mut self, token: &[u8]) -> Result<PathBuf, Error> {
        let path = std::mem::take(&mut self.path);
        let written = self
            .file
            .write_all(token)
            .and_then(|()| self.file.write_all(b"\n"))
            .and_then(|()| self.file.sync_all());
        // The part that was written may be a part of the key, so the file stays for its owner to
        // see.
        self.is_written = true;
        written.map_err(|error| Error::failed(format!("cannot write {path:?}: {error}")))?;
        Ok(path)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.is_written {
            // An empty file harms nobody.
            drop(fs::remove_file(&self.path));
        }
    }
}

/// Reports what happened to a key, for people.
pub(super) fn report(ring: &KeyRing, style: Style, what: &str, id: &KeyId) {
    let keys = ring.list();
    let Some(key) = keys.iter().find(|key| key.id == *id) else {
        return;
    };
    let scopes = scopes(&key.scopes);
    let expiry = match key.ends_at {
        Some(end) => format!("expires {} UTC", Moment(end)),
        None => "never expires".to_owned(),
    };
    style.note(format_args!(
        "{what} {id} for {} {scopes}, {expiry}",
        key.client
    ));
}

/// Returns the fields of a key for scripts.
pub(super) fn fields(ring: &KeyRing, id: &KeyId) -> Map<String, Value> {
    let keys = ring.list();
    let key = keys.iter().find(|key| key.id == *id);
    key.map(object).unwrap_or_default()
}

fn lost(failure: &Error, key: &NewKey) -> Error {
    Error::failed(format!(
        "{failure}; key {} is in the file but could not be printed; revoke it and issue another",
        key.id()
    ))
}

/// Creates a file that did not exist, for its owner alone.
fn create(path: &PathBuf) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

/// Warns if a shell has opened a file for the key that others can read.
#[cfg(unix)]
fn warn_if_others_can_read_stdout() {
    use std::os::fd::AsFd as _;
    use std::os::unix::fs::PermissionsExt as _;

    let stdout = io::stdout().as_fd().try_clone_to_owned().map(File::from);
    let Ok(metadata) = stdout.and_then(|stdout| stdout.metadata()) else {
        return; // a closed output fails when the key is printed
    };
    let mode = metadata.permissions().mode() & 0o777;
    if metadata.is_file() && mode & 0o077 != 0 {
        complain(format_args!(
            "others can read the file that the key goes to (mode {mode:04o}); run chmod 600, and \
             use --out next time"
        ));
    }
}

#[cfg(not(unix))]
const fn warn_if_others_can_read_stdout() {}
