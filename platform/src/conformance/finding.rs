//! What a check found, in words.

use core::fmt;

use crate::flash::NorFlashErrorKind;
use crate::http::ErrorKind;
use crate::nand::{NandErrorKind, PageAddress};
use crate::radio::RadioError;

/// A check that did not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The port.
    pub port: &'static str,
    /// The check.
    pub check: &'static str,
    /// What is wrong.
    pub fault: Fault,
    /// Where, and by what it shows.
    pub evidence: Evidence,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}: {}", self.port, self.check, self.fault)?;
        match self.evidence {
            Evidence::None => Ok(()),
            evidence => write!(f, " ({evidence})"),
        }
    }
}

/// Makes the enum, and the words of each variant.
macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident => $words:literal,)+) => {
        /// What is wrong with a port. The words of [`Display`](fmt::Display) say what to look for in the driver.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Fault {
            $($(#[$doc])* $name,)+
        }

        impl fmt::Display for Fault {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$name => $words,)+
                })
            }
        }
    };
}

faults! {
    /// A call within the rules failed.
    Failed => "a call that keeps to the rules failed",
    /// A call against the rules was carried out.
    Accepted => "a call that must be refused, and change nothing, was accepted",
    /// A call was refused, but by another error than the one that says why.
    OtherError => "refused, but not with the error that says why",
    /// `READ_SIZE`, `WRITE_SIZE` or `ERASE_SIZE` cannot be.
    UnitSizes => "bad geometry: READ_SIZE, WRITE_SIZE and ERASE_SIZE must be powers of two, each a divisor of the next, \
        units at most 64 octets",
    /// `capacity()` is not whole sectors.
    Capacity => "bad geometry: capacity() must be whole sectors, and not 0",
    /// A shape of a NAND part that cannot be.
    NandShape => "bad geometry: pages must be a power of two from 512 to 4096 octets, with spare octets, pages and blocks",
    /// The lent place does not do.
    Lent => "the lent place is too small, or not whole sectors or blocks of the device",
    /// Programming here changed what reads there.
    Mirrored => "bad geometry: another place shows what was programmed here, so the part is smaller than the driver says",
    /// An erase took more than it should.
    ErasedMore => "wrong erase size: erasing also changed what lies beside it, so the part erases more at once than the \
        driver says",
    /// An erase left something.
    ErasedLess => "wrong erase size: something in what was erased is not erased, so the part erases less at once than the \
        driver says, or is still at it",
    /// Octets outside a write changed.
    Spilled => "programming changed octets outside the call",
    /// Octets are not what was programmed.
    NotKept => "octets do not read as they were programmed",
    /// A read gave what was there before the last operation.
    Stale => "stale cache: this was there before the last erase or program, so the driver reads from a copy it has not dropped",
    /// An erased unit could not be programmed.
    ProgramsMore => "writing twice: an erased unit could not be programmed after the one beside it, so the driver programs \
        more than the call says",
    /// A second write changed a programmed unit into just what it says.
    ErasesInWrite => "writing twice: a second write set bits again, so the driver erases in write, and a power cut there loses \
        the sector",
    /// A second write said it was done, and was not.
    NoReadBack => "missing read-back: write returned Ok, but the octets are not what it was given",
    /// What was left before the restart is gone.
    Forgotten => "what was written before the restart is not there, so calls return before their effect is on the part",
    /// A bad block was changed.
    BadBlockTouched => "a block that is marked bad must be refused: erasing it destroys the maker's mark",
    /// The blank page is not blank.
    NotBlank => "a page that was never programmed must read as octets FF",
    /// The clock went back.
    ClockWentBack => "the clock ran backwards",
    /// The clock stands.
    ClockStands => "the clock does not run",
    /// Sleeping ended early.
    WokeEarly => "sleep_until returned before its deadline",
    /// Sleeping took much longer.
    WokeLate => "sleep_until returned more than a second after its deadline",
    /// Two draws are equal.
    Repeats => "two draws of random octets are equal",
    /// An octet is never filled.
    NotFilled => "an octet of the buffer was not filled in any of 32 draws",
    /// Too many ones, or zeros.
    Biased => "the share of ones is beyond what chance allows",
    /// Empty text.
    Empty => "the text is empty",
    /// Too long a text.
    TooLong => "the text is longer than 64 octets",
    /// An octet that may not be there.
    OddOctet => "an octet that is not printable ASCII, or `;`",
    /// The identity is no identity.
    BlankId => "the hardware identity is all zeros or all ones: it was never programmed",
    /// Told another value the second time.
    Changes => "the second call told something else than the first",
    /// A redirect was followed, or not shown.
    Redirected => "a redirect was not handed over as it came: the session's rules decide whether it is followed",
    /// Wrong status.
    Status => "the status is not the one the server sent",
    /// A header is missing or wrong.
    Header => "a header did not pass",
    /// The body differs.
    Body => "the body is not the one that was sent",
    /// A body that ended early was taken for whole.
    CutTaken => "a body that ended early was taken for whole: read must fail instead of returning 0",
    /// A silent server was waited for too long.
    NoTimeout => "a server that says nothing must end the exchange by the timeout",
    /// A certificate that nobody vouches for was trusted.
    Trusting => "a server whose certificate nobody vouches for was talked to",
}

