//! Secret bytes.

use std::fmt;

use secrecy::{ExposeSecret, SecretSlice};

/// Secret bytes that nobody prints by accident.
///
/// [`Debug`](fmt::Debug) is redacted, comparison takes constant time, and the bytes are wiped from
/// memory on drop. There is no `Display`, `Clone` or `Serialize`.
/// [`expose_secret`](Self::expose_secret) is the only way to the bytes and easy to search for.
///
/// # Examples
///
/// ```
/// use tower_rotating_auth::Secret;
///
/// let secret = Secret::from("sk-1f0c");
/// assert_eq!(secret.expose_secret(), b"sk-1f0c");
/// assert_eq!(format!("{secret:?}"), "Secret([REDACTED])");
/// ```
pub struct Secret(SecretSlice<u8>);

impl Secret {
    /// Creates a secret of these bytes without copying them.
    ///
    /// If the vector has spare capacity, a copy of the bytes may stay in memory unwiped. A vector
    /// allocated at its final length has none.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }

    /// Returns the bytes. Keep them out of logs, errors and URLs.
    #[must_use]
    pub fn expose_secret(&self) -> &[u8] {
        self.0.expose_secret()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text.into_bytes())
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text.into())
    }
}

impl From<Vec<u8>> for Secret {
    /// Creates a secret as [`Secret::new`] does.
    fn from(bytes: Vec<u8>) -> Self {
        Self::new(bytes)
    }
}

impl From<&[u8]> for Secret {
    fn from(bytes: &[u8]) -> Self {
        Self::new(bytes.into())
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        constant_time_eq::constant_time_eq(self.expose_secret(), other.expose_secret())
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([REDACTED])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_is_made_of_text_or_bytes() {
        let bytes: &[u8] = b"sk-1";
        for secret in [
            Secret::from("sk-1"),
            Secret::from("sk-1".to_owned()),
            Secret::from(bytes),
            Secret::from(bytes.to_vec()),
        ] {
            assert_eq!(secret.expose_secret(), bytes);
        }
    }
}
