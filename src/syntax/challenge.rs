//! The challenges of `WWW-Authenticate`
//! ([RFC 9110 §11.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1)).
//!
//! The grammar uses commas for two things, which only the next token tells apart:
//!
//! ```text
//! WWW-Authenticate = #challenge
//! challenge        = scheme [ 1*SP ( token68 / #parameter ) ]
//! parameter        = token BWS "=" BWS ( token / quoted-string )
//! token68          = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
//! ```

use crate::syntax::tchar::is_tchar;

/// Returns the scheme of each challenge in these header values, as written.
///
/// Several values are one list. Returns `None` if they are no list of challenges.
pub(crate) fn schemes<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Option<Vec<&'a [u8]>> {
    let mut schemes = Vec::new();
    let mut next = Next::Scheme;
    for value in values {
        let mut rest = Rest(value);
        loop {
            rest.take(|byte| is_space(byte) || byte == b',');
            if rest.0.is_empty() {
                break;
            }
            if next == Next::Scheme || !rest.parameter() {
                let scheme = rest.take(is_tchar);
                if scheme.is_empty() {
                    return None;
                }
                schemes.push(scheme);
                next = rest.after_scheme();
            }
            rest.take(is_space);
            if !rest.element_ends() {
                return None;
            }
        }
    }
    Some(schemes)
}

/// What the next element of the list may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Scheme,
    /// Or a parameter of the challenge before it.
    SchemeOrParameter,
}

