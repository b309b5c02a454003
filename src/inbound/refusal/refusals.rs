//! Responses and events for refused requests.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Extensions, HeaderMap, Response};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

use super::recent_uses::RecentUses;
use super::request_head::RequestHead;
use crate::generation::Generation;
use crate::inbound::auth_error::{AuthError, AuthErrorKind, AuthErrorResponse};
use crate::inbound::connection::{self, TrustedProxies};
use crate::inbound::event::{Event, EventKind};
use crate::inbound::key::{KeyRecord, KeyStatus, Noted};
use crate::inbound::key_set::KeySet;
use crate::rotating::{Events, Rotating};
use crate::telemetry;
use crate::telemetry::{LogDecision, LogLimiter, meter};

/// How long refusals are only counted before the count is reported.
const REPORT_AFTER: Duration = Duration::from_secs(1);

/// The longest text of a client in an event, in characters.
const LONGEST: usize = 200;

/// The header that carries a request's id, as tower-http's `SetRequestIdLayer` sets it.
const X_REQUEST_ID: &str = "x-request-id";

/// The reasons whose counters exist before the first refusal, since alerts watch them.
const WATCHED: [AuthErrorKind; 4] = [
    AuthErrorKind::Revoked,
    AuthErrorKind::Disabled,
    AuthErrorKind::Expired,
    AuthErrorKind::Unknown,
];

/// A function that finds the client's address in the extensions of a request.
pub(crate) type PeerAddr = fn(&Extensions) -> Option<SocketAddr>;

/// Answers refused requests, and reports them.
#[derive(Clone)]
pub(crate) struct Refusals {
    response: Arc<AuthErrorResponse>,
    reports: Arc<Reports>,
    peer_addr: PeerAddr,
    trusted_proxies: Arc<TrustedProxies>,
}

/// The events about refused requests. The last owner reports what was only counted.
struct Reports {
    keys: Rotating<KeySet>,
    name: Arc<str>,
    events: Events<EventKind>,
    log_limiter: LogLimiter<AuthErrorKind>,
    validated: RecentUses,
}

impl Refusals {
    pub(crate) fn new(keys: Rotating<KeySet>) -> Self {
        let events = Events::new(keys.name(), None);
        Self {
            response: Arc::default(),
            reports: Arc::new(Reports::new(keys, events)),
            peer_addr: connection::peer_addr,
            trusted_proxies: Arc::default(),
        }
    }

    pub(crate) fn observer(&mut self, observer: impl FnMut(&Event) + Send + 'static) {
        let keys = self.reports.keys.clone();
        let events = Events::new(keys.name(), Some(Box::new(observer)));
        self.reports = Arc::new(Reports::new(keys, events));
    }

    /// Returns the address of the other end of the connection, if it is known.
    pub(crate) fn peer_addr(&self, extensions: &Extensions) -> Option<SocketAddr> {
        (self.peer_addr)(extensions)
    }

    /// Returns the address of the client, if it is known.
    pub(crate) fn client_ip(&self, request: RequestHead<'_>) -> Option<IpAddr> {
        let peer = self.peer_addr(request.extensions);
        self.trusted_proxies.client_ip(peer, request.headers)
    }

    pub(crate) fn trusted_proxies(&self) -> &TrustedProxies {
        &self.trusted_proxies
    }

    pub(crate) fn set_trusted_proxies(&mut self, proxies: TrustedProxies) {
        self.trusted_proxies = Arc::new(proxies);
    }

    pub(crate) fn set_peer_addr(&mut self, peer_addr: PeerAddr) {
        self.peer_addr = peer_addr;
    }

    pub(crate) fn set_response(&mut self, response: AuthErrorResponse) {
        self.response = Arc::new(response);
    }

    pub(crate) fn response(&self) -> &AuthErrorResponse {
        &self.response
    }

