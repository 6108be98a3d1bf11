//! The delta at work, of whichever kind.
use kedge_delta::rebuild;
use kedge_package::{Kind, Payload};
use kedge_platform::flash::NorFlash;

use crate::Failure;
use crate::beside::Standing;
use crate::coded::{BlockError, Coded, Ground, Made, Memory, Outcome};
use crate::unpacked::Unpacked;

/// A delta that needs memory.
#[expect(clippy::large_enum_variant, reason = "there is no heap, and room for the larger is there anyway")]
pub(crate) enum Decoder<'m> {
    /// Between the images as they are.
    Coded(Coded<'m>),
    /// Between the images with streams unpacked, for slots.
    Unpacked(Unpacked<'m>),
}

impl<'m> Decoder<'m> {
    /// Takes up a delta between images of these sizes.
    pub(crate) fn open<F: NorFlash>(
        flash: &mut F,
        payload: &Payload,
        sizes: (u32, u32),
        ground: Ground,
        memory: Memory<'m>,
    ) -> Result<Self, rebuild::Error<F::Error>> {
        if payload.kind == Kind::Unpacked {
            Unpacked::open(flash, payload, sizes, ground, memory).map(Self::Unpacked)
        } else {
            Coded::open(flash, payload, sizes, ground, memory).map(Self::Coded)
        }
    }

    /// Goes back to the start.
    pub(crate) fn restart<F: NorFlash>(&mut self, flash: &mut F) -> Result<(), rebuild::Error<F::Error>> {
        match self {
            Self::Coded(coded) => {
                coded.restart();
                Ok(())
            }
            Self::Unpacked(unpacked) => unpacked.restart(flash),
        }
    }

    /// Makes a block without writing it; nothing may be overwritten yet, or the delta makes a slot.
    pub(crate) fn rehearse<F: NorFlash>(&mut self, flash: &mut F) -> Result<(), rebuild::Error<F::Error>> {
        match self {
            Self::Coded(coded) => coded.rehearse(flash),
            Self::Unpacked(unpacked) => unpacked.rehearse(flash),
        }
    }

    /// Goes on in place where the journal stands.
    pub(crate) fn go_on<F: NorFlash>(
        &mut self,
        flash: &mut F,
        standing: Standing,
    ) -> Result<(), rebuild::Error<F::Error>> {
        match self {
            Self::Coded(coded) => coded.go_on(flash, standing),
            Self::Unpacked(_) => Err(rebuild::Fault::Order.into()),
        }
    }

    /// Does what the next block needs, and makes it.
    pub(crate) fn make<F: NorFlash>(&mut self, flash: &mut F) -> Made<Outcome, F> {
        match self {
            Self::Coded(coded) => coded.make(flash),
            Self::Unpacked(unpacked) => unpacked.make(flash).map(|()| Outcome::Placed),
        }
    }

    /// What the journal has to say of what is made in place.
    pub(crate) fn standing(&self) -> Option<Standing> {
        match self {
            Self::Coded(coded) => Some(coded.standing()),
            Self::Unpacked(_) => None,
        }
    }

    /// Puts a block of the batch into its place; true if it was the last.
    pub(crate) fn place<F: NorFlash>(&mut self, flash: &mut F, n: u8) -> Made<bool, F> {
        match self {
            Self::Coded(coded) => coded.place(flash, n),
            Self::Unpacked(_) => Err(BlockError::Failure(Failure::BadBlock)),
        }
    }
}
