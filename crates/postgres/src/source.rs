//! A source of a key in a row.

use std::fmt;
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use tokio::sync::Notify;
use tokio_postgres::config::Host;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::types::Type;
use tokio_postgres::{Config, Error, NoTls, Row, Socket};
use tower_rotating_auth::Secret;
use tower_rotating_auth::source::{
    Expiry, Fetch, Fetched, NestedSecret, RefreshInterval, Source, SourceError,
};

use crate::connection::Connection;
use crate::error::of_source;

const POLL: Duration = Duration::from_secs(60);
/// The class of errors about a user or a password.
const INVALID_AUTHORIZATION: &str = "28";
const MIN_INTERVAL: Duration = Duration::from_millis(100);
const CONNECT: Duration = Duration::from_secs(10);
const KEEPALIVE: Duration = Duration::from_secs(30);

/// A source of a key in a row of PostgreSQL.
///
/// The query returns one row. Its first column is the key, of type `text`, `varchar` or `bytea`. A
/// second column, of type `timestamptz`, is its expiry; `NULL` means that it has none.
///
/// With [`listen`](Self::listen), the source listens for notifications before it reads, and reads
/// again after each. Their payload is ignored. It polls as well. After a lost connection it
/// connects, listens and reads again, so that a change in between is not missed. A pool that
/// changes connections between transactions passes no notifications on; connect around it.
///
/// # Errors
///
/// A failed fetch keeps the last good value. The error contains no value of the database, and of an
/// error that PostgreSQL sent only the code:
///
/// | cause | [`SourceErrorKind`](tower_rotating_auth::source::SourceErrorKind) |
/// |---|---|
/// | no connection; a server that stops, or is full | `Transient` |
/// | a wrong password; a query that cannot run | `Permanent` |
/// | no row, several rows, `NULL`, or a column of another type | `Invalid` |
#[must_use]
pub struct PostgresSource {
    config: Config,
    connect: Connect,
    password: Option<NestedSecret>,
    query: String,
    channel: Option<String>,
    poll: Duration,
    connection: Option<Connection>,
    hints: Arc<Notify>,
}

type Opening<'a> = Pin<Box<dyn Future<Output = Result<Connection, Error>> + Send + 'a>>;
type Connect = Box<dyn for<'a> FnMut(&'a Config, Arc<Notify>) -> Opening<'a> + Send>;

impl PostgresSource {
    /// Creates a source for a server on this machine, or on a network that nobody else is on: it
    /// connects without TLS.
    ///
    /// `connection` has the form of [`tokio_postgres::Config`]. The query needs no parameters.
    ///
    /// # Errors
    ///
    /// Returns an error of kind `Invalid` if the connection is not readable, and if a host is
    /// neither a loopback address nor a Unix socket. [`with_tls`](Self::with_tls) connects to
    /// others.
    pub fn new(connection: &str, query: impl Into<String>) -> Result<Self, SourceError> {
        let source = Self::with_tls(connection, query, NoTls)?;
        // An address, where there is one, is what is connected to.
        let addresses = source.config.get_hostaddrs();
        let is_named = !source.config.get_hosts().is_empty() || !addresses.is_empty();
        if is_named
            && source.config.get_hosts().iter().all(is_local)
            && addresses.iter().all(IpAddr::is_loopback)
        {
            return Ok(source);
        }
        Err(SourceError::invalid(
            "the host is on a network, so that others could read the key on its way; use \
             `PostgresSource::with_tls`",
        ))
    }

    /// Creates a source that connects by TLS, such as with `tokio-postgres-rustls`.
    ///
    /// Set `sslmode=require` in `connection`: `tokio_postgres` prefers TLS by default, and connects
    /// without it to a server that has none.
    ///
    /// # Errors
    ///
    /// Returns an error of kind `Invalid` if the connection is not readable.
    pub fn with_tls<T>(
        connection: &str,
        query: impl Into<String>,
        tls: T,
    ) -> Result<Self, SourceError>
    where
        T: MakeTlsConnect<Socket, Stream: Send + 'static> + Clone + Send + Sync + 'static,
        T::TlsConnect: Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        // The parser's own error may quote a password.
        let mut config: Config = connection.parse().map_err(|_| {
            SourceError::invalid(
                "not a connection to PostgreSQL; write it like host=127.0.0.1 user=gateway",
            )
        })?;
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        config.keepalives_idle(KEEPALIVE);
        let connect: Connect =
            Box::new(move |config, hints| Box::pin(Connection::open(config, tls.clone(), hints)));
        Ok(Self {
            config,
            connect,
            password: None,
            query: query.into(),
            channel: None,
            poll: POLL,
            connection: None,
            hints: Arc::new(Notify::new()),
        })
    }

    /// Sets the source of the password, which is asked before each connection. A hint of it, such
    /// as that a file was rewritten, ends the wait after a refused password.
    pub fn password(mut self, source: impl Source<Value = Secret>) -> Self {
        self.password = Some(NestedSecret::new(source));
        self
    }

    /// Sets the channel to listen to. Defaults to none.
    pub fn listen(mut self, channel: impl Into<String>) -> Self {
        self.channel = Some(channel.into());
        self
    }

    /// Sets how often the row is read at least. Defaults to 60 s.
    pub const fn poll(mut self, poll: Duration) -> Self {
        self.poll = poll;
        self
    }

    /// Connects, and listens before anything is read.
    async fn open(&mut self) -> Result<Connection, SourceError> {
        let mut config = self.config.clone();
        if let Some(password) = &mut self.password {
            let password = password.secret().await?;
            config.password(password.expose_secret().trim_ascii());
        }
        let opening = (self.connect)(&config, Arc::clone(&self.hints));
        let connection = match opening.await {
            Ok(connection) => connection,
            Err(error) => {
                let is_denied = error
                    .code()
                    .is_some_and(|state| state.code().starts_with(INVALID_AUTHORIZATION));
                if let Some(password) = self.password.as_mut().filter(|_| is_denied) {
                    password.reject();
                }
                return Err(of_source(error));
            }
        };
        if let Some(channel) = &self.channel {
            let listen = format!("LISTEN \"{}\"", channel.replace('"', "\"\""));
            let listening = connection.client.batch_execute(&listen).await;
            listening.map_err(of_source)?;
        }
        Ok(connection)
    }
}

