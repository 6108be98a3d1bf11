//! tshark as a second reader of IS-683: captures of many messages, its reading of them, and ours in the same terms.
mod ours;

use crate::capture::{Dissector, exported};
use kedge_protocol::is683::Direction;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};

pub use ours::ours;

/// What a reader found in a message: the values of each kind of field, in the order of the message.
pub type Reading = BTreeMap<&'static str, Vec<String>>;

/// tshark's reading of one message.
#[derive(Debug)]
pub struct Theirs {
    /// Its fields.
    pub reading: Reading,
    /// Whether it calls the message too short or malformed.
    pub short: bool,
    /// Whether it calls the length wrong, or found octets left over.
    pub odd: bool,
}

/// Field names of tshark, and the kind of field they are for us; several names may be one kind.
const FIELDS: [(&str, &str); 97] = [
    ("ansi_683.for_msg_type", "type"),
    ("ansi_683.rev_msg_type", "type"),
    ("ansi_683.param_block_nam", "blocks"),
    ("ansi_683.param_block_val", "blocks"),
    ("ansi_683.param_block_sspr", "blocks"),
    ("ansi_683.param_block_puzl", "blocks"),
    ("ansi_683.param_block_3gpd", "blocks"),
    ("ansi_683.param_block_mmd", "blocks"),
    ("ansi_683.param_block_systag", "blocks"),
    ("ansi_683.param_block_mms", "blocks"),
    ("ansi_683.len", "lengths"),
    ("ansi_683.result_code", "results"),
    ("ansi_683.key_exchange_result_code", "results"),
    ("ansi_683.data_commit_result_code", "results"),
    ("ansi_683.sspr_configuration_result_code", "results"),
    ("ansi_683.sspr_download_result_code", "results"),
    ("ansi_683.puzl_configuration_result_code", "results"),
    ("ansi_683.secure_mode_result_code", "results"),
    ("ansi_683.system_tag_result_code", "results"),
    ("ansi_683.system_tag_download_result_code", "results"),
    ("ansi_683.service_key_generation_result_code", "results"),
    ("ansi_683.firstchp", "firstchp"),
    ("ansi_683.home_sid", "home_sid"),
    ("ansi_683.mob_p_rev", "mob_p_rev"),
    ("ansi_683.mcc_m", "mcc_m"),
    ("ansi_683.mcc_t", "mcc_t"),
    ("ansi_683.imsi_t_11_12", "imsi_t_11_12"),
    ("ansi_683.ismi_m_addr_num", "addr_num"),
    ("ansi_683.accolc", "accolc"),
    ("ansi_683.local_control_status", "local_control"),
    ("ansi_683.mob_term_home", "mob_term_home"),
    ("ansi_683.mob_term_for_sid", "mob_term_for_sid"),
    ("ansi_683.mob_term_for_nid", "mob_term_for_nid"),
    ("ansi_683.max_sid_nid", "max_sid_nid"),
    ("ansi_683.num_sid_nid", "pairs"),
    ("ansi_683.stored_sid_nid", "pairs"),
    ("ansi_683.mobile_directory_number", "mdn"),
    ("ansi_683.segment_offset", "segment_offset"),
    ("ansi_683.maximum_segment_size", "segment_size"),
    ("ansi_683.segment_size", "segment_size"),
    ("ansi_683.feature_id", "features"),
    ("ansi_683.feature_protocol_version", "feature_revs"),
    ("ansi_683.cap_info_record_type", "records"),
    ("ansi_683.number_of_parameter_blocks", "num_blocks"),
    ("ansi_683.block_data", "block_data"),
    ("ansi_683.fresh_incl", "fresh_incl"),
    ("ansi_683.fresh", "fresh"),
    ("ansi_683.extended_address_indicator", "ex"),
    ("ansi_683.station_class_mark", "scm"),
    ("ansi_683.imsi_m_class", "imsi_m_class"),
    ("ansi_683.imsi_m_addr_num", "addr_num_cdma"),
    ("ansi_683.imsi_m_11_12", "imsi_m_11_12"),
    ("ansi_683.imsi_m_10", "imsi_m_s"),
    ("ansi_683.imsi_t_class", "imsi_t_class"),
    ("ansi_683.imsi_t_addr_num", "imsi_t_addr_num"),
    ("ansi_683.imsi_t_10", "imsi_t_s"),
    ("ansi_683.n_digits", "n_digits"),
    ("ansi_683.slotted_mode", "slotted_mode"),
    ("ansi_683.otapa_spasm_validation_signature_indicator", "spasm_signed"),
    ("ansi_683.spasm_protection_for_the_active_nam", "nam_lock"),
    ("ansi_683.otapa_spasm_validation_signature", "auth_otapa"),
    ("ansi_683.service_programming_code", "spc"),
    ("ansi_683.a_key_protocol_revision", "a_key_p_rev"),
    ("ansi_683.parameter_p", "param_p"),
    ("ansi_683.parameter_g", "param_g"),
    ("ansi_683.base_station_calculation_result", "bs_result"),
    ("ansi_683.mobile_station_calculation_result", "ms_result"),
    ("ansi_683.random_challenge_value", "rand"),
    ("ansi_683.authr", "authr"),
    ("ansi_683.randc", "randc"),
    ("ansi_683.call_history_parameter", "count"),
    ("ansi_683.authentication_data_input_parameter", "auth_data"),
    ("ansi_683.otasp_protocol_revision", "otasp_p_rev"),
    ("ansi_683.otasp_mobile_protocol_revision", "otasp_mob_p_rev"),
    ("ansi_683.number_of_capability_records", "num_records"),
    ("ansi_683.capability_data", "capability_data"),
    ("ansi_683.mobile_station_fw_rev", "firmware_rev"),
    ("ansi_683.mobile_station_manuf_model_number", "model"),
    ("ansi_683.num_features", "num_features"),
    ("ansi_683.band_class_0_analog", "bc0_analog"),
    ("ansi_683.band_class_0_cdma", "bc0"),
    ("ansi_683.band_class_1_cdma", "bc1"),
    ("ansi_683.band_class_3_cdma", "bc3"),
    ("ansi_683.band_class_6_cdma", "bc6"),
    ("ansi_683.more_additional_fields", "additional"),
    ("ansi_683.otapa_session", "start"),
    ("ansi_683.secure_mode", "start"),
    ("ansi_683.security", "security"),
    ("ansi_683.random_number_smck_generation", "rand_sm"),
    ("ansi_683.key_id.ims_root_key", "key_ims"),
    ("ansi_683.key_id.bcmcs_root_key", "key_bcmcs"),
    ("ansi_683.key_id.wlan_root_key", "key_wlan"),
    ("ansi_683.nam_lock_indicator", "nam_lock"),
    ("ansi_683.spasm_random_challenge", "rand_otapa"),
    ("ansi_683.identifiers.present", "zone_present"),
    ("ansi_683.user_zone_id", "zone_id"),
    ("ansi_683.user_zone_sid", "zone_sid"),
];

