//! What stands in firmware: instructions and words, and the addresses they refer to.
//!
//! A copied piece of the old image is walked in [`Unit`]s: one instruction or one data word each. Where a unit refers to
//! an address, [`Unit::reference`] says which, and how the operand is coded; [`emit`] codes another address in its place,
//! and [`read`] is the inverse. So a decoder that knows where everything moved can correct every reference by itself.
//!
//! The walk sees only octets of the old image near the unit ([`Window`]), so the device and the generator see the same.
//!
//! Each instruction set is a feature of the crate; what a build leaves out reads as plain octets, and a delta that needs it
//! is refused.
#[cfg(feature = "aarch64")]
mod aarch64;
#[cfg(not(all(
    feature = "aarch64",
    feature = "arm",
    feature = "riscv",
    feature = "thumb",
    feature = "x86",
    feature = "xtensa"
)))]
mod absent;
#[cfg(feature = "arm")]
mod arm;
#[cfg(any(
    feature = "aarch64",
    feature = "arm",
    feature = "riscv",
    feature = "thumb",
    feature = "x86",
    feature = "xtensa"
))]
mod bits;
#[cfg(test)]
mod laws;
#[cfg(feature = "riscv")]
mod riscv;
#[cfg(feature = "thumb")]
mod thumb;
#[cfg(feature = "x86")]
mod x86;
#[cfg(feature = "xtensa")]
mod xtensa;

#[cfg(not(feature = "aarch64"))]
use absent as aarch64;
#[cfg(not(feature = "arm"))]
use absent as arm;
#[cfg(not(feature = "riscv"))]
use absent as riscv;
#[cfg(not(feature = "thumb"))]
use absent as thumb;
#[cfg(not(feature = "x86"))]
use absent as x86;
#[cfg(not(feature = "xtensa"))]
use absent as xtensa;

/// How the octets of a region are to be understood. The numbers are those of the package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Arch {
    /// No instructions: words of 32 bits that may be pointers.
    Data = 0,
    /// Thumb-1 and Thumb-2.
    Thumb = 1,
    /// RISC-V, 32 bits, with compressed instructions.
    RiscV = 2,
    /// Xtensa with 16-bit density instructions.
    Xtensa = 3,
    /// AArch64.
    AArch64 = 4,
    /// ARM, 32-bit instructions.
    Arm = 5,
    /// x86 in 32-bit mode.
    X86 = 6,
    /// x86-64.
    X86_64 = 7,
    /// x86 in 16-bit mode.
    X86_16 = 8,
    /// No instructions: words of 64 bits that may be pointers.
    Data64 = 9,
    /// Words of 32 bits that count from the start of the region (`.eh_frame_hdr`, tables of offsets).
    Offsets = 10,
    /// Words of 32 bits that count from where they stand (`.eh_frame`, position independent tables).
    Relative = 11,
}

impl Arch {
    /// Whether this build knows it.
    pub const fn is_known(self) -> bool {
        match self {
            Self::Data | Self::Data64 | Self::Offsets | Self::Relative => true,
            Self::Thumb => cfg!(feature = "thumb"),
            Self::RiscV => cfg!(feature = "riscv"),
            Self::Xtensa => cfg!(feature = "xtensa"),
            Self::AArch64 => cfg!(feature = "aarch64"),
            Self::Arm => cfg!(feature = "arm"),
            Self::X86 | Self::X86_64 | Self::X86_16 => cfg!(feature = "x86"),
        }
    }

    /// The architecture with this number of the package; [`Data`](Self::Data) for one that is not known.
    pub const fn from_number(number: u32) -> Self {
        match number {
            1 => Self::Thumb,
            2 => Self::RiscV,
            3 => Self::Xtensa,
            4 => Self::AArch64,
            5 => Self::Arm,
            6 => Self::X86,
            7 => Self::X86_64,
            8 => Self::X86_16,
            9 => Self::Data64,
            10 => Self::Offsets,
            11 => Self::Relative,
            _ => Self::Data,
        }
    }
}

/// Where a unit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// How it is to be understood.
    pub arch: Arch,
    /// Its address.
    pub address: u32,
    /// The address of the first octet of its region.
    pub origin: u32,
    /// The upper half of 64-bit addresses.
    pub high: u32,
}