    /// Reports a refused request, and returns the response to it.
    pub(crate) fn refuse(&self, error: &AuthError, request: RequestHead<'_>) -> Response<Bytes> {
        self.report(error, request);
        self.response
            .response(error, request.method, request.version, request.headers)
    }

    /// Counts and reports a refused key.
    pub(crate) fn report(&self, error: &AuthError, request: RequestHead<'_>) {
        self.reports.count(error.kind(), 1);
        match self
            .reports
            .log_limiter
            .decide_at(error.kind(), Instant::now())
        {
            LogDecision::Allow => self.reports.emit(EventKind::Refused {
                reason: error.reason(),
                client: error.client().cloned(),
                key_id: error.key_id().cloned(),
                method: telemetry::method(request.method),
                route: route(request),
                peer: self.peer_addr(request.extensions),
                client_ip: self.client_ip(request),
                request_id: request_id(request.headers),
                generation: self.reports.keys.current().generation(),
            }),
            LogDecision::SuppressFirst => self.reports.report_later(),
            LogDecision::Suppress => {}
        }
    }

    /// Notes the use of a token that a validator has accepted, if the last note is a minute old.
    pub(crate) fn note_validated(&self, record: &KeyRecord, now: SystemTime) -> Noted {
        self.reports.validated.note(record, now)
    }

    /// Reports that a key of this generation was used.
    #[cold]
    pub(crate) fn used(
        &self,
        record: &KeyRecord,
        generation: Generation,
        request: RequestHead<'_>,
    ) {
        self.reports.emit(EventKind::Used {
            client: record.client().clone(),
            key_id: record.id().clone(),
            status: match record.in_grace() {
                true => KeyStatus::InGrace,
                false => KeyStatus::Active,
            },
            expires_at: record.not_after(),
            method: telemetry::method(request.method),
            route: route(request),
            peer: self.peer_addr(request.extensions),
            client_ip: self.client_ip(request),
            request_id: request_id(request.headers),
            generation,
        });
    }
}

impl Reports {
    fn new(keys: Rotating<KeySet>, events: Events<EventKind>) -> Self {
        let reports = Self {
            name: keys.name(),
            keys,
            events,
            log_limiter: LogLimiter::new(),
            validated: RecentUses::default(),
        };
        for kind in WATCHED {
            reports.count(kind, 0);
        }
        reports
    }

    fn count(&self, kind: AuthErrorKind, count: u64) {
        let reason = Some(("reason", kind.as_str()));
        meter::add(meter::REFUSALS, &self.name, reason, count);
    }

    fn emit(&self, kind: EventKind) {
        self.events.emit(kind, self.keys.wall());
    }

    /// Reports the counts after a moment. Outside a runtime, the last owner reports them.
    fn report_later(self: &Arc<Self>) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        // Weak: the observer's thread ends with the layer.
        let reports = Arc::downgrade(self);
        runtime.spawn(async move {
            sleep(REPORT_AFTER).await;
            if let Some(reports) = Weak::upgrade(&reports) {
                reports.report_counts();
            }
        });
    }

    fn report_counts(&self) {
        for (reason, count) in self.log_limiter.take_counts() {
            let reason = reason.as_str();
            self.emit(EventKind::RefusalsNotReported { reason, count });
        }
    }
}

impl Drop for Reports {
    fn drop(&mut self) {
        self.report_counts();
    }
}

/// Returns what was asked for: the template of the router, or else the path, without the query.
fn route(request: RequestHead<'_>) -> Box<str> {
    shortened(request.template.unwrap_or_else(|| request.uri.path()))
}

fn request_id(headers: &HeaderMap) -> Option<Box<str>> {
    let id = headers.get(X_REQUEST_ID)?;
    id.to_str().ok().map(shortened)
}

fn shortened(text: &str) -> Box<str> {
    let end = text.char_indices().nth(LONGEST);
    end.map_or(text, |(end, _)| &text[..end]).into()
}

impl fmt::Debug for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusals").finish_non_exhaustive()
    }
}
