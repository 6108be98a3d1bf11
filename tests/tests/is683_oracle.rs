//! Thousands of generated messages, read by tshark and by us: the same types, blocks, lengths, results and numbers.
//! Then the same messages broken at random: what tshark calls too short, we refuse too.
//!
//! Seventy-six kinds of fields are compared, value by value. What tshark 4.0 does otherwise, and what becomes of it here:
//!
//! | field | tshark | here |
//! |---|---|---|
//! | digits of the SPC | shows the low half octet first | put right, compared |
//! | MIN | shows the octets in which its 34 bits lie | cut out, compared |
//! | IMSI_M_11_12 of the CDMA NAM | reads another octet | left out; that of the CDMA/Analog NAM is compared |
//! | SID/NID pairs | shows some bits of the first | their number is compared |
//! | roaming lists, 3GPD profiles | not decoded | as octets; their own vectors and laws elsewhere |
//! | PUZL Configuration Request | shows BLOCK_ID twice | not generated |
//! | offset and size in answers to unknown list blocks | wants them, does not show them | explained |
//! | Key Generation Request without a number | calls it too short | explained |
//! | MMSS | not known | not generated |
use kedge_protocol::is683::nam::{
    Access, CdmaAnalogNam, CdmaAnalogNamConfiguration, CdmaNam, CdmaNamConfiguration, Imsi, ImsiClass, ImsiT,
    Pairs,
};
use kedge_protocol::is683::sspr::Segment;
use kedge_protocol::is683::validation::Spasm;
use kedge_protocol::is683::{
    Answers, Block, Blocks, CapabilityQuery, Direction, Family, Forward, Fresh, Imsi1112, MAX_MESSAGE, Mcc,
    Mdn, Message, Min, Nid, OctetPairs, Packet, PuzlResult, PuzlResults, Range, ResultCode, Reverse,
    SegmentResult, Sid, Spc, SsprRequest, dump,
};
use kedge_tests::oracle_is683::{Theirs, ours, tshark};
use std::collections::BTreeMap;

/// Messages per direction.
const MESSAGES: usize = 4000;

