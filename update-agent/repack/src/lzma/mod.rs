//! LZMA and XZ: streams whose encoder nobody imitates.
//!
//! ```text
//!  old stream ─► unpack ─┬─► octets ─► delta ─► octets of the new stream ─┐
//!                        └─► what was decided, by place ────────────┐     │
//!                                                                   ▼     ▼
//!  recipe ─► was it so here too? if not: what else ─► tokens ─► range coder ─► new stream
//! ```
//! An LZMA encoder weighs thousands of ways to cut octets into matches, by prices that depend on all that was before; to
//! imitate it takes its memory and exactly its version. But of its work only the decisions are needed: the range coder
//! makes the same stream of the same decisions. And those mostly are what the old stream's encoder decided where the same
//! octets were, or follow from where octets stood before (`choose`).
//!
//! - `token`: decisions, and the coder's probabilities; `range`: the coder; the same code reads and writes
//! - `stream`: LZMA2's chunks, and unpacking; `filter`: what xz does to code before
//! - `decisions`: what the old encoder did, by place, `archive`: in each of several streams; `finder`: where octets stood
//!   before
//! - `remake`: the new stream; `workshop`: all streams of an image
//!
//! The feature `lzma` puts it into a device's build ([`Workshop`]); without it such streams are refused.
//!
//! The octets around a stream (headers, index, checks) are no part of it. LZMA's window is not looked at: it only says how
//! far distances go.
mod archive;
mod choose;
mod decisions;
mod filter;
mod finder;
mod needs;
mod range;
mod remake;
mod stream;
#[cfg(test)]
mod tests;
mod token;
#[cfg_attr(not(feature = "lzma"), path = "absent.rs")]
mod workshop;

pub use archive::{Archive, Archiving};
pub use decisions::{Decision, Decisions, Noting};
pub use filter::{Filter, Way};
pub use needs::Needs;
pub use remake::{From, Maker, Room, Script, Turn, Unknown};
pub use stream::{Chunk, Control, Error, Extent, Framing, Stream, Witness, unpack};
pub use token::{CELLS, Kind, LONGEST, Props, Rank, Token};
pub use workshop::{Opening, Workshop};

/// What is wrong with a stream or a recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// So many words of memory are needed.
    Memory {
        /// How many.
        words: usize,
    },
    /// The stream is not one, or not of the sizes that it should have.
    Stream,
    /// This build leaves LZMA out (feature `lzma`).
    Absent,
}

impl core::fmt::Display for Fault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Memory { words } => write!(f, "{words} words of memory are needed"),
            Self::Stream => f.write_str("no LZMA stream, or of other sizes"),
            Self::Absent => f.write_str("LZMA is left out of this build"),
        }
    }
}

impl core::error::Error for Fault {}