/// Marks of trouble: the first two mean "too short", the others "wrong length".
const TROUBLE: [&str; 4] =
    ["_ws.malformed", "ansi_683.short_data", "ansi_683.data_length.invalid", "ansi_683.extraneous_data"];

/// Lets tshark read `messages`; `None` and a printed reason if it is not installed.
///
/// # Panics
/// If the capture cannot be written, or tshark fails on it.
pub fn tshark(direction: Direction, messages: &[Vec<u8>]) -> Option<Vec<Theirs>> {
    if Command::new("tshark").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        println!("SKIPPED: tshark is not on the path");
        return None;
    }
    let path = capture_path(direction);
    let table = Dissector::Table("ansi_map.ota", u32::from(direction == Direction::Reverse));
    let capture = exported(table, messages.iter().map(Vec::as_slice));
    std::fs::write(&path, capture).expect("the capture can be written");
    let mut command = Command::new("tshark");
    command.arg("-r").arg(&path).args(["-T", "fields", "-E", "separator=;", "-E", "aggregator=,"]);
    for name in FIELDS.iter().map(|(name, _)| name).chain(&TROUBLE) {
        command.args(["-e", name]);
    }
    let output = command.output().expect("tshark runs");
    let _ = std::fs::remove_file(&path);
    assert!(output.status.success(), "tshark: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("tshark prints text");
    let rows: Vec<_> = text.lines().map(read_row).collect();
    assert_eq!(rows.len(), messages.len(), "one line per message");
    Some(rows)
}

