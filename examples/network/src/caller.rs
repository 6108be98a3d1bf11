//! Who is calling: the request headers of the IOTA binding (profile B6.1, B6.4), checked and read.

use crate::http::Request;
use crate::log::{Log, Rule, Step, hex};
use kedge_platform::identity::HardwareId;

/// What the headers say of the device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Caller {
    /// `X-IOTA-MEID`, else `X-IOTA-ESN`, when well-formed.
    pub(crate) hardware: Option<HardwareId>,
    /// `User-Agent`: make, model, version.
    pub(crate) agent: Option<Agent>,
}

/// `User-Agent: <make> <model>/<version>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Agent {
    pub(crate) make_model: String,
    pub(crate) version: String,
}

/// Which headers a request must have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The GET that starts a session, with these allowed reasons.
    Start(&'static [&'static str]),
    /// A POST inside a session.
    Continue,
    /// A GET of a browser session, which is no IOTA session but says who is calling in the same way.
    Browse,
}

const ACCEPTED: [&str; 3] = ["application/iota.mmc-wbxml", "application/iota.mmc-xml", "multipart/related"];
/// What a browser session must take at least.
const PAGES: [&str; 3] = ["text/html", "text/vnd.wap.wml", "application/vnd.wap.connectivity-wbxml"];
const SINGLE: [&str; 6] =
    ["Accept", "User-Agent", "X-IOTA-Version", "X-IOTA-ESN", "X-IOTA-MEID", "X-IOTA-Reason"];

/// Checks the headers of `request` and reads the device's identity.
pub(crate) fn check(request: &Request, kind: Kind, step: Step, log: &mut Log) -> Caller {
    let mut require = |holds: bool, detail: &str| {
        log.require(holds, step, Rule::Header, || detail.to_owned());
    };
    for name in SINGLE {
        let count = request.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).count();
        require(count < 2, &format!("{name} given {count} times"));
    }
    let accept = request.header("Accept").unwrap_or_default();
    let accepts =
        |wanted: &str| accept.split(',').any(|entry| media_type(entry).eq_ignore_ascii_case(wanted));
    let accepted = if kind == Kind::Browse { PAGES } else { ACCEPTED };
    require(
        accepted.iter().all(|t| accepts(t)),
        &format!("Accept does not name the three types: {accept:?}"),
    );
    let version = request.header("X-IOTA-Version");
    require(version == (kind != Kind::Browse).then_some("1"), "X-IOTA-Version is wrong");
    let reason = request.header("X-IOTA-Reason");
    match kind {
        Kind::Start(allowed) => {
            let fits = reason.is_some_and(|r| allowed.contains(&r));
            require(fits, &format!("X-IOTA-Reason {reason:?} is none of {allowed:?}"));
            require(request.body.is_empty(), "a GET with a body");
        }
        Kind::Browse => {
            require(reason.is_none(), "X-IOTA-Reason in a browser session");
            require(request.method == "GET" && request.body.is_empty(), "not a plain GET");
        }
        Kind::Continue => {
            require(reason.is_none(), "X-IOTA-Reason on a POST");
            let length = request.header("Content-Length").and_then(|v| v.parse::<usize>().ok());
            require(length == Some(request.body.len()), "Content-Length is not the length of the body");
        }
    }
    let esn = request.header("X-IOTA-ESN").map(|text| {
        let esn = fixed_hex::<4>(text);
        require(esn.is_some(), &format!("X-IOTA-ESN is not 8 hex digits: {text:?}"));
        esn
    });
    let meid = request.header("X-IOTA-MEID").map(|text| {
        let meid = fixed_hex::<7>(text);
        require(meid.is_some(), &format!("X-IOTA-MEID is not 14 hex digits: {text:?}"));
        meid
    });
    require(esn.is_some() || meid.is_some(), "neither X-IOTA-ESN nor X-IOTA-MEID");
    let (esn, meid) = (esn.flatten(), meid.flatten());
    if let (Some(esn), Some(_)) = (esn, meid) {
        require(esn[0] == 0x80, "the ESN beside an MEID is not a pseudo-ESN (0x80......)");
    }
    let agent = request.header("User-Agent").and_then(read_agent);
    require(agent.is_some(), "User-Agent is not `<make> <model>/<version>`");
    let hardware = meid.map(HardwareId::Meid).or(esn.map(|e| HardwareId::Esn(u32::from_be_bytes(e))));
    Caller { hardware, agent }
}

