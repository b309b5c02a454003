//! A piece of the text of a key file.

/// A piece of a key file, with the number of its first line, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece<'t> {
    pub(crate) text: &'t str,
    pub(crate) line: usize,
}

impl<'t> Piece<'t> {
    /// Returns the line on which a field of this name stands.
    pub(crate) fn line_of(self, field: &str) -> Option<usize> {
        let is_field = |line: &str| {
            let rest = line.trim_start().strip_prefix(field);
            rest.is_some_and(|rest| rest.trim_start().starts_with('='))
        };
        Some(self.line + self.text.lines().position(is_field)?)
    }

    /// Returns the text of a line of the file.
    pub(crate) fn line(self, number: usize) -> Option<&'t str> {
        self.text.lines().nth(number.checked_sub(self.line)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn piece_knows_the_line_of_a_field() {
        let text = "[[key]]\nid = 1\n not_after=2\n# digest = 3\n";
        let piece = Piece { text, line: 10 };
        assert_eq!(piece.line_of("not_after"), Some(12));
        assert_eq!(piece.line_of("not"), None);
        assert_eq!(piece.line_of("digest"), None);
        assert_eq!(piece.line(11), Some("id = 1"));
    }
}
