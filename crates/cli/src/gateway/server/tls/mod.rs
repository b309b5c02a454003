//! TLS with a certificate and a key in two files that something else renews.

mod acceptor;
mod client_ca;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::ResolvesClientCert;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{
    ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier,
};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, SignatureScheme};
use tower_rotating_auth::{
    Rotating, Secret,
    rotating::StartError,
    source::{FileSource, Source as _, SourceError},
};

pub(crate) use self::acceptor::Acceptor;
pub(crate) use self::client_ca::ClientCertificateArgs;
use self::client_ca::{Authorities, ClientCa, Current};
use crate::error::{Error, chain};
use crate::gateway::health::{Source, source};
use crate::gateway::observe::Observers;
use crate::hangups::{Refresh, refresh};

/// Two files do not change at once. While they do not match, the first and the longest pause before
/// they are read again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// The paths of the certificate chain and its private key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Files {
    certificate: PathBuf,
    key: PathBuf,
    clients: Option<ClientCa>,
}

impl Files {
    /// Checks that either both paths are given or neither. `options` says how to give them.
    pub(crate) fn decide(
        certificate: Option<OsString>,
        key: Option<OsString>,
        options: &str,
    ) -> Result<Option<Self>, Error> {
        let [certificate, key] =
            [certificate, key].map(|path| path.filter(|path| !path.is_empty()).map(PathBuf::from));
        match (certificate, key) {
            (Some(certificate), Some(key)) => Ok(Some(Self {
                certificate,
                key,
                clients: None,
            })),
            (None, None) => Ok(None),
            _ => Err(Error::usage(format!(
                "TLS needs two files; pass both {options}, or neither"
            ))),
        }
    }

    /// Asks clients for certificates of these authorities, if there are any.
    pub(crate) fn with_clients(
        tls: Option<Self>,
        clients: Option<ClientCa>,
    ) -> Result<Option<Self>, Error> {
        match (tls, clients) {
            (None, Some(_)) => Err(Error::usage(
                "--client-ca (GATEWAY_CLIENT_CA) needs TLS; pass --tls-cert and --tls-key",
            )),
            (tls, clients) => Ok(tls.map(|files| Self { clients, ..files })),
        }
    }
}

/// A certificate chain and its private key.
#[derive(Debug)]
struct Pair(Arc<CertifiedKey>);

/// Compares certificates alone, since each has exactly one key.
impl PartialEq for Pair {
    fn eq(&self, other: &Self) -> bool {
        self.0.cert == other.0.cert
    }
}

impl Pair {
    /// Parses and checks a pair. Errors contain nothing of the files' content.
    fn parse(certificates: &Secret, key: &Secret) -> Result<Self, SourceError> {
        let invalid = |what: &'static str| SourceError::invalid(what);
        let certificates = CertificateDer::pem_slice_iter(certificates.expose_secret())
            .collect::<Result<Vec<_>, _>>()
            .ok()
            .filter(|certificates| !certificates.is_empty())
            .ok_or_else(|| invalid("found no certificate in PEM format"))?;
        let key = PrivateKeyDer::from_pem_slice(key.expose_secret())
            .map_err(|_| invalid("found no private key in PEM format"))?;
        CertifiedKey::from_der(certificates, key, &ring::default_provider())
            .map(|pair| Self(Arc::new(pair)))
            .map_err(|error| match error {
                rustls::Error::InconsistentKeys(_) => {
                    invalid("the certificate belongs to another key")
                }
                _ => invalid("the certificate or its key is not usable"),
            })
    }
}

/// The current pair: the last two files that matched.
pub(crate) struct Tls {
    pair: Rotating<Pair>,
    key: Rotating<Secret>,
    clients: Option<Rotating<Authorities>>,
}

impl Tls {
    /// Reads both files. Fails unless they match. `name` is what events call them.
    pub(crate) async fn open(
        files: &Files,
        name: &str,
        poll: Duration,
        observers: &Observers,
    ) -> Result<Self, Error> {
        let named = |part: &str| {
            let builder = Rotating::builder().name(format!("{name}-{part}"));
            builder.poll(poll).observer(observers.values())
        };
        let key = named("key")
            .start(FileSource::new(&files.key))
            .await
            .map_err(|error| unusable(files, &error))?;
        let beside = key.clone();
        let pairs = FileSource::new(&files.certificate)
            .allow_world_readable()
            .try_map(move |certificates| Pair::parse(&certificates, &beside.current()));
        let pair = named("certificate")
            .backoff(PAUSES.0, PAUSES.1)
            .start(pairs)
            .await
            .map_err(|error| unusable(files, &error))?;
        let clients = match &files.clients {
            Some(clients) => Some(clients.open(poll, observers).await?),
            None => None,
        };
        Ok(Self { pair, key, clients })
    }

    pub(crate) fn acceptor(&self) -> Result<Acceptor, Error> {
        let provider = ring::default_provider().into();
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::start(format!("cannot set up TLS: {error}")))?
            .with_client_cert_verifier(match &self.clients {
                Some(clients) => Arc::new(Current(clients.clone())),
                None => WebPkiClientVerifier::no_client_auth(),
            })
            .with_cert_resolver(Arc::new(Newest(self.pair.clone())));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        if self.clients.is_some() {
            // A resumed session has no handshake that verifies the certificate: it would be served
            // until its connection is checked again.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        Ok(Acceptor::new(config, self.clients.clone()))
    }

    /// Returns what presents the current pair to a server that asks for one.
    pub(crate) fn client_certificate(&self) -> Arc<dyn ResolvesClientCert> {
        Arc::new(Newest(self.pair.clone()))
    }

    pub(crate) fn sources(&self) -> impl Iterator<Item = Source> {
        let pair = [source(&self.pair), source(&self.key)];
        pair.into_iter().chain(self.clients.as_ref().map(source))
    }

    pub(crate) fn refresh(&self) -> impl Iterator<Item = Refresh> {
        let pair = [refresh(&self.key), refresh(&self.pair)];
        pair.into_iter().chain(self.clients.as_ref().map(refresh))
    }
}

/// Resolves to the pair that is current when a connection starts.
#[derive(Debug)]
struct Newest(Rotating<Pair>);

impl ResolvesServerCert for Newest {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.current().0))
    }
}

impl ResolvesClientCert for Newest {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.current().0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

fn unusable(files: &Files, error: &StartError) -> Error {
    let (certificate, key) = (files.certificate.display(), files.key.display());
    Error::start(format!(
        "cannot use TLS with {certificate} and {key}: {}",
        chain(error)
    ))
}
