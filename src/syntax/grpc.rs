//! How to recognize gRPC.

use http::header::{CONTENT_TYPE, HeaderMap};

/// A protocol of the gRPC family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// [gRPC over HTTP/2](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md): every
    /// response is a 200, and its status is in the trailers, or in the headers if it has no
    /// message.
    Grpc,
    /// [gRPC-Web](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md): trailers are part
    /// of the body, and a response without a message has its status in the headers, as in gRPC.
    /// Clients also understand a status of HTTP, the one that a browser shows them across origins.
    Web,
}

/// Returns the protocol that the content type of a request or response names.
///
/// Both protocols take a suffix, as in `application/grpc+proto`. The text form of gRPC-Web is
/// `application/grpc-web-text`.
pub(crate) fn protocol(headers: &HeaderMap) -> Option<Protocol> {
    const GRPC: &[u8] = b"application/grpc";
    const WEB: [&[u8]; 3] = [b"-web", b"-web-text", b"-web-text-base64"];
    let value = headers.get(CONTENT_TYPE)?.as_bytes();
    let media_type = value.split(|byte| *byte == b';').next()?.trim_ascii();
    let (start, rest) = media_type.split_at_checked(GRPC.len())?;
    if !start.eq_ignore_ascii_case(GRPC) {
        return None;
    }
    let variant = rest.split(|byte| *byte == b'+').next()?;
    if variant.is_empty() {
        return Some(Protocol::Grpc);
    }
    let is_web = WEB.iter().any(|web| variant.eq_ignore_ascii_case(web));
    is_web.then_some(Protocol::Web)
}

/// Returns the status of a response that has it in its headers, because it has no message
/// ([Trailers-Only](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses)).
///
/// Returns 2 (`UNKNOWN`) for a status that is not a number, as clients read it, and `None` for a
/// response that is not gRPC or has no status yet.
#[cfg(feature = "outbound")]
pub(crate) fn status_in_headers(headers: &HeaderMap) -> Option<u32> {
    const UNKNOWN: u32 = 2;
    protocol(headers)?;
    let status = headers.get("grpc-status")?.to_str().unwrap_or_default();
    let digits = status.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| status.parse().ok()).flatten(); // the parser accepts a sign
    Some(number.unwrap_or(UNKNOWN))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(content_type: &'static str) -> Option<Protocol> {
        let value = HeaderValue::from_static(content_type);
        protocol(&HeaderMap::from_iter([(CONTENT_TYPE, value)]))
    }

    #[test]
    fn grpc_content_types() {
        for content_type in [
            "application/grpc",
            "application/grpc+proto",
            "application/grpc+json; charset=utf-8",
            "Application/gRPC;charset=utf-8",
            " application/grpc ;a=b",
        ] {
            assert_eq!(of(content_type), Some(Protocol::Grpc), "{content_type}");
        }
    }

    #[test]
    fn grpc_web_content_types() {
        for content_type in [
            "application/grpc-web",
            "application/grpc-web+proto",
            "application/grpc-web+thrift;a=b",
            "application/grpc-web-text",
            "application/grpc-web-text+proto",
            "application/grpc-web-text-base64",
            "APPLICATION/GRPC-WEB-TEXT",
        ] {
            assert_eq!(of(content_type), Some(Protocol::Web), "{content_type}");
        }
    }

    #[test]
    fn other_content_types_are_not_grpc() {
        for content_type in [
            "",
            "application/json",
            "application/grp",
            "application/grpcweb",
            "application/grpc-webtext",
            "application/grpc-web-json",
            "text/plain; a=application/grpc",
        ] {
            assert_eq!(of(content_type), None, "{content_type}");
        }
        assert_eq!(protocol(&HeaderMap::new()), None);
    }

    #[cfg(feature = "outbound")]
    #[test]
    fn status_in_headers_needs_grpc_and_a_number() {
        let of = |content_type: &'static str, status: &'static str| {
            status_in_headers(&HeaderMap::from_iter([
                (CONTENT_TYPE, HeaderValue::from_static(content_type)),
                (
                    "grpc-status".parse().unwrap(),
                    HeaderValue::from_static(status),
                ),
            ]))
        };
        for (status, number) in [("0", 0), ("16", 16), ("016", 16), ("17", 17)] {
            assert_eq!(of("application/grpc", status), Some(number));
            assert_eq!(of("application/grpc-web-text", status), Some(number));
            assert_eq!(of("application/json", status), None);
        }
        for status in ["", "+16", "-1", "16 ", "sixteen", "99999999999"] {
            assert_eq!(of("application/grpc", status), Some(2), "{status:?}");
        }
        let streaming = HeaderValue::from_static("application/grpc");
        let streaming = HeaderMap::from_iter([(CONTENT_TYPE, streaming)]);
        assert_eq!(status_in_headers(&streaming), None);
    }
}
