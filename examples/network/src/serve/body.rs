//! A response body that may end too early.

use core::convert::Infallible;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll};
use hyper::body::{Body, Bytes, Frame, SizeHint};

/// A body that is sent as it is, and then, if more was announced, as a connection that breaks.
#[derive(Debug)]
pub(super) struct Played {
    octets: Option<Bytes>,
    announced: u64,
    flushed: bool,
    cut: bool,
}

/// The connection breaks here because the scenario wants it to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("connection cut by the scenario")
    }
}

impl core::error::Error for Cut {}

impl From<Infallible> for Cut {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl Played {
    pub(super) fn new(octets: Vec<u8>, announced: Option<u64>) -> Self {
        let len = octets.len() as u64;
        let announced = announced.unwrap_or(len).max(len);
        let octets = (len > 0).then(|| Bytes::from(octets));
        Self { octets, announced, flushed: false, cut: announced > len }
    }
}

impl Body for Played {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        if let Some(octets) = self.octets.take() {
            return Poll::Ready(Some(Ok(Frame::data(octets))));
        }
        if !self.cut {
            return Poll::Ready(None);
        }
        if !self.flushed {
            // hyper sends what it has while a body is pending; an error at once would take those octets along.
            self.flushed = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(Cut)))
    }

    fn is_end_stream(&self) -> bool {
        self.octets.is_none() && !self.cut
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.announced)
    }
}
