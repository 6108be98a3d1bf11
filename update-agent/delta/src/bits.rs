//! Binary arithmetic coding, 32 bits, no division, no carry.
//!
//! Both directions keep the interval `[low, high]`; a bit splits it in proportion to its probability, and octets that the
//! two ends share are done with. The model asks [`Bits::bit`] for each bit and does not know the direction, so the device
//! and the generator cannot disagree about the model.

/// Codes one bit after the other.
pub trait Bits {
    /// Why it can fail.
    type Error;
    /// Codes a bit whose probability to be set is `p` / 65536, 1 to 65535. An encoder codes `bit` and returns it; a decoder
    /// ignores it and returns the bit that was coded.
    fn bit(&mut self, p: u32, bit: bool) -> Result<bool, Self::Error>;
}

/// The interval both directions keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Its first number.
    pub low: u32,
    /// Its last number.
    pub high: u32,
}

impl Interval {
    /// What both directions start with.
    pub const FULL: Self = Self { low: 0, high: u32::MAX };

    /// The last number of the part that stands for a set bit of probability `p` / 65536.
    pub fn split(self, p: u32) -> u32 {
        let width = u64::from(self.high.wrapping_sub(self.low));
        let part = width.wrapping_mul(u64::from(p)) >> 16;
        self.low.wrapping_add(part as u32 & u32::MAX)
    }

    /// The interval after `bit`, of which [`split`](Self::split) gave `at`.
    pub const fn narrowed(self, at: u32, bit: bool) -> Self {
        if bit { Self { low: self.low, high: at } } else { Self { low: at.wrapping_add(1), high: self.high } }
    }

    /// Takes the first octet of the interval off, if it is settled.
    pub fn settled(&mut self) -> Option<u8> {
        if (self.low ^ self.high) >> 24 != 0 {
            return None;
        }
        let [octet, ..] = self.high.to_be_bytes();
        self.low <<= 8;
        self.high = self.high << 8 | 0xFF;
        Some(octet)
    }
}

/// Where a decoder gets its octets.
pub trait Octets {
    /// Why it can fail.
    type Error;
    /// The next octet; zeros behind the last, and an error when there were more of those than an encoder leaves out.
    fn next(&mut self) -> Result<u8, Self::Error>;
}

/// The decoder's part that has to be kept to go on later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The interval.
    pub interval: Interval,
    /// The octets of the stream at the interval's precision.
    pub value: u32,
}

/// Reads bits from octets.
#[derive(Debug)]
pub struct Decoder<'p, O> {
    position: &'p mut Position,
    octets: O,
}

impl Position {
    /// Before the start of a stream.
    pub const BLANK: Self = Self { interval: Interval::FULL, value: 0 };

    /// The start of a stream.
    pub fn start<O: Octets>(octets: &mut O) -> Result<Self, O::Error> {
        let mut value = 0;
        for _ in 0..4 {
            value = value << 8 | u32::from(octets.next()?);
        }
        Ok(Self { interval: Interval::FULL, value })
    }
}

impl<'p, O: Octets> Decoder<'p, O> {
    /// Goes on at `position`; `octets` stand behind what was read.
    pub const fn new(position: &'p mut Position, octets: O) -> Self {
        Self { position, octets }
    }

    /// Where it gets its octets.
    pub const fn octets(&mut self) -> &mut O {
        &mut self.octets
    }
}

impl<O: Octets> Bits for Decoder<'_, O> {
    type Error = O::Error;

    fn bit(&mut self, p: u32, _: bool) -> Result<bool, O::Error> {
        let Position { interval, value } = &mut *self.position;
        let at = interval.split(p);
        let bit = *value <= at;
        *interval = interval.narrowed(at, bit);
        while interval.settled().is_some() {
            *value = *value << 8 | u32::from(self.octets.next()?);
        }
        Ok(bit)
    }
}
