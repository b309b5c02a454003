//! Certificates of clients, and the authorities that they must come from.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, RootCertStore, SignatureScheme};
use tower_rotating_auth::source::{FileSource, Source as _, SourceError};
use tower_rotating_auth::{Rotating, Secret};

use crate::error::{Error, chain};
use crate::gateway::observe::Observers;

/// Options for certificates of clients.
#[derive(Debug, clap::Args)]
pub(crate) struct ClientCertificateArgs {
    /// Authorities whose certificates clients may show, a PEM file. The gateway watches it.
    ///
    /// A key with a `certificate` in the key file is accepted only from a client that shows that
    /// certificate. Needs --tls-cert.
    #[arg(
        long,
        value_name = "PATH",
        env = "GATEWAY_CLIENT_CA",
        hide_env_values = true
    )]
    client_ca: Option<OsString>,

    /// Whether each client must show a certificate of --client-ca: `optional` or `required`.
    #[arg(
        long,
        value_name = "RULE",
        env = "GATEWAY_CLIENT_CERTIFICATE",
        hide_env_values = true,
        default_value = "optional"
    )]
    client_certificate: Presence,
}

/// The demand for a client's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Optional,
    Required,
}

/// The authorities of clients' certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClientCa {
    path: PathBuf,
    presence: Presence,
}

impl ClientCertificateArgs {
    /// Returns the authorities, if there are any.
    pub(crate) fn decide(self) -> Option<ClientCa> {
        let path = self.client_ca.filter(|path| !path.is_empty())?;
        Some(ClientCa {
            path: path.into(),
            presence: self.client_certificate,
        })
    }
}

impl FromStr for Presence {
    type Err = &'static str;

    fn from_str(rule: &str) -> Result<Self, Self::Err> {
        match rule {
            "optional" => Ok(Self::Optional),
            "required" => Ok(Self::Required),
            _ => Err("must be optional or required"),
        }
    }
}

impl ClientCa {
    /// Reads the file, and follows it. Fails if it holds no usable certificate.
    pub(super) async fn open(
        &self,
        poll: Duration,
        observers: &Observers,
    ) -> Result<Rotating<Authorities>, Error> {
        let presence = self.presence;
        let file = FileSource::new(&self.path)
            .allow_any_content()
            .allow_world_readable();
        Rotating::builder()
            .name("client-ca")
            .poll(poll)
            .observer(observers.values())
            .start(file.try_map(move |text| Authorities::parse(&text, presence)))
            .await
            .map_err(|error| {
                let path = self.path.display();
                Error::start(format!("cannot use --client-ca {path}: {}", chain(&error)))
            })
    }
}

/// A verifier of the certificates that some authorities have issued.
#[derive(Debug)]
pub(super) struct Authorities {
    certificates: Vec<CertificateDer<'static>>,
    verifier: Arc<dyn ClientCertVerifier>,
}

impl PartialEq for Authorities {
    fn eq(&self, other: &Self) -> bool {
        self.certificates == other.certificates
    }
}

impl Authorities {
    fn parse(text: &Secret, presence: Presence) -> Result<Self, SourceError> {
        let invalid = |what: &'static str| SourceError::invalid(what);
        let certificates = CertificateDer::pem_slice_iter(text.expose_secret())
            .collect::<Result<Vec<_>, _>>()
            .ok()
            .filter(|certificates| !certificates.is_empty())
            .ok_or_else(|| invalid("found no certificate in PEM format"))?;
        let mut roots = RootCertStore::empty();
        for certificate in &certificates {
            roots
                .add(certificate.clone())
                .map_err(|_| invalid("a certificate is not usable"))?;
        }
        let provider = ring::default_provider().into();
        let builder = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
        let builder = match presence {
            Presence::Optional => builder.allow_unauthenticated(),
            Presence::Required => builder,
        };
        let verifier = builder
            .build()
            .map_err(|_| invalid("the certificates are not usable"))?;
        Ok(Self {
            certificates,
            verifier,
        })
    }

    /// Returns whether they have issued a certificate, and it is valid at `now`.
    pub(super) fn admit(&self, chain: &[CertificateDer<'_>], now: UnixTime) -> bool {
        chain.split_first().is_some_and(|(certificate, others)| {
            let verified = self.verifier.verify_client_cert(certificate, others, now);
            verified.is_ok()
        })
    }
}

/// Verifies by the authorities that are current when a client shows its certificate.
pub(super) struct Current(pub(super) Rotating<Authorities>);

impl Current {
    fn verifier(&self) -> Arc<dyn ClientCertVerifier> {
        Arc::clone(&self.0.current().verifier)
    }
}

impl ClientCertVerifier for Current {
    fn offer_client_auth(&self) -> bool {
        true
    }

    fn client_auth_mandatory(&self) -> bool {
        self.verifier().client_auth_mandatory()
    }

    /// Names none, so that clients show whichever certificate they have.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.verifier()
            .verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier()
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier()
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier().supported_verify_schemes()
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Current(..)")
    }
}
