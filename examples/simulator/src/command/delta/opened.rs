//! A package taken apart.

use std::fmt;

use kedge_delta::map::Region;
use kedge_delta::rebuild::{self, Input, Outline, Rebuild};
use kedge_generator::NEEDS_MOST;
use kedge_generator::image::MOST_REGIONS;
use kedge_package::limits::HEADER_LEN;
use kedge_package::{Envelope, Error, ErrorKind, Header, Kind, Layout, Manifest};
use kedge_repack::remake;

/// A package whose parts are well-formed; signature and hashes are not checked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opened<'p> {
    pub(super) envelope: Envelope<'p>,
    pub(super) manifest: Manifest<'p>,
    pub(super) payload: &'p [u8],
}

impl<'p> Opened<'p> {
    /// Takes a package apart.
    pub(super) fn new(package: &'p [u8]) -> Result<Self, Error> {
        let opened = Self::front(package)?;
        match opened.payload.len().cmp(&(opened.manifest.payload.size as usize)) {
            std::cmp::Ordering::Less => Err(Error::new(ErrorKind::Truncated, package.len())),
            std::cmp::Ordering::Equal => Ok(opened),
            std::cmp::Ordering::Greater => Err(Error::new(ErrorKind::Trailing, package.len())),
        }
    }

    /// The same, whatever is there of the payload.
    fn front(package: &'p [u8]) -> Result<Self, Error> {
        let truncated = Error::new(ErrorKind::Truncated, package.len());
        let (head, rest) = package.split_first_chunk::<HEADER_LEN>().ok_or(truncated)?;
        let header = Header::parse(head)?;
        let (envelope, payload) = rest.split_at_checked(usize::from(header.envelope)).ok_or(truncated)?;
        let envelope = Envelope::parse(envelope)?;
        let manifest = Manifest::parse(envelope.manifest, envelope.manifest_at)?;
        if let Some(suit) = envelope.suit() {
            suit.agrees(&manifest)?;
        }
        if header.payload != manifest.payload.size {
            return Err(Error::new(ErrorKind::BadLength, 8));
        }
        Ok(Self { envelope, manifest, payload })
    }

    /// Shows the plan of a coded delta, up to where it is broken, and says what it amounts to; nothing for other payloads.
    pub(super) fn plan(&self, out: &mut impl fmt::Write) -> Result<Option<Planned>, fmt::Error> {
        if self.manifest.payload.kind != Kind::Coded {
            return Ok(None);
        }
        let planned = rebuild::dump(&self.outline(), &mut PayloadAlone(self.payload), out)?;
        Ok(Some(planned.map_err(Undecodable::from)))
    }

    /// What a coded delta's decoder has to know.
    pub(super) fn outline(&self) -> Outline {
        Outline {
            payload: self.manifest.payload.forward(),
            old_size: self.manifest.base.map_or(0, |base| base.image.size),
            new_size: self.manifest.image.size,
            block: self.manifest.payload.block_size,
            in_place: self.manifest.payload.layout == Layout::InPlace,
        }
    }

    /// Lends a decoder the memory that the package says it needs; `None`: absurdly much.
    pub(super) fn memory(&self) -> Option<(Vec<u32>, Vec<Region>)> {
        let octets = self.manifest.payload.needs.memory;
        (octets <= NEEDS_MOST)
            .then(|| (vec![0; octets.div_ceil(4) as usize], vec![Region::BLANK; MOST_REGIONS]))
    }

    /// What the plan of a coded delta says about the images; nothing for other payloads. The old image is not needed. With
    /// streams unpacked, offsets are those of the expanded images.
    pub(super) fn regions(&self) -> Result<Vec<Region>, Undecodable> {
        let (mut words, mut regions) = self.memory().ok_or(Undecodable::Memory)?;
        let (outline, payload) = match self.manifest.payload.kind {
            Kind::Coded => (self.outline(), self.payload),
            Kind::Unpacked => {
                let contents = remake::contents(self.outline(), &mut words, &mut PayloadAlone(self.payload))?;
                (contents.outline, self.payload.get(contents.delta_at as usize..).unwrap_or_default())
            }
            Kind::Full | Kind::Delta => return Ok(Vec::new()),
        };
        let mut input = PayloadAlone(payload);
        let rebuild = Rebuild::open(outline, &mut words, &mut regions, &mut input)?;
        Ok(rebuild.regions().list.to_vec())
    }
}

