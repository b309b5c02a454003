//! Path templates of routers.

use std::cmp::Ordering;
use std::iter;

use crate::syntax::path;
use crate::syntax::reading::{Segment, literals};

/// A parsed template such as `/models/{id}` or `/files/{*path}`.
///
/// Two templates are equal if they match the same paths. The names of parameters make no
/// difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template<'a>(Vec<Piece<'a>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece<'a> {
    Literal(&'a str),
    /// `{name}`: the rest of a segment. It is not empty at the end of a path. Elsewhere, as in
    /// `/v{name}/models`, axum accepts an empty one.
    Parameter,
    /// `{*name}`: the rest of the path. It is not empty.
    Rest,
}

impl<'a> Template<'a> {
    /// Parses a template. Returns `None` if no router would accept it.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        if !text.starts_with('/') {
            return None;
        }
        let mut pieces = vec![];
        let mut left = text;
        while let Some(at) = left.find(['{', '}']) {
            let (literal, braced) = left.split_at(at);
            if !literal.is_empty() {
                pieces.push(Piece::Literal(literal));
            }
            if braced.starts_with("{{") || braced.starts_with("}}") {
                pieces.push(Piece::Literal(&braced[..1]));
                left = &braced[2..];
                continue;
            }
            let (name, after) = braced.strip_prefix('{')?.split_once('}')?;
            let piece = Piece::parameter(name, after)?;
            pieces.push(piece);
            left = after;
        }
        if !left.is_empty() {
            pieces.push(Piece::Literal(left));
        }
        Some(Self(pieces))
    }

    /// Returns whether the template matches plain paths.
    pub(crate) fn is_plain(&self) -> bool {
        let example: String = self.0.iter().map(Piece::example).collect();
        path::is_plain(&example)
    }

    /// Returns the segments, with which a path is compared that may be read as another one.
    pub(crate) fn segments(&self) -> Vec<Segment> {
        let mut segments = vec![];
        let mut start = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Literal(text) => {
                    let (before, last) = text.rsplit_once('/').unwrap_or(("", text));
                    if text.contains('/') {
                        segments.extend(literals(&(start + before)));
                        start = String::new();
                    }
                    start += last;
                }
                Piece::Parameter => {
                    let start = std::mem::take(&mut start);
                    let literal = literals(&start).into_iter().next_back();
                    segments.push(match literal {
                        Some(Segment::Literal(start)) => Segment::Parameter(start),
                        _ => Segment::Parameter(vec![]),
                    });
                }
                Piece::Rest => segments.push(Segment::Rest),
            }
        }
        segments.extend(literals(&start));
        segments
    }

    /// Compares two templates that match the same path. A router prefers the greater one.
    ///
    /// At the first difference, a literal comes before a parameter, and a parameter before the rest
    /// of the path. The method plays no part.
    pub(crate) fn cmp_specificity(&self, other: &Self) -> Ordering {
        self.specificity().cmp(other.specificity())
    }

    fn specificity(&self) -> impl Iterator<Item = u8> {
        self.0.iter().flat_map(|piece| match piece {
            Piece::Literal(text) => iter::repeat_n(2, text.len()),
            Piece::Parameter => iter::repeat_n(1, 1),
            Piece::Rest => iter::repeat_n(0, 1),
        })
    }

    /// Returns whether the template matches this plain path.
    pub(crate) fn covers(&self, path: &str) -> bool {
        let mut left = path;
        let last = self.0.len() - 1;
        for (n, piece) in self.0.iter().enumerate() {
            match piece {
                Piece::Literal(text) => match left.strip_prefix(text) {
                    Some(rest) => left = rest,
                    None => return false,
                },
                Piece::Parameter => {
                    let end = left.find('/').unwrap_or(left.len());
                    if end == 0 && n == last {
                        return false;
                    }
                    left = &left[end..];
                }
                Piece::Rest => return !left.is_empty(),
            }
        }
        left.is_empty()
    }
}

