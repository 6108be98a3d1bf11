//! The whole of an update: stored, verified, ordered, applied.

use crate::board;
use crate::count::apart;
use crate::crypto::Counted;
use crate::flash::{Moved, Ram, SECTOR};
use crate::loaded::loaded;
use crate::stack::Mark;
use core::convert::Infallible;
use kedge_platform::flash::Region;
use kedge_update_agent::{
    Applier, BootDecision, Device, Error, Key, Layout, Memory, Mode, Progress, Update, WORDS_SMALL, Workspace,
};

/// What the update took; instructions of cryptography apart.
pub struct Taken {
    /// From the start of the applier to the first erase: envelope, digests, rehearsal.
    pub verify: u64,
    /// Until the last block was in place.
    pub apply: u64,
    /// Until the new image was checked.
    pub check: u64,
    /// What all of it moved in the flash.
    pub moved: Moved,
    /// The deepest use of the stack, with the cryptography's, before the first erase and after.
    pub stack_verify: usize,
    pub stack_apply: usize,
}

/// The public half of `kedge_generator::Signer::test_key`, which is no secret.
const TEST_KEY: [u8; 32] = [
    0x5d, 0xb9, 0x6a, 0xd4, 0x80, 0x33, 0x8d, 0xd8, 0xb9, 0x50, 0xa3, 0x64, 0x50, 0xe0, 0xfa, 0xec, 0x16,
    0x72, 0x16, 0xcd, 0x00, 0xfb, 0xfd, 0xdb, 0xa5, 0xd3, 0x58, 0x92, 0x5e, 0x90, 0x2b, 0xdc,
];

/// The memory of the small profile, as a device has it. Taken once by the decoder and, after that, once by the applier.
pub fn memory() -> Memory<'static> {
    static mut ROOM: Workspace<WORDS_SMALL, 16> = Workspace::new();
    // SAFETY: one thread; who took it before is through with it.
    unsafe { (&raw mut ROOM).as_mut_unchecked() }.lend()
}

/// Spare sectors.
const SPARE: u32 = 2;
/// Octets for the package and the decoder's state behind it.
const PACKAGE_ROOM: u32 = 1 << 20;

fn layout(room: u32) -> Layout {
    let image = room.next_multiple_of(SECTOR);
    let mut at = 0;
    let mut region = |len| {
        let region = Region::new(at, len);
        at += len;
        region
    };
    Layout {
        image: region(image),
        mode: Mode::InPlace { scratch: region(SPARE * SECTOR) },
        package: region(PACKAGE_ROOM),
        journal: region(2 * SECTOR),
    }
}

/// Applies the update that was loaded; none if the new image is not in its place then.
pub fn run() -> Option<Taken> {
    let loaded = loaded();
    // SAFETY: the only one.
    let mut flash = unsafe { Ram::new() };
    flash.load(loaded.old);
    apply(&mut flash, loaded.package, layout(loaded.room)).ok().flatten()
}

fn apply(flash: &mut Ram, package: &[u8], layout: Layout) -> Result<Option<Taken>, Error<Infallible>> {
    let keys = [Key { id: b"kedge-test", public: TEST_KEY }];
    let device = Device {
        product: "product",
        version: None,
        security_counter: 0,
        keys: &keys,
        trial_attempts: 3,
        memory: Workspace::<WORDS_SMALL, 16>::MEMORY,
    };
    let mut update = Update::mount(flash, layout)?;
    update.begin(flash, package.len() as u32)?;
    update.write(flash, package)?;
    let memory = memory();
    update.verify(flash, &device, &Counted, bytes(memory.words))?;
    update.order(flash)?;
    flash.moved = Moved::default();

    let now = || board::instructions() - apart();
    let mut mark = Mark::set();
    let (start, mut first_erase, mut placed, mut stack_verify) = (now(), None, None, 0);
    let mut applier = Applier::resume(&mut update, flash, &device, &Counted, memory)?;
    loop {
        match applier.step(flash)? {
            Progress::Applying { .. } if first_erase.is_none() => {
                first_erase = Some(now());
                stack_verify = mark.depth();
                mark = Mark::set();
            }
            Progress::Checking { .. } if placed.is_none() => placed = Some(now()),
            Progress::Complete => break,
            Progress::Ended(_) => return Ok(None),
            _ => {}
        }
    }
    let end = now();
    let stack_apply = mark.depth();
    let (first_erase, placed) = (first_erase.unwrap_or(end), placed.unwrap_or(end));
    let whole = matches!(update.boot(flash)?, BootDecision::Run(_));
    let moved = flash.moved;
    let taken = Taken {
        verify: first_erase - start,
        apply: placed - first_erase,
        check: end - placed,
        moved,
        stack_verify,
        stack_apply,
    };
    Ok(whole.then_some(taken))
}

/// The octets of words.
fn bytes(words: &mut [u32]) -> &mut [u8] {
    // SAFETY: every octet of a word is an octet.
    unsafe { words.align_to_mut().1 }
}
