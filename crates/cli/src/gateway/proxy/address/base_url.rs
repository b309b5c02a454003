//! The upstream's base URL, and the URL of a forwarded request.

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};
use tower_rotating_auth::outbound::{ConfigErrorKind, Origin};

use super::query;

/// The upstream's base URL.
#[derive(Clone, Debug)]
pub(crate) struct Base {
    scheme: Scheme,
    authority: Authority,
    /// Without a trailing slash.
    path: String,
}

/// The path is invalid, or would leave the base.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct InvalidPath;

impl Base {
    /// Parses a URL. Errors do not repeat it, since it may contain a password.
    pub(crate) fn parse(url: &str) -> Result<Self, &'static str> {
        if let Err(invalid) = url.parse::<Origin>() {
            return Err(match invalid.kind() {
                ConfigErrorKind::UrlScheme => "must start with https:// or http://",
                ConfigErrorKind::UserInfo => "must not contain a user or a password",
                ConfigErrorKind::Cleartext => {
                    "http:// would send the key to another machine in cleartext; use https://"
                }
                _ => "must be a URL such as https://api.openai.com/v1",
            });
        }
        let parts = url.parse::<Uri>().map(Uri::into_parts).unwrap_or_default();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err("must be a URL such as https://api.openai.com/v1");
        };
        let path = parts.path_and_query.as_ref();
        if url.contains('#') || path.is_some_and(|path| path.query().is_some()) {
            return Err("must not contain a query or a fragment");
        }
        let path = path.map_or("", PathAndQuery::path);
        if has_dot_segment(path) {
            return Err("must not contain . or .. in its path");
        }
        Ok(Self {
            scheme,
            path: path.trim_end_matches('/').to_owned(),
            authority,
        })
    }

    /// Returns the upstream's URL for a requested URI.
    ///
    /// If the base ends in `/v1` and the path starts with `/v1`, the two share that segment.
    pub(crate) fn join(&self, asked: &Uri) -> Result<Uri, InvalidPath> {
        let path = asked.path();
        if !path.starts_with('/') || has_dot_segment(path) {
            return Err(InvalidPath);
        }
        let rest = match path.strip_prefix("/v1") {
            Some(rest)
                if self.path.ends_with("/v1") && (rest.is_empty() || rest.starts_with('/')) =>
            {
                rest
            }
            _ => path,
        };
        let mut target = format!("{}{rest}", self.path);
        if let Some(query) = asked.query().and_then(query::passing) {
            target.push('?');
            target.push_str(&query);
        }
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(target)
            .build()
            .map_err(|_| InvalidPath)
    }

    /// Returns where clients of the gateway find a path and query of the upstream, or `None` if the
    /// gateway does not forward to it. It is the inverse of [`join`](Self::join).
    pub(super) fn public_path(&self, path: &str) -> Option<String> {
        let rest = path.strip_prefix(&self.path)?;
        let begins = |c: char| rest.starts_with(c);
        if !rest.is_empty() && !begins('/') && !begins('?') {
            return None;
        }
        // The last segment is shared, so it stays in the way of another `/v1`.
        let shared = if self.path.ends_with("/v1") {
            "/v1"
        } else {
            ""
        };
        let root = if shared.is_empty() && !begins('/') {
            "/"
        } else {
            ""
        };
        Some(format!("{shared}{root}{rest}"))
    }

    pub(super) const fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Returns the origin that the key is for.
    pub(crate) fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.authority)
    }

    pub(crate) fn is_https(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }
}

/// How many rounds of percent decoding to look through. A path with more is refused, to bound the
/// cost.
const DECODED: usize = 4;

/// Returns whether a segment of the path is `.` or `..`, even encoded (`..%2fadmin`, `%252e%252e`,
/// `..;x=y`). A server behind may decode it, and then the request would leave the base.
fn has_dot_segment(path: &str) -> bool {
    let mut read = path.as_bytes().to_vec();
    for _ in 0..=DECODED {
        if has_dots(&read) {
            return true;
        }
        let decoded = query::decode(&read);
        if decoded == read {
            return false;
        }
        read = decoded;
    }
    true
}

fn has_dots(path: &[u8]) -> bool {
    path.split(|byte| matches!(byte, b'/' | b'\\'))
        .filter_map(|segment| segment.split(|byte| *byte == b';').next())
        .any(|name| matches!(name, b"." | b".."))
}
