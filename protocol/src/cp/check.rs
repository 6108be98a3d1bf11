use super::object::Object;
use super::objects::{Objects, Source};
use super::{Fault, Item, Key, Kind, MAX_VALUE, ParmName, Why};
use crate::wire::{Error, ErrorKind, Writer};

/// The value of TO-NAPID that means any access point to the Internet: a wish, which any connection of the device may fulfil,
/// and no reference.
const INTERNET: &str = "INTERNET";

/// What the device has already, in the context that the document belongs to.
pub trait Known {
    /// Whether there is an object of this kind that answers to this id (see [`super::Key::answers_to`]).
    fn has(&mut self, kind: Kind, id: &str) -> bool;

    /// Whether an object with this key belongs to another context, which the document may not change.
    fn is_foreign(&mut self, key: &Key<'_>) -> bool {
        let _ = key;
        false
    }
}

/// A device without settings.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nothing;

impl Known for Nothing {
    fn has(&mut self, _: Kind, _: &str) -> bool {
        false
    }
}

/// What a document holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Objects.
    pub objects: usize,
    /// References, all of which lead somewhere.
    pub references: usize,
    /// Octets that its objects take when stored.
    pub octets: usize,
}

/// Checks a whole document: everything that [`Objects`] refuses, keys that occur twice, references that lead nowhere
/// and keys of objects that belong to another context (`oma-cp.md` section 5). A reference is looked up in the document first, then in what is `known`.
///
/// Reads the document once for every object and reference, so that it needs no memory but `scratch` (see
/// [`super::OBJECT`]).
pub fn check<'a, S: Source<'a>>(
    source: &S,
    known: &mut impl Known,
    scratch: &mut [u8],
) -> Result<Summary, Fault> {
    let mut summary = Summary::default();
    let mut objects = Objects::new(source)?;
    while let Some(object) = objects.next(scratch)? {
        let at = objects.at();
        let (len, references) = (object.buffer_len(), references(&object).count());
        if !physical_proxies_differ(&object) {
            return Err(Fault::new(Why::Duplicate(Kind::PxPhysical), at));
        }
        let mut id = [0; MAX_VALUE];
        let mut provider = [0; MAX_VALUE];
        if let Some(key) = object.key() {
            let kind = key.kind;
            let (id, provider) = (copied(key.id, &mut id)?, copied(key.provider, &mut provider)?);
            let twin = |object: &Object<'_>| {
                object.key().is_some_and(|k| k.kind == kind && k.id == id && k.provider == provider)
            };
            if let Some(again) = find(source, summary.objects.saturating_add(1), scratch, twin)? {
                return Err(Fault::new(Why::Duplicate(kind), again));
            }
            if known.is_foreign(&Key { kind, id, provider }) {
                return Err(Fault::new(Why::Foreign(kind), at));
            }
        }
        for number in 0..references {
            resolve(source, known, (summary.objects, number), scratch, at)?;
        }
        summary.objects = summary.objects.saturating_add(1);
        summary.references = summary.references.saturating_add(references);
        summary.octets = summary.octets.saturating_add(len);
    }
    Ok(summary)
}

/// Follows the reference `(object, number)`.
fn resolve<'a, S: Source<'a>>(
    source: &S,
    known: &mut impl Known,
    (place, number): (usize, usize),
    scratch: &mut [u8],
    at: usize,
) -> Result<(), Fault> {
    let mut buf = [0; MAX_VALUE];
    let mut objects = Objects::new(source)?;
    for _ in 0..place {
        objects.next(scratch)?;
    }
    let Some(object) = objects.next(scratch)? else { return Ok(()) };
    let Some((name, id)) = references(&object).nth(number) else { return Ok(()) };
    let id = copied(id, &mut buf)?;
    let kind = if name == ParmName::ToNapId { Kind::Napdef } else { Kind::PxLogical };
    let wanted =
        |object: &Object<'_>| object.kind() == kind && object.key().is_some_and(|key| key.answers_to(id));
    let found = find(source, 0, scratch, wanted)?.is_some();
    if found || known.has(kind, id) { Ok(()) } else { Err(Fault::new(Why::Unresolved(name), at)) }
}

/// Where the first object stands that is `wanted`, the first `skipped` ones left out.
fn find<'a, S: Source<'a>>(
    source: &S,
    skipped: usize,
    scratch: &mut [u8],
    wanted: impl Fn(&Object<'_>) -> bool,
) -> Result<Option<usize>, Fault> {
    let mut objects = Objects::new(source)?;
    let mut place = 0_usize;
    while let Some(object) = objects.next(scratch)? {
        if place >= skipped && wanted(&object) {
            return Ok(Some(objects.at()));
        }
        place = place.saturating_add(1);
    }
    Ok(None)
}

/// What an object refers to, wherever in it: access points and proxies. The selectors of ACCESS need not exist.
fn references<'s>(object: &Object<'s>) -> impl Iterator<Item = (ParmName, &'s str)> + use<'s> {
    let kind = object.kind();
    object.items().filter_map(move |item| match (kind, item) {
        (Kind::Access, _) | (_, Item::Parm(ParmName::ToNapId, INTERNET)) => None,
        (_, Item::Parm(name @ (ParmName::ToNapId | ParmName::ToProxy), id))
        | (Kind::Bootstrap, Item::Parm(name @ ParmName::ProxyId, id)) => Some((name, id)),
        _ => None,
    })
}

/// Whether no two physical proxies of a logical one have the same id.
fn physical_proxies_differ(object: &Object<'_>) -> bool {
    object.children(Kind::PxPhysical).enumerate().all(|(place, one)| {
        let own = one.parm(ParmName::PhysicalProxyId);
        object
            .children(Kind::PxPhysical)
            .take(place)
            .all(|other| other.parm(ParmName::PhysicalProxyId) != own)
    })
}

/// A copy that outlives the object it was taken from.
fn copied<'b>(text: &str, buf: &'b mut [u8]) -> Result<&'b str, Error> {
    let mut w = Writer::new(buf);
    w.put(text.as_bytes())?;
    core::str::from_utf8(w.finish()).map_err(|_| Error::new(ErrorKind::BadText, 0))
}
