//! The CDMA side: IS-683 messages, roaming lists, short messages, an engine that is given message after message, and MMC
//! documents. What is read is written again and must be the same; two ways of reading must agree.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use kedge_protocol::iota::mmc;
use kedge_protocol::is683::engine::{
    Capability, Carried, Mode, Number, Phone, Power, PrlInfo, Shelf, Staged, StoreFailed,
};
use kedge_protocol::is683::prl::{Draft, Prl, PrlError, PrlFormat, check_in_place, crc16};
use kedge_protocol::is683::{
    Direction, Engine, Esn, HardwareId, MAX_MESSAGE, Message, Packet, Reverse, Spc, dump,
};
use kedge_protocol::sms::Ports;
use kedge_protocol::sms::cdma::{
    Address, MAX_DATAGRAM, MAX_MESSAGE as MAX_SHORT, Outgoing, Received, Receiver,
};

use super::Depth;
use super::take::Take;
use crate::oracle_iota::unhex;

/// One message; the first octet says in which direction.
pub(super) fn message(octets: &[u8]) -> Depth {
    let (direction, octets) = directed(octets);
    let _ = dump(direction, octets, &mut String::new());
    let Ok(packet) = Packet::new_checked(direction, octets) else { return Depth::Unread };
    let Ok(message) = Message::parse(&packet) else { return Depth::Unread };
    let mut buf = [0; MAX_MESSAGE];
    let Ok(written) = message.emit(&mut buf) else { return Depth::Failed };
    assert_eq!(written.len(), message.buffer_len());
    let again = Packet::new_checked(direction, written).expect("not empty");
    assert_eq!(Message::parse(&again).expect("what was written can be read"), message);
    Depth::Taken
}

fn directed(octets: &[u8]) -> (Direction, &[u8]) {
    match octets.split_first() {
        Some((first, rest)) if first & 1 == 1 => (Direction::Reverse, rest),
        Some((_, rest)) => (Direction::Forward, rest),
        None => (Direction::Forward, &[]),
    }
}

/// The message vectors, each behind an octet for its direction.
pub(super) fn messages() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/is683");
    let mut paths: Vec<_> =
        fs::read_dir(folder).expect("the vectors").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let vector = |path: &std::path::PathBuf| {
        let text = fs::read_to_string(path).expect("a vector");
        let field = |name| text.lines().find_map(|line| line.strip_prefix(name)).expect("a field").to_owned();
        let direction = u8::from(field("direction: ") == "reverse");
        [vec![direction], unhex(&field("hex: "))].concat()
    };
    paths.iter().map(vector).collect()
}

/// A roaming list whose length and check value are put right, so that its records are looked at.
pub(super) fn list(octets: &[u8]) -> Depth {
    let mut take = Take(octets);
    let format = if take.octet() & 1 == 0 { PrlFormat::Classic } else { PrlFormat::Extended };
    let mut list = take.0.to_vec();
    let Ok(size) = u16::try_from(list.len() + 2) else { return Depth::Unread };
    if let Some(head) = list.first_chunk_mut::<2>() {
        *head = size.to_be_bytes();
    }
    list.extend(crc16(&list).to_be_bytes());
    let in_place = check_in_place(format, list.len(), |at, out| {
        let here = list.get(at..).unwrap_or_default();
        let n = here.len().min(out.len());
        out[..n].copy_from_slice(&here[..n]);
        n
    });
    let prl = match (Prl::parse(format, &list), in_place) {
        (Ok(prl), Ok(header)) if prl.header() == header => prl,
        (Err(PrlError::Structure(_)), Err(PrlError::Structure(_))) => return Depth::Refused,
        (Err(one), Err(other)) if one == other => return Depth::Unread,
        (one, other) => panic!("{:?} in RAM, {other:?} in place", one.map(|prl| prl.header())),
    };
    again(&prl);
    Depth::Taken
}

/// Makes the list anew from its records.
fn again(prl: &Prl<'_>) {
    let header = prl.header();
    let (acquisitions, subnets): (Vec<_>, Vec<_>) = (prl.acquisitions().collect(), prl.subnets().collect());
    let systems: Vec<_> = prl.systems().collect();
    let (format, id, pref_only, def_roam_ind) =
        (header.format, header.id, header.pref_only, header.def_roam_ind);
    let draft = Draft {
        format,
        id,
        pref_only,
        def_roam_ind,
        acquisitions: &acquisitions,
        subnets: &subnets,
        systems: &systems,
    };
    let mut buf = vec![0; draft.buffer_len()];
    let written = draft.emit(&mut buf).expect("what was read can be written");
    let again = Prl::parse(format, written).expect("and read again");
    assert!(again.acquisitions().eq(acquisitions));
    assert!(again.subnets().eq(subnets));
    assert!(again.systems().eq(systems));
}

