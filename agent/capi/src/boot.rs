//! The boot stage: carries an update through, and says what to start.

use core::mem::{align_of, size_of};

use kedge_platform_crypto::SoftCrypto;
use kedge_update_agent::{Applier, BootDecision, Error, Progress, Slot, Update, WORDS_SMALL, Workspace};

use crate::config::{KedgeUpdateConfig, Tables, layout};
use crate::ports::{Flash, FlashFailed, KedgeFlash};
use crate::status::KedgeStatus;

/// The memory of an update: tables of the small profile, images of up to eight parts.
pub(crate) type Room = Workspace<WORDS_SMALL, 8>;

/// Octets of memory that `kedge_boot` takes.
pub const KEDGE_BOOT_SIZE: usize = 16384;

/// What the address of that memory must be a multiple of.
pub const KEDGE_BOOT_ALIGN: usize = 8;

const _: () = assert!(size_of::<Room>() <= KEDGE_BOOT_SIZE, "KEDGE_BOOT_SIZE is too small");
const _: () = assert!(align_of::<Room>() <= KEDGE_BOOT_ALIGN, "KEDGE_BOOT_ALIGN is too small");

/// What to start.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KedgeBoot {
    /// The image in `image`.
    First = 0,
    /// The image in `other`.
    Second = 1,
    /// There is no whole image: an update in place failed half-way, and only a full package helps.
    Broken = 2,
}

/// Called once per start by the boot stage, before anything else: goes on with an update that was ordered, on trial or going
/// back, to its end, and says what to start. The power may fail at any moment of it.
///
/// # Safety
/// The structures are what their types say, nobody else uses the memory, and `boot` is for us to write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kedge_boot(
    flash: *const KedgeFlash,
    config: *const KedgeUpdateConfig,
    memory: *mut u8,
    memory_len: usize,
    boot: *mut KedgeBoot,
) -> KedgeStatus {
    // SAFETY: as the caller promises.
    let (Some(flash), Some(config)) = (unsafe { (flash.as_ref(), config.as_ref()) }) else {
        return KedgeStatus::Pointer;
    };
    if memory.is_null() || boot.is_null() {
        return KedgeStatus::Pointer;
    }
    if memory_len < KEDGE_BOOT_SIZE || memory.align_offset(KEDGE_BOOT_ALIGN) != 0 {
        return KedgeStatus::Memory;
    }
    // SAFETY: as the caller promises; the room is large enough and aligned, and written before it is lent.
    let (tables, room) = unsafe {
        let room: *mut Room = memory.cast();
        room.write(Room::new());
        (Tables::of_update(config), &mut *room)
    };
    let decided = tables.and_then(|tables| {
        let mut flash = Flash::check(flash)?;
        carry_through(&mut flash, config, &tables, room).map_err(|_| KedgeStatus::Update)
    });
    match decided {
        Ok(decision) => {
            // SAFETY: not null, and for us to write, as the caller promises.
            unsafe { boot.write(decision) };
            KedgeStatus::Ok
        }
        Err(status) => status,
    }
}

fn carry_through(
    flash: &mut Flash,
    config: &KedgeUpdateConfig,
    tables: &Tables,
    room: &mut Room,
) -> Result<KedgeBoot, Error<FlashFailed>> {
    // The boot stage does not know which version is installed: the image's hash decides.
    let device = tables.device(config, None);
    let mut update = Update::mount(flash, layout(config))?;
    loop {
        match update.boot(flash)? {
            BootDecision::Run(Slot::First) => return Ok(KedgeBoot::First),
            BootDecision::Run(Slot::Second) => return Ok(KedgeBoot::Second),
            BootDecision::Broken => return Ok(KedgeBoot::Broken),
            BootDecision::Update => {
                let mut applier = Applier::resume(&mut update, flash, &device, &SoftCrypto, room.lend())?;
                while !matches!(applier.step(flash)?, Progress::Complete | Progress::Ended(_)) {}
            }
        }
    }
}
