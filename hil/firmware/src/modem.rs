//! The modem, at the other end of the console: what it is told goes out as lines.

use kedge_platform::radio::{Radio, RadioError};
use virt::say;
use virt::uart::Hex;

/// The modem. Data calls always succeed: the network card is there or not.
#[derive(Clone, Copy, Debug)]
pub struct Modem;

impl Radio for Modem {
    fn open_data_call(&mut self, nai: &str) -> Result<(), RadioError> {
        say!("modem: data call {nai}");
        Ok(())
    }

    fn close_data_call(&mut self) {
        say!("modem: data call released");
    }

    fn register(&mut self, nam: &[u8], prl: &[u8]) -> Result<(), RadioError> {
        say!("register {} {}", Hex(nam), Hex(prl));
        Ok(())
    }
}
