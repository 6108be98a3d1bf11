//! A roaming list as tables.

use std::fmt::Write;

use kedge_protocol::is683::Nid;
use kedge_protocol::is683::prl::{
    AcqBody, AcqType, AcquisitionRecord, Entry, Prl, PrlFormat, SystemId, SystemRecord,
};

use crate::hex;

/// Header, acquisition table, subnets and system table.
pub(super) fn tables(prl: &Prl<'_>) -> String {
    let header = prl.header();
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{} roaming list {}, {} octets\nsystems that are not listed: {}, indicator {} ({})\n",
        format_name(header.format),
        header.id,
        header.size,
        if header.pref_only { "not used" } else { "used" },
        header.def_roam_ind,
        roaming_indicator(header.def_roam_ind),
    );
    let rows = prl
        .acquisitions()
        .enumerate()
        .map(|(index, record)| [index.to_string(), record.acq_type.to_string(), scanned(&record)]);
    table(&mut text, ["acq", "type", "scans"], rows.collect());
    for (index, subnet) in prl.subnets().enumerate() {
        let _ = writeln!(text, "subnet {index}: {}", hex::encode(subnet));
    }
    let rows = prl.systems().enumerate().map(|(index, record)| {
        let indicator = match record.roam_ind {
            Some(code) => format!("{code} {}", roaming_indicator(code)),
            None => "forbidden".to_owned(),
        };
        let area = if record.same_area { "same" } else { "new" };
        let priority = if record.more_desirable { "> next" } else { "= next" };
        [
            index.to_string(),
            system(&record.id),
            record.acq_index.to_string(),
            area.to_owned(),
            priority.to_owned(),
            indicator,
            association(&record),
        ]
    });
    text.push('\n');
    table(&mut text, ["sys", "system", "acq", "area", "priority", "indicator", "associated"], rows.collect());
    text
}

pub(super) const fn format_name(format: PrlFormat) -> &'static str {
    match format {
        PrlFormat::Classic => "classic",
        PrlFormat::Extended => "extended",
    }
}

/// What an acquisition record scans, in words.
fn scanned(record: &AcquisitionRecord<'_>) -> String {
    match record.body {
        AcqBody::System(a_b) => format!("system {}", super::text::a_b(a_b)),
        AcqBody::Standard(a_b, pri_sec) => {
            format!("system {}, {} channel", super::text::a_b(a_b), super::text::pri_sec(pri_sec))
        }
        AcqBody::Numbers(numbers) => {
            let words: Vec<_> = numbers.iter().map(|n| super::text::number(record.acq_type, n)).collect();
            let what = match record.acq_type {
                AcqType::PCS_BLOCKS => "blocks",
                AcqType::GENERIC_1X | AcqType::GENERIC_HRPD => "band:channel",
                _ => "channels",
            };
            format!("{what} {}", words.join(" "))
        }
        AcqBody::Opaque(octets) => hex::encode(octets),
    }
}

fn system(id: &SystemId<'_>) -> String {
    match id {
        SystemId::Cdma(sid, Nid::ANY) => format!("SID {sid}"),
        SystemId::Cdma(sid, nid) => format!("SID {sid} NID {nid}"),
        SystemId::Hrpd { lsb, .. } if lsb.is_empty() => "HRPD, any subnet".to_owned(),
        SystemId::Hrpd { lsb, common_offset: Some(offset) } => {
            format!("HRPD subnet {lsb} behind common {offset}")
        }
        SystemId::Hrpd { lsb, common_offset: None } => format!("HRPD subnet {lsb}"),
        SystemId::MccMnc { mcc, mnc, entries, .. } => {
            let entries: Vec<_> = entries
                .iter()
                .map(|entry| match entry {
                    Entry::Sid(sid) => format!("SID {sid}"),
                    Entry::SidNid(sid, nid) => format!("SID {sid} NID {nid}"),
                    Entry::Subnet(subnet) => format!("subnet {subnet}"),
                })
                .collect();
            let network = format!("{mcc:03X}/{}", super::text::mnc(*mnc));
            [vec![network], entries].concat().join(", ")
        }
        SystemId::Other(kind, octets) => format!("type {kind}: {}", hex::encode(octets)),
    }
}

fn association(record: &SystemRecord<'_>) -> String {
    let Some(association) = record.association else { return String::new() };
    let kinds = [(association.pn, " PN"), (association.data, " data")];
    let kinds: String = kinds.into_iter().filter(|(set, _)| *set).map(|(_, kind)| kind).collect();
    format!("{}{kinds}", association.tag)
}

/// What the phone shows (C.R1001 table 8.1-1).
const fn roaming_indicator(code: u8) -> &'static str {
    match code {
        0 => "on",
        1 => "off",
        2 => "flashing",
        3 => "out of neighbourhood",
        4 => "out of building",
        5 => "preferred system",
        6 => "available system",
        7 => "alliance partner",
        8 => "premium partner",
        9 => "full service",
        10 => "partial service",
        11 => "banner on",
        12 => "banner off",
        13..=63 => "standard enhanced",
        64..=127 => "non-standard enhanced",
        128.. => "reserved",
    }
}

/// Columns as wide as their longest cell.
fn table<const N: usize>(text: &mut String, head: [&str; N], rows: Vec<[String; N]>) {
    let rows: Vec<_> = [head.map(str::to_owned)].into_iter().chain(rows).collect();
    let widths: [usize; N] =
        core::array::from_fn(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0));
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(line, "{cell:width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
}
