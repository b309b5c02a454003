//! Requests that the gateway does not take, whoever sends them: what a server behind it could read
//! differently.

use http::header::{HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, Method, Version};
use hyper::ext::Protocol;

use crate::gateway::error_response::Problem;
use crate::gateway::proxy::headers::Via;

/// The longest method, in bytes. The longest registered one has 17.
const LONGEST_METHOD: usize = 32;

/// Checks the head of a request.
pub(crate) fn check(head: &Parts, via: &Via, fields: usize) -> Result<(), Problem> {
    if !has_known_method(head) {
        return Err(Problem::UnknownMethod);
    }
    if head.headers.len() > fields {
        return Err(Problem::HeadTooLarge);
    }
    if !has_one_host(head) {
        return Err(Problem::Host);
    }
    if via.has_signed(&head.headers) {
        return Err(Problem::Loop);
    }
    if !has_known_coding(&head.headers) {
        return Err(Problem::TransferCoding);
    }
    Ok(())
}

/// Returns whether the method is one that all servers read alike. Some fold its case, and would run
/// a method that no policy was asked about (RFC 9110 §9.1). CONNECT is for another protocol here.
fn has_known_method(head: &Parts) -> bool {
    let method = head.method.as_str();
    if head.method == Method::CONNECT {
        return head.extensions.get::<Protocol>().is_some();
    }
    method.len() <= LONGEST_METHOD && !method.bytes().any(|byte| byte.is_ascii_lowercase())
}

/// Returns the host that a request names.
pub(super) fn host(head: &Parts) -> Option<Authority> {
    if let Some(authority) = head.uri.authority() {
        return Some(authority.clone());
    }
    let host = head.headers.get(HOST)?;
    Authority::try_from(host.as_bytes()).ok()
}

/// Returns whether a request names exactly one valid host (RFC 9112 §3.2, RFC 9113 §8.3.1).
fn has_one_host(head: &Parts) -> bool {
    let mut hosts = head.headers.get_all(HOST).iter();
    let (first, second) = (hosts.next(), hosts.next());
    if second.is_some() {
        return false;
    }
    let valid =
        |authority: &Authority| !authority.host().is_empty() && !authority.as_str().contains('@');
    let target = head.uri.authority();
    if target.is_some_and(|authority| !valid(authority)) {
        return false;
    }
    let Some(host) = first else {
        return head.version == Version::HTTP_10
            || (target.is_some() && head.version >= Version::HTTP_2);
    };
    match Authority::try_from(host.as_bytes()) {
        Ok(host) if valid(&host) => {
            // HTTP/1.1 has a proxy replace `Host` by the target's; HTTP/2 has one of the two.
            head.version < Version::HTTP_2 || target.is_none_or(|target| *target == host)
        }
        _ => false,
    }
}

/// Returns whether the body has no coding but `chunked`. The server would take off that one and
/// pass on the others, without their name.
fn has_known_coding(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => true,
        (Some(only), None) => only
            .as_bytes()
            .trim_ascii()
            .eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn checked(version: Version, target: &str, headers: &[(&str, &str)]) -> Result<(), Problem> {
        let mut request = Request::get(target).version(version);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        check(&head, &Via::new(1), 100)
    }

    #[test]
    fn method_has_capital_letters_and_a_limit() {
        for (method, is_known) in [
            ("GET", true),
            ("M-SEARCH", true),
            ("BASELINE-CONTROL", true),
            (&"A".repeat(LONGEST_METHOD), true),
            (&"A".repeat(LONGEST_METHOD + 1), false),
            ("post", false),
            ("Get", false),
            ("CONNECT", false),
        ] {
            let request = Request::builder().method(method).uri("/v1");
            let (head, ()) = request.body(()).unwrap().into_parts();
            assert_eq!(has_known_method(&head), is_known, "{method}");
        }
    }

    #[test]
    fn request_needs_one_valid_host() {
        const BAD: Result<(), Problem> = Err(Problem::Host);
        let absolute = "http://g/v1";
        for (version, target, hosts, wanted) in [
            (Version::HTTP_11, "/v1", &[][..], BAD),
            (Version::HTTP_11, "/v1", &["g"], Ok(())),
            (Version::HTTP_11, "/v1", &["g:80"], Ok(())),
            (Version::HTTP_11, "/v1", &["[::1]:80"], Ok(())),
            (Version::HTTP_11, "/v1", &["g", "g"], BAD),
            (Version::HTTP_11, "/v1", &[""], BAD),
            (Version::HTTP_11, "/v1", &["a b"], BAD),
            (Version::HTTP_11, "/v1", &["a/b"], BAD),
            (Version::HTTP_11, "/v1", &["a@b"], BAD),
            (Version::HTTP_11, "/v1", &["a,b"], Ok(())), // a valid name, if an odd one
            (Version::HTTP_11, absolute, &[], BAD),
            (Version::HTTP_11, absolute, &["other"], Ok(())),
            (Version::HTTP_10, "/v1", &[], Ok(())),
            (Version::HTTP_10, "/v1", &["g", "h"], BAD),
            (Version::HTTP_2, absolute, &[], Ok(())),
            (Version::HTTP_2, absolute, &["g"], Ok(())),
            (Version::HTTP_2, absolute, &["other"], BAD),
            (Version::HTTP_2, "/v1", &[], BAD),
        ] {
            let headers: Vec<_> = hosts.iter().map(|host| ("host", *host)).collect();
            let found = checked(version, target, &headers);
            assert_eq!(found, wanted, "{version:?} {target} {hosts:?}");
        }
    }

    #[test]
    fn only_chunked_is_a_known_coding() {
        const BAD: Result<(), Problem> = Err(Problem::TransferCoding);
        for (codings, wanted) in [
            (&["chunked"][..], Ok(())),
            (&["Chunked "], Ok(())),
            (&["gzip, chunked"], BAD),
            (&["gzip", "chunked"], BAD),
            (&["chunked", "chunked"], BAD),
        ] {
            let headers = codings.iter().map(|coding| ("transfer-encoding", *coding));
            let headers: Vec<_> = [("host", "g")].into_iter().chain(headers).collect();
            let found = checked(Version::HTTP_11, "/v1", &headers);
            assert_eq!(found, wanted, "{codings:?}");
        }
    }
}
