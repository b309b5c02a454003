//! A request's connection, as its extensions tell it: the peer, its certificate, the scheme.

mod certificate;
mod forwarded;
mod peer_addr;
mod scheme;
mod trusted_proxies;

pub use self::certificate::ClientCertificate;
pub use self::peer_addr::PeerAddr;
pub(crate) use self::peer_addr::peer_addr;
pub use self::scheme::RequestScheme;
pub use self::trusted_proxies::{ForwardedHeader, TrustedProxies};
