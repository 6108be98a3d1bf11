//! tshark as a second reader of IS-683: captures of many messages, its reading of them, and ours in the same terms.
use kedge_protocol::is683::nam::{
    Access, CdmaAnalogNam, CdmaAnalogNamConfiguration, CdmaNam, CdmaNamConfiguration, Imsi, ImsiClass, ImsiT,
};
use kedge_protocol::is683::{
    Block, Direction, Family, Forward, Mdn, Message, Packet, ResultCode, Reverse, SegmentResult, SsprRequest,
};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};

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
const FIELDS: [(&str, &str); 43] = [
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
    std::fs::write(&path, capture(direction, messages)).expect("the capture can be written");
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

/// A capture of exported PDUs (link type 252) that names the dissector table `ansi_map.ota` with the direction.
fn capture(direction: Direction, messages: &[Vec<u8>]) -> Vec<u8> {
    let mut head = vec![0, 14, 0, 12];
    head.extend(b"ansi_map.ota");
    head.extend([0, 32, 0, 4, 0, 0, 0, u8::from(direction == Direction::Reverse), 0, 0, 0, 0]);
    let mut file = Vec::new();
    for word in [0xA1B2_C3D4_u32, 2 | 4 << 16, 0, 0, 65_535, 252] {
        file.extend(word.to_le_bytes());
    }
    for (n, message) in messages.iter().enumerate() {
        let length = u32::try_from(head.len() + message.len()).expect("messages are short");
        for word in [u32::try_from(n).expect("messages are few"), 0, length, length] {
            file.extend(word.to_le_bytes());
        }
        file.extend(&head);
        file.extend(message);
    }
    file
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
    let trouble: Vec<bool> = TROUBLE.iter().map(|_| columns.next().is_some_and(|v| !v.is_empty())).collect();
    Theirs { reading, short: trouble[0] || trouble[1], odd: trouble[2] || trouble[3] }
}

/// Our reading of a message in the same terms, as far as tshark decodes it.
///
/// # Panics
/// If the message or one of its NAM blocks cannot be read; the caller gives valid ones.
pub fn ours(direction: Direction, bytes: &[u8]) -> Reading {
    let packet = Packet::new_checked(direction, bytes).expect("not empty");
    let mut found = Found::default();
    found.add("type", packet.msg_type().0);
    match Message::parse(&packet).expect("a valid message") {
        Message::Forward(message) => found.forward(&message),
        Message::Reverse(message) => found.reverse(&message),
    }
    found.0
}

#[derive(Default)]
struct Found(Reading);

impl Found {
    #[expect(clippy::needless_pass_by_value, reason = "numbers, all of them")]
    fn add(&mut self, kind: &'static str, value: impl ToString) {
        self.0.entry(kind).or_default().push(value.to_string());
    }

    fn block(&mut self, block: Block<'_>) {
        self.add("blocks", block.id);
        self.add("lengths", block.data.len());
    }

    fn result(&mut self, result: ResultCode) {
        self.add("results", result.0);
    }

    fn forward(&mut self, message: &Forward<'_>) {
        match *message {
            Forward::ConfigurationRequest { ids, .. } => ids.iter().for_each(|id| self.add("blocks", id)),
            Forward::DownloadRequest { family, blocks, .. } => blocks.iter().for_each(|block| {
                self.block(block);
                if family == Family::Nam {
                    self.nam_download(block);
                }
            }),
            Forward::ValidationRequest(blocks) | Forward::PuzlDownloadRequest { blocks, .. } => {
                blocks.iter().for_each(|block| self.block(block));
            }
            Forward::SsprDownloadRequest { block, .. } | Forward::SystemTagDownloadRequest(block) => {
                self.block(block);
            }
            Forward::SsprConfigurationRequest(wanted) => {
                self.add("blocks", wanted.id());
                if let SsprRequest::Prl(range) = wanted {
                    self.add("segment_offset", range.offset);
                    self.add("segment_size", range.max_size);
                }
            }
            Forward::ProtocolCapabilityRequest(Some(query)) => {
                query.records.iter().for_each(|record| self.add("records", record));
            }
            _ => {}
        }
    }

    fn reverse(&mut self, message: &Reverse<'_>) {
        match *message {
            Reverse::ConfigurationResponse { family, answers, .. } => {
                answers.iter().for_each(|(block, result)| {
                    self.block(block);
                    self.result(result);
                    if family == Family::Nam {
                        self.nam_configuration(block);
                    }
                });
            }
            Reverse::DownloadResponse { results, .. } | Reverse::ValidationResponse(results) => {
                for (id, result) in results.results() {
                    self.add("blocks", id);
                    self.result(result);
                }
            }
            Reverse::PuzlDownloadResponse(results) => {
                for entry in results.iter() {
                    self.add("blocks", entry.id);
                    self.result(entry.result);
                }
            }
            Reverse::MsKeyResponse(result)
            | Reverse::CommitResponse(result)
            | Reverse::SecureModeResponse(result)
            | Reverse::ServiceKeyGenerationResponse(result)
            | Reverse::OtapaResponse { result, .. } => self.result(result),
            Reverse::SsprConfigurationResponse { result, block, .. }
            | Reverse::PuzlConfigurationResponse { result, block, .. }
            | Reverse::SystemTagConfigurationResponse { result, block } => {
                self.block(block);
                self.result(result);
            }
            Reverse::SsprDownloadResponse(result) | Reverse::SystemTagDownloadResponse(result) => {
                self.segment(result);
            }
            Reverse::ProtocolCapabilityResponse { features, additional, .. } => {
                for (feature, rev) in features.iter() {
                    self.add("features", feature);
                    self.add("feature_revs", rev);
                }
                self.add("lengths", additional.len() + 1);
            }
            Reverse::ExtendedProtocolCapabilityResponse { features, records, .. } => {
                for (feature, rev) in features.iter() {
                    self.add("features", feature);
                    self.add("feature_revs", rev);
                }
                for record in records.iter() {
                    self.add("records", record.id);
                    self.add("lengths", record.data.len());
                }
            }
            _ => {}
        }
    }

    fn segment(&mut self, result: SegmentResult) {
        self.add("blocks", result.id);
        self.result(result.result);
        if let Some((offset, size)) = result.segment {
            self.add("segment_offset", offset);
            self.add("segment_size", size);
        }
    }

    fn nam_download(&mut self, block: Block<'_>) {
        let readable = "a valid NAM block";
        match block.id {
            0 => self.analog(&CdmaAnalogNam::parse(block.data, 0).expect(readable)),
            2 => {
                let nam = CdmaNam::parse(block.data, 0).expect(readable);
                self.cdma(&nam);
            }
            _ => self.plain(block),
        }
    }

    fn nam_configuration(&mut self, block: Block<'_>) {
        let readable = "a valid NAM block";
        match block.id {
            0 => {
                let block = CdmaAnalogNamConfiguration::parse(block.data, 0).expect(readable);
                self.analog(&block.nam);
                self.add("mob_p_rev", block.mob_p_rev);
                self.add("max_sid_nid", block.max_sid_nid);
            }
            2 => {
                let block = CdmaNamConfiguration::parse(block.data, 0).expect(readable);
                self.cdma(&block.nam);
                self.add("mob_p_rev", block.mob_p_rev);
                self.add("max_sid_nid", block.max_sid_nid);
            }
            _ => self.plain(block),
        }
    }

    fn analog(&mut self, nam: &CdmaAnalogNam<'_>) {
        self.add("firstchp", nam.first_chp);
        self.add("home_sid", nam.home_sid);
        self.add("addr_num", addr_num(&nam.imsi));
        self.subscriber(&nam.imsi, nam.access, nam.pairs.len());
    }

    fn cdma(&mut self, nam: &CdmaNam<'_>) {
        self.subscriber(&nam.imsi, nam.access, nam.pairs.len());
    }

    fn subscriber(&mut self, imsi: &Imsi, access: Access, pairs: usize) {
        self.add("mcc_m", imsi.mcc.code());
        self.add("accolc", access.accolc);
        self.add("local_control", u8::from(access.local_control));
        self.add("mob_term_home", u8::from(access.mob_term_home));
        self.add("mob_term_for_sid", u8::from(access.mob_term_for_sid));
        self.add("mob_term_for_nid", u8::from(access.mob_term_for_nid));
        self.add("pairs", pairs);
    }

    /// Blocks that are the same in both directions.
    fn plain(&mut self, block: Block<'_>) {
        match block.id {
            1 => self.add("mdn", Mdn::parse(block.data, 0).expect("a valid number")),
            3 => {
                let imsi = ImsiT::parse(block.data, 0).expect("a valid IMSI").0;
                self.add("mcc_t", imsi.mcc.code());
                self.add("imsi_t_11_12", imsi.imsi_11_12.code());
            }
            _ => {}
        }
    }
}

fn addr_num(imsi: &Imsi) -> u8 {
    match imsi.class {
        ImsiClass::Class0 => 0,
        ImsiClass::Class1(digits) => digits,
    }
}
