//! An audit event as one line of JSON.

use std::net::IpAddr;
use std::time::SystemTime;

use jiff::Timestamp;
use serde::Serialize;

use super::event::AuditEvent;

/// The fields of a line, in their order.
#[derive(Serialize)]
struct Line<'a> {
    time: String,
    event: &'static str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    generation: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_ip: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attempts: Vec<Attempt>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
}

#[derive(Serialize)]
struct Attempt {
    generation: u64,
    result: &'static str,
}

impl AuditEvent {
    /// Returns the event as JSON, in one line without its end. The line is ASCII: everything else
    /// is escaped.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_rotating_auth::audit::AuditEvent;
    ///
    /// /// Prints events for a collector that reads standard output.
    /// fn print(event: &AuditEvent) {
    ///     println!("{}", event.to_json());
    /// }
    /// # let _ = print;
    /// ```
    #[must_use]
    pub fn to_json(&self) -> String {
        let line = Line {
            time: text(self.at),
            event: self.action.as_str(),
            name: &self.name,
            client: self.client.as_deref(),
            key_id: self.key_id.as_deref(),
            replaces: self.replaces.as_deref(),
            reason: self.reason,
            generation: self.generation,
            expires: self.expires_at.map(text),
            request_id: self.request_id.as_deref(),
            peer: self.peer.as_deref(),
            client_ip: self.client_ip,
            method: self.method.as_deref(),
            route: self.route.as_deref(),
            attempts: (self.attempts.iter())
                .map(|attempt| Attempt {
                    generation: attempt.generation,
                    result: attempt.result,
                })
                .collect(),
            field: self.field.as_deref(),
            line: self.line,
            of: self.of.map(super::action::AuditAction::as_str),
            count: self.count,
        };
        // This cannot fail: the keys are strings, and no value has a `Serialize` of its own.
        ascii(&serde_json::to_string(&line).unwrap_or_default())
    }
}

/// Escapes what is not printable ASCII. In JSON, that is only within strings.
fn ascii(json: &str) -> String {
    let mut line = String::with_capacity(json.len());
    for char in json.chars() {
        if matches!(char, ' '..='~') {
            line.push(char);
            continue;
        }
        for unit in char.encode_utf16(&mut [0; 2]) {
            line.push_str(&format!("\\u{unit:04x}"));
        }
    }
    line
}

/// Returns a moment in UTC, to the millisecond.
fn text(at: SystemTime) -> String {
    // Only what lies outside of the years that RFC 3339 can write fails.
    let at = Timestamp::try_from(at).unwrap_or_default();
    format!("{at:.3}")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::super::action::AuditAction;
    use super::*;

    #[test]
    fn text_of_clients_stays_in_its_string() {
        let at = UNIX_EPOCH + Duration::from_millis(1_500);
        let route = "/a\"}\n{\"event\":\"used\"\r\u{1b}[2J\u{85}\u{2028}\u{202e}\u{7f}\u{1f600}";
        let event = AuditEvent {
            route: Some(route.into()),
            ..AuditEvent::new(at, "keys".into(), AuditAction::Refused)
        };
        let line = event.to_json();
        assert!(
            line.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
            "{line}"
        );
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["route"], route);
        assert_eq!(read["event"], "refused");
        assert_eq!(read["time"], "1970-01-01T00:00:01.500Z");
    }
}