/// Octets of the old image around the place of a unit.
#[derive(Clone, Copy, Debug)]
pub struct Window<'a> {
    /// Octets before the place, at most [`BEHIND`], the nearest last.
    pub behind: &'a [u8],
    /// Octets from the place on, at most [`AHEAD`], at least one.
    pub ahead: &'a [u8],
    /// The address of the place. Addresses are modulo 2^32; a 64-bit image stands at the low half of its addresses.
    pub address: u32,
}

/// Most octets that a window holds before the place.
pub const BEHIND: usize = 32;
/// Most octets that a window holds from the place on.
pub const AHEAD: usize = 32;

/// One instruction or word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Its octets, 1 to 8.
    pub len: u8,
    /// Its sort, below [`CLASSES`]: instructions that behave alike across releases share one. For contexts.
    pub class: u8,
    /// The address in its operand, if it has one.
    pub reference: Option<Reference>,
}

/// How many classes an architecture has at most.
pub const CLASSES: u8 = 32;

/// An operand that means an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    /// How it is coded.
    pub form: Form,
    /// The address.
    pub target: u32,
}

/// How an address is coded in a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// Which of the architecture's codings: below 16.
    pub kind: u8,
    /// For one half of a pair of instructions: how many octets before (negative) or after (positive) this unit the other
    /// half starts.
    pub partner: i8,
}

/// Forms of words, which every architecture has.
const WORD: u8 = 16;
const TRAILING: u8 = 17;
const WORD64: u8 = 18;
const OFFSET: u8 = 19;
const RELATIVE: u8 = 20;
/// The class of a word that is a pointer.
const POINTER: u8 = CLASSES;
/// The class of a word that is none.
const PLAIN_WORD: u8 = CLASSES + 1;

/// The unit at `place`, whose octets and neighbours `window` holds. `is_place(address)` says whether a word of this value may
/// be a pointer.
pub fn unit(place: &Place, window: &Window<'_>, is_place: impl Fn(u32) -> bool) -> Unit {
    let pointer = |kind, from: u32| {
        let word = word(window.ahead, 0)
            .filter(|word| window.address.is_multiple_of(4) && (*word != 0 || from == 0))?;
        let target = from.wrapping_add(word);
        is_place(target).then_some(pointer_unit(kind, 4, target))
    };
    let code = |unit: fn(&Window<'_>) -> Unit| {
        pointer(WORD, 0).unwrap_or_else(|| before_pointer(window, unit(window), &is_place))
    };
    let plain = || plain(window, 4);
    match place.arch {
        // so that nothing stays of what the build leaves out
        arch if !arch.is_known() => plain(),
        Arch::Data => pointer(WORD, 0).unwrap_or_else(plain),
        Arch::Data64 => pointer64(window, place.high, is_place).unwrap_or_else(plain),
        Arch::Offsets => pointer(OFFSET, place.origin).unwrap_or_else(plain),
        Arch::Relative => pointer(RELATIVE, place.address).unwrap_or_else(plain),
        Arch::Thumb => code(thumb::unit),
        Arch::Xtensa => code(xtensa::unit),
        Arch::Arm => code(arm::unit),
        Arch::RiscV => riscv::unit(window),
        Arch::AArch64 => aarch64::unit(window),
        Arch::X86 => trailing(window, x86::unit_in(window, x86::Mode::Bits32), is_place),
        Arch::X86_16 => x86::unit_in(window, x86::Mode::Bits16),
        Arch::X86_64 => x86::unit_in(window, x86::Mode::Bits64),
    }
}

const fn pointer_unit(kind: u8, len: u8, target: u32) -> Unit {
    Unit { len, class: POINTER, reference: Some(Reference { form: Form { kind, partner: 0 }, target }) }
}

fn pointer64(window: &Window<'_>, high: u32, is_place: impl Fn(u32) -> bool) -> Option<Unit> {
    let target = word(window.ahead, 0)?;
    let fits = window.address.is_multiple_of(8) && word(window.ahead, 4)? == high && is_place(target);
    fits.then_some(pointer_unit(WORD64, 8, target))
}

/// `unit`, cut before a pointer that it would run into: what looks like an instruction there is none.
fn before_pointer(window: &Window<'_>, unit: Unit, is_place: impl Fn(u32) -> bool) -> Unit {
    let to_next = 4u32.wrapping_sub(window.address & 3);
    let cut = u8::try_from(to_next).unwrap_or(4);
    if cut < unit.len && word(window.ahead, usize::from(cut)).is_some_and(is_place) {
        return Unit { len: cut, class: PLAIN_WORD, reference: None };
    }
    unit
}

