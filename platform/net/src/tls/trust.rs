//! Whether a server is who it says: its certificate, up to a root that the device holds.

use core::fmt;
use core::time::Duration;

use digest::FixedOutput as _;
use embedded_tls::{
    Aes128GcmSha256, CertificateEntryRef, CertificateRef, CertificateVerifyRef, Sha256, SignatureScheme,
    TlsError, TlsVerifier,
};
use kedge_platform::crypto::Crypto;
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use pki_types::{
    AlgorithmIdentifier, CertificateDer, InvalidSignature, ServerName, SignatureVerificationAlgorithm,
    UnixTime, alg_id,
};
use webpki::{EndEntityCert, Error, KeyUsage, anchor_from_trusted_cert};

/// Octets of the largest certificate of a server; the others in its chain may be of any size.
const CERTIFICATE: usize = 2048;
/// Certificates between the server's and the root.
const BETWEEN: usize = 4;
/// Roots at most.
const ROOTS: usize = 4;
/// What a server signs (RFC 8446 §4.4.3): 64 spaces, this, and the hash of the conversation.
const CONTEXT: &[u8; 34] = b"TLS 1.3, server CertificateVerify\0";
const SPACES: [u8; 64] = [b' '; 64];
const SIGNED: usize = SPACES.len() + CONTEXT.len() + 32;

/// Who vouches for servers: certificates of authorities, as DER. The first four count.
#[derive(Clone, Copy, Debug)]
pub struct Roots(pub &'static [&'static [u8]]);

/// Why a server is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Distrust {
    /// The device does not know the time, so it cannot tell whether a certificate is good.
    NoTime,
    /// A certificate is no longer good.
    Expired,
    /// A certificate is not good yet.
    NotYet,
    /// The certificate is another host's.
    Name,
    /// No root of the device vouches for it.
    Unknown,
    /// A signature is wrong: of a certificate, or of the server, which has not the key of its certificate.
    Signature,
    /// A certificate is signed in a way that is not known here, or for another use.
    Kind,
    /// A certificate cannot be read, or is too large.
    Unreadable,
    /// A root of the device cannot be read.
    Root,
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoTime => "the device does not know the time",
            Self::Expired => "no longer good",
            Self::NotYet => "not good yet",
            Self::Name => "another host's",
            Self::Unknown => "no root vouches for it",
            Self::Signature => "a wrong signature",
            Self::Kind => "signed in a way that is not known, or for another use",
            Self::Unreadable => "unreadable, or too large",
            Self::Root => "a root of the device cannot be read",
        })
    }
}

impl core::error::Error for Distrust {}

/// What a server is judged by.
pub(super) struct Judge<'a, C> {
    pub(super) crypto: &'a C,
    pub(super) roots: &'a Roots,
    /// Seconds since 1970.
    pub(super) now: Option<u64>,
    pub(super) host: &'a str,
}

/// A judgement under way: first of the certificate, then of the server's signature.
pub(super) struct Verifier<'a, C> {
    judge: Judge<'a, C>,
    certificate: ([u8; CERTIFICATE], usize),
    hash: Option<[u8; 32]>,
    distrust: Option<Distrust>,
}

impl<'a, C: Crypto + Sync> Verifier<'a, C> {
    pub(super) const fn new(judge: Judge<'a, C>) -> Self {
        Self { judge, certificate: ([0; CERTIFICATE], 0), hash: None, distrust: None }
    }

    /// Why the server is not trusted, if it was judged and is not.
    pub(super) const fn distrust(&self) -> Option<Distrust> {
        self.distrust
    }

    /// Whether a path leads from the server's certificate to a root.
    fn judge(&mut self, chain: &CertificateRef<'_>) -> Result<(), Distrust> {
        let mut certificates = chain.entries.iter().map(|entry| match entry {
            CertificateEntryRef::X509(der) => Ok(*der),
            CertificateEntryRef::RawPublicKey(_) => Err(Distrust::Kind),
        });
        let own = certificates.next().ok_or(Distrust::Unreadable)??;
        let mut between = [const { None }; BETWEEN];
        for (to, from) in between.iter_mut().zip(certificates) {
            *to = Some(CertificateDer::from(from?));
        }
        // what is not there is the server's own again, which may sign nothing
        let between = between.map(|der| der.unwrap_or(CertificateDer::from(own)));
        let roots: [_; ROOTS] = core::array::from_fn(|at| self.judge.roots.0.get(at).copied());
        let known = roots.iter().flatten().count();
        let roots = roots.map(|root| CertificateDer::from(root.unwrap_or_default()));
        let first = roots.first().filter(|_| known > 0).ok_or(Distrust::Unknown)?;
        let anchor = anchor_from_trusted_cert(first).map_err(|_| Distrust::Root)?;
        let mut anchors: [_; ROOTS] = core::array::from_fn(|_| anchor.clone());
        for (to, from) in anchors.iter_mut().zip(&roots).take(known) {
            *to = anchor_from_trusted_cert(from).map_err(|_| Distrust::Root)?;
        }
        let now = UnixTime::since_unix_epoch(Duration::from_secs(self.judge.now.ok_or(Distrust::NoTime)?));
        let der = CertificateDer::from(own);
        let certificate = EndEntityCert::try_from(&der).map_err(why)?;
        let ed25519 = Ed25519(self.judge.crypto);
        let known: [&dyn SignatureVerificationAlgorithm; 2] = [&P256, &ed25519];
        certificate
            .verify_for_usage(&known, &anchors, &between, now, KeyUsage::server_auth(), None, None)
            .map_err(why)?;
        let name = ServerName::try_from(self.judge.host).map_err(|_| Distrust::Name)?;
        certificate.verify_is_valid_for_subject_name(&name).map_err(why)?;
        let (room, len) = &mut self.certificate;
        if own.len() > room.len() {
            return Err(Distrust::Unreadable);
        }
        for (to, from) in room.iter_mut().zip(own) {
            *to = *from;
        }
        *len = own.len();
        Ok(())
    }

