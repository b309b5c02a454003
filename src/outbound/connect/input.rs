//! The input of a connection, of which one byte may be read ahead.

use std::io;
use std::mem::take;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncRead, ReadBuf};

/// The state of the input, as the last read left it.
#[derive(Debug)]
pub(super) enum Input {
    /// Nothing has arrived. The reader waits, or does not read yet.
    Untouched(Option<Waker>),
    /// Something has arrived. The reader may not have looked at all of it yet, so nobody else can
    /// tell when there is no response to come.
    Touched(Ahead),
}

/// The next input, if it was read before the reader asked for it.
#[derive(Debug, Default)]
pub(super) enum Ahead {
    #[default]
    Nothing,
    Byte(u8),
    End,
    Failed(io::Error),
}

impl Input {
    pub(super) const NEW: Self = Self::Untouched(None);

    /// Waits for the end of an untouched input.
    ///
    /// Some clients do not read before they have written, such as TLS in its handshake. Without
    /// this, only the timeout would tell them of a dead peer.
    pub(super) fn poll_end(
        &mut self,
        stream: Pin<&mut impl AsyncRead>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let Self::Untouched(reader) = self else {
            return Poll::Pending;
        };
        let Poll::Ready(ahead) = Ahead::poll(stream, cx) else {
            // The stream wakes only who read last, so another reader has to read again.
            if let Some(reader) = reader.take_if(|reader| !reader.will_wake(cx.waker())) {
                reader.wake();
            }
            return Poll::Pending;
        };
        if let Some(reader) = reader.take() {
            reader.wake();
        }
        let ended = matches!(ahead, Ahead::End | Ahead::Failed(_));
        *self = Self::Touched(ahead);
        if ended {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    pub(super) fn poll_read(
        &mut self,
        stream: Pin<&mut impl AsyncRead>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self {
            Self::Untouched(reader) => {
                let read = stream.poll_read(cx, buf);
                match read {
                    Poll::Pending => *reader = Some(cx.waker().clone()),
                    Poll::Ready(_) => *self = Self::Touched(Ahead::Nothing),
                }
                read
            }
            Self::Touched(Ahead::Nothing) => stream.poll_read(cx, buf),
            Self::Touched(ahead) => Poll::Ready(ahead.read(buf)),
        }
    }
}

impl Ahead {
    /// Reads one byte. More would take memory of which the reader does not know.
    fn poll(stream: Pin<&mut impl AsyncRead>, cx: &mut Context<'_>) -> Poll<Self> {
        let mut byte = [0];
        let mut buf = ReadBuf::new(&mut byte);
        let read = ready!(stream.poll_read(cx, &mut buf));
        Poll::Ready(match (read, buf.filled()) {
            (Err(error), _) => Self::Failed(error),
            (Ok(()), [byte]) => Self::Byte(*byte),
            (Ok(()), _) => Self::End,
        })
    }

    fn read(&mut self, buf: &mut ReadBuf<'_>) -> io::Result<()> {
        if buf.remaining() == 0 {
            return Ok(());
        }
        match take(self) {
            Self::Failed(error) => return Err(error),
            Self::Byte(byte) => buf.put_slice(&[byte]),
            Self::End | Self::Nothing => {}
        }
        Ok(())
    }
}
