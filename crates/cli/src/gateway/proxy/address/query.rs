//! Query parameters that do not pass: credentials of clients, and other methods than the checked
//! one.

use percent_encoding::percent_decode;

use crate::gateway::proxy::headers::is_credential;

/// Credentials whose names do not say so (Azure and others), and the method in a query.
const PARAMETERS: [&str; 3] = ["_method", "sig", "x-amz-signature"];

/// Returns the query without those parameters, and the others unchanged. Returns `None` if nothing
/// is left.
pub(crate) fn passing(query: &str) -> Option<String> {
    let mut kept = String::new();
    // Some servers take `;` for `&`.
    for parameter in query.split_inclusive(['&', ';']) {
        let name = parameter.trim_end_matches(['&', ';']);
        let name = name.split('=').next().unwrap_or_default();
        let name = decode(name.as_bytes()).to_ascii_lowercase();
        let name = String::from_utf8_lossy(&name);
        if !is_credential(&name) && !PARAMETERS.contains(&&*name) {
            kept.push_str(parameter);
        }
    }
    let kept = kept.trim_end_matches(['&', ';']);
    (!kept.is_empty()).then(|| kept.to_owned())
}

/// Decodes percent encoding once, and leaves malformed sequences as they are.
fn decode(text: &[u8]) -> Vec<u8> {
    percent_decode(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_leave_queries() {
        for (query, kept) in [
            ("key=1", None),
            ("a=1&api_key=2&b=3", Some("a=1&b=3")),
            ("a=1;api_key=2;b=3", Some("a=1;b=3")),
            ("%61ccess_token=1&a", Some("a")),
            ("apiKey=1&Token=2&client_secret=3", None),
            ("sig=1&X-Amz-Credential=2&X-Amz-Signature=3", None),
            ("_method=DELETE&limit=2", Some("limit=2")),
            (
                "page_token=1&after=a%2Fb&next_page_token=2",
                Some("page_token=1&after=a%2Fb&next_page_token=2"),
            ),
        ] {
            assert_eq!(passing(query).as_deref(), kept, "{query}");
        }
    }
}
