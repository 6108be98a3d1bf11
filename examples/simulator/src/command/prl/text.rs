//! The readable form of a roaming list, both ways. One record a line, words in any order behind the first:
//!
//! ```text
//! format extended          # or classic; a number sign begins a comment
//! id 7
//! pref-only yes
//! default-roam 0
//! acq cdma A primary       # also: analog, cdma-preferred, jtacs
//! acq pcs-blocks A B any   # also, of channels: cdma-channels, pcs-channels, jtacs-channels, 2ghz-channels
//! acq 1x 0:356 1:600       # band class and channel; also: hrpd
//! acq type 16 00ff         # any other type, as octets
//! subnet 0a0b0c
//! sys sid 4139 nid 7 acq 0 roam 1 geo pri
//! sys sid 99 acq 1 forbidden
//! sys hrpd 80/1 common 0 acq 2 roam 0 tag 3 pn data
//! sys mcc 310 mnc 00 subtype 2 of 200:65535 acq 1 roam 0
//! sys raw 28..             # a record of another type, as octets
//! ```
//! The counts, the size and the check value are no part of it.

use std::fmt::Write;
use std::str::{FromStr, SplitWhitespace};

use anyhow::{Context, anyhow, bail};
use kedge_protocol::is683::prl::{
    AcqBody, AcqType, AcquisitionRecord, Association, BitString, Draft, Entries, Entry, Numbers, Prl,
    PrlFormat, SystemId, SystemRecord,
};
use kedge_protocol::is683::{Nid, PrlId, Sid};

use crate::hex;

/// The types with a word of their own.
const WORDS: [(&str, AcqType); 11] = [
    ("analog", AcqType::CELLULAR_ANALOG),
    ("cdma", AcqType::CELLULAR_CDMA_STANDARD),
    ("cdma-channels", AcqType::CELLULAR_CDMA_CUSTOM),
    ("cdma-preferred", AcqType::CELLULAR_CDMA_PREFERRED),
    ("pcs-blocks", AcqType::PCS_BLOCKS),
    ("pcs-channels", AcqType::PCS_CHANNELS),
    ("jtacs", AcqType::JTACS_STANDARD),
    ("jtacs-channels", AcqType::JTACS_CUSTOM),
    ("2ghz-channels", AcqType::BAND_2_GHZ),
    ("1x", AcqType::GENERIC_1X),
    ("hrpd", AcqType::GENERIC_HRPD),
];

/// Octets of the longest list.
const LONGEST: usize = 65_535;

/// The words for A_B, PRI_SEC and BLOCK; other codes stand as numbers.
const A_B: [(u8, &str); 3] = [(0, "A"), (1, "B"), (3, "any")];
const PRI_SEC: [(u8, &str); 3] = [(1, "primary"), (2, "secondary"), (3, "either")];
const BLOCKS: [(u8, &str); 7] = [(0, "A"), (1, "B"), (2, "C"), (3, "D"), (4, "E"), (5, "F"), (7, "any")];

/// The text of a list.
pub(super) fn write(prl: &Prl<'_>) -> String {
    let header = prl.header();
    let mut text = format!(
        "format {}\nid {}\npref-only {}\ndefault-roam {}\n",
        super::show::format_name(header.format),
        header.id,
        if header.pref_only { "yes" } else { "no" },
        header.def_roam_ind,
    );
    for record in prl.acquisitions() {
        let kind = record.acq_type;
        let word = WORDS.iter().find(|(_, known)| *known == kind).map(|(word, _)| (*word).to_owned());
        let _ = write!(text, "acq {}", word.unwrap_or_else(|| format!("type {}", kind.0)));
        let _ = match record.body {
            AcqBody::System(code) => write!(text, " {}", a_b(code)),
            AcqBody::Standard(code, channel) => write!(text, " {} {}", a_b(code), pri_sec(channel)),
            AcqBody::Numbers(numbers) => {
                numbers.iter().try_for_each(|n| write!(text, " {}", number(kind, n)))
            }
            AcqBody::Opaque(octets) => write!(text, " {}", hex::encode(octets)),
        };
        text.push('\n');
    }
    for subnet in prl.subnets() {
        let _ = writeln!(text, "subnet {}", hex::encode(subnet));
    }
    for record in prl.systems() {
        let _ = write_system(&record, &mut text);
    }
    text
}

