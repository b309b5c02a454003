//! One origin in many spellings, and others that look like it.

use http::header::HOST;
use http::{HeaderValue, Request, Uri};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::{Layer, service_fn};
use tower_rotating_auth::{
    Secret,
    outbound::adapter::ClientAdapter,
    outbound::{Credential, InjectKeyLayer, Origin, RotatingCredential, Route},
};

use super::{Wire, bearer, get};

/// Sends each URL with hyper's client, and compares what arrives with what is expected.
async fn check(origin: &str, cases: &[(&str, bool)]) {
    let wire = Wire::plain().await;
    let inject = InjectKeyLayer::new(Origin::cleartext(origin).unwrap(), bearer()).unwrap();
    let client = inject.layer(wire.client());
    for &(uri, expected) in cases {
        client.clone().oneshot(get(uri)).await.unwrap();
        let [arrived] = &wire.arrived()[..] else {
            unreachable!("one request, one head");
        };
        let expected = expected.then_some("Bearer key");
        assert_eq!(arrived.key.as_deref(), expected, "{uri}: {arrived:?}");
    }
}

#[tokio::test]
async fn lookalike_hosts_get_no_key() {
    let cases = [
        ("http://api.example.com/", true),
        ("http://api.example.com", true),
        ("http://api.example.com/?q=http://evil.test", true),
        ("http://API.eXample.COM/", true),
        ("http://api.example.com:80/", true),
        ("http://user:word@api.example.com/", true),
        ("http://evil.test@api.example.com/", true),
        // Suffixes, prefixes, and the name where it is not the host.
        ("http://evilapi.example.com/", false),
        ("http://v2.api.example.com/", false),
        ("http://example.com/", false),
        ("http://api.example.co/", false),
        ("http://api.example.computer/", false),
        ("http://api.example.com.evil.test/", false),
        ("http://api-example.com/", false),
        ("http://api.example.com@evil.test/", false),
        ("http://api.example.com:80@evil.test/", false),
        ("http://user:api.example.com@evil.test/", false),
        ("http://evil.test/http://api.example.com/", false),
        ("http://evil.test/@api.example.com/", false),
        ("http://evil.test?@api.example.com/", false),
        // Another port, another scheme, another name.
        ("http://api.example.com:8080/", false),
        ("http://api.example.com:443/", false),
        ("https://api.example.com/", false),
        ("https://api.example.com:80/", false),
        ("http://api.example.com./", false),
        ("http://xn--api-8ca.example.com/", false),
    ];
    check("http://api.example.com", &cases).await;
    let cases = [
        ("https://api.example.com:443/", true),
        ("https://api.example.com/", true),
        ("http://api.example.com:443/", false),
        ("http://api.example.com/", false),
    ];
    check("https://api.example.com", &cases).await;
    let cases = [
        ("http://api.example.com./", true),
        ("http://api.example.com/", false),
    ];
    check("http://api.example.com.", &cases).await;
}

#[tokio::test]
async fn foreign_host_header_gets_no_key() {
    const API: &str = "http://api.test";
    const OTHER_PORT: &str = "http://api.test:81";
    const ADDRESS: &str = "http://[::1]";
    let wire = Wire::plain().await;
    for (origin, url, hosts, expected) in [
        (API, API, &["api.test"][..], true),
        (API, API, &["API.test:80"], true),
        (API, API, &["evil.test"], false),
        (API, API, &["api.test:8080"], false),
        (API, API, &["api.test.evil.test"], false),
        (API, API, &["evil@api.test"], false),
        (API, API, &["api.test, evil.test"], false),
        (API, API, &["api.test", "evil.test"], false),
        (API, API, &["api.test", "api.test"], false),
        (API, API, &[""], false),
        (API, API, &["\u{430}pi.test"], false),
        (API, "http://other.test", &["api.test"], false),
        (OTHER_PORT, OTHER_PORT, &["api.test:81"], true),
        (OTHER_PORT, OTHER_PORT, &["api.test"], false),
        (ADDRESS, ADDRESS, &["[0::1]"], true),
        (ADDRESS, ADDRESS, &["::1"], false),
    ] {
        let inject = InjectKeyLayer::new(Origin::cleartext(origin).unwrap(), bearer()).unwrap();
        let mut request = get(&format!("{url}/"));
        for host in hosts {
            let host = HeaderValue::from_bytes(host.as_bytes()).unwrap();
            request.headers_mut().append(HOST, host);
        }
        let sent_once = inject.clone().without_replay().layer(wire.client());
        sent_once.oneshot(request.clone()).await.unwrap();
        inject.layer(wire.client()).oneshot(request).await.unwrap();
        let expected = expected.then_some("Bearer key");
        for arrived in wire.arrived() {
            assert_eq!(arrived.key.as_deref(), expected, "{url} for {hosts:?}");
        }
    }
}

