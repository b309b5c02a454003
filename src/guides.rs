//! The pages of the guide, whose examples are compiled and run.

#[doc = include_str!("../docs/guide/files.md")]
#[cfg(feature = "file")]
struct Files;

#[doc = include_str!("../docs/guide/grpc.md")]
#[cfg(feature = "inbound")]
struct Grpc;

#[doc = include_str!("../docs/guide/layer-order.md")]
#[cfg(feature = "axum")]
struct LayerOrder;

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
