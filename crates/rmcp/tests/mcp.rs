//! `KeyedMcpClient` around a client that returns a 401 as rmcp's own clients do.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use rmcp::model::ClientJsonRpcMessage;
use rmcp::transport::streamable_http_client::{
    AuthRequiredError, SseError, StreamableHttpClient, StreamableHttpError,
    StreamableHttpPostResponse, StreamableHttpResponseLimits,
};
use sse_stream::Sse;
use tower_rotating_auth::{
    Secret,
    outbound::{Credential, InjectKeyLayer, IntoCredential, RotatingCredential},
    source::{SourceError, source_fn},
};
use tower_rotating_auth_rmcp::KeyedMcpClient;

const ORIGIN: &str = "https://api.example.com";
const URL: &str = "https://api.example.com/mcp";
const CHALLENGE: &str = "Bearer error=\"invalid_token\"";
const MINUTE: Duration = Duration::from_secs(60);

type Headers = HashMap<HeaderName, HeaderValue>;
type Answer<T> = Result<T, StreamableHttpError<Infallible>>;

/// A secret store, and the server that accepts its keys.
#[derive(Clone)]
struct World(Arc<Mutex<State>>);

struct State {
    stored: String,
    accepted: Vec<String>,
    seen: Vec<Seen>,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
struct Seen {
    headers: HeaderMap,
    body: String,
    accepted: bool,
}

impl World {
    fn new(key: &str) -> Self {
        Self(Arc::new(Mutex::new(State {
            stored: key.into(),
            accepted: vec![key.into()],
            seen: Vec::new(),
        })))
    }

    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.0.lock().unwrap())
    }

    /// Sets the key that the store delivers.
    fn store(&self, key: &str) {
        self.with(|state| state.stored = key.into());
    }

    /// Sets the one key that the server accepts.
    fn accept(&self, key: &str) {
        self.with(|state| state.accepted = vec![key.into()]);
    }

    /// Makes the server accept one more key.
    fn also_accept(&self, key: &str) {
        self.with(|state| state.accepted.push(key.into()));
    }

    fn rotate(&self, key: &str) {
        self.store(key);
        self.accept(key);
    }

    fn seen(&self) -> Vec<Seen> {
        self.with(|state| state.seen.clone())
    }

    async fn inject(&self) -> InjectKeyLayer {
        let world = self.clone();
        let source = source_fn(move || {
            let key = Secret::from(world.with(|state| state.stored.clone()));
            async { Ok::<_, SourceError>(key) }
        });
        let never = MINUTE * 60 * 24;
        let builder = RotatingCredential::builder().poll(never);
        InjectKeyLayer::new(ORIGIN, builder.start(source.bearer()).await.unwrap()).unwrap()
    }

    /// Records a request, and returns whether the server accepts its key.
    fn accepts(&self, request: Request<String>) -> bool {
        let (head, body) = request.into_parts();
        self.with(|state| {
            let sent = head.headers.get(AUTHORIZATION);
            let key = sent.and_then(|sent| sent.as_bytes().strip_prefix(b"Bearer "));
            let accepted = key.is_some_and(|key| {
                let mut valid = state.accepted.iter();
                valid.any(|valid| valid.as_bytes() == key)
            });
            state.seen.push(Seen {
                headers: head.headers,
                body,
                accepted,
            });
            accepted
        })
    }
}

impl Seen {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// Advances tokio's paused clock.
async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Sends to the world's server.
#[derive(Clone)]
struct Client {
    world: World,
    limits: Arc<Mutex<Vec<usize>>>,
}

impl Client {
    fn of(world: &World) -> Self {
        Self {
            world: world.clone(),
            limits: Arc::default(),
        }
    }

    async fn send<T>(
        &self,
        uri: &str,
        what: String,
        token: Option<String>,
        headers: Headers,
        answer: T,
    ) -> Answer<T> {
        let uri = uri.replace(['\\', ' '], ""); // `http` rejects some of these URLs
        let mut request = Request::post(uri).body(what).unwrap();
        if let Some(token) = token {
            let token = format!("Bearer {token}").parse().unwrap();
            request.headers_mut().append(AUTHORIZATION, token);
        }
        for (name, value) in headers {
            request.headers_mut().append(name, value);
        }
        if self.world.accepts(request) {
            return Ok(answer);
        }
        let why = AuthRequiredError::new(CHALLENGE.into());
        Err(StreamableHttpError::AuthRequired(why))
    }
}

impl StreamableHttpClient for Client {
    type Error = Infallible;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        token: Option<String>,
        headers: Headers,
    ) -> Answer<StreamableHttpPostResponse> {
        let message = serde_json::to_string(&message).unwrap();
        let what = format!("post {message} in {session:?}");
        let answer = StreamableHttpPostResponse::Accepted;
        self.send(&uri, what, token, headers, answer).await
    }