/// A media type without its parameters, lower case.
pub(crate) fn media_type(value: &str) -> String {
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The identity as it is shown: `ESN 12345678` or `MEID A1000000DEADBE`.
pub(crate) fn name(hardware: HardwareId) -> String {
    match hardware {
        HardwareId::Esn(esn) => format!("ESN {esn:08X}"),
        HardwareId::Meid(meid) => format!("MEID {}", hex(&meid).to_ascii_uppercase()),
    }
}

fn read_agent(text: &str) -> Option<Agent> {
    let (make_model, version) = text.rsplit_once('/')?;
    let words = make_model.contains(' ') && !make_model.starts_with(' ') && !make_model.ends_with(' ');
    (words && !version.is_empty())
        .then(|| Agent { make_model: make_model.to_owned(), version: version.to_owned() })
}

fn fixed_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut out = [0; N];
    for (octet, pair) in out.iter_mut().zip(text.as_bytes().chunks(2)) {
        *octet = u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Step = Step::one_button(1);

    fn good() -> Request {
        let empty = Request {
            method: "GET".to_owned(),
            url: "http://boot.operator.example/".to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        [
            ("Accept", "application/iota.mmc-wbxml, application/iota.mmc-xml, multipart/related"),
            ("User-Agent", "Acme DevKit/1.4.2"),
            ("X-IOTA-Version", "1"),
            ("X-IOTA-ESN", "DEADBEEF"),
            ("X-IOTA-Reason", "user"),
        ]
        .into_iter()
        .fold(empty, |request, (name, value)| with(request, name, value))
    }

    fn with(mut request: Request, name: &str, value: &str) -> Request {
        request.headers.push((name.to_owned(), value.to_owned()));
        request
    }

    fn faults(request: &Request, kind: Kind) -> Vec<String> {
        let mut log = Log::default();
        check(request, kind, STEP, &mut log);
        log.violations.into_iter().map(|v| v.detail).collect()
    }

    const START: Kind = Kind::Start(&["boot", "user"]);

    #[test]
    fn a_conforming_start_is_read() {
        let mut log = Log::default();
        let caller = check(&good(), START, STEP, &mut log);
        assert_eq!(log.violations, []);
        assert_eq!(caller.hardware, Some(HardwareId::Esn(0xDEAD_BEEF)));
        assert_eq!(caller.agent.unwrap().version, "1.4.2");
    }

    #[test]
    fn each_missing_header_is_named() {
        for (index, word) in [(0, "Accept"), (1, "User-Agent"), (2, "Version"), (3, "ESN"), (4, "Reason")] {
            let mut request = good();
            request.headers.remove(index);
            let faults = faults(&request, START);
            assert!(faults.len() == 1 && faults[0].contains(word), "{faults:?}");
        }
    }

    #[test]
    fn each_wrong_header_is_named() {
        for (name, value) in [
            ("Accept", "application/iota.mmc-wbxml"),
            ("User-Agent", "Acme"),
            ("X-IOTA-Version", "2"),
            ("X-IOTA-ESN", "DEADBEE"),
            ("X-IOTA-Reason", "fota"),
        ] {
            let mut request = good();
            request.headers.retain(|(n, _)| n != name);
            assert!(!faults(&with(request, name, value), START).is_empty(), "{name}: {value}");
        }
        assert_eq!(faults(&with(good(), "X-IOTA-Version", "1"), START).len(), 1);
    }

    #[test]
    fn a_post_carries_a_length_and_no_reason() {
        let mut request = good();
        request.body = vec![1, 2];
        assert_eq!(faults(&request, Kind::Continue).len(), 2);
        request.headers.pop();
        assert_eq!(faults(&with(request, "Content-Length", "2"), Kind::Continue), Vec::<String>::new());
    }

    #[test]
    fn an_meid_wins_over_its_pseudo_esn() {
        let mut log = Log::default();
        let mut request = with(good(), "X-IOTA-MEID", "A1000000DEADBE");
        let caller = check(&request, START, STEP, &mut log);
        assert_eq!(caller.hardware, Some(HardwareId::Meid([0xA1, 0, 0, 0, 0xDE, 0xAD, 0xBE])));
        assert_eq!(log.violations.len(), 1, "DEADBEEF is no pseudo-ESN");
        request.headers.retain(|(n, _)| n != "X-IOTA-ESN");
        assert!(faults(&request, START).is_empty());
        assert_eq!(name(caller.hardware.unwrap()), "MEID A1000000DEADBE");
    }
}
