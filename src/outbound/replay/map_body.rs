//! Bodies converted to the type that the inner service takes.

use std::fmt;

use super::Replay;
use super::buffer_body::BufferBody;
use super::replay_body::ReplayBody;

/// A [`Replay`] that keeps bodies as [`BufferBody`] does, and converts them to another type.
///
/// Made by [`BufferBody::map`].
#[derive(Clone, Copy)]
pub struct MapBody<F> {
    buffer: BufferBody,
    map: F,
}

// Here and not beside the type, so that `buffer_body` does not import this file.
impl BufferBody {
    /// Converts each body before the inner service gets it.
    ///
    /// Use this for services that take only one type, such as `axum::body::Body` or
    /// `tonic::body::Body`.
    ///
    /// # Examples
    ///
    /// ```
    /// use axum::body::Body;
    /// use http::{Request, Response};
    /// use tower::{Layer, service_fn};
    /// use tower_rotating_auth::{
    ///     Secret,
    ///     outbound::{RotatingCredential, Credential, InjectKeyLayer},
    ///     outbound::replay::BufferBody,
    /// };
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (key, _publisher) = RotatingCredential::manual(Credential::bearer(&Secret::from("sk-1"))?);
    /// let inner = service_fn(async |request: Request<Body>| {
    ///     Ok::<_, std::convert::Infallible>(Response::new(request.into_body()))
    /// });
    /// let client = InjectKeyLayer::new("https://api.example.com", key)?
    ///     .replay(BufferBody::new(64 * 1024).map(Body::new))
    ///     .layer(inner);
    /// let response = client.oneshot(Request::new(Body::from("an upload"))).await?;
    /// # let body = axum::body::to_bytes(response.into_body(), 1024).await?;
    /// # assert_eq!(body, "an upload");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn map<F>(self, map: F) -> MapBody<F> {
        MapBody { buffer: self, map }
    }
}

#[diagnostic::do_not_recommend]
impl<B, F, T> Replay<B> for MapBody<F>
where
    BufferBody: Replay<B, Body = ReplayBody<B>>,
    F: Fn(ReplayBody<B>) -> T,
{
    type Body = T;
    type Saved = <BufferBody as Replay<B>>::Saved;

    fn pass(&self, body: B) -> T {
        (self.map)(self.buffer.pass(body))
    }

    fn save(&self, body: B) -> (T, Option<Self::Saved>) {
        let (body, saved) = self.buffer.save(body);
        ((self.map)(body), saved)
    }

    fn pause(&self, saved: Self::Saved) -> Option<Self::Saved> {
        self.buffer.pause(saved)
    }

    fn restore(&self, saved: Self::Saved) -> Option<T> {
        self.buffer.restore(saved).map(&self.map)
    }

    fn restore_again(&self, saved: Self::Saved) -> Option<(T, Option<Self::Saved>)> {
        let (body, saved) = self.buffer.restore_again(saved)?;
        Some(((self.map)(body), saved))
    }
}

impl<F> fmt::Debug for MapBody<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapBody")
            .field("buffer", &self.buffer)
            .finish_non_exhaustive()
    }
}