    async fn post_message_with_response_limits(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        token: Option<String>,
        headers: Headers,
        limits: StreamableHttpResponseLimits,
    ) -> Answer<StreamableHttpPostResponse> {
        self.limits.lock().unwrap().push(limits.max_sse_event_size);
        self.post_message(uri, message, session, token, headers)
            .await
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session: Arc<str>,
        token: Option<String>,
        headers: Headers,
    ) -> Answer<()> {
        let what = format!("delete {session}");
        self.send(&uri, what, token, headers, ()).await
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        last_event: Option<String>,
        token: Option<String>,
        headers: Headers,
    ) -> Answer<BoxStream<'static, Result<Sse, SseError>>> {
        let what = format!("get {session:?} after {last_event:?}");
        let events = stream::iter([Ok(Sse::default())]).boxed();
        self.send(&uri, what, token, headers, events).await
    }

    async fn get_stream_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        last_event: Option<String>,
        token: Option<String>,
        headers: Headers,
        longest_event: usize,
    ) -> Answer<BoxStream<'static, Result<Sse, SseError>>> {
        self.limits.lock().unwrap().push(longest_event);
        self.get_stream(uri, session, last_event, token, headers)
            .await
    }
}

async fn client(world: &World) -> KeyedMcpClient<Client> {
    KeyedMcpClient::new(Client::of(world), world.inject().await)
}

fn ping() -> ClientJsonRpcMessage {
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    serde_json::from_str(ping).unwrap()
}

fn headers() -> Headers {
    let name = HeaderName::from_static("x-request-id");
    HashMap::from([(name, HeaderValue::from_static("7"))])
}

/// The names of the calls.
const CALLS: [&str; 3] = ["post", "get", "delete"];

async fn call(
    client: &impl StreamableHttpClient<Error = Infallible>,
    name: &str,
    uri: &str,
    token: Option<&str>,
    headers: Headers,
) -> Answer<()> {
    let (uri, session, token) = (uri.into(), "session".into(), token.map(Into::into));
    match name {
        "post" => {
            let answer = client.post_message(uri, ping(), Some(session), token, headers);
            answer.await.map(drop)
        }
        "get" => {
            let last = Some("event".into());
            let answer = client.get_stream(uri, Some(session), last, token, headers);
            answer.await.map(drop)
        }
        _ => client.delete_session(uri, session, token, headers).await,
    }
}

