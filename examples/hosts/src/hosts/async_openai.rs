//! async-openai: its client takes a Tower service of request factories, and has a retry layer of
//! its own.
//!
//! A factory builds a request for each attempt, so every request can be replayed, file uploads too.
//! The key layer goes below the retry, so that each retry carries the current key. The
//! configuration has no key: the factory replaces the header that it would send.

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::middleware::retry::OpenAIRetryLayer;
use async_openai::middleware::{HttpRequestFactory, ReqwestService};
use async_openai::types::chat::{
    ChatCompletionRequestUserMessage, CreateChatCompletionRequestArgs,
};
use axum::routing::post;
use axum::{Json, Router};
use reqwest::Response;
use serde_json::json;
use tower::ServiceBuilder;
use tower_rotating_auth::{
    outbound::adapter::ClientAdapter,
    outbound::{ConfigError, InjectKeyLayer, RotatingCredential},
};

use crate::harness::{Failed, Rotation, Tally, Upstream, under_load};

fn keyed_client(url: &str, key: RotatingCredential) -> Result<Client<OpenAIConfig>, ConfigError> {
    let adapter = ClientAdapter::for_factory(|factory: &HttpRequestFactory, name, value| {
        let factory = factory.clone();
        HttpRequestFactory::new(move || {
            let (factory, name, value) = (factory.clone(), name.clone(), value.clone());
            async move {
                let mut request = factory.build().await?;
                request.headers_mut().insert(name, value);
                Ok(request)
            }
        })
    });
    let adapter = adapter
        .status(Response::status)
        .extensions(Response::extensions_mut);
    let service = ServiceBuilder::new()
        .layer(OpenAIRetryLayer::default())
        .layer(
            InjectKeyLayer::new(url, key)?
                .assume_origin(url)?
                .adapter(adapter),
        )
        .service(ReqwestService::default());
    let config = OpenAIConfig::new()
        .with_api_key("")
        .with_api_base(format!("{url}/v1"));
    Ok(Client::with_config(config).with_http_service(service))
}

pub(super) async fn trial() -> Result<Tally, Failed> {
    let upstream = Upstream::new(Rotation::CutOver);
    let completion = json!({
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 0,
        "model": "small",
        "choices": [{
            "index": 0,
            "message": { "role": "assistant", "content": "hello" },
            "finish_reason": "stop",
        }],
    });
    let complete = post(async move || Json(completion.clone()));
    let model = Router::new().route("/v1/chat/completions", complete);
    let url = upstream.serve(model).await?;
    let client = keyed_client(&url, upstream.key().await?)?;
    let question = CreateChatCompletionRequestArgs::default()
        .model("small")
        .messages([ChatCompletionRequestUserMessage::from("hi").into()])
        .build()?;

    under_load(&upstream, move || {
        let (client, question) = (client.clone(), question.clone());
        async move {
            let completion = client.chat().create(question).await?;
            let choice = completion.choices.into_iter().next();
            match choice.and_then(|choice| choice.message.content) {
                Some(text) if text == "hello" => Ok(()),
                other => Err(format!("{other:?}").into()),
            }
        }
    })
    .await
}
