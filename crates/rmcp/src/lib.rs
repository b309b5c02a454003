//! API keys that rotate, for clients of MCP servers that are built on `rmcp`.
//!
//! rmcp's transport sends through its own trait, [`StreamableHttpClient`]. [`KeyedMcpClient`] wraps
//! any client that implements it, and does for MCP what [`InjectKeyLayer`] does for HTTP clients.
#![cfg_attr(not(test), warn(clippy::expect_used))]

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::stream::BoxStream;
use http::header::{AUTHORIZATION, HOST, HeaderName, HeaderValue};
use rmcp::model::ClientJsonRpcMessage;
use rmcp::transport::streamable_http_client::{
    SseError, StreamableHttpClient, StreamableHttpError, StreamableHttpPostResponse,
    StreamableHttpResponseLimits,
};
use sse_stream::Sse;
use tower_layer::Layer;
use tower_rotating_auth::outbound::adapter::{
    ClassifyRejection, Kept, RequestAdapter, Target, Verdict, is_same_header,
};
use tower_rotating_auth::outbound::{AuthScheme, InjectKeyLayer};
use tower_service::Service;

/// A client for rmcp's `StreamableHttpClientTransport` that puts the current key on each call of
/// another client, and repeats a rejected call with another key.
///
/// # Examples
///
/// ```
/// # use std::{collections::HashMap, convert::Infallible, sync::Arc};
/// # use http::{HeaderName, HeaderValue};
/// # use rmcp::model::ClientJsonRpcMessage;
/// use rmcp::transport::StreamableHttpClientTransport;
/// use rmcp::transport::streamable_http_client::{
///     StreamableHttpClient, StreamableHttpClientTransportConfig,
/// };
/// use tower_rotating_auth::{
///     Secret,
///     outbound::{RotatingCredential, Credential, InjectKeyLayer},
/// };
/// use tower_rotating_auth_rmcp::KeyedMcpClient;
///
/// # use rmcp::transport::streamable_http_client as mcp;
/// # type Headers = HashMap<HeaderName, HeaderValue>;
/// # type Answer<T> = Result<T, mcp::StreamableHttpError<Infallible>>;
/// # type Opened = futures_util::stream::BoxStream<'static, Result<sse_stream::Sse, mcp::SseError>>;
/// # #[derive(Clone)]
/// # struct Client;
/// # impl Client {
/// #     fn new() -> Self {
/// #         Self
/// #     }
/// # }
/// # impl StreamableHttpClient for Client {
/// #     type Error = Infallible;
/// #     async fn post_message(
/// #         &self,
/// #         _: Arc<str>,
/// #         _: ClientJsonRpcMessage,
/// #         _: Option<Arc<str>>,
/// #         _: Option<String>,
/// #         _: Headers,
/// #     ) -> Answer<mcp::StreamableHttpPostResponse> {
/// #         Ok(mcp::StreamableHttpPostResponse::Accepted)
/// #     }
/// #     async fn delete_session(
/// #         &self,
/// #         _: Arc<str>,
/// #         _: Arc<str>,
/// #         _: Option<String>,
/// #         headers: Headers,
/// #     ) -> Answer<()> {
/// #         let key = headers.get(&http::header::AUTHORIZATION).map(|key| key.to_str().unwrap());
/// #         assert_eq!(key, Some("Bearer sk-1"));
/// #         Ok(())
/// #     }
/// #     async fn get_stream(
/// #         &self,
/// #         _: Arc<str>,
/// #         _: Option<Arc<str>>,
/// #         _: Option<String>,
/// #         _: Option<String>,
/// #         _: Headers,
/// #     ) -> Answer<Opened> {
/// #         Ok(Box::pin(futures_util::stream::empty()))
/// #     }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let url = "https://mcp.example.com/mcp";
/// let (key, _publisher) = RotatingCredential::manual(Credential::bearer(&Secret::from("sk-1"))?);
/// let client = KeyedMcpClient::new(Client::new(), InjectKeyLayer::new(url, key)?); // `reqwest::Client`, say
/// # let keyed = client.clone();
///
/// let config = StreamableHttpClientTransportConfig::with_uri(url);
/// let transport = StreamableHttpClientTransport::with_client(client, config);
/// # drop(transport);
/// # keyed.delete_session(url.into(), "session".into(), None, HashMap::new()).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Headers
///
/// As with [`InjectKeyLayer`], the key goes only to the origins that you name, and a header that
/// the caller has set stays unless the layer overrides it. The transport's `auth_header` counts as
/// an `Authorization` header that the caller has set:
///
/// - A key in `Authorization` is left off, unless the layer overrides existing headers.
/// - A key in another header is added beside it.
///
/// # Rejections
///
/// A rejection is `StreamableHttpError::AuthRequired` from the wrapped client. rmcp's own clients
/// return it for a `401` with a `WWW-Authenticate` challenge, which MCP requires, but not when they
/// delete a session. All other errors pass through.
///
/// The trait shows no status and no response, so [`InjectKeyLayer::rejected_by`] has no effect and
/// there is no [`Outcome`](tower_rotating_auth::outbound::Outcome). Use an
/// [observer](tower_rotating_auth::rotating::RotatingBuilder::observer) to see what the layer did.
///
/// An event stream that is open stays open when the key changes. The transport opens the next one
/// with the key that is current then.
///
/// # Cancel safety
///
/// Dropping a future drops the attempt that is under way. A refresh that it requested continues.
#[derive(Clone, Debug)]
pub struct KeyedMcpClient<C> {
    client: C,
    inject: InjectKeyLayer<CallAdapter>,
}

