use super::*;
use crate::is683::{Nid, Sid};
use proptest::collection::vec;
use proptest::prelude::*;
use std::vec::Vec;

/// A record of a list, as the values that a draft is made of.
#[derive(Clone, Debug)]
enum Acq {
    System(u8, u8),
    Standard(u8, u8, u8),
    Numbers(u8, Vec<u16>),
    Opaque(u8, Vec<u8>),
}

fn acquisition(format: PrlFormat) -> BoxedStrategy<Acq> {
    let both = prop_oneof![
        (prop_oneof![Just(1), Just(4)], 0..4_u8).prop_map(|(t, a_b)| Acq::System(t, a_b)),
        (prop_oneof![Just(2), Just(7)], 0..4_u8, 0..4_u8).prop_map(|(t, a_b, p)| Acq::Standard(t, a_b, p)),
        vec(0..8_u16, 0..8).prop_map(|n| Acq::Numbers(5, n)),
        (prop_oneof![Just(3), Just(6), Just(8), Just(9)], vec(0..2048_u16, 0..32))
            .prop_map(|(t, n)| Acq::Numbers(t, n)),
    ];
    if format == PrlFormat::Classic {
        return both.boxed();
    }
    prop_oneof![
        both,
        (10..12_u8, vec(any::<u16>(), 0..127)).prop_map(|(t, n)| Acq::Numbers(t, n)),
        (prop_oneof![Just(0), 12..=255_u8], vec(any::<u8>(), 0..=255)).prop_map(|(t, o)| Acq::Opaque(t, o)),
    ]
    .boxed()
}

#[derive(Clone, Debug)]
enum Id {
    Cdma(u16, u16),
    Hrpd(Vec<u8>, u8, Option<u16>),
    MccMnc(u8, Vec<(u16, u16)>),
}

type Sys = (Id, bool, bool, bool, u16, u8, Option<(u8, bool, bool)>);

fn system(format: PrlFormat) -> BoxedStrategy<Sys> {
    let nid = || prop_oneof![Just(0), Just(0xFFFF), any::<u16>()];
    let cdma = (0..0x8000_u16, nid()).prop_map(|(sid, nid)| Id::Cdma(sid, nid));
    let id = if format == PrlFormat::Classic {
        cdma.boxed()
    } else {
        prop_oneof![
            cdma,
            (vec(any::<u8>(), 16), 0..128_u8, proptest::option::of(0..8_u16))
                .prop_map(|(octets, bits, common)| Id::Hrpd(octets, bits, common)),
            (0..8_u8, vec(any::<(u16, u16)>(), 0..4))
                .prop_map(|(subtype, entries)| Id::MccMnc(subtype, entries)),
        ]
        .boxed()
    };
    let association = proptest::option::of(any::<(u8, bool, bool)>());
    (id, any::<bool>(), any::<bool>(), any::<bool>(), any::<u16>(), any::<u8>(), association).boxed()
}

