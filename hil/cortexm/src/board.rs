//! QEMU's `mps2-an386` as a device: a Cortex-M4, its console, its restart, and what it is told at power-on.
//!
//! ```text
//!  0x0000_0000  static RAM   the boot stage, 256 KiB, where the processor starts
//!  0x0010_0000               the image that the boot stage loads, 256 KiB
//!  0x2000_0000  static RAM   data and stack of either, 128 KiB
//!  0x2100_0000  16 MiB RAM   a file of the host: the flash                         [`flash`](crate::flash), [`product`]
//!  0x21ff_f000               in the same file: what the flash is doing             [`NOTED`]
//! ```
//! Arguments of the emulator, `name=value`, stand for straps: `layout=in-place`, `seed=HEX`, `new=faulty` (an image on trial
//! finds itself broken, and is never confirmed), `time=SECONDS` (since 1970, what the clock shows at power-on), `issuer=HEX` (the
//! public key that licenses are signed with), `cut=OPERATION:before`, `:torn`, `:after` (where the power fails).

use core::fmt;
use core::time::Duration;

use observed::black_box::BlackBox;
use observed::console::{Port, from_hex};
use observed::fuse::Fuse;

use crate::{product, timer};

/// The large RAM.
pub const LARGE: usize = 0x2100_0000;
/// What the board notes for the host.
// SAFETY: the large RAM has 16 MiB, and nothing else is kept in its last page.
pub const NOTED: BlackBox = unsafe { BlackBox::new(LARGE, product::SECTOR) };
/// Octets of all arguments together.
const ROOM: usize = 512;

/// How a program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All is well: the machine is switched off.
    Off,
    /// Something failed, as the console says.
    Failed,
    /// It starts again, boot stage first.
    Restart,
}

/// Does it.
pub fn leave(exit: Exit) -> ! {
    match exit {
        Exit::Off => semihosting::process::exit(0),
        Exit::Failed => semihosting::process::exit(1),
        Exit::Restart => cortex_m::peripheral::SCB::sys_reset(),
    }
}

/// The time since power-on. With `-icount shift=0` an instruction takes a nanosecond.
pub fn uptime() -> Duration {
    Duration::from_nanos(timer::instructions())
}

/// What the board is told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Straps {
    /// One image region instead of two slots.
    pub in_place: bool,
    /// An image on trial finds itself broken.
    pub faulty: bool,
    /// Where "random" octets come from.
    pub seed: u32,
    /// What the clock shows at power-on, in seconds since 1970.
    pub time: Option<u64>,
    /// The issuer of licenses.
    pub issuer: [u8; 32],
    /// Where the power fails.
    pub cut: Fuse,
}

impl Straps {
    /// Reads them; the error is the argument that is none.
    pub fn read() -> Result<Self, &'static str> {
        let mut straps = Self::default();
        let Ok(args) = semihosting::experimental::env::args::<ROOM>() else { return Err("too many") };
        for arg in (&args).into_iter().skip(1) {
            let (name, value) = arg.ok().and_then(|arg| arg.split_once('=')).ok_or("name=value")?;
            straps.set(name, value).ok_or("unknown, or its value is")?;
        }
        Ok(straps)
    }

    fn set(&mut self, name: &str, value: &str) -> Option<()> {
        match name {
            "layout" => self.in_place = value == "in-place",
            "new" => self.faulty = value == "faulty",
            "seed" => self.seed = u32::from_str_radix(value, 16).ok()?,
            "time" => self.time = Some(value.parse().ok()?),
            "issuer" => _ = from_hex(value, &mut self.issuer).filter(|octets| octets.len() == 32)?,
            "cut" => self.cut = Fuse::parse(value)?,
            _ => return None,
        }
        Some(())
    }
}

/// The serial console: the first CMSDK UART of the board. Holds nothing: the hardware is the state.
pub struct Uart;

const UART: usize = 0x4000_4000;
const STATE: usize = 0x4;
const CONTROL: usize = 0x8;
const BAUD_DIVIDER: usize = 0x10;
/// Bits of the state: the next octet may not be sent yet; one has arrived.
const FULL: u32 = 0x1;
const ARRIVED: u32 = 0x2;

impl Uart {
    /// Switches both directions on.
    pub fn start() {
        set(BAUD_DIVIDER, 16);
        set(CONTROL, 3);
    }
}

impl Port for Uart {
    fn receive(&mut self) -> Option<u8> {
        (get(STATE) & ARRIVED != 0).then(|| get(0).to_le_bytes()[0])
    }

    fn send(&mut self, octet: u8) {
        while get(STATE) & FULL != 0 {
            core::hint::spin_loop();
        }
        set(0, octet.into());
    }
}

impl fmt::Write for Uart {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().for_each(|octet| self.send(octet));
        Ok(())
    }
}

fn get(register: usize) -> u32 {
    // SAFETY: a register of the UART; reading the data register takes the octet that arrived, and nothing else.
    unsafe { core::ptr::with_exposed_provenance::<u32>(UART + register).read_volatile() }
}

fn set(register: usize, value: u32) {
    // SAFETY: a register of the UART; writing it has no effect on memory.
    unsafe { core::ptr::with_exposed_provenance_mut::<u32>(UART + register).write_volatile(value) }
}

/// Prints a line on the console.
#[macro_export]
macro_rules! say {
    ($($argument:tt)*) => {{
        use core::fmt::Write as _;
        // writing to the UART cannot fail
        let _ = writeln!($crate::board::Uart, $($argument)*);
    }};
}
