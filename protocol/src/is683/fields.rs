//! Reading and writing by named field. Each layout of this module is written down once as a `read` function over
//! [`Fields`]: parsing runs it with [`Silent`] (the names vanish at compile time), dumping runs the same function with an
//! observer that prints. Writing runs one `write` function over a [`Sink`], which either counts or writes.
use crate::wire::{BitReader, BitWriter, Error, ErrorKind};

/// How an observer shows a field's value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Show {
    /// Decimal.
    Dec,
    /// Hexadecimal, as wide as the field.
    Hex,
    /// `yes` or `no`.
    Flag,
    /// Decimal and what it means.
    Text(Option<&'static str>),
    /// Three digits, coded as C.S0016's IMSI fields are.
    Mcc,
    /// Two digits, coded likewise.
    Imsi1112,
    /// Ten digits, coded likewise.
    ImsiS,
    /// One coded digit of a telephone number.
    Digit,
    /// Dotted IPv4 address.
    Ip,
    /// Not at all.
    Secret,
}

/// Watches fields being read.
pub(crate) trait Trace {
    /// Whether anything is watched; code that only feeds the observer asks this constant first.
    const ON: bool;
    /// A number of `width` bits at absolute bit offset `bit`.
    fn field(&mut self, name: &'static str, bit: usize, width: u32, value: u64, show: Show);
    /// A run of octets.
    fn octets(&mut self, name: &'static str, bit: usize, value: OctetString<'_>, secret: bool);
    /// What follows belongs to `title` until [`Trace::close`].
    fn open(&mut self, title: &'static str);
    /// End of the group opened last.
    fn close(&mut self);
}

/// Watches nothing.
pub(crate) struct Silent;

impl Trace for Silent {
    const ON: bool = false;
    fn field(&mut self, _: &'static str, _: usize, _: u32, _: u64, _: Show) {}
    fn octets(&mut self, _: &'static str, _: usize, _: OctetString<'_>, _: bool) {}
    fn open(&mut self, _: &'static str) {}
    fn close(&mut self) {}
}

/// Octets that need not start on an octet boundary (network access identifiers inside bit-packed blocks).
#[derive(Clone, Copy)]
pub struct OctetString<'a> {
    bits: BitReader<'a>,
    len: usize,
}

impl<'a> OctetString<'a> {
    /// The octets of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bits: BitReader::new(bytes, 0), len: bytes.len() }
    }

    /// How many octets.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The octets, first to last.
    pub fn iter(&self) -> impl Iterator<Item = u8> + 'a {
        let mut bits = self.bits;
        (0..self.len).map_while(move |_| bits.u8(8).ok())
    }
}

impl PartialEq for OctetString<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for OctetString<'_> {}

impl core::fmt::Debug for OctetString<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl core::fmt::Display for OctetString<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.iter().try_for_each(|b| write!(f, "{}", b.escape_ascii()))
    }
}

/// A position between fields.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    bits: BitReader<'a>,
    base: usize,
}

impl<'a> Cursor<'a> {
    /// Before the first field of `bytes`.
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, bits: BitReader::new(bytes, 0), base: 0 }
    }
}

/// Reads `count` elements again that were read once without an error.
pub(crate) fn read_again<'a, R>(
    mut cursor: Cursor<'a>,
    count: u16,
    read: impl Fn(&mut Fields<'a, '_, Silent>) -> Result<R, Error>,
) -> impl Iterator<Item = R> {
    (0..count).map_while(move |_| {
        let mut silent = Silent;
        let mut f = Fields::resume(cursor, &mut silent);
        let element = read(&mut f).ok()?;
        cursor = f.cursor();
        Some(element)
    })
}

/// Reads named fields, most significant bit first, reporting each to the observer.
pub(crate) struct Fields<'a, 't, T> {
    bytes: &'a [u8],
    bits: BitReader<'a>,
    base: usize,
    trace: &'t mut T,
}

impl<'a, 't, T: Trace> Fields<'a, 't, T> {
    /// Fields of `bytes`, whose first octet has offset `base` in the whole.
    pub(crate) fn new(bytes: &'a [u8], base: usize, trace: &'t mut T) -> Self {
        Self { bytes, bits: BitReader::new(bytes, base), base, trace }
    }

    /// Fields from where `cursor` stands.
    pub(crate) fn resume(cursor: Cursor<'a>, trace: &'t mut T) -> Self {
        Self { bytes: cursor.bytes, bits: cursor.bits, base: cursor.base, trace }
    }

