//! API keys that rotate, from a row in PostgreSQL.
//!
//! A [`PostgresSource`] reads a key by a query, listens for notifications that it has changed, and
//! polls. It is a [`Source`](tower_rotating_auth::source::Source) for `tower-rotating-auth`.
//!
//! ```
//! use tower_rotating_auth::source::{EnvSource, Source, SourceError};
//! use tower_rotating_auth_postgres::PostgresSource;
//!
//! let source = PostgresSource::new(
//!     "host=127.0.0.1 user=gateway dbname=keys",
//!     "SELECT key, expires_at FROM upstream_keys WHERE name = 'openai'",
//! )?
//! .password(EnvSource::new("PGPASSWORD")) // or a `FileSource`: it may rotate as well
//! .listen("upstream_keys");
//! # let _ = source.refresh_interval();
//! # Ok::<_, SourceError>(())
//! ```
//!
//! Have a trigger notify the channel, so that each change arrives at once:
//!
//! ```sql
//! CREATE FUNCTION notify_upstream_keys() RETURNS trigger LANGUAGE plpgsql AS
//!   $$ BEGIN NOTIFY upstream_keys; RETURN NULL; END $$;
//! CREATE TRIGGER notify_upstream_keys AFTER INSERT OR UPDATE ON upstream_keys
//!   FOR EACH STATEMENT EXECUTE FUNCTION notify_upstream_keys();
//! ```
#![cfg_attr(not(test), warn(clippy::expect_used))]

mod connection;
mod error;
mod source;

pub use self::source::PostgresSource;
