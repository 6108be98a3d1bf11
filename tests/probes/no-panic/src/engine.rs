//! protocol: the IS-683 engine, with a roaming list of the default size in its RAM.

use crate::capability::capability;
use crate::opaque::{any, octets, used};
use kedge_protocol::is683::engine::{
    Capability, DEFAULT_PRL, Mode, Phone, Power, PrlInfo, Shelf, Staged, StoreFailed,
};
use kedge_protocol::is683::{Engine, MAX_MESSAGE, Spc};

#[inline(never)]
pub fn run() {
    static mut ENGINE: Engine<DEFAULT_PRL> = Engine::new();
    // SAFETY: one thread, and this function is called once: no other reference to ENGINE exists.
    let engine = any(unsafe { (&raw mut ENGINE).as_mut_unchecked() });
    engine.begin(any(Mode::UserInitiated));
    let out = crate::room!(MAX_MESSAGE);
    while any(true) {
        used(engine.handle(&mut Unknown, octets(), out)).ok();
        used((engine.committed(), engine.progress()));
    }
}

/// A phone of unknown content, which may refuse everything.
struct Unknown;

impl Phone for Unknown {
    fn spc(&self) -> Spc {
        any(Spc::factory())
    }

    fn spc_failures(&self) -> u8 {
        any(0)
    }

    fn set_spc_failures(&mut self, failures: u8) -> Result<(), StoreFailed> {
        used(failures);
        any(Err(StoreFailed))
    }

    fn nam_block(&self, id: u8, out: &mut [u8]) -> Option<usize> {
        used((id, out));
        any(Some(9))
    }

    fn packet_data_block(&self, id: u8, out: &mut [u8]) -> Option<usize> {
        used((id, out));
        any(Some(9))
    }

    fn carried_block(&self, shelf: Shelf, id: u8, out: &mut [u8]) -> Option<usize> {
        used((shelf, id, out));
        any(Some(9))
    }

    fn prl(&self) -> PrlInfo {
        any(PrlInfo::NONE)
    }

    fn read_prl(&self, offset: u16, out: &mut [u8]) -> usize {
        used((offset, out));
        any(9)
    }

    fn capability(&self) -> Capability {
        capability()
    }

    fn power(&self) -> Option<Power> {
        any(Some(|_, _, _| any(None)))
    }

    fn random(&mut self, out: &mut [u8]) {
        used(out);
    }

    fn otapa_enabled(&self) -> bool {
        any(true)
    }

    fn allow_spc_change(&self) -> bool {
        any(true)
    }

    fn has_spasm(&self) -> bool {
        any(true)
    }

    fn otapa_challenge(&mut self) -> Option<u32> {
        any(Some(1))
    }

    fn check_auth_otapa(&self, rand_otapa: u32, auth_otapa: u32) -> bool {
        used((rand_otapa, auth_otapa));
        any(true)
    }

    fn commit(&mut self, staged: &Staged<'_>) -> Result<(), StoreFailed> {
        staged.blocks().for_each(|block| _ = used(block));
        used((staged.prl(), staged.spc(), staged.nam_lock(), staged.a_key()));
        any(Ok(()))
    }
}
