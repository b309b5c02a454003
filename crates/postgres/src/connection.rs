//! A connection, and the task that drives it.

use std::future::poll_fn;
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{AsyncMessage, Client, Config, Error, Socket};

/// An open connection. Dropping it closes it.
pub(crate) struct Connection {
    pub(crate) client: Client,
    task: JoinHandle<()>,
}

impl Connection {
    /// Connects, and hints at each notification and at the end of the connection.
    ///
    /// It drives the connection by `poll_message`, since its future drops notifications.
    pub(crate) async fn open<T>(config: &Config, tls: T, hints: Arc<Notify>) -> Result<Self, Error>
    where
        T: MakeTlsConnect<Socket, Stream: Send + 'static, TlsConnect: Send>,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let (client, mut connection) = config.connect(tls).await?;
        let task = tokio::spawn(async move {
            loop {
                match poll_fn(|cx| connection.poll_message(cx)).await {
                    // The payload says nothing: anybody who may connect can send one.
                    Some(Ok(AsyncMessage::Notification(_))) => hints.notify_one(),
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => break,
                }
            }
            // Read at once what was notified while nobody listened.
            hints.notify_one();
        });
        Ok(Self { client, task })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}
