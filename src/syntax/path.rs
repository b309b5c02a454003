//! The check that everybody reads a path in the same way.

/// Returns whether every server reads a path in the same way.
///
/// Some routers decode a path first, or twice. Others resolve dots, join slashes, cut parameters or
/// turn backslashes. A plain path means the same to all of them. It is an absolute path of
/// [RFC 3986](https://www.rfc-editor.org/rfc/rfc3986#section-3.3) without
///
/// - empty segments, except for the last one;
/// - segments that end in a dot, as `.` and `..` do, or in an encoded space;
/// - semicolons;
/// - escapes of unreserved characters, of separators (`/ \ ; ? #`), of `%`, of control characters,
///   and of bytes that are not UTF-8.
pub(crate) fn is_plain(path: &str) -> bool {
    let Some(segments) = path.strip_prefix('/') else {
        return false;
    };
    let (before, last) = segments
        .rsplit_once('/')
        .map_or((None, segments), |(before, last)| (Some(before), last));
    let is_segment = |segment: &str| !segment.is_empty() && is_plain_segment(segment);
    is_plain_segment(last) && before.is_none_or(|before| before.split('/').all(is_segment))
}

fn is_plain_segment(segment: &str) -> bool {
    if segment.ends_with('.') || segment.ends_with("%20") {
        return false;
    }
    let mut wide = Wide::default();
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        let plain = match byte {
            b'%' => match (hex(bytes.next()), hex(bytes.next())) {
                (Some(high), Some(low)) => wide.escaped(high << 4 | low),
                _ => false,
            },
            literal => wide.is_whole() && is_plain_literal(literal),
        };
        if !plain {
            return false;
        }
    }
    wide.is_whole()
}

/// Returns whether a byte is a `pchar` other than the semicolon.
const fn is_plain_literal(byte: u8) -> bool {
    is_unreserved(byte) || is_delimiter(byte)
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Returns whether a byte is a delimiter. It may be escaped or not, and the two are not the same.
const fn is_delimiter(byte: u8) -> bool {
    matches!(
        byte,
        b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'=' | b':' | b'@'
    )
}

const fn is_plain_escape(byte: u8) -> bool {
    let must_be_escaped = matches!(
        byte,
        b' ' | b'"' | b'<' | b'>' | b'[' | b']' | b'^' | b'`' | b'{' | b'|' | b'}'
    );
    must_be_escaped || is_delimiter(byte)
}

/// Returns the value of a hexadecimal digit.
pub(super) fn hex(digit: Option<u8>) -> Option<u8> {
    let digit = digit.map(char::from)?.to_digit(16)?;
    u8::try_from(digit).ok()
}

/// A character beyond ASCII, each byte of which is an escape.
#[derive(Default)]
struct Wide {
    bytes: [u8; 4],
    len: usize,
    wanted: usize,
}

impl Wide {
    /// Adds the next escaped byte. Returns whether it is allowed there.
    fn escaped(&mut self, byte: u8) -> bool {
        if self.is_whole() {
            self.len = 0;
            self.wanted = match byte {
                0xC2..=0xDF => 2,
                0xE0..=0xEF => 3,
                0xF0..=0xF4 => 4,
                _ => 0,
            };
            if self.wanted == 0 {
                return is_plain_escape(byte);
            }
        }
        self.bytes[self.len] = byte;
        self.len += 1;
        !self.is_whole() || std::str::from_utf8(&self.bytes[..self.len]).is_ok()
    }

    const fn is_whole(&self) -> bool {
        self.len == self.wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_paths_are_recognized() {
        for path in [
            "/",
            "/health",
            "/health/",
            "/v1/chat/completions",
            "/.well-known/openid-configuration",
            "/~user/a_b-c.tar.gz",
            "/v1beta/models/gemini-pro:generateContent",
            "/@scope/pkg,1!$&'()*+=",
            "/llama3%3Alatest",
            "/a%20b",
            "/%C3%BC.png",
            "/%C3%BC%20%C3%BC%3Aa",
            "/%e2%82%ac/%F0%9F%94%91",
        ] {
            assert!(is_plain(path), "{path}");
        }
    }

    #[test]
    fn ambiguous_paths_are_not_plain() {
        for path in [
            // Not a path.
            "",
            "*",
            "health",
            "api.example.com:443",
            // Slashes.
            "//",
            "//health",
            "/a//b",
            "/a//",
            "/health%2f",
            "/a%2Fb",
            "/a\\b",
            "/a%5cb",
            "/a%5Cb",
            // Dots.
            "/.",
            "/..",
            "/./health",
            "/../health",
            "/a/..",
            "/a/../b",
            "/a/.../b",
            "/health.",
            "/health./",
            "/health%20",
            "/%2e%2e/health",
            "/%2E",
            "/a%2ejs",
            // Parameters, queries, fragments.
            "/health;",
            "/a;v=1/b",
            "/..;/b",
            "/a%3bb",
            "/health?a",
            "/a%3Fb",
            "/a%23b",
            // Decoded twice.
            "/%252e%252e/a",
            "/a%25",
            // A second way to write a letter.
            "/%68ealth",
            "/a%2Db",
            "/a%7e",
            // Cut off, or splits a line.
            "/health%00",
            "/a%0d%0ab",
            "/a%09",
            "/a%7F",
            // Invalid escapes.
            "/a%",
            "/a%2",
            "/a%zz",
            "/a%u002e",
            "/a%+2f",
            // Not UTF-8, where a dot or a slash may hide.
            "/%c0%ae%c0%ae/a",
            "/%c0%af",
            "/%e0%80%af",
            "/%f5%80%80%80",
            "/%c3",
            "/%c3/",
            "/%c3a",
            "/%c3a%bc",
            "/%c3%",
            "/%80",
            "/%ed%a0%80",
            // Never on the wire unescaped.
            "/ü",
            "/a b",
            "/{id}",
            "/a\"",
            "/a|b",
            "/a^",
        ] {
            assert!(!is_plain(path), "{path}");
        }
    }
}
