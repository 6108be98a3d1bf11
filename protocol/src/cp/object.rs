use super::shape::Shape;
use super::{Kind, MAX_NAME, MAX_VALUE, ParmName};
use crate::wbxml::{Token, pages};
use crate::wire::{Error, ErrorKind, Reader, Writer};

/// The value is an attribute value token of PROV, page 0.
const TOKEN: u8 = 0x80;
/// A parm with a name of its own.
const FREE: u8 = 0x7F;
/// A characteristic opens, its kind follows. (As a parm with a token value it would be number 126.)
const OPEN: u8 = 0xFE;
/// The innermost characteristic closes.
const CLOSE: u8 = 0xFF;
/// Deepest nesting within an object: APPADDR with its PORT in APPLICATION.
pub(super) const LEVELS: usize = 3;

const _: () = assert!(ParmName::ALL.len() < 0x7E, "numbers of parms collide with the marks");

/// A characteristic with its parms and the characteristics in it, in the form in which it is stored:
///
/// ```text
/// object = kind *item          item = parm | free | OPEN kind *item CLOSE
/// parm = number length text | (number | 0x80) token          free = FREE length name length text
/// ```
/// Numbers are those of [`ParmName`] and [`Kind`]. A value that has a token in PROV (page 0) is always that token, so that
/// equal objects have equal octets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Object<'s> {
    kind: Kind,
    items: &'s [u8],
}

/// One item of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'s> {
    /// A parm; without a value it is a flag.
    Parm(ParmName, &'s str),
    /// A parm of VENDORCONFIG: name, value.
    Free(&'s str, &'s str),
    /// A characteristic opens.
    Open(Kind),
    /// The innermost one closes.
    Close,
}

/// What tells an object from others of its kind (`oma-cp.md` section 5). One with the same key is replaced as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key<'s> {
    /// The kind.
    pub kind: Kind,
    /// NAPID, PROXY-ID, APPID, the vendor's NAME; empty where there can be one only.
    pub id: &'s str,
    /// PROVIDER-ID of an application; empty elsewhere, and where it is missing.
    pub provider: &'s str,
}

impl Key<'_> {
    /// Whether a reference to `id` means this object. Upper and lower case do not count: a real operator's document calls the
    /// proxy `V_P` and refers to `v_P`. Whoever finds several takes the one that is spelled alike.
    pub const fn answers_to(&self, id: &str) -> bool {
        self.id.eq_ignore_ascii_case(id)
    }
}

impl<'s> Object<'s> {
    /// Checks stored octets, kind first.
    pub fn from_octets(octets: &'s [u8]) -> Result<Self, Error> {
        let mut r = Reader::new(octets);
        let kind = Kind::from_number(r.u8()?).ok_or(Error::new(ErrorKind::BadValue, 0))?;
        let object = Self { kind, items: r.rest() };
        let mut items = Items { r };
        let mut depth = 1_usize;
        while let Some(item) = items.read()? {
            match item {
                Item::Open(_) if depth < LEVELS => depth = depth.saturating_add(1),
                Item::Close if depth > 1 => depth = depth.saturating_sub(1),
                Item::Open(_) | Item::Close => return Err(items.r.error(ErrorKind::BadValue)),
                _ => {}
            }
        }
        if depth == 1 { Ok(object) } else { Err(items.r.error(ErrorKind::Truncated)) }
    }

    /// Appends the octets for [`Self::from_octets`].
    pub fn write(&self, out: &mut Writer<'_>) -> Result<(), Error> {
        out.u8(self.kind.number())?;
        out.put(self.items)
    }

    /// How many octets [`Self::write`] writes.
    pub const fn buffer_len(&self) -> usize {
        self.items.len().saturating_add(1)
    }

