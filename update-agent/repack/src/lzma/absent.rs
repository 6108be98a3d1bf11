//! In the place of the workshop in a build that leaves LZMA out: images with such streams are refused.
use core::marker::PhantomData;

use kedge_delta::bits::{Bits, Octets};

use super::Fault;
use super::needs::Needs;
use super::stream::{Error, Stream};

/// Where old streams would be unpacked.
#[derive(Debug)]
pub struct Opening<'m>(PhantomData<&'m mut u32>);

/// Where streams would be made.
#[derive(Debug)]
pub struct Workshop<'m>(PhantomData<&'m mut u32>);

impl<'m> Opening<'m> {
    /// Refused, if there are streams ([`Fault::Absent`]).
    pub fn new(needs: &Needs, _: &'m mut [u32]) -> Result<Self, Fault> {
        if *needs == Needs::default() { Ok(Self(PhantomData)) } else { Err(Fault::Absent) }
    }

    /// Refused.
    pub fn unpack<O: Octets>(&mut self, _: &Stream, _: &mut O, _: &mut [u8]) -> Result<(), Error<O::Error>> {
        Err(Fault::Absent.into())
    }

    /// There were no streams.
    pub fn finish(self) -> Workshop<'m> {
        Workshop(PhantomData)
    }
}

impl Workshop<'_> {
    /// Refused.
    pub fn start(&mut self, _: &Stream, _: Option<u32>) -> Result<&mut [u8], Fault> {
        Err(Fault::Absent)
    }

    /// Nothing to do: no stream was begun.
    pub fn filter(&mut self, _: &Stream) {}

    /// Refused.
    pub fn fill<B: Bits>(&mut self, _: &mut B, _: &mut [u8]) -> Result<usize, Error<B::Error>> {
        Err(Fault::Absent.into())
    }
}
