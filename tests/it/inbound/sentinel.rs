//! Tokens and digests stay out of `Debug` output, errors, responses, events and traces.

use std::error::Error;
use std::fmt::{Debug, Write as _};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures_util::FutureExt;
use http::{HeaderMap, Method, Uri};
use tower::{Layer, Service, ServiceExt};
use tower_rotating_auth::{
    Rotating, RotatingAuthLayer, Secret,
    inbound::{
        AuthError, AuthErrorResponse, ErrorFormat, IntoKeySet, KeyDigest, KeyLocation,
        KeyLocations, KeySet, Principal, RequireKeyLayer, verify_at,
    },
    keyring::NewKey,
    source::{EnvSource, SourceError, source_fn},
};

use super::keys::{self, VALID, cases, record, require_key, set};
use super::layer::{Echo, get, with};
use super::{basic, every_location, subprotocol};
use crate::support::{Traced, minutes, pass, secs};

/// Returns the secrets in every form in which they could appear.
fn forms() -> Vec<String> {
    let secret = "8Zk1tQ0mVd7RyXw3LpHs5N";
    let mut forms = vec![secret.to_owned(), secret[..8].into(), secret[14..].into()];
    forms.push(format!("{:?}", secret.as_bytes())[1..30].to_owned());
    for token in [
        VALID,
        keys::ADMIN,
        keys::EXPIRED,
        keys::REVOKED,
        keys::UNKNOWN,
    ] {
        let digest = KeyDigest::of(token.as_bytes()).to_text();
        forms.push(digest["sha256:".len()..][..16].to_owned());
        forms.push(digest[digest.len() - 16..].to_owned());
        forms.push(STANDARD.encode(token)[..30].to_owned());
        forms.push(URL_SAFE_NO_PAD.encode(token)[..30].to_owned());
    }
    forms
}

#[track_caller]
fn assert_silent(what: &str, text: &str) {
    for form in forms() {
        assert!(!text.contains(&form), "{what} tells {form}: {text}");
    }
}

/// All output that was collected.
#[derive(Default)]
struct Said(String);

impl Said {
    fn debug(&mut self, value: &impl Debug) {
        writeln!(self.0, "{value:?} {value:#?}").unwrap();
    }

    fn error(&mut self, error: &dyn Error) {
        let mut next = Some(error);
        while let Some(error) = next {
            writeln!(self.0, "{error} {error:?} {error:#?}").unwrap();
            next = error.source();
        }
    }
}

#[test]
fn sentinel_finds_leaks() {
    let found = std::panic::catch_unwind(|| assert_silent("a token", VALID));
    assert!(found.is_err());
    let digest = KeyDigest::of(VALID.as_bytes()).to_text();
    assert!(std::panic::catch_unwind(|| assert_silent("a digest", &digest)).is_err());
}

