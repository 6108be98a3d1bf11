//! The console: lines, and octets in them.

use core::fmt;

/// A serial port.
pub trait Port {
    /// The next octet that arrived, if one did.
    fn receive(&mut self) -> Option<u8>;
    /// Sends an octet; waits until it may.
    fn send(&mut self, octet: u8);
}

/// The next line that arrives, without its end, as much of it as `line` takes. Waits for it.
pub fn line<'l>(port: &mut impl Port, line: &'l mut [u8]) -> &'l str {
    let mut len = 0;
    loop {
        match port.receive() {
            Some(b'\n' | b'\r') => break,
            Some(octet) => {
                if let Some(place) = line.get_mut(len) {
                    *place = octet;
                    len += 1;
                }
            }
            None => core::hint::spin_loop(),
        }
    }
    core::str::from_utf8(&line[..len]).unwrap_or_default().trim()
}

/// Octets in hexadecimal, `-` for none.
#[derive(Clone, Copy, Debug)]
pub struct Hex<'a>(pub &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("-");
        }
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// Reads hexadecimal into `octets`; `None` for anything else, and for more than there is room for.
pub fn from_hex<'o>(text: &str, octets: &'o mut [u8]) -> Option<&'o [u8]> {
    let digits = text.as_bytes().chunks(2);
    let read = octets.get_mut(..digits.len())?;
    for (octet, pair) in read.iter_mut().zip(digits) {
        let pair = core::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
        *octet = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(read)
}