/// Returns the values of `Authorization` in each request.
fn sent(world: &World) -> Vec<Vec<String>> {
    let values = |headers: &HeaderMap| {
        let values = headers.get_all(AUTHORIZATION).iter();
        values.map(|value| value.to_str().unwrap().into()).collect()
    };
    world
        .seen()
        .iter()
        .map(|seen| values(&seen.headers))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn each_call_sends_the_key_and_replays_with_the_next() {
    let world = World::new("key-1");
    let client = client(&world).await;
    for (number, name) in CALLS.into_iter().enumerate() {
        call(&client, name, URL, None, headers()).await.unwrap();
        let seen = world.seen();
        assert_eq!(seen.len(), number * 2 + 1);
        let last = seen.last().unwrap();
        assert!(last.headers[AUTHORIZATION].is_sensitive());
        assert_eq!(last.header("x-request-id"), Some("7"));
        assert!(last.body.starts_with(name), "{}", last.body);
        if let [.., rejected, replayed] = &seen[..] {
            assert!(!rejected.accepted && replayed.accepted);
            assert_eq!(rejected.body, replayed.body);
            assert_eq!(rejected.header("x-request-id"), Some("7"));
        }
        pass(MINUTE).await;
        world.rotate(&format!("key-{}", number + 2));
    }
    let keys = ["key-1", "key-1", "key-2", "key-2", "key-3"];
    assert_eq!(sent(&world), keys.map(|key| [format!("Bearer {key}")]));
}

#[tokio::test(start_paused = true)]
async fn second_rejection_reaches_the_caller() {
    let world = World::new("old");
    let client = client(&world).await;
    call(&client, "post", URL, None, headers()).await.unwrap();
    world.store("new");
    world.accept("another");
    let answer = call(&client, "post", URL, None, headers()).await;
    let Err(StreamableHttpError::AuthRequired(why)) = answer else {
        panic!("{answer:?}")
    };
    assert_eq!(why.www_authenticate_header, CHALLENGE);
    let keys = ["old", "old", "new"];
    assert_eq!(sent(&world), keys.map(|key| [format!("Bearer {key}")]));
}

#[tokio::test(start_paused = true)]
async fn key_stays_off_other_origins_and_ambiguous_urls() {
    let world = World::new("key");
    let client = client(&world).await;
    for elsewhere in [
        "https://elsewhere.example.com/mcp",
        "http://api.example.com/mcp",
        "https://api.example.com\\.evil.test/mcp",
        "https://evil.test#@api.example.com/mcp",
        " https://api.example.com/mcp",
    ] {
        let answer = call(&client, "post", elsewhere, None, headers()).await;
        assert!(answer.is_err(), "{elsewhere}");
    }
    assert!(sent(&world).iter().all(Vec::is_empty), "{:?}", sent(&world));
}

#[tokio::test(start_paused = true)]
async fn transport_token_counts_as_a_caller_header() {
    let bearer = || {
        let key = Credential::bearer(&Secret::from("ours")).unwrap();
        InjectKeyLayer::new(ORIGIN, RotatingCredential::manual(key).0).unwrap()
    };
    let key = Credential::x_api_key(&Secret::from("ours")).unwrap();
    let x_api_key = InjectKeyLayer::new(ORIGIN, RotatingCredential::manual(key).0).unwrap();
    let own = HeaderValue::from_static("Bearer own");
    let set = Headers::from([(AUTHORIZATION, own)]);
    for (inject, token, headers, authorization, key) in [
        (bearer(), None, headers(), "Bearer ours", None),
        (bearer(), Some("own"), headers(), "Bearer own", None),
        (bearer(), None, set.clone(), "Bearer own", None),
        (
            x_api_key,
            Some("own"),
            headers(),
            "Bearer own",
            Some("ours"),
        ),
        (
            bearer().override_existing(),
            Some("own"),
            headers(),
            "Bearer ours",
            None,
        ),
        (bearer().override_existing(), None, set, "Bearer ours", None),
    ] {
        let world = World::new("own");
        world.also_accept("ours");
        let client = KeyedMcpClient::new(Client::of(&world), inject);
        for name in CALLS {
            let answer = call(&client, name, URL, token, headers.clone());
            answer.await.unwrap();
        }
        assert_eq!(sent(&world), [[authorization]; 3]);
        for seen in world.seen() {
            assert_eq!(seen.header("x-api-key"), key);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn foreign_host_gets_no_key_and_override_takes_twins_off() {
    let inject = || {
        let key = Credential::x_api_key(&Secret::from("ours")).unwrap();
        InjectKeyLayer::new(ORIGIN, RotatingCredential::manual(key).0).unwrap()
    };
    let set = |headers: &[(&'static str, &'static str)]| -> Headers {
        let headers = headers.iter();
        headers
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    };
    let theirs = [
        ("x-api-key", "theirs"),
        ("x_api_key", "theirs"),
        ("x.api.key", "theirs"),
    ];
    let foreign = [&theirs[..], &[("host", "evil.test")]].concat();
    for (inject, headers, key, twins) in [
        (
            inject(),
            &[("host", "api.example.com")][..],
            Some("ours"),
            0,
        ),
        (inject(), &[("host", "evil.test")], None, 0),
        (inject(), &theirs[1..], Some("ours"), 2),
        (inject(), &foreign, Some("theirs"), 2),
        (inject().override_existing(), &theirs, Some("ours"), 0),
        (inject().override_existing(), &foreign, None, 0),
    ] {
        let world = World::new("own");
        let client = KeyedMcpClient::new(Client::of(&world), inject);
        for name in CALLS {
            let answer = call(&client, name, URL, Some("own"), set(headers));
            answer.await.unwrap();
        }
        for seen in world.seen() {
            assert_eq!(seen.header("x-api-key"), key, "{headers:?}");
            let found = ["x_api_key", "x.api.key"].map(|name| seen.header(name));
            let found = found.into_iter().flatten().count();
            assert_eq!(found, twins, "{headers:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn response_limits_reach_the_wrapped_client() {
    let world = World::new("key");
    let wrapped = Client::of(&world);
    let client = KeyedMcpClient::new(wrapped.clone(), world.inject().await);
    let mut limits = StreamableHttpResponseLimits::default();
    let default = limits.max_sse_event_size;
    limits.max_sse_event_size = 1;
    let (uri, none) = (|| URL.into(), headers);
    let answers = [
        client.post_message(uri(), ping(), None, None, none()).await,
        client
            .post_message_with_max_sse_event_size(uri(), ping(), None, None, none(), 2)
            .await,
        client
            .post_message_with_response_limits(uri(), ping(), None, None, none(), limits)
            .await,
    ];
    for answer in answers {
        let answer = answer.unwrap();
        assert!(matches!(answer, StreamableHttpPostResponse::Accepted));
    }
    let opened = [
        client.get_stream(uri(), None, None, None, none()).await,
        client
            .get_stream_with_max_sse_event_size(uri(), None, None, None, none(), 3)
            .await,
    ];
    for events in opened {
        assert_eq!(events.unwrap().count().await, 1);
    }
    let seen = wrapped.limits.lock().unwrap();
    assert_eq!(*seen, [default, 2, 1, default, 3]);
}