/// Octets without instructions, up to the next word's address.
fn plain(window: &Window<'_>, word: u32) -> Unit {
    let to_next = word.wrapping_sub(window.address & word.wrapping_sub(1));
    let len = u32::try_from(window.ahead.len()).unwrap_or(to_next).min(to_next);
    Unit { len: u8::try_from(len).unwrap_or(1), class: PLAIN_WORD, reference: None }
}

/// An instruction whose last four octets may be an absolute address.
fn trailing(window: &Window<'_>, unit: Unit, is_place: impl Fn(u32) -> bool) -> Unit {
    let at = match usize::from(unit.len).checked_sub(4) {
        Some(at) if at > 0 && unit.reference.is_none() => at,
        _ => return unit,
    };
    match word(window.ahead, at).filter(|word| is_place(*word)) {
        Some(target) => {
            let form = Form { kind: TRAILING, partner: 0 };
            Unit { class: POINTER, reference: Some(Reference { form, target }), ..unit }
        }
        None => unit,
    }
}

/// The 32-bit word at `at`, if it is there.
fn word(octets: &[u8], at: usize) -> Option<u32> {
    octets.get(at..)?.first_chunk().copied().map(u32::from_le_bytes)
}

/// Puts `target` into the operand of a unit that stands at `place`; `octets` are its old octets, all of them. False, and
/// nothing changed, if it cannot be coded.
pub fn emit(place: &Place, form: Form, octets: &mut [u8], target: u32) -> bool {
    let address = place.address;
    match form.kind {
        WORD | WORD64 => put(octets.first_chunk_mut(), target),
        TRAILING => put(octets.last_chunk_mut(), target),
        OFFSET => put(octets.first_chunk_mut(), target.wrapping_sub(place.origin)),
        RELATIVE => put(octets.first_chunk_mut(), target.wrapping_sub(address)),
        _ => match place.arch {
            Arch::Thumb => thumb::emit(form, octets, address, target),
            Arch::Xtensa => xtensa::emit(form, octets, address, target),
            Arch::Arm => arm::emit(form, octets, address, target),
            Arch::RiscV => riscv::emit(form, octets, address, target),
            Arch::AArch64 => aarch64::emit(form, octets, address, target),
            Arch::X86 | Arch::X86_16 | Arch::X86_64 => x86::emit(form, octets, address, target),
            Arch::Data | Arch::Data64 | Arch::Offsets | Arch::Relative => false,
        },
    }
}

fn put(place: Option<&mut [u8; 4]>, word: u32) -> bool {
    place.map(|place| *place = word.to_le_bytes()).is_some()
}

/// The address in the operand of `octets`, which stand at `place`, if they are of this form. What the operand does not hold
/// of the address is taken from `near`.
pub fn read(place: &Place, form: Form, octets: &[u8], near: u32) -> Option<u32> {
    let address = place.address;
    match form.kind {
        WORD | WORD64 => word(octets, 0),
        TRAILING => octets.last_chunk().copied().map(u32::from_le_bytes),
        OFFSET => word(octets, 0).map(|word| word.wrapping_add(place.origin)),
        RELATIVE => word(octets, 0).map(|word| word.wrapping_add(address)),
        _ => match place.arch {
            Arch::Thumb => thumb::read(form, octets, address, near),
            Arch::Xtensa => xtensa::read(form, octets, address, near),
            Arch::Arm => arm::read(form, octets, address, near),
            Arch::RiscV => riscv::read(form, octets, address, near),
            Arch::AArch64 => aarch64::read(form, octets, address, near),
            Arch::X86 | Arch::X86_16 | Arch::X86_64 => x86::read(form, octets, address, near),
            Arch::Data | Arch::Data64 | Arch::Offsets | Arch::Relative => None,
        },
    }
}

/// The logarithm (to base 2) of the step in which targets of this form move.
pub fn scale(arch: Arch, form: Form) -> u8 {
    match arch {
        _ if form.kind >= WORD => 0,
        Arch::Thumb => thumb::scale(form),
        Arch::Xtensa => xtensa::scale(form),
        Arch::Arm => arm::scale(form),
        Arch::RiscV => riscv::scale(form),
        Arch::AArch64 => aarch64::scale(form),
        Arch::X86 | Arch::X86_16 | Arch::X86_64 => x86::scale(form),
        Arch::Data | Arch::Data64 | Arch::Offsets | Arch::Relative => 0,
    }
}
