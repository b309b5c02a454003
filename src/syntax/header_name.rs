//! Header names that a server can take for each other.

use http::header::{HeaderMap, HeaderName};

/// Returns whether two names are one variable to a server that hands headers to a program in its
/// environment (CGI, FastCGI, WSGI), whatever their case.
///
/// [RFC 3875 §4.1.18](https://www.rfc-editor.org/rfc/rfc3875#section-4.1.18) replaces `-` by `_`.
/// Servers replace all other punctuation, too: to lighttpd, `x.api+key` is `HTTP_X_API_KEY`.
pub(crate) fn is_same_variable(one: &[u8], other: &[u8]) -> bool {
    let is_same = |(one, other): (&u8, &u8)| {
        one.eq_ignore_ascii_case(other)
            || !(one.is_ascii_alphanumeric() || other.is_ascii_alphanumeric())
    };
    one.len() == other.len() && one.iter().zip(other).all(is_same)
}

/// Removes these headers, and those that are the same variable as one of them.
pub(crate) fn remove_variables(headers: &mut HeaderMap, names: &[HeaderName]) {
    let is_named = |header: &&HeaderName| {
        let header = header.as_str().as_bytes();
        let mut names = names.iter().map(|name| name.as_str().as_bytes());
        names.any(|name| is_same_variable(name, header))
    };
    let named: Vec<_> = headers.keys().filter(is_named).cloned().collect();
    for header in named {
        headers.remove(header);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remove_variables_ignores_case_and_punctuation() {
        let names = ["x-auth-client", "x-auth-scopes"].map(HeaderName::from_static);
        let mut headers = HeaderMap::new();
        for name in [
            "x-auth-client",
            "X-Auth-Client",
            "x_auth_client",
            "x-auth_client",
            "x.auth+client",
            "x-auth-scopes",
            "x-auth-clients",
            "x-auth",
            "x-authxclient",
            "x-authclient",
        ] {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, "root".parse().unwrap());
        }
        remove_variables(&mut headers, &names);
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(
            left,
            ["x-auth", "x-auth-clients", "x-authclient", "x-authxclient"]
        );
    }
}