#[tokio::test]
async fn custom_port_origin_matches_only_that_port() {
    let cases = [
        ("http://api.example.com:8080/", true),
        ("http://API.example.com:8080/", true),
        ("http://user:word@api.example.com:8080/", true),
        ("http://api.example.com:08080/", true),
        ("http://api.example.com/", false),
        ("http://api.example.com:80/", false),
        ("http://api.example.com:808/", false),
        ("http://api.example.com:8081/", false),
        ("http://evil.test:8080/", false),
        ("http://api.example.com:8080@evil.test/", false),
        ("http://api.example.com:8080@evil.test:8080/", false),
        ("https://api.example.com:8080/", false),
    ];
    check("http://api.example.com:8080", &cases).await;
    let cases = [
        ("http://[2001:db8::1]:8080/", true),
        ("http://[2001:DB8:0::1]:8080/", true),
        ("http://[2001:db8::1]/", false),
        ("http://[2001:db8::1]:80/", false),
        ("http://[2001:db8::1:8080]/", false),
    ];
    check("http://[2001:db8::1]:8080", &cases).await;
    // The default port of one scheme is an ordinary port for the other.
    let cases = [
        ("http://api.example.com:443/", true),
        ("http://api.example.com/", false),
        ("https://api.example.com/", false),
    ];
    check("http://api.example.com:443", &cases).await;
}

#[tokio::test]
async fn ip_address_matches_in_any_spelling() {
    let cases = [
        ("http://[2001:db8::1]/", true),
        ("http://[2001:DB8::1]:80/", true),
        ("http://[2001:0db8:0:0:0:0:0:1]/", true),
        ("http://[2001:db8:0::0:1]/", true),
        ("http://[2001:db8::0.0.0.1]/", true),
        ("http://user@[2001:db8::1]/", true),
        ("http://[2001:db8::2]/", false),
        ("http://[2001:db8::1]:8080/", false),
        ("http://[2001:db8::1%25eth0]/", false),
        ("http://[2001:db8::1]@evil.test/", false),
    ];
    check("http://[2001:db8::1]", &cases).await;
    let cases = [
        ("http://127.0.0.1/", true),
        ("http://127.0.0.1./", false),
        ("http://127.1/", false),
        ("http://0x7f.0.0.1/", false),
        ("http://2130706433/", false),
        ("http://127.0.0.1.evil.test/", false),
        ("http://[::ffff:127.0.0.1]/", false),
        ("http://[::ffff:7f00:1]/", false),
        ("http://localhost/", false),
    ];
    check("http://127.0.0.1", &cases).await;
    let cases = [
        ("http://[::ffff:127.0.0.1]/", true),
        ("http://[::FFFF:7F00:1]/", true),
        ("http://127.0.0.1/", false),
    ];
    check("http://[::ffff:127.0.0.1]", &cases).await;
}

#[test]
fn ipv6_zone_is_no_origin() {
    for url in ["http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]/"] {
        assert!(Origin::cleartext(url).is_err(), "{url}");
    }
}

// reqwest normalizes a URL before the layer sees it, and dials the same text.
#[tokio::test]
async fn reqwest_url_is_matched_as_dialed() {
    let wire = Wire::plain().await;
    let port = wire.address.port();
    let address = format!("http://127.0.0.1:{port}");
    let own_port = format!("http://api.test:{port}");
    let adapter = ClientAdapter::new(
        reqwest::Request::url,
        reqwest::Request::headers_mut,
        reqwest::Request::try_clone,
    );
    let adapter = adapter.status(reqwest::Response::status);
    for (origin, url, expected) in [
        // International names are sent in punycode. Lookalike letters make other names.
        ("http://xn--bcher-kva.test", "http://bücher.test/", true),
        ("http://xn--bcher-kva.test", "http://BÜCHER.test/", true),
        (
            "http://xn--bcher-kva.test",
            "http://b%C3%BCcher.test/",
            true,
        ),
        ("http://xn--bcher-kva.test", "http://bucher.test/", false),
        ("http://api.test", "http://ａｐｉ.test/", true),
        ("http://api.test", "http://api。test/", true),
        ("http://api.test", "http://a%70i.test/", true),
        ("http://api.test", "http:\\\\api.test\\", true),
        ("http://api.test", "http://\u{430}pi.test/", false),
        ("http://api.test", "http://api.test.evil.test/", false),
        ("http://api.test", "http://evil.test\\@api.test/", false),
        ("http://api.test", "http://evil.test#@api.test/", false),
        ("http://api.test", "http://evil.test/..//api.test/", false),
        // reqwest reads every spelling of an IPv4 address as that address.
        (&address, &format!("http://127.0.0.1:{port}/"), true),
        (&address, &format!("http://127.1:{port}/"), true),
        (&address, &format!("http://0x7f000001:{port}/"), true),
        (&address, &format!("http://localhost:{port}/"), false),
        // A name with a port of its own.
        (&own_port, &format!("http://api.test:{port}/"), true),
        (&own_port, &format!("http://API.test:0{port}/"), true),
        (&own_port, "http://api.test/", false),
        (&own_port, &format!("http://other.test:{port}/"), false),
        (
            "http://api.test",
            &format!("http://api.test:{port}/"),
            false,
        ),
        (
            "http://api.test:8080",
            &format!("http://api.test:{port}/"),
            false,
        ),
    ] {
        let inject = InjectKeyLayer::new(Origin::cleartext(origin).unwrap(), bearer()).unwrap();
        let client = inject
            .adapter(adapter.clone())
            .layer(wire.reqwest(reqwest::redirect::Policy::none()));
        let request = reqwest::Request::new(http::Method::GET, url.parse().unwrap());
        client.oneshot(request).await.unwrap();
        let arrived = wire.arrived();
        let expected = expected.then_some("Bearer key");
        assert_eq!(arrived[0].key.as_deref(), expected, "{url}: {arrived:?}");
    }
}