/// The part of a call that the layer reads and changes.
#[derive(Clone)]
struct Head {
    uri: Arc<str>,
    token: Option<String>,
    headers: Headers,
}

type Headers = HashMap<HeaderName, HeaderValue>;

type Answer<T, C> = Result<T, StreamableHttpError<<C as StreamableHttpClient>::Error>>;

/// Adapts the layer to the head of a call.
#[derive(Clone, Copy, Debug)]
struct CallAdapter;

/// A call to the wrapped client, as a service.
#[derive(Clone)]
struct Call<F>(F);

impl<C> KeyedMcpClient<C> {
    /// Wraps a client, such as `reqwest::Client`.
    ///
    /// Replaces the layer's settings for bodies and rejections, as described
    /// [above](Self#rejections).
    #[must_use]
    pub fn new(client: C, inject: InjectKeyLayer) -> Self {
        Self {
            client,
            inject: inject.adapter(CallAdapter),
        }
    }
}

impl<C: StreamableHttpClient> KeyedMcpClient<C> {
    async fn call<T, F>(&self, head: Head, call: impl Fn(Head) -> F + Clone + Send) -> Answer<T, C>
    where
        F: Future<Output = Answer<T, C>> + Send,
    {
        let mut service = self.inject.layer(Call(call));
        poll_fn(|cx| Service::<Head>::poll_ready(&mut service, cx)).await?;
        service.call(head).await
    }
}

impl RequestAdapter<Head> for CallAdapter {
    type Sent = Head;
    type Saved = Head;

    fn target<'a>(&self, head: &'a mut Head) -> Target<'a> {
        Target::from_url(&head.uri).with_host_value(head.headers.get(&HOST))
    }

    fn has_header(&self, head: &mut Head, name: &HeaderName) -> bool {
        head.headers.contains_key(name) || (*name == AUTHORIZATION && head.token.is_some())
    }

    fn remove_header(&self, head: &mut Head, name: &HeaderName) {
        if *name == AUTHORIZATION {
            head.token = None;
        }
        head.headers.retain(|other, _| !is_same_header(name, other));
    }

    fn pass(&self, head: Head) -> Head {
        head
    }

    fn save(&self, head: Head) -> (Head, Kept<Head>) {
        (head.clone(), Kept::ForReplay(head))
    }

    fn resend(&self, saved: Head) -> Option<Head> {
        Some(saved)
    }

    fn set_header(&self, head: &mut Head, name: &HeaderName, value: HeaderValue) {
        if *name == AUTHORIZATION {
            head.token = None;
        }
        head.headers.insert(name.clone(), value);
    }
}