#[tokio::test(start_paused = true)]
async fn debug_output_has_no_token_or_digest() {
    let mut said = Said::default();
    let digest = KeyDigest::of(VALID.as_bytes());
    let set = keys::keys();
    said.debug(&digest);
    said.debug(&set);
    said.debug(&set.records().collect::<Vec<_>>());
    said.debug(&verify_at(
        &set,
        VALID.as_bytes(),
        std::time::SystemTime::now(),
    ));
    said.debug(&Secret::from(VALID));
    let (keys, publisher) = Rotating::manual(set);
    said.debug(&keys);
    said.debug(&publisher);
    said.debug(&keys.current());
    said.debug(&keys.status());
    said.debug(&keys.subscribe());

    let layer = require_key(keys.clone());
    said.debug(&layer);
    said.debug(&RotatingAuthLayer::new().require(layer.clone()));
    let kept: Arc<Mutex<Option<Principal>>> = Arc::default();
    let keep = Arc::clone(&kept);
    let host = tower::service_fn(move |request: http::Request<_>| {
        *keep.lock().unwrap() = request.extensions().get().cloned();
        std::future::ready(Ok::<_, std::convert::Infallible>(http::Response::new(
            String::new(),
        )))
    });
    let mut service = layer.layer(host);
    let mut future = service.call(with("/", VALID));
    said.debug(&(&mut future).now_or_never());
    let refused = service.call(with("/", keys::UNKNOWN));
    said.debug(&refused.await.unwrap());
    let principal = kept.lock().unwrap().take().unwrap();
    said.debug(&principal);
    said.debug(&principal.key());

    let (headers, uri) = (with("/", VALID).headers().clone(), Uri::from_static("/"));
    said.debug(&KeyLocations::default().extract(&headers, &uri));
    let mut decoded = HeaderMap::new();
    decoded.insert(
        "authorization",
        basic("u", VALID).as_slice().try_into().unwrap(),
    );
    let locations = KeyLocations::new([KeyLocation::Basic]).unwrap();
    said.debug(&locations.extract(&decoded, &uri));
    let text = format!("/?key={VALID}");
    let uri: Uri = text.parse().unwrap();
    said.debug(&every_location().extract(&HeaderMap::new(), &uri));
    let source = source_fn(|| async { Ok::<_, SourceError>(Secret::from(VALID)) });
    said.debug(&source.key_set());
    said.debug(&EnvSource::new("CLIENT_KEYS").key_set());
    assert_silent("a value", &said.0);

    let new = NewKey::generate().unwrap();
    let (shown, token) = (format!("{new:?}"), new.token().expose_secret());
    assert!(
        !shown.contains(std::str::from_utf8(&token[17..25]).unwrap()),
        "{shown}"
    );
}

#[test]
fn errors_have_no_token_or_digest() {
    let mut said = Said::default();
    let digest = KeyDigest::of(VALID.as_bytes()).to_text();
    for text in [
        VALID.to_owned(),
        format!("{VALID} {VALID}"),
        format!("{VALID} x"),
        format!("{VALID}: {VALID}"),
        format!("${{{VALID}}}"),
        format!("version = 1\n{VALID}"),
        format!("version = 1\n[[key]]\nid = \"{VALID}\"\nclient = \"c\"\ntoken = \"{VALID}\""),
        format!("version = 1\n[[key]]\nid = \"k\"\nclient = \"c\"\ndigest = \"{VALID}\""),
        format!("version = 1\n[[key]]\nid = \"k\"\nclient = \"c\"\ndigest = \"{digest} \""),
        format!("version = 1\n[[key]]\nid = \"k\"\nclient = \"c\"\ndigest = \"{digest}\""),
        format!("version = 1\n[[key]]\nid = \"k\"\n\"{digest}\" = 1"),
        format!("version = 1\n[[key]]\ndigest = {digest}"),
    ] {
        if let Err(error) = KeySet::parse(&Secret::from(text)) {
            said.error(&error);
        }
    }
    for text in [VALID, &digest[1..], &digest[..70]] {
        said.error(&text.parse::<KeyDigest>().unwrap_err());
    }
    let pair = (KeyDigest::of(VALID.as_bytes()), record("one", ""));
    let twice = [pair.clone(), (pair.0, record("two", ""))];
    said.error(&KeySet::new(twice).unwrap_err());
    let now = std::time::SystemTime::now();
    for token in [keys::UNKNOWN, keys::EXPIRED, keys::REVOKED, keys::EARLY] {
        said.error(&verify_at(&keys::keys(), token.as_bytes(), now).unwrap_err());
    }
    for list in [
        format!("{VALID} {VALID}"),
        format!("${{{VALID}}}"),
        format!("{VALID}:"),
    ] {
        said.error(&KeySet::from_plain_keys(&Secret::from(list)).unwrap_err());
    }
    for bad in [format!("Bearer {VALID} x"), format!("Bearer {VALID}\"")] {
        let headers = HeaderMap::from_iter([(http::header::AUTHORIZATION, bad.parse().unwrap())]);
        said.error(
            &KeyLocations::default()
                .extract(&headers, &Uri::from_static("/"))
                .unwrap_err(),
        );
    }
    assert_silent("an error", &said.0);
}

