//! zlib itself, for tests.
#![expect(unsafe_code, reason = "zlib is called as a C library")]

use std::mem::MaybeUninit;

use libz_sys as z;

/// How zlib is to work.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameters {
    pub(super) level: i32,
    pub(super) window_bits: i32,
    pub(super) memory: i32,
    pub(super) strategy: i32,
    /// Octets after which everything is flushed.
    pub(super) piece: usize,
    /// How.
    pub(super) flush: i32,
}

impl Default for Parameters {
    fn default() -> Self {
        let (strategy, flush) = (z::Z_DEFAULT_STRATEGY, z::Z_SYNC_FLUSH);
        Self { level: 6, window_bits: 15, memory: 8, strategy, piece: usize::MAX, flush }
    }
}

/// What zlib makes of `plain`, without a container.
pub(super) fn zlib(plain: &[u8], parameters: Parameters) -> Vec<u8> {
    let Parameters { level, window_bits, memory, strategy, piece, flush } = parameters;
    let mut out = vec![0; 2 * plain.len() + 1000 + plain.len().div_ceil(piece) * 16];
    let mut stream = MaybeUninit::<z::z_stream>::zeroed();
    let stream = stream.as_mut_ptr();
    let size = i32::try_from(size_of::<z::z_stream>()).unwrap();
    let small = |n: usize| u32::try_from(n).unwrap();
    // SAFETY: the stream is all zeros, which in C means: no octets, and the library's own allocator. Version and size are
    // those of the library that is linked.
    let begun = unsafe {
        z::deflateInit2_(stream, level, z::Z_DEFLATED, -window_bits, memory, strategy, z::zlibVersion(), size)
    };
    assert_eq!(begun, z::Z_OK);
    // SAFETY: only plain fields are written; the buffer lives on with the length that is given.
    unsafe {
        (*stream).next_out = out.as_mut_ptr();
        (*stream).avail_out = small(out.len());
    }
    for (at, part) in
        (0..).step_by(piece.min(1 << 30)).zip(plain.chunks(piece).chain(plain.is_empty().then_some(plain)))
    {
        let last = at + part.len() == plain.len();
        // SAFETY: the part is only read, and outlives the call.
        let done = unsafe {
            (*stream).next_in = part.as_ptr().cast_mut();
            (*stream).avail_in = small(part.len());
            z::deflate(stream, if last { z::Z_FINISH } else { flush })
        };
        assert_eq!(done, if last { z::Z_STREAM_END } else { z::Z_OK });
    }
    // SAFETY: the stream was begun, and is not used any more.
    let left = unsafe {
        let left = (*stream).avail_out;
        z::deflateEnd(stream);
        left
    };
    out.truncate(out.len() - left as usize);
    out
}