fn write_system(record: &SystemRecord<'_>, text: &mut String) -> std::fmt::Result {
    text.push_str("sys");
    match record.id {
        SystemId::Other(_, octets) => return writeln!(text, " raw {}", hex::encode(octets)),
        SystemId::Cdma(sid, Nid::ANY) => write!(text, " sid {sid}")?,
        SystemId::Cdma(sid, nid) => write!(text, " sid {sid} nid {nid}")?,
        SystemId::Hrpd { lsb, common_offset } => {
            write!(text, " hrpd {lsb}")?;
            if let Some(offset) = common_offset {
                write!(text, " common {offset}")?;
            }
        }
        SystemId::MccMnc { subtype, mcc, mnc: code, entries } => {
            write!(text, " mcc {mcc:03X} mnc {} subtype {subtype}", mnc(code))?;
            for entry in entries.iter() {
                match entry {
                    Entry::Sid(sid) => write!(text, " of {sid}")?,
                    Entry::SidNid(sid, nid) => write!(text, " of {sid}:{nid}")?,
                    Entry::Subnet(subnet) => write!(text, " of {subnet}")?,
                }
            }
        }
    }
    write!(text, " acq {}", record.acq_index)?;
    match record.roam_ind {
        Some(code) => write!(text, " roam {code}")?,
        None => text.push_str(" forbidden"),
    }
    for (set, word) in [(record.same_area, " geo"), (record.more_desirable, " pri")] {
        text.push_str(if set { word } else { "" });
    }
    if let Some(Association { tag, pn, data }) = record.association {
        write!(text, " tag {tag}{}{}", if pn { " pn" } else { "" }, if data { " data" } else { "" })?;
    }
    text.push('\n');
    Ok(())
}

/// The list that a text describes, checked.
pub(super) fn read(text: &str) -> anyhow::Result<Vec<u8>> {
    let lines: Vec<_> = text.lines().map(|line| line.split('#').next().unwrap_or_default()).collect();
    let mut room = vec![[0; 512]; lines.len()];
    let mut lists = Lines::default();
    for ((number, line), room) in (1..).zip(&lines).zip(&mut room) {
        lists.take(line, room).with_context(|| format!("line {number}"))?;
    }
    let draft = Draft {
        format: lists.format.context("no line says the format")?,
        id: PrlId(lists.id.context("no line says the id")?),
        pref_only: lists.pref_only.context("no line says pref-only")?,
        def_roam_ind: lists.def_roam_ind.context("no line says default-roam")?,
        acquisitions: &lists.acquisitions,
        subnets: &lists.subnets,
        systems: &lists.systems,
    };
    let mut out = vec![0; LONGEST];
    let list = draft.emit(&mut out)?.to_vec();
    // Indices that point nowhere are only seen in the whole.
    Prl::parse(draft.format, &list)?;
    Ok(list)
}

/// What the lines said so far.
#[derive(Default)]
struct Lines<'r> {
    format: Option<PrlFormat>,
    id: Option<u16>,
    pref_only: Option<bool>,
    def_roam_ind: Option<u8>,
    acquisitions: Vec<AcquisitionRecord<'r>>,
    subnets: Vec<&'r [u8]>,
    systems: Vec<SystemRecord<'r>>,
}

impl<'r> Lines<'r> {
    /// Takes a line; `room` keeps what its record borrows.
    fn take(&mut self, line: &str, room: &'r mut [u8; 512]) -> anyhow::Result<()> {
        let mut words = line.split_whitespace();
        let Some(first) = words.next() else { return Ok(()) };
        let words = &mut words;
        match first {
            "format" => match word(words)? {
                "classic" => once(&mut self.format, PrlFormat::Classic)?,
                "extended" => once(&mut self.format, PrlFormat::Extended)?,
                other => bail!("a list is classic or extended, not {other:?}"),
            },
            "id" => once(&mut self.id, value(words)?)?,
            "pref-only" => match word(words)? {
                "yes" => once(&mut self.pref_only, true)?,
                "no" => once(&mut self.pref_only, false)?,
                other => bail!("yes or no, not {other:?}"),
            },
            "default-roam" => once(&mut self.def_roam_ind, value(words)?)?,
            "acq" => self.acquisitions.push(acquisition(words, room)?),
            "subnet" => self.subnets.push(octets(word(words)?, room)?),
            "sys" => self.systems.push(system(words, room)?),
            other => bail!("unknown word {other:?}"),
        }
        words.next().map_or(Ok(()), |more| Err(anyhow!("unexpected word {more:?}")))
    }
}

