//! The answers of the model, at once or word by word.

use std::time::Duration;

use axum::response::sse::{Event, Sse};
use futures_util::{Stream, StreamExt, stream};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::key_writer::PERIOD;

/// How long the model thinks about a word: a whole stream takes longer than a key lasts.
const THINKING: Duration = Duration::from_millis(200);

pub(super) struct Reply {
    model: String,
    text: String,
}

impl Reply {
    pub(super) fn new(asked: &Value, key: u64) -> Self {
        let said = asked["messages"]
            .as_array()
            .and_then(|messages| messages.last())
            .and_then(|message| message["content"].as_str())
            .unwrap_or("nothing");
        Self {
            model: asked["model"].as_str().unwrap_or("demo").to_owned(),
            text: format!(
                "You said: {said}. The upstream accepted key {key} for this answer, and accepts no other. \
                 It replaces its key every {} s. Ask again: a newer key answers, and nothing restarts.",
                PERIOD.as_secs()
            ),
        }
    }

    pub(super) fn whole(&self) -> Value {
        let words = self.text.split_whitespace().count();
        json!({
            "id": "chatcmpl-demo",
            "object": "chat.completion",
            "created": 0,
            "model": self.model,
            "choices": [{
                "index": 0,
                "message": { "role": "assistant", "content": self.text },
                "finish_reason": "stop",
            }],
            "usage": { "prompt_tokens": 0, "completion_tokens": words, "total_tokens": words },
        })
    }

    pub(super) fn stream(self) -> Sse<impl Stream<Item = Result<Event, axum::Error>>> {
        let first = self.chunk(&json!({ "role": "assistant", "content": "" }), None);
        let words = self
            .text
            .split_inclusive(' ')
            .map(|word| self.chunk(&json!({ "content": word }), None));
        let chunks: Vec<_> = [first]
            .into_iter()
            .chain(words)
            .chain([self.chunk(&json!({}), Some("stop"))])
            .collect();
        let events = stream::iter(chunks).then(async |chunk| {
            sleep(THINKING).await;
            Event::default().json_data(chunk)
        });
        let done = stream::iter([Ok(Event::default().data("[DONE]"))]);
        Sse::new(events.chain(done))
    }

    fn chunk(&self, delta: &Value, finish: Option<&str>) -> Value {
        json!({
            "id": "chatcmpl-demo",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": self.model,
            "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }],
        })
    }
}
