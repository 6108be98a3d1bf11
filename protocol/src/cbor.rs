//! CBOR in its deterministic encoding (RFC 8949 §4.2.1), and in no other: what minicbor reads and writes, and the strictness
//! that it leaves to its users.
//!
//! Reading refuses what is not the shortest form: long heads, indefinite lengths, maps whose keys are out of order or
//! double. Writing puts what it is told: keys in order are the writer's care, the tests read back what was written.
//! Floats, simple values but the two booleans, and tags inside a document are refused: nothing here uses them.

use minicbor::data::{Tag, Type};
use minicbor::encode::Write;

use crate::wire::{Error, ErrorKind, Reader, Writer};

/// Deepest nesting of arrays and maps that [`Decoder::skip`] follows.
pub const MAX_DEPTH: usize = 6;

/// One item: of an array or a map, how many follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Item<'a> {
    Unsigned(u64),
    /// -1 minus this.
    Negative(u64),
    Bytes(&'a [u8]),
    Text(&'a str),
    Array(u64),
    Map(u64),
    Tag(u64),
    Bool(bool),
}

/// Reads items front to back.
#[derive(Clone, Copy, Debug)]
pub struct Decoder<'a> {
    r: Reader<'a>,
}

impl<'a> Decoder<'a> {
    /// A decoder at octet 0 of `octets`.
    pub const fn new(octets: &'a [u8]) -> Self {
        Self { r: Reader::new(octets) }
    }

    /// A decoder of a part whose first octet has offset `at` in the whole.
    pub const fn with_base(octets: &'a [u8], at: usize) -> Self {
        Self { r: Reader::with_base(octets, at) }
    }

    /// The offset of the next item.
    pub const fn at(&self) -> usize {
        self.r.at()
    }

    /// An error of `kind` at the next item.
    pub const fn error(&self, kind: ErrorKind) -> Error {
        self.r.error(kind)
    }

