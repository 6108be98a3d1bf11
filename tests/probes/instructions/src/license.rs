//! A start of a device with a license: from its flash to the verdict.

use crate::board;
use crate::count::{Of, apart, get};
use crate::crypto::Counted;
use crate::flash::Ram;
use crate::stack::Mark;
use core::time::Duration;
use kedge_agent::license::{ByCrypto, Config, Configure, Licensing, NorStore, Now, Ports};
use kedge_platform::flash::Region;
use kedge_platform::license::DeviceKey;
use kedge_platform_crypto::SoftSha256;
use kedge_protocol::license::accept::{IssuerKey, KeyStore, Policy};
use kedge_protocol::license::{Configuration, KeyId, Level, Op};

/// The trial of the specification's section 15, vector V1; its keys are those of RFC 8032 §7.1 and no secrets.
const DOCUMENT: &str = "d2845839a30132044821fe31dfa154a2611078296170706c69636174696f6e2f766e642e6578616d706c65\
    2e70726f766973696f6e696e672b63626f72a058f8ab016c70726f762e6578616d706c650269616363742d30303432036e6578616d706c652d\
    636c69656e74041a70ee4d80061a70dbd8800750c0f14abae824b3a4bfd574a047c8794c08a101a3010120062158203d4017c3e843895a92b7\
    0aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c0a50101112131415161718191a1b1c1d1e1f1901004f03030506090308000305060403\
    08003a00011170a7010102820107031a70dd2a000400050006820104071a001275003a00011171a201a3017061637469766174652e6578616d\
    706c65021901bb03692f76312f656e74727902a10173636c69656e744070726f762e6578616d706c65584020a268f77b4a0c7c1eaededd9bae\
    eb29502af06ce46a495742cd5d0582ccd9292b72f35c961ea5bc208953ad088a37c7a8c20b1abcc5e9277c4da51f88815b0c";
const ISSUER: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
const DEVICE: &str = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
const UEID: &str = "030305060903080003050604030800";
const NONCE: &str = "101112131415161718191a1b1c1d1e1f";
/// 2030-01-01, when the document was issued.
const ISSUED: u64 = 1_893_456_000;
/// Room for the document.
const ROOM: usize = 512;

/// What a start took; instructions of cryptography apart.
pub struct Taken {
    pub boot: u64,
    pub cryptography: u64,
    pub verdict: u64,
    /// The deepest use of the stack, with the cryptography's.
    pub stack: usize,
}

struct Keys([u8; 32]);

impl KeyStore for Keys {
    fn find(&self, _: &KeyId) -> Option<IssuerKey<'_>> {
        Some(IssuerKey { key: self.0, roles: 3, issuer: "prov.example" })
    }
}

struct Key([u8; 32]);

impl DeviceKey for Key {
    fn public_key(&self) -> [u8; 32] {
        self.0
    }

    /// Nothing is signed at a start.
    fn sign(&self, _: &[&[u8]]) -> [u8; 64] {
        [0; 64]
    }

    fn record_secret(&self) -> [u8; 32] {
        [7; 32]
    }
}

struct Settings;

impl Configure for Settings {
    fn dry_run(&mut self, _: &Configuration<'_>) -> bool {
        true
    }

    fn apply(&mut self, _: &Configuration<'_>) -> bool {
        true
    }
}

fn octets<const N: usize>(digits: &str) -> [u8; N] {
    let mut octets = [0; N];
    for (to, pair) in octets.iter_mut().zip(digits.as_bytes().chunks(2)) {
        *to = u8::from_str_radix(core::str::from_utf8(pair).unwrap_or_default(), 16).unwrap_or_default();
    }
    octets
}

/// Installs the license, then starts with it; none if it permits nothing then.
pub fn run() -> Option<Taken> {
    // SAFETY: the only one at this time.
    let mut flash = unsafe { Ram::new() };
    let (keys, mut key, ueid) = (Keys(octets(ISSUER)), Key(octets(DEVICE)), octets::<15>(UEID));
    let config = Config {
        policy: Policy {
            vendor: "example",
            product: "example-client",
            max_document: ROOM,
            level: Level::Key,
            build_time: ISSUED - 1,
            allow_unsolicited: false,
            allow_eddsa: false,
        },
        ueid: &ueid,
        model: "model",
        version: "1",
        capabilities: 1,
        has_clock: true,
    };
    let now = Now { uptime: Duration::ZERO, rtc: Some(ISSUED) };
    let verifier = ByCrypto(&Counted);
    let (mut settings, mut room) = (Settings, [0; ROOM]);
    let mut ports = Ports { keys: &keys, verifier: &verifier, key: Some(&mut key), configure: &mut settings };
    let region = Region::new(0, 4 * 4096);
    let mut store = NorStore::<_, SoftSha256>::new(&mut flash, region).ok()?;
    let (mut licensing, _) = Licensing::boot(config, now, &mut store, &mut ports, &mut room).ok()?;
    let _ = licensing.request(Op::ACTIVATE, octets(NONCE), now);
    let document = octets::<{ DOCUMENT.len() / 2 }>(DOCUMENT);
    let kind = Some("application/vnd.example.provisioning+cbor");
    licensing.install(&document, kind, false, now, &mut store, &mut ports).ok()?;

    let mut store = NorStore::<_, SoftSha256>::new(&mut flash, region).ok()?;
    let mark = Mark::set();
    let (start, before) = (board::instructions(), apart());
    let (licensing, _) = Licensing::boot(config, now, &mut store, &mut ports, &mut room).ok()?;
    let (booted, cryptography) = (board::instructions(), apart() - before);
    let verdict = core::hint::black_box(licensing.verdict(now));
    let taken = Taken {
        boot: booted - start - cryptography,
        cryptography,
        verdict: board::instructions() - booted,
        stack: mark.depth(),
    };
    (verdict.permits() && get(Of::Signature) > 0).then_some(taken)
}
