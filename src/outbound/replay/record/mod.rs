//! Recording a body while it is sent, and handing it over to the next attempt.

mod frame;
mod hand_over;
mod recording;
mod spliced;

pub(crate) use self::frame::poll_frame_of;
pub(crate) use self::hand_over::{Claim, First, Turn, record};
pub(crate) use self::spliced::Spliced;
