//! Bodies, and the time that they may take.

pub(crate) mod idle_timeout;
pub(crate) mod replay;
pub(crate) mod response;
pub(crate) mod upload;