    /// What it is.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Its items in order.
    pub const fn items(&self) -> Items<'s> {
        Items { r: Reader::new(self.items) }
    }

    /// The values of its own parms called `name`, in order.
    pub fn parms(&self, name: ParmName) -> impl Iterator<Item = &'s str> + use<'s> {
        let mut depth = 0_usize;
        self.items().filter_map(move |item| match item {
            Item::Parm(own, value) if own == name && depth == 0 => Some(value),
            Item::Open(_) => {
                depth = depth.saturating_add(1);
                None
            }
            Item::Close => {
                depth = depth.saturating_sub(1);
                None
            }
            _ => None,
        })
    }

    /// The value of its parm called `name`.
    pub fn parm(&self, name: ParmName) -> Option<&'s str> {
        self.parms(name).next()
    }

    /// Whether it has the parm; for flags.
    pub fn has(&self, name: ParmName) -> bool {
        self.parm(name).is_some()
    }

    /// The number that the parm called `name` holds.
    pub fn number(&self, name: ParmName) -> Option<u32> {
        self.parm(name)?.parse().ok()
    }

    /// The value of the vendor's own parm `name`, of a VENDORCONFIG.
    pub fn free(&self, name: &str) -> Option<&'s str> {
        self.items().find_map(|item| match item {
            Item::Free(own, value) if own == name => Some(value),
            _ => None,
        })
    }

    /// The characteristics of this kind directly in it.
    pub fn children(&self, kind: Kind) -> impl Iterator<Item = Object<'s>> + use<'s> {
        let mut items = self.items();
        core::iter::from_fn(move || items.child()).filter(move |child| child.kind == kind)
    }

    /// What tells it from others of its kind; `None` for ACCESS, of which there may be any number.
    pub fn key(&self) -> Option<Key<'s>> {
        let id = match Shape::of(self.kind).key {
            _ if self.kind == Kind::Access => return None,
            Some(ParmName::ClientId) | None => "",
            Some(name) => self.parm(name).unwrap_or_default(),
        };
        let provider = match self.kind {
            Kind::Application => self.parm(ParmName::ProviderId).unwrap_or_default(),
            _ => "",
        };
        Some(Key { kind: self.kind, id, provider })
    }
}

/// Names and values, secrets left out.
impl core::fmt::Debug for Object<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}(", self.kind)?;
        for item in self.items() {
            match item {
                Item::Parm(name, _) if name.is_secret() => write!(f, "{name}=*** ")?,
                Item::Parm(name, "") => write!(f, "{name} ")?,
                Item::Parm(name, value) => write!(f, "{name}={value:?} ")?,
                Item::Free(name, _) => write!(f, "{name}=*** ")?,
                Item::Open(kind) => write!(f, "{kind}(")?,
                Item::Close => f.write_str(") ")?,
            }
        }
        f.write_str(")")
    }
}

/// The items of an object in order.
#[derive(Clone, Debug)]
pub struct Items<'s> {
    r: Reader<'s>,
}

impl<'s> Items<'s> {
    fn read(&mut self) -> Result<Option<Item<'s>>, Error> {
        let start = self.r;
        if self.r.is_empty() {
            return Ok(None);
        }
        let bad = start.error(ErrorKind::BadValue);
        let mark = self.r.u8()?;
        match mark {
            OPEN => Kind::from_number(self.r.u8()?).map(|kind| Some(Item::Open(kind))).ok_or(bad),
            CLOSE => Ok(Some(Item::Close)),
            FREE => {
                let name = self.text()?;
                Ok(Some(Item::Free(name, self.text()?)))
            }
            _ => {
                let name = ParmName::from_number(mark & !TOKEN).ok_or(bad)?;
                let value = if mark & TOKEN == 0 {
                    self.text()?
                } else {
                    pages::PROV.value(Token { page: 0, code: self.r.u8()? }).ok_or(bad)?
                };
                Ok(Some(Item::Parm(name, value)))
            }
        }
    }

    fn text(&mut self) -> Result<&'s str, Error> {
        let len = self.r.u8()?;
        let at = self.r;
        let octets = self.r.take(usize::from(len))?;
        core::str::from_utf8(octets).map_err(|_| at.error(ErrorKind::BadText))
    }

    /// The next characteristic at this level, its items passed over.
    fn child(&mut self) -> Option<Object<'s>> {
        let kind = loop {
            if let Item::Open(kind) = self.next()? {
                break kind;
            }
        };
        let inside = self.r.rest();
        let mut depth = 1_usize;
        loop {
            let left = self.r.left();
            match self.next()? {
                Item::Open(_) => depth = depth.saturating_add(1),
                Item::Close => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                let items = inside.get(..inside.len().saturating_sub(left)).unwrap_or_default();
                return Some(Object { kind, items });
            }
        }
    }
}

impl<'s> Iterator for Items<'s> {
    type Item = Item<'s>;

    fn next(&mut self) -> Option<Item<'s>> {
        self.read().ok().flatten()
    }
}

/// Makes an object in the caller's buffer. It takes what [`Object`] can hold; whether the kind may have it, the reader of
/// a document decides.
#[derive(Debug)]
pub struct ObjectWriter<'b> {
    out: Writer<'b>,
    /// The kinds that are open and where their items begin.
    open: [(Kind, usize); LEVELS],
    /// The parms that they have, a bit each, and those with a value.
    had: [[Parms; 2]; LEVELS],
    depth: usize,
}

/// A set of parms by their numbers.
#[derive(Clone, Copy, Debug)]
struct Parms([u32; 4]);

impl Parms {
    const NONE: Self = Self([0; 4]);

