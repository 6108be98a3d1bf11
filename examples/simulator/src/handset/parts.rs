//! Parts that die together: when the power fails in a flash operation, nothing else of the handset works on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kedge_platform::flash::{ErrorType, NorFlash, ReadNorFlash};
use kedge_platform_sim::bearer::{Request, Response, Server};
use kedge_platform_sim::nor::Error;

/// Blown by the flash when the power fails, and looked at by everything else.
#[derive(Clone, Debug)]
pub struct Fuse(Arc<AtomicBool>);

impl Default for Fuse {
    fn default() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }
}

impl Fuse {
    /// Whether the power is on.
    pub fn is_whole(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// The power is back.
    pub fn reset(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn blow(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Flash that blows the fuse when its power fails.
#[derive(Clone, Debug)]
pub struct Protected<F> {
    flash: F,
    fuse: Fuse,
}

impl<F> Protected<F> {
    /// `flash` with a fuse.
    pub const fn new(flash: F, fuse: Fuse) -> Self {
        Self { flash, fuse }
    }

    /// The flash itself.
    pub const fn inner(&mut self) -> &mut F {
        &mut self.flash
    }

    fn watch<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if result.as_ref().err() == Some(&Error::PowerLost) {
            self.fuse.blow();
        }
        result
    }
}

impl<F: ErrorType<Error = Error>> ErrorType for Protected<F> {
    type Error = Error;
}

impl<F: ReadNorFlash<Error = Error>> ReadNorFlash for Protected<F> {
    const READ_SIZE: usize = F::READ_SIZE;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Error> {
        let result = self.flash.read(offset, bytes);
        self.watch(result)
    }

    fn capacity(&self) -> usize {
        self.flash.capacity()
    }
}

impl<F: NorFlash<Error = Error>> NorFlash for Protected<F> {
    const WRITE_SIZE: usize = F::WRITE_SIZE;
    const ERASE_SIZE: usize = F::ERASE_SIZE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Error> {
        let result = self.flash.erase(from, to);
        self.watch(result)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Error> {
        let result = self.flash.write(offset, bytes);
        self.watch(result)
    }
}

/// The way to a server, dead once the fuse is blown.
#[derive(Clone, Debug)]
pub struct LiveWire<S> {
    server: S,
    fuse: Fuse,
}

impl<S> LiveWire<S> {
    /// The way to `server`.
    pub const fn new(server: S, fuse: Fuse) -> Self {
        Self { server, fuse }
    }
}

impl<S: Server> Server for LiveWire<S> {
    fn exchange(&mut self, request: &Request) -> Response {
        if self.fuse.is_whole() {
            self.server.exchange(request)
        } else {
            // Nothing was sent; what looks like an answer ends before it begins, which is a broken link.
            Response::new(200).with_header("Content-Length", "1")
        }
    }
}