/// By what a fault shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Evidence {
    /// By itself.
    None,
    /// A number: a size, a status, a length, milliseconds.
    Number(u64),
    /// A call.
    Call(Call),
    /// A call and how it was refused.
    Refused(Call, Kind),
    /// An octet at this offset of the device, after this call.
    Octet {
        /// The last call before.
        after: Call,
        /// Offset in the device.
        at: u32,
        /// What must be there.
        expected: u8,
        /// What was read.
        read: u8,
    },
    /// An octet of a page.
    Page {
        /// The page.
        at: PageAddress,
        /// The octet in it; those of the spare area follow those of the data.
        octet: u32,
        /// What must be there.
        expected: u8,
        /// What was read.
        read: u8,
    },
    /// A page, and how the call on it was refused.
    PageRefused(PageAddress, NandErrorKind),
    /// An octet of a text or body.
    Place {
        /// Which, from 0.
        octet: usize,
        /// What was read.
        read: u8,
    },
    /// How an exchange failed.
    Link(ErrorKind),
    /// How the modem refused.
    Radio(RadioError),
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Number(number) => write!(f, "{number}"),
            Self::Call(call) => call.fmt(f),
            Self::Refused(call, kind) => write!(f, "{call}: {kind}"),
            Self::Octet { after, at, expected, read } => {
                write!(f, "{after}; octet at {at:#x}: expected {expected:02x}, read {read:02x}")
            }
            Self::Page { at, octet, expected, read } => {
                write!(f, "octet {octet} of {at}: expected {expected:02x}, read {read:02x}")
            }
            Self::PageRefused(at, kind) => write!(f, "{at}: {kind:?}"),
            Self::Place { octet, read } => write!(f, "octet {octet}: read {read:02x}"),
            Self::Link(kind) => write!(f, "{kind:?}"),
            Self::Radio(error) => write!(f, "{error:?}"),
        }
    }
}

/// A call of a flash driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Reading.
    Read {
        /// Offset in the device.
        at: u32,
        /// Octets.
        len: u32,
    },
    /// Programming.
    Write {
        /// Offset in the device.
        at: u32,
        /// Octets.
        len: u32,
    },
    /// Erasing.
    Erase {
        /// Offset of the first octet.
        from: u32,
        /// Offset behind the last one.
        to: u32,
    },
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { at, len } => write!(f, "read of {len} octets at {at:#x}"),
            Self::Write { at, len } => write!(f, "write of {len} octets at {at:#x}"),
            Self::Erase { from, to } => write!(f, "erase of {from:#x}..{to:#x}"),
        }
    }
}

/// The kinds of a NOR driver's errors, comparable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `NotAligned`.
    NotAligned,
    /// `OutOfBounds`.
    OutOfBounds,
    /// Any other.
    Other,
}

impl From<NorFlashErrorKind> for Kind {
    fn from(kind: NorFlashErrorKind) -> Self {
        match kind {
            NorFlashErrorKind::NotAligned => Self::NotAligned,
            NorFlashErrorKind::OutOfBounds => Self::OutOfBounds,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAligned => "NotAligned",
            Self::OutOfBounds => "OutOfBounds",
            Self::Other => "an error of the driver's own",
        })
    }
}
