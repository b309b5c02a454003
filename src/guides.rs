//! The README and the pages of the guide, whose examples are compiled, and run where they end.

#[doc = include_str!("../README.md")]
#[cfg(all(
    feature = "axum",
    feature = "file",
    feature = "key-file",
    feature = "keyring"
))]
struct Readme;

#[doc = include_str!("../docs/guide/audit.md")]
#[cfg(all(feature = "audit", feature = "inbound"))]
struct Audit;

#[doc = include_str!("../docs/guide/authorization.md")]
#[cfg(all(
    feature = "axum",
    feature = "file",
    feature = "key-file",
    feature = "keyring"
))]
struct Authorization;

#[doc = include_str!("../docs/guide/files.md")]
#[cfg(feature = "file")]
struct Files;

#[doc = include_str!("../docs/guide/grpc.md")]
#[cfg(feature = "inbound")]
struct Grpc;

#[doc = include_str!("../docs/guide/layer-order.md")]
#[cfg(feature = "axum")]
struct LayerOrder;

#[doc = include_str!("../docs/guide/limits-and-retries.md")]
#[cfg(all(feature = "inbound", feature = "outbound"))]
struct LimitsAndRetries;

#[doc = include_str!("../docs/guide/migrating.md")]
#[cfg(all(feature = "axum", feature = "file", feature = "outbound"))]
struct Migrating;

#[doc = include_str!("../docs/guide/rejections.md")]
#[cfg(feature = "outbound")]
struct Rejections;

#[doc = include_str!("../docs/guide/replay.md")]
#[cfg(feature = "outbound")]
struct Replay;

#[doc = include_str!("../docs/guide/testing.md")]
#[cfg(feature = "outbound")]
struct Testing;

#[doc = include_str!("../docs/guide/writing-a-source.md")]
struct WritingASource;
