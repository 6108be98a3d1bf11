//! The bytes to inspect: from a file, from the standard input, or given as hexadecimal text.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};

use crate::hex;

/// More than any message or package that the formats allow on a device; a wrong path must not fill the memory.
const LIMIT: u64 = 64 * 1024 * 1024;
/// The same for the files of `kedge delta`: the largest image as Intel HEX, which is less than three times as long.
const FILE_LIMIT: u64 = 3 << 30;

/// The octets that `source` names: `-` is the standard input, an existing path a file, everything else must be
/// hexadecimal. Files and the standard input may hold hexadecimal text too.
pub(super) fn octets(source: &str) -> anyhow::Result<Vec<u8>> {
    if source == "-" {
        return Ok(unhex(read(std::io::stdin().lock()).context("standard input")?));
    }
    let path = Path::new(source);
    if path.is_file() {
        let file = std::fs::File::open(path).with_context(|| source.to_owned())?;
        return Ok(unhex(read(file).with_context(|| source.to_owned())?));
    }
    match hex::decode(source) {
        Ok(octets) => Ok(octets),
        Err(not_hex) => {
            bail!("{source:?} is neither a file nor hexadecimal ({not_hex})")
        }
    }
}

/// The octets of an image, package or key file, as they are.
pub(super) fn file(path: &Path) -> anyhow::Result<Vec<u8>> {
    let file = std::fs::File::open(path).with_context(|| path.display().to_string())?;
    read_at_most(file, FILE_LIMIT).with_context(|| path.display().to_string())
}

fn read(source: impl Read) -> anyhow::Result<Vec<u8>> {
    read_at_most(source, LIMIT)
}

fn read_at_most(source: impl Read, limit: u64) -> anyhow::Result<Vec<u8>> {
    let mut octets = Vec::new();
    source.take(limit + 1).read_to_end(&mut octets)?;
    if octets.len() as u64 > limit {
        bail!("more than {limit} octets");
    }
    Ok(octets)
}

/// The octets that a file of hexadecimal text means, or the file as it is. No format that can be inspected begins with
/// two hexadecimal digits in ASCII and goes on with nothing else.
fn unhex(file: Vec<u8>) -> Vec<u8> {
    let begins = file.iter().take(2).filter(|octet| octet.is_ascii_hexdigit()).count() == 2;
    let text = if begins { std::str::from_utf8(&file).ok() } else { None };
    match text.map(hex::decode) {
        Some(Ok(octets)) => octets,
        _ => file,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_text_in_a_file_is_read_as_what_it_means() {
        assert_eq!(unhex(b"0301\n6a00\n".to_vec()), [3, 1, 0x6A, 0]);
        assert_eq!(unhex(b"<a/>".to_vec()), b"<a/>");
        assert_eq!(unhex(vec![0x0A, 0x30, 0x30]), [0x0A, 0x30, 0x30]);
        assert_eq!(unhex(b"03z1".to_vec()), b"03z1");
    }

    #[test]
    fn what_is_neither_file_nor_hexadecimal_is_named() {
        let error = octets("no-such-file.bin").unwrap_err().to_string();
        assert_eq!(
            error,
            "\"no-such-file.bin\" is neither a file nor hexadecimal (character 'n' at place 0 is no hexadecimal digit)"
        );
    }
}
