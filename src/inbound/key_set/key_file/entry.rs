//! One `[[client]]` or `[[key]]` of a key file, for reading its fields and naming it in errors.

use std::fmt;
use std::time::SystemTime;

use jiff::Timestamp;

use crate::inbound::key::Scopes;
use crate::inbound::key_set::error::{KeySetError, KeySetErrorKind};

/// The table and the position of an entry, from 0.
pub(crate) struct Entry(pub(crate) &'static str, pub(crate) usize);

impl Entry {
    pub(crate) fn invalid(&self, field: &'static str, what: &str) -> KeySetError {
        self.field_error(field, format!("{self}: {field} should be {what}"))
    }

    fn field_error(&self, field: &'static str, message: String) -> KeySetError {
        KeySetError {
            field: Some(field),
            ..self.error(KeySetErrorKind::InvalidField, message)
        }
    }

    pub(crate) fn plain_key(&self) -> KeySetError {
        let message = format!(
            "{self}: a key itself does not belong here; store its digest, \
             and name it something else"
        );
        self.error(KeySetErrorKind::PlainKey, message)
    }

    fn error(&self, kind: KeySetErrorKind, message: String) -> KeySetError {
        KeySetError::new(kind, message).at(self.1 + 1)
    }

    pub(crate) fn parse<T>(&self, field: &'static str, text: &str) -> Result<T, KeySetError>
    where
        T: std::str::FromStr<Err: fmt::Display>,
    {
        text.parse()
            .map_err(|error: T::Err| self.field_error(field, format!("{self}: {field}: {error}")))
    }

    pub(crate) fn scopes(&self, scopes: &[String]) -> Result<Scopes, KeySetError> {
        scopes
            .iter()
            .map(|scope| self.parse("scopes", scope))
            .collect()
    }

    pub(crate) fn time(
        &self,
        field: &'static str,
        text: Option<&str>,
    ) -> Result<Option<SystemTime>, KeySetError> {
        let Some(text) = text else { return Ok(None) };
        let time: Timestamp = text.parse().map_err(|_| {
            self.invalid(
                field,
                "a time with its offset, such as \"2026-11-21T00:00:00Z\"",
            )
        })?;
        Ok(Some(time.into()))
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[[{}]] number {}", self.0, self.1 + 1)
    }
}
