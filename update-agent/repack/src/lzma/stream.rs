//! Streams: how LZMA is framed, and unpacking them.
use kedge_delta::bits::Octets;

use super::Fault;
use super::filter::Filter;
use super::range::Decoder;
use super::token::{END_MARK, Kind, Lzma, Props, Token, back};

/// How a stream is cut into pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// LZMA2: chunks, and an octet that ends them. What the blocks of xz hold.
    Chunks,
    /// LZMA as it is. What stands behind the header of a `.lzma` file.
    Bare {
        /// The parameters.
        props: Props,
        /// It ends with a mark.
        marked: bool,
    },
}

/// What is known of a stream from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    /// How it is cut.
    pub framing: Framing,
    /// What was done with the octets before.
    pub filter: Filter,
    /// Its octets, with the octet or mark that ends it, without headers and checks around it.
    pub packed: u32,
    /// The octets it holds.
    pub plain: u32,
    /// Its tokens, as [`unpack`] tells them to a [`Witness`].
    pub tokens: u32,
}

impl Stream {
    /// No stream.
    pub const NONE: Self =
        Self { framing: Framing::Chunks, filter: Filter::None, packed: 0, plain: 0, tokens: 0 };
}

/// A part of a stream that starts the range coder again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chunk {
    /// What sort.
    pub control: Control,
    /// Its parameters, if the chunk tells them.
    pub props: Option<Props>,
    /// The octets it holds.
    pub plain: u32,
}

/// What an LZMA2 chunk is, and what is forgotten before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Control {
    /// There is none: the stream ends.
    #[default]
    End,
    /// Octets as they are; what was before is forgotten.
    RawFirst,
    /// Octets as they are.
    Raw,
    /// Tokens.
    Tokens,
    /// Tokens, with fresh probabilities.
    Reset,
    /// Tokens, with fresh probabilities and other parameters.
    Props,
    /// Tokens, with fresh probabilities and other parameters; what was before is forgotten.
    First,
}

impl Control {
    /// All of them, in the order of their octets.
    pub const ALL: [Self; 7] =
        [Self::End, Self::RawFirst, Self::Raw, Self::Tokens, Self::Reset, Self::Props, Self::First];

    /// The octet of a chunk's header, without the bits that belong to its size.
    pub const fn octet(self) -> u8 {
        match self {
            Self::End => 0,
            Self::RawFirst => 1,
            Self::Raw => 2,
            Self::Tokens => 0x80,
            Self::Reset => 0xA0,
            Self::Props => 0xC0,
            Self::First => 0xE0,
        }
    }

    const fn from_octet(octet: u8) -> Option<Self> {
        Some(match octet {
            0 => Self::End,
            1 => Self::RawFirst,
            2 => Self::Raw,
            0x80..0xA0 => Self::Tokens,
            0xA0..0xC0 => Self::Reset,
            0xC0..0xE0 => Self::Props,
            0xE0.. => Self::First,
            _ => return None,
        })
    }

    /// Whether the chunk holds tokens.
    pub const fn has_tokens(self) -> bool {
        matches!(self, Self::Tokens | Self::Reset | Self::Props | Self::First)
    }

    /// Whether the chunk tells parameters.
    pub const fn has_props(self) -> bool {
        matches!(self, Self::Props | Self::First)
    }

    /// Whether what was before is forgotten.
    pub const fn first(self) -> bool {
        matches!(self, Self::RawFirst | Self::First)
    }
}

/// Is told what a stream is made of.
pub trait Witness {
    /// A chunk starts; the last one is [`Control::End`].
    fn chunk(&mut self, chunk: Chunk);
    /// A token stands for the octets at `at`.
    fn token(&mut self, at: u32, token: Token);
}

/// Why a stream cannot be unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error<E> {
    /// Reading failed.
    Input(E),
    /// What was read is wrong.
    Fault(Fault),
}

impl<E> From<Fault> for Error<E> {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// How much a stream turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Octets read.
    pub packed: u32,
    /// Octets unpacked.
    pub plain: u32,
}

/// Unpacks a stream into the front of `plain`; the filter is still to be undone. `cells` are [`CELLS`](super::CELLS) numbers
/// to work with. Who knows how long the stream should be compares it with what is returned.
///
/// Refused ([`Fault::Stream`]): streams that do not fit into `plain`, that refer to what is not there, or whose chunks do
/// not end as encoders end them.
pub fn unpack<O: Octets>(
    framing: Framing,
    octets: &mut O,
    plain: &mut [u8],
    cells: &mut [u16],
    witness: &mut impl Witness,
) -> Result<Extent, Error<O::Error>> {
    let mut lzma = Lzma::new(cells);
    lzma.reset(None);
    let mut unpacking = Unpacking { plain, base: 0, at: 0, read: 0 };
    match framing {
        Framing::Bare { props, marked } => {
            let all = u32::try_from(unpacking.plain.len()).unwrap_or(u32::MAX);
            witness.chunk(Chunk { control: Control::First, props: Some(props), plain: all });
            lzma.reset(Some(props));
            unpacking.tokens(&mut lzma, octets, all, marked, witness)?;
            witness.chunk(Chunk::default());
        }
        Framing::Chunks => while unpacking.chunk(&mut lzma, octets, witness)? {},
    }
    Ok(Extent { packed: unpacking.read, plain: u32::try_from(unpacking.at).unwrap_or(u32::MAX) })
}

