//! What each reverse message must be, octet by octet (C.S0016, `is683.md` §3).
//!
//! Written against the layouts with nothing but an octet reader: the device's own codec is not used here, so a mistake
//! in it cannot hide itself.

use crate::log::hex;
use kedge_protocol::wire::Reader;

/// What the operator expects in answer to one forward message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    /// Protocol Capability Response: these features, each with one of its revisions, must be offered.
    Capability(&'static [(u8, u8)]),
    /// Extended Protocol Capability Response with an MEID record.
    Meid,
    /// One result code for each block, in order: message type, block ids.
    Blocks(u8, Vec<u8>),
    /// PUZL Download Response: a result code for each block, in order, and no zone named.
    Zones(Vec<u8>),
    /// SSPR Configuration Response with the list's dimensions; the number is the block id asked for.
    Dimensions(u8),
    /// SSPR Download Response for this block id, offset and size.
    Segment { block: u8, offset: u16, size: u8 },
    /// Commit Response.
    Commit,
    /// OTAPA Response, with a challenge if the number assignment is protected.
    Otapa,
    /// MS Key Response.
    MsKey,
    /// Key Generation Response with the device's public value.
    KeyGeneration,
}

/// What a reverse message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Everything was accepted.
    Accepted,
    /// A well-formed answer with this result code.
    Refused(u8),
    /// The device's MEID.
    Meid([u8; 7]),
    /// The list the device has: its id and length in octets (0: none).
    Dimensions { id: u16, size: u16 },
    /// The challenge that has to be answered first: RAND_OTAPA.
    Challenge(u32),
    /// The device's public value.
    Public([u8; 64]),
    /// Not what the specification demands; in plain words.
    Wrong(String),
}

/// The result code that says "ask for the extended dimensions" (`is683.md` §4.3).
pub(crate) const PRL_FORMAT_MISMATCH: u8 = 0x23;

/// Reads `reverse` as the answer to what is expected.
pub(crate) fn judge(expect: &Expect, reverse: &[u8]) -> Verdict {
    let verdict = match expect {
        Expect::Capability(features) => capability(reverse, features),
        Expect::Meid => meid(reverse),
        Expect::Blocks(kind, blocks) => block_results(reverse, *kind, blocks),
        Expect::Zones(blocks) => zones(reverse, blocks),
        Expect::Dimensions(block) => dimensions(reverse, *block),
        Expect::Segment { block, offset, size } => segment(reverse, *block, *offset, *size),
        Expect::Commit => fixed(reverse, &[0x05]).map(Verdict::of),
        Expect::Otapa => otapa(reverse),
        Expect::MsKey => fixed(reverse, &[0x02]).map(Verdict::of),
        Expect::KeyGeneration => key_generation(reverse),
    };
    verdict.unwrap_or_else(|fault| Verdict::Wrong(format!("{fault}: {}", hex(reverse))))
}

impl Verdict {
    fn of(code: u8) -> Self {
        if code == 0 { Self::Accepted } else { Self::Refused(code) }
    }
}

type Read<T> = Result<T, String>;

/// A message of a known beginning and one result code.
fn fixed(reverse: &[u8], head: &[u8]) -> Read<u8> {
    match reverse.strip_prefix(head) {
        Some([code]) => Ok(*code),
        _ => Err(format!("not {} and a result code", hex(head))),
    }
}

/// Type, result code, then seven reserved bits and NAM_LOCK_IND; with it, RAND_OTAPA.
fn otapa(reverse: &[u8]) -> Read<Verdict> {
    match reverse {
        [0x0A, code, 0] => Ok(Verdict::of(*code)),
        [0x0A, 0, 1, a, b, c, d] => Ok(Verdict::Challenge(u32::from_be_bytes([*a, *b, *c, *d]))),
        _ => Err("not an OTAPA Response".to_owned()),
    }
}

/// Type, result code, MS_RESULT_LEN, MS_RESULT: of 64 octets, or none with a refusal.
fn key_generation(reverse: &[u8]) -> Read<Verdict> {
    match reverse {
        [0x03, 0, 64, public @ ..] => {
            public.try_into().map(Verdict::Public).map_err(|_| "MS_RESULT is not of 64 octets".to_owned())
        }
        [0x03, code, 0] if *code != 0 => Ok(Verdict::Refused(*code)),
        _ => Err("not a Key Generation Response".to_owned()),
    }
}

fn block_results(reverse: &[u8], kind: u8, blocks: &[u8]) -> Read<Verdict> {
    let count = u8::try_from(blocks.len()).map_err(|_| "too many blocks".to_owned())?;
    let results = reverse.strip_prefix(&[kind, count]).ok_or("wrong type or number of blocks")?;
    if results.len() != 2 * blocks.len() {
        return Err("wrong length".to_owned());
    }
    let mut refused = 0;
    for (result, block) in results.chunks(2).zip(blocks) {
        let [id, code] = result else { return Err("wrong length".to_owned()) };
        if id != block {
            return Err(format!("block id {id:02x} where {block:02x} was sent"));
        }
        if refused == 0 {
            refused = *code;
        }
    }
    Ok(Verdict::of(refused))
}

