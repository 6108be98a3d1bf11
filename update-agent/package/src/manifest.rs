use crate::limits::{BLOCK_MAX, BLOCK_MIN, DESCRIPTION_MAX, IMAGE_MAX, NAME_MAX, NOTES_MAX};
use crate::{Error, ErrorKind, cbor};

/// What a package says about itself; the signed part. The crate documentation lists the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manifest<'a> {
    /// Product the package is for.
    pub product: &'a str,
    /// What must be installed; always there for a delta.
    pub base: Option<Base<'a>>,
    /// Version it installs.
    pub version: &'a str,
    /// The image it installs.
    pub image: Image,
    /// Devices refuse packages whose counter is smaller than the one they have confirmed.
    pub security_counter: u32,
    /// The octets behind the envelope.
    pub payload: Payload,
    /// One line for the prompt.
    pub description: &'a str,
    /// Lines for whoever wants to know more.
    pub notes: &'a str,
}

/// The installed version that a package builds on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Base<'a> {
    /// Its version.
    pub version: &'a str,
    /// Its image.
    pub image: Image,
}

/// Size and content of a firmware image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Image {
    /// Octets.
    pub size: u32,
    /// SHA-256 of these octets.
    pub sha256: [u8; 32],
}

/// Size, content and meaning of the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload {
    /// What it holds.
    pub kind: Kind,
    /// Where the new image is made.
    pub layout: Layout,
    /// Octets that are made and written in one go; a power of two.
    pub block_size: u32,
    /// Octets.
    pub size: u32,
    /// SHA-256 of these octets.
    pub sha256: [u8; 32],
    /// What a device needs to decode it, either way; nothing unless [`Kind::is_coded`].
    pub needs: Needs,
    /// How many of the octets, the last ones, are a second delta that leads back from the new image to the old one; 0:
    /// there is none. Only in place, and only of [`Kind::Coded`].
    pub reverse: u32,
}

/// What decoding takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Octets of RAM for the tables.
    pub memory: u32,
    /// Octets of spare flash, in place only: a block, and room for what is saved.
    pub spare: u32,
    /// Octets of the decoder's state: in place twice as much flash is needed behind the package, and behind the plan when
    /// a package for a slot is streamed. Packages for slots of earlier generators say 0, which is not known.
    pub state: u32,
}

/// What a payload holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The new image itself.
    Full,
    /// How the new image differs from the old one: ops, without entropy coding.
    Delta,
    /// How the new image differs from the old one, coded by `kedge-delta`.
    Coded,
    /// The same between both images with compressed streams unpacked, and behind the recipe to make those of the new image
    /// again (`kedge-repack`): its length as a varint, the recipe, the coded delta. For slots only.
    Unpacked,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Full, Self::Delta, Self::Coded, Self::Unpacked];

    /// Whether the payload is decoded by `kedge-delta`, and says what that needs.
    pub const fn is_coded(self) -> bool {
        matches!(self, Self::Coded | Self::Unpacked)
    }

    /// Whether this build reads it.
    pub const fn is_known(self) -> bool {
        match self {
            Self::Full | Self::Coded | Self::Unpacked => true,
            Self::Delta => cfg!(feature = "ops"),
        }
    }
}

/// Where the new image is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// In the slot that is not running; the old image stays.
    Slot,
    /// Over the old image.
    InPlace,
}

mod key {
    pub(super) const PRODUCT: u32 = 1;
    pub(super) const BASE_VERSION: u32 = 2;
    pub(super) const VERSION: u32 = 3;
    pub(super) const BASE_SIZE: u32 = 4;
    pub(super) const SIZE: u32 = 5;
    pub(super) const BASE_SHA256: u32 = 6;
    pub(super) const SHA256: u32 = 7;
    pub(super) const SECURITY_COUNTER: u32 = 8;
    pub(super) const KIND: u32 = 9;
    pub(super) const LAYOUT: u32 = 10;
    pub(super) const BLOCK_SIZE: u32 = 11;
    pub(super) const PAYLOAD_SIZE: u32 = 12;
    pub(super) const PAYLOAD_SHA256: u32 = 13;
    pub(super) const DESCRIPTION: u32 = 14;
    pub(super) const NOTES: u32 = 15;
    pub(super) const MEMORY: u32 = 16;
    pub(super) const SPARE: u32 = 17;
    pub(super) const STATE: u32 = 18;
    /// Critical: who does not know it would read the second delta as the end of the first.
    pub(super) const REVERSE: i64 = -1;
}