    /// The octets not read yet.
    pub const fn rest(&self) -> &'a [u8] {
        self.r.rest()
    }

    /// An unsigned integer.
    pub fn unsigned(&mut self) -> Result<u64, Error> {
        self.want(|item| if let Item::Unsigned(value) = item { Some(value) } else { None })
    }

    /// An unsigned integer of 32 bits; a greater one is `LimitExceeded`.
    pub fn u32(&mut self) -> Result<u32, Error> {
        let error = self.error(ErrorKind::LimitExceeded);
        u32::try_from(self.unsigned()?).map_err(|_| error)
    }

    /// An integer of either sign within 64 bits; one beyond is `LimitExceeded`.
    pub fn integer(&mut self) -> Result<i64, Error> {
        let error = self.error(ErrorKind::LimitExceeded);
        let (negative, value) = self.want(|item| match item {
            Item::Unsigned(value) => Some((false, value)),
            Item::Negative(value) => Some((true, value)),
            _ => None,
        })?;
        let value = i64::try_from(value).map_err(|_| error)?;
        Ok(if negative { !value } else { value })
    }

    /// A byte string.
    pub fn bytes(&mut self) -> Result<&'a [u8], Error> {
        self.want(|item| if let Item::Bytes(octets) = item { Some(octets) } else { None })
    }

    /// A byte string of exactly `N` octets; another length is `BadLength`.
    pub fn array_of<const N: usize>(&mut self) -> Result<&'a [u8; N], Error> {
        let error = self.error(ErrorKind::BadLength);
        self.bytes()?.try_into().map_err(|_| error)
    }

    /// A text string.
    pub fn text(&mut self) -> Result<&'a str, Error> {
        self.want(|item| if let Item::Text(text) = item { Some(text) } else { None })
    }

    /// A boolean.
    pub fn boolean(&mut self) -> Result<bool, Error> {
        self.want(|item| if let Item::Bool(value) = item { Some(value) } else { None })
    }

    /// Begins an array: how many items follow.
    pub fn array(&mut self) -> Result<u64, Error> {
        self.want(|item| if let Item::Array(items) = item { Some(items) } else { None })
    }

    /// Begins an array that must have `expected` items.
    pub fn array_with(&mut self, expected: u64) -> Result<(), Error> {
        let error = self.error(ErrorKind::BadLength);
        if self.array()? == expected { Ok(()) } else { Err(error) }
    }

    /// Begins a map: how many pairs follow.
    pub fn map(&mut self) -> Result<u64, Error> {
        self.want(|item| if let Item::Map(pairs) = item { Some(pairs) } else { None })
    }

    /// Takes the tag `expected`; another is `BadValue`.
    pub fn tag(&mut self, expected: u64) -> Result<(), Error> {
        self.want(|item| (item == Item::Tag(expected)).then_some(()))
    }

    /// Whether a text string comes next.
    pub fn is_text(&self) -> bool {
        matches!(self.next_type(), Some(Type::String | Type::StringIndef))
    }

    /// Whether a byte string comes next.
    pub fn is_bytes(&self) -> bool {
        matches!(self.next_type(), Some(Type::Bytes | Type::BytesIndef))
    }

    /// Whether a boolean comes next (or another simple value, which [`Self::boolean`] refuses).
    pub fn is_simple(&self) -> bool {
        matches!(self.next_type(), Some(Type::Bool | Type::Null | Type::Undefined | Type::Simple))
    }

    /// Goes over one item, whatever it is, and all that is inside, which must be deterministic. Returns its octets.
    pub fn skip(&mut self) -> Result<&'a [u8], Error> {
        let start = *self;
        let mut open = Open { start, stack: [Level::default(); MAX_DEPTH], depth: 0 };
        loop {
            let before = *self;
            let (items, is_map) = match self.item()? {
                Item::Tag(_) => return Err(before.error(ErrorKind::Unsupported)),
                Item::Array(items) => (Some(items), false),
                Item::Map(pairs) => {
                    let items = pairs.checked_mul(2).ok_or(before.error(ErrorKind::LimitExceeded))?;
                    (Some(items), true)
                }
                _ => (None, false),
            };
            if let Some(left) = items {
                let level = Level { left, is_map, key_at: self.at(), key: (0, 0) };
                open.push(level).ok_or(before.error(ErrorKind::LimitExceeded))?;
            }
            if open.close(items.is_none_or(|items| items == 0), self.at())? {
                let len = self.at().saturating_sub(start.at());
                return Ok(start.rest().get(..len).unwrap_or_default());
            }
        }
    }

    /// Refuses what is left over.
    pub fn finish(self) -> Result<(), Error> {
        self.r.finish()
    }

    fn next_type(&self) -> Option<Type> {
        minicbor::Decoder::new(self.rest()).datatype().ok()
    }

    /// The next item, of which `pick` must make something; else it is `BadValue`, and not taken.
    fn want<T>(&mut self, pick: impl FnOnce(Item<'a>) -> Option<T>) -> Result<T, Error> {
        let before = *self;
        if let Some(found) = pick(self.item()?) {
            return Ok(found);
        }
        *self = before;
        Err(before.error(ErrorKind::BadValue))
    }

    /// The next item; of arrays and maps, the head. `BadLength` if its head is longer than it could be, or has no length.
    fn item(&mut self) -> Result<Item<'a>, Error> {
        let at = self.at();
        let fault = |error: minicbor::decode::Error| {
            let kind = if error.is_end_of_input() { ErrorKind::Truncated } else { ErrorKind::BadText };
            Error::new(kind, at)
        };
        let (bad, unknown) = (self.error(ErrorKind::BadLength), self.error(ErrorKind::Unsupported));
        let mut d = minicbor::Decoder::new(self.rest());
        let (item, shortest) = match d.datatype().map_err(fault)? {
            Type::U8 | Type::U16 | Type::U32 | Type::U64 => {
                let value = d.u64().map_err(fault)?;
                (Item::Unsigned(value), head_len(value))
            }
            Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::Int => {
                let value = !i128::from(d.int().map_err(fault)?);
                let value = u64::try_from(value).map_err(|_| bad)?;
                (Item::Negative(value), head_len(value))
            }
            Type::Bytes => {
                let octets = d.bytes().map_err(fault)?;
                (Item::Bytes(octets), string_len(octets.len()))
            }
            Type::String => {
                let text = d.str().map_err(fault)?;
                (Item::Text(text), string_len(text.len()))
            }
            Type::Array => {
                let items = d.array().map_err(fault)?.ok_or(bad)?;
                (Item::Array(items), head_len(items))
            }
            Type::Map => {
                let pairs = d.map().map_err(fault)?.ok_or(bad)?;
                (Item::Map(pairs), head_len(pairs))
            }
            Type::Tag => {
                let tag = d.tag().map_err(fault)?.as_u64();
                (Item::Tag(tag), head_len(tag))
            }
            Type::Bool => (Item::Bool(d.bool().map_err(fault)?), 1),
            Type::Null | Type::Undefined | Type::Simple | Type::F16 | Type::F32 | Type::F64 => {
                return Err(unknown);
            }
            _ => return Err(bad),
        };
        if d.position() != shortest {
            return Err(bad);
        }
        self.r.take(shortest)?;
        Ok(item)
    }
}