#[tokio::test]
async fn path_only_request_uses_assumed_origin() {
    let origin = || Origin::cleartext("http://api.test").unwrap();
    let other = || Origin::cleartext("http://other.test").unwrap();
    let inject = InjectKeyLayer::new(origin(), bearer()).unwrap();
    for (inject, expected) in [
        (inject.clone(), None),
        (
            inject.clone().assume_origin(origin()).unwrap(),
            Some("Bearer key"),
        ),
        (inject.assume_origin(other()).unwrap(), None),
    ] {
        let wire = Wire::plain().await;
        let stream = TcpStream::connect(wire.address).await.unwrap();
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let sender = std::sync::Arc::new(tokio::sync::Mutex::new(sender));
        let connected = service_fn(move |request| {
            let sender = std::sync::Arc::clone(&sender);
            async move { sender.lock().await.send_request(request).await }
        });
        let mut request = get("/v1/models");
        request
            .headers_mut()
            .insert(HOST, "api.test".parse().unwrap());
        inject.layer(connected).oneshot(request).await.unwrap();
        let [arrived] = &wire.arrived()[..] else {
            unreachable!("one request, one head");
        };
        assert_eq!(arrived.path, "/v1/models");
        assert_eq!(arrived.key.as_deref(), expected);
    }
}

#[tokio::test]
async fn path_keys_reach_exactly_their_paths() {
    let key = |key: &str| {
        let (key, _publisher) =
            RotatingCredential::manual(Credential::bearer(&Secret::from(key)).unwrap());
        key
    };
    let inject = InjectKeyLayer::routes([
        Route::cleartext("http://gateway.test/one", key("one")).unwrap(),
        Route::cleartext("http://gateway.test/two", key("two")).unwrap(),
    ])
    .unwrap();
    let wire = Wire::plain().await;
    let client = inject.layer(wire.client());
    for (path, expected) in [
        ("/one", Some("Bearer one")),
        ("/one/", Some("Bearer one")),
        ("/one/v1/models?to=/two", Some("Bearer one")),
        ("/one/a%20b", Some("Bearer one")),
        ("/two/v1", Some("Bearer two")),
        ("/", None),
        ("/ones", None),
        ("/three/one", None),
        ("/one/../two", None),
        ("/one/..", None),
        ("/one/./v1", None),
        ("/one/%2e%2e/two", None),
        ("/one/%2E%2E/two", None),
        ("/one/.%2e/two", None),
        ("/one/..%2ftwo", None),
        ("/one/%2e%2e%2ftwo", None),
        ("/one/%252e%252e/two", None),
        ("/one/..%5ctwo", None),
        ("/one/..;/two", None),
        ("/one%2fv1", None),
        ("/one//v1", None),
        ("//one", None),
        ("/%6fne", None),
        ("/two/../one", None),
    ] {
        let uri: Uri = format!("http://gateway.test{path}").parse().unwrap();
        let request = Request::get(uri).body(http_body_util::Full::default());
        client.clone().oneshot(request.unwrap()).await.unwrap();
        let [arrived] = &wire.arrived()[..] else {
            unreachable!("one request, one head");
        };
        assert_eq!(arrived.path, path);
        assert_eq!(arrived.key.as_deref(), expected, "{path}");
    }
}