fn acquisition<'r>(
    words: &mut SplitWhitespace<'_>,
    room: &'r mut [u8; 512],
) -> anyhow::Result<AcquisitionRecord<'r>> {
    let first = word(words)?;
    if first == "type" {
        let acq_type = AcqType(value(words)?);
        let body = AcqBody::Opaque(words.next().map_or(Ok(&[][..]), |digits| octets(digits, room))?);
        return Ok(AcquisitionRecord { acq_type, body });
    }
    let known = WORDS.iter().find(|(known, _)| *known == first);
    let (_, acq_type) = *known.with_context(|| format!("unknown type {first:?}"))?;
    let body = match acq_type {
        AcqType::CELLULAR_ANALOG | AcqType::CELLULAR_CDMA_PREFERRED => {
            AcqBody::System(code(&A_B, word(words)?)?)
        }
        AcqType::CELLULAR_CDMA_STANDARD | AcqType::JTACS_STANDARD => {
            AcqBody::Standard(code(&A_B, word(words)?)?, code(&PRI_SEC, word(words)?)?)
        }
        _ => {
            let numbers = words.map(|word| match acq_type {
                AcqType::PCS_BLOCKS => code(&BLOCKS, word).map(u16::from),
                AcqType::GENERIC_1X | AcqType::GENERIC_HRPD => {
                    let (band, channel) = word.split_once(':').context("band class and channel, as 0:356")?;
                    let (band, channel): (u16, u16) = (parse(band)?, parse(channel)?);
                    if band > 31 || channel > 2047 {
                        bail!("{word} is no band class and channel")
                    }
                    Ok(band << 11 | channel)
                }
                _ => parse(word),
            });
            let numbers = numbers.collect::<anyhow::Result<Vec<_>>>()?;
            AcqBody::Numbers(Numbers::pack(acq_type, &numbers, room)?)
        }
    };
    Ok(AcquisitionRecord { acq_type, body })
}

fn system<'r>(words: &mut SplitWhitespace<'_>, room: &'r mut [u8; 512]) -> anyhow::Result<SystemRecord<'r>> {
    let (mut sid, mut nid, mut hrpd, mut common, mut mcc, mut network, mut subtype) =
        (None, None, None, None, None, None, None);
    let (mut acq, mut roam, mut tag, mut entries) = (None, None, None, Vec::new());
    let (mut forbidden, mut geo, mut pri, mut pn, mut data) = (false, false, false, false, false);
    let (raw, rest) = room.split_at_mut(64);
    while let Some(name) = words.next() {
        match name {
            "sid" => once(&mut sid, Sid::new(value(words)?).context("a SID has 15 bits")?)?,
            "nid" => once(&mut nid, Nid(value(words)?))?,
            "hrpd" => once(&mut hrpd, word(words)?)?,
            "common" => once(&mut common, value(words)?)?,
            "mcc" => once(&mut mcc, digits(word(words)?)?)?,
            "mnc" => once(&mut network, digits(word(words)?)?)?,
            "subtype" => once(&mut subtype, value(words)?)?,
            "of" => entries.push(word(words)?),
            "acq" => once(&mut acq, value(words)?)?,
            "roam" => once(&mut roam, value(words)?)?,
            "tag" => once(&mut tag, value(words)?)?,
            "forbidden" => forbidden = true,
            "geo" => geo = true,
            "pri" => pri = true,
            "pn" => pn = true,
            "data" => data = true,
            "raw" => {
                let octets = octets(word(words)?, rest)?;
                let id = SystemId::Other(u8::MAX, octets);
                return Ok(SystemRecord {
                    id,
                    preferred: false,
                    same_area: false,
                    more_desirable: false,
                    acq_index: 0,
                    roam_ind: None,
                    association: None,
                });
            }
            other => bail!("unknown word {other:?}"),
        }
    }
    let id = match (sid, hrpd, mcc) {
        (Some(sid), None, None) => SystemId::Cdma(sid, nid.unwrap_or(Nid::ANY)),
        (None, Some(lsb), None) => SystemId::Hrpd { lsb: bit_string(lsb, rest)?, common_offset: common },
        (None, None, Some(mcc)) => {
            let subtype = subtype.unwrap_or(0);
            let mut slots = raw.chunks_mut(4).take(entries.len());
            let entries = entries.iter().map(|text| entry(subtype, text, slots.next().unwrap_or_default()));
            let entries = entries.collect::<anyhow::Result<Vec<_>>>()?;
            SystemId::MccMnc {
                subtype,
                mcc,
                mnc: network.context("no mnc")?,
                entries: Entries::pack(subtype, &entries, rest)?,
            }
        }
        _ => bail!("a system is named by sid, hrpd, mcc or raw"),
    };
    if forbidden == roam.is_some() {
        bail!("a system has a roaming indicator, or is forbidden");
    }
    let association = tag.map(|tag| Association { tag, pn, data });
    if association.is_none() && (pn || data) {
        bail!("pn and data belong to a tag");
    }
    let acq_index = acq.context("no acq")?;
    Ok(SystemRecord {
        id,
        preferred: !forbidden,
        same_area: geo,
        more_desirable: pri,
        acq_index,
        roam_ind: roam,
        association,
    })
}