    /// The position, for iterators that read the same fields again.
    pub(crate) fn cursor(&self) -> Cursor<'a> {
        Cursor { bytes: self.bytes, bits: self.bits, base: self.base }
    }

    /// How many bits are left.
    pub(crate) fn left(&self) -> usize {
        self.bits.left()
    }

    /// Bits read so far.
    fn position(&self) -> usize {
        self.bytes.len().saturating_mul(8).saturating_sub(self.bits.left())
    }

    /// The position as a bare bit reader, for lists of numbers.
    pub(crate) fn bits(&self) -> BitReader<'a> {
        self.bits
    }

    /// An error of `kind` at the octet that holds the next bit.
    pub(crate) fn error(&self, kind: ErrorKind) -> Error {
        self.bits.error(kind)
    }

    /// The next `n` bits, shown as `show` says.
    pub(crate) fn take(
        &mut self,
        name: &'static str,
        n: u32,
        show: impl FnOnce(u64) -> Show,
    ) -> Result<u64, Error> {
        let bit = self.base.saturating_mul(8).saturating_add(self.position());
        let value = self.bits.take(n)?;
        if T::ON {
            self.trace.field(name, bit, n, value, show(value));
        }
        Ok(value)
    }

    /// The next `n` (at most 8) bits.
    pub(crate) fn u8(&mut self, name: &'static str, n: u32) -> Result<u8, Error> {
        let v = self.take(name, n, |_| Show::Dec)?;
        u8::try_from(v).map_err(|_| self.error(ErrorKind::BadValue))
    }

    /// The next `n` (at most 16) bits.
    pub(crate) fn u16(&mut self, name: &'static str, n: u32) -> Result<u16, Error> {
        let v = self.take(name, n, |_| Show::Dec)?;
        u16::try_from(v).map_err(|_| self.error(ErrorKind::BadValue))
    }

    /// The next `n` (at most 32) bits.
    pub(crate) fn u32(&mut self, name: &'static str, n: u32, show: Show) -> Result<u32, Error> {
        let v = self.take(name, n, |_| show)?;
        u32::try_from(v).map_err(|_| self.error(ErrorKind::BadValue))
    }

    /// One octet that is a code with a name.
    pub(crate) fn code(
        &mut self,
        name: &'static str,
        text: impl FnOnce(u8) -> Option<&'static str>,
    ) -> Result<u8, Error> {
        let low = |v: u64| u8::try_from(v).unwrap_or(u8::MAX);
        self.take(name, 8, |v| Show::Text(text(low(v)))).map(low)
    }

    /// One bit.
    pub(crate) fn flag(&mut self, name: &'static str) -> Result<bool, Error> {
        self.take(name, 1, |_| Show::Flag).map(|v| v == 1)
    }

    /// Reserved bits, ignored on receipt.
    pub(crate) fn reserved(&mut self, n: u32) -> Result<(), Error> {
        self.bits.take(n).map(|_| ())
    }

    /// The next `n` octets, wherever they start.
    pub(crate) fn octets(&mut self, name: &'static str, n: usize) -> Result<OctetString<'a>, Error> {
        self.octet_string(name, n, false)
    }

    /// Like [`Fields::octets`], never shown.
    pub(crate) fn secret(&mut self, name: &'static str, n: usize) -> Result<OctetString<'a>, Error> {
        self.octet_string(name, n, true)
    }

    fn octet_string(&mut self, name: &'static str, n: usize, secret: bool) -> Result<OctetString<'a>, Error> {
        let bit = self.base.saturating_mul(8).saturating_add(self.position());
        let value = OctetString { bits: self.bits, len: n };
        if self.left() / 8 < n {
            return Err(self.error(ErrorKind::Truncated));
        }
        for _ in 0..n {
            self.bits.take(8)?;
        }
        if T::ON && n != 0 {
            self.trace.octets(name, bit, value, secret);
        }
        Ok(value)
    }

    /// The next `n` octets of an octet-aligned layout, not shown.
    pub(crate) fn slice(&mut self, n: usize) -> Result<&'a [u8], Error> {
        let at = self.bits.at();
        let rest = self.rest()?;
        let (head, tail) = rest.split_at_checked(n).ok_or(self.error(ErrorKind::Truncated))?;
        self.bits = BitReader::new(tail, at.saturating_add(n));
        self.bytes = tail;
        self.base = at.saturating_add(n);
        Ok(head)
    }

    /// The next `n` octets of an octet-aligned layout, shown as a whole.
    pub(crate) fn shown_slice(&mut self, name: &'static str, n: usize) -> Result<&'a [u8], Error> {
        let bit = self.base.saturating_mul(8).saturating_add(self.position());
        let slice = self.slice(n)?;
        if T::ON && n != 0 {
            self.trace.octets(name, bit, OctetString::new(slice), false);
        }
        Ok(slice)
    }

    /// The next octet of an octet-aligned layout, not consumed.
    pub(crate) fn peek_octet(&self) -> Option<u8> {
        let mut bits = self.bits;
        bits.u8(8).ok()
    }

    /// Everything that is left of an octet-aligned layout, not consumed.
    pub(crate) fn rest(&self) -> Result<&'a [u8], Error> {
        let done = self.position();
        if done & 7 != 0 {
            return Err(self.error(ErrorKind::BadLength));
        }
        self.bytes.get(done >> 3..).ok_or(self.error(ErrorKind::Truncated))
    }

    /// Fields of `bytes`, which lie at octet `at` of the whole.
    pub(crate) fn within(&mut self, bytes: &'a [u8], at: usize) -> Fields<'a, '_, T> {
        Fields::new(bytes, at, self.trace)
    }

    /// The offset of the octet that holds the next bit.
    pub(crate) fn at(&self) -> usize {
        self.bits.at()
    }

    /// What is read from here to [`Fields::close`] belongs to `title`.
    pub(crate) fn open(&mut self, title: &'static str) {
        if T::ON {
            self.trace.open(title);
        }
    }

    /// Ends the group opened last; not called when reading it failed.
    pub(crate) fn close(&mut self) {
        if T::ON {
            self.trace.close();
        }
    }

    /// Skips zero to seven bits of padding; refuses more.
    pub(crate) fn finish(&self) -> Result<(), Error> {
        self.bits.finish_padded()
    }
}

/// Where `write` functions write: a buffer, or a counter that only measures.
pub(crate) trait Sink {
    /// Appends the low `n` bits of `value`; refuses a value that needs more.
    fn put(&mut self, value: u64, n: u32) -> Result<(), Error>;

    /// Appends octets.
    fn octets(&mut self, octets: impl Iterator<Item = u8>) -> Result<(), Error> {
        for b in octets {
            self.put(u64::from(b), 8)?;
        }
        Ok(())
    }

    /// Appends octets behind a length octet.
    fn counted(&mut self, octets: &[u8]) -> Result<(), Error> {
        let n = u8::try_from(octets.len()).map_err(|_| self.refuse(ErrorKind::LimitExceeded))?;
        self.put(u64::from(n), 8)?;
        self.octets(octets.iter().copied())
    }

    /// An error of `kind` here.
    fn refuse(&self, kind: ErrorKind) -> Error;
}

impl Sink for BitWriter<'_> {
    fn put(&mut self, value: u64, n: u32) -> Result<(), Error> {
        BitWriter::put(self, value, n)
    }

    fn refuse(&self, kind: ErrorKind) -> Error {
        Error::new(kind, self.bits() >> 3)
    }
}

