//! Our reading of a message, in tshark's terms.
use super::Reading;
use crate::oracle_iota::hex;
use kedge_protocol::is683::nam::{
    Access, CdmaAnalogNam, CdmaAnalogNamConfiguration, CdmaNam, CdmaNamConfiguration, Imsi, ImsiClass, ImsiT,
};
use kedge_protocol::is683::validation::Spasm;
use kedge_protocol::is683::{
    Block, Direction, Family, Forward, Fresh, Mdn, Message, OctetPairs, Packet, ResultCode, Reverse,
    SegmentResult, Spc, SsprRequest, ValidationBlockId,
};

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

    /// Octets, in hexadecimal; none are not shown.
    fn octets(&mut self, kind: &'static str, octets: &[u8]) {
        if !octets.is_empty() {
            self.add(kind, hex(octets));
        }
    }

    fn flag(&mut self, kind: &'static str, flag: bool) {
        self.add(kind, u8::from(flag));
    }

    fn fresh(&mut self, fresh: Option<Fresh>) {
        self.flag("fresh_incl", fresh.is_some());
        if let Some(fresh) = fresh {
            self.add("fresh", fresh.get());
        }
    }

    fn result(&mut self, result: ResultCode) {
        self.add("results", result.0);
    }

    fn forward(&mut self, message: &Forward<'_>) {
        match *message {
            Forward::ConfigurationRequest { ids, .. } => {
                self.add("num_blocks", ids.len());
                for id in ids {
                    self.add("blocks", id);
                }
            }
            Forward::DownloadRequest { family, blocks, fresh } => {
                self.add("num_blocks", blocks.len());
                blocks.iter().for_each(|block| {
                    self.block(block);
                    if family == Family::Nam {
                        self.nam_download(block);
                    } else {
                        self.octets("block_data", block.data);
                    }
                });
                self.fresh(fresh);
            }
            Forward::ValidationRequest(blocks) => {
                self.add("num_blocks", blocks.len());
                blocks.iter().for_each(|block| {
                    self.block(block);
                    self.validation(block);
                });
            }
            Forward::PuzlDownloadRequest { blocks, fresh } => {
                self.add("num_blocks", blocks.len());
                blocks.iter().for_each(|block| {
                    self.block(block);
                    self.octets("block_data", block.data);
                });
                self.fresh(fresh);
            }
            Forward::SsprDownloadRequest { block, fresh } => {
                self.block(block);
                self.octets("block_data", block.data);
                self.fresh(fresh);
            }
            Forward::SystemTagDownloadRequest(block) => {
                self.block(block);
                self.octets("block_data", block.data);
            }
            Forward::SsprConfigurationRequest(wanted) => {
                self.add("blocks", wanted.id());
                if let SsprRequest::Prl(range) = wanted {
                    self.add("segment_offset", range.offset);
                    self.add("segment_size", range.max_size);
                }
            }
            Forward::SystemTagConfigurationRequest { id, range } => {
                self.add("blocks", id);
                if let Some(range) = range {
                    self.add("segment_offset", range.offset);
                    self.add("segment_size", range.max_size);
                }
            }
            Forward::ProtocolCapabilityRequest(Some(query)) => {
                self.add("otasp_p_rev", query.otasp_p_rev);
                self.add("num_records", query.records.len());
                query.records.iter().for_each(|record| self.add("records", record));
            }
            Forward::OtapaRequest { start } => self.flag("start", start),
            _ => self.keys(message),
        }
    }

    /// The messages of the key exchange and of Secure Mode.
    fn keys(&mut self, message: &Forward<'_>) {
        match *message {
            Forward::MsKeyRequest { a_key_p_rev, parameters } => {
                self.add("a_key_p_rev", a_key_p_rev);
                if let Some((p, g)) = parameters {
                    self.add("lengths", p.len());
                    self.add("lengths", g.len());
                    self.octets("param_p", p);
                    self.octets("param_g", g);
                }
            }
            Forward::KeyGenerationRequest { bs_result } => {
                self.add("lengths", bs_result.len());
                self.octets("bs_result", bs_result);
            }
            Forward::ReAuthenticateRequest { rand } => self.octets("rand", &rand.to_be_bytes()),
            Forward::SecureModeRequest { security, rand_sm } => {
                self.flag("start", rand_sm.is_some());
                self.add("security", security);
                if let Some(rand) = rand_sm {
                    self.add("rand_sm", rand);
                }
            }
            Forward::ServiceKeyGenerationRequest { key_ids } => {
                self.flag("key_ims", key_ids & 0x8000 != 0);
                self.flag("key_bcmcs", key_ids & 0x4000 != 0);
                self.flag("key_wlan", key_ids & 0x2000 != 0);
            }
            _ => {}
        }
    }

    fn validation(&mut self, block: Block<'_>) {
        if ValidationBlockId(block.id) == ValidationBlockId::VALIDATE_SPASM {
            let spasm = Spasm::parse(block.data, 0).expect("a valid SPASM block");
            self.flag("spasm_signed", spasm.auth_otapa.is_some());
            self.flag("nam_lock", spasm.nam_lock);
            if let Some(auth) = spasm.auth_otapa {
                self.add("auth_otapa", auth);
            }
        } else {
            let spc = Spc::parse(block.data, 0).expect("a valid code");
            let digits: String = spc.digits().iter().map(u8::to_string).collect();
            self.add("spc", digits);
        }
    }

    fn reverse(&mut self, message: &Reverse<'_>) {
        match *message {
            Reverse::ConfigurationResponse { family, answers, fresh } => {
                self.add("num_blocks", answers.len());
                answers.iter().for_each(|(block, result)| {
                    self.block(block);
                    self.result(result);
                    if family == Family::Nam {
                        self.nam_configuration(block);
                    } else {
                        self.octets("block_data", block.data);
                    }
                });
                self.fresh(fresh);
            }
            Reverse::DownloadResponse { results, .. } | Reverse::ValidationResponse(results) => {
                self.add("num_blocks", results.results().count());
                for (id, result) in results.results() {
                    self.add("blocks", id);
                    self.result(result);
                }
            }
            Reverse::PuzlDownloadResponse(results) => {
                self.add("num_blocks", results.iter().count());
                for entry in results.iter() {
                    self.add("blocks", entry.id);
                    self.result(entry.result);
                    self.flag("zone_present", entry.zone.is_some());
                    if let Some((zone, sid)) = entry.zone {
                        self.add("zone_id", zone);
                        self.add("zone_sid", sid);
                    }
                }
            }
            Reverse::MsKeyResponse(result)
            | Reverse::CommitResponse(result)
            | Reverse::SecureModeResponse(result)
            | Reverse::ServiceKeyGenerationResponse(result) => self.result(result),
            Reverse::OtapaResponse { result, rand_otapa } => {
                self.result(result);
                self.flag("nam_lock", rand_otapa.is_some());
                if let Some(rand) = rand_otapa {
                    self.add("rand_otapa", rand);
                }
            }
            Reverse::KeyGenerationResponse { result, ms_result } => {
                self.result(result);
                self.add("lengths", ms_result.len());
                self.octets("ms_result", ms_result);
            }
            Reverse::ReAuthenticateResponse { authr, randc, count, auth_data } => {
                self.add("authr", authr);
                self.add("randc", randc);
                self.add("count", count);
                self.add("auth_data", auth_data);
            }
            Reverse::SsprConfigurationResponse { result, block, fresh }
            | Reverse::PuzlConfigurationResponse { result, block, fresh } => {
                self.answer(block, result);
                self.fresh(fresh);
            }
            Reverse::SystemTagConfigurationResponse { result, block } => self.answer(block, result),
            Reverse::SsprDownloadResponse(result) | Reverse::SystemTagDownloadResponse(result) => {
                self.segment(result);
            }
            Reverse::ProtocolCapabilityResponse { firmware_rev, model, features, band_mode, additional } => {
                self.model(firmware_rev, model, features);
                self.add("lengths", additional.len() + 1);
                let bands = ["bc0_analog", "bc0", "bc1", "bc3", "bc6"];
                bands.iter().zip(0..).for_each(|(kind, at)| self.flag(kind, band_mode & (0x80 >> at) != 0));
                self.octets("additional", additional);
            }
            Reverse::ExtendedProtocolCapabilityResponse {
                otasp_mob_p_rev,
                firmware_rev,
                model,
                features,
                records,
            } => {
                self.add("otasp_mob_p_rev", otasp_mob_p_rev);
                self.model(firmware_rev, model, features);
                self.add("num_records", records.len());
                for record in records.iter() {
                    self.add("records", record.id);
                    self.add("lengths", record.data.len());
                    self.octets("capability_data", record.data);
                }
            }
            _ => {}
        }
    }

    fn answer(&mut self, block: Block<'_>, result: ResultCode) {
        self.block(block);
        self.octets("block_data", block.data);
        self.result(result);
    }

    fn model(&mut self, firmware_rev: u16, model: u8, features: OctetPairs<'_>) {
        self.add("firmware_rev", firmware_rev);
        self.add("model", model);
        self.add("num_features", features.iter().count());
        for (feature, rev) in features.iter() {
            self.add("features", feature);
            self.add("feature_revs", rev);
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
                self.add("scm", block.scm);
                self.add("mob_p_rev", block.mob_p_rev);
                self.add("max_sid_nid", block.max_sid_nid);
            }
            2 => {
                let block = CdmaNamConfiguration::parse(block.data, 0).expect(readable);
                self.cdma(&block.nam);
                self.flag("slotted_mode", block.slotted_mode);
                self.add("mob_p_rev", block.mob_p_rev);
                self.add("max_sid_nid", block.max_sid_nid);
            }
            _ => self.plain(block),
        }
    }

    fn analog(&mut self, nam: &CdmaAnalogNam<'_>) {
        self.add("firstchp", nam.first_chp);
        self.add("home_sid", nam.home_sid);
        self.flag("ex", nam.ex);
        self.add("addr_num", addr_num(&nam.imsi));
        self.add("imsi_m_11_12", nam.imsi.imsi_11_12.code());
        self.subscriber(&nam.imsi, nam.access, nam.pairs.len());
    }

    fn cdma(&mut self, nam: &CdmaNam<'_>) {
        self.add("addr_num_cdma", addr_num(&nam.imsi));
        self.subscriber(&nam.imsi, nam.access, nam.pairs.len());
    }

    fn subscriber(&mut self, imsi: &Imsi, access: Access, pairs: usize) {
        self.flag("imsi_m_class", imsi.class != ImsiClass::Class0);
        self.add("mcc_m", imsi.mcc.code());
        self.add("imsi_m_s", imsi.imsi_s.code());
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
            1 => {
                let mdn = Mdn::parse(block.data, 0).expect("a valid number");
                self.add("n_digits", mdn.codes().len());
                self.add("mdn", mdn);
            }
            3 => {
                let imsi = ImsiT::parse(block.data, 0).expect("a valid IMSI").0;
                self.flag("imsi_t_class", imsi.class != ImsiClass::Class0);
                self.add("imsi_t_addr_num", addr_num(&imsi));
                self.add("imsi_t_s", imsi.imsi_s.code());
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