/// A path of this process and direction; tests of one process use each direction from one thread at a time.
fn capture_path(direction: Direction) -> PathBuf {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("kedge-is683-{}-{n}-{direction:?}.pcap", std::process::id()))
}

fn read_row(row: &str) -> Theirs {
    let mut columns = row.split(';');
    let mut reading = Reading::new();
    for (_, kind) in FIELDS {
        let values = columns.next().unwrap_or_default();
        if !values.is_empty() {
            reading.entry(kind).or_default().extend(values.split(',').map(str::to_owned));
        }
    }
    put_right(&mut reading);
    let trouble: Vec<bool> = TROUBLE.iter().map(|_| columns.next().is_some_and(|v| !v.is_empty())).collect();
    Theirs { reading, short: trouble[0] || trouble[1], odd: trouble[2] || trouble[3] }
}

/// What tshark shows otherwise than as a number, or wrong in a way that is known and can be undone.
fn put_right(reading: &mut Reading) {
    // Hexadecimal numbers.
    for kind in ["auth_otapa", "rand_sm", "rand_otapa", "imsi_m_11_12"] {
        for value in reading.get_mut(kind).into_iter().flatten() {
            if let Some(number) = value.strip_prefix("0x").and_then(|hex| u64::from_str_radix(hex, 16).ok()) {
                *value = number.to_string();
            }
        }
    }
    // The digits of each octet are the other way round.
    for spc in reading.get_mut("spc").into_iter().flatten() {
        let digits: Vec<char> = spc.chars().collect();
        *spc = digits.chunks(2).flat_map(|pair| pair.iter().rev()).collect();
    }
    // Ten digits are shown as the five octets in which their 34 bits lie: from the first bit on in the CDMA/Analog NAM, from the
    // sixth on elsewhere.
    let nam: Vec<bool> =
        reading.get("blocks").into_iter().flatten().filter_map(|id| subscriber(id)).collect();
    for (value, analog) in reading.get_mut("imsi_m_s").into_iter().flatten().zip(&nam) {
        *value = ten_digits(value, *analog);
    }
    for value in reading.get_mut("imsi_t_s").into_iter().flatten() {
        *value = ten_digits(value, false);
    }
    // In the CDMA NAM it reads the 11th and 12th digit from another octet.
    if let Some(values) = reading.remove("imsi_m_11_12") {
        let right: Vec<String> =
            values.into_iter().zip(&nam).filter(|(_, analog)| **analog).map(|(v, _)| v).collect();
        if !right.is_empty() {
            reading.insert("imsi_m_11_12", right);
        }
    }
}

/// Whether a NAM block that has an IMSI_M is the CDMA/Analog NAM; `None` for other blocks.
fn subscriber(id: &str) -> Option<bool> {
    match id {
        "0" => Some(true),
        "2" => Some(false),
        _ => None,
    }
}

fn ten_digits(octets: &str, from_the_first: bool) -> String {
    let number = u64::from_str_radix(octets, 16).unwrap_or_default();
    let shift = if from_the_first { 6 } else { 1 };
    (number >> shift & 0x3_FFFF_FFFF).to_string()
}
