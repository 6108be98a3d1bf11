//! Messages for people: one line of explanation, or every field with its offset. Both run the parser itself with an
//! observer, so they cannot disagree with it; unlike the parser they also look into every block, and stop at the first
//! fault anywhere. Secrets (service programming code, signatures, shared secrets) are never shown.
use super::digits::{Imsi1112, Mcc, Mdn, Min};
use super::fields::{OctetString, Show, Trace};
use super::packet::read_message;
use super::{Direction, MAX_MESSAGE, MsgType, Packet};
use crate::wire::{Error, ErrorKind};
use core::fmt::{self, Write};

/// Octets of an octet string in a one-line explanation; the rest is counted.
const LINE_OCTETS: usize = 12;

/// Octets of an octet string per line of a dump.
const ROW_OCTETS: usize = 16;

/// Writes each field of a message on a line of its own: octet and bit offset, width in bits, name, value, meaning. A
/// broken message is shown up to the fault, which is named, and the octets from there on follow; the fault is also
/// returned. `NoRoom` means that `out` refused text.
pub fn dump(direction: Direction, bytes: &[u8], out: &mut impl Write) -> Result<(), Error> {
    let mut lines = Lines { out, depth: 0, result: Ok(()) };
    let read = match Packet::new_checked(direction, bytes) {
        Ok(packet) => {
            lines.title(packet.msg_type(), direction);
            read_message(&packet, &mut lines).map(|_| ())
        }
        Err(e) => Err(e),
    };
    if let Err(e) = read {
        lines.fault(e, bytes);
    }
    lines.result.map_err(|fmt::Error| Error::new(ErrorKind::NoRoom, 0))?;
    read
}

impl<T: AsRef<[u8]>> fmt::Display for Packet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_name(f, self.msg_type(), self.direction())?;
        let Ok(packet) = Packet::new_checked(self.direction(), self.bytes()) else { return Ok(()) };
        let mut line = Line { out: f, separator: ": ", result: Ok(()) };
        let read = read_message(&packet, &mut line);
        line.result?;
        read.map_or_else(|e| write!(f, " [{e}]"), |_| Ok(()))
    }
}

/// Explains a value by writing it first, because all explanations come from reading.
pub(crate) fn explain_value(
    direction: Direction,
    f: &mut fmt::Formatter<'_>,
    emit: impl for<'b> FnOnce(&'b mut [u8]) -> Result<&'b [u8], Error>,
) -> fmt::Result {
    let mut buf = [0; MAX_MESSAGE];
    match emit(&mut buf).and_then(|bytes| Packet::new_checked(direction, bytes)) {
        Ok(packet) => write!(f, "{packet}"),
        Err(e) => write!(f, "[{e}]"),
    }
}

fn write_name(out: &mut impl Write, msg_type: MsgType, direction: Direction) -> fmt::Result {
    write!(out, "{msg_type} {}", direction.suffix())
}

/// One line per field.
struct Lines<'w, W> {
    out: &'w mut W,
    depth: usize,
    result: fmt::Result,
}

impl<W: Write> Lines<'_, W> {
    /// Writes unless writing failed before.
    fn write(&mut self, write: impl FnOnce(&mut W, usize) -> fmt::Result) {
        if self.result.is_ok() {
            self.result = write(self.out, self.depth.saturating_mul(2));
        }
    }

    fn title(&mut self, msg_type: MsgType, direction: Direction) {
        self.write(|out, _| {
            write_name(out, msg_type, direction)?;
            out.write_char('\n')
        });
    }

    fn fault(&mut self, fault: Error, bytes: &[u8]) {
        self.write(|out, _| {
            writeln!(out, "!! {fault}")?;
            let rest = bytes.get(fault.at..).unwrap_or_default();
            write_rows(out, fault.at, 0, OctetString::new(rest))
        });
    }
}

impl<W: Write> Trace for Lines<'_, W> {
    const ON: bool = true;

    fn field(&mut self, name: &'static str, bit: usize, width: u32, value: u64, show: Show) {
        self.write(|out, indent| {
            write!(out, "{:5}.{} {width:3}  {:indent$}{name} = ", bit >> 3, bit & 7, "")?;
            write_value(out, width, value, show)?;
            out.write_char('\n')
        });
    }

    fn octets(&mut self, name: &'static str, bit: usize, value: OctetString<'_>, secret: bool) {
        self.write(|out, indent| {
            let width = value.len().saturating_mul(8);
            write!(out, "{:5}.{} {width:3}  {:indent$}{name} = ", bit >> 3, bit & 7, "")?;
            if secret {
                out.write_str("(secret)\n")
            } else if is_text(value) {
                writeln!(out, "\"{value}\"")
            } else {
                writeln!(out, "{} octets", value.len())?;
                write_rows(out, bit >> 3, indent, value)
            }
        });
    }

    fn open(&mut self, title: &'static str) {
        self.write(|out, indent| writeln!(out, "{:13}{:indent$}[{title}]", "", ""));
        self.depth = self.depth.saturating_add(1);
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }
}

