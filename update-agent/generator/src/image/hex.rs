//! Intel HEX (Intel, "Hexadecimal Object File Format Specification", revision A, 1988).

use super::{Error, HexFault, pieces::Pieces};

/// Whether a file starts with a record.
pub(super) fn is(file: &[u8]) -> bool {
    let line = file.split(|octet| matches!(octet, b'\r' | b'\n')).next().unwrap_or_default();
    record(line).is_ok_and(|record| record.len() >= 5)
}

/// The flash content of a file.
pub(super) fn read(file: &[u8]) -> Result<Pieces, Error> {
    let mut pieces = Pieces::default();
    let mut base = 0_u32;
    let mut number = 0;
    for (at, line) in file.split(|octet| *octet == b'\n').enumerate() {
        number = at + 1;
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        match apply(line, &mut base, &mut pieces) {
            Ok(More::Yes) => {}
            Ok(More::End) => return Ok(pieces),
            Err(fault) => return Err(Error::Hex { line: number, fault }),
        }
    }
    Err(Error::Hex { line: number, fault: HexFault::NoEnd })
}

enum More {
    Yes,
    End,
}

fn apply(line: &[u8], base: &mut u32, pieces: &mut Pieces) -> Result<More, HexFault> {
    let record = record(line)?;
    let [len, high, low, kind, content @ .., _checksum] = record.as_slice() else {
        return Err(HexFault::Length);
    };
    if usize::from(*len) != content.len() {
        return Err(HexFault::Length);
    }
    if record.iter().fold(0_u8, |sum, octet| sum.wrapping_add(*octet)) != 0 {
        return Err(HexFault::Checksum);
    }
    match (kind, content) {
        (0, content) => {
            let address =
                base.checked_add(u32::from(u16::from_be_bytes([*high, *low]))).ok_or(HexFault::Address)?;
            if !pieces.push(address, content) {
                return Err(HexFault::Address);
            }
        }
        (1, []) => return Ok(More::End),
        (2, [high, low]) => *base = u32::from(u16::from_be_bytes([*high, *low])) << 4,
        (4, [high, low]) => *base = u32::from(u16::from_be_bytes([*high, *low])) << 16,
        (3 | 5, [_, _, _, _]) => {} // where the program starts: not flash content
        (0..=5, _) => return Err(HexFault::Length),
        _ => return Err(HexFault::RecordType),
    }
    Ok(More::Yes)
}

/// The octets of a record.
fn record(line: &[u8]) -> Result<Vec<u8>, HexFault> {
    let [b':', digits @ ..] = line else { return Err(HexFault::Syntax) };
    let (pairs, []) = digits.as_chunks::<2>() else { return Err(HexFault::Syntax) };
    let octets: Option<Vec<u8>> =
        pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
    octets.ok_or(HexFault::Syntax)
}

fn digit(character: u8) -> Option<u8> {
    char::from(character).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_put_together() {
        let file = b":020000040800F2\r\n:0400000001020304F2\n:0200100005 06\n";
        assert_eq!(read(file).err(), Some(Error::Hex { line: 3, fault: HexFault::Syntax }));
        let file = b":020000040800F2\r\n:0400000001020304F2\r\n:020006000506ED\r\n:04000005080000C12E\r\n:00000001FF\r\n";
        assert!(is(file));
        let flat = read(file).unwrap().flatten().unwrap();
        assert_eq!(flat.address, 0x0800_0000);
        assert_eq!(flat.octets, [1, 2, 3, 4, 0xff, 0xff, 5, 6]);
    }

    #[test]
    fn segments_of_sixteen_octets() {
        let flat = read(b":020000021000EC\n:0100020055A8\n:00000001FF\n").unwrap().flatten().unwrap();
        assert_eq!((flat.address, flat.octets), (0x1_0002, vec![0x55]));
    }

    #[test]
    fn faults_are_named_with_their_line() {
        let fault = |file: &[u8]| match read(file) {
            Err(Error::Hex { line, fault }) => (line, fault),
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("read"),
        };
        assert_eq!(fault(b":00000001FE\n"), (1, HexFault::Checksum));
        assert_eq!(fault(b":01000000FF\n"), (1, HexFault::Length));
        assert_eq!(fault(b":0100000100FE\n"), (1, HexFault::Length));
        assert_eq!(fault(b":00000006FA\n"), (1, HexFault::RecordType));
        assert_eq!(fault(b":0100000000FF\n\nhello\n"), (3, HexFault::Syntax));
        assert_eq!(fault(b":0100000000FF"), (1, HexFault::NoEnd));
        assert_eq!(fault(b":02000004FFFFFC\n:02FFFF000102FD\n"), (2, HexFault::Address));
    }

    #[test]
    fn other_files_are_not_taken_for_it() {
        assert!(!is(b""));
        assert!(!is(b":"));
        assert!(!is(b":1234567"));
        assert!(!is(b"\x7fELF"));
        assert!(!is(b": a comment"));
    }
}