/// Octets of the shortest head with this argument.
fn head_len(argument: u64) -> usize {
    minicbor::len(argument)
}

/// The arrays and maps that are open.
struct Open<'a> {
    start: Decoder<'a>,
    stack: [Level; MAX_DEPTH],
    depth: usize,
}

#[derive(Clone, Copy, Default)]
struct Level {
    /// Items to come: of a map an even number before each key.
    left: u64,
    is_map: bool,
    /// Where the key at hand begins.
    key_at: usize,
    /// Where the key before begins and ends; nothing, before the first.
    key: (usize, usize),
}

impl Open<'_> {
    fn push(&mut self, level: Level) -> Option<()> {
        *self.stack.get_mut(self.depth)? = level;
        self.depth = self.depth.saturating_add(1);
        Some(())
    }

    /// Closes what ends at `at`: if `ended`, the item or empty container that was just read, and then every container that
    /// this completes. Whether nothing is open any more.
    fn close(&mut self, mut ended: bool, at: usize) -> Result<bool, Error> {
        while ended {
            let Some(top) = self.depth.checked_sub(1).and_then(|top| self.stack.get_mut(top)) else {
                return Ok(true);
            };
            if top.left == 0 {
                // an empty container is an item of the one around it
                self.depth = self.depth.saturating_sub(1);
                let Some(around) = self.depth.checked_sub(1).and_then(|top| self.stack.get_mut(top)) else {
                    return Ok(true);
                };
                around.item(&self.start, at)?;
                ended = around.left == 0;
                continue;
            }
            top.item(&self.start, at)?;
            ended = top.left == 0;
        }
        Ok(false)
    }
}

impl Level {
    /// One item of it ends at `at`. Keys must ascend, by their octets.
    fn item(&mut self, start: &Decoder<'_>, at: usize) -> Result<(), Error> {
        if self.is_map && self.left.is_multiple_of(2) {
            let octets = |(from, to): (usize, usize)| {
                let base = start.at();
                start.rest().get(from.saturating_sub(base)..to.saturating_sub(base)).unwrap_or_default()
            };
            let key = (self.key_at, at);
            // nothing is before every key
            if octets(self.key) >= octets(key) {
                return Err(Error::new(ErrorKind::BadValue, self.key_at));
            }
            self.key = key;
        }
        self.key_at = at;
        self.left = self.left.saturating_sub(1);
        Ok(())
    }
}

/// Writes items front to back.
#[derive(Debug)]
pub struct Encoder<'b> {
    e: minicbor::Encoder<Out<'b>>,
}

/// The caller's buffer, as minicbor writes to it.
#[derive(Debug)]
struct Out<'b>(Writer<'b>);

impl Write for Out<'_> {
    type Error = Error;

    fn write_all(&mut self, octets: &[u8]) -> Result<(), Error> {
        self.0.put(octets)
    }
}

/// What minicbor says of a write.
type Written<'e, 'b> = Result<&'e mut minicbor::Encoder<Out<'b>>, minicbor::encode::Error<Error>>;

impl<'b> Encoder<'b> {
    /// An encoder at octet 0 of `out`.
    pub fn new(out: &'b mut [u8]) -> Self {
        Self { e: minicbor::Encoder::new(Out(Writer::new(out))) }
    }

    /// An unsigned integer.
    pub fn unsigned(&mut self, value: u64) -> Result<&mut Self, Error> {
        self.put(|e| e.u64(value))
    }

    /// An integer of either sign.
    pub fn integer(&mut self, value: i64) -> Result<&mut Self, Error> {
        self.put(|e| e.i64(value))
    }

