//! The serial console: the first NS16550A of the board.

use core::fmt;
use observed::console::{self, Port};
pub use observed::console::{Hex, from_hex};

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
        console::line(self, line)
    }
}

impl Port for Uart {
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

/// Prints a line on the console.
#[macro_export]
macro_rules! say {
    ($($argument:tt)*) => {{
        use core::fmt::Write as _;
        // writing to the UART cannot fail
        let _ = writeln!($crate::uart::Uart, $($argument)*);
    }};
}