/// The fields as they are read, in any subset.
struct Fields<'a> {
    manifest: Manifest<'a>,
    base: Base<'a>,
    /// The keys that were read, a bit each.
    seen: u32,
}

/// Keys that come together.
mod keys {
    use super::key;

    pub(super) const BASE: u32 = 1 << key::BASE_VERSION | 1 << key::BASE_SIZE | 1 << key::BASE_SHA256;
    pub(super) const NEEDS: u32 = 1 << key::MEMORY | 1 << key::SPARE | 1 << key::STATE;
    /// Those of every manifest: 1 to 15 without the base's.
    pub(super) const ALL: u32 = 0xFFFE & !BASE;
}

const BLANK_IMAGE: Image = Image { size: 0, sha256: [0; 32] };
const BLANK: Fields<'static> = Fields {
    manifest: Manifest {
        product: "",
        base: None,
        version: "",
        image: BLANK_IMAGE,
        security_counter: 0,
        payload: Payload {
            kind: Kind::Full,
            layout: Layout::Slot,
            block_size: 0,
            size: 0,
            sha256: [0; 32],
            needs: Needs { memory: 0, spare: 0, state: 0 },
            reverse: 0,
        },
        description: "",
        notes: "",
    },
    base: Base { version: "", image: BLANK_IMAGE },
    seen: 0,
};

impl<'a> Manifest<'a> {
    /// Reads a manifest whose first octet has offset `at` in the package.
    pub fn parse(octets: &'a [u8], at: usize) -> Result<Self, Error> {
        let mut reader = cbor::Reader::new(octets, at);
        let mut fields = BLANK;
        let mut last: Option<i64> = None;
        for _ in 0..reader.map()? {
            let key_at = reader.at();
            let key = reader.i64()?;
            if key < 0 && key != key::REVERSE {
                return Err(Error::new(ErrorKind::Unsupported, key_at));
            }
            if last.is_some_and(|last| rank(key) <= rank(last)) {
                return Err(Error::new(ErrorKind::NotDeterministic, key_at));
            }
            last = Some(key);
            match u32::try_from(key) {
                Ok(key) => fields.read(key, &mut reader)?,
                Err(_) if key == key::REVERSE => fields.manifest.payload.reverse = reverse(&mut reader)?,
                Err(_) => {
                    reader.simple()?;
                }
            }
        }
        let end = reader.at();
        reader.finish()?;
        if !fields.complete() {
            return Err(Error::new(ErrorKind::Missing, end));
        }
        let Manifest { payload, image, .. } = &fields.manifest;
        payload.check(image.size).map_err(|kind| Error::new(kind, at))?;
        Ok(fields.manifest)
    }

    /// The way back as a manifest: the new image is installed, the old one is made by the last [`Payload::reverse`] octets
    /// of the payload, whose `size` that is; its hash stays that of the whole payload. None if there is no way back.
    pub fn reversed(&self) -> Option<Self> {
        let base = self.base.filter(|_| self.payload.reverse > 0)?;
        Some(Self {
            base: Some(Base { version: self.version, image: self.image }),
            version: base.version,
            image: base.image,
            payload: Payload { size: self.payload.reverse, reverse: 0, ..self.payload },
            ..*self
        })
    }

