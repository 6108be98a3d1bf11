//! Values the compiler cannot know, and a place where results count as used.
//!
//! `black_box` promises nothing; that it works with the compiler at hand is what `cargo xtask no-panic --self-test`
//! shows.

pub use core::hint::black_box as any;
pub use core::hint::black_box as used;

/// Octets of unknown content and number.
#[inline(never)]
pub fn octets() -> &'static [u8] {
    static OCTETS: [u8; 16] = [0; 16];
    any(&OCTETS[..])
}

/// Text of unknown content and length.
#[inline(never)]
#[allow(dead_code, reason = "not every part takes text")]
pub fn text() -> &'static str {
    any("text")
}

/// A buffer of `$n` octets such as a device would own: a static. Each place may be passed only once, which holds here
/// since every function of the probe is called once.
#[macro_export]
macro_rules! room {
    ($n:expr) => {
        $crate::room!(u8, [0; $n])
    };
    ($element:ty, [$value:expr; $n:expr]) => {{
        static mut ROOM: [$element; $n] = [$value; $n];
        // SAFETY: one thread, and this place is passed once: no other reference to ROOM exists.
        $crate::opaque::any(unsafe { (&raw mut ROOM).as_mut_unchecked() })
    }};
}
