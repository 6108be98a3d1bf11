//! `kedge explain`: what a number means that the device, a log or a server shows. The words are those of the library's own
//! tables, so that the two cannot say different things.

use std::io::Write;

use anyhow::bail;
use clap::Args;
use kedge_protocol::{dlota, fumo, iota, is683, license, scomo, syncml};
use kedge_update_agent::UpdateResult;

use super::{Exit, Surroundings};

#[derive(Args, Clone, Debug)]
pub(super) struct Explain {
    /// A family of codes; without it, the families are listed, or searched for the number
    family: Option<String>,
    /// The number, decimal or with 0x; without it, the whole family is listed
    code: Option<String>,
    /// Every code of every family, as the page `agent/CODES.md`
    #[arg(long, conflicts_with_all = ["family", "code"])]
    all: bool,
}

/// Numbers that mean something together.
struct Family {
    name: &'static str,
    /// What they are, and where they are shown.
    what: &'static str,
    /// The largest number.
    last: u16,
    /// Whether logs and specifications write them in hexadecimal.
    hexadecimal: bool,
    meaning: fn(u16) -> Option<String>,
}

const FAMILIES: &[Family] = &[
    Family {
        name: "update",
        what: "how an update ended: the update agent's own result",
        last: 64,
        hexadecimal: false,
        meaning: |n| UpdateResult::from_code(n, 0).map(|result| result.to_string()),
    },
    Family {
        name: "fumo",
        what: "OMA-DM firmware update: result of an operation",
        last: 599,
        hexadecimal: false,
        meaning: |n| Some(fumo::ResultCode(n).name()?.to_owned()),
    },
    Family {
        name: "fumo-state",
        what: "OMA-DM firmware update: the node State",
        last: 255,
        hexadecimal: false,
        meaning: |n| Some(fumo::State(u8::try_from(n).ok()?).name()?.to_owned()),
    },
    Family {
        name: "scomo",
        what: "OMA-DM software components: result of an operation",
        last: 1999,
        hexadecimal: false,
        meaning: |n| Some(scomo::ResultCode(n).name()?.to_owned()),
    },
    Family {
        name: "syncml",
        what: "OMA-DM: status of a command",
        last: 599,
        hexadecimal: false,
        meaning: |n| Some(syncml::Code(n).name()?.to_owned()),
    },
    Family {
        name: "alert",
        what: "OMA-DM: code of an alert",
        last: 1299,
        hexadecimal: false,
        meaning: |n| Some(syncml::AlertCode(n).name()?.to_owned()),
    },
    Family {
        name: "download",
        what: "OMA Download: status that is reported to the installation URI",
        last: 999,
        hexadecimal: false,
        meaning: |n| Some(dlota::Status(n).name()?.to_owned()),
    },
    Family {
        name: "iota",
        what: "IOTA: result of an MMC command",
        last: 255,
        hexadecimal: false,
        meaning: |n| Some(iota::ResultCode(u8::try_from(n).ok()?).name()?.to_owned()),
    },
    Family {
        name: "session-end",
        what: "IOTA: why a session ended; also what the user is shown",
        last: 255,
        hexadecimal: false,
        meaning: |n| Some(iota::EndReason(u8::try_from(n).ok()?).name()?.to_owned()),
    },
    Family {
        name: "is683",
        what: "IS-683: result code of a message or block",
        last: 255,
        hexadecimal: true,
        meaning: |n| Some(is683::ResultCode(u8::try_from(n).ok()?).name()?.to_owned()),
    },
    Family {
        name: "license",
        what: "licenses: why a document was not accepted, by its step",
        last: 32,
        hexadecimal: false,
        meaning: |n| {
            let code = license::Code::ALL.get(usize::from(n).checked_sub(1)?)?;
            Some(code.to_string())
        },
    },
];

pub(super) fn run(arguments: &Explain, surroundings: &mut Surroundings<'_>) -> anyhow::Result<Exit> {
    match (&arguments.family, &arguments.code) {
        (None, _) if arguments.all => page(surroundings.out),
        (None, _) => list_families(surroundings.out),
        (Some(family), None) => match (find(family), number(family)) {
            (Some(family), _) => list_codes(family, surroundings.out),
            (None, Some(code)) => search(code, surroundings),
            (None, None) => bail!("{family:?} is neither a number nor one of {}", names()),
        },
        (Some(name), Some(code)) => {
            let Some(family) = find(name) else { bail!("{name:?} is not one of {}", names()) };
            let Some(code) = number(code) else { bail!("{code:?} is no number") };
            let Some(meaning) = (family.meaning)(code) else {
                writeln!(surroundings.err, "kedge: {} has no code {code}", family.name)?;
                return Ok(Exit::Failed);
            };
            writeln!(surroundings.out, "{meaning}")?;
            Ok(Exit::Passed)
        }
    }
}

fn find(name: &str) -> Option<&'static Family> {
    FAMILIES.iter().find(|family| family.name == name)
}

fn names() -> String {
    let names: Vec<_> = FAMILIES.iter().map(|family| family.name).collect();
    names.join(", ")
}

/// A number as people write it.
fn number(text: &str) -> Option<u16> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u16::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

fn list_families(out: &mut dyn Write) -> anyhow::Result<Exit> {
    for family in FAMILIES {
        writeln!(out, "{:12} {}", family.name, family.what)?;
    }
    Ok(Exit::Passed)
}

/// Every code, for device makers.
fn page(out: &mut dyn Write) -> anyhow::Result<Exit> {
    writeln!(
        out,
        "# Codes\n\nEvery number that a device, a log or a server shows, by family, in the library's own words."
    )?;
    writeln!(
        out,
        "`kedge explain FAMILY CODE` explains one; this page is `kedge explain --all`, and a test compares it."
    )?;
    for family in FAMILIES {
        writeln!(out, "\n## {}\n\n{}\n\n| code | meaning |\n|---:|---|", family.name, family.what)?;
        for (code, meaning) in codes(family) {
            writeln!(out, "| {code} | {meaning} |")?;
        }
    }
    Ok(Exit::Passed)
}

/// The codes of a family, as it writes them, and what they mean.
fn codes(family: &Family) -> impl Iterator<Item = (String, String)> {
    let known = (0..=family.last).filter_map(|code| Some((code, (family.meaning)(code)?)));
    known.map(|(code, meaning)| {
        (if family.hexadecimal { format!("{code:#04x}") } else { code.to_string() }, meaning)
    })
}

fn list_codes(family: &Family, out: &mut dyn Write) -> anyhow::Result<Exit> {
    writeln!(out, "{}", family.what)?;
    for (code, meaning) in codes(family) {
        writeln!(out, "{code:>6}  {meaning}")?;
    }
    Ok(Exit::Passed)
}

/// What a number means in every family that has it.
fn search(code: u16, surroundings: &mut Surroundings<'_>) -> anyhow::Result<Exit> {
    let mut found = false;
    for family in FAMILIES.iter().filter(|family| code <= family.last) {
        if let Some(meaning) = (family.meaning)(code) {
            writeln!(surroundings.out, "{:12} {meaning}", family.name)?;
            found = true;
        }
    }
    if !found {
        writeln!(surroundings.err, "kedge: no family has a code {code}")?;
        return Ok(Exit::Failed);
    }
    Ok(Exit::Passed)
}
