//! QEMU's machine `mps2-an386`, a Cortex-M4, as a board: its large RAM is a file, and the front of it the board's flash.
//!
//! `-icount shift=0` makes an instruction take a nanosecond of the board's time, so that the board counts its instructions.

use std::path::Path;

use crate::board::{Board, Console, Moment};
use crate::cortexm_product::{FLASH, SECTOR};
use crate::emulator::{Emulator, RAM};
use crate::page::START;

/// The board.
pub(crate) struct QemuCortexm(Emulator);

impl QemuCortexm {
    /// A board in `folder` with this boot stage.
    pub(crate) fn new(folder: &Path, boot: &[u8]) -> anyhow::Result<Self> {
        let emulator = Emulator::new("qemu-system-arm", "qemu-system-arm", folder)?;
        emulator.make("boot.img", boot, boot.len() as u64)?;
        emulator.make("nor.img", &vec![0xFF; FLASH as usize], RAM)?;
        Ok(Self(emulator))
    }
}

impl Board for QemuCortexm {
    fn power_on(&mut self, straps: &[String]) -> anyhow::Result<Console> {
        // what was noted goes with the power, what is in flash stays
        self.0.write("nor.img", START, &[0; 4096])?;
        let machine = "-M mps2-an386,memory-backend=ram -m 16M -icount shift=0 -kernel boot.img \
                       -object memory-backend-file,id=ram,size=16M,mem-path=nor.img,share=on";
        self.0.start(&machine.split_whitespace().collect::<Vec<_>>(), straps)
    }

    fn power_off(&mut self) -> anyhow::Result<Option<Moment>> {
        self.0.kill("nor.img", (FLASH / SECTOR) as usize)
    }

    fn read_flash(&mut self, len: usize) -> anyhow::Result<Vec<u8>> {
        self.0.read("nor.img", len)
    }

    fn write_flash(&mut self, octets: &[u8]) -> anyhow::Result<()> {
        self.0.write("nor.img", 0, octets)
    }
}
