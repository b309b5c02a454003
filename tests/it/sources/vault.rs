//! Tests of Vault as a source, against an imitation of its API in virtual time. `tests/sources` has
//! tests against a real server.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use tower_rotating_auth::{
    Rotating, Secret,
    rotating::StartError,
    source::{
        HttpClient, RequestBody, Source, SourceError, SourceErrorKind, VaultAuth, VaultSource,
        source_fn,
    },
};

use super::support::{says, text};
use crate::support::{minutes, pass, secs, source_kind, start_kind};

const ADDRESS: &str = "https://vault.example.com:8200";

/// A request to the imitation: the method and path, the token, and the body.
#[derive(Clone, Debug)]
struct Asked {
    line: String,
    token: Option<String>,
    namespace: Option<String>,
    body: String,
}

type Log = Arc<Mutex<Vec<Asked>>>;

/// Creates a client that answers each request by a function of it and of its number for that path.
fn vault(
    answer: impl FnMut(&Asked, usize) -> Response<String> + Send + 'static,
) -> (HttpClient, Log) {
    let log = Log::default();
    let answer = Arc::new(Mutex::new(answer));
    let shared = Arc::clone(&log);
    let client = HttpClient::new(tower::service_fn(move |request: Request<RequestBody>| {
        let (log, answer) = (Arc::clone(&shared), Arc::clone(&answer));
        async move {
            let header = |name| {
                let value = request.headers().get(name)?;
                Some(value.to_str().unwrap().to_owned())
            };
            let path = request.uri().path_and_query().unwrap();
            let asked = Asked {
                line: format!("{} {path}", request.method()),
                token: header("x-vault-token"),
                namespace: header("x-vault-namespace"),
                body: {
                    let body = request.into_body().collect().await?.to_bytes();
                    String::from_utf8(body.to_vec()).unwrap()
                },
            };
            let number = {
                let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
                log.push(asked.clone());
                log.iter()
                    .filter(|before| before.line == asked.line)
                    .count()
            };
            let mut answer = answer.lock().unwrap_or_else(PoisonError::into_inner);
            let response = answer(&asked, number);
            Ok::<_, std::convert::Infallible>(response.map(|body| Full::new(Bytes::from(body))))
        }
    }));
    (client, log)
}

fn lines(log: &Log) -> Vec<String> {
    let log = log.lock().unwrap_or_else(PoisonError::into_inner);
    log.iter().map(|asked| asked.line.clone()).collect()
}

fn last(log: &Log) -> Asked {
    let log = log.lock().unwrap_or_else(PoisonError::into_inner);
    log.last().unwrap().clone()
}

fn count(log: &Log, line: &str) -> usize {
    lines(log).iter().filter(|found| *found == line).count()
}

fn secret(text: &'static str) -> impl Source<Value = Secret> {
    source_fn(move || async move { Ok::<_, SourceError>(Secret::from(text)) })
}

fn app_role() -> VaultAuth {
    VaultAuth::app_role("gateway", secret("secret-id"))
}

fn kv(client: HttpClient, auth: VaultAuth) -> VaultSource {
    let source = VaultSource::kv2(ADDRESS, "secret", "team/openai", auth).unwrap();
    source.field("key").client(client)
}

