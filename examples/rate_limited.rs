//! Limits beside keys: one for each client of a gateway, and one towards its upstream, whose key rotates.
//!
//! ```console
//! cargo run --example rate_limited
//! ```
//!
//! It starts both servers on loopback, plays the clients, prints what happened and ends by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt};
use tower_governor::governor::GovernorConfigBuilder;
use tower_governor::key_extractor::KeyExtractor;
use tower_governor::{GovernorError, GovernorLayer};
use tower_rotating_auth::{
    Rotating, Secret,
    inbound::{KeyRecord, KeySet, Principal, RequireKeyLayer, Scopes},
    keyring::NewKey,
    outbound::{InjectKeyLayer, IntoCredential},
    source::{SourceError, source_fn},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    inbound().await?;
    outbound().await
}

// ---- for each client, inbound ----

/// Who a request counts for: the client, whichever of its keys it presents.
#[derive(Clone, Debug)]
struct ByClient;

impl KeyExtractor for ByClient {
    type Key = String;

    fn extract<T>(&self, request: &Request<T>) -> Result<String, GovernorError> {
        let principal = request.extensions().get::<Principal>();
        let key = principal.and_then(Principal::key);
        let client = key.map(|key| key.client().to_string());
        client.ok_or(GovernorError::UnableToExtractKey)
    }
}

async fn inbound() -> Result<(), BoxError> {
    let [batch, batch_too, webapp] = [
        NewKey::generate()?,
        NewKey::generate()?,
        NewKey::generate()?,
    ];
    let record = |id: &str, client: &str| -> Result<_, BoxError> {
        Ok(KeyRecord::new(
            id.parse()?,
            client.parse()?,
            Scopes::default(),
        ))
    };
    let (keys, _publisher) = Rotating::manual(KeySet::new([
        (batch.digest(), record("k1", "batch")?),
        (batch_too.digest(), record("k2", "batch")?),
        (webapp.digest(), record("k3", "webapp")?),
    ])?);

    let limit = GovernorConfigBuilder::default()
        .period(Duration::from_secs(60))
        .burst_size(3)
        .key_extractor(ByClient)
        .finish()
        .ok_or("neither is zero")?;
    let app = Router::new()
        .route("/", get(|| async { "done" }))
        .layer(GovernorLayer::new(limit)) // sees who was let in by …
        .layer(RequireKeyLayer::new(keys)); // … this, which is outside of it
    let gateway = serve(app).await?;

    println!("inbound: three requests for each client, then one a minute");
    let client = reqwest::Client::new();
    let ask = async |who: &str, key: Option<&NewKey>, times: usize| -> Result<(), BoxError> {
        let key = key.map_or(&b"guessed"[..], |key| key.token().expose_secret());
        let key = std::str::from_utf8(key)?;
        let mut answers = Vec::new();
        for _ in 0..times {
            let answer = client.get(&gateway).bearer_auth(key).send().await?;
            answers.push(answer.status().as_u16().to_string());
        }
        println!("  {who:<22} {}", answers.join(" "));
        Ok(())
    };
    ask("batch", Some(&batch), 5).await?;
    ask("batch, another key", Some(&batch_too), 1).await?;
    ask("webapp", Some(&webapp), 3).await?;
    ask("somebody, a wrong key", None, 4).await?;
    Ok(())
}

// ---- towards the upstream, outbound ----

/// An upstream that takes one key, which is replaced now and then, and counts what reaches it.
#[derive(Clone, Default)]
struct Upstream {
    generation: Arc<AtomicUsize>,
    reached: Arc<AtomicUsize>,
}

impl Upstream {
    fn key(&self) -> String {
        format!("sk-{}", self.generation.load(Ordering::Relaxed))
    }

    fn replace_key(&self) {
        self.generation.fetch_add(1, Ordering::Relaxed);
    }

    async fn answer(State(upstream): State<Self>, headers: HeaderMap) -> StatusCode {
        upstream.reached.fetch_add(1, Ordering::Relaxed);
        let taken = format!("Bearer {}", upstream.key());
        match headers.get("authorization") {
            Some(sent) if *sent == taken => StatusCode::OK,
            _ => StatusCode::UNAUTHORIZED,
        }
    }
}

const LIMIT: u64 = 4;
const PER: Duration = Duration::from_secs(1);

async fn outbound() -> Result<(), BoxError> {
    let upstream = Upstream::default();
    let app = Router::new()
        .route("/", get(Upstream::answer))
        .with_state(upstream.clone());
    let url = serve(app).await?;

    // Where the key is kept, here the upstream itself.
    let store = upstream.clone();
    let source = source_fn(move || {
        let key = Secret::from(store.key());
        async { Ok::<_, SourceError>(key) }
    });
    let builder = Rotating::builder().min_interval(Duration::from_millis(10));
    let inject = InjectKeyLayer::new(&*url, builder.start(source.bearer()).await?)?;
    let hyper = || Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let counter = || Arc::new(AtomicUsize::new(0));

    println!("outbound: four requests, {LIMIT} a second, the key is replaced after two of them");
    let counted = counter();
    let outside = ServiceBuilder::new()
        .rate_limit(LIMIT, PER)
        .map_request(counting(&counted))
        .layer(inject.clone())
        .service(hyper());
    let name = "limit outside of the key";
    play(name, outside, &url, &upstream, &counted).await?;

    let counted = counter();
    let inside = ServiceBuilder::new()
        .layer(inject)
        .buffer(8) // a `RateLimit` is not `Clone`, what is behind a buffer need not be
        .rate_limit(LIMIT, PER)
        .map_request(counting(&counted))
        .service(hyper());
    let name = "limit inside of the key";
    play(name, inside, &url, &upstream, &counted).await
}

/// Counts what the limit lets through.
fn counting<B>(counter: &Arc<AtomicUsize>) -> impl Fn(Request<B>) -> Request<B> + Clone + use<B> {
    let counter = Arc::clone(counter);
    move |request| {
        counter.fetch_add(1, Ordering::Relaxed);
        request
    }
}

async fn play<S, B>(
    name: &str,
    mut client: S,
    url: &str,
    upstream: &Upstream,
    counted: &AtomicUsize,
) -> Result<(), BoxError>
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error: Into<BoxError>>,
{
    upstream.reached.store(0, Ordering::Relaxed);
    let began = Instant::now();
    for number in 0..4 {
        if number == 2 {
            upstream.replace_key();
        }
        let request = Request::get(url).body(Full::default())?;
        let ready = client.ready().await.map_err(Into::into)?;
        let answer = ready.call(request).await.map_err(Into::into)?;
        if answer.status() != StatusCode::OK {
            return Err("a caller noticed that the key was replaced".into());
        }
    }
    println!(
        "  {name:<25} {} counted, {} reached the upstream, in {:.1} s",
        counted.load(Ordering::Relaxed),
        upstream.reached.load(Ordering::Relaxed),
        began.elapsed().as_secs_f64(),
    );
    Ok(())
}

/// Serves on a port of loopback; its URL.
async fn serve(app: Router) -> Result<String, BoxError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(url)
}