    /// What a key of the manifest is called.
    pub(crate) fn key_name(key: i64) -> &'static str {
        match u32::try_from(key) {
            Err(_) if key == key::REVERSE => "payload back",
            Err(_) => "critical",
            Ok(key::PRODUCT) => "product",
            Ok(key::BASE_VERSION) => "from version",
            Ok(key::VERSION) => "to version",
            Ok(key::BASE_SIZE) => "old size",
            Ok(key::SIZE) => "new size",
            Ok(key::BASE_SHA256) => "SHA-256 old",
            Ok(key::SHA256) => "SHA-256 new",
            Ok(key::SECURITY_COUNTER) => "security counter",
            Ok(key::KIND) => "payload kind",
            Ok(key::LAYOUT) => "layout",
            Ok(key::BLOCK_SIZE) => "block size",
            Ok(key::PAYLOAD_SIZE) => "payload size",
            Ok(key::PAYLOAD_SHA256) => "SHA-256 payload",
            Ok(key::DESCRIPTION) => "description",
            Ok(key::NOTES) => "release notes",
            Ok(key::MEMORY) => "decoder memory",
            Ok(key::SPARE) => "spare flash",
            Ok(key::STATE) => "decoder state",
            Ok(_) => "unknown",
        }
    }

    /// Writes the manifest; returns its length. Refuses what `parse` would refuse.
    pub fn emit(&self, out: &mut [u8]) -> Result<usize, Error> {
        let len = cbor::write(out, |e| {
            let coded = self.payload.kind.is_coded();
            let reverse = self.payload.reverse;
            e.map(match (self.base.is_some(), coded) {
                (true, true) if reverse > 0 => 19,
                (true, true) => 18,
                (true, false) => 15,
                (false, _) => 12,
            })?;
            e.u32(key::PRODUCT)?.str(self.product)?;
            if let Some(base) = self.base {
                e.u32(key::BASE_VERSION)?.str(base.version)?;
            }
            e.u32(key::VERSION)?.str(self.version)?;
            if let Some(base) = self.base {
                e.u32(key::BASE_SIZE)?.u32(base.image.size)?;
            }
            e.u32(key::SIZE)?.u32(self.image.size)?;
            if let Some(base) = self.base {
                e.u32(key::BASE_SHA256)?.bytes(&base.image.sha256)?;
            }
            e.u32(key::SHA256)?.bytes(&self.image.sha256)?;
            e.u32(key::SECURITY_COUNTER)?.u32(self.security_counter)?;
            e.u32(key::KIND)?.u8(self.payload.kind as u8)?;
            e.u32(key::LAYOUT)?.u8(self.payload.layout as u8)?;
            e.u32(key::BLOCK_SIZE)?.u32(self.payload.block_size)?;
            e.u32(key::PAYLOAD_SIZE)?.u32(self.payload.size)?;
            e.u32(key::PAYLOAD_SHA256)?.bytes(&self.payload.sha256)?;
            e.u32(key::DESCRIPTION)?.str(self.description)?;
            e.u32(key::NOTES)?.str(self.notes)?;
            if coded && self.base.is_some() {
                let needs = self.payload.needs;
                e.u32(key::MEMORY)?.u32(needs.memory)?;
                e.u32(key::SPARE)?.u32(needs.spare)?;
                e.u32(key::STATE)?.u32(needs.state)?;
                if reverse > 0 {
                    e.i64(key::REVERSE)?.u32(reverse)?;
                }
            }
            Ok(())
        })?;
        Manifest::parse(out.get(..len).unwrap_or_default(), 0)?;
        Ok(len)
    }
}

impl<'a> Fields<'a> {
    /// Reads the value of `key`.
    fn read(&mut self, key: u32, reader: &mut cbor::Reader<'a>) -> Result<(), Error> {
        let Self { manifest, base, seen } = self;
        let payload = &mut manifest.payload;
        // one branch for what is read alike: each is code
        match key {
            key::PRODUCT | key::BASE_VERSION | key::VERSION => {
                let place = match key {
                    key::PRODUCT => &mut manifest.product,
                    key::BASE_VERSION => &mut base.version,
                    _ => &mut manifest.version,
                };
                *place = name(reader)?;
            }
            key::BASE_SIZE | key::SIZE => {
                let image = if key == key::SIZE { &mut manifest.image } else { &mut base.image };
                image.size = image_size(reader)?;
            }
            key::BASE_SHA256 | key::SHA256 | key::PAYLOAD_SHA256 => {
                let place = match key {
                    key::BASE_SHA256 => &mut base.image.sha256,
                    key::SHA256 => &mut manifest.image.sha256,
                    _ => &mut payload.sha256,
                };
                *place = reader.array_of()?;
            }
            key::SECURITY_COUNTER | key::PAYLOAD_SIZE | key::MEMORY | key::SPARE | key::STATE => {
                let place = match key {
                    key::SECURITY_COUNTER => &mut manifest.security_counter,
                    key::PAYLOAD_SIZE => &mut payload.size,
                    key::MEMORY => &mut payload.needs.memory,
                    key::SPARE => &mut payload.needs.spare,
                    _ => &mut payload.needs.state,
                };
                *place = reader.u32()?;
            }
            key::KIND => payload.kind = one_of(reader, &Kind::ALL)?,
            key::LAYOUT => payload.layout = one_of(reader, &[Layout::Slot, Layout::InPlace])?,
            key::BLOCK_SIZE => payload.block_size = block_size(reader)?,
            key::DESCRIPTION => manifest.description = lines(reader, DESCRIPTION_MAX, false)?,
            key::NOTES => manifest.notes = lines(reader, NOTES_MAX, true)?,
            _ => {
                reader.simple()?;
            }
        }
        *seen |= 1_u32.checked_shl(key).unwrap_or(0);
        Ok(())
    }

