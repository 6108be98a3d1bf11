//! The number of a case, from which it can be replayed.
//!
//! ```text
//!   bit  0      15           30          45     50       54
//!        ├ first ┼─ second ──┼─ third ───┼ pair ┼ setting ┼ flash ┤   a cut: way (3 bits), operation (12); all zero: none
//! ```
use core::fmt;
use std::str::FromStr;

use kedge_platform_sim::nor::Cut;
use kedge_platform_sim::random::Seeded;

use super::Scenario;

/// Cuts of a case, at most.
pub const DEPTH: usize = 3;

const WAY_BITS: u32 = 3;
const CUT_BITS: u32 = 15;
const PAIR_AT: u32 = 45;
const SETTING_AT: u32 = 50;
const FLASH_AT: u32 = 54;

/// How the power fails in an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Before it takes effect.
    Before,
    /// Inside it.
    Torn,
    /// Inside it, with other noise.
    TornElse,
    /// Inside it, in its last unit.
    TornLast,
    /// After it took effect.
    After,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Before, Self::Torn, Self::TornElse, Self::TornLast, Self::After];

    /// Not 0, which stands for no cut.
    fn code(self) -> u64 {
        1 + Self::ALL.iter().position(|way| *way == self).unwrap_or_default() as u64
    }
}

/// A cut: in which operation since the power-on, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strike {
    /// The operation; below [`Strike::AT_END`].
    pub at: u64,
    /// How.
    pub way: Way,
}

impl Strike {
    /// One more than the last operation that a number can name.
    pub const AT_END: u64 = 1 << (CUT_BITS - WAY_BITS);
}

/// A case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    /// What is cut.
    pub scenario: Scenario,
    cuts: [Option<Strike>; DEPTH],
}

impl Number {
    /// The case of a scenario without a cut.
    pub const fn undisturbed(scenario: Scenario) -> Self {
        Self { scenario, cuts: [None; DEPTH] }
    }

    /// The case with one cut more; none if it has all that a case can have, or the operation is too far off.
    #[must_use]
    pub fn and(mut self, strike: Strike) -> Option<Self> {
        if strike.at >= Strike::AT_END {
            return None;
        }
        *self.cuts.iter_mut().find(|cut| cut.is_none())? = Some(strike);
        Some(self)
    }

    /// Its cuts, in order.
    pub fn strikes(&self) -> impl Iterator<Item = Strike> + '_ {
        self.cuts.iter().map_while(|cut| *cut)
    }

    /// The noise of the last cut and of what is drawn after it.
    pub fn noise(&self) -> Seeded {
        Seeded::for_purpose(self.octets(), 0xC07)
    }

    /// The last cut as the flash models take it.
    pub fn cut(&self) -> Option<Cut> {
        let seed = self.noise().word();
        let last = self.strikes().last()?;
        Some(match last.way {
            Way::Before => Cut::Before,
            Way::Torn | Way::TornElse => Cut::Torn { seed },
            Way::TornLast => Cut::TornAt { octet: u32::MAX, seed },
            Way::After => Cut::After,
        })
    }

    fn octets(&self) -> u64 {
        let Scenario { flash, setting, pair } = self.scenario;
        let place = (flash as u64) << FLASH_AT | (setting as u64) << SETTING_AT | (pair as u64) << PAIR_AT;
        (0..).zip(self.strikes()).fold(place, |number, (n, strike)| {
            number | (strike.at << WAY_BITS | strike.way.code()) << (n * CUT_BITS)
        })
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.octets())
    }
}

impl FromStr for Number {
    type Err = String;

    /// Hexadecimal with `0x` in front, or decimal.
    fn from_str(text: &str) -> Result<Self, String> {
        let number = match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => text.parse(),
        };
        let number = number.map_err(|error| format!("{text}: {error}"))?;
        let bits = |at: u32, len: u32| number >> at & ((1 << len) - 1);
        let index = |at, len| usize::try_from(bits(at, len)).unwrap_or(usize::MAX);
        let scenario = Scenario {
            flash: index(FLASH_AT, u64::BITS - FLASH_AT),
            setting: index(SETTING_AT, FLASH_AT - SETTING_AT),
            pair: index(PAIR_AT, SETTING_AT - PAIR_AT),
        };
        let mut read = Self::undisturbed(scenario);
        for n in 0..3 {
            let Some(way) = bits(n * CUT_BITS, WAY_BITS).checked_sub(1) else { continue };
            let way = usize::try_from(way).ok().and_then(|way| Way::ALL.get(way).copied());
            let at = bits(n * CUT_BITS + WAY_BITS, CUT_BITS - WAY_BITS);
            read = way.and_then(|way| read.and(Strike { at, way })).ok_or("no such cut")?;
        }
        if read.octets() == number && scenario.exists() {
            Ok(read)
        } else {
            Err(format!("{text} names no case"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_tells_its_case() {
        let mut number = Number::undisturbed(Scenario { flash: 3, setting: 2, pair: 1 });
        for (at, way) in [(0, Way::Before), (Strike::AT_END - 1, Way::After), (77, Way::TornLast)] {
            assert_eq!(number.to_string().parse(), Ok(number));
            number = number.and(Strike { at, way }).unwrap();
        }
        assert_eq!(number.to_string().parse(), Ok(number));
        assert_eq!(number.and(Strike { at: 1, way: Way::Torn }), None, "three cuts are all");
        let scenario = Number::undisturbed(number.scenario);
        assert_eq!(scenario.and(Strike { at: Strike::AT_END, way: Way::Torn }), None);
    }

    #[test]
    fn what_names_no_case_is_refused() {
        let number = Number::undisturbed(Scenario { flash: 0, setting: 0, pair: 0 });
        let number = number.and(Strike { at: 5, way: Way::Torn }).unwrap().octets();
        // a way that is none, a second cut without a first, a cut's operation without its way, no such flash
        for bad in [number | 7, number << CUT_BITS, number & !7, number | 0x3FF << FLASH_AT] {
            assert!(bad.to_string().parse::<Number>().is_err(), "{bad:#x}");
        }
        assert!("0xcut".parse::<Number>().is_err());
    }
}