/// A small generator of pseudo-random numbers (xorshift64*), so that every run sees the same messages.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn octet(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    fn word(&mut self) -> u16 {
        u16::from_le_bytes([self.octet(), self.octet()])
    }

    fn flag(&mut self) -> bool {
        self.below(2) == 1
    }

    fn octets(&mut self, max: u64) -> Vec<u8> {
        (0..self.below(max + 1)).map(|_| self.octet()).collect()
    }

    fn digits(&mut self, n: usize) -> String {
        (0..n).map(|_| char::from(b'0' + u8::try_from(self.below(10)).unwrap())).collect()
    }

    fn family(&mut self) -> Family {
        [Family::Nam, Family::PacketData, Family::Mmd, Family::Mms][usize::try_from(self.below(4)).unwrap()]
    }

    fn fresh(&mut self) -> Option<Fresh> {
        let value = self.word() & 0x7FFF;
        self.flag().then(|| Fresh::new(value).unwrap())
    }

    fn imsi(&mut self) -> Imsi {
        let addr_num = u8::try_from(self.below(8)).unwrap();
        Imsi {
            class: if self.flag() { ImsiClass::Class0 } else { ImsiClass::Class1(addr_num) },
            mcc: Mcc::new(&self.digits(3)).unwrap(),
            imsi_11_12: Imsi1112::new(&self.digits(2)).unwrap(),
            imsi_s: Min::new(&self.digits(10)).unwrap(),
        }
    }

    fn access(&mut self) -> Access {
        Access {
            accolc: u8::try_from(self.below(16)).unwrap(),
            local_control: self.flag(),
            mob_term_home: self.flag(),
            mob_term_for_sid: self.flag(),
            mob_term_for_nid: self.flag(),
        }
    }

    /// A NAM block in the form that `direction` carries.
    fn nam_block(&mut self, direction: Direction) -> (u8, Vec<u8>) {
        let id = u8::try_from(self.below(4)).unwrap();
        let list: Vec<_> =
            (0..self.below(4)).map(|_| (Sid::new(self.word() & 0x7FFF).unwrap(), Nid(self.word()))).collect();
        let pairs = Pairs::new(&list);
        let (imsi, access) = (self.imsi(), self.access());
        let (mob_p_rev, max_sid_nid) = (self.octet(), self.octet());
        let mut buf = [0; 255];
        let configuration = direction == Direction::Reverse;
        let data = match id {
            0 => {
                let (first_chp, home_sid) = (self.word() & 0x7FF, Sid::new(self.word() & 0x7FFF).unwrap());
                let nam = CdmaAnalogNam { first_chp, home_sid, ex: self.flag(), imsi, access, pairs };
                let scm = self.octet();
                if configuration {
                    CdmaAnalogNamConfiguration { nam, scm, mob_p_rev, max_sid_nid }.emit(&mut buf)
                } else {
                    nam.emit(&mut buf)
                }
            }
            1 => Mdn::new(&self.digits_below(16)).unwrap().emit(&mut buf),
            2 => {
                let nam = CdmaNam { imsi, access, pairs };
                if configuration {
                    let slotted_mode = self.flag();
                    CdmaNamConfiguration { nam, slotted_mode, mob_p_rev, max_sid_nid }.emit(&mut buf)
                } else {
                    nam.emit(&mut buf)
                }
            }
            _ => ImsiT(imsi).emit(&mut buf),
        };
        (id, data.unwrap().to_vec())
    }

    fn digits_below(&mut self, max: u64) -> String {
        let n = 1 + self.below(max - 1);
        self.digits(usize::try_from(n).unwrap())
    }

    /// Up to five blocks of a family, and how they are built.
    fn blocks(&mut self, family: Family, direction: Direction) -> Vec<(u8, Vec<u8>)> {
        (0..self.below(6))
            .map(|_| {
                if family == Family::Nam {
                    self.nam_block(direction)
                } else {
                    (self.octet() & 15, self.octets(20))
                }
            })
            .collect()
    }

    fn validation_blocks(&mut self) -> Vec<(u8, Vec<u8>)> {
        (0..self.below(4))
            .map(|_| {
                let mut buf = [0; 3];
                let id = u8::try_from(self.below(3)).unwrap();
                if id < 2 {
                    return (id, Spc::new(&self.digits(6)).unwrap().emit(&mut buf).unwrap().to_vec());
                }
                let auth = u32::try_from(self.below(1 << 18)).unwrap();
                let spasm = Spasm { auth_otapa: self.flag().then_some(auth), nam_lock: self.flag() };
                (id, spasm.emit(&mut buf).unwrap().to_vec())
            })
            .collect()
    }

    fn pairs(&mut self) -> Vec<u8> {
        (0..self.below(8) * 2).map(|_| self.octet() & 0x1F).collect()
    }

    fn forward(&mut self) -> Vec<u8> {
        let family = self.family();
        let fresh = self.fresh();
        let (data, other) = (self.octets(40), self.octets(40));
        let id = self.octet() & 7;
        let range = Range { offset: self.word(), max_size: self.octet() };
        let list = match self.below(3) {
            0 => self.validation_blocks(),
            _ => self.blocks(family, Direction::Forward),
        };
        let validation = self.validation_blocks();
        let segment = Segment { last: self.flag(), offset: self.word(), data: &data };
        let (mut buf, mut block_buf) = ([0; 2048], [0; 255]);
        let block = Block { id: id & 1, data: segment.emit(&mut block_buf).unwrap() };
        let any_block = Block { id: id & 3, data: &other };
        let family_list = self.blocks(family, Direction::Forward);
        let rev = u8::try_from(self.below(6)).unwrap();
        let message = match self.below(22) {
            0 | 1 => Forward::ConfigurationRequest { family, ids: &data },
            2..=6 => Forward::DownloadRequest { family, blocks: build(&family_list, &mut buf), fresh },
            7 => Forward::MsKeyRequest {
                a_key_p_rev: 2 + rev,
                parameters: (rev == 0).then_some((&data, &other)),
            },
            8 => Forward::KeyGenerationRequest { bs_result: &data },
            9 => Forward::ReAuthenticateRequest { rand: u32::from(self.word()) << 12 },
            10 => Forward::CommitRequest,
            11 => Forward::ProtocolCapabilityRequest(
                self.flag().then_some(CapabilityQuery { otasp_p_rev: rev, records: &data }),
            ),
            12 => Forward::SsprConfigurationRequest(match id & 3 {
                0 => SsprRequest::Dimensions,
                1 => SsprRequest::Prl(range),
                _ => SsprRequest::ExtendedDimensions,
            }),
            13 | 14 => Forward::SsprDownloadRequest { block, fresh },
            15 => Forward::ValidationRequest(build(&validation, &mut buf)),
            16 => Forward::OtapaRequest { start: self.flag() },
            17 => Forward::PuzlDownloadRequest { blocks: build(&without_layout(&list), &mut buf), fresh },
            18 => Forward::SecureModeRequest {
                security: rev,
                rand_sm: self.flag().then(|| u64::from(self.word()) << 40 | 7),
            },
            19 => Forward::ServiceKeyGenerationRequest { key_ids: self.word() & 0xE000 },
            20 => Forward::SystemTagConfigurationRequest { id: 2 * (1 + id % 3), range: Some(range) },
            _ => Forward::SystemTagDownloadRequest(any_block),
        };
        emit(&Message::Forward(message))
    }

    fn reverse(&mut self) -> Vec<u8> {
        let family = self.family();
        let fresh = self.fresh();
        let data = self.octets(40);
        let id = self.octet() & 3;
        let result = ResultCode(self.octet() & 0x1F);
        let block = Block { id, data: &data };
        let list = self.blocks(family, Direction::Reverse);
        let codes: Vec<u8> = list.iter().map(|_| self.octet() & 0x1F).collect();
        let pairs = self.pairs();
        let results = OctetPairs::new(&pairs).unwrap();
        let segment = Some((self.word(), self.octet()));
        let records: Vec<_> = (0..self.below(4)).map(|_| (self.octet() & 7, self.octets(9))).collect();
        let zones: Vec<_> = (0..self.below(5))
            .map(|_| PuzlResult {
                id: self.octet() & 7,
                result,
                zone: self.flag().then(|| (self.word(), self.word() & 0x7FFF)),
            })
            .collect();
        let mut buf = [0; 2048];
        let (firmware_rev, model, band_mode) = (self.word(), self.octet(), self.octet() & 0xF8);
        let message = match self.below(22) {
            0..=3 => {
                let answers = Answers::new(build(&list, &mut buf), &codes).unwrap();
                Reverse::ConfigurationResponse { family, answers, fresh }
            }
            4 | 5 => Reverse::DownloadResponse { family, results },
            6 => Reverse::MsKeyResponse(result),
            7 => Reverse::KeyGenerationResponse { result, ms_result: &data },
            8 => Reverse::ReAuthenticateResponse {
                authr: u32::from(firmware_rev) << 2 | 1,
                randc: model,
                count: model & 0x3F,
                auth_data: u32::from(firmware_rev) << 8 | 9,
            },
            9 => Reverse::CommitResponse(result),
            10 => Reverse::ProtocolCapabilityResponse {
                firmware_rev,
                model,
                features: results,
                band_mode,
                additional: if self.flag() { &data } else { &[] },
            },
            11 => Reverse::SsprConfigurationResponse { result, block, fresh },
            12 => Reverse::SsprDownloadResponse(SegmentResult { id, result, segment }),
            13 => Reverse::ValidationResponse(results),
            14 => Reverse::OtapaResponse { result, rand_otapa: self.flag().then_some(0xDEAD_BEEF) },
            15 => Reverse::PuzlConfigurationResponse { result, block, fresh },
            16 => Reverse::PuzlDownloadResponse(PuzlResults::build(&zones, &mut buf).unwrap()),
            17 => Reverse::SystemTagConfigurationResponse { result, block },
            18 => {
                let segment = segment.filter(|_| (1..=3).contains(&id));
                Reverse::SystemTagDownloadResponse(SegmentResult { id, result, segment })
            }
            19 => Reverse::SecureModeResponse(result),
            20 => Reverse::ServiceKeyGenerationResponse(result),
            _ => Reverse::ExtendedProtocolCapabilityResponse {
                otasp_mob_p_rev: 4,
                firmware_rev,
                model,
                features: results,
                records: build(&records, &mut buf),
            },
        };
        emit(&Message::Reverse(message))
    }
}

