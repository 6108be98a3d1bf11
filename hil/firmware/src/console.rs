//! The serial console: one command a line.

use crate::cfi_nor::{self, CfiNor};
use crate::uart::Uart;
use crate::{Exit, product, say, self_check};
use kedge_update_agent::Update;

/// A command: its name, what it does, and how. `Some` ends the program.
struct Command(&'static str, &'static str, fn(&str, &mut CfiNor) -> Option<Exit>);

const COMMANDS: &[Command] = &[
    Command("version", "show product and release", version),
    Command("check", "check the codecs again", check),
    Command("flash", "check the flash driver on a sector of its own", flash),
    Command("update", "show the state of the update agent", update),
    #[cfg(feature = "v2")]
    Command("wbxml", "decode a document given in hexadecimal", decode::wbxml),
    #[cfg(feature = "v2")]
    Command("push", "decode a push given in hexadecimal", decode::push),
    Command("restart", "start again, boot stage first", |_, _| Some(Exit::Restart)),
    Command("exit", "end the program", |_, _| Some(Exit::Done)),
];

/// Longest line; more is cut off.
const LINE: usize = 512;

/// Reads and runs commands until one ends the program.
pub fn run(device: &mut CfiNor) -> Exit {
    say!("ready; commands: {}", Names);
    let mut line = [0; LINE];
    loop {
        let line = read_line(&mut line);
        let (name, argument) = line.split_once(' ').unwrap_or((line, ""));
        match COMMANDS.iter().find(|command| command.0 == name) {
            Some(command) => {
                if let Some(exit) = command.2(argument.trim(), device) {
                    return exit;
                }
            }
            None if name.is_empty() => {}
            None => COMMANDS.iter().for_each(|Command(name, help, _)| say!("{name:<10}{help}")),
        }
    }
}

struct Names;

impl core::fmt::Display for Names {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        COMMANDS.iter().try_for_each(|command| write!(f, "{} ", command.0))
    }
}

fn read_line(line: &mut [u8; LINE]) -> &str {
    let mut len = 0;
    loop {
        match Uart.receive() {
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

fn version(_: &str, _: &mut CfiNor) -> Option<Exit> {
    say!("{} {}", product::NAME, product::VERSION);
    None
}

fn check(_: &str, _: &mut CfiNor) -> Option<Exit> {
    (!self_check::all()).then_some(Exit::Failed)
}

fn flash(_: &str, device: &mut CfiNor) -> Option<Exit> {
    match cfi_nor::check(device, product::CHECK.start) {
        Ok(()) => {
            say!("flash: ok");
            None
        }
        Err(error) => {
            say!("flash: {error:?}");
            Some(Exit::Failed)
        }
    }
}

fn update(_: &str, device: &mut CfiNor) -> Option<Exit> {
    match Update::mount(device, product::LAYOUT) {
        Ok(update) => say!("{:?}, security counter {}", update.job(), update.security_counter()),
        Err(error) => say!("{error:?}"),
    }
    None
}

/// Decoding of what is typed in.
#[cfg(feature = "v2")]
mod decode {
    use super::{CfiNor, Exit, LINE};
    use crate::say;
    use crate::uart::Uart;
    use kedge_protocol::{wap, wbxml};

    pub fn wbxml(argument: &str, _: &mut CfiNor) -> Option<Exit> {
        show(argument, |octets| _ = wbxml::dump(octets, None, &mut Uart));
        None
    }

    pub fn push(argument: &str, _: &mut CfiNor) -> Option<Exit> {
        show(argument, |octets| _ = wap::dump(octets, &mut Uart));
        None
    }

    fn show(argument: &str, dump: impl Fn(&[u8])) {
        let mut octets = [0; LINE / 2];
        match from_hex(argument, &mut octets) {
            Some(octets) => dump(octets),
            None => say!("not hexadecimal"),
        }
    }

    fn from_hex<'b>(text: &str, octets: &'b mut [u8]) -> Option<&'b [u8]> {
        if !text.is_ascii() || !text.len().is_multiple_of(2) {
            return None;
        }
        let len = text.len() / 2;
        for (octet, at) in octets.iter_mut().zip((0..text.len()).step_by(2)) {
            *octet = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
        }
        octets.get(..len)
    }
}
