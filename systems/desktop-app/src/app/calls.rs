//! The calls of an instance: chats, streams, lists of models, and loads of models.

use std::time::Duration;

use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::args::Calls;
use crate::client::Api;
use crate::error::CallError;

/// A stream takes this many tokens, of which the server makes fifty a second.
const TOKENS: u64 = 100;
const PAUSE: Duration = Duration::from_millis(20);

#[derive(Clone, Copy)]
enum Kind {
    Chat,
    Stream,
    Models,
    Load,
}

#[derive(Default)]
pub(crate) struct Counts {
    calls: usize,
    streams: usize,
    /// Streams during which the key changed.
    across: usize,
    pub(crate) failed: Vec<String>,
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.streams += other.streams;
        self.across += other.across;
        self.failed.extend(other.failed);
    }

    pub(crate) fn to_json(&self, name: &str, keys: u64) -> Value {
        json!({
            "instance": name,
            "calls": self.calls,
            "streams": self.streams,
            "across": self.across,
            "keys": keys,
            "failed": self.failed,
        })
    }
}

/// Makes calls for some time, several at once.
pub(crate) async fn make(api: &Api, calls: Calls, time: Duration) -> Counts {
    let end = Instant::now() + time;
    let mut kinds = vec![
        Kind::Chat,
        Kind::Chat,
        Kind::Stream,
        Kind::Stream,
        Kind::Models,
    ];
    match calls {
        Calls::Chat => {}
        Calls::Manage => kinds.push(Kind::Load),
        Calls::Idle => {
            sleep(time).await;
            return Counts::default();
        }
    }
    let all = join_all(kinds.into_iter().map(|kind| repeat(api, kind, end))).await;
    let mut total = Counts::default();
    for counts in all {
        total.add(counts);
    }
    total
}

async fn repeat(api: &Api, kind: Kind, end: Instant) -> Counts {
    let mut counts = Counts::default();
    while Instant::now() < end {
        counts.calls += 1;
        let before = api.generation();
        match once(api, kind).await {
            Ok(()) if matches!(kind, Kind::Stream) => {
                counts.streams += 1;
                counts.across += usize::from(api.generation() > before);
            }
            Ok(()) => {}
            Err(error) => counts.failed.push(desktop_app::with_causes(&error)),
        }
        sleep(PAUSE).await;
    }
    counts
}

async fn once(api: &Api, kind: Kind) -> Result<(), CallError> {
    let messages = json!([{ "role": "user", "content": "the key rotates" }]);
    let chat = |stream: bool, tokens: u64| {
        let messages = &messages;
        json!({
            "model": "tiny", "messages": messages, "stream": stream, "max_tokens": tokens,
            "ignore_eos": true, // llama.cpp's server would end early
        })
    };
    let post = |path, body| async move { api.call(Method::POST, path, &body).await };
    match kind {
        Kind::Chat => drop(post("/v1/chat/completions", chat(false, 8)).await?),
        Kind::Stream => {
            let body = post("/v1/chat/completions", chat(true, TOKENS)).await?;
            if !body.trim_ascii_end().ends_with(b"data: [DONE]") {
                return Err(CallError::EndedEarly);
            }
        }
        Kind::Models => drop(api.call(Method::GET, "/v1/models", &Value::Null).await?),
        Kind::Load => drop(post("/v1/models/tiny/load", Value::Null).await?),
    }
    Ok(())
}
