//! Requests to Vault, and what its answers mean.

use std::time::SystemTime;

use http::{HeaderName, HeaderValue, Method, Request, StatusCode};
use serde_json::Value;

use crate::secret::Secret;
use crate::source::error::SourceError;
use crate::source::http::{
    Answer, Endpoint, HttpClient, RequestBody, check_encoding, failure, header_value,
};
use crate::source::json::Json;

const TOKEN: HeaderName = HeaderName::from_static("x-vault-token");
const NAMESPACE: HeaderName = HeaderName::from_static("x-vault-namespace");
/// Vault's own clients send it, so that a server can refuse requests that a web page made.
const REQUEST: HeaderName = HeaderName::from_static("x-vault-request");

/// A server of Vault or OpenBao.
pub(crate) struct Server {
    pub(crate) address: Endpoint,
    pub(crate) namespace: Option<HeaderValue>,
    pub(crate) client: HttpClient,
}

impl Server {
    pub(crate) async fn read(&mut self, path: &str, token: &Secret) -> Result<Answer, SourceError> {
        self.call(Method::GET, path, Some(token), None).await
    }

    pub(crate) async fn write(
        &mut self,
        path: &str,
        token: Option<&Secret>,
        body: Value,
    ) -> Result<Answer, SourceError> {
        self.call(Method::POST, path, token, Some(Json::of(body)))
            .await
    }

    async fn call(
        &mut self,
        method: Method,
        path: &str,
        token: Option<&Secret>,
        body: Option<Json>,
    ) -> Result<Answer, SourceError> {
        let body = body.map_or_else(RequestBody::default, |body| {
            RequestBody::secret(body.to_bytes())
        });
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = self.address.with_path(path)?.uri().clone();
        let headers = request.headers_mut();
        headers.insert(REQUEST, HeaderValue::from_static("true"));
        if let Some(namespace) = &self.namespace {
            headers.insert(NAMESPACE, namespace.clone());
        }
        if let Some(token) = token {
            headers.insert(TOKEN, header_value(b"", token)?);
        }
        self.client.send(request).await
    }

    /// Returns the error of an answer that is no success.
    pub(crate) fn failure(&self, answer: &Answer) -> SourceError {
        let address = &self.address;
        match answer.status {
            StatusCode::FORBIDDEN => SourceError::permanent(format!(
                "{address} denied the request (403); check the policies of the login"
            )),
            StatusCode::SERVICE_UNAVAILABLE if answer.headers.get("retry-after").is_none() => {
                SourceError::transient(format!("{address} is sealed or not ready (503)"))
            }
            // A standby that does not forward.
            status if matches!(status.as_u16(), 472 | 473) => {
                SourceError::transient(format!("{address} is a standby ({})", status.as_u16()))
            }
            _ => failure(address, answer, SystemTime::now()),
        }
    }

    /// Returns the document of an answer that is a success.
    pub(crate) fn document(&self, answer: &Answer) -> Result<Json, SourceError> {
        check_encoding(answer)?;
        Json::parse(&answer.body)
            .ok_or_else(|| SourceError::invalid(format!("{} answered with no JSON", self.address)))
    }
}
