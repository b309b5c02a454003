//! Names that carry credentials, in headers and in queries.

use std::borrow::Cow;

/// Words that make a name a credential wherever they stand in it.
const WORDS: [&str; 24] = [
    "accesskey",
    "accesstoken",
    "apikey",
    "assertion",
    "auth",
    "authentication",
    "authkey",
    "authorization",
    "authtoken",
    "bearer",
    "clientsecret",
    "cookie",
    "cookie2",
    "credential",
    "credentials",
    "dpop",
    "idtoken",
    "jwt",
    "passwd",
    "password",
    "refreshtoken",
    "secret",
    "secretkey",
    "sessiontoken",
];

/// The purposes of a key, if the word before `key` makes it a credential. `idempotency-key` and
/// `sec-websocket-key` are none.
const KEYS: [&str; 16] = [
    "access",
    "account",
    "admin",
    "api",
    "app",
    "application",
    "auth",
    "client",
    "functions",
    "host",
    "master",
    "private",
    "secret",
    "service",
    "subscription",
    "user",
];

/// The purposes of a token, if it is no credential but a place in a list.
const PLACES: [&str; 6] = [
    "continuation",
    "cursor",
    "next",
    "page",
    "pagination",
    "sync",
];

/// Returns whether a name, such as `X-Api-Key`, `x_api_key` or `apiKey`, carries a credential.
///
/// Servers tell `-`, `_` and `.` apart as little as they tell cases apart, so neither does this.
pub(crate) fn is_credential(name: &str) -> bool {
    let name = match name.contains(|c: char| c.is_ascii_uppercase()) {
        true => Cow::Owned(name.to_ascii_lowercase()),
        false => Cow::Borrowed(name),
    };
    let words = || name.split(|c: char| !c.is_ascii_alphanumeric());
    let mut before = "";
    for word in words() {
        let is_key = word == "key" && KEYS.contains(&before);
        if is_key || WORDS.contains(&word) {
            return true;
        }
        before = word;
    }
    let mut last = words().rev();
    match (last.next(), last.next()) {
        (Some("token"), Some(purpose)) => !PLACES.contains(&purpose),
        (Some("token" | "key"), None) => true,
        (Some("key"), Some("x")) => last.next().is_none(),
        _ => false,
    }
}

/// Returns whether two names are the same to a server that does not tell `-` from `_`.
pub(crate) fn is_twin(one: &str, other: &str) -> bool {
    let plain = |byte: u8| match byte {
        b'_' | b'.' => b'-',
        byte => byte.to_ascii_lowercase(),
    };
    one.len() == other.len() && one.bytes().map(plain).eq(other.bytes().map(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_of_many_products_are_found() {
        for name in [
            "Authorization",
            "X-Authorization",
            "Proxy-Authorization",
            "Cookie",
            "Cookie2",
            "X-API-Key",
            "x_api_key",
            "x.api.key",
            "xi-api-key",
            "X-Key",
            "key",
            "DD-APPLICATION-KEY",
            "Ocp-Apim-Subscription-Key",
            "x-functions-key",
            "Helicone-Auth",
            "X-ZUMO-AUTH",
            "PRIVATE-TOKEN",
            "JOB-TOKEN",
            "X-Vault-Token",
            "X-Amz-Security-Token",
            "CF-Access-Jwt-Assertion",
            "CF-Access-Client-Secret",
            "x-goog-iam-authorization-token",
            "X-Forwarded-Access-Token",
            "X-MS-TOKEN-AAD-ACCESS-TOKEN",
            "X-Amz-Credential",
            "DPoP",
            "apiKey",
            "access_token",
            "client_secret",
            "id_token",
            "token",
        ] {
            assert!(is_credential(name), "{name}");
        }
    }

    #[test]
    fn other_headers_are_no_credentials() {
        for name in [
            "accept",
            "anthropic-beta",
            "content-type",
            "idempotency-key",
            "keep-alive",
            "last-event-id",
            "mcp-session-id",
            "next_page_token",
            "openai-organization",
            "openai-project",
            "page-token",
            "sec-websocket-key",
            "traceparent",
            "user-agent",
            "x-amzn-bedrock-input-token-count",
            "x-goog-api-client",
            "x-ratelimit-remaining-tokens",
            "x-request-id",
            "x-stainless-retry-count",
        ] {
            assert!(!is_credential(name), "{name}");
        }
    }

    #[test]
    fn twins_differ_in_case_and_separators() {
        assert!(is_twin("X-Api-Key", "x_api.key"));
        assert!(!is_twin("x-api-key", "x-api-keys"));
        assert!(!is_twin("x-api-key", "xapikey"));
    }
}
