//! Where in a key file something stands, and what is read there.

use std::fmt;
use std::time::SystemTime;

use jiff::Timestamp;

use super::invalid::InvalidKeyFile;
use crate::inbound::key::Scopes;

/// Which `[[client]]` or `[[key]]` it is: the table, and the position from 0.
pub(crate) struct Entry(pub(crate) &'static str, pub(crate) usize);

impl Entry {
    pub(crate) fn name(&self) -> String {
        format!("[[{}]] number {}", self.0, self.1 + 1)
    }

    pub(crate) fn invalid(&self, field: &'static str, what: impl Into<String>) -> InvalidKeyFile {
        InvalidKeyFile::Field {
            entry: self.name(),
            field,
            what: what.into(),
        }
    }

    pub(crate) fn parse<T>(&self, field: &'static str, text: &str) -> Result<T, InvalidKeyFile>
    where
        T: std::str::FromStr<Err: fmt::Display>,
    {
        text.parse()
            .map_err(|why: T::Err| self.invalid(field, why.to_string()))
    }

    pub(crate) fn scopes(&self, scopes: &[String]) -> Result<Scopes, InvalidKeyFile> {
        scopes
            .iter()
            .map(|scope| self.parse("scopes", scope))
            .collect()
    }

    pub(crate) fn time(
        &self,
        field: &'static str,
        text: Option<&str>,
    ) -> Result<Option<SystemTime>, InvalidKeyFile> {
        let Some(text) = text else { return Ok(None) };
        let time: Timestamp = text.parse().map_err(|_| {
            self.invalid(field, "a time with its offset, as \"2026-11-21T00:00:00Z\"")
        })?;
        Ok(Some(time.into()))
    }
}