fn entry<'r>(subtype: u8, text: &str, room: &'r mut [u8]) -> anyhow::Result<Entry<'r>> {
    Ok(match subtype {
        1 => Entry::Sid(parse(text)?),
        2 => {
            let (sid, nid) = text.split_once(':').context("SID and NID, as 200:65535")?;
            Entry::SidNid(parse(sid)?, parse(nid)?)
        }
        3 => Entry::Subnet(bit_string(text, room)?),
        _ => bail!("only the subtypes 1, 2 and 3 list systems"),
    })
}

/// Hexadecimal digits, a slash, and the number of bits.
fn bit_string<'r>(text: &str, room: &'r mut [u8]) -> anyhow::Result<BitString<'r>> {
    let (digits, bits) = text.split_once('/').context("bits, as 80/1")?;
    let octets = if digits.is_empty() { &[][..] } else { octets(digits, room)? };
    BitString::new(octets, parse(bits)?).with_context(|| format!("{text} has fewer bits"))
}

fn octets<'r>(digits: &str, room: &'r mut [u8]) -> anyhow::Result<&'r [u8]> {
    let octets = hex::decode(digits)?;
    let room = room.get_mut(..octets.len()).with_context(|| format!("{digits} is too long"))?;
    room.copy_from_slice(&octets);
    Ok(room)
}

/// Two or three decimal digits in BCD, two of them with F behind.
fn digits(text: &str) -> anyhow::Result<u16> {
    let decimal = text.bytes().all(|digit| digit.is_ascii_digit());
    if !decimal || !(2..=3).contains(&text.len()) {
        bail!("{text} is no code of two or three digits");
    }
    Ok(u16::from_str_radix(&format!("{text:F<3}"), 16)?)
}

/// A network code without the F.
pub(super) fn mnc(code: u16) -> String {
    format!("{code:03X}").trim_end_matches('F').to_owned()
}

pub(super) fn a_b(code: u8) -> String {
    named(&A_B, code)
}

pub(super) fn pri_sec(code: u8) -> String {
    named(&PRI_SEC, code)
}

/// One number of an acquisition record.
pub(super) fn number(acq_type: AcqType, n: u16) -> String {
    match acq_type {
        AcqType::PCS_BLOCKS => named(&BLOCKS, u8::try_from(n).unwrap_or(u8::MAX)),
        AcqType::GENERIC_1X | AcqType::GENERIC_HRPD => format!("{}:{}", n >> 11, n & 0x7FF),
        _ => n.to_string(),
    }
}

fn named(names: &[(u8, &str)], code: u8) -> String {
    let name = names.iter().find(|(known, _)| *known == code);
    name.map_or_else(|| code.to_string(), |(_, name)| (*name).to_owned())
}

fn code(names: &[(u8, &str)], text: &str) -> anyhow::Result<u8> {
    let code = names.iter().find(|(_, name)| *name == text);
    code.map_or_else(|| parse(text), |(code, _)| Ok(*code))
}

fn once<T>(slot: &mut Option<T>, value: T) -> anyhow::Result<()> {
    if slot.replace(value).is_some() {
        bail!("said twice")
    }
    Ok(())
}

fn word<'w>(words: &mut SplitWhitespace<'w>) -> anyhow::Result<&'w str> {
    words.next().context("a word is missing")
}

fn value<T: FromStr<Err = std::num::ParseIntError>>(words: &mut SplitWhitespace<'_>) -> anyhow::Result<T> {
    parse(word(words)?)
}

fn parse<T: FromStr<Err = std::num::ParseIntError>>(text: &str) -> anyhow::Result<T> {
    text.parse().with_context(|| format!("{text:?} is no number that fits"))
}
