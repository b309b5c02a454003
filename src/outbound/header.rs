//! Setting a header so that it arrives.

use http::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue};

use crate::syntax::header_name::is_same_variable;

/// Sets a header, in place of any of that name, and removes its name from `Connection`.
pub(crate) fn set(headers: &mut HeaderMap, name: &HeaderName, value: HeaderValue) {
    if headers.contains_key(CONNECTION) {
        remove_connection_option(headers, name);
    }
    headers.insert(name, value);
}

/// Removes a header's name from `Connection`. A proxy drops every header that is named there
/// ([RFC 9110 §7.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1)).
fn remove_connection_option(headers: &mut HeaderMap, name: &HeaderName) {
    let names_it = |option: &&[u8]| is_same_variable(option, name.as_str().as_bytes());
    if !options(headers).any(|option| names_it(&option)) {
        return;
    }
    let others: Vec<_> = options(headers)
        .filter(|option| !option.is_empty() && !names_it(option))
        .collect();
    match HeaderValue::from_bytes(&others.join(&b", "[..])) {
        Ok(others) if !others.is_empty() => headers.insert(CONNECTION, others),
        _ => headers.remove(CONNECTION),
    };
}

fn options(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let lists = headers.get_all(CONNECTION).into_iter();
    lists
        .flat_map(|list| list.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_removes_only_its_name_from_connection() {
        let name = HeaderName::from_static("x-api-key");
        for (lists, expected) in [
            (&["x-api-key"][..], None),
            (&["X-API-Key"], None),
            (&[" x-api-key ,, "], None),
            (&["x_api_key", "x-api-key"], None),
            (&["close, x-api-key"], Some("close")),
            (
                &["x-api-key,keep-alive, X-Api-Key,te"],
                Some("keep-alive, te"),
            ),
            (&["close", "x-api-key", "te"], Some("close, te")),
            (&["x-api-keys, api-key"], Some("x-api-keys, api-key")),
            (
                &["x-api-key\u{ff}, a\u{ff}, x-api-key"],
                Some("x-api-key\u{ff}, a\u{ff}"),
            ),
            (&["close,te", "foo"], Some("close,te")),
            (&[], None),
        ] {
            let mut headers = HeaderMap::new();
            for list in lists {
                headers.append(
                    CONNECTION,
                    HeaderValue::from_bytes(list.as_bytes()).unwrap(),
                );
            }
            set(&mut headers, &name, HeaderValue::from_static("k-1"));
            let left = headers.get(CONNECTION).map(HeaderValue::as_bytes);
            assert_eq!(left, expected.map(str::as_bytes), "{lists:?}");
            assert_eq!(headers["x-api-key"], "k-1");
        }
    }
}
