//! The console, between two pauses of the agent: one command a line. The host plays modem and user with the first table;
//! the second is for people.

use crate::phone::{Failure, Log, Phone, Virt};
use crate::self_check;
use kedge_agent::agent::Bearer;
use kedge_agent::limits::GSM_DATAGRAM;
use kedge_agent::runner::Ports;
use kedge_protocol::is683::engine::Mode;
use kedge_protocol::license::Op;
use kedge_update_agent::Update;
use virt::cfi_nor::{self, CfiNor};
use virt::power::Exit;
use virt::uart::{Hex, Uart, from_hex};
use virt::{product, say};

/// What follows a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The agent goes on.
    GoOn,
    /// The clock is put forward to when the agent wants to go on.
    Skip,
    /// The program ends.
    Leave(Exit),
}

/// A command for people: its name, what it does, and how; an error ends the program.
struct Command(&'static str, &'static str, fn(&str, &mut CfiNor) -> Result<(), ()>);

const COMMANDS: &[Command] = &[
    Command("version", "show product and release", version),
    Command("check", "check the codecs again", check),
    Command("flash", "check the flash driver on a sector of its own", flash),
    Command("update", "show the state of the update agent", update),
    #[cfg(feature = "v2")]
    Command("wbxml", "decode a document given in hexadecimal", decode::wbxml),
    #[cfg(feature = "v2")]
    Command("push", "decode a push given in hexadecimal", decode::push),
];

/// What the host sends, for the list of all commands.
const HOST: &str = "activate look license message sms call burst otasp release wake listen restart off";

/// Longest line; more is cut off. An IS-683 message of 2 KiB in hexadecimal, and a word before it.
const LINE: usize = 4096 + 64;
/// Longest message.
const MESSAGE: usize = 2048;

/// Reads a command and runs it.
pub fn command(phone: &mut Phone<'_>, ports: &mut Ports<Virt>) -> Result<Next, Failure> {
    let mut line = [0; LINE];
    let line = Uart.line(&mut line);
    let (name, argument) = line.split_once(' ').unwrap_or((line, ""));
    let mut octets = [0; MESSAGE];
    let octets = from_hex(argument, &mut octets).unwrap_or_default();
    let mut log = Log;
    let context = &mut ports.context(&mut log);
    match name {
        "activate" => _ = phone.activate(context)?,
        "look" => _ = phone.check_for_update(context)?,
        "license" => _ = phone.license_request(context.now, Op::ACTIVATE),
        "message" => _ = phone.message(context, Bearer::Cdma, octets, &mut [0; GSM_DATAGRAM])?,
        "sms" => _ = phone.message(context, Bearer::Gsm, octets, &mut [0; GSM_DATAGRAM])?,
        "call" => say!("otasp {}", phone.otasp_begin(context, Mode::UserInitiated)?),
        "burst" => say!("otasp {}", phone.otasp_begin(context, Mode::NetworkInitiated)?),
        "otasp" => say!("reverse {}", Hex(phone.otasp_message(context, octets).unwrap_or_default())),
        "release" => phone.otasp_end(context)?,
        "wake" => return Ok(Next::Skip),
        "restart" => return Ok(Next::Leave(Exit::Restart)),
        "off" => return Ok(Next::Leave(Exit::Off)),
        "listen" | "" => {}
        _ => return Ok(maintain(name, argument, &mut ports.flash)),
    }
    Ok(Next::GoOn)
}

fn maintain(name: &str, argument: &str, flash: &mut CfiNor) -> Next {
    match COMMANDS.iter().find(|command| command.0 == name) {
        Some(Command(.., run)) if run(argument, flash).is_err() => Next::Leave(Exit::Failed),
        Some(_) => Next::GoOn,
        None => {
            COMMANDS.iter().for_each(|Command(name, help, _)| say!("{name:<10}{help}"));
            say!("and, for the host: {HOST}");
            Next::GoOn
        }
    }
}

fn version(_: &str, _: &mut CfiNor) -> Result<(), ()> {
    say!("{} {}", product::NAME, crate::VERSION);
    Ok(())
}

fn check(_: &str, _: &mut CfiNor) -> Result<(), ()> {
    if self_check::all() { Ok(()) } else { Err(()) }
}

fn flash(_: &str, device: &mut CfiNor) -> Result<(), ()> {
    match cfi_nor::check(device, product::CHECK.start) {
        Ok(()) => {
            say!("flash: ok");
            Ok(())
        }
        Err(error) => {
            say!("flash: {error:?}");
            Err(())
        }
    }
}

fn update(_: &str, device: &mut CfiNor) -> Result<(), ()> {
    match Update::mount(device, product::layout(false)) {
        Ok(update) => say!("{:?}, security counter {}", update.job(), update.security_counter()),
        Err(error) => say!("{error:?}"),
    }
    Ok(())
}

/// Decoding of what is typed in.
#[cfg(feature = "v2")]
mod decode {
    use super::{CfiNor, MESSAGE};
    use kedge_protocol::{wap, wbxml};
    use virt::say;
    use virt::uart::{Uart, from_hex};

    pub(super) fn wbxml(argument: &str, _: &mut CfiNor) -> Result<(), ()> {
        show(argument, |octets| _ = wbxml::dump(octets, None, &mut Uart));
        Ok(())
    }

    pub(super) fn push(argument: &str, _: &mut CfiNor) -> Result<(), ()> {
        show(argument, |octets| _ = wap::dump(octets, &mut Uart));
        Ok(())
    }

    fn show(argument: &str, dump: impl Fn(&[u8])) {
        match from_hex(argument, &mut [0; MESSAGE]) {
            Some(octets) => dump(octets),
            None => say!("not hexadecimal"),
        }
    }
}
