//! One upload that is rejected at one moment, and its expected result.
//!
//! The caller provides only what the server reads before it rejects the key. The rest follows once
//! the replay has begun, or once the caller has the answer.

use std::pin::pin;

use bytes::Bytes;
use http::StatusCode;
use http_body_util::BodyExt;
use tower_rotating_auth::outbound::{NotReplayed, Outcome};

use super::call::{Answer, client, trailers, upload};
use super::server::{After, Arrived, End, Protocol, Reads, Script, Server, WORDS, content};
use crate::support::{Feed, feed};

#[derive(Clone, Debug)]
pub(super) struct Trial {
    /// The lengths of the pieces of the caller's body, in bytes.
    pub(super) pieces: Vec<usize>,
    pub(super) length: Length,
    pub(super) ending: Ending,
    pub(super) moment: Moment,
    pub(super) protocol: Protocol,
    pub(super) after: After,
    /// The limit of the recording, relative to what is sent before the rejection.
    pub(super) room: isize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Length {
    Told,
    Unknown,
}

/// The end of the caller's body.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Ending {
    Nothing,
    Trailers,
    Failure,
}

/// The moment of the rejection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Moment {
    /// After so many pieces. Of the last one, so many bytes are not read.
    Early {
        pieces: usize,
        unread: usize,
    },
    AfterTheLast,
}

#[derive(Debug, PartialEq)]
enum Expected {
    Replayed,
    Rejected,
    /// The caller's body fails, and so does the attempt.
    Failed,
}

impl Trial {
    pub(super) async fn run(&self) {
        let given = self.given();
        let (before, rest) = given.split_at(self.fed());
        let script = Script {
            reads: self.reads(),
            after: self.after,
        };
        let mut server = Server::start(self.protocol, script).await;
        let url = format!("http://{}/", server.address);
        let (feed, body) = feed(self.content_length());
        for piece in before {
            feed.data(piece.clone());
        }
        let client = client(self.protocol);
        let mut answer = pin!(upload(client, &url, self.limit(), body));
        let answer = if self.moment == Moment::AfterTheLast {
            self.finish(feed);
            let answer = answer.await;
            server.reset.notify_one();
            answer
        } else {
            let early = tokio::select! {
                answer = &mut answer => Some(answer),
                () = server.hear(|server| server.began > 0) => None,
            };
            server.reset.notify_one();
            for piece in rest {
                feed.data(piece.clone());
            }
            self.finish(feed);
            match early {
                Some(answer) => answer,
                None => answer.await,
            }
        };
        self.check(answer, &mut server).await;
    }

    fn given(&self) -> Vec<Bytes> {
        let mut rest = content(self.pieces.iter().sum());
        let pieces = self.pieces.iter();
        pieces.map(|length| rest.split_to(*length)).collect()
    }

    /// Returns the declared length. A body that fails never reaches it.
    fn content_length(&self) -> Option<u64> {
        let missing = if self.ending == Ending::Failure {
            10
        } else {
            0
        };
        let length = self.pieces.iter().sum::<usize>() + missing;
        (self.length == Length::Told).then_some(length as u64)
    }

    fn finish(&self, feed: Feed) {
        match self.ending {
            Ending::Nothing => {}
            Ending::Trailers => feed.trailer("checksum", "7"),
            Ending::Failure => feed.fail(),
        }
        drop(feed);
    }

    /// Returns the number of pieces that are provided before the rejection.
    fn fed(&self) -> usize {
        match self.moment {
            Moment::Early { pieces, .. } => pieces,
            Moment::AfterTheLast => self.pieces.len(),
        }
    }

    /// Returns the number of bytes that are sent before the rejection.
    fn sent(&self) -> usize {
        self.pieces[..self.fed()].iter().sum()
    }

    fn reads(&self) -> Reads {
        match self.moment {
            Moment::Early { unread, .. } => Reads::Bytes(self.sent() - unread),
            Moment::AfterTheLast => Reads::All,
        }
    }

    fn limit(&self) -> usize {
        self.sent().saturating_add_signed(self.room)
    }

    fn expected(&self) -> Expected {
        match (self.ending, self.moment) {
            (Ending::Failure, Moment::AfterTheLast) => Expected::Failed,
            _ if self.sent() > self.limit() => Expected::Rejected,
            (Ending::Failure, _) => Expected::Failed,
            _ => Expected::Replayed,
        }
    }

    async fn check(&self, answer: Answer, server: &mut Server) {
        match (self.expected(), answer) {
            (Expected::Replayed, Ok(response)) => {
                assert_eq!(response.status(), StatusCode::OK);
                assert!(
                    response
                        .extensions()
                        .get()
                        .is_some_and(Outcome::is_replayed)
                );
                server
                    .hear(|server| !server.old.is_empty() && !server.new.is_empty())
                    .await;
                let (old, new) = (&server.old[0], &server.new[0]);
                self.check_whole(new);
                assert_eq!(new.framing(), old.framing());
                if self.after == After::Lingers {
                    self.check_abandoned(old);
                }
            }
            (Expected::Rejected, Ok(response)) => {
                assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
                let outcome: &Outcome = response.extensions().get().unwrap();
                assert!(matches!(
                    outcome.not_replayed(),
                    Some(NotReplayed::BodyNotKept)
                ));
                let words = response.into_body().collect().await;
                if (self.protocol, self.after) != (Protocol::Http2, After::Resets) {
                    assert_eq!(words.unwrap().to_bytes(), WORDS);
                }
                server.hear(|server| !server.old.is_empty()).await;
                assert_eq!(server.began, 0);
                if self.after == After::Lingers {
                    match self.ending {
                        Ending::Failure => self.check_beginning(&server.old[0]),
                        _ => self.check_whole(&server.old[0]),
                    }
                }
            }
            (Expected::Failed, Err(_)) => {
                if server.began > 0 {
                    server.hear(|server| !server.new.is_empty()).await;
                    self.check_beginning(&server.new[0]);
                }
            }
            (expected, answer) => panic!("{expected:?}, but {answer:?}"),
        }
        assert!(server.began <= 1);
    }

    fn check_whole(&self, request: &Arrived) {
        assert_eq!(request.end, End::Whole);
        assert!(request.body == self.given().concat());
        let trailers = Some(trailers()).filter(|_| self.ending == Ending::Trailers);
        assert_eq!(request.trailers, trailers);
        if self.content_length() != Some(0) {
            let length = request.headers.get("content-length");
            let length = length.map(|length| length.to_str().unwrap().parse().unwrap());
            assert_eq!(length, self.content_length());
        }
    }

    /// Returns whether the first attempt's stream or connection is abandoned: unless all of it was
    /// sent.
    fn check_abandoned(&self, request: &Arrived) {
        let ended = self.moment == Moment::AfterTheLast
            || self.content_length() == Some(self.sent() as u64);
        if ended {
            self.check_whole(request);
        } else {
            self.check_beginning(request);
        }
    }

    fn check_beginning(&self, request: &Arrived) {
        assert_eq!(request.end, End::BrokenOff);
        assert!(self.given().concat().starts_with(&request.body));
    }
}