    /// Puts the parts together; false if a field is missing.
    fn complete(&mut self) -> bool {
        let has = |keys| self.seen & keys == keys;
        let payload = &mut self.manifest.payload;
        let coded = payload.kind.is_coded();
        let full = payload.kind == Kind::Full && self.seen & keys::BASE == 0;
        if !coded {
            payload.needs = Needs::default();
        }
        self.manifest.base = (!full).then_some(self.base);
        has(keys::ALL) && (full || has(keys::BASE)) && (!coded || has(keys::NEEDS))
    }
}

impl Payload {
    /// How many blocks an image of `size` octets has.
    pub fn blocks(&self, size: u32) -> u32 {
        size.div_ceil(self.block_size.max(1))
    }

    /// How many of the octets, the first ones, lead to the new image; the delta that leads back begins behind them.
    pub const fn forward(&self) -> u32 {
        self.size.saturating_sub(self.reverse)
    }

    fn check(&self, image_size: u32) -> Result<(), ErrorKind> {
        if self.reverse > 0 {
            if self.kind != Kind::Coded || self.layout != Layout::InPlace {
                return Err(ErrorKind::BadValue);
            }
            return if self.reverse < self.size { Ok(()) } else { Err(ErrorKind::BadLength) };
        }
        let least = match self.kind {
            Kind::Full if self.size == image_size => return Ok(()),
            Kind::Full => return Err(ErrorKind::BadLength),
            Kind::Delta => crate::plan::streams_at(self.blocks(image_size)),
            Kind::Coded => 1,
            Kind::Unpacked if self.layout == Layout::InPlace => return Err(ErrorKind::Unsupported),
            Kind::Unpacked => 2,
        };
        if self.size < least { Err(ErrorKind::BadLength) } else { Ok(()) }
    }
}

/// Where a key stands among the others: ordered by their encodings, negative ones come last, and only one is known.
const fn rank(key: i64) -> i64 {
    if key < 0 { i64::MAX } else { key }
}

/// None is said by leaving it out.
fn reverse(reader: &mut cbor::Reader<'_>) -> Result<u32, Error> {
    let at = reader.at();
    match reader.u32()? {
        0 => Err(Error::new(ErrorKind::BadValue, at)),
        octets => Ok(octets),
    }
}

fn name<'a>(reader: &mut cbor::Reader<'a>) -> Result<&'a str, Error> {
    let at = reader.at();
    let text = reader.text()?;
    if text.is_empty() || text.len() > NAME_MAX {
        return Err(Error::new(ErrorKind::LimitExceeded, at));
    }
    if text.bytes().all(|b| (0x20..0x7F).contains(&b)) {
        Ok(text)
    } else {
        Err(Error::new(ErrorKind::BadValue, at))
    }
}

/// Text of at most so many octets without control characters, in one line or `many`.
fn lines<'a>(reader: &mut cbor::Reader<'a>, max: usize, many: bool) -> Result<&'a str, Error> {
    let at = reader.at();
    let text = reader.text()?;
    if text.len() > max {
        return Err(Error::new(ErrorKind::LimitExceeded, at));
    }
    if text.chars().any(|c| c.is_control() && !(many && c == '\n')) {
        return Err(Error::new(ErrorKind::BadValue, at));
    }
    Ok(text)
}

fn image_size(reader: &mut cbor::Reader<'_>) -> Result<u32, Error> {
    let at = reader.at();
    let size = reader.u32()?;
    if (1..=IMAGE_MAX).contains(&size) { Ok(size) } else { Err(Error::new(ErrorKind::LimitExceeded, at)) }
}

fn block_size(reader: &mut cbor::Reader<'_>) -> Result<u32, Error> {
    let at = reader.at();
    let size = reader.u32()?;
    if (BLOCK_MIN..=BLOCK_MAX).contains(&size) && size.is_power_of_two() {
        Ok(size)
    } else {
        Err(Error::new(ErrorKind::BadValue, at))
    }
}