/// What a plan amounts to, or why nobody knows.
pub(super) type Planned = Result<rebuild::Summary, Undecodable>;

/// Shows the plan of a package with a coded delta; what is broken in it, and where it begins. Of other octets nothing.
pub(in crate::command) fn show_plan(
    package: &[u8],
    out: &mut impl fmt::Write,
) -> Result<Option<(Undecodable, usize)>, fmt::Error> {
    let Ok(opened) = Opened::front(package) else { return Ok(None) };
    let planned = opened.plan(out)?;
    Ok(planned.and_then(Result::err).map(|why| (why, package.len() - opened.payload.len())))
}

/// Why the payload of a package is not the delta that the package says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::command) enum Undecodable {
    /// It says that it needs more RAM than any device has.
    Memory,
    /// It reads where there is nothing.
    OutOfBounds,
    /// The decoder found a fault.
    Fault(rebuild::Fault),
    /// The recipe for compressed content is broken.
    Recipe(remake::Fault),
}

impl From<remake::Error<OutOfBounds>> for Undecodable {
    fn from(error: remake::Error<OutOfBounds>) -> Self {
        match error {
            remake::Error::Input(OutOfBounds) => Self::OutOfBounds,
            remake::Error::Fault(remake::Fault::Delta(fault)) => Self::Fault(fault),
            remake::Error::Fault(fault) => Self::Recipe(fault),
        }
    }
}

impl From<rebuild::Error<OutOfBounds>> for Undecodable {
    fn from(error: rebuild::Error<OutOfBounds>) -> Self {
        match error {
            rebuild::Error::Input(OutOfBounds) => Self::OutOfBounds,
            rebuild::Error::Fault(fault) => Self::Fault(fault),
        }
    }
}

impl fmt::Display for Undecodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use rebuild::Fault;
        f.write_str(match self {
            Self::Memory => "it needs more than 64 MiB of RAM",
            Self::OutOfBounds => "it reads outside the images",
            Self::Fault(Fault::Memory { words }) => {
                return write!(f, "it needs {} octets of RAM more than it says", words.saturating_mul(4));
            }
            Self::Fault(Fault::Regions) => "its regions are out of order or too many",
            Self::Fault(Fault::Map) => "its map has more pieces than it said",
            Self::Fault(Fault::Order) => "a block does not exist or comes twice",
            Self::Fault(Fault::Segment) => "a segment leaves its block or the old image",
            Self::Fault(Fault::Save) => "it saves what is not there",
            Self::Fault(Fault::Work) => "it asks for more work than such images take",
            Self::Fault(_) => "its plan is broken",
            Self::Recipe(fault) => return fault.fmt(f),
        })
    }
}

impl std::error::Error for Undecodable {}

/// Something was read that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::command) struct OutOfBounds;

/// Fills `out` with the octets of `from` at `at`.
pub(super) fn copy(from: &[u8], at: u32, out: &mut [u8]) -> Result<(), OutOfBounds> {
    let octets = from.get(at as usize..).and_then(|rest| rest.get(..out.len())).ok_or(OutOfBounds)?;
    out.copy_from_slice(octets);
    Ok(())
}

/// A payload without any image.
struct PayloadAlone<'p>(&'p [u8]);

impl Input for PayloadAlone<'_> {
    type Error = OutOfBounds;

    fn payload(&mut self, at: u32, out: &mut [u8]) -> Result<(), OutOfBounds> {
        copy(self.0, at, out)
    }

    fn old(&mut self, _: u32, _: &mut [u8]) -> Result<(), OutOfBounds> {
        Err(OutOfBounds)
    }

    fn saved(&mut self, _: u32, _: &mut [u8]) -> Result<(), OutOfBounds> {
        Err(OutOfBounds)
    }
}
