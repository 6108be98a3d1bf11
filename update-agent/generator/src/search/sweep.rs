//! The units of a whole image, found once.
use kedge_delta::arch::{self, AHEAD, Arch, BEHIND, Form, Place, Window};
use kedge_delta::map::Regions;

use super::small;

/// One octet for each of the image: at the start of a unit [`START`], its class, and [`REFERENCE`] if it has one; at its
/// other octets how far the start is behind, and [`ENTRANCE`] where a copy may start in spite of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark(u8);

const START: u8 = 0x80;
const REFERENCE: u8 = 0x40;
const ENTRANCE: u8 = 0x20;
const CLASS: u8 = 0x3F;

impl Mark {
    /// Whether a unit starts here.
    pub(super) const fn starts(self) -> bool {
        self.0 & START != 0
    }

    /// Whether a unit with an address in it starts here.
    pub(super) const fn refers(self) -> bool {
        self.0 & (START | REFERENCE) == START | REFERENCE
    }

    /// Whether a copy may start here: where a unit does, and anywhere in data.
    pub(super) const fn enters(self) -> bool {
        self.0 & (START | ENTRANCE) != 0
    }
}

/// An address in the old image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    /// Offset of its unit.
    pub(super) at: u32,
    /// The address.
    pub(super) target: u32,
    /// How it is coded.
    pub(super) form: Form,
    /// Octets of its unit.
    pub(super) len: u8,
}

/// Which image is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Old,
    New,
}

fn place(regions: &Regions<'_>, side: Side, at: usize) -> Place {
    match side {
        Side::Old => regions.old_place(small(at)),
        Side::New => regions.new_place(small(at)),
    }
}

fn window(image: &[u8], at: usize, address: u32) -> Window<'_> {
    let behind = &image[at.saturating_sub(BEHIND)..at];
    let ahead = &image[at..image.len().min(at + AHEAD)];
    Window { behind, ahead, address }
}

/// Walks an image: its marks, and the image with all addresses masked out.
pub(super) fn sweep(image: &[u8], regions: &Regions<'_>, side: Side) -> (Vec<Mark>, Vec<u8>) {
    let mut marks = Vec::with_capacity(image.len());
    let mut masked = image.to_vec();
    let mut at = 0;
    while at < image.len() {
        let place = place(regions, side, at);
        let unit = arch::unit(&place, &window(image, at, place.address), |word| regions.is_place(word));
        let len = usize::from(unit.len).clamp(1, image.len() - at);
        let refers = if unit.reference.is_some() { REFERENCE } else { 0 };
        let entrance = if is_code(place.arch) { 0 } else { ENTRANCE };
        marks.push(Mark(START | refers | unit.class & CLASS));
        marks.extend((1..len).map(|back| Mark(small_octet(back) | refers | entrance)));
        if let Some(reference) = unit.reference {
            mask(&place, reference.form, unit.class, &mut masked[at..at + len]);
        }
        at += len;
    }
    (marks, masked)
}

/// Walks the addresses of the old image, of which `marks` tell where they are.
pub(super) fn references(old: &[u8], regions: &Regions<'_>, marks: &[Mark]) -> Vec<Reference> {
    let count = marks.iter().filter(|mark| mark.refers()).count();
    let mut references = Vec::with_capacity(count);
    for (at, _) in marks.iter().enumerate().filter(|(_, mark)| mark.refers()) {
        let place = place(regions, Side::Old, at);
        let unit = arch::unit(&place, &window(old, at, place.address), |word| regions.is_place(word));
        if let Some(reference) = unit.reference
            && usize::from(unit.len) <= old.len() - at
        {
            references.push(Reference {
                at: small(at),
                target: reference.target,
                form: reference.form,
                len: unit.len,
            });
        }
    }
    references
}

const fn is_code(arch: Arch) -> bool {
    !matches!(arch, Arch::Data | Arch::Data64 | Arch::Offsets | Arch::Relative)
}

/// Makes all units of one form and other octets alike, whatever their address.
fn mask(place: &Place, form: Form, class: u8, octets: &mut [u8]) {
    let here = place.address;
    // near and far, since many forms reach only a little way, some only forward
    let aims = [
        0xFEDC_BA98,
        here,
        here.wrapping_add(4) & !3,
        here.wrapping_add(64) & !3,
        here.wrapping_sub(64) & !3,
    ];
    // what reaches everywhere takes a constant; what does not, a constant distance
    let aims = if form.kind >= FORMS_OF_WORDS { &aims[..1] } else { &aims[1..] };
    if !aims.iter().any(|aim| arch::emit(place, form, octets, *aim)) {
        octets.fill(class ^ 0xA5);
    }
}

/// Forms from here on are words, the same in every architecture.
pub(super) const FORMS_OF_WORDS: u8 = 16;

fn small_octet(n: usize) -> u8 {
    u8::try_from(n).unwrap_or(u8::MAX) & 0x1F
}
