//! The gateway's name in `Via`, by which it finds that a request has come back to it.

use http::header::VIA;
use http::{HeaderMap, HeaderValue, Version};

/// The pseudonym of one running gateway.
///
/// It has a number of its own: one gateway may stand behind another.
#[derive(Clone, Debug)]
pub(crate) struct Via {
    name: String,
    /// The whole field for each version of HTTP, since each request gets one of them.
    fields: [(Version, HeaderValue); 3],
}

impl Via {
    pub(crate) fn new(number: u64) -> Self {
        let name = format!("rotating-auth-gateway-{number:016x}");
        let versions = [
            (Version::HTTP_11, "1.1"),
            (Version::HTTP_2, "2"),
            (Version::HTTP_10, "1.0"),
        ];
        let fields = versions.map(|(version, protocol)| {
            // A pseudonym is visible ASCII, so this cannot fail.
            let field = HeaderValue::try_from(format!("{protocol} {name}"));
            (version, field.unwrap_or(HeaderValue::from_static("1.1 -")))
        });
        Self { name, fields }
    }

    /// Adds this gateway to the way of a request, as a gateway must (RFC 9110 §7.6.3).
    pub(crate) fn sign(&self, headers: &mut HeaderMap, version: Version) {
        let mut fields = self.fields.iter();
        let field = fields.find(|(known, _)| *known == version);
        let (_, field) = field.unwrap_or(&self.fields[0]);
        headers.append(VIA, field.clone());
    }

    /// Returns whether a request was here before.
    pub(crate) fn has_signed(&self, headers: &HeaderMap) -> bool {
        headers
            .get_all(VIA)
            .iter()
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
            .filter_map(|hop| {
                let mut words = hop.split(u8::is_ascii_whitespace);
                words.by_ref().find(|word| !word.is_empty())?;
                words.find(|word| !word.is_empty())
            })
            .any(|name| name.eq_ignore_ascii_case(self.name.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gateway_knows_its_own_signature_alone() {
        let [one, other] = [Via::new(1), Via::new(2)];
        let mut headers = HeaderMap::new();
        other.sign(&mut headers, Version::HTTP_2);
        assert!(!one.has_signed(&headers) && other.has_signed(&headers));
        let joined = HeaderValue::from_static(
            "1.0 first , HTTP/1.1  Rotating-Auth-Gateway-0000000000000001 (a comment)",
        );
        headers.append(VIA, joined);
        assert!(one.has_signed(&headers));
    }
}
