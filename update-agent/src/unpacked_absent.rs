//! In the place of [`Unpacked`](super::unpacked) in a build that leaves it out: such a package is refused as one of a kind
//! that is not understood, before anything is erased.
use core::convert::Infallible;
use core::marker::PhantomData;

use kedge_delta::rebuild::{self, Fault};
use kedge_package::Payload;
use kedge_platform::flash::NorFlash;

use crate::coded::{Ground, Made, Memory};

/// There is none.
pub(crate) struct Unpacked<'m>(Infallible, PhantomData<&'m ()>);

impl<'m> Unpacked<'m> {
    pub(crate) fn open<F: NorFlash>(
        _: &mut F,
        _: &Payload,
        _: (u32, u32),
        _: Ground,
        _: Memory<'m>,
    ) -> Result<Self, rebuild::Error<F::Error>> {
        Err(Fault::Segment.into())
    }

    pub(crate) const fn restart<F: NorFlash>(&mut self, _: &mut F) -> Result<(), rebuild::Error<F::Error>> {
        match self.0 {}
    }

    pub(crate) const fn rehearse<F: NorFlash>(&mut self, _: &mut F) -> Result<(), rebuild::Error<F::Error>> {
        match self.0 {}
    }

    pub(crate) const fn make<F: NorFlash>(&mut self, _: &mut F) -> Made<(), F> {
        match self.0 {}
    }
}
