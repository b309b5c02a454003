//! Clients that send one request after the other.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::StatusCode;
use reqwest::{Client, Method, RequestBuilder};
use tokio::task::JoinSet;

use super::client_keys::{ClientKeys, KeyInUse, Kind};
use super::upstream::{EVENTS, ID, IN_USE, Upstream};
use crate::gateway::harness::Gateway;

pub(crate) struct Clients {
    at_work: Arc<AtomicBool>,
    clients: JoinSet<Done>,
}

/// The requests that were sent.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) plain: usize,
    pub(crate) streams: usize,
    pub(crate) uploads: usize,
    pub(crate) bytes: usize,
    lost: Vec<Lost>,
}

/// A request that failed, and between which keys.
#[derive(Clone, Debug)]
pub(crate) struct Lost {
    from: usize,
    to: usize,
    #[expect(dead_code, reason = "for whoever reads the failure")]
    why: String,
}

impl Clients {
    pub(crate) fn start(
        count: usize,
        gateway: &Gateway,
        upstream: &Upstream,
        keys: &ClientKeys,
    ) -> Self {
        let at_work = Arc::new(AtomicBool::new(true));
        let mut clients = JoinSet::new();
        for number in 0..count {
            let worker = Worker {
                number,
                base: gateway.url("/v1"),
                client: Client::new(),
                upstream: upstream.clone(),
                keys: keys.clone(),
                done: Done::default(),
            };
            clients.spawn(worker.work(Arc::clone(&at_work)));
        }
        Self { at_work, clients }
    }

    /// Lets each finish what it is at.
    pub(crate) async fn finish(self) -> Done {
        self.at_work.store(false, Ordering::Relaxed);
        self.clients
            .join_all()
            .await
            .into_iter()
            .fold(Done::default(), Done::and)
    }
}

/// A request that is about to be sent.
#[derive(Clone, Copy)]
struct Begun<'a> {
    id: &'a str,
    /// What the client presents.
    key: &'a KeyInUse,
    /// The key that is in use.
    from: usize,
    turn: usize,
}

struct Worker {
    number: usize,
    base: String,
    client: Client,
    upstream: Upstream,
    keys: ClientKeys,
    done: Done,
}

impl Worker {
    async fn work(mut self, at_work: Arc<AtomicBool>) -> Done {
        for turn in 0.. {
            if !at_work.load(Ordering::Relaxed) {
                break;
            }
            let id = format!("{}-{turn}", self.number);
            let from = self.upstream.begins(&id);
            let key = self.keys.take(match self.number % 4 {
                0 => Kind::Streaming,
                _ => Kind::Brief,
            });
            let request = Begun {
                id: &id,
                key: &key,
                from,
                turn,
            };
            let outcome = match (self.number % 4, turn % 2) {
                (0, _) => self.stream(request).await,
                (1, _) | (2, 0) => self.upload(request).await,
                _ => self.plain(request).await,
            };
            self.upstream.ends(&id);
            drop(key);
            if let Err(why) = outcome {
                let to = self.upstream.in_use() + 1;
                self.done.lost.push(Lost { from, to, why });
            }
        }
        self.done
    }

    fn request(&self, begun: Begun<'_>, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.base))
            .header(ID, begun.id)
            .header(IN_USE, begun.from)
            .header("authorization", format!("Bearer {}", begun.key.text()))
    }

    async fn plain(&mut self, begun: Begun<'_>) -> Result<(), String> {
        let answer = sent(self.request(begun, Method::GET, "/models")).await?;
        self.done.plain += 1;
        let body = answer.bytes().await.map_err(|error| said(&error))?;
        if body == "models" {
            Ok(())
        } else {
            Err(format!("{body:?}"))
        }
    }

    /// Uploads of all lengths, up to twice 64 KiB, and what comes back.
    async fn upload(&mut self, begun: Begun<'_>) -> Result<(), String> {
        let length = (begun.turn * 7919 + self.number * 104_729) % (128 * 1024);
        let content: Vec<u8> = (begun.turn..)
            .flat_map(usize::to_le_bytes)
            .take(length)
            .collect();
        let request = self
            .request(begun, Method::POST, "/echo")
            .body(content.clone());
        let back = sent(request)
            .await?
            .bytes()
            .await
            .map_err(|error| said(&error))?;
        self.done.uploads += 1;
        self.done.bytes += length;
        if back == content {
            Ok(())
        } else {
            Err(format!("{length} bytes came back as {} others", back.len()))
        }
    }

    /// A stream that lasts while the key is replaced.
    async fn stream(&mut self, begun: Begun<'_>) -> Result<(), String> {
        let request = self
            .request(begun, Method::POST, "/stream")
            .body("{\"stream\":true}");
        let events = sent(request)
            .await?
            .text()
            .await
            .map_err(|error| said(&error))?;
        self.done.streams += 1;
        let wanted: String = (0..EVENTS)
            .map(|event| format!("data: {event}\n\n"))
            .collect();
        if events == wanted + "data: [DONE]\n\n" {
            Ok(())
        } else {
            Err(events)
        }
    }
}

async fn sent(request: RequestBuilder) -> Result<reqwest::Response, String> {
    let answer = request.send().await.map_err(|error| said(&error))?;
    match answer.status() {
        StatusCode::OK => Ok(answer),
        status => Err(format!("{status}: {:?}", answer.text().await)),
    }
}

fn said(error: &reqwest::Error) -> String {
    format!("{error:?}")
}

impl Done {
    fn and(mut self, other: Self) -> Self {
        self.plain += other.plain;
        self.streams += other.streams;
        self.uploads += other.uploads;
        self.bytes += other.bytes;
        self.lost.extend(other.lost);
        self
    }

    /// What was lost, but for requests under way while one of these keys was written.
    pub(crate) fn lost_outside(&self, stalled: &[usize]) -> Vec<Lost> {
        let excused = |lost: &&Lost| {
            !stalled
                .iter()
                .any(|key| (lost.from..=lost.to).contains(key))
        };
        self.lost.iter().filter(excused).cloned().collect()
    }
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            plain,
            streams,
            uploads,
            bytes,
            lost,
        } = self;
        let lost = lost.len();
        write!(
            f,
            "{plain} plain requests, {streams} streams, {uploads} uploads of {bytes} bytes, {lost} lost"
        )
    }
}
