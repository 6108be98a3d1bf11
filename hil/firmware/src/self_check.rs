//! Does the code that was loaded still decode what it should? One known message per codec.

use kedge_protocol::is683::nam::CdmaAnalogNam;
use kedge_protocol::is683::{Direction, Forward, Message, Packet as Is683};
#[cfg(feature = "v2")]
use kedge_protocol::wap::Loading;
use kedge_protocol::wap::{Coding, Indication, Packet, Push, SCRATCH};
use virt::say;

/// A check: its name, and whether it passed.
struct Check(&'static str, fn() -> bool);

const CHECKS: &[Check] = &[
    Check("push with service indication", service_indication),
    Check("IS-683 number assignment", number_assignment),
    #[cfg(feature = "v2")]
    Check("MMC document in WBXML", mmc_document),
    #[cfg(feature = "v2")]
    Check("service loading in both codings", service_loading),
];

/// Runs every check; whether all passed.
pub fn all() -> bool {
    let mut passed = true;
    for Check(name, check) in CHECKS {
        let good = check();
        say!("check: {name}: {}", if good { "ok" } else { "FAILED" });
        passed &= good;
    }
    passed
}

/// A push as a WAP gateway sends it (WAP-235, WAP-167).
const PUSH: &[u8] = b"\x02\x06\x17\xAE\x96localhost:8080\0\xAF\x80\x8D\xCF\xB4\x80\
    \x02\x05\x6A\x00\x45\xC6\x0C\x03wap.iobox.fi\0\x11\x031@wiral.com\0\x07\x0A\xC3\x07\x19\x99\x06\x25\x15\x23\x15\
    \x10\xC3\x04\x20\x02\x06\x30\x01\x03Want to test a fetch?\0\x01\x01";

fn service_indication() -> bool {
    let mut scratch = [0; SCRATCH];
    let Ok(push) = Packet::new(PUSH).and_then(|packet| Push::parse(&packet)) else { return false };
    let Ok(indication) = Indication::read(Coding::Wbxml, push.body, &mut scratch) else { return false };
    let mut out = [0; PUSH.len()];
    indication.href == Some("http://wap.iobox.fi")
        && indication.text == "Want to test a fetch?"
        && push.emit(&mut out) == Ok(PUSH)
}

/// A Download Request with one CDMA/Analog NAM block (C.S0016): number 5551234567 in MCC 310, home SID 4139.
const DOWNLOAD: &[u8] =
    b"\x01\x01\x00\x11\x23\x64\x0A\xC0\x68\xE3\x6F\x00\xC4\x72\x1D\xC0\x48\x15\xFF\xFF\x80\x00";

fn number_assignment() -> bool {
    let Ok(packet) = Is683::new_checked(Direction::Forward, DOWNLOAD) else { return false };
    let Ok(message) = Message::parse(&packet) else { return false };
    let Ok(Forward::DownloadRequest { blocks, .. }) = Forward::parse(&packet) else { return false };
    let mut out = [0; DOWNLOAD.len()];
    blocks.iter().all(|block| CdmaAnalogNam::parse(block.data, 0).is_ok())
        && message.emit(&mut out) == Ok(DOWNLOAD)
}

/// A server's document that carries an IS-683 message (`exec`), in the project's MMC profile.
#[cfg(feature = "v2")]
fn mmc_document() -> bool {
    use kedge_protocol::iota::mmc::{Document, Element, SCRATCH, Verb};
    const DOCUMENT: &[u8] =
        b"\x03\x01\x6A\x00\xC5\x05\x07\x03A1\0\x08\x031\0\x01\xC9\x0D\x031\0\x0F\x01\x4F\xC3\x01\x06\x01\x01\x01";
    let mut scratch = [0; SCRATCH];
    let Ok(document) = Document::check(Coding::Wbxml, DOCUMENT, &mut scratch) else { return false };
    let first = document.element(0, &mut scratch);
    matches!(first, Ok(Some(Element::Command(command))) if command.verb == Verb::Exec && command.object == Some("is683/msg"))
}

/// A service loading (WAP-168) that starts a session.
#[cfg(feature = "v2")]
fn service_loading() -> bool {
    const LOADING: &[u8] = b"\x02\x06\x6A\x00\x85\x06\x08\x03http://prov.example.com/iota?s=42\0\x01";
    let (mut scratch, mut text, mut again) = ([0; SCRATCH], [0; 256], [0; SCRATCH]);
    let Ok(binary) = Loading::read(Coding::Wbxml, LOADING, &mut scratch) else { return false };
    let Ok(text) = binary.write(Coding::Xml, &mut text) else { return false };
    Loading::read(Coding::Xml, text, &mut again) == Ok(binary)
}
