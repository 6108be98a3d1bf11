//! Flash that counts all that is done with it, and stands no more than it was told.
use kedge_platform::flash::{ErrorType, NorFlash, ReadNorFlash};

/// What was done with a flash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Work {
    /// Octets read.
    pub(super) read: u64,
    /// Octets written.
    pub(super) written: u64,
    /// Octets erased.
    pub(super) erased: u64,
}

/// A flash with its work.
#[derive(Clone, Debug)]
pub(super) struct Counted<F> {
    pub(super) inner: F,
    pub(super) work: Work,
    most: Work,
}

/// So much more than it usually is that only something endless reaches it.
const ENDLESS: u64 = 1 << 32;

impl<F> Counted<F> {
    /// A flash nothing was done with.
    pub(super) fn new(inner: F) -> Self {
        let most = Work { read: ENDLESS, written: ENDLESS, erased: ENDLESS };
        Self { inner, work: Work::default(), most }
    }

    /// From here on, counting from 0, it stands no more than this: it panics at the operation that is too much, so that
    /// endless work ends.
    pub(super) fn limit(&mut self, most: Work) {
        self.work = Work::default();
        self.most = most;
    }

    fn check(&self) {
        let Work { read, written, erased } = self.work;
        let most = self.most;
        assert!(
            read <= most.read && written <= most.written && erased <= most.erased,
            "{self:?}",
            self = (self.work, most)
        );
    }
}

impl<F: ErrorType> ErrorType for Counted<F> {
    type Error = F::Error;
}

impl<F: ReadNorFlash> ReadNorFlash for Counted<F> {
    const READ_SIZE: usize = F::READ_SIZE;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), F::Error> {
        self.work.read += bytes.len() as u64;
        self.check();
        self.inner.read(offset, bytes)
    }

    fn capacity(&self) -> usize {
        self.inner.capacity()
    }
}

impl<F: NorFlash> NorFlash for Counted<F> {
    const WRITE_SIZE: usize = F::WRITE_SIZE;
    const ERASE_SIZE: usize = F::ERASE_SIZE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), F::Error> {
        self.work.erased += u64::from(to.saturating_sub(from));
        self.check();
        self.inner.erase(from, to)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), F::Error> {
        self.work.written += bytes.len() as u64;
        self.check();
        self.inner.write(offset, bytes)
    }
}
