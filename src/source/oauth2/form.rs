//! A form that may hold secrets.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use zeroize::Zeroizing;

/// What `application/x-www-form-urlencoded` leaves as it is. A space becomes `%20`, which every
/// parser of forms reads like `+`.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'*')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_');

/// The body of a form. All its copies are wiped.
pub(crate) struct Form(Zeroizing<Vec<u8>>);

impl Form {
    pub(crate) fn new() -> Self {
        Self(Zeroizing::new(Vec::with_capacity(4096)))
    }

    pub(crate) fn push(&mut self, name: &str, value: &[u8]) {
        if !self.0.is_empty() {
            self.append(b"&");
        }
        self.append_escaped(name.as_bytes());
        self.append(b"=");
        self.append_escaped(value);
    }

    /// Adds text of its own, escaped.
    pub(crate) fn append_escaped(&mut self, text: &[u8]) {
        for piece in percent_encode(text, ESCAPED) {
            self.append(piece.as_bytes());
        }
    }

    pub(crate) fn append(&mut self, bytes: &[u8]) {
        if self.0.capacity() - self.0.len() < bytes.len() {
            // Not `reserve`, which would leave an unwiped copy behind.
            let capacity = (self.0.len() + bytes.len()) * 2;
            let mut larger = Zeroizing::new(Vec::with_capacity(capacity));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn into_bytes(self) -> Zeroizing<Vec<u8>> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_escapes_names_and_values() {
        let mut form = Form::new();
        form.push("scope", b"read write");
        form.push("s", "a&b=c+%é*-._~".as_bytes());
        let text = String::from_utf8(form.into_bytes().to_vec()).unwrap();
        assert_eq!(text, "scope=read%20write&s=a%26b%3Dc%2B%25%C3%A9*-._%7E");
    }

    #[test]
    fn form_grows_beyond_its_first_capacity() {
        let mut form = Form::new();
        form.push("a", &[b'x'; 10_000]);
        assert_eq!(form.into_bytes().len(), 10_002);
    }
}