/// Returns whether a path looks like a template, in this syntax or in an older one.
pub(crate) fn looks_like_template(path: &str) -> bool {
    path.contains(['{', '}'])
        || path
            .split('/')
            .any(|segment| segment.starts_with([':', '*']))
}

impl<'a> Piece<'a> {
    fn parameter(name: &str, after: &str) -> Option<Self> {
        let (piece, name, may_follow) = match name.strip_prefix('*') {
            Some(name) => (Self::Rest, name, after.is_empty()),
            None => {
                let ends_segment = after.is_empty() || after.starts_with('/');
                (Self::Parameter, name, ends_segment)
            }
        };
        let is_name = !name.is_empty() && !name.contains(['{', '*', '/']);
        (is_name && may_follow).then_some(piece)
    }

    const fn example(&self) -> &'a str {
        match self {
            Self::Literal(text) => text,
            Self::Parameter | Self::Rest => "x",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covers_matches_like_the_router() {
        for (template, path, covered) in [
            ("/", "/", true),
            ("/health", "/health", true),
            ("/health", "/health/", false),
            ("/health", "/healthz", false),
            ("/models/{id}", "/models/gpt", true),
            ("/models/{id}", "/models/", false),
            ("/models/{id}", "/models", false),
            ("/models/{id}", "/models/gpt/", false),
            ("/models/{id}", "/models/gpt/4", false),
            ("/models/{id}/files/{file}", "/models/gpt/files/1", true),
            ("/v{version}/models", "/v1/models", true),
            ("/v{version}/models", "/v/models", true),
            ("/v{version}", "/v1", true),
            ("/v{version}", "/v", false),
            ("/files/{*path}", "/files/a/b", true),
            ("/files/{*path}", "/files/", false),
            ("/files/{*path}", "/file/a", false),
            ("/a{{b}}", "/a{b}", true),
            ("/a{{b}}", "/a{{b}}", false),
        ] {
            let parsed = Template::parse(template).unwrap();
            assert_eq!(parsed.covers(path), covered, "{template} {path}");
        }
    }

    #[test]
    fn parse_rejects_invalid_templates() {
        for text in [
            "", "models", "{id}", "/{", "/}", "/{}", "/{*}", "/{a", "/a}", "/{a}b", "/{a}{b}",
            "/{*a}/b", "/{a/b}", "/{a{b}}",
        ] {
            assert_eq!(Template::parse(text), None, "{text}");
        }
    }

    #[test]
    fn segments_are_decoded_and_have_no_names() {
        let literal = |text: &str| Segment::Literal(text.into());
        let parameter = |start: &str| Segment::Parameter(start.into());
        for (template, segments) in [
            ("/", vec![]),
            ("/a/b%40/", vec![literal("a"), literal("b@")]),
            ("/a/{id}", vec![literal("a"), parameter("")]),
            ("/v{n}/b", vec![parameter("v"), literal("b")]),
            ("/a{{b}}/{*rest}", vec![literal("a{b}"), Segment::Rest]),
            ("/{a}/{b}", vec![parameter(""), parameter("")]),
            ("/a{{/b{{{c}", vec![literal("a{"), parameter("b{")]),
        ] {
            assert_eq!(
                Template::parse(template).unwrap().segments(),
                segments,
                "{template}"
            );
        }
    }

    #[test]
    fn literal_is_more_specific_than_parameter() {
        let inorder = [
            "/{*rest}",
            "/a/{*rest}",
            "/a/{b}/{c}",
            "/a/{b}/c",
            "/a/b{c}/c",
            "/a/b/c",
        ];
        for pair in inorder.windows(2) {
            let [less, more] = [pair[0], pair[1]].map(|text| Template::parse(text).unwrap());
            assert_eq!(less.cmp_specificity(&more), Ordering::Less, "{pair:?}");
        }
    }

    #[test]
    fn parameter_names_make_no_difference() {
        assert_eq!(Template::parse("/a/{b}/c"), Template::parse("/a/{d}/c"));
        assert_ne!(Template::parse("/a/{b}/c"), Template::parse("/a/{*b}"));
        assert_ne!(Template::parse("/a/{b}"), Template::parse("/a/b"));
    }
}