    /// A byte string.
    pub fn bytes(&mut self, octets: &[u8]) -> Result<&mut Self, Error> {
        self.put(|e| e.bytes(octets))
    }

    /// A text string.
    pub fn text(&mut self, text: &str) -> Result<&mut Self, Error> {
        self.put(|e| e.str(text))
    }

    /// A boolean.
    pub fn boolean(&mut self, value: bool) -> Result<&mut Self, Error> {
        self.put(|e| e.bool(value))
    }

    /// The head of an array of so many items.
    pub fn array(&mut self, items: u64) -> Result<&mut Self, Error> {
        self.put(|e| e.array(items))
    }

    /// The head of a map of so many pairs.
    pub fn map(&mut self, pairs: u64) -> Result<&mut Self, Error> {
        self.put(|e| e.map(pairs))
    }

    /// A tag.
    pub fn tag(&mut self, tag: u64) -> Result<&mut Self, Error> {
        self.put(|e| e.tag(Tag::new(tag)))
    }

    /// The head of a byte string whose `len` octets are written next, by [`Self::raw`].
    pub fn bytes_head(&mut self, len: usize) -> Result<&mut Self, Error> {
        self.put(|e| e.bytes_len(u64::try_from(len).unwrap_or(u64::MAX)))
    }

    /// Octets as they are.
    pub fn raw(&mut self, octets: &[u8]) -> Result<&mut Self, Error> {
        self.e.writer_mut().0.put(octets)?;
        Ok(self)
    }

    /// What was written.
    pub fn finish(self) -> &'b [u8] {
        self.e.into_writer().0.finish()
    }

    fn put(
        &mut self,
        write: impl for<'e> FnOnce(&'e mut minicbor::Encoder<Out<'b>>) -> Written<'e, 'b>,
    ) -> Result<&mut Self, Error> {
        let no_room = Error::new(ErrorKind::NoRoom, self.e.writer().0.at());
        match write(&mut self.e) {
            Ok(_) => Ok(self),
            Err(error) => Err(error.into_write().unwrap_or(no_room)),
        }
    }
}

/// Octets of a byte or text string of `len` octets with its head.
pub fn string_len(len: usize) -> usize {
    head_len(u64::try_from(len).unwrap_or(u64::MAX)).saturating_add(len)
}

#[cfg(test)]
mod tests {
    use std::vec;
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    fn skipped(octets: &[u8]) -> Result<usize, ErrorKind> {
        let mut decoder = Decoder::new(octets);
        decoder.skip().map(<[u8]>::len).map_err(|error| error.kind)
    }

    #[test]
    fn what_is_deterministic_is_gone_over() {
        let good: [&[u8]; 12] = [
            b"\x00",
            b"\x18\x18",
            b"\x39\x01\x00",
            b"\x40",
            b"\x63abc",
            b"\x80",
            b"\xA0",
            b"\x82\x80\xA0",
            b"\xA2\x00\xA0\x01\x80",
            b"\xA3\x01\xF4\x20\xF5\x61a\x81\x82\x01\x02",
            b"\x81\x81\x81\x81\x81\x80",
            b"\xA1\xA1\x01\x02\xA1\x01\xA2\x01\x81\x00\x02\x00",
        ];
        for octets in good {
            assert_eq!(skipped(octets), Ok(octets.len()), "{octets:02X?}");
            let mut more = octets.to_vec();
            more.push(0xFF);
            assert_eq!(skipped(&more), Ok(octets.len()), "what follows is not looked at: {octets:02X?}");
        }
    }

