//! Development mode serves this machine's own programs. Any web page can make a browser send
//! requests to a loopback address, and a name can be rebound to one.

use std::net::IpAddr;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::{HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderValue, StatusCode, Uri};

/// Refuses requests that name another host, or that come from a page of another site.
pub(crate) async fn only_local(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let authority = request.uri().authority().cloned();
    let host = authority.or_else(|| Authority::try_from(headers.get(HOST)?.as_bytes()).ok());
    let origins = headers.get_all(ORIGIN).iter().all(is_local_origin);
    let mut sites = headers.get_all("sec-fetch-site").iter();
    let is_cross_site = sites.any(|site| site == "cross-site");
    if host.is_some_and(|host| is_loopback(&host)) && origins && !is_cross_site {
        next.run(request).await
    } else {
        (StatusCode::FORBIDDEN, "only for programs of this machine\n").into_response()
    }
}

fn is_local_origin(origin: &HeaderValue) -> bool {
    let uri = Uri::try_from(origin.as_bytes()).unwrap_or_default();
    uri.authority().is_some_and(is_loopback)
}

fn is_loopback(authority: &Authority) -> bool {
    let host = authority.host().to_ascii_lowercase();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    match address.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}
