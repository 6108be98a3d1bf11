//! Octets as hexadecimal text, and back.

use core::fmt::{self, Write};

/// Octets of a line of [`dump`].
const LINE: usize = 16;

/// Lower-case digits without spaces.
pub fn encode(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len() * 2);
    for octet in octets {
        let _ = write!(text, "{octet:02x}");
    }
    text
}

/// Why text is not hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotHex {
    /// This character, at this place in characters from 0, is neither a digit nor a separator.
    Character(char, usize),
    /// The number of digits is odd: this many.
    Odd(usize),
    /// There are no digits.
    Empty,
}

impl fmt::Display for NotHex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Character(character, at) => {
                write!(f, "character {character:?} at place {at} is no hexadecimal digit")
            }
            Self::Odd(digits) => {
                write!(f, "{digits} hexadecimal digits: a whole number of octets needs an even number")
            }
            Self::Empty => f.write_str("no hexadecimal digits"),
        }
    }
}

impl core::error::Error for NotHex {}

/// Reads digits; white space, `:` and `_` may stand between them.
pub fn decode(text: &str) -> Result<Vec<u8>, NotHex> {
    let mut digits = Vec::with_capacity(text.len());
    for (at, character) in text.chars().enumerate() {
        match character.to_digit(16).and_then(|digit| u8::try_from(digit).ok()) {
            Some(digit) => digits.push(digit),
            None if character.is_ascii_whitespace() || matches!(character, ':' | '_') => {}
            None => return Err(NotHex::Character(character, at)),
        }
    }
    match digits.len() {
        0 => Err(NotHex::Empty),
        count if count % 2 == 1 => Err(NotHex::Odd(count)),
        _ => Ok(digits
            .chunks_exact(2)
            .map(|pair| pair.iter().fold(0, |octet, digit| octet << 4 | digit))
            .collect()),
    }
}

/// Lines of 16 octets with offset and printable characters.
pub fn dump(octets: &[u8]) -> String {
    let mut text = String::new();
    for (line, octets) in octets.chunks(LINE).enumerate() {
        let _ = write!(text, "{:04x} ", line * LINE);
        for place in 0..LINE {
            match octets.get(place) {
                Some(octet) => drop(write!(text, " {octet:02x}")),
                None => text.push_str("   "),
            }
        }
        text.push_str("  ");
        text.extend(octets.iter().map(|octet| match octet {
            b' '..=b'~' => char::from(*octet),
            _ => '.',
        }));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_what_people_paste() {
        assert_eq!(decode("06 01\n0A:0b_ff"), Ok(vec![6, 1, 10, 11, 255]));
        assert_eq!(decode("061"), Err(NotHex::Odd(3)));
        assert_eq!(decode(" "), Err(NotHex::Empty));
        assert_eq!(decode("06x1"), Err(NotHex::Character('x', 2)));
        assert_eq!(decode(&encode(&[0, 127, 255])), Ok(vec![0, 127, 255]));
    }

    #[test]
    fn dumps_lines_of_sixteen() {
        let octets: Vec<u8> = (0x3C..0x4E).collect();
        assert_eq!(
            dump(&octets),
            "0000  3c 3d 3e 3f 40 41 42 43 44 45 46 47 48 49 4a 4b  <=>?@ABCDEFGHIJK\n\
             0010  4c 4d                                            LM\n"
        );
    }
}
