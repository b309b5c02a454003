//! The side of the gateway that a public network touches.

mod deadlines;
mod development;
mod early_answers;
mod framing;
mod headers;
mod http2;
mod limits;
mod readiness;
