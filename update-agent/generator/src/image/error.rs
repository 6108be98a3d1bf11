use std::fmt;

/// Why a file could not be read as firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// It holds no octets of an image.
    Empty,
    /// The image is larger than [`MAX_LEN`](super::MAX_LEN).
    TooLarge,
    /// It starts as Intel HEX, but a line is not.
    Hex {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        fault: HexFault,
    },
    /// It starts as UF2, but a block is not.
    Uf2 {
        /// The block, counted from 0.
        block: usize,
        /// What is wrong with it.
        fault: Uf2Fault,
    },
    /// Two records put octets at the same address.
    Overlap {
        /// The first address that is written twice.
        address: u32,
    },
}

/// What is wrong with a line of Intel HEX.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HexFault {
    /// Not a colon and pairs of hexadecimal digits.
    Syntax,
    /// The length field does not fit the line, or the record type.
    Length,
    /// The octets of the line do not add up to zero.
    Checksum,
    /// A record type that is not one of 00 to 05.
    RecordType,
    /// The data would pass the end of the 32-bit address space.
    Address,
    /// The file ends without an end record.
    NoEnd,
}

/// What is wrong with a block of UF2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Uf2Fault {
    /// One of the three magic words is missing.
    Magic,
    /// The block is shorter than 512 octets.
    Truncated,
    /// It claims more octets than a block holds.
    Length,
    /// The data would pass the end of the 32-bit address space.
    Address,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the file holds no octets of an image"),
            Self::TooLarge => f.write_str("the image is larger than 1 GiB"),
            Self::Hex { line, fault } => write!(f, "Intel HEX, line {line}: {fault}"),
            Self::Uf2 { block, fault } => write!(f, "UF2, block {block}: {fault}"),
            Self::Overlap { address } => write!(f, "two records hold octets for the address {address:#x}"),
        }
    }
}

impl fmt::Display for HexFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax => "not a colon and pairs of hexadecimal digits",
            Self::Length => "the length does not fit",
            Self::Checksum => "the checksum does not fit",
            Self::RecordType => "unknown record type",
            Self::Address => "data past the end of the address space",
            Self::NoEnd => "the end record is missing",
        })
    }
}

impl fmt::Display for Uf2Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Magic => "a magic word is missing",
            Self::Truncated => "shorter than 512 octets",
            Self::Length => "more data claimed than a block holds",
            Self::Address => "data past the end of the address space",
        })
    }
}

impl std::error::Error for Error {}