fn one_of<T: Copy>(reader: &mut cbor::Reader<'_>, all: &[T]) -> Result<T, Error> {
    let at = reader.at();
    let number = reader.u32()?;
    let one = usize::try_from(number).ok().and_then(|number| all.get(number));
    one.copied().ok_or(Error::new(ErrorKind::Unsupported, at))
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    fn example() -> Manifest<'static> {
        Manifest {
            product: "kedge-demo",
            base: Some(Base { version: "1.0.0", image: Image { size: 70_000, sha256: [1; 32] } }),
            version: "1.1.0",
            image: Image { size: 71_000, sha256: [2; 32] },
            security_counter: 3,
            payload: Payload {
                kind: Kind::Delta,
                layout: Layout::InPlace,
                block_size: 4096,
                size: 900,
                sha256: [3; 32],
                needs: Needs::default(),
                reverse: 0,
            },
            description: "Fixes calls — again",
            notes: "First line\nsecond line",
        }
    }

    fn emitted(manifest: &Manifest<'_>) -> Vec<u8> {
        let mut out = [0; 2048];
        let len = manifest.emit(&mut out).unwrap();
        out[..len].to_vec()
    }

    #[test]
    fn another_reader_agrees_with_the_writer() {
        let octets = emitted(&example());
        let mut decoder = minicbor::Decoder::new(&octets);
        assert_eq!(decoder.map().unwrap(), Some(15));
        assert_eq!(decoder.u8().unwrap(), 1);
        assert_eq!(decoder.str().unwrap(), "kedge-demo");
        for _ in 0..28 {
            decoder.skip().unwrap();
        }
        assert_eq!(decoder.position(), octets.len());
    }

    #[test]
    fn unknown_keys_are_skipped_and_critical_ones_refused() {
        let mut octets = emitted(&example());
        assert_eq!(octets[0], 0xAF);
        octets.splice(0..1, [0xB0]);
        let with = |extra: &[u8]| {
            let longer = [&octets, extra].concat();
            Manifest::parse(&longer, 100)
                .map(|m| m == example())
                .map_err(|e| (e.kind, e.at - 100 - octets.len()))
        };
        for known in [&b"\x13\x05"[..], b"\x13\x61a", b"\x18\x20\x41\x00", b"\x13\xF5", b"\x13\x38\x63"] {
            assert_eq!(with(known), Ok(true), "{known:x?}");
        }
        assert_eq!(with(b"\x21\x05"), Err((ErrorKind::Unsupported, 0)));
        assert_eq!(with(b"\x13\x81\x01"), Err((ErrorKind::Unsupported, 1)));
        assert_eq!(with(b"\x13\xF6"), Err((ErrorKind::Unsupported, 1)));
        assert_eq!(with(b"\x0F\x05"), Err((ErrorKind::NotDeterministic, 0)));
        assert_eq!(with(b"\x18\x10\x05"), Err((ErrorKind::NotDeterministic, 0)));
        assert_eq!(with(b"\x10\x18\x05"), Err((ErrorKind::NotDeterministic, 1)));
    }

    fn revertible() -> Manifest<'static> {
        let payload = Payload {
            kind: Kind::Coded,
            needs: Needs { memory: 4096, spare: 8192, state: 3000 },
            reverse: 400,
            ..example().payload
        };
        Manifest { payload, ..example() }
    }

    #[test]
    fn the_way_back_has_a_key_that_must_be_understood() {
        let octets = emitted(&revertible());
        assert_eq!(Manifest::parse(&octets, 0), Ok(revertible()));
        assert!(octets.ends_with(b"\x20\x19\x01\x90"), "key -1, 400");
        // what any reader that does not know it makes of a negative key
        let unknown = [&octets[..octets.len() - 4], b"\x21\x19\x01\x90"].concat();
        assert_eq!(Manifest::parse(&unknown, 0).map_err(|e| e.kind), Err(ErrorKind::Unsupported));
        let none = [&octets[..octets.len() - 4], b"\x20\x00"].concat();
        assert_eq!(Manifest::parse(&none, 0).map_err(|e| e.kind), Err(ErrorKind::BadValue));
        let mut early = octets.clone();
        let back = early.split_off(octets.len() - 4);
        early.splice(2..2, back);
        assert!(Manifest::parse(&early, 0).is_err(), "it is the last key");
    }

    #[test]
    fn the_way_back_exchanges_the_images() {
        let there = revertible();
        assert_eq!(there.payload.forward(), 500);
        let back = there.reversed().unwrap();
        assert_eq!((back.image, back.version), (there.base.unwrap().image, "1.0.0"));
        assert_eq!((back.base.unwrap().image, back.base.unwrap().version), (there.image, "1.1.0"));
        assert_eq!((back.payload.size, back.payload.forward(), back.payload.reverse), (400, 400, 0));
        assert_eq!((back.reversed(), example().reversed()), (None, None));
        let refused = |change: fn(&mut Manifest<'static>)| {
            let mut manifest = revertible();
            change(&mut manifest);
            manifest.emit(&mut [0; 4096]).map_err(|e| e.kind).err()
        };
        assert_eq!(refused(|m| m.payload.reverse = 900), Some(ErrorKind::BadLength), "nothing leads forward");
        assert_eq!(refused(|m| m.payload.layout = Layout::Slot), Some(ErrorKind::BadValue));
    }

    #[test]
    fn values_out_of_their_range_are_refused() {
        let changed = |change: fn(&mut Manifest<'static>)| {
            let mut manifest = example();
            change(&mut manifest);
            manifest.emit(&mut [0; 4096]).map_err(|e| e.kind).err()
        };
        assert_eq!(changed(|m| m.product = ""), Some(ErrorKind::LimitExceeded));
        assert_eq!(
            changed(|m| m.product = "123456789012345678901234567890123"),
            Some(ErrorKind::LimitExceeded)
        );
        assert_eq!(changed(|m| m.version = "1\u{e4}"), Some(ErrorKind::BadValue));
        assert_eq!(changed(|m| m.description = "two\nlines"), Some(ErrorKind::BadValue));
        assert_eq!(changed(|m| m.notes = "bell\u{7}"), Some(ErrorKind::BadValue));
        assert_eq!(changed(|m| m.image.size = 0), Some(ErrorKind::LimitExceeded));
        assert_eq!(changed(|m| m.image.size = IMAGE_MAX + 1), Some(ErrorKind::LimitExceeded));
        assert_eq!(changed(|m| m.payload.block_size = 128), Some(ErrorKind::BadValue));
        assert_eq!(changed(|m| m.payload.block_size = 4097), Some(ErrorKind::BadValue));
        assert_eq!(changed(|m| m.payload.size = 100), Some(ErrorKind::BadLength));
        assert_eq!(changed(|m| m.base = None), Some(ErrorKind::Missing));
        assert_eq!(changed(|m| m.payload.kind = Kind::Full), Some(ErrorKind::BadLength));
        assert_eq!(changed(|m| m.security_counter = 0), None);
        assert_eq!(example().emit(&mut [0; 100]), Err(Error::new(ErrorKind::NoRoom, 100)));
    }

    proptest! {
        #[test]
        fn parse_is_the_inverse_of_emit(
            names in proptest::array::uniform3("[ -~]{1,32}"),
            description in "[^\\p{Cc}]{0,30}",
            notes in "([^\\p{Cc}]|\n){0,250}",
            sizes in proptest::array::uniform2(1..=IMAGE_MAX),
            hashes in any::<[[u8; 32]; 3]>(),
            security_counter: u32,
            full: bool,
            in_place: bool,
            with_base: bool,
            shift in 8..=20u32,
        ) {
            let base = Base { version: &names[1], image: Image { size: sizes[0], sha256: hashes[0] } };
            let manifest = Manifest {
                product: &names[0],
                base: (with_base || !full).then_some(base),
                version: &names[2],
                image: Image { size: sizes[1], sha256: hashes[1] },
                security_counter,
                payload: Payload {
                    kind: if full { Kind::Full } else { Kind::Delta },
                    layout: if in_place { Layout::InPlace } else { Layout::Slot },
                    block_size: 1 << shift,
                    size: if full { sizes[1] } else { u32::MAX },
                    sha256: hashes[2],
                    needs: Needs::default(),
                    reverse: 0,
                },
                description: &description,
                notes: &notes,
            };
            let octets = emitted(&manifest);
            prop_assert_eq!(Manifest::parse(&octets, 0), Ok(manifest));
            for len in 0..octets.len() {
                prop_assert!(Manifest::parse(&octets[..len], 0).is_err());
            }
        }

        #[test]
        fn any_octets_return(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Manifest::parse(&octets, 0);
        }

        /// What is taken is in the one encoding: emitting it again gives the same octets (keys of ours only).
        #[test]
        fn an_altered_octet_is_refused_or_deterministic(at in 0usize..300, value: u8) {
            let mut octets = emitted(&example());
            let at = at % octets.len();
            octets[at] = value;
            if let Ok(manifest) = Manifest::parse(&octets, 0) {
                prop_assert_eq!(emitted(&manifest), octets);
            }
        }
    }
}