fn zones(reverse: &[u8], blocks: &[u8]) -> Read<Verdict> {
    let count = u8::try_from(blocks.len()).map_err(|_| "too many blocks".to_owned())?;
    let results = reverse.strip_prefix(&[0x0C, count]).ok_or("wrong type or number of blocks")?;
    let mut refused = 0;
    for (result, block) in results.chunks(3).zip(blocks) {
        match result {
            [id, code, 0] if id == block => refused = if refused == 0 { *code } else { refused },
            _ => return Err(format!("a result that is not block {block:02x}, code, no zone")),
        }
    }
    if results.len() == 3 * blocks.len() { Ok(Verdict::of(refused)) } else { Err("wrong length".to_owned()) }
}

fn segment(reverse: &[u8], block: u8, offset: u16, size: u8) -> Read<Verdict> {
    let mut reader = Reader::new(reverse);
    let mut next = || reader.u8().map_err(|e| e.to_string());
    if (next()?, next()?) != (0x08, block) {
        return Err("wrong type or block id".to_owned());
    }
    let code = next()?;
    let echoed = [next()?, next()?, next()?];
    reader.finish().map_err(|e| e.to_string())?;
    let [high, low] = offset.to_be_bytes();
    if echoed != [high, low, size] {
        return Err(format!("offset {offset} and size {size} are not echoed"));
    }
    Ok(Verdict::of(code))
}

fn dimensions(reverse: &[u8], block: u8) -> Read<Verdict> {
    let mut reader = Reader::new(reverse);
    let text = |e: kedge_protocol::wire::Error| e.to_string();
    if reader.array().map_err(text)? != [0x07, block] {
        return Err("wrong type or block id".to_owned());
    }
    let (code, len) = (reader.u8().map_err(text)?, reader.u8().map_err(text)?);
    let mut body = reader.sub(usize::from(len)).map_err(text)?;
    fresh_trailer(&mut reader)?;
    if code != 0 {
        return if len == 0 { Ok(Verdict::Refused(code)) } else { Err("a refusal with content".to_owned()) };
    }
    let [largest, size, id] =
        [body.u16().map_err(text)?, body.u16().map_err(text)?, body.u16().map_err(text)?];
    let rest = match block {
        0 => 3,
        _ => match body.u8().map_err(text)? {
            1 => 3,
            3 => 4,
            revision => return Err(format!("CUR_SSPR_P_REV {revision}")),
        },
    };
    body.take(rest).map_err(text)?;
    body.finish().map_err(text)?;
    if size > largest {
        return Err("a list larger than the largest".to_owned());
    }
    Ok(Verdict::Dimensions { id, size })
}

/// `FRESH_INCL` 0 with seven reserved zero bits, or nothing (old devices leave it out). No session here uses FRESH.
fn fresh_trailer(reader: &mut Reader<'_>) -> Read<()> {
    match reader.take_rest() {
        [] | [0] => Ok(()),
        other => Err(format!("FRESH trailer {}", hex(other))),
    }
}

fn capability(reverse: &[u8], wanted: &[(u8, u8)]) -> Read<Verdict> {
    let text = |e: kedge_protocol::wire::Error| e.to_string();
    let mut reader = Reader::new(reverse);
    if reader.u8().map_err(text)? != 0x06 {
        return Err("wrong type".to_owned());
    }
    reader.take(3).map_err(text)?; // MOB_FIRM_REV, MOB_MODEL
    features(&mut reader, wanted)?;
    let additional = reader.u8().map_err(text)?;
    if additional == 0 {
        return Err("no BAND_MODE_CAP".to_owned());
    }
    reader.take(usize::from(additional)).map_err(text)?;
    reader.finish().map_err(text)?;
    Ok(Verdict::Accepted)
}

fn meid(reverse: &[u8]) -> Read<Verdict> {
    let text = |e: kedge_protocol::wire::Error| e.to_string();
    let mut reader = Reader::new(reverse);
    if reader.u8().map_err(text)? != 0x10 {
        return Err("wrong type".to_owned());
    }
    reader.take(4).map_err(text)?; // OTASP_MOB_P_REV, MOB_FIRM_REV, MOB_MODEL
    features(&mut reader, &[])?;
    let mut found = None;
    for _ in 0..reader.u8().map_err(text)? {
        let (kind, len) = (reader.u8().map_err(text)?, reader.u8().map_err(text)?);
        let record = reader.take(usize::from(len)).map_err(text)?;
        if kind == 2 {
            found = Some(record.try_into().map_err(|_| format!("an MEID of {len} octets"))?);
        }
    }
    reader.finish().map_err(text)?;
    found.map(Verdict::Meid).ok_or("no MEID record".to_owned())
}

