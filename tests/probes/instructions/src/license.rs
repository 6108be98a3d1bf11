//! The license cache on flash in RAM: the first start, a signed document accepted and installed, the next start, the verdict.
//! The document is the first of the test vectors, which another encoder made.

use crate::board;
use crate::flash::{Ram, SECTOR};
use crate::stack::Mark;
use core::convert::Infallible;
use core::time::Duration;
use kedge_agent::license::{
    Boot, ByCrypto, Config, Configure, LicenseError, Licensing, NorError, NorStore, Now, Ports, Verdict,
    key_id,
};
use kedge_platform::flash::Region;
use kedge_platform::license::DeviceKey;
use kedge_platform_crypto::{SoftCrypto, SoftSha256};
use kedge_protocol::license::accept::{IssuerKey, KeyStore, Policy};
use kedge_protocol::license::limits::MAX_DOCUMENT;
use kedge_protocol::license::{Configuration, KeyId, Level, Op};

/// Documents, one a line: name, expected code, octets in hexadecimal.
const VECTORS: &str = include_str!("../../../vectors/license/documents.txt");
const DOCUMENT: &str = "trial-and-configuration ok ";

/// What the documents are made for.
const NOW: u64 = 1_893_456_000;
const BUILT: u64 = 1_700_000_000;
const UEID: [u8; 15] = [3, 3, 5, 6, 9, 3, 8, 0, 3, 5, 6, 4, 3, 8, 0];
const NONCE: [u8; 16] = [16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31];

/// Public keys of RFC 8032 section 7.1: test 1 issues, test 2 is the device.
const ISSUER: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
const DEVICE: &str = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";

/// Instructions of each part, and the deepest stack.
pub struct License {
    pub boot: u64,
    pub install: u64,
    pub again: u64,
    pub verdict: u64,
    pub stack: usize,
}

type Failed = LicenseError<NorError<Infallible>>;

/// Counts; `None`: something is not as it should be.
pub fn run(flash: Ram) -> Option<License> {
    let mut document = [0; MAX_DOCUMENT];
    let line = VECTORS.lines().find_map(|line| line.strip_prefix(DOCUMENT))?;
    let document = unhex(line, &mut document)?;
    let mark = Mark::set();
    let mut license = live(flash, document).ok()??;
    license.stack = mark.depth();
    Some(license)
}

fn live(flash: Ram, document: &[u8]) -> Result<Option<License>, Failed> {
    let now = Now { uptime: Duration::from_secs(1), rtc: Some(NOW) };
    let (verifier, keys) = (ByCrypto(&SoftCrypto), Issuer);
    let (mut key, mut settings) = (Chip, Settings);
    let mut ports = Ports { keys: &keys, verifier: &verifier, key: Some(&mut key), configure: &mut settings };
    let region = Region::new(0, 4 * SECTOR);
    let mut store = NorStore::<_, SoftSha256>::new(flash, region).map_err(LicenseError::Store)?;
    let mut buffer = [0; MAX_DOCUMENT];

    let start = board::instructions();
    let (mut licensing, first) = Licensing::boot(config(), now, &mut store, &mut ports, &mut buffer)?;
    let boot = board::instructions() - start;

    licensing.request(Op::ACTIVATE, NONCE, now);
    let start = board::instructions();
    licensing.install(document, None, false, now, &mut store, &mut ports)?;
    let install = board::instructions() - start;

    let start = board::instructions();
    let (licensing, second) = Licensing::boot(config(), now, &mut store, &mut ports, &mut buffer)?;
    let again = board::instructions() - start;

    let start = board::instructions();
    let permits = Verdict::permits(&licensing.verdict(now));
    let verdict = board::instructions() - start;
    let good = (first, second) == (Boot::Nothing, Boot::Whole) && permits;
    Ok(good.then_some(License { boot, install, again, verdict, stack: 0 }))
}

fn config() -> Config<'static> {
    Config {
        policy: Policy {
            vendor: "example",
            product: "example-client",
            max_document: MAX_DOCUMENT,
            level: Level::Key,
            build_time: BUILT,
            allow_unsolicited: false,
            allow_eddsa: false,
        },
        ueid: &UEID,
        model: "mps2",
        version: "1",
        capabilities: 0,
        has_clock: true,
    }
}

/// Knows one key.
struct Issuer;

impl KeyStore for Issuer {
    fn find(&self, id: &KeyId) -> Option<IssuerKey<'_>> {
        let key = public(ISSUER);
        let known = key_id(&key, &ByCrypto(&SoftCrypto)) == *id;
        known.then_some(IssuerKey { key, roles: 3, issuer: "prov.example" })
    }
}

/// The device's key. It signs requests only, and none is sent here.
struct Chip;

impl DeviceKey for Chip {
    fn public_key(&self) -> [u8; 32] {
        public(DEVICE)
    }

    fn sign(&self, _: &[&[u8]]) -> [u8; 64] {
        [0; 64]
    }

    fn record_secret(&self) -> [u8; 32] {
        [7; 32]
    }
}

/// Takes every configuration that can be read.
struct Settings;

impl Configure for Settings {
    fn dry_run(&mut self, configuration: &Configuration<'_>) -> bool {
        configuration.check().is_ok()
    }

    fn apply(&mut self, configuration: &Configuration<'_>) -> bool {
        configuration.visit(&mut |_| Ok(())).is_ok()
    }
}

fn public(text: &str) -> [u8; 32] {
    let mut key = [0; 32];
    unhex(text, &mut key);
    key
}

fn unhex<'o>(text: &str, octets: &'o mut [u8]) -> Option<&'o [u8]> {
    let len = text.len() / 2;
    for (octet, at) in octets.iter_mut().zip((0..text.len()).step_by(2)) {
        *octet = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    octets.get(..len)
}
