//! Every body, every moment, every end, every limit: what comes of it is known beforehand.
//!
//! The caller has no more to give than what the server reads before it rejects the key. The rest comes when the second
//! attempt has begun, or when the caller has the answer.

use std::pin::pin;

use bytes::Bytes;
use http::StatusCode;
use http_body_util::BodyExt;
use tower_rotating_auth::{NotReplayed, Outcome};

use super::call::{Answer, client, trailers, upload};
use super::server::{After, Arrived, End, Protocol, Reads, Script, Server, WORDS, content};
use crate::support::{Feed, feed};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Empty,
    OneChunk(Length),
    Many(Length),
    WithTrailers,
    Fails(Length),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Length {
    Told,
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Moment {
    BeforeAnyByte,
    Midway,
    AfterTheLast,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Limit {
    Below,
    At,
    Above,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    kind: Kind,
    moment: Moment,
    protocol: Protocol,
    after: After,
    limit: Limit,
}

#[derive(Debug, PartialEq)]
enum Expected {
    Replayed,
    Rejected,
    /// The caller's body fails, and so does the attempt that sends it.
    Failed,
}

/// What the caller gives.
struct Given {
    pieces: Vec<Bytes>,
    length: Option<u64>,
}

impl Kind {
    const ALL: [Self; 8] = [
        Self::Empty,
        Self::OneChunk(Length::Told),
        Self::OneChunk(Length::Unknown),
        Self::Many(Length::Told),
        Self::Many(Length::Unknown),
        Self::WithTrailers,
        Self::Fails(Length::Told),
        Self::Fails(Length::Unknown),
    ];

    fn given(self) -> Given {
        let mut rest = content(6029);
        let lengths: &[usize] = match self {
            Self::Empty => &[],
            Self::OneChunk(_) => &[6029],
            _ => &[3, 4000, 1, 1, 2000, 24],
        };
        let pieces: Vec<_> = lengths
            .iter()
            .map(|length| rest.split_to(*length))
            .collect();
        let sum: usize = lengths.iter().sum();
        let length = match self {
            Self::Empty | Self::OneChunk(Length::Told) | Self::Many(Length::Told) => Some(sum),
            Self::Fails(Length::Told) => Some(sum + 10),
            _ => None,
        };
        let length = length.map(|length| length as u64);
        Given { pieces, length }
    }

    fn finish(self, feed: Feed) {
        match self {
            Self::WithTrailers => feed.trailer("checksum", "7"),
            Self::Fails(_) => feed.fail(),
            _ => {}
        }
        drop(feed);
    }
}

impl Case {
    fn all() -> impl Iterator<Item = Self> {
        let moments = [Moment::BeforeAnyByte, Moment::Midway, Moment::AfterTheLast];
        let ends = [After::Closes, After::Lingers, After::Resets];
        let limits = [Limit::Below, Limit::At, Limit::Above];
        let protocols = [Protocol::Http1, Protocol::Http2];
        Kind::ALL.into_iter().flat_map(move |kind| {
            moments.into_iter().flat_map(move |moment| {
                protocols.into_iter().flat_map(move |protocol| {
                    ends.into_iter().flat_map(move |after| {
                        limits.into_iter().map(move |limit| Self {
                            kind,
                            moment,
                            protocol,
                            after,
                            limit,
                        })
                    })
                })
            })
        })
    }

    async fn run(self) {
        let given = self.kind.given();
        let fed = match self.moment {
            Moment::BeforeAnyByte => 0,
            Moment::Midway => given.pieces.len().div_ceil(2),
            Moment::AfterTheLast => given.pieces.len(),
        };
        let (before, rest) = given.pieces.split_at(fed);
        let sent: usize = before.iter().map(Bytes::len).sum();
        let reads = match (self.moment, self.kind) {
            (Moment::AfterTheLast, _) => Reads::All,
            (_, Kind::OneChunk(_)) => Reads::Bytes(sent / 2),
            _ => Reads::Bytes(sent),
        };
        let limit = match self.limit {
            Limit::Below => sent.saturating_sub(1),
            Limit::At => sent,
            Limit::Above => sent + 1_000_000,
        };
        let expected = match (self.kind, self.moment) {
            (Kind::Fails(_), Moment::AfterTheLast) => Expected::Failed,
            _ if sent > limit => Expected::Rejected,
            (Kind::Fails(_), _) => Expected::Failed,
            _ => Expected::Replayed,
        };

        let after = self.after;
        let mut server = Server::start(self.protocol, Script { reads, after }).await;
        let url = format!("http://{}/", server.address);
        let (feed, body) = feed(given.length);
        for piece in before {
            feed.data(piece.clone());
        }
        let mut answer = pin!(upload(client(self.protocol), &url, limit, body));
        let answer = if self.moment == Moment::AfterTheLast {
            self.kind.finish(feed);
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
            self.kind.finish(feed);
            match early {
                Some(answer) => answer,
                None => answer.await,
            }
        };
        self.check(&expected, answer, &mut server).await;
    }

    async fn check(self, expected: &Expected, answer: Answer, server: &mut Server) {
        match (expected, answer) {
            (Expected::Replayed, Ok(response)) => {
                assert_eq!(response.status(), StatusCode::OK);
                assert!(matches!(
                    response.extensions().get(),
                    Some(Outcome::Replayed { .. })
                ));
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
                assert!(matches!(
                    response.extensions().get(),
                    Some(Outcome::Rejected {
                        why: NotReplayed::BodyNotKept,
                        ..
                    })
                ));
                let words = response.into_body().collect().await;
                if (self.protocol, self.after) != (Protocol::Http2, After::Resets) {
                    assert_eq!(words.unwrap().to_bytes(), WORDS);
                }
                server.hear(|server| !server.old.is_empty()).await;
                assert_eq!(server.began, 0);
                if self.after == After::Lingers {
                    match self.kind {
                        Kind::Fails(_) => self.check_beginning(&server.old[0]),
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

    fn check_whole(self, request: &Arrived) {
        let given = self.kind.given();
        assert_eq!(request.end, End::Whole);
        assert!(request.body == given.pieces.concat());
        let trailers = Some(trailers()).filter(|_| self.kind == Kind::WithTrailers);
        assert_eq!(request.trailers, trailers);
        if self.kind != Kind::Empty {
            let told = request.headers.get("content-length");
            let told = told.map(|length| length.to_str().unwrap().parse().unwrap());
            assert_eq!(told, given.length);
        }
    }

    /// The first attempt's stream or connection is given up, unless all of it was sent.
    fn check_abandoned(self, request: &Arrived) {
        let all = match self.kind {
            Kind::Empty => true,
            Kind::OneChunk(Length::Told) => self.moment != Moment::BeforeAnyByte,
            _ => self.moment == Moment::AfterTheLast,
        };
        if all {
            self.check_whole(request);
        } else {
            self.check_beginning(request);
        }
    }

    fn check_beginning(self, request: &Arrived) {
        assert_eq!(request.end, End::BrokenOff);
        assert!(self.kind.given().pieces.concat().starts_with(&request.body));
    }
}

#[tokio::test]
async fn what_arrives_is_what_the_caller_gave_or_the_caller_is_given_the_rejection() {
    for case in Case::all() {
        println!("{case:?}"); // shown if it fails
        case.run().await;
    }
}