impl<T, E> ClassifyRejection<T, StreamableHttpError<E>> for CallAdapter
where
    E: std::error::Error + Send + Sync + 'static,
{
    fn classify(
        &self,
        answer: &Result<T, StreamableHttpError<E>>,
        _: Option<&AuthScheme>,
    ) -> Verdict {
        match answer {
            Ok(_) => Verdict::Accepted,
            Err(StreamableHttpError::AuthRequired(_)) => Verdict::Rejected,
            Err(_) => Verdict::Inconclusive,
        }
    }
}

impl<F, Fut, T, E> Service<Head> for Call<F>
where
    F: Fn(Head) -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    type Response = T;
    type Error = E;
    type Future = Fut;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), E>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, head: Head) -> Fut {
        (self.0)(head)
    }
}

impl<C: StreamableHttpClient + Sync> StreamableHttpClient for KeyedMcpClient<C> {
    type Error = C::Error;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        token: Option<String>,
        headers: Headers,
    ) -> Answer<StreamableHttpPostResponse, C> {
        let limits = StreamableHttpResponseLimits::default();
        self.post_message_with_response_limits(uri, message, session, token, headers, limits)
            .await
    }

    async fn post_message_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        token: Option<String>,
        headers: Headers,
        longest_event: usize,
    ) -> Answer<StreamableHttpPostResponse, C> {
        let mut limits = StreamableHttpResponseLimits::default();
        limits.max_sse_event_size = longest_event;
        self.post_message_with_response_limits(uri, message, session, token, headers, limits)
            .await
    }

    async fn post_message_with_response_limits(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        token: Option<String>,
        headers: Headers,
        limits: StreamableHttpResponseLimits,
    ) -> Answer<StreamableHttpPostResponse, C> {
        let head = Head {
            uri,
            token,
            headers,
        };
        self.call(
            head,
            |Head {
                 uri,
                 token,
                 headers,
             }| {
                let (message, session) = (message.clone(), session.clone());
                self.client.post_message_with_response_limits(
                    uri, message, session, token, headers, limits,
                )
            },
        )
        .await
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session: Arc<str>,
        token: Option<String>,
        headers: Headers,
    ) -> Answer<(), C> {
        let head = Head {
            uri,
            token,
            headers,
        };
        self.call(
            head,
            |Head {
                 uri,
                 token,
                 headers,
             }| {
                let session = session.clone();
                self.client.delete_session(uri, session, token, headers)
            },
        )
        .await
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        last_event: Option<String>,
        token: Option<String>,
        headers: Headers,
    ) -> Answer<BoxStream<'static, Result<Sse, SseError>>, C> {
        let limit = StreamableHttpResponseLimits::default().max_sse_event_size;
        self.get_stream_with_max_sse_event_size(uri, session, last_event, token, headers, limit)
            .await
    }

    async fn get_stream_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        last_event: Option<String>,
        token: Option<String>,
        headers: Headers,
        longest_event: usize,
    ) -> Answer<BoxStream<'static, Result<Sse, SseError>>, C> {
        let head = Head {
            uri,
            token,
            headers,
        };
        self.call(
            head,
            |Head {
                 uri,
                 token,
                 headers,
             }| {
                let (session, last_event) = (session.clone(), last_event.clone());
                self.client.get_stream_with_max_sse_event_size(
                    uri,
                    session,
                    last_event,
                    token,
                    headers,
                    longest_event,
                )
            },
        )
        .await
    }
}