impl Source for PostgresSource {
    type Value = Secret;

    async fn fetch(&mut self, _: Fetch<'_, Secret>) -> Result<Fetched<Secret>, SourceError> {
        // Put back only if all went well: whatever went wrong, and a fetch that is dropped, ends
        // the connection.
        let open = self.connection.take().filter(|c| !c.client.is_closed());
        let connection = match open {
            Some(connection) => connection,
            None => self.open().await?,
        };
        let rows = connection.client.query(&self.query, &[]).await;
        let fetched = key(&rows.map_err(of_source)?);
        self.connection = Some(connection);
        fetched
    }

    /// The connection stays if the password may have changed: it works until another one does.
    async fn changed(&mut self) {
        let mut hinted = pin!(self.hints.notified());
        let Some(password) = &mut self.password else {
            return hinted.await;
        };
        let mut rotated = pin!(password.changed());
        poll_fn(|cx| match hinted.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => rotated.as_mut().poll(cx),
        })
        .await;
    }

    fn refresh_interval(&self) -> RefreshInterval {
        RefreshInterval::new(self.poll, MIN_INTERVAL)
    }
}

/// Finds the key and its expiry in the rows of an answer.
fn key(rows: &[Row]) -> Result<Fetched<Secret>, SourceError> {
    let [row] = rows else {
        return Err(SourceError::invalid(format!(
            "the query found {} rows; write it so that it finds one",
            rows.len()
        )));
    };
    let fetched = Fetched::new(secret(row)?);
    if row.len() < 2 {
        return Ok(fetched);
    }
    let expiry: Option<SystemTime> = row
        .try_get(1)
        .map_err(|_| SourceError::invalid("the second column is no timestamptz"))?;
    Ok(match expiry {
        Some(at) => fetched.expires(Expiry::At(at)),
        None => fetched,
    })
}

fn secret(row: &Row) -> Result<Secret, SourceError> {
    let unusable =
        || SourceError::invalid("the first column is no key: NULL, or not text or bytea");
    let kind = row.columns().first().map(|column| column.type_().clone());
    let key: Option<Secret> = match kind {
        Some(Type::BYTEA) => {
            let bytes: Option<&[u8]> = row.try_get(0).map_err(|_| unusable())?;
            bytes.map(Secret::from)
        }
        _ => {
            let text: Option<&str> = row.try_get(0).map_err(|_| unusable())?;
            text.map(Secret::from)
        }
    };
    key.filter(|key| !key.expose_secret().trim_ascii().is_empty())
        .ok_or_else(unusable)
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) if name == "localhost" => true,
        Host::Tcp(name) => name
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback()),
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

impl fmt::Debug for PostgresSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresSource")
            .field("hosts", &self.config.get_hosts())
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tower_rotating_auth::source::SourceErrorKind;

    #[test]
    fn server_on_a_network_needs_tls() {
        for local in [
            "host=127.0.0.1 user=gateway",
            "host=::1",
            "host=localhost,127.0.0.2",
            "host=/run/postgresql",
            "hostaddr=127.0.0.1",
            "postgresql://gateway@127.0.0.1:5432/keys",
        ] {
            assert!(PostgresSource::new(local, "SELECT 1").is_ok(), "{local}");
        }
        for refused in [
            "host=db.example.com",
            "host=127.0.0.1,10.0.0.1",
            "postgresql://gateway@10.0.0.1/keys",
            "hostaddr=10.0.0.1",
            "host=localhost hostaddr=10.0.0.1",
            "host=db.example.com hostaddr=127.0.0.1",
        ] {
            let error = PostgresSource::new(refused, "SELECT 1").unwrap_err();
            assert_eq!(error.kind(), SourceErrorKind::Invalid, "{refused}");
            assert!(PostgresSource::with_tls(refused, "SELECT 1", NoTls).is_ok());
        }
    }

    #[test]
    fn unreadable_connection_is_not_repeated() {
        let error = PostgresSource::new("password='sk-1", "SELECT 1").unwrap_err();
        assert_eq!(error.kind(), SourceErrorKind::Invalid);
        assert!(!format!("{error:?}").contains("sk-1"), "{error:?}");
    }
}