/// The lists of the fact sheet without their check values, each behind an octet for its format.
pub(super) fn lists() -> Vec<Vec<u8>> {
    [
        "00 0012000080004001210002800050000",
        "01 00810000030001800004000A040164030B0B04016403F50A040A5808190B040A580C970A0231130B0230C871C00200101F0100C8\
         FFFF00800038E0080000800071E01200101F0100C8FFFF00800038E0180000800071C02200101F0100C8FFFF00808038E028000080\
         8071E00200101F0100C8FFFF00808038E00800008080",
    ]
    .map(|list| {
        let digits: String = list.chars().filter(char::is_ascii_hexdigit).collect();
        unhex(&digits[..digits.len() & !1])
    })
    .to_vec()
}

/// Short messages one after the other, each behind its length; time runs between them.
pub(super) fn short_messages(octets: &[u8]) -> Depth {
    let mut take = Take(octets);
    let (mut receiver, mut now, mut depth) = (Receiver::new(), Duration::ZERO, Depth::Unread);
    while !take.is_empty() {
        let len = usize::from(take.octet());
        now += Duration::from_secs(u64::from(take.octet()));
        let mut out = [0; MAX_DATAGRAM];
        match receiver.receive(now, take.octets(len), &mut out) {
            Ok(Received::Datagram { .. } | Received::Text { .. }) => depth = Depth::Taken,
            Ok(_) => depth = depth.max(Depth::Refused),
            Err(_) => {}
        }
        assert!(receiver.cells().incomplete() <= 8 && receiver.cells().cells_in_use() <= 12);
    }
    depth
}

/// A text, and a datagram of three segments.
pub(super) fn conversations() -> Vec<Vec<u8>> {
    let outgoing = Outgoing { from: Address::new("1234").expect("a number"), message_id: 7 };
    let mut buf = [0; MAX_SHORT];
    let framed =
        |message: &[u8]| [&[u8::try_from(message.len()).expect("a short message"), 1], message].concat();
    let text = framed(outgoing.text("Welcome", &mut buf).expect("a short text"));
    let datagram = [7; 100];
    let segments: Vec<_> = (0..3)
        .map(|n| framed(outgoing.segment(Ports::PUSH, &datagram, (n, 40), &mut buf).expect("a segment")))
        .collect();
    vec![text.clone(), segments.concat(), [text, segments.concat()].concat()]
}

/// A handset in RAM, whose store fails now and then.
struct Handset {
    spc: Spc,
    failures: u8,
    blocks: HashMap<(Shelf, u8), Vec<u8>>,
    list: (PrlInfo, Vec<u8>),
    fails: bool,
    commits: usize,
}

impl Phone for Handset {
    fn spc(&self) -> Spc {
        self.spc.clone()
    }

    fn spc_failures(&self) -> u8 {
        self.failures
    }

    fn set_spc_failures(&mut self, failures: u8) -> Result<(), StoreFailed> {
        if self.fails {
            return Err(StoreFailed);
        }
        self.failures = failures;
        Ok(())
    }

    fn nam_block(&self, id: u8, out: &mut [u8]) -> Option<usize> {
        self.carried_block(Shelf::Family(kedge_protocol::is683::Family::Nam), id, out)
    }

    fn carried_block(&self, shelf: Shelf, id: u8, out: &mut [u8]) -> Option<usize> {
        let data = self.blocks.get(&(shelf, id))?;
        out.get_mut(..data.len())?.copy_from_slice(data);
        Some(data.len())
    }

    fn prl(&self) -> PrlInfo {
        self.list.0
    }

    fn read_prl(&self, offset: u16, out: &mut [u8]) -> usize {
        let here = self.list.1.get(usize::from(offset)..).unwrap_or_default();
        let n = here.len().min(out.len());
        out[..n].copy_from_slice(&here[..n]);
        n
    }

    fn capability(&self) -> Capability {
        Capability {
            firmware_rev: 1,
            model: 2,
            band_mode: 0x60,
            max_prl_size: 512,
            extended_prl: true,
            max_sid_nid: 20,
            scm: 0x2A,
            mob_p_rev: 6,
            hardware: HardwareId::Esn(Esn(0x8016_B128)),
            packet_data: None,
            carried: Carried::ALL,
        }
    }

    fn allow_spc_change(&self) -> bool {
        true
    }

    fn power(&self) -> Option<Power> {
        // No arithmetic: what the engine does with numbers is looked at here, not what they are.
        Some(|base, exponent, modulus| {
            let mixed: Number = core::array::from_fn(|at| base[at] ^ (exponent[at] & 0x7F));
            (mixed < *modulus).then_some(mixed)
        })
    }

    fn random(&mut self, out: &mut [u8]) {
        out.fill(0x35);
    }

