//! From what a client asks for to where it is asked of the upstream.

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};
use tower_rotating_auth::outbound::{ConfigErrorKind, Origin};

use super::credentials;

/// The upstream's base URL.
#[derive(Clone, Debug)]
pub(crate) struct Base {
    scheme: Scheme,
    authority: Authority,
    /// Without a slash at its end.
    path: String,
}

/// A path that is not forwarded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotAPath;

impl Base {
    /// What is wrong with it. The URL is not repeated: somebody may have put a password into it.
    pub(crate) fn parse(url: &str) -> Result<Self, &'static str> {
        if let Err(invalid) = url.parse::<Origin>() {
            return Err(match invalid.kind() {
                ConfigErrorKind::UrlScheme => "only https:// and http:// are spoken",
                ConfigErrorKind::UserInfo => "a URL must not hold a user or a password",
                ConfigErrorKind::Cleartext => {
                    "http:// would send the key in clear text to another machine; use https://"
                }
                _ => "a URL such as https://api.openai.com/v1 is needed",
            });
        }
        let parts = url.parse::<Uri>().map(Uri::into_parts).unwrap_or_default();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err("a URL such as https://api.openai.com/v1 is needed");
        };
        let path = parts.path_and_query.as_ref();
        if url.contains('#') || path.is_some_and(|path| path.query().is_some()) {
            return Err("a base URL has neither a query nor a fragment");
        }
        let path = path.map_or("", PathAndQuery::path);
        if climbs(path) {
            return Err("a base URL has no . or .. in its path");
        }
        Ok(Self {
            scheme,
            path: path.trim_end_matches('/').to_owned(),
            authority,
        })
    }

    /// Where the upstream is asked for what a client asked of the gateway.
    ///
    /// A base that ends in `/v1` and a request for `/v1/…` share that segment.
    pub(crate) fn join(&self, asked: &Uri) -> Result<Uri, NotAPath> {
        let path = asked.path();
        if !path.starts_with('/') || climbs(path) {
            return Err(NotAPath);
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
        if let Some(query) = asked.query().and_then(credentials::without_keys) {
            target.push('?');
            target.push_str(&query);
        }
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(target)
            .build()
            .map_err(|_| NotAPath)
    }

    /// The only place that the key is for.
    pub(crate) fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.authority)
    }

    pub(crate) fn is_https(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }
}

/// How often a server behind may decode a path. One that could be decoded more often is refused: each time costs.
const DECODED: usize = 4;

/// Whether a segment of the path is `.` or `..`, also in disguise: a server behind may take the disguise
/// off (`..%2fadmin`, `%252e%252e`, `..;x=y`), and then the request leaves the base.
fn climbs(path: &str) -> bool {
    let mut read = path.as_bytes().to_vec();
    for _ in 0..=DECODED {
        if has_dots(&read) {
            return true;
        }
        let decoded = credentials::decode(&read);
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
