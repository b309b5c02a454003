//! The audit event.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use super::action::AuditAction;

/// One event of the audit log. It contains no secret, no digest and no part of either.
///
/// A field is `None` if the event has none: see the [table](crate::audit#events).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditEvent {
    /// The time on the wall clock.
    pub at: SystemTime,
    /// The action.
    pub action: AuditAction,
    /// The name of the key, key set or key ring.
    pub name: Arc<str>,
    /// The client of the key.
    pub client: Option<Box<str>>,
    /// The name of the client's key.
    pub key_id: Option<Box<str>>,
    /// The name of the key that it replaces.
    pub replaces: Option<Box<str>>,
    /// Why, in a word or two.
    pub reason: Option<&'static str>,
    /// The generation of the value.
    pub generation: Option<u64>,
    /// When the key expires.
    pub expires_at: Option<SystemTime>,
    /// The request's `x-request-id`.
    pub request_id: Option<Box<str>>,
    /// The other end of the connection: the address and the port of a client or of a proxy before
    /// it, or the host and the port of an upstream.
    pub peer: Option<Box<str>>,
    /// The client's address, which trusted proxies name.
    pub client_ip: Option<IpAddr>,
    /// The method of the request.
    pub method: Option<Box<str>>,
    /// The router's template, or else the path of the request. For a request to an upstream, the
    /// URL of the route that has the key.
    pub route: Option<Box<str>>,
    /// The attempts at a request to the upstream, in order.
    pub attempts: Vec<AuditAttempt>,
    /// How many, of what the action says.
    pub count: Option<u64>,
    /// The action that [`count`](Self::count) counts, if that is another one.
    pub of: Option<AuditAction>,
    /// The field of a configuration file.
    pub field: Option<Box<str>>,
    /// The line of a configuration file. Starts at 1.
    pub line: Option<u64>,
}

/// An attempt at a request to the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditAttempt {
    /// The generation of the key.
    pub generation: u64,
    /// The verdict of the answer: `rejected`, `not_active`, `not_rejected` or
    /// `not_answered`.
    pub result: &'static str,
}

impl AuditEvent {
    /// Creates an event of a program, for [`AuditLog::record`](crate::audit::AuditLog::record). Its
    /// other fields are `None` until you set them.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::SystemTime;
    /// use tower_rotating_auth::audit::{AuditAction, AuditEvent};
    ///
    /// let action = AuditAction::ConfigurationRejected;
    /// let mut event = AuditEvent::new(SystemTime::now(), "config".into(), action);
    /// event.reason = Some("unknown_field");
    /// event.line = Some(7);
    /// assert!(event.to_json().ends_with(r#""reason":"unknown_field","line":7}"#));
    /// ```
    #[must_use]
    pub const fn new(at: SystemTime, name: Arc<str>, action: AuditAction) -> Self {
        Self {
            at,
            action,
            name,
            client: None,
            key_id: None,
            replaces: None,
            reason: None,
            generation: None,
            expires_at: None,
            request_id: None,
            peer: None,
            client_ip: None,
            method: None,
            route: None,
            attempts: Vec::new(),
            count: None,
            of: None,
            field: None,
            line: None,
        }
    }

    /// Returns an event that stands for `count` others.
    pub(crate) fn not_reported(self, count: u64) -> Self {
        let action = AuditAction::NotReported;
        Self {
            reason: self.reason,
            of: Some(self.action),
            count: Some(count),
            ..Self::new(self.at, self.name, action)
        }
    }
}