#[tokio::test(start_paused = true)]
async fn refusals_do_not_echo_token() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    for format in [
        ErrorFormat::Json,
        ErrorFormat::OpenAi,
        ErrorFormat::Anthropic,
        ErrorFormat::Problem,
    ] {
        let error_response = AuthErrorResponse::new("R").unwrap().format(format);
        let service = require_key(keys.clone())
            .error_response(error_response)
            .layer(Echo);
        for case in cases() {
            for method in [Method::GET, Method::HEAD] {
                let mut request = case.request::<String>();
                *request.method_mut() = method;
                let response = service.clone().oneshot(request).await.unwrap();
                let refusal: Option<&AuthError> = response.extensions().get();
                let shown = format!("{refusal:?} {response:?}");
                let (head, body) = response.into_parts();
                let body = http_body_util::BodyExt::collect(body).await.unwrap();
                let bytes = body.to_bytes();
                let shown = format!("{shown} {:?} {}", head.headers, bytes.escape_ascii());
                assert_silent(case.row, &shown);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn traces_have_no_token_or_digest() {
    let traced = Traced::new();
    let (sender, events) = channel();
    let digest = KeyDigest::of(VALID.as_bytes()).to_text();
    let good = format!("{VALID} {}", keys::ADMIN);
    let texts = Mutex::new(vec![
        format!("version = 1\n[[key]]\nid = \"k\"\ntoken = \"{VALID}\"\nclient = \"c\""),
        format!("version = 1\n{digest} = \"{VALID}\""),
        format!("{VALID} {VALID}"),
        good.clone(),
    ]);
    let source = source_fn(move || {
        let mut texts = texts.lock().unwrap();
        let text = if texts.len() == 1 {
            texts[0].clone()
        } else {
            texts.pop().unwrap()
        };
        async { Ok::<_, SourceError>(Secret::from(text)) }
    });
    let refused = sender.clone();
    let keys = Rotating::builder()
        .poll(secs(10))
        .observer(move |event| drop(sender.send(format!("{event:?}"))))
        .start(source.key_set())
        .await
        .unwrap();
    let service = require_key(keys.clone())
        .observer(move |event| drop(refused.send(format!("{event:?}"))))
        .layer(Echo);
    for case in cases() {
        let response = service
            .clone()
            .oneshot(case.request::<String>())
            .await
            .unwrap();
        drop(response);
        pass(secs(1)).await;
    }
    let websocket = format!("chat, {}", subprotocol(VALID));
    let mut request = get(&format!("/?key={VALID}"));
    request
        .headers_mut()
        .insert("sec-websocket-protocol", websocket.parse().unwrap());
    drop(service.clone().oneshot(request).await.unwrap());
    pass(minutes(5)).await;
    assert!(keys.status().failures > 0);
    let error = keys.refresh().await.map(drop).unwrap_err();
    assert_silent("a failed refresh", &format!("{error} {error:?}"));

    let (manual, mut publisher) = Rotating::manual(keys::keys());
    let other = RequireKeyLayer::new(manual).layer(Echo);
    drop(other.clone().oneshot(with("/", VALID)).await.unwrap());
    publisher.publish(set([(VALID, record("valid", "").into_revoked())]));
    drop(other.oneshot(with("/", VALID)).await.unwrap());
    drop((service, keys));
    pass(secs(1)).await;

    let text = traced.text();
    assert!(
        text.contains("refused a client") && text.contains("refresh failed"),
        "{text}"
    );
    assert_silent("a trace", &text);
    let events: String = events.into_iter().collect();
    assert!(
        events.contains("Refused") && events.contains("RefreshFailed"),
        "{events}"
    );
    assert_silent("an event", &events);
}