    #[test]
    fn every_other_form_is_refused() {
        use ErrorKind::{BadLength, BadText, BadValue, LimitExceeded, Truncated, Unsupported};
        let bad: [(&[u8], ErrorKind, &str); 21] = [
            (b"", Truncated, "nothing"),
            (b"\x18\x17", BadLength, "23 in two octets"),
            (b"\x19\x00\x07", BadLength, "7 in three"),
            (b"\x1A\x00\x00\xFF\xFF", BadLength, "65,535 in five"),
            (b"\x58\x01a", BadLength, "a long head of a string"),
            (b"\x9F\xFF", BadLength, "indefinite array"),
            (b"\xBF\xFF", BadLength, "indefinite map"),
            (b"\x5F\xFF", BadLength, "indefinite string"),
            (b"\x1C", BadLength, "reserved"),
            (b"\x42a", Truncated, "short string"),
            (b"\x5B\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFFa", Truncated, "very long string"),
            (b"\x61\xFF", BadText, "no UTF-8"),
            (b"\x82\x00", Truncated, "short array"),
            (b"\xA2\x07\x00\x06\x00", BadValue, "keys swapped"),
            (b"\xA2\x06\x00\x06\x00", BadValue, "key doubled"),
            (b"\xA2\x20\x00\x01\x00", BadValue, "negative keys come behind"),
            (b"\xBB\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", LimitExceeded, "very large map"),
            (b"\x81\x81\x81\x81\x81\x81\x80", LimitExceeded, "seven deep"),
            (b"\xC0\x00", Unsupported, "a tag"),
            (b"\xF6", Unsupported, "null"),
            (b"\xF9\x3C\x00", Unsupported, "a float"),
        ];
        for (octets, kind, what) in bad {
            assert_eq!(skipped(octets), Err(kind), "{what}");
        }
    }

    #[test]
    fn heads_are_as_short_as_they_can_be() {
        for value in [0, 23, 24, 255, 256, 65_535, 65_536, 0xFFFF_FFFF, 0x1_0000_0000, u64::MAX] {
            let mut room = [0; 9];
            let mut out = Encoder::new(&mut room);
            out.unsigned(value).unwrap();
            let octets = out.finish().to_vec();
            assert_eq!(octets.len(), head_len(value));
            assert_eq!(Decoder::new(&octets).unsigned(), Ok(value));
            assert_eq!(skipped(&octets), Ok(octets.len()));
        }
        for value in [0, -1, -24, -25, -70_001, i64::MAX, i64::MIN] {
            let mut room = [0; 9];
            let mut out = Encoder::new(&mut room);
            out.integer(value).unwrap();
            assert_eq!(Decoder::new(out.finish()).integer(), Ok(value));
        }
        let mut room = [0; 3];
        assert_eq!(Encoder::new(&mut room).bytes(b"abc").unwrap_err().kind, ErrorKind::NoRoom);
        assert_eq!(string_len(23), 24);
        assert_eq!(string_len(24), 26);
    }

    /// The head of a small container.
    fn head(major: u8, items: usize) -> u8 {
        major | u8::try_from(items).unwrap()
    }

    /// Something nested, written in order.
    fn item() -> impl Strategy<Value = Vec<u8>> {
        let encoded = |write: &dyn Fn(&mut Encoder<'_>)| {
            let mut room = vec![0; 256];
            let mut out = Encoder::new(&mut room);
            write(&mut out);
            out.finish().to_vec()
        };
        let leaf = prop_oneof![
            any::<i64>().prop_map(move |n| encoded(&|out| drop(out.integer(n)))),
            any::<bool>().prop_map(move |b| encoded(&|out| drop(out.boolean(b)))),
            proptest::collection::vec(any::<u8>(), 0..40)
                .prop_map(move |o| encoded(&|out| drop(out.bytes(&o)))),
            "[a-z]{0,30}".prop_map(move |t| encoded(&|out| drop(out.text(&t)))),
        ];
        leaf.prop_recursive(5, 24, 4, move |inner| {
            let items = proptest::collection::vec(inner.clone(), 0..4);
            let pairs = proptest::collection::btree_map(inner.clone(), inner, 0..4);
            prop_oneof![
                items.prop_map(move |items| [&[head(0x80, items.len())][..], &items.concat()].concat()),
                pairs.prop_map(move |pairs| {
                    let body: Vec<u8> =
                        pairs.iter().flat_map(|(k, v)| [k.clone(), v.clone()].concat()).collect();
                    [&[head(0xA0, pairs.len())][..], &body].concat()
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn anything_nested_is_gone_over(octets in item()) {
            prop_assert_eq!(skipped(&octets), Ok(octets.len()));
            for len in 0..octets.len() {
                prop_assert_eq!(skipped(&octets[..len]), Err(ErrorKind::Truncated));
            }
        }

        #[test]
        fn any_octets_return(octets: Vec<u8>) {
            if let Ok(len) = skipped(&octets) {
                prop_assert!(len <= octets.len());
            }
        }
    }
}
