//! The project's own objects of the management tree, from the operator's command to the store of the whole handset, with the power
//! cut in every flash operation.

use kedge::scenario::{Scenario, Setup};
use kedge::world::{Facts, Pair, Prepared, Trouble};
use kedge_network::{DmOrder, DmSay, DmValue, Managed};
use kedge_platform_sim::nor::Cut;
use kedge_platform_sim::ui::PromptKind;
use kedge_tests::pair::small_pair;

const SECTOR: usize = 512;
const SECTOR_OCTETS: u32 = 512;

const BREW_URL: &str = "https://brew.example/apps";
const CHECK_URL: &str = "https://fota.example/check";
/// A roaming list of three records (`is683.md` section 12.5), and the message that brings it whole.
const LIST: [u8; 18] = [0, 0x12, 0, 0, 0x80, 0, 0x40, 1, 0x21, 0, 2, 0x80, 0, 0x50, 0, 0, 0x6E, 0xDB];
/// A document that renames what the user sees of the operator.
const SETTINGS: &str = "<wap-provisioningdoc><characteristic type=\"NAPDEF\"><parm name=\"NAPID\" value=\"n1\"/>\
    <parm name=\"NAME\" value=\"Data\"/><parm name=\"BEARER\" value=\"GSM-GPRS\"/><parm name=\"NAP-ADDRESS\" value=\"ap.example\"/>\
    <parm name=\"NAP-ADDRTYPE\" value=\"APN\"/></characteristic></wap-provisioningdoc>";

fn wants(setup: &mut Setup, commands: Vec<DmSay>) {
    setup.package = None;
    setup.managed = Some(Managed::Commands(commands));
}

fn replace(uri: &str, value: &str) -> DmSay {
    DmSay::new(DmOrder::Replace(DmValue::text(uri, value))).expecting(200)
}

fn get(uri: &str, value: &[u8]) -> DmSay {
    DmSay { value: Some(value.to_vec()), ..DmSay::new(DmOrder::Get(uri.to_owned())).expecting(200) }
}

/// A message of IS-683, and what it is answered.
fn message(forward: &[u8], reverse: &[u8]) -> [DmSay; 2] {
    let order = DmOrder::tunnel("application/x-is683", forward.to_vec());
    [DmSay::new(order).expecting(200), get("./Tunnel/Answer", reverse)]
}

/// The network's own parameter administration: start, list, commit, stop.
fn list_by_tunnel() -> Vec<DmSay> {
    let download = [&[8, 0, 0x16, 1, 0, 0, 0x12][..], &LIST, &[0]].concat();
    let mut says: Vec<DmSay> = Vec::new();
    for (forward, reverse) in [
        (&[0x0A, 0x80][..], &[0x0A, 0, 0][..]),
        (&download, &[8, 0, 0, 0, 0, 0x12]),
        (&[5], &[5, 0]),
        (&[0x0A, 0], &[0x0A, 0, 0]),
    ] {
        says.extend(message(forward, reverse));
    }
    says.push(get("./CDMA/PRL/PrefRoamList", &LIST));
    says.push(get("./CDMA/PRL/PRLID", b"0"));
    says
}

fn done(f: &Facts) -> Result<(), String> {
    let completions = f.management.as_ref().map_or(0, |management| management.completions);
    if completions == 0 { Err("the operator's wish is not done".to_owned()) } else { Ok(()) }
}

fn require(good: bool, what: &str) -> Result<(), String> {
    if good { Ok(()) } else { Err(what.to_owned()) }
}

static FLOWS: [Scenario; 4] = [
    Scenario {
        name: "fota-network/brew-url",
        title: "a setting of the device is set through the tree, together with others",
        set: |s| {
            let all = vec![replace("./BREW/ServerURL", BREW_URL), replace("./FOTA/CheckURL", CHECK_URL)];
            let bad = DmSay::new(DmOrder::Replace(DmValue::text("./FOTA/StatusURL", "ftp:/"))).expecting(400);
            let atomic = DmSay::new(DmOrder::Atomic(all)).expecting(200);
            wants(
                s,
                vec![
                    atomic,
                    get("./BREW/ServerURL", BREW_URL.as_bytes()),
                    bad,
                    get("./FOTA/CheckURL", CHECK_URL.as_bytes()),
                ],
            );
        },
        check: |f| {
            done(f)?;
            require(f.brew_url == BREW_URL, &format!("the BREW URL is {:?}", f.brew_url))
        },
    },
    Scenario {
        name: "fota-network/atomic",
        title: "an atomic of which one command fails changes no setting",
        set: |s| {
            let good =
                DmSay::new(DmOrder::Replace(DmValue::text("./BREW/ServerURL", BREW_URL))).expecting(216);
            let bad = DmSay::new(DmOrder::Replace(DmValue::text("./FOTA/CheckURL", "none"))).expecting(400);
            wants(s, vec![DmSay::new(DmOrder::Atomic(vec![good, bad])).expecting(507)]);
        },
        check: |f| {
            done(f)?;
            require(f.brew_url.is_empty(), &format!("the BREW URL is {:?}", f.brew_url))
        },
    },
    Scenario {
        name: "fota-network/list",
        title: "a roaming list comes by IS-683 inside a management session",
        set: |s| wants(s, list_by_tunnel()),
        check: |f| {
            done(f)?;
            require(f.prl == LIST, &format!("the roaming list is {:02x?}", f.prl))
        },
    },
    Scenario {
        name: "fota-network/settings",
        title: "a provisioning document comes inside a management session, and the user is asked",
        set: |s| {
            let document = DmOrder::tunnel("text/vnd.wap.connectivity-xml", SETTINGS.as_bytes().to_vec());
            let unknown = DmOrder::tunnel("text/plain", b"x".to_vec());
            wants(s, vec![DmSay::new(unknown).expecting(415), DmSay::new(document).expecting(202)]);
        },
        check: |f| {
            done(f)?;
            let asked = f.shown.iter().filter(|shown| shown.kind == PromptKind::ApplySettings).count();
            require(asked >= 1, "the user was not asked")?;
            require(f.settings.len() == 1, &format!("{} settings are kept", f.settings.len()))
        },
    },
];

/// Before, inside and after every operation: the operator's wish is done in the end, and what is kept is as it should be.
#[test]
fn objects_survive_power_cuts_in_every_operation() {
    for scenario in &FLOWS {
        let (old, new) = small_pair();
        let prepared = Prepared::new(scenario, &Pair { old, new }, SECTOR_OCTETS, 1);
        let prepared = prepared.unwrap_or_else(|e| panic!("{}: {e:#}", scenario.name));
        let clean = prepared.play::<8, SECTOR>(&Trouble::default(), &mut ());
        let operations = clean.unwrap_or_else(|e| panic!("{}: {e:#}", scenario.name)).operations;
        let mut cases = 0;
        for at in 0..operations {
            for cut in [Cut::Before, Cut::Torn { seed: at }, Cut::After] {
                let trouble = Trouble { cuts: vec![(at, cut)], ..Trouble::default() };
                let played = prepared.play::<8, SECTOR>(&trouble, &mut ());
                played.unwrap_or_else(|e| panic!("{}: {cut:?} in operation {at}: {e:#}", scenario.name));
                cases += 1;
            }
        }
        kedge_tests::figure!(
            "{}: {cases} power cuts in {operations} flash operations, 0 violations",
            scenario.name
        );
        assert!(cases > 30, "{}: the sweep shrank to {cases} cases", scenario.name);
    }
}