fn without_layout(list: &[(u8, Vec<u8>)]) -> Vec<(u8, Vec<u8>)> {
    list.iter().map(|(id, data)| (id & 7, data.clone())).collect()
}

fn build<'b>(list: &[(u8, Vec<u8>)], buf: &'b mut [u8]) -> Blocks<'b> {
    let blocks: Vec<_> = list.iter().map(|(id, data)| Block { id: *id, data }).collect();
    Blocks::build(&blocks, buf).unwrap()
}

fn emit(message: &Message<'_>) -> Vec<u8> {
    let mut buf = [0; MAX_MESSAGE];
    message.emit(&mut buf).unwrap_or_else(|e| panic!("{message:?}: {e}")).to_vec()
}

fn messages(direction: Direction) -> Vec<Vec<u8>> {
    let mut random = Random(0x1683);
    let make = |_| if direction == Direction::Forward { random.forward() } else { random.reverse() };
    (0..MESSAGES).map(make).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, b| format!("{text}{b:02x}"))
}

/// What tshark 4.0 reads otherwise, with the reason.
fn known_difference(direction: Direction, bytes: &[u8], kind: &str) -> Option<&'static str> {
    match (direction, bytes, kind) {
        (Direction::Forward, [0x03, 0], "trouble" | "lengths") => {
            Some("it wants at least one octet of BS_RESULT")
        }
        (Direction::Reverse, [0x08, 2..=u8::MAX, ..], "segment_offset" | "segment_size") => Some(
            "it shows offset and size for the block ids 0 and 1 only, though it wants the octets for all",
        ),
        _ => None,
    }
}