/// Writes the list that the values describe, and reads it back.
fn list(format: PrlFormat, id: u16, acqs: &[Acq], syss: &[Sys]) -> Vec<u8> {
    let mut room: Vec<[u8; 256]> = std::vec![[0; 256]; acqs.len() + syss.len()];
    let mut room = room.iter_mut();
    let acquisitions: Vec<_> = acqs
        .iter()
        .map(|acq| {
            let buf = room.next().unwrap();
            let (acq_type, body) = match acq {
                Acq::System(t, a_b) => (*t, AcqBody::System(*a_b)),
                Acq::Standard(t, a_b, p) => (*t, AcqBody::Standard(*a_b, *p)),
                Acq::Numbers(t, n) => (*t, AcqBody::Numbers(Numbers::pack(AcqType(*t), n, buf).unwrap())),
                Acq::Opaque(t, octets) => (*t, AcqBody::Opaque(octets)),
            };
            AcquisitionRecord { acq_type: AcqType(acq_type), body }
        })
        .collect();
    let classic = format == PrlFormat::Classic;
    let systems: Vec<_> = syss
        .iter()
        .map(|(id, preferred, same_area, more, acq, roam, association)| {
            let buf = room.next().unwrap();
            let id = match id {
                Id::Cdma(sid, nid) => SystemId::Cdma(Sid::new(*sid).unwrap(), Nid(*nid)),
                Id::Hrpd(octets, bits, common) => {
                    SystemId::Hrpd { lsb: BitString::new(octets, *bits).unwrap(), common_offset: *common }
                }
                Id::MccMnc(subtype, entries) => {
                    let entries: Vec<_> = entries
                        .iter()
                        .filter(|_| (1..=3).contains(subtype))
                        .map(|(a, b)| match subtype {
                            1 => Entry::Sid(*a),
                            2 => Entry::SidNid(*a, *b),
                            _ => Entry::Subnet(BitString::new(&[0xA5; 4], (*a & 31) as u8).unwrap()),
                        })
                        .collect();
                    let entries = Entries::pack(*subtype, &entries, buf).unwrap();
                    SystemId::MccMnc { subtype: *subtype, mcc: 0x310, mnc: 0x00F, entries }
                }
            };
            SystemRecord {
                id,
                preferred: *preferred,
                same_area: *same_area,
                more_desirable: *more && (*preferred || !classic),
                acq_index: *acq % u16::try_from(acqs.len()).unwrap(),
                roam_ind: preferred.then_some(*roam),
                association: association.filter(|_| !classic).map(|(tag, pn, data)| Association {
                    tag,
                    pn,
                    data,
                }),
            }
        })
        .collect();
    let subnets: &[&[u8]] = if classic { &[] } else { &[&[1, 2, 3, 4], &[5, 6, 7]] };
    let draft = Draft {
        format,
        id: PrlId(id),
        pref_only: id & 1 == 1,
        def_roam_ind: 7,
        acquisitions: &acquisitions,
        subnets,
        systems: &systems,
    };
    let mut buf = std::vec![0xAA; 20_000];
    let octets = draft.emit(&mut buf).unwrap().to_vec();
    assert_eq!(draft.buffer_len(), octets.len());
    let prl = Prl::parse(format, &octets).unwrap();
    let header = prl.header();
    assert_eq!((header.id, header.pref_only, header.def_roam_ind), (draft.id, draft.pref_only, 7));
    assert!(prl.acquisitions().eq(acquisitions.iter().copied()));
    assert!(prl.subnets().eq(subnets.iter().copied()));
    assert!(prl.systems().eq(systems.iter().copied()));
    octets
}

/// The list checked where it lies, each octet read once, in the parts it is asked for.
fn check(format: PrlFormat, octets: &[u8]) -> Result<PrlHeader, PrlError> {
    let mut asked = 0;
    let result = check_in_place(format, octets.len(), |at, out| {
        assert_eq!(at, asked, "octets are read again, or out of order");
        asked += out.len();
        out.copy_from_slice(&octets[at..asked]);
        out.len()
    });
    assert!(asked <= octets.len());
    result
}

fn same(format: PrlFormat, octets: &[u8]) {
    let parsed = Prl::parse(format, octets).map(|prl| prl.header());
    match (parsed, check(format, octets)) {
        (Err(PrlError::Structure(_)), Err(PrlError::Structure(_))) => {}
        (parsed, checked) => assert_eq!(parsed, checked),
    }
}

