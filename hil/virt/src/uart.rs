//! The serial console: the first NS16550A of the board.

use core::fmt;

const BASE: usize = 0x1000_0000;
const LINE_STATUS: usize = 5;
/// An octet has arrived.
const DATA_READY: u8 = 0x01;
/// The next octet may be sent.
const TRANSMITTER_EMPTY: u8 = 0x20;

/// The console. Holds nothing: the hardware is the state.
pub struct Uart;

impl Uart {
    /// The next line that arrives, without its end, as much of it as `line` takes. Waits for it.
    pub fn line<'l>(&mut self, line: &'l mut [u8]) -> &'l str {
        let mut len = 0;
        loop {
            match self.receive() {
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

    /// The next octet that arrived, if one did.
    fn receive(&mut self) -> Option<u8> {
        (register(LINE_STATUS) & DATA_READY != 0).then(|| register(0))
    }

    fn send(&mut self, octet: u8) {
        while register(LINE_STATUS) & TRANSMITTER_EMPTY == 0 {
            core::hint::spin_loop();
        }
        // SAFETY: the data register of the board's UART; writing it has no effect on memory.
        unsafe { core::ptr::with_exposed_provenance_mut::<u8>(BASE).write_volatile(octet) }
    }
}

impl fmt::Write for Uart {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().for_each(|octet| self.send(octet));
        Ok(())
    }
}

fn register(offset: usize) -> u8 {
    // SAFETY: a register of the board's UART; `offset` is 0 or LINE_STATUS, both readable at any time.
    unsafe { core::ptr::with_exposed_provenance::<u8>(BASE + offset).read_volatile() }
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

/// Prints a line on the console.
#[macro_export]
macro_rules! say {
    ($($argument:tt)*) => {{
        use core::fmt::Write as _;
        // writing to the UART cannot fail
        let _ = writeln!($crate::uart::Uart, $($argument)*);
    }};
}