/// Unpacking at work.
struct Unpacking<'p> {
    plain: &'p mut [u8],
    /// Where distances end, and the next octet.
    base: usize,
    at: usize,
    /// Octets read.
    read: u32,
}

impl Unpacking<'_> {
    fn octet<O: Octets>(&mut self, octets: &mut O) -> Result<u8, Error<O::Error>> {
        self.read = self.read.saturating_add(1);
        octets.next().map_err(Error::Input)
    }

    /// A number of two octets, and one.
    fn size<O: Octets>(&mut self, octets: &mut O) -> Result<u32, Error<O::Error>> {
        let high = self.octet(octets)?;
        Ok(u32::from(u16::from_be_bytes([high, self.octet(octets)?])).wrapping_add(1))
    }

    /// Unpacks a chunk; whether it was one.
    fn chunk<O: Octets>(
        &mut self,
        lzma: &mut Lzma<'_>,
        octets: &mut O,
        witness: &mut impl Witness,
    ) -> Result<bool, Error<O::Error>> {
        let octet = self.octet(octets)?;
        let control = Control::from_octet(octet).ok_or(Fault::Stream)?;
        if control == Control::End {
            witness.chunk(Chunk::default());
            return Ok(false);
        }
        if control.first() {
            self.base = self.at;
        }
        let low = self.size(octets)?;
        if !control.has_tokens() {
            witness.chunk(Chunk { control, props: None, plain: low });
            for _ in 0..low {
                let octet = self.octet(octets)?;
                self.put(octet)?;
            }
            return Ok(true);
        }
        let plain = low.wrapping_add(u32::from(octet & 0x1F) << 16);
        let packed = self.size(octets)?;
        let props = if control.has_props() {
            Some(Props::from_octet(self.octet(octets)?).ok_or(Fault::Stream)?)
        } else {
            None
        };
        witness.chunk(Chunk { control, props, plain });
        if control != Control::Tokens {
            lzma.reset(props);
        }
        let before = self.read;
        self.tokens(lzma, octets, plain, false, witness)?;
        if self.read.wrapping_sub(before) == packed { Ok(true) } else { Err(Fault::Stream.into()) }
    }

    /// Unpacks tokens for `plain` octets.
    fn tokens<O: Octets>(
        &mut self,
        lzma: &mut Lzma<'_>,
        octets: &mut O,
        plain: u32,
        marked: bool,
        witness: &mut impl Witness,
    ) -> Result<(), Error<O::Error>> {
        let end = usize::try_from(plain).ok().and_then(|plain| self.at.checked_add(plain));
        let end = end.filter(|end| *end <= self.plain.len()).ok_or(Fault::Stream)?;
        let mut coins = Decoder::start(octets).map_err(Error::Input)?.ok_or(Fault::Stream)?;
        while self.at < end || marked {
            let before = self.plain.get(self.base..self.at).unwrap_or_default();
            let (token, octet) = lzma.token(&mut coins, before, Token::default(), 0).map_err(Error::Input)?;
            if token.kind == Kind::Match && token.distance == END_MARK {
                if !marked || token != Token::END {
                    return Err(Fault::Stream.into());
                }
                break;
            }
            witness.token(u32::try_from(self.at).unwrap_or(u32::MAX), token);
            if token.kind == Kind::Literal {
                self.put(octet)?;
            } else {
                self.copy(token, end)?;
            }
        }
        let read = coins.finish().map_err(Error::Input)?.ok_or(Fault::Stream)?;
        self.read = self.read.saturating_add(read);
        Ok(())
    }

    fn put(&mut self, octet: u8) -> Result<(), Fault> {
        *self.plain.get_mut(self.at).ok_or(Fault::Stream)? = octet;
        self.at = self.at.wrapping_add(1);
        Ok(())
    }

    fn copy(&mut self, token: Token, end: usize) -> Result<(), Fault> {
        let len = usize::try_from(token.len).unwrap_or(usize::MAX);
        let from = back(self.at, token.distance).filter(|from| *from >= self.base).ok_or(Fault::Stream)?;
        if len > end.saturating_sub(self.at) {
            return Err(Fault::Stream);
        }
        for at in (from..).take(len) {
            let octet = self.plain.get(at).copied().ok_or(Fault::Stream)?;
            self.put(octet)?;
        }
        Ok(())
    }
}