/// The rest of a header value.
#[derive(Clone, Copy)]
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, of: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.0.iter().position(|byte| !of(*byte));
        let (taken, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
        self.0 = rest;
        taken
    }

    fn eat(&mut self, byte: u8) -> bool {
        let rest = self.0.strip_prefix(&[byte]);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn element_ends(self) -> bool {
        matches!(self.0.first(), None | Some(b','))
    }

    /// Takes what follows a scheme up to the next comma.
    fn after_scheme(&mut self) -> Next {
        if self.take(|byte| byte == b' ').is_empty() {
            return Next::Scheme;
        }
        self.take(is_space);
        if self.element_ends() || self.parameter() {
            return Next::SchemeOrParameter;
        }
        if !self.take(is_token68).is_empty() {
            self.take(|byte| byte == b'=');
        }
        Next::Scheme
    }

    /// Takes one parameter. Takes nothing if there is none, as in the token68 `abc=`.
    fn parameter(&mut self) -> bool {
        let before = *self;
        let named = !self.take(is_tchar).is_empty() && {
            self.take(is_space);
            self.eat(b'=')
        };
        self.take(is_space);
        let is_parameter = named && (self.quoted_string() || !self.take(is_tchar).is_empty());
        if !is_parameter {
            *self = before;
        }
        is_parameter
    }

    fn quoted_string(&mut self) -> bool {
        let before = *self;
        if self.eat(b'"') {
            loop {
                self.take(|byte| is_text(byte) && byte != b'"' && byte != b'\\');
                if self.eat(b'"') {
                    return true;
                }
                if !self.eat(b'\\') || !self.0.first().copied().is_some_and(is_text) {
                    break;
                }
                self.0 = &self.0[1..];
            }
        }
        *self = before;
        false
    }
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

const fn is_token68(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/')
}

/// Returns whether a quoted string may contain the byte, alone or behind a backslash.
const fn is_text(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    fn parsed(values: &[&str]) -> Option<Vec<String>> {
        let schemes = schemes(values.iter().map(|value| value.as_bytes()))?;
        let text = |scheme: &[u8]| String::from_utf8(scheme.to_vec()).unwrap();
        Some(schemes.into_iter().map(text).collect())
    }

    #[test]
    fn lists_of_challenges() {
        for (values, schemes) in [
            (&["Bearer"] as &[_], &["Bearer"] as &[_]),
            (&["Bearer realm=\"a, Basic realm=b\""], &["Bearer"]),
            (&["Bearer realm=\"\\\"\", Basic"], &["Bearer", "Basic"]),
            (&["Basic realm=x, charset=\"UTF-8\""], &["Basic"]),
            (&["Basic realm = \"x\" , Bearer"], &["Basic", "Bearer"]),
            (&["Negotiate, NTLM"], &["Negotiate", "NTLM"]),
            (&["Negotiate YII=, Basic a=b"], &["Negotiate", "Basic"]),
            (&["Negotiate YII==,NTLM"], &["Negotiate", "NTLM"]),
            (&["Token abc", "Basic"], &["Token", "Basic"]),
            (&["Basic realm=, Bearer realm"], &["Basic", "Bearer"]),
            (&["DPoP algs=\"ES256 PS256\", Bearer"], &["DPoP", "Bearer"]),
            (&[",, Basic ,, realm=\"x\" ,"], &["Basic"]),
            (
                &["Bearer realm=\"x\"", "error=\"y\", Basic"],
                &["Bearer", "Basic"],
            ),
            (&["Digest qop=\"auth, auth-int\", nonce=a"], &["Digest"]),
            (&["Basic realm=\"caf\u{e9}\""], &["Basic"]),
            (&[""], &[]),
            (&[" , ,"], &[]),
        ] {
            let schemes = schemes.iter().map(ToString::to_string).collect();
            assert_eq!(parsed(values), Some(schemes), "{values:?}");
        }
    }

    #[test]
    fn other_values_are_no_list() {
        for value in [
            "Basic realm=\"x",
            "Basic realm=\"x\\\"",
            "Basic realm=\"x\"Bearer",
            "Basic realm=x charset=y",
            "Basic, realm=\"x\"",
            "realm=\"x\"",
            "=",
            "\"Basic\"",
            "Basic a==b",
            "Basic abc=, realm=\"x\"",
            "Basic: realm=\"x\"",
            "Basic realm=\"\u{1}\"",
            "B\u{e4}sic",
        ] {
            assert_eq!(parsed(&[value]), None, "{value}");
        }
    }

    fn token() -> impl Strategy<Value = String> {
        "[!#$%&'*+.^_`|~A-Za-z0-9-]{1,6}"
    }

    fn space() -> impl Strategy<Value = &'static str> {
        select(vec!["", " ", "\t", "  "])
    }

    fn parameter() -> impl Strategy<Value = String> {
        let quoted = "([ -!#-\\[\\]-~\t]|\\\\[ -~\t]){0,8}".prop_map(|text| format!("\"{text}\""));
        let value = prop_oneof![token(), quoted];
        (token(), space(), space(), value)
            .prop_map(|(name, a, b, value)| format!("{name}{a}={b}{value}"))
    }

    fn comma() -> impl Strategy<Value = String> {
        (space(), select(vec![",", ",,", ", ,"]), space())
            .prop_map(|(a, comma, b)| format!("{a}{comma}{b}"))
    }

    fn challenge() -> impl Strategy<Value = (String, String)> {
        let parameters = prop::collection::vec((parameter(), comma()), 1..4).prop_map(|list| {
            let mut text = String::new();
            for (parameter, comma) in &list[..list.len() - 1] {
                text.push_str(parameter);
                text.push_str(comma);
            }
            text + &list[list.len() - 1].0
        });
        let arguments = prop_oneof![
            Just(String::new()),
            "[A-Za-z0-9._~+/-]{1,8}={0,2}".prop_map(|token68| format!(" {token68}")),
            (select(vec![" ", "  "]), parameters)
                .prop_map(|(space, list)| format!("{space}{list}")),
        ];
        (token(), arguments).prop_map(|(scheme, arguments)| (scheme.clone(), scheme + &arguments))
    }

    proptest! {
        #[test]
        fn any_list_that_the_grammar_allows(
            challenges in prop::collection::vec((challenge(), comma()), 0..5),
            lines in prop::collection::vec(any::<bool>(), 5),
        ) {
            let mut values = vec![String::new()];
            for (((_, text), comma), new_line) in challenges.iter().zip(lines) {
                if new_line {
                    values.push(String::new());
                }
                let value = values.last_mut().unwrap();
                if !value.is_empty() {
                    value.push_str(comma);
                }
                value.push_str(text);
            }
            let expected = challenges.into_iter().map(|((scheme, _), _)| scheme).collect();
            let values: Vec<_> = values.iter().map(String::as_str).collect();
            prop_assert_eq!(parsed(&values), Some(expected), "{:?}", values);
        }

        /// Another parser, which knows no token68, and wants one space and a comma between elements.
        #[test]
        fn whatever_another_parser_reads(
            value in prop_oneof![
                "[A-Ca-c=\" ,\\\\\t]{0,24}",
                "(Bearer|Basic|a|b|=|\"|\"x\"| |,|\\\\|\t){0,12}",
            ],
        ) {
            if let Ok(theirs) = http_auth::parse_challenges(&value) {
                let theirs = theirs.iter().map(|challenge| challenge.scheme.to_owned()).collect();
                prop_assert_eq!(parsed(&[&value]), Some(theirs), "{:?}", value);
            }
        }

        #[test]
        fn any_bytes(value: Vec<u8>) {
            if let Some(schemes) = schemes([&value[..]]) {
                for scheme in schemes {
                    prop_assert!(!scheme.is_empty() && scheme.iter().copied().all(is_tchar));
                }
            }
        }
    }
}
