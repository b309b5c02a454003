//! Upgrades to other protocols, such as WebSocket. Clients ask by `Upgrade` over HTTP/1.1 (RFC 9110
//! §7.8), or by extended CONNECT over HTTP/2 (RFC 8441). The upstream gets an `Upgrade` in any
//! case.

mod asked;
mod handshake;
mod subprotocols;
mod tunnel;

pub(crate) use self::asked::Upgrade;
pub(super) use self::handshake::Handshake;
pub(super) use self::subprotocols::keep_subprotocols;
pub(super) use self::tunnel::{Client, Tunnel};
