//! Adapters of sources of secrets, and secrets that sources need themselves.

#[cfg(feature = "file")]
mod cached_on_disk;
#[cfg(feature = "jwt")]
mod jwt_expiry;
mod key_rule;
mod nested_secret;
mod probe;
mod secret_source_trait;

#[cfg(feature = "file")]
pub use self::cached_on_disk::CachedOnDisk;
#[cfg(feature = "jwt")]
pub use self::jwt_expiry::JwtExpiry;
pub use self::key_rule::KeyRule;
pub use self::nested_secret::NestedSecret;
pub use self::probe::Probe;
pub use self::secret_source_trait::SecretSource;