    /// Whether the server has the key of its certificate.
    fn prove(&self, verify: &CertificateVerifyRef<'_>) -> Result<(), Distrust> {
        let hash = self.hash.as_ref().ok_or(Distrust::Signature)?;
        let mut signed = [0; SIGNED];
        for (to, from) in signed.iter_mut().zip(SPACES.iter().chain(CONTEXT).chain(hash)) {
            *to = *from;
        }
        let (room, len) = &self.certificate;
        let der = CertificateDer::from(room.get(..*len).unwrap_or_default());
        let certificate = EndEntityCert::try_from(&der).map_err(why)?;
        let ed25519 = Ed25519(self.judge.crypto);
        let by: &dyn SignatureVerificationAlgorithm = match verify.signature_scheme {
            SignatureScheme::EcdsaSecp256r1Sha256 => &P256,
            SignatureScheme::Ed25519 => &ed25519,
            _ => return Err(Distrust::Kind),
        };
        certificate.verify_signature(by, &signed, verify.signature).map_err(why)
    }

    fn note(&mut self, judged: Result<(), Distrust>) -> Result<(), TlsError> {
        self.distrust = judged.err();
        judged.map_err(|_| TlsError::InvalidCertificate)
    }
}

impl<C: Crypto + Sync> TlsVerifier<Aes128GcmSha256> for Verifier<'_, C> {
    /// The name is the judge's.
    fn set_hostname_verification(&mut self, _: &str) -> Result<(), TlsError> {
        Ok(())
    }

    fn verify_certificate(&mut self, transcript: &Sha256, chain: CertificateRef<'_>) -> Result<(), TlsError> {
        let judged = self.judge(&chain);
        self.hash = Some(transcript.clone().finalize_fixed().into());
        self.note(judged)
    }

    fn verify_signature(&mut self, verify: CertificateVerifyRef<'_>) -> Result<(), TlsError> {
        let judged = self.prove(&verify);
        self.note(judged)
    }
}

#[allow(clippy::needless_pass_by_value, reason = "what `map_err` hands over")]
fn why(error: Error) -> Distrust {
    match error {
        Error::CertExpired { .. } => Distrust::Expired,
        Error::CertNotValidYet { .. } => Distrust::NotYet,
        Error::CertNotValidForName(_) | Error::UnsupportedNameType => Distrust::Name,
        Error::UnknownIssuer | Error::CaUsedAsEndEntity | Error::EndEntityUsedAsCa => Distrust::Unknown,
        Error::InvalidSignatureForPublicKey => Distrust::Signature,
        Error::BadDer
        | Error::BadDerTime
        | Error::MalformedExtensions
        | Error::TrailingData(_)
        | Error::UnsupportedCertVersion => Distrust::Unreadable,
        _ => Distrust::Kind,
    }
}

/// ECDSA with P-256 and SHA-256.
#[derive(Debug)]
struct P256;

impl SignatureVerificationAlgorithm for P256 {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let key = VerifyingKey::from_sec1_bytes(key).map_err(|_| InvalidSignature)?;
        let signature = Signature::from_der(signature).map_err(|_| InvalidSignature)?;
        key.verify(message, &signature).map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P256
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_SHA256
    }
}

/// Ed25519, by the device's own port.
struct Ed25519<'a, C>(&'a C);

impl<C> fmt::Debug for Ed25519<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ed25519")
    }
}

impl<C: Crypto + Sync> SignatureVerificationAlgorithm for Ed25519<'_, C> {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let key = key.try_into().map_err(|_| InvalidSignature)?;
        let signature = signature.try_into().map_err(|_| InvalidSignature)?;
        self.0.verify_ed25519(key, &[message], signature).then_some(()).ok_or(InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ED25519
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ED25519
    }
}
