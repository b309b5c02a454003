//! Paths of Vault's API.

use crate::source::error::SourceError;

/// Checks the path of a mount or a secret, and returns it without slashes at both ends.
pub(crate) fn checked(path: &str) -> Result<&str, SourceError> {
    let path = path.trim_matches('/');
    let is_segment = |segment: &str| {
        let is_allowed = |byte: u8| byte.is_ascii_graphic() && !b"?#%\\".contains(&byte);
        !matches!(segment, "" | "." | "..") && segment.bytes().all(is_allowed)
    };
    if path.split('/').all(is_segment) {
        return Ok(path);
    }
    Err(SourceError::invalid(
        "not a path in Vault; write it as `vault read` takes it, without a leading `v1/`",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_loses_its_outer_slashes() {
        for path in ["secret", "/secret/", "secret/team-a/openai"] {
            assert_eq!(checked(path).unwrap(), path.trim_matches('/'));
        }
    }

    #[test]
    fn path_that_a_url_reads_differently_is_refused() {
        for path in [
            "",
            "/",
            "a//b",
            "a/../b",
            "a?version=1",
            "a#b",
            "a b",
            "a%2fb",
            "ä",
        ] {
            assert!(checked(path).is_err(), "{path}");
        }
    }
}