    fn commit(&mut self, staged: &Staged<'_>) -> Result<(), StoreFailed> {
        if self.fails {
            return Err(StoreFailed);
        }
        for (shelf, block) in staged.blocks() {
            self.blocks.insert((shelf, block.id), block.data.to_vec());
        }
        if let Some((info, octets)) = staged.prl() {
            // Nothing is stored that would be refused when it is read.
            Prl::parse(info.format(), octets).expect("a committed list is whole");
            self.list = (info, octets.to_vec());
        }
        if let Some(spc) = staged.spc() {
            self.spc = spc.clone();
        }
        self.commits += 1;
        Ok(())
    }
}

/// Messages to an engine, each behind its length and an octet that may begin a session, or let the store fail.
pub(super) fn session(octets: &[u8]) -> Depth {
    let mut take = Take(octets);
    let spc = if take.octet() & 1 == 0 { Spc::factory() } else { Spc::new("123456").expect("six digits") };
    let mut phone = Handset {
        spc,
        failures: 0,
        blocks: HashMap::new(),
        list: (PrlInfo::NONE, Vec::new()),
        fails: false,
        commits: 0,
    };
    let mut engine = Engine::<512>::new();
    let mut out = [0; MAX_MESSAGE];
    let mut answered = 0;
    while !take.is_empty() {
        let what = take.octet();
        match what & 0x0F {
            0 => engine.begin(Mode::UserInitiated),
            1 => engine.begin(Mode::NetworkInitiated),
            _ => {}
        }
        phone.fails = what & 0xF0 == 0xF0;
        let len = usize::from(take.octet());
        let forward = take.octets(len);
        let before = phone.commits;
        let Ok(reverse) = engine.handle(&mut phone, forward, &mut out) else { continue };
        answered += 1;
        let packet = Packet::new_checked(Direction::Reverse, reverse).expect("not empty");
        let reverse = Reverse::parse(&packet).expect("an answer can be read");
        let extended = packet.bytes().first() == Some(&0x10);
        assert!(
            extended || packet.bytes().first() == forward.first(),
            "an answer to something else: {reverse}"
        );
        let commit = forward == [5];
        assert!(phone.commits == before || commit, "committed by {forward:02x?}");
    }
    match (phone.commits, answered) {
        (0, 0) => Depth::Unread,
        (0, _) => Depth::Refused,
        _ => Depth::Taken,
    }
}

/// An activation, one with a lock, and one that the network begins.
pub(super) fn sessions() -> Vec<Vec<u8>> {
    let play = |first: u8, messages: &[(u8, &str)]| {
        let framed = messages.iter().map(|(what, hex)| {
            let message = unhex(hex);
            [vec![*what, u8::try_from(message.len()).expect("a short message")], message].concat()
        });
        [vec![first], framed.collect::<Vec<_>>().concat()].concat()
    };
    let nam = "0101001123640ac068e36f00c4721dc04815ffff8000";
    let list = "08001601000012001200008000400121000280005000006edb00";
    let p = "ff".repeat(64);
    let (ms_key, generation) = (format!("020240{p}0103"), "0340".to_owned() + &"55".repeat(64));
    vec![
        play(0, &[(0, &ms_key), (2, &generation), (2, "05"), (2, "1900")]),
        play(0, &[(0, "06"), (2, nam), (2, list), (2, "05"), (2, "000400010203")]),
        play(1, &[(0, nam), (2, "09010003123456"), (2, nam), (2, "090101036543 21"), (2, "05")]),
        play(0, &[(1, list), (2, "0a80"), (2, "0700"), (2, list), (2, "05"), (2, "0a00")]),
        play(0, &[(0, "120100 03aabbcc00"), (2, "0c010002123400"), (0xF2, "05"), (2, "05"), (2, "110100")]),
    ]
}

/// An MMC document in either coding.
pub(super) fn document(octets: &[u8]) -> Depth {
    let mut scratch = vec![0; mmc::SCRATCH + 2 * octets.len()];
    match mmc::dump(mmc::guess(octets), octets, &mut scratch, &mut String::new()) {
        Ok(None) => Depth::Taken,
        Ok(Some(_)) => Depth::Unread,
        Err(_) => Depth::Failed,
    }
}

/// The documents of the fact sheet, and one in XML.
pub(super) fn documents() -> Vec<Vec<u8>> {
    let mut documents = vec![
        br#"<mmc version="1.0" session="A1" doc="1"><exec id="1" object="is683/msg"><data>Bg==</data></exec></mmc>"#
            .to_vec(),
    ];
    documents.extend(
        [
            "03016a00c505070341310008033100 01c90d0331000f014fc30106010101",
            "03016a00c5050703413100080332000189 0d0331000f120366310001890d0332000f12036632000101",
            "03016a00c505070341310008033400018d0d033100170101",
        ]
        .map(unhex),
    );
    documents
}
