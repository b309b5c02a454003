//! Scopes: what a key may do.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::parse_error::{ParseError, ParseErrorKind};

/// One scope: a `scope-token` of
/// [RFC 6749 §3.3](https://www.rfc-editor.org/rfc/rfc6749#section-3.3).
///
/// It is visible ASCII without space, quote and backslash. Scopes are opaque and compared whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(Arc<str>);

impl Scope {
    /// Returns the scope as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Scope {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        if text.is_empty() || !text.bytes().all(allowed) {
            return Err(ParseError::new(ParseErrorKind::Scope));
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A set of scopes. The empty set grants nothing; it does not stand for every scope.
///
/// # Examples
///
/// ```
/// use tower_rotating_auth::inbound::Scopes;
///
/// let held: Scopes = "models:read chat:write".parse()?;
/// assert!(held.contains_all(&"chat:write".parse()?));
/// assert!(!held.contains_all(&"models:admin".parse()?));
/// assert_eq!(held.to_string(), "chat:write models:read");
/// # Ok::<_, tower_rotating_auth::ParseError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scopes(Arc<[Scope]>);

impl Scopes {
    /// Returns whether each scope of `wanted` is in this set.
    #[must_use]
    pub fn contains_all(&self, wanted: &Self) -> bool {
        wanted.iter().all(|scope| self.contains(scope))
    }

    /// Returns whether a scope of `wanted` is in this set.
    #[must_use]
    pub fn contains_any(&self, wanted: &Self) -> bool {
        wanted.iter().any(|scope| self.contains(scope))
    }

    /// Returns whether this scope is in this set.
    #[must_use]
    pub fn contains(&self, scope: &Scope) -> bool {
        self.0.binary_search(scope).is_ok()
    }

    /// Returns the scopes in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }

    /// Returns whether there is no scope.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        let mut scopes: Vec<_> = scopes.into_iter().collect();
        // `contains_all` searches by halves.
        scopes.sort_unstable();
        scopes.dedup();
        Self(scopes.into())
    }
}

impl FromStr for Scopes {
    type Err = ParseError;

    /// Parses scopes with spaces between them, as OAuth writes them.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        text.split(' ')
            .filter(|scope| !scope.is_empty())
            .map(str::parse)
            .collect()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, scope) in self.0.iter().enumerate() {
            let space = if n == 0 { "" } else { " " };
            write!(f, "{space}{scope}")?;
        }
        Ok(())
    }
}
