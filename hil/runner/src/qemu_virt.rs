//! QEMU's machine `virt` as a board: two flash banks, and RAM, are files.

use std::path::Path;

use crate::board::{Board, Console, Moment};
use crate::emulator::{Emulator, RAM};

/// Octets of a flash bank.
const BANK: usize = 32 << 20;
/// Sectors whose erases are told.
const SECTORS: usize = 32;

/// The board.
pub(crate) struct QemuVirt(Emulator);

impl QemuVirt {
    /// A board in `folder`, whose first bank holds the boot stage.
    pub(crate) fn new(folder: &Path, boot: &[u8]) -> anyhow::Result<Self> {
        let emulator = Emulator::new("qemu-system-riscv32", "qemu-system-misc", folder)?;
        for (bank, content) in [("boot.img", boot), ("nor.img", &vec![0xFF; BANK])] {
            emulator.make(bank, content, BANK as u64)?;
        }
        Ok(Self(emulator))
    }
}

impl Board for QemuVirt {
    fn power_on(&mut self, straps: &[String]) -> anyhow::Result<Console> {
        self.0.make("ram.img", &[], RAM)?; // zero, as the board expects it
        let machine = "-M virt,memory-backend=ram -cpu rv32,a=off,f=off,d=off -m 16M -bios none \
                       -object memory-backend-file,id=ram,size=16M,mem-path=ram.img,share=on \
                       -drive if=pflash,format=raw,unit=0,readonly=on,file=boot.img \
                       -drive if=pflash,format=raw,unit=1,file=nor.img \
                       -netdev user,id=net -device virtio-net-device,netdev=net";
        self.0.start(&machine.split_whitespace().collect::<Vec<_>>(), straps)
    }

    fn power_off(&mut self) -> anyhow::Result<Option<Moment>> {
        self.0.kill("ram.img", SECTORS)
    }

    fn read_flash(&mut self, len: usize) -> anyhow::Result<Vec<u8>> {
        self.0.read("nor.img", len)
    }

    fn write_flash(&mut self, octets: &[u8]) -> anyhow::Result<()> {
        self.0.write("nor.img", 0, octets)
    }
}
