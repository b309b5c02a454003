//! Deadlines and limits of the gateway, in both directions.

use std::time::Duration;

use clap::{Args as _, FromArgMatches as _};

use super::server::{Discard, Patience, ServerLimits};
use super::units::{bytes, count, head_bytes, seconds, seconds_or_none};
use crate::error::Error;

/// Options that limit what clients and the upstream may use.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct LimitArgs {
    /// How long a connection may take to send its first request head, or the rest of a head.
    #[arg(long, value_name = "DURATION", env = "GATEWAY_HEAD_TIMEOUT", default_value = "10", value_parser = seconds)]
    head_timeout: Duration,

    /// How long a connection may wait for its next request.
    #[arg(long, value_name = "DURATION", env = "GATEWAY_KEEP_ALIVE", default_value = "75", value_parser = seconds)]
    keep_alive: Duration,

    /// How long a client may be silent in the middle of its upload.
    #[arg(long, value_name = "DURATION", env = "GATEWAY_UPLOAD_TIMEOUT", default_value = "60", value_parser = seconds)]
    upload_timeout: Duration,

    /// How long a client may read nothing of a response.
    #[arg(long, value_name = "DURATION", env = "GATEWAY_WRITE_TIMEOUT", default_value = "30", value_parser = seconds)]
    write_timeout: Duration,

    /// How long a connection lives on that one side has ended: a client that only reads, or one
    /// that still sends after its answer.
    #[arg(long, value_name = "DURATION", env = "GATEWAY_CLOSE_TIMEOUT", default_value = "5", value_parser = seconds)]
    close_timeout: Duration,

    /// How much of an upload to read and drop after its answer, so that the client gets that.
    #[arg(long, value_name = "BYTES", env = "GATEWAY_DISCARD_SIZE", default_value = "64MiB", value_parser = bytes)]
    discard_size: u64,

    /// Largest request head. A longer one gets 431.
    #[arg(long, value_name = "BYTES", env = "GATEWAY_MAX_HEAD_SIZE", default_value = "64KiB", value_parser = head_bytes)]
    max_head_size: u32,

    /// Most fields of a request head. More get 431.
    #[arg(long, value_name = "N", env = "GATEWAY_MAX_HEADERS", default_value = "100", value_parser = count)]
    max_headers: usize,

    /// Most open connections. A new one then takes the place of the one that has waited longest for
    /// its client.
    #[arg(long, value_name = "N", env = "GATEWAY_MAX_CONNECTIONS", default_value = "4096", value_parser = count)]
    max_connections: usize,

    /// Most open connections from one IPv4 address, or one IPv6 /64.
    #[arg(long, value_name = "N", env = "GATEWAY_MAX_CONNECTIONS_PER_PEER", default_value = "4096", value_parser = count)]
    max_connections_per_peer: usize,

    /// Most concurrent streams of an HTTP/2 connection.
    #[arg(long, value_name = "N", env = "GATEWAY_MAX_STREAMS", default_value = "100", value_parser = count)]
    max_streams: usize,

    /// Most concurrent requests to the upstream, whose bodies are then in flight. More get 503.
    ///
    /// Half of them are split among several upstreams, so that none can take all.
    #[arg(long, value_name = "N", env = "GATEWAY_MAX_REQUESTS", default_value = "4096", value_parser = count)]
    max_requests: usize,

    /// Most concurrent requests of one client, or of one address if the client has no key. More get
    /// 429.
    ///
    /// An address is an IPv4 address or an IPv6 /64. A trusted proxy may say it.
    #[arg(long, value_name = "N", env = "GATEWAY_MAX_REQUESTS_PER_CLIENT", default_value = "1024", value_parser = count)]
    max_requests_per_client: usize,

    /// How much of an upload to keep for a replay. A longer one is sent when the upstream says `100
    /// Continue`.
    #[arg(long, value_name = "BYTES", env = "GATEWAY_REPLAY_SIZE", default_value = "1MiB", value_parser = bytes)]
    replay_size: u64,

    /// How much memory all replays may use together. Beyond it, requests are served without.
    ///
    /// Half of it is split among several upstreams, so that none can take all.
    #[arg(long, value_name = "BYTES", env = "GATEWAY_REPLAY_MEMORY", default_value = "64MiB", value_parser = bytes)]
    replay_memory: u64,

    /// How long a long upload waits for `100 Continue`. It is then sent, and not replayed if the
    /// upstream rejects its key.
    #[arg(long, value_name = "DURATION", env = "GATEWAY_CONTINUE_TIMEOUT", default_value = "1", value_parser = seconds_or_none)]
    continue_timeout: Duration,

    /// How long a request whose key was rejected waits for the next key.
    #[arg(long, value_name = "DURATION", env = "GATEWAY_KEY_WAIT", default_value = "5", value_parser = seconds_or_none)]
    key_wait: Duration,

    /// How long clients are served with the last good key set while its file cannot be used. After
    /// that, requests with a key get 503.
    #[arg(long, value_name = "DURATION", env = "GATEWAY_MAX_STALE", default_value = "3600", value_parser = seconds)]
    max_stale: Duration,
}

/// The limits of requests to the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProxyLimits {
    pub(crate) upload_silence: Duration,
    pub(crate) requests: usize,
    pub(crate) requests_per_client: usize,
    /// Bytes of an upload to keep for a replay, and of all uploads.
    pub(crate) replay: (usize, usize),
    /// How long to wait for the next key.
    pub(crate) key_wait: Duration,
    /// How long a long upload waits for `100 Continue`.
    pub(crate) continue_timeout: Duration,
}

impl LimitArgs {
    /// Returns the defaults, for a program without these options.
    pub(crate) fn defaults() -> Result<Self, Error> {
        let command = Self::augment_args(clap::Command::new("")).no_binary_name(true);
        command
            .try_get_matches_from([""; 0])
            .and_then(|matches| Self::from_arg_matches(&matches))
            .map_err(|error| Error::usage(crate::usage::message(&error)))
    }

    pub(crate) const fn max_stale(&self) -> Duration {
        self.max_stale
    }

    pub(crate) fn server(&self) -> ServerLimits {
        ServerLimits {
            patience: Patience {
                head: self.head_timeout,
                keep_alive: self.keep_alive,
                write: self.write_timeout,
                close: self.close_timeout,
            },
            discard: Discard {
                bytes: self.discard_size,
                time: self.close_timeout,
            },
            head_bytes: self.max_head_size,
            fields: self.max_headers,
            streams: u32::try_from(self.max_streams).unwrap_or(u32::MAX),
            connections: self.max_connections,
            connections_per_peer: self.max_connections_per_peer,
        }
    }

    pub(crate) fn proxy(&self) -> ProxyLimits {
        let in_memory = |bytes| usize::try_from(bytes).unwrap_or(usize::MAX);
        ProxyLimits {
            upload_silence: self.upload_timeout,
            requests: self.max_requests,
            requests_per_client: self.max_requests_per_client,
            replay: (in_memory(self.replay_size), in_memory(self.replay_memory)),
            key_wait: self.key_wait,
            continue_timeout: self.continue_timeout,
        }
    }
}
