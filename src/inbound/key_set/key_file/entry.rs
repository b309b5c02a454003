//! One `[[client]]` or `[[key]]` of a key file, for reading its fields and naming it in errors.

use std::fmt;
use std::time::SystemTime;

use jiff::Timestamp;
use jiff::fmt::temporal::Pieces;

use super::piece::Piece;
use super::shape;
use crate::inbound::key::{Role, RoleTable, Scopes};
use crate::inbound::key_set::error::{KeySetError, KeySetErrorKind};

/// The year in which the last representable moment lies.
const LAST_YEAR: i16 = 9999;

/// An entry of a key file.
pub(crate) struct Entry<'t> {
    /// The name of its table.
    pub(crate) table: &'static str,
    /// Its position among the entries of this table, from 0.
    pub(crate) number: usize,
    /// Its text, if that was parsed by itself.
    pub(crate) text: Option<Piece<'t>>,
}

impl Entry<'_> {
    pub(crate) fn invalid(&self, field: &'static str, what: &str) -> KeySetError {
        self.field_error(field, &format!(" should be {what}"))
    }

    fn field_error(&self, field: &'static str, what: &str) -> KeySetError {
        let line = self.text.and_then(|text| text.line_of(field));
        let place = line.map_or_else(String::new, |line| format!(" (line {line})"));
        let message = format!("{self}: {field}{place}{what}");
        KeySetError {
            field: Some(field),
            line: line.or_else(|| self.line()),
            ..self.error(KeySetErrorKind::InvalidField, message)
        }
    }

    pub(crate) fn plain_key(&self) -> KeySetError {
        let message = format!(
            "{self}: a key itself does not belong here; store its digest, \
             and name it something else"
        );
        KeySetError {
            line: self.line(),
            ..self.error(KeySetErrorKind::PlainKey, message)
        }
    }

    /// Returns the line on which the entry begins.
    fn line(&self) -> Option<usize> {
        self.text.map(|text| text.line)
    }

    fn error(&self, kind: KeySetErrorKind, message: String) -> KeySetError {
        KeySetError::new(kind, message).at(self.number + 1)
    }

    pub(crate) fn parse<T>(&self, field: &'static str, text: &str) -> Result<T, KeySetError>
    where
        T: std::str::FromStr<Err: fmt::Display>,
    {
        text.parse()
            .map_err(|error: T::Err| self.wrong(field, &error))
    }

    /// Returns the error of a field whose value does not parse.
    pub(crate) fn wrong(&self, field: &'static str, error: &dyn fmt::Display) -> KeySetError {
        self.field_error(field, &format!(": {error}"))
    }

    /// Returns roles of the file.
    pub(crate) fn roles(
        &self,
        names: &[String],
        table: &RoleTable,
    ) -> Result<Vec<Role>, KeySetError> {
        let role = |name: &String| -> Result<Role, KeySetError> {
            let role = self.parse("roles", name)?;
            match table.contains(&role) {
                true => Ok(role),
                false => Err(self.invalid("roles", "ids of [[role]] tables in this file")),
            }
        };
        names.iter().map(role).collect()
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
        time: Option<&shape::Time>,
    ) -> Result<Option<SystemTime>, KeySetError> {
        let Some(shape::Time(text)) = time else {
            return Ok(None);
        };
        let time = moment(text).ok_or_else(|| self.invalid(field, shape::TIME))?;
        Ok(Some(time.into()))
    }
}

/// Reads a time with its offset. One after the last representable moment, which is a day before the
/// end of the year 9999, is that moment.
fn moment(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| {
        let pieces = Pieces::parse(text).ok()?;
        let has_offset = pieces.to_numeric_offset().is_some() && pieces.time().is_some();
        (has_offset && pieces.date().year() == LAST_YEAR).then_some(Timestamp::MAX)
    })
}

impl fmt::Display for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[[{}]] number {}", self.table, self.number + 1)
    }
}