fn compare(direction: Direction) {
    let messages = messages(direction);
    let Some(theirs) = tshark(direction, &messages) else { return };
    let excuse = |bytes: &&Vec<u8>| known_difference(direction, bytes, "trouble").is_some();
    let (mut fields, mut explained) = (0, messages.iter().filter(excuse).count());
    let mut differences = BTreeMap::<(u8, &str), Vec<String>>::new();
    for (bytes, Theirs { reading, short, odd }) in messages.iter().zip(&theirs) {
        let ours = ours(direction, bytes);
        let excused = known_difference(direction, bytes, "trouble").is_some();
        if (*short || *odd) && !excused {
            differences
                .entry((bytes[0], "trouble"))
                .or_default()
                .push(format!("{} {short} {odd}", hex(bytes)));
        }
        for (kind, values) in &ours {
            fields += values.len();
            let empty = Vec::new();
            let read = reading.get(kind).unwrap_or(&empty);
            if read != values {
                if known_difference(direction, bytes, kind).is_some() {
                    explained += 1;
                } else {
                    let text = format!("{}: ours {values:?}, tshark {read:?}", hex(bytes));
                    differences.entry((bytes[0], kind)).or_default().push(text);
                }
            }
        }
    }
    kedge_tests::figure!(
        "{direction:?}: {} messages, {fields} field values compared with tshark, {explained} explained differences, \
         {} unexplained",
        messages.len(),
        differences.values().map(Vec::len).sum::<usize>()
    );
    for ((msg_type, kind), list) in &differences {
        kedge_tests::figure!("type {msg_type:#04x} {kind}: {} differ, first {}", list.len(), list[0]);
    }
    assert!(differences.is_empty());
}

#[test]
fn forward_messages_read_alike() {
    compare(Direction::Forward);
}

#[test]
fn reverse_messages_read_alike() {
    compare(Direction::Reverse);
}

/// The messages with one octet changed, or cut at a random place.
fn broken_messages(direction: Direction) -> Vec<Vec<u8>> {
    let mut random = Random(0xB0B0);
    let mut messages = messages(direction);
    for message in &mut messages {
        let at = usize::try_from(random.below(message.len() as u64)).unwrap();
        if random.flag() && at != 0 {
            message.truncate(at);
        } else if at != 0 {
            message[at] = random.octet();
        }
    }
    messages
}

/// Why we take a message that tshark calls too short; `None` if there is no reason.
fn reason_to_take(direction: Direction, bytes: &[u8]) -> Option<&'static str> {
    let packet = Packet::new_checked(direction, bytes).unwrap();
    let again = emit(&Message::parse(&packet).unwrap());
    if again.len() == bytes.len() + 1 {
        return Some("the FRESH trailer is absent, which we tolerate");
    }
    if matches!(bytes, [0x0D | 0x11 | 0x16, ..]) && again.len() == bytes.len() && again != bytes {
        return Some("it reads exactly with the result codes in their other place");
    }
    known_difference(direction, bytes, "trouble")
}

fn compare_broken(direction: Direction) {
    let messages = broken_messages(direction);
    let Some(theirs) = tshark(direction, &messages) else { return };
    let (mut both, mut only_ours, mut reasons) = (0, 0, BTreeMap::<&str, usize>::new());
    let mut unexplained = Vec::new();
    for (bytes, theirs) in messages.iter().zip(&theirs) {
        // The dump looks into every block, as tshark does; the parser alone leaves blocks to the engine.
        let refused = dump(direction, bytes, &mut String::new()).is_err();
        match (refused, theirs.short) {
            (true, true) => both += 1,
            (true, false) => only_ours += 1,
            (false, true) => match reason_to_take(direction, bytes) {
                Some(reason) => *reasons.entry(reason).or_default() += 1,
                None => unexplained.push(hex(bytes)),
            },
            (false, false) => {}
        }
    }
    kedge_tests::figure!(
        "{direction:?}: {} broken messages, {both} refused by both, {only_ours} by us alone (tshark goes on with a \
         warning or does not look inside), taken with a reason: {reasons:?}, unexplained: {}",
        messages.len(),
        unexplained.len()
    );
    for message in unexplained.iter().take(20) {
        kedge_tests::figure!("  {message}");
    }
    assert!(both > 500, "too few messages were really broken");
    assert!(unexplained.is_empty());
}

#[test]
fn forward_messages_that_are_too_short_are_refused() {
    compare_broken(Direction::Forward);
}

#[test]
fn reverse_messages_that_are_too_short_are_refused() {
    compare_broken(Direction::Reverse);
}
