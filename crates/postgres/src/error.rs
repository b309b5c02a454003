//! Errors of PostgreSQL as errors of a source.

use tokio_postgres::Error;
use tower_rotating_auth::source::{SourceError, SourceErrorKind};

/// Returns the error of a source. Of an error that the server sent, it has the code alone: the text
/// may quote a value.
pub(crate) fn of_source(error: Error) -> SourceError {
    match error.code() {
        Some(code) => {
            let code = code.code();
            SourceError::new(
                kind(code),
                format!("PostgreSQL answered with the error {code}; its log says more"),
            )
        }
        None => SourceError::transient("PostgreSQL could not be asked").with_source(error),
    }
}

/// Returns the kind for an error code, by its class.
fn kind(code: &str) -> SourceErrorKind {
    // 22: data, 28: authorization, 3D: no such database, 42: syntax or access.
    let is_permanent = ["22", "28", "3D", "3F", "42"]
        .iter()
        .any(|class| code.starts_with(class));
    match is_permanent {
        true => SourceErrorKind::Permanent,
        false => SourceErrorKind::Transient,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_an_operator_repairs_are_permanent() {
        for code in ["28P01", "28000", "3D000", "42P01", "42501", "22P02"] {
            assert_eq!(kind(code), SourceErrorKind::Permanent, "{code}");
        }
        for code in ["57P01", "57P03", "53300", "08006", "40001", "XX000", ""] {
            assert_eq!(kind(code), SourceErrorKind::Transient, "{code}");
        }
    }
}