    fn add(&mut self, name: ParmName) {
        let (word, bit) = Self::place(name);
        if let Some(word) = self.0.get_mut(word) {
            *word |= bit;
        }
    }

    fn has(&self, name: ParmName) -> bool {
        let (word, bit) = Self::place(name);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }

    /// The word that holds the parm's bit, and the bit.
    const fn place(name: ParmName) -> (usize, u32) {
        let number = name.number();
        ((number >> 5) as usize, 1 << (number & 31))
    }
}

impl<'b> ObjectWriter<'b> {
    /// Begins an object of this kind.
    pub const fn new(out: &'b mut [u8], kind: Kind) -> Self {
        Self { out: Writer::new(out), open: [(kind, 0); LEVELS], had: [[Parms::NONE; 2]; LEVELS], depth: 1 }
    }

    /// Adds a parm. `LimitExceeded` for a value longer than [`MAX_VALUE`], `NoRoom` if the buffer is full.
    pub fn parm(&mut self, name: ParmName, value: &str) -> Result<&mut Self, Error> {
        if let Some(code) = pages::prov_value(value) {
            self.out.put(&[name.number() | TOKEN, code])?;
        } else {
            self.out.u8(name.number())?;
            self.text(value, MAX_VALUE)?;
        }
        if let Some([had, valued]) = self.innermost_place().and_then(|place| self.had.get_mut(place)) {
            had.add(name);
            if !value.is_empty() {
                valued.add(name);
            }
        }
        Ok(self)
    }

    /// Adds a vendor's own parm. Errors as [`Self::parm`]; names have at most [`MAX_NAME`] octets.
    pub fn free(&mut self, name: &str, value: &str) -> Result<&mut Self, Error> {
        self.out.u8(FREE)?;
        self.text(name, MAX_NAME)?;
        self.text(value, MAX_VALUE)?;
        Ok(self)
    }

    /// Opens a characteristic within. `LimitExceeded` beyond three levels.
    pub fn open(&mut self, kind: Kind) -> Result<&mut Self, Error> {
        let too_deep = Error::new(ErrorKind::LimitExceeded, self.out.at());
        let places = self.open.get_mut(self.depth).zip(self.had.get_mut(self.depth));
        let (slot, had) = places.ok_or(too_deep)?;
        self.out.put(&[OPEN, kind.number()])?;
        *slot = (kind, self.out.at());
        *had = [Parms::NONE; 2];
        self.depth = self.depth.saturating_add(1);
        Ok(self)
    }

    /// Closes the innermost characteristic. `BadValue` if only the object itself is open.
    pub fn close(&mut self) -> Result<&mut Self, Error> {
        if self.depth <= 1 {
            return Err(Error::new(ErrorKind::BadValue, self.out.at()));
        }
        self.out.u8(CLOSE)?;
        self.depth = self.depth.saturating_sub(1);
        Ok(self)
    }

    /// The object; `Truncated` if a characteristic within is still open.
    pub fn finish(self) -> Result<Object<'b>, Error> {
        if self.depth != 1 {
            return Err(Error::new(ErrorKind::Truncated, self.out.at()));
        }
        let [(kind, _), ..] = self.open;
        Ok(Object { kind, items: self.out.finish() })
    }

    /// What the innermost open characteristic has so far.
    pub(super) fn innermost(&self) -> Object<'_> {
        let [object, ..] = self.open;
        let (kind, from) = self.open.get(self.depth.saturating_sub(1)).copied().unwrap_or(object);
        Object { kind, items: self.out.written().get(from..).unwrap_or_default() }
    }

    /// Whether the innermost open characteristic has the parm.
    pub(super) fn has(&self, name: ParmName) -> bool {
        self.innermost_had().is_some_and(|[had, _]| had.has(name))
    }

    /// Whether it has the parm with a value that is not empty.
    pub(super) fn has_value(&self, name: ParmName) -> bool {
        self.innermost_had().is_some_and(|[_, valued]| valued.has(name))
    }

    fn innermost_had(&self) -> Option<&[Parms; 2]> {
        self.innermost_place().and_then(|place| self.had.get(place))
    }

    const fn innermost_place(&self) -> Option<usize> {
        self.depth.checked_sub(1)
    }

    /// Whether only the object itself is open.
    pub(super) const fn is_outermost(&self) -> bool {
        self.depth == 1
    }

    fn text(&mut self, text: &str, limit: usize) -> Result<(), Error> {
        let len = u8::try_from(text.len()).ok().filter(|_| text.len() <= limit);
        self.out.u8(len.ok_or(Error::new(ErrorKind::LimitExceeded, self.out.at()))?)?;
        self.out.put(text.as_bytes())
    }
}
