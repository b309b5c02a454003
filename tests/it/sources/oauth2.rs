//! Tests of a token endpoint as a source.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tower_rotating_auth::{
    Rotating, Secret,
    source::{ClientAuth, OAuth2Source, Source, SourceError, SourceErrorKind, source_fn},
};

use super::support::server::{Asked, Server, answer, json};
use super::support::{answers, failure_of, key_of, says, start, text};
use crate::support::{Answer, Traced, minutes, pass, script, secs};

const TOKEN: &str = r#"{"access_token":"token-1","token_type":"Bearer","expires_in":3600}"#;

fn secret(text: &'static str) -> impl Source<Value = Secret> {
    source_fn(move || async move { Ok::<_, SourceError>(Secret::from(text)) })
}

fn url(server: &Server) -> String {
    format!("{}/token", server.url)
}

/// Returns a field of the form.
fn field(asked: &Asked, name: &str) -> Option<String> {
    let mut pairs = asked
        .body
        .split('&')
        .filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(found, _)| *found == name)?;
    Some(
        percent_encoding::percent_decode_str(value)
            .decode_utf8()
            .unwrap()
            .into_owned(),
    )
}

#[tokio::test]
async fn client_credentials_are_a_form_with_basic() {
    let server = Server::start(|_| json(200, TOKEN)).await;
    let auth = ClientAuth::basic(secret("s3:cret\n"));
    let source = OAuth2Source::client_credentials(&*url(&server), "batch", auth).unwrap();
    let source = source
        .scope("models:read models:write")
        .audience("api")
        .resource("https://r");
    let key = start(source).await.expect("the server answers");
    assert_eq!(text(&key), "token-1");
    assert!(key.current().expires_at().is_some());

    let asked = server.last();
    assert!(asked.head.starts_with("POST /token "), "{asked:?}");
    assert_eq!(
        asked.header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    let basic = asked
        .header("authorization")
        .and_then(|value| value.strip_prefix("Basic "));
    let pair = base64::engine::general_purpose::STANDARD.decode(basic.unwrap());
    assert_eq!(pair.unwrap(), b"batch:s3%3Acret");
    for (name, value) in [
        ("grant_type", Some("client_credentials")),
        ("scope", Some("models:read models:write")),
        ("audience", Some("api")),
        ("resource", Some("https://r")),
        ("client_id", None),
        ("client_secret", None),
    ] {
        assert_eq!(field(&asked, name).as_deref(), value, "{name}");
    }
}

#[tokio::test]
async fn body_authentication_has_no_header() {
    let server = Server::start(|_| json(200, TOKEN)).await;
    let auth = ClientAuth::body(secret("s3:cret"));
    let source = OAuth2Source::client_credentials(&*url(&server), "batch", auth).unwrap();
    assert_eq!(key_of(source).await, "token-1");
    let asked = server.last();
    assert_eq!(asked.header("authorization"), None);
    assert_eq!(field(&asked, "client_id").as_deref(), Some("batch"));
    assert_eq!(field(&asked, "client_secret").as_deref(), Some("s3:cret"));
}

#[tokio::test]
async fn private_key_signs_an_assertion_for_the_endpoint() {
    let server = Server::start(|_| json(200, TOKEN)).await;
    let pem = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let key = source_fn(move || {
        let pem = Secret::from(pem.as_str());
        async move { Ok::<_, SourceError>(pem) }
    });
    let auth = ClientAuth::private_key_jwt(key).key_id("k1");
    let source = OAuth2Source::client_credentials(&*url(&server), "batch", auth).unwrap();
    assert_eq!(key_of(source).await, "token-1");
    let asked = server.last();
    let kind = field(&asked, "client_assertion_type");
    let expected = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    assert_eq!(kind.as_deref(), Some(expected));
    let assertion = field(&asked, "client_assertion").unwrap();
    let payload = URL_SAFE_NO_PAD
        .decode(assertion.split('.').nth(1).unwrap())
        .unwrap();
    let payload: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!(payload["aud"], url(&server));
    assert_eq!(
        (&payload["iss"], &payload["sub"]),
        (&"batch".into(), &"batch".into())
    );
}

#[tokio::test]
async fn token_exchange_sends_the_token_of_another_source() {
    let exchanged = r#"{"access_token":"token-1","token_type":"N_A","issued_token_type":"x"}"#;
    let server = Server::start(move |_| json(200, exchanged)).await;
    let kind = "urn:ietf:params:oauth:token-type:jwt";
    let (auth, subject) = (ClientAuth::none(), secret("subject\n"));
    let source = OAuth2Source::token_exchange(&*url(&server), "", auth, subject, kind).unwrap();
    let source = source
        .param("requested_token_type", "x")
        .assume_lifetime(minutes(10));
    let key = start(source).await.expect("the server answers");
    assert_eq!(text(&key), "token-1");
    assert!(key.current().expires_at().is_some());
    let asked = server.last();
    for (name, value) in [
        (
            "grant_type",
            Some("urn:ietf:params:oauth:grant-type:token-exchange"),
        ),
        ("subject_token", Some("subject")),
        ("subject_token_type", Some(kind)),
        ("requested_token_type", Some("x")),
        ("client_id", None),
    ] {
        assert_eq!(field(&asked, name).as_deref(), value, "{name}");
    }
}

#[tokio::test]
async fn jwt_of_another_source_is_a_grant() {
    let server = Server::start(|asked| match field(asked, "assertion").as_deref() {
        Some("jwt-2") => json(200, TOKEN),
        _ => json(400, r#"{"error":"invalid_grant"}"#),
    });
    let server = server.await;
    // Its expiry would keep the first one for 45 minutes.
    let (assertion, _) = script(|asked| {
        let jwt = Secret::from(format!("jwt-{}\n", asked.number));
        Answer::lives(jwt, minutes(60))
    });
    let (endpoint, auth) = (url(&server), ClientAuth::none());
    let source = OAuth2Source::jwt_bearer(&*endpoint, "", auth, assertion).unwrap();
    let key = Rotating::builder().wait_for_first(secs(10)).start(source);
    let key = key.await.expect("the second JWT works");
    assert_eq!(text(&key), "token-1");
    let asked = server.last();
    for (name, value) in [
        (
            "grant_type",
            Some("urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ),
        ("assertion", Some("jwt-2")),
        ("client_id", None),
        ("client_assertion", None),
    ] {
        assert_eq!(field(&asked, name).as_deref(), value, "{name}");
    }
}

#[tokio::test]
async fn rotated_client_secret_is_read_again() {
    let server = Server::start(|asked| match field(asked, "client_secret").as_deref() {
        Some("secret-2") => json(200, TOKEN),
        _ => json(401, r#"{"error":"invalid_client"}"#),
    });
    let server = server.await;
    let mut reads = 0;
    let rotating = source_fn(move || {
        reads += 1;
        async move { Ok::<_, SourceError>(Secret::from(format!("secret-{reads}"))) }
    });
    let auth = ClientAuth::body(rotating);
    let source = OAuth2Source::client_credentials(&*url(&server), "batch", auth).unwrap();
    let key = Rotating::builder().wait_for_first(secs(10)).start(source);
    assert_eq!(
        text(&key.await.expect("the second secret works")),
        "token-1"
    );
}

#[tokio::test]
async fn refusals_and_redirects_have_their_kinds() {
    let other = Server::start(|_| json(200, TOKEN)).await;
    let location = format!("location: {}\r\n", other.url);
    for (status, headers, body, kind) in [
        (307, &*location, "", SourceErrorKind::Permanent),
        (
            400,
            "",
            r#"{"error":"invalid_grant"}"#,
            SourceErrorKind::Permanent,
        ),
        (
            200,
            "",
            r#"{"error":"invalid_grant"}"#,
            SourceErrorKind::Permanent,
        ),
        (200, "", "<html>", SourceErrorKind::Invalid),
        (
            200,
            "content-encoding: gzip\r\n",
            TOKEN,
            SourceErrorKind::Invalid,
        ),
        (429, "retry-after: 3\r\n", "", SourceErrorKind::Throttled),
        (503, "", TOKEN, SourceErrorKind::Transient),
    ] {
        let reply = (headers.to_owned(), body.to_owned());
        let server = Server::start(move |_| answer(status, &reply.0, &reply.1)).await;
        let auth = ClientAuth::basic(secret("secret"));
        let source = OAuth2Source::client_credentials(&*url(&server), "batch", auth).unwrap();
        assert_eq!(failure_of(source).await, kind, "{status} {body}");
    }
    assert_eq!(other.asked().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn no_expired_token_is_sent_in_an_hour_of_four_second_tokens() {
    let began = tokio::time::Instant::now();
    let client = answers(move |_| {
        let now = began.elapsed().as_millis();
        says(
            200,
            format!(r#"{{"access_token":"token-{now}","expires_in":4}}"#),
        )
    });
    let auth = ClientAuth::basic(secret("secret"));
    let url = "https://id.example.com/token";
    let source = OAuth2Source::client_credentials(url, "batch", auth).unwrap();
    let key = Rotating::start(source.client(client))
        .await
        .expect("the server answers");
    let mut rejected = 0;
    for _ in 0..36_000 {
        pass(crate::support::millis(100)).await;
        // What the upstream decides: the token says when it was issued.
        let issued: u128 = text(&key).strip_prefix("token-").unwrap().parse().unwrap();
        if began.elapsed().as_millis() > issued + 4_000 {
            rejected += 1;
        }
    }
    assert_eq!(rejected, 0);
    let generations = key.current().generation().get();
    assert!((1_100..=1_500).contains(&generations), "{generations}");
}

#[tokio::test]
async fn no_secret_of_a_token_request_is_told() {
    const SENTINEL: &str = "sk-sentinel-7f3a";
    let traced = Traced::new();
    let mut text = String::new();
    for (status, body) in [
        (
            200,
            format!(r#"{{"access_token":"{SENTINEL}","expires_in":"{SENTINEL}"}}"#),
        ),
        (
            200,
            format!(r#"{{"access_token":"{SENTINEL}","token_type":"{SENTINEL}"}}"#),
        ),
        (
            400,
            format!(r#"{{"error":"{SENTINEL}","error_description":"{SENTINEL}"}}"#),
        ),
        (500, SENTINEL.to_owned()),
    ] {
        let server = Server::start(move |_| json(status, &body)).await;
        for auth in [
            ClientAuth::basic(secret(SENTINEL)),
            ClientAuth::body(secret(SENTINEL)),
        ] {
            let source = OAuth2Source::client_credentials(&*url(&server), "batch", auth).unwrap();
            text += &format!("{source:?}");
            let error = start(source).await.expect_err("there is no token");
            text += &format!("{error} {error:?} {:?}", error.source_error());
        }
    }
    text += &traced.text();
    assert!(!text.contains(SENTINEL), "{text}");
}
