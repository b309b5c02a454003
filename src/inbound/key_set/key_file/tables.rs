//! The tables of a key file, one at a time: a file of a million keys would take several times its
//! memory as one document.

use super::piece::Piece;
use super::shape;
use crate::inbound::key_set::error::KeySetError;

/// The headers of the tables that are parsed by themselves.
const ROLE: &str = "[[role]]";
const CLIENT: &str = "[[client]]";
const KEY: &str = "[[key]]";

/// A key file, of which each table is parsed when it is its turn.
pub(crate) enum Tables<'t> {
    /// The text after the first fields.
    Each(Piece<'t>),
    /// A file that cannot be cut by its lines.
    Whole(shape::Tables),
}

impl<'t> Tables<'t> {
    /// Returns the first fields, and the tables.
    pub(crate) fn read(text: &'t str) -> Result<(shape::Head, Self), KeySetError> {
        let text = Piece { text, line: 1 };
        if !can_be_cut(text.text) {
            let file = shape::File::parse(text)?;
            let (head, tables) = file.into_parts();
            return Ok((head, Self::Whole(tables)));
        }
        let (first, rest) = cut(text);
        let head = shape::Head::parse(first)?;
        Ok((head, Self::Each(rest)))
    }

    /// Calls `each` for each role, with its number from 0, and its text.
    pub(crate) fn roles(
        &mut self,
        mut each: impl FnMut(usize, Option<Piece<'t>>, shape::Role) -> Result<(), KeySetError>,
    ) -> Result<(), KeySetError> {
        match self {
            Self::Whole(tables) => std::mem::take(&mut tables.roles)
                .into_iter()
                .enumerate()
                .try_for_each(|(n, role)| each(n, None, role)),
            Self::Each(rest) => pieces(*rest)
                .filter(|piece| is_table(*piece, ROLE))
                .enumerate()
                .try_for_each(|(n, piece)| {
                    let role = shape::OneRole::parse(piece)?;
                    each(n, Some(piece), role)
                }),
        }
    }

    /// Calls `each` for each client, with its number from 0, and its text.
    pub(crate) fn clients(
        &mut self,
        mut each: impl FnMut(usize, Option<Piece<'t>>, shape::Client) -> Result<(), KeySetError>,
    ) -> Result<(), KeySetError> {
        match self {
            Self::Whole(tables) => std::mem::take(&mut tables.clients)
                .into_iter()
                .enumerate()
                .try_for_each(|(n, client)| each(n, None, client)),
            Self::Each(rest) => pieces(*rest)
                .filter(|piece| is_table(*piece, CLIENT))
                .enumerate()
                .try_for_each(|(n, piece)| {
                    let client = shape::OneClient::parse(piece)?;
                    each(n, Some(piece), client)
                }),
        }
    }

    /// Calls `each` for each key, with its number from 0, and its text.
    pub(crate) fn keys(
        self,
        mut each: impl FnMut(usize, Option<Piece<'t>>, shape::Key) -> Result<(), KeySetError>,
    ) -> Result<(), KeySetError> {
        match self {
            Self::Whole(tables) => tables
                .keys
                .into_iter()
                .enumerate()
                .try_for_each(|(n, key)| each(n, None, key)),
            Self::Each(rest) => pieces(rest)
                .filter(|piece| is_table(*piece, KEY))
                .enumerate()
                .try_for_each(|(n, piece)| {
                    let key = shape::OneKey::parse(piece)?;
                    each(n, Some(piece), key)
                }),
        }
    }
}

/// Returns whether each line that begins with a bracket is the header of a table that we know.
///
/// Strings of several lines are left to the parser, and so is whatever else could hold such a line.
/// A line in a list looks like a header only in a file that is no TOML, cut or not. A list before
/// the first header, such as `key = []`, is left to the parser, too.
fn can_be_cut(text: &str) -> bool {
    let is_known = |line: &str| {
        [ROLE, CLIENT, KEY]
            .iter()
            .any(|known| is_header(line, known))
    };
    let is_list = |line: &str| {
        let mut names = ["role", "client", "key"].iter();
        names.any(|name| line.trim_start().starts_with(name))
    };
    let mut first = text
        .lines()
        .take_while(|line| !line.trim_start().starts_with('['));
    !first.any(is_list)
        && !text.contains("\"\"\"")
        && !text.contains("'''")
        && text
            .lines()
            .all(|line| !line.trim_start().starts_with('[') || is_known(line))
}

fn is_table(piece: Piece<'_>, header: &str) -> bool {
    let first = piece.text.lines().next();
    first.is_some_and(|line| is_header(line, header))
}

fn is_header(line: &str, header: &str) -> bool {
    let rest = line.trim_start().strip_prefix(header).map(str::trim_start);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('#'))
}

/// Cuts a text before the first header after its first line.
fn cut(text: Piece<'_>) -> (Piece<'_>, Piece<'_>) {
    let (mut end, mut lines) = (0, 0);
    for line in text.text.split_inclusive('\n') {
        if lines > 0 && line.trim_start().starts_with('[') {
            break;
        }
        end += line.len();
        lines += 1;
    }
    let (first, rest) = text.text.split_at(end);
    let rest = Piece {
        text: rest,
        line: text.line + lines,
    };
    (
        Piece {
            text: first,
            ..text
        },
        rest,
    )
}

fn pieces(text: Piece<'_>) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.text.is_empty() {
            return None;
        }
        let (first, after) = cut(rest);
        rest = after;
        Some(first)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<(usize, &str)> {
        let (first, rest) = cut(Piece { text, line: 1 });
        let all = std::iter::once(first).chain(pieces(rest));
        all.map(|piece| (piece.line, piece.text)).collect()
    }

    #[test]
    fn text_is_cut_before_each_header() {
        let text = "version = 1\n\n[[client]]\nid = 1\n  [[key]] # one\r\nid = 2\n[[key]]";
        assert!(can_be_cut(text));
        assert_eq!(
            lines(text),
            [
                (1, "version = 1\n\n"),
                (3, "[[client]]\nid = 1\n"),
                (5, "  [[key]] # one\r\nid = 2\n"),
                (7, "[[key]]"),
            ]
        );
    }

    #[test]
    fn other_brackets_and_long_strings_are_not_cut() {
        for line in [
            "[key]",
            "[[keys]]",
            "[[ key ]]",
            "[[\"key\"]]",
            "[[key]] id = 1",
            "[[key.more]]",
            "  [\"a\"],",
            "id = \"\"\"",
            "id = '''",
        ] {
            assert!(!can_be_cut(&format!("version = 1\n{line}\n")), "{line}");
        }
    }
}