/// Counts bits.
pub(crate) struct Counter(usize);

impl Sink for Counter {
    fn put(&mut self, _: u64, n: u32) -> Result<(), Error> {
        self.0 = self.0.saturating_add(n as usize);
        Ok(())
    }

    fn refuse(&self, kind: ErrorKind) -> Error {
        Error::new(kind, self.0 >> 3)
    }
}

/// Octets that `write` produces.
pub(crate) fn measure(write: impl FnOnce(&mut Counter) -> Result<(), Error>) -> usize {
    // A value that may not be written has no length; `emit` tells why.
    measure_bits(write).map_or(0, |bits| bits.div_ceil(8))
}

/// Bits that `write` produces.
pub(crate) fn measure_bits(write: impl FnOnce(&mut Counter) -> Result<(), Error>) -> Result<usize, Error> {
    let mut counter = Counter(0);
    write(&mut counter)?;
    Ok(counter.0)
}

/// Gives a block type its public `parse`, `buffer_len` and `emit` from its `read` and `write`.
macro_rules! block_codec {
    ($name:ident $(<$life:lifetime>)?) => {
        impl $(<$life>)? $name $(<$life>)? {
            /// Reads PARAM_DATA; `at` is its offset in the message, for the errors.
            pub fn parse(data: block_codec!(@data $($life)?), at: usize) -> Result<Self, $crate::wire::Error> {
                let mut silent = $crate::is683::fields::Silent;
                let mut fields = $crate::is683::fields::Fields::new(data, at, &mut silent);
                let value = Self::read(&mut fields)?;
                fields.finish()?;
                Ok(value)
            }

            /// Octets of PARAM_DATA; 0 for a value that [`Self::emit`] refuses.
            pub fn buffer_len(&self) -> usize {
                $crate::is683::fields::measure(|sink| self.write(sink))
            }

            /// Writes PARAM_DATA and returns it; refuses values that their field cannot hold (`BadValue`).
            pub fn emit<'b>(&self, out: &'b mut [u8]) -> Result<&'b [u8], $crate::wire::Error> {
                let mut writer = $crate::wire::BitWriter::new(out);
                self.write(&mut writer)?;
                writer.finish()
            }
        }
    };
    (@data $life:lifetime) => { &$life [u8] };
    (@data) => { &[u8] };
}
pub(crate) use block_codec;
