//! Certificates and keys out of PEM, as a server needs them.
//!
//! OpenSSL reads them, which is part of the addon for librdkafka: so every form is taken that Node's
//! own servers take, encrypted keys of all kinds among them. It takes no part in connections.

use openssl::asn1::Asn1Time;
use openssl::pkey::{PKey, Private};
use openssl::x509::X509;
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;

use super::settings::Settings;
use super::{TlsError, TlsNotice};

/// A PEM text, and the option or variable that it comes from.
pub(super) struct Source {
    pub name: &'static str,
    pub pem: Vec<u8>,
}

/// The certificate and its key, and what is odd about the certificate.
pub(super) fn identity(
    settings: &Settings,
    provider: &CryptoProvider,
) -> Result<(CertifiedKey, Option<TlsNotice>), TlsError> {
    let from = settings.cert.name;
    let bad = |problem| TlsError::Certificate { from, problem };
    let chain = certificates(&settings.cert).map_err(bad)?;
    let own = chain.first().ok_or(bad(NO_CERTIFICATE))?;
    let key = private_key(settings)?;
    let public = own.public_key().map_err(|_| bad(UNREADABLE))?;
    if !public.public_eq(&key) {
        return Err(TlsError::Mismatch { key: settings.key.name, cert: from });
    }
    let notice = notice(own, from);
    let chain = chain.iter().map(der).collect::<Option<Vec<_>>>().ok_or(bad(UNREADABLE))?;
    let unusable = || TlsError::Key {
        from: settings.key.name,
        problem: "the private key is of a kind or size that TLS does not use",
    };
    let key = key.private_key_to_pkcs8().map_err(|_| unusable())?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key));
    let key = provider.key_provider.load_private_key(key).map_err(|_| unusable())?;
    Ok((CertifiedKey::new(chain, key), notice))
}

fn notice(own: &X509, from: &'static str) -> Option<TlsNotice> {
    let now = Asn1Time::days_from_now(0).ok()?;
    if own.not_after() < now {
        Some(TlsNotice::Expired { from })
    } else if own.not_before() > now {
        Some(TlsNotice::NotYetValid { from })
    } else {
        None
    }
}

/// The authorities of clients' certificates.
pub(super) fn authorities(ca: &Source) -> Result<RootCertStore, TlsError> {
    let bad = |problem| TlsError::Authority { from: ca.name, problem };
    let certificates = certificates(ca).map_err(bad)?;
    if certificates.is_empty() {
        return Err(bad(NO_CERTIFICATE));
    }
    let mut roots = RootCertStore::empty();
    for certificate in &certificates {
        let der = der(certificate).ok_or(bad(UNREADABLE))?;
        roots.add(der).map_err(|_| bad("a certificate cannot be an authority"))?;
    }
    Ok(roots)
}

const NO_CERTIFICATE: &str = "no certificate (BEGIN CERTIFICATE) is in it";
const UNREADABLE: &str = "a certificate cannot be read";

fn certificates(source: &Source) -> Result<Vec<X509>, &'static str> {
    X509::stack_from_pem(&source.pem).map_err(|_| UNREADABLE)
}

fn der(certificate: &X509) -> Option<CertificateDer<'static>> {
    certificate.to_der().ok().map(CertificateDer::from)
}

fn private_key(settings: &Settings) -> Result<PKey<Private>, TlsError> {
    let Source { name: from, pem } = &settings.key;
    let passphrase = settings.passphrase.as_deref();
    let mut asked = false;
    // Always with a callback: without one OpenSSL asks whoever sits at the terminal.
    let key = PKey::private_key_from_pem_callback(pem, |buffer| {
        asked = true;
        let given = passphrase.unwrap_or_default().as_bytes();
        // Longer ones than OpenSSL has room for cannot be right.
        let room = buffer.get_mut(..given.len());
        room.map(|room| room.copy_from_slice(given)).ok_or_else(openssl::error::ErrorStack::get)?;
        Ok(given.len())
    });
    key.map_err(|_| match (asked, passphrase) {
        (true, None) => {
            let problem = "the private key is encrypted, and no passphrase is given";
            TlsError::Passphrase { from, problem }
        }
        (true, Some(_)) => {
            let problem = "the passphrase does not open the private key";
            TlsError::Passphrase { from, problem }
        }
        (false, _) if contains(pem, b"PRIVATE KEY-----") => {
            TlsError::Key { from, problem: "the private key cannot be read" }
        }
        (false, _) => {
            TlsError::Key { from, problem: "no private key (BEGIN PRIVATE KEY) is in it" }
        }
    })
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
