//! JSON answers that may hold secrets.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde_json::Value;
use zeroize::Zeroize;

use crate::key;
use crate::secret::Secret;
use crate::source::error::SourceError;
use crate::source::expiry::Expiry;

/// A JSON document that is wiped when it is dropped. It has no `Debug`.
pub(crate) struct Json(Value);

impl Json {
    /// Parses a document, or returns `None` if it is none. The parser's own error is left out,
    /// since it may quote the text.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().map(Self)
    }

    /// Takes a document over, to wipe it.
    #[cfg(feature = "vault")]
    pub(crate) const fn of(value: Value) -> Self {
        Self(value)
    }

    /// Returns the text of the document.
    #[cfg(feature = "vault")]
    pub(crate) fn to_bytes(&self) -> zeroize::Zeroizing<Vec<u8>> {
        written(&self.0)
    }

    /// Returns the value at a JSON pointer ([RFC 6901]), or `None` if there is none or it is
    /// `null`.
    ///
    /// [RFC 6901]: https://www.rfc-editor.org/rfc/rfc6901
    pub(crate) fn at(&self, pointer: &str) -> Option<&Value> {
        self.0.pointer(pointer).filter(|value| !value.is_null())
    }

    pub(crate) fn text_at(&self, pointer: &str) -> Option<&str> {
        self.at(pointer)?.as_str()
    }

    /// Returns the text at a JSON pointer as a secret, trimmed, or `None` if there is none or it is
    /// empty.
    pub(crate) fn secret_at(&self, pointer: &str) -> Option<Secret> {
        let text = key::trim(self.text_at(pointer)?.as_bytes());
        (!text.is_empty()).then(|| Secret::from(text))
    }

    /// Returns the text of the object at a JSON pointer, or `None` if there is none.
    #[cfg(feature = "vault")]
    pub(crate) fn object_at(&self, pointer: &str) -> Option<Secret> {
        let object = self.at(pointer).filter(|value| value.is_object())?;
        Some(Secret::from(written(object).as_slice()))
    }
}

#[cfg(feature = "vault")]
fn written(value: &Value) -> zeroize::Zeroizing<Vec<u8>> {
    // Room for all that a source reads: growing would leave unwiped copies behind.
    let mut text = zeroize::Zeroizing::new(Vec::with_capacity(128 * 1024));
    // Writing a value to memory cannot fail: its keys are text.
    let _ = serde_json::to_writer(&mut *text, value);
    text
}

impl Drop for Json {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// Wipes all text. The parser limits how deep a document is nested.
fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Returns the JSON pointer to a member of the object at `object`.
#[cfg(feature = "vault")]
pub(crate) fn member(object: &str, name: &str) -> String {
    format!("{object}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// Returns the expiry of a lifetime in seconds, a number or text.
#[cfg(feature = "http")]
pub(crate) fn lifetime(value: &Value) -> Result<Expiry, SourceError> {
    match value {
        Value::String(seconds) => Ok(seconds.parse()?),
        // Not a number: zero, which is refused.
        other => Ok(Expiry::in_seconds(other.as_f64().unwrap_or_default())?),
    }
}

/// Returns the expiry of a time: RFC 3339, or seconds since 1970.
pub(crate) fn moment(value: &Value) -> Result<Expiry, SourceError> {
    let moment = match value {
        Value::String(text) => text.trim().parse().ok().map(Timestamp::into),
        other => other.as_f64().and_then(since_epoch),
    };
    moment.map(Expiry::At).ok_or_else(|| {
        SourceError::invalid("the expiry is not a time; expected RFC 3339, or seconds since 1970")
    })
}

/// Returns the time so many seconds after 1970.
pub(crate) fn since_epoch(seconds: f64) -> Option<SystemTime> {
    let since = Duration::try_from_secs_f64(seconds).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(since)
}

#[cfg(test)]
mod tests;