/// All fields on one line.
struct Line<'w, 'f> {
    out: &'w mut fmt::Formatter<'f>,
    separator: &'static str,
    result: fmt::Result,
}

impl Line<'_, '_> {
    fn item(&mut self, write: impl FnOnce(&mut fmt::Formatter<'_>) -> fmt::Result) {
        if self.result.is_ok() {
            self.result = self.out.write_str(self.separator).and_then(|()| write(self.out));
        }
        self.separator = ", ";
    }
}

impl Trace for Line<'_, '_> {
    const ON: bool = true;

    fn field(&mut self, name: &'static str, bit: usize, width: u32, value: u64, show: Show) {
        if bit != 0 {
            self.item(|out| {
                write!(out, "{name} ")?;
                write_value(out, width, value, show)
            });
        }
    }

    fn octets(&mut self, name: &'static str, _: usize, value: OctetString<'_>, secret: bool) {
        self.item(|out| {
            write!(out, "{name} ")?;
            if secret {
                return out.write_str("(secret)");
            }
            if is_text(value) {
                return write!(out, "\"{value}\"");
            }
            value.iter().take(LINE_OCTETS).try_for_each(|b| write!(out, "{b:02x}"))?;
            match value.len().saturating_sub(LINE_OCTETS) {
                0 => Ok(()),
                more => write!(out, "..(+{more})"),
            }
        });
    }

    fn open(&mut self, title: &'static str) {
        self.item(|out| write!(out, "{title} {{"));
        self.separator = "";
    }

    fn close(&mut self) {
        if self.result.is_ok() {
            self.result = self.out.write_char('}');
        }
        self.separator = ", ";
    }
}

fn is_text(value: OctetString<'_>) -> bool {
    value.iter().all(|b| matches!(b, b' '..=b'~'))
}

fn write_rows(out: &mut impl Write, mut at: usize, indent: usize, value: OctetString<'_>) -> fmt::Result {
    for (n, octet) in value.iter().enumerate() {
        if n % ROW_OCTETS == 0 {
            if n != 0 {
                out.write_char('\n')?;
            }
            write!(out, "{at:5}        {:indent$}", "")?;
            at = at.saturating_add(ROW_OCTETS);
        }
        write!(out, " {octet:02x}")?;
    }
    if value.is_empty() { Ok(()) } else { out.write_char('\n') }
}

fn write_value(out: &mut impl Write, width: u32, value: u64, show: Show) -> fmt::Result {
    let small = u16::try_from(value).ok();
    let octet = u8::try_from(value).ok();
    match show {
        Show::Dec => write!(out, "{value}"),
        Show::Hex => write!(out, "0x{value:0digits$x}", digits = width.div_ceil(4) as usize),
        Show::Flag => out.write_str(if value == 1 { "yes" } else { "no" }),
        Show::Text(Some(text)) => write!(out, "{value} ({text})"),
        Show::Text(None) => write!(out, "{value} (unknown)"),
        Show::Mcc => write_digits(out, value, small.and_then(Mcc::from_code)),
        Show::Imsi1112 => write_digits(out, value, octet.and_then(Imsi1112::from_code)),
        Show::ImsiS => write_digits(out, value, Min::from_code(value)),
        Show::Digit => write_digits(out, value, octet.and_then(Mdn::digit_of_code).map(char::from)),
        Show::Ip => {
            let [a, b, c, d] = u32::try_from(value).unwrap_or(u32::MAX).to_be_bytes();
            write!(out, "{a}.{b}.{c}.{d}")
        }
        Show::Secret => out.write_str("(secret)"),
    }
}

fn write_digits(out: &mut impl Write, value: u64, digits: Option<impl fmt::Display>) -> fmt::Result {
    match digits {
        Some(digits) => write!(out, "{digits}"),
        None => write!(out, "{value} (no digits)"),
    }
}