/// NUM_FEATURES and the features; each of `wanted` must be among them.
fn features(reader: &mut Reader<'_>, wanted: &[(u8, u8)]) -> Read<()> {
    let text = |e: kedge_protocol::wire::Error| e.to_string();
    let count = usize::from(reader.u8().map_err(text)?);
    let offered = reader.take(2 * count).map_err(text)?;
    for (feature, revision) in wanted {
        if !offered.chunks(2).any(|pair| pair == [*feature, *revision]) {
            return Err(format!("feature {feature} revision {revision} is not offered"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn octets(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    /// Every reverse vector of `is683.md` §13 that the activation meets.
    #[test]
    fn vectors() {
        let blocks = |kind, ids: &[u8]| Expect::Blocks(kind, ids.to_vec());
        let segment = |offset, size| Expect::Segment { block: 0, offset, size };
        for (message, expect, verdict) in [
            (
                "0601022a05000202010203030104010160",
                Expect::Capability(&[(0, 2), (2, 1), (3, 1)]),
                Verdict::Accepted,
            ),
            (
                "100401022a020002020302000280000207a1000000deadbe",
                Expect::Meid,
                Verdict::Meid([0xA1, 0, 0, 0, 0xDE, 0xAD, 0xBE]),
            ),
            ("0103020001000300", blocks(0x01, &[2, 1, 3]), Verdict::Accepted),
            ("09010000", blocks(0x09, &[0]), Verdict::Accepted),
            ("0901000b", blocks(0x09, &[0]), Verdict::Refused(0x0B)),
            ("0700000920000012000000400100", Expect::Dimensions(0), Verdict::Dimensions { id: 0, size: 18 }),
            ("080000000012", segment(0, 18), Verdict::Accepted),
            ("080009000a08", segment(10, 8), Verdict::Refused(0x09)),
            ("0500", Expect::Commit, Verdict::Accepted),
            ("050a", Expect::Commit, Verdict::Refused(0x0A)),
            ("0a0000", Expect::Otapa, Verdict::Accepted),
            ("0c02000000030700", Expect::Zones(vec![0, 3]), Verdict::Refused(7)),
            ("0a0600", Expect::Otapa, Verdict::Refused(6)),
            ("0a0001deadbeef", Expect::Otapa, Verdict::Challenge(0xDEAD_BEEF)),
            ("0200", Expect::MsKey, Verdict::Accepted),
            ("030300", Expect::KeyGeneration, Verdict::Refused(3)),
        ] {
            assert_eq!(judge(&expect, &octets(message)), verdict, "{message}");
        }
    }

    /// Cut short, lengthened, or answering something else: never accepted.
    #[test]
    fn altered_answers_are_wrong() {
        let good = [
            ("0601022a05000202010203030104010160", Expect::Capability(&[(0, 2)])),
            ("100401022a020002020302000280000207a1000000deadbe", Expect::Meid),
            ("0103020001000300", Expect::Blocks(0x01, vec![2, 1, 3])),
            ("07000009200000120000004001", Expect::Dimensions(0)),
            ("080000000012", Expect::Segment { block: 0, offset: 0, size: 18 }),
            ("0500", Expect::Commit),
            ("0a0000", Expect::Otapa),
            ("0c02000000030000", Expect::Zones(vec![0, 3])),
        ];
        for (index, (message, expect)) in good.iter().enumerate() {
            let message = octets(message);
            let wrong = |bytes: &[u8]| matches!(judge(expect, bytes), Verdict::Wrong(_));
            for n in 0..message.len() {
                assert!(wrong(&message[..n]), "{expect:?} cut to {n}");
            }
            assert!(wrong(&[&message[..], &[7]].concat()), "{expect:?} lengthened");
            for (other, (_, different)) in good.iter().enumerate() {
                if other != index {
                    assert!(matches!(judge(different, &message), Verdict::Wrong(_)), "{different:?}");
                }
            }
        }
    }

    #[test]
    fn blocks_in_another_order_or_number() {
        let expect = Expect::Blocks(0x01, vec![0, 1]);
        assert_eq!(judge(&expect, &octets("010200000100")), Verdict::Accepted);
        assert_eq!(judge(&expect, &octets("010200000104")), Verdict::Refused(4));
        for wrong in ["010201000000", "01010000", "010200000200", "0103000001000200"] {
            assert!(matches!(judge(&expect, &octets(wrong)), Verdict::Wrong(_)), "{wrong}");
        }
    }

    #[test]
    fn refused_dimensions_have_no_content() {
        assert_eq!(
            judge(&Expect::Dimensions(0), &octets("0700230000")),
            Verdict::Refused(PRL_FORMAT_MISMATCH)
        );
        assert!(matches!(judge(&Expect::Dimensions(0), &octets("070023010000")), Verdict::Wrong(_)));
        let extended = octets("0702000b200000120000030040000100");
        assert_eq!(judge(&Expect::Dimensions(2), &extended), Verdict::Dimensions { id: 0, size: 18 });
    }
}