fn value(key: &str) -> Response<String> {
    says(
        200,
        format!(r#"{{"data":{{"data":{{"key":"{key}"}},"metadata":{{"version":1}}}}}}"#),
    )
}

fn login(number: usize, seconds: u64) -> Response<String> {
    says(
        200,
        format!(
            r#"{{"auth":{{"client_token":"login-{number}","lease_duration":{seconds},"renewable":true}}}}"#
        ),
    )
}

async fn start(source: VaultSource) -> Result<Rotating<Secret>, StartError> {
    Rotating::start(source).await
}

const READ: &str = "GET /v1/secret/data/team/openai";
const LOGIN: &str = "POST /v1/auth/approle/login";
const RENEW: &str = "POST /v1/auth/token/renew-self";

#[tokio::test(start_paused = true)]
async fn kv2_secret_is_read_with_a_token() {
    let (client, log) = vault(|_, number| value(&format!("sk-{number}")));
    let source = kv(client, VaultAuth::token(secret("root\n")))
        .namespace("team")
        .unwrap();
    let key = start(source).await.expect("the server answers");
    assert_eq!(text(&key), "sk-1");
    let asked = last(&log);
    assert_eq!((&*asked.line, asked.token.as_deref()), (READ, Some("root")));
    assert_eq!(asked.namespace.as_deref(), Some("team"));
    pass(minutes(6)).await;
    assert_eq!(text(&key), "sk-2", "polled every 5 minutes");
}

#[tokio::test(start_paused = true)]
async fn kv2_version_is_part_of_the_request() {
    let (client, log) = vault(|_, _| value("sk-1"));
    let source = kv(client, VaultAuth::token(secret("root"))).version(3);
    start(source).await.expect("the server answers");
    assert_eq!(last(&log).line, format!("{READ}?version=3"));
}

#[tokio::test(start_paused = true)]
async fn login_is_renewed_while_that_extends_it() {
    let (client, log) = vault(|asked, number| match &*asked.line {
        LOGIN => login(number, 60),
        // The third renewal meets the longest life of the login.
        RENEW => login(number, if number == 3 { 5 } else { 60 }),
        _ => value("sk-1"),
    });
    let key = start(kv(client, app_role()).poll(secs(30))).await;
    let _key = key.expect("the server answers");
    assert_eq!(count(&log, LOGIN), 1);
    pass(minutes(6)).await;
    assert!(count(&log, RENEW) > 3, "{:?}", lines(&log));
    assert_eq!(count(&log, LOGIN), 2, "{:?}", lines(&log));
    assert_eq!(last(&log).token.as_deref(), Some("login-2"));
}

#[tokio::test(start_paused = true)]
async fn login_that_cannot_be_renewed_is_used_on() {
    let (client, log) = vault(|asked, number| match &*asked.line {
        LOGIN if number == 1 => login(number, 60),
        LOGIN | RENEW => says(500, "the backend of the logins is down"),
        _ => value(&format!("sk-{number}")),
    });
    let key = start(kv(client, app_role()).poll(secs(30))).await;
    let key = key.expect("the first login works");
    pass(minutes(6)).await;
    assert_eq!(key.status().failures, 0);
    assert!(
        count(&log, RENEW) > 3 && count(&log, LOGIN) > 3,
        "{:?}",
        lines(&log)
    );
    assert_eq!(last(&log).token.as_deref(), Some("login-1"));
}

#[tokio::test(start_paused = true)]
async fn denied_request_logs_in_again_once() {
    let (client, log) = vault(|asked, number| match &*asked.line {
        LOGIN => login(number, 0),
        _ if asked.token.as_deref() == Some("login-1") && number > 1 => says(403, "denied"),
        _ => value(&format!("sk-{number}")),
    });
    let key = start(kv(client, app_role()))
        .await
        .expect("the server answers");
    key.refresh().await.expect("the second login works");
    assert_eq!(text(&key), "sk-3");
    assert_eq!(lines(&log), [LOGIN, READ, READ, LOGIN, READ]);
}

#[tokio::test(start_paused = true)]
async fn request_denied_twice_is_permanent() {
    let (client, log) = vault(|asked, number| match &*asked.line {
        LOGIN => login(number, 60),
        _ => says(403, r#"{"errors":["permission denied"]}"#),
    });
    let error = start(kv(client, app_role()))
        .await
        .expect_err("it is denied");
    assert_eq!(start_kind(&error), Some(SourceErrorKind::Permanent));
    assert_eq!(lines(&log), [LOGIN, READ, LOGIN, READ]);
}

#[tokio::test(start_paused = true)]
async fn denial_by_policy_makes_few_logins() {
    const DENIED: std::ops::Range<u64> = 60..14_460;
    let began = tokio::time::Instant::now();
    let (client, log) = vault(move |asked, number| match &*asked.line {
        LOGIN => login(number, 0),
        _ if DENIED.contains(&began.elapsed().as_secs()) => says(403, "denied"),
        _ => value(&format!("sk-{number}")),
    });
    let key = start(kv(client, app_role()).poll(secs(30))).await;
    let key = key.expect("the first login may read");
    pass(secs(DENIED.end - 60)).await;
    let (reads, logins) = (count(&log, READ), count(&log, LOGIN));
    assert!(reads >= 40 && key.status().failures > 0, "{reads} reads");
    // At the start, at the first denial, and every hour of four.
    assert!((5..=6).contains(&logins), "{logins} logins, {reads} reads");

    // Somebody who has changed the role need not wait.
    key.refresh().await.expect_err("it is denied");
    assert_eq!(count(&log, LOGIN), logins + 1);
    pass(secs(420)).await;
    assert_eq!(key.status().failures, 0);
    assert_eq!(count(&log, LOGIN), logins + 1, "the login was good");
}

#[tokio::test(start_paused = true)]
async fn login_that_ends_after_a_denial_is_repeated() {
    // By the number of the read: allowed, denied twice, allowed, and then the login is revoked.
    let (client, log) = vault(|asked, number| match &*asked.line {
        LOGIN => login(number, 0),
        _ if matches!(number, 2 | 3 | 5) => says(403, "denied"),
        _ => value(&format!("sk-{number}")),
    });
    let key = start(kv(client, app_role()).poll(minutes(60))).await;
    let key = key.expect("the first login may read");
    key.refresh().await.expect_err("both logins are denied");
    key.refresh().await.expect("the second login is allowed");
    key.refresh().await.expect("a third login replaces it");
    assert_eq!(
        lines(&log),
        [LOGIN, READ, READ, LOGIN, READ, READ, READ, LOGIN, READ]
    );
}

#[tokio::test(start_paused = true)]
async fn kubernetes_login_reads_its_token_again() {
    let mut reads = 0;
    let jwt = source_fn(move || {
        reads += 1;
        async move { Ok::<_, SourceError>(Secret::from(format!("jwt-{reads}"))) }
    });
    let (client, log) = vault(|asked, number| match &*asked.line {
        "POST /v1/auth/k8s/login" => login(number, 0),
        _ if asked.token.as_deref() == Some("login-1") => says(403, ""),
        _ => value("sk-1"),
    });
    let auth = VaultAuth::kubernetes("gateway", jwt).mount("k8s");
    start(kv(client, auth))
        .await
        .expect("the second login works");
    let log = log.lock().unwrap_or_else(PoisonError::into_inner);
    let bodies: Vec<_> = log.iter().map(|asked| &*asked.body).collect();
    let body = |n| format!(r#"{{"jwt":"jwt-{n}","role":"gateway"}}"#);
    assert_eq!(bodies, [&*body(1), "", &*body(2), ""]);
}

#[tokio::test(start_paused = true)]
async fn answers_of_kv2_have_their_kinds() {
    use SourceErrorKind::{Invalid, Permanent, Throttled, Transient};
    for (status, body, kind) in [
        (400, "", Permanent),
        (404, r#"{"errors":[]}"#, Permanent),
        (
            404,
            r#"{"data":{"data":null,"metadata":{"deletion_time":"x"}}}"#,
            Permanent,
        ),
        (429, "", Throttled),
        (473, "", Transient),
        (500, "", Transient),
        (503, r#"{"errors":["Vault is sealed"]}"#, Transient),
        (200, r#"{"data":{"key":"sk-1"}}"#, Invalid),
        (
            200,
            r#"{"data":{"data":{"other":"sk-1"},"metadata":{}}}"#,
            Invalid,
        ),
        (200, "<html>", Invalid),
        (302, "", Permanent),
    ] {
        let (client, _) = vault(move |_, _| says(status, body));
        let source = kv(client, VaultAuth::token(secret("root")));
        let error = start(source).await.expect_err("there is no secret");
        assert_eq!(start_kind(&error), Some(kind), "{status} {body}");
        assert!(!format!("{error:?}").contains("sk-1"), "{error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn refused_login_is_permanent() {
    let (client, _) = vault(|_, _| says(400, r#"{"errors":["invalid role or secret ID"]}"#));
    let error = start(kv(client, app_role()))
        .await
        .expect_err("the login fails");
    assert_eq!(start_kind(&error), Some(SourceErrorKind::Permanent));
}

#[tokio::test(start_paused = true)]
async fn sealed_store_keeps_the_last_good_key() {
    let (client, _) = vault(|_, number| match number {
        2..=4 => says(503, "sealed"),
        _ => value(&format!("sk-{number}")),
    });
    let key = start(kv(client, VaultAuth::token(secret("root")))).await;
    let key = key.expect("the server answers");
    let error = key.refresh().await.expect_err("it is sealed");
    assert_eq!(source_kind(&error), Some(SourceErrorKind::Transient));
    assert_eq!(text(&key), "sk-1");
    pass(secs(10)).await;
    assert_eq!(text(&key), "sk-5");
}

const CREDS: &str = "GET /v1/database/creds/app";
const LEASE: &str = "POST /v1/sys/leases/renew";

fn creds(number: usize) -> Response<String> {
    says(
        200,
        format!(
            r#"{{"lease_id":"database/creds/app/{number}","lease_duration":60,"renewable":true,
                "data":{{"username":"u{number}","password":"sk-{number}"}}}}"#
        ),
    )
}

fn dynamic(client: HttpClient) -> VaultSource {
    let auth = VaultAuth::token(secret("root"));
    let source = VaultSource::read(ADDRESS, "database/creds/app", auth).unwrap();
    source.client(client)
}

#[tokio::test(start_paused = true)]
async fn dynamic_secret_is_renewed_until_its_longest_life() {
    let (client, log) = vault(|asked, number| match &*asked.line {
        CREDS => creds(number),
        LEASE if number == 4 => says(200, r#"{"lease_duration":7,"renewable":true}"#),
        _ => says(200, r#"{"lease_duration":60,"renewable":true}"#),
    });
    let key = start(dynamic(client).field("password")).await;
    let key = key.expect("the server answers");
    pass(secs(130)).await;
    assert_eq!(
        (text(&key), key.current().generation().get()),
        ("sk-1".to_owned(), 1)
    );
    assert!(count(&log, LEASE) >= 2, "{:?}", lines(&log));
    pass(secs(70)).await;
    assert_eq!(text(&key), "sk-2");
    let renewals = lines(&log).iter().filter(|line| *line == LEASE).count();
    assert!(renewals >= 4, "{renewals}");
}

#[tokio::test(start_paused = true)]
async fn revoked_lease_is_replaced() {
    let (client, log) = vault(|asked, number| match &*asked.line {
        CREDS => creds(number),
        _ => says(400, r#"{"errors":["lease not found"]}"#),
    });
    let key = start(dynamic(client).field("password")).await;
    let key = key.expect("the server answers");
    pass(secs(46)).await;
    assert_eq!(text(&key), "sk-2");
    assert_eq!(lines(&log), [CREDS, LEASE, CREDS]);
}

#[tokio::test(start_paused = true)]
async fn rejected_dynamic_secret_is_not_renewed() {
    let (client, log) = vault(|_, number| creds(number));
    let key = start(dynamic(client).field("password")).await;
    let key = key.expect("the server answers");
    pass(secs(2)).await;
    let newer = key.refresh_newer_than(key.current().generation()).await;
    assert_eq!(newer.expect("there is another").expose_secret(), b"sk-2");
    assert_eq!(lines(&log), [CREDS, CREDS]);
}

#[tokio::test(start_paused = true)]
async fn secret_without_a_field_is_the_whole_object() {
    let (client, _) = vault(|_, number| creds(number));
    let key = start(dynamic(client)).await.expect("the server answers");
    assert_eq!(text(&key), r#"{"password":"sk-1","username":"u1"}"#);
}

#[tokio::test(start_paused = true)]
async fn no_secret_of_vault_is_told() {
    const SENTINEL: &str = "sk-sentinel-7f3a";
    let traced = crate::support::Traced::new();
    let mut text = String::new();
    for status in [200, 302, 400, 403, 404, 429, 500, 503] {
        let (client, _) =
            vault(move |_, _| says(status, format!(r#"{{"errors":["{SENTINEL}"]}}"#)));
        for auth in [
            VaultAuth::token(secret(SENTINEL)),
            VaultAuth::app_role("gateway", secret(SENTINEL)),
        ] {
            let source = kv(client.clone(), auth);
            text += &format!("{source:?}");
            let error = start(source).await.expect_err("there is no secret");
            text += &format!("{error} {error:?} {:?}", error.source_error());
        }
    }
    text += &traced.text();
    assert!(!text.contains(SENTINEL), "{text}");
}