fn formats() -> impl Strategy<Value = PrlFormat> {
    prop_oneof![Just(PrlFormat::Classic), Just(PrlFormat::Extended)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What is written is read back, and checked in place to the same end; also with its octets changed.
    #[test]
    fn lists_read_back(
        (format, acqs, syss) in formats().prop_flat_map(|f| (Just(f), vec(acquisition(f), 1..20), vec(system(f), 0..40))),
        id in any::<u16>(),
        damage in vec((any::<prop::sample::Index>(), 1..=255_u8), 1..4),
    ) {
        let mut octets = list(format, id, &acqs, &syss);
        same(format, &octets);
        same(if format == PrlFormat::Classic { PrlFormat::Extended } else { PrlFormat::Classic }, &octets);
        for (index, bits) in damage {
            let at = index.index(octets.len() - 2).max(2);
            octets[at] ^= bits;
            same(format, &octets);
            // With the right check value only the structure can tell.
            let body = octets.len() - 2;
            let crc = crc16(&octets[..body]);
            octets[body..].copy_from_slice(&crc.to_be_bytes());
            same(format, &octets);
        }
        same(format, &octets[..octets.len() - 1]);
    }
}

/// Some twelve kilobytes: the window moves along many times, over records of every length.
fn big() -> Vec<u8> {
    let acqs: Vec<_> = (0..60_u8)
        .map(|n| {
            if n % 2 == 0 {
                Acq::Opaque(200, std::vec![n; 200 + usize::from(n) / 2])
            } else {
                Acq::Numbers(11, (0..u16::from(n)).collect())
            }
        })
        .collect();
    let systems: Vec<_> =
        (0..400_u16).map(|n| (Id::Cdma(n, n), n % 5 != 0, true, false, n, 1, None)).collect();
    list(PrlFormat::Extended, 9, &acqs, &systems)
}

#[test]
fn every_flipped_bit_is_refused_in_place_too() {
    let small = list(
        PrlFormat::Classic,
        3,
        &[Acq::Standard(2, 0, 1)],
        &[(Id::Cdma(1, 5), true, false, true, 0, 0, None)],
    );
    assert_eq!(small.len(), 18);
    for bit in 0..small.len() * 8 {
        let mut list = small.clone();
        list[bit / 8] ^= 0x80 >> (bit % 8);
        assert!(check(PrlFormat::Classic, &list).is_err(), "bit {bit}");
    }
    let big = big();
    assert!(big.len() > 10_000, "{}", big.len());
    assert!(check(PrlFormat::Extended, &big).is_ok());
    for bit in (0..big.len() * 8).step_by(97) {
        let mut list = big.clone();
        list[bit / 8] ^= 0x80 >> (bit % 8);
        assert!(check(PrlFormat::Extended, &list).is_err(), "bit {bit}");
    }
}

#[test]
fn a_source_that_gives_too_little_is_a_wrong_length() {
    let big = big();
    for end in [0, 1, 300, big.len() - 2, big.len() - 1] {
        let result = check_in_place(PrlFormat::Extended, big.len(), |at, out| {
            let here = big[..end].get(at..).unwrap_or_default();
            let n = here.len().min(out.len());
            out[..n].copy_from_slice(&here[..n]);
            n
        });
        assert_eq!(result, Err(PrlError::Length), "{end}");
    }
}

#[test]
fn a_draft_refuses_what_its_format_cannot_say() {
    let acquisition = AcquisitionRecord { acq_type: AcqType::CELLULAR_ANALOG, body: AcqBody::System(0) };
    let system = SystemRecord {
        id: SystemId::Cdma(Sid::new(1).unwrap(), Nid::ANY),
        preferred: true,
        same_area: false,
        more_desirable: false,
        acq_index: 0,
        roam_ind: Some(1),
        association: None,
    };
    let draft = |format| Draft {
        format,
        id: PrlId(1),
        pref_only: false,
        def_roam_ind: 0,
        acquisitions: core::slice::from_ref(&acquisition),
        subnets: &[],
        systems: core::slice::from_ref(&system),
    };
    let kind = |draft: Draft<'_>| draft.emit(&mut [0; 600]).unwrap_err().kind;
    let classic = draft(PrlFormat::Classic);
    assert_eq!(kind(Draft { subnets: &[&[1]], ..classic }), ErrorKind::Unsupported);
    assert_eq!(kind(Draft { subnets: &[&[0; 16]], ..draft(PrlFormat::Extended) }), ErrorKind::LimitExceeded);
    let hrpd = SystemRecord {
        id: SystemId::Hrpd { lsb: BitString::new(&[], 0).unwrap(), common_offset: None },
        ..system
    };
    assert_eq!(kind(Draft { systems: &[hrpd], ..classic }), ErrorKind::Unsupported);
    let forbidden = SystemRecord { preferred: false, ..system };
    assert_eq!(kind(Draft { systems: &[forbidden], ..classic }), ErrorKind::BadValue);
    let far = SystemRecord { acq_index: 512, ..system };
    assert_eq!(kind(Draft { systems: &[far], ..classic }), ErrorKind::BadValue);
    let wrong = AcquisitionRecord { acq_type: AcqType::CELLULAR_ANALOG, body: AcqBody::Standard(0, 0) };
    assert_eq!(kind(Draft { acquisitions: &[wrong], ..classic }), ErrorKind::BadValue);
    let generic = AcquisitionRecord { acq_type: AcqType::UMB, body: AcqBody::Opaque(&[]) };
    assert_eq!(kind(Draft { acquisitions: &[generic], ..classic }), ErrorKind::Unsupported);
    assert_eq!(classic.emit(&mut [0; 10]).unwrap_err().kind, ErrorKind::NoRoom);
    assert_eq!(
        Numbers::pack(AcqType::PCS_BLOCKS, &[0; 8], &mut [0; 9]).unwrap_err().kind,
        ErrorKind::LimitExceeded
    );
    assert_eq!(Numbers::pack(AcqType::PCS_BLOCKS, &[8], &mut [0; 9]).unwrap_err().kind, ErrorKind::BadValue);
}
