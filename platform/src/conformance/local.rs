//! The small ports: clock, random octets, identity, modem.

use core::time::Duration;

use super::finding::{Evidence, Fault};
use super::{Checked, Report, make};
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::identity::{HardwareId, Identity};
use crate::radio::Radio;

/// Looks at the clock this often.
const LOOKS: u32 = 1000;
/// How long the clock is slept on.
const NAP: Duration = Duration::from_millis(100);
/// How late a sleep may end on a device that has other things to do.
const LATE: Duration = Duration::from_secs(1);
/// Octets of a draw.
const DRAW: usize = 128;
/// Draws: an octet is 0 in all of them with a chance of 2^-256.
const DRAWS: usize = 32;
/// Ones in all draws, 16,384 of 32,768 bits on average, with a deviation of 90: ten times that is no chance.
const ONES: core::ops::RangeInclusive<u32> = 15_484..=17_284;
/// Longest text of an identity.
const TEXT_MAX: usize = 64;

/// The clock runs, forwards only, and sleeping ends when it should.
pub fn clock<C: Clock>(clock: &mut C, report: &mut impl Report) {
    make(report, "clock", "forwards", forwards(clock));
    make(report, "clock", "sleeping", sleeping(clock));
}

fn forwards<C: Clock>(clock: &C) -> Checked {
    let mut last = clock.uptime();
    for _ in 0..LOOKS {
        let now = clock.uptime();
        if now < last {
            return Err((Fault::ClockWentBack, millis(last.saturating_sub(now))));
        }
        last = now;
    }
    Ok(())
}

fn sleeping<C: Clock>(clock: &mut C) -> Checked {
    let begin = clock.uptime();
    // a deadline that has passed
    clock.sleep_until(begin.saturating_sub(NAP));
    let mut last = clock.uptime();
    if last.saturating_sub(begin) > LATE {
        return Err((Fault::WokeLate, millis(last.saturating_sub(begin))));
    }
    for _ in 0..2 {
        let deadline = last.saturating_add(NAP);
        clock.sleep_until(deadline);
        let now = clock.uptime();
        if now == last {
            return Err((Fault::ClockStands, millis(now)));
        }
        if now < deadline {
            return Err((Fault::WokeEarly, millis(deadline.saturating_sub(now))));
        }
        if now.saturating_sub(deadline) > LATE {
            return Err((Fault::WokeLate, millis(now.saturating_sub(deadline))));
        }
        last = now;
    }
    Ok(())
}

fn millis(time: Duration) -> Evidence {
    Evidence::Number(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

/// Every octet is filled, each time anew, and by something that looks like chance. It proves no more than that.
pub fn entropy<E: Entropy>(entropy: &mut E, report: &mut impl Report) {
    make(report, "entropy", "draws", draws(entropy));
}

fn draws<E: Entropy>(entropy: &mut E) -> Checked {
    let (mut seen, mut last, mut ones) = ([0_u8; DRAW], [0_u8; DRAW], 0_u32);
    for _ in 0..DRAWS {
        let mut draw = [0; DRAW];
        entropy.fill(&mut draw);
        if draw == last && draw != [0; DRAW] {
            return Err((Fault::Repeats, Evidence::None));
        }
        seen.iter_mut().zip(draw).for_each(|(seen, octet)| *seen |= octet);
        ones = draw.iter().fold(ones, |ones, octet| ones.saturating_add(octet.count_ones()));
        last = draw;
    }
    if let Some(octet) = seen.iter().position(|seen| *seen == 0) {
        return Err((Fault::NotFilled, Evidence::Place { octet, read: 0 }));
    }
    if !ONES.contains(&ones) {
        return Err((Fault::Biased, Evidence::Number(ones.into())));
    }
    // nothing to fill is allowed
    entropy.fill(&mut []);
    Ok(())
}

/// The texts can be sent as they are, and everything stays what it is.
pub fn identity<I: Identity>(identity: &I, report: &mut impl Report) {
    make(report, "identity", "hardware id", hardware_id(identity));
    make(report, "identity", "make", text(identity.make(), identity.make()));
    make(report, "identity", "model", text(identity.model(), identity.model()));
    make(report, "identity", "version", text(identity.version(), identity.version()));
}

fn hardware_id<I: Identity>(identity: &I) -> Checked {
    let id = identity.hardware_id();
    if matches!(id, HardwareId::Esn(0 | u32::MAX) | HardwareId::Meid([0, 0, 0, 0, 0, 0, 0]))
        || id == HardwareId::Meid([0xFF; 7])
    {
        return Err((Fault::BlankId, Evidence::None));
    }
    if identity.hardware_id() == id { Ok(()) } else { Err((Fault::Changes, Evidence::None)) }
}

fn text(first: &str, again: &str) -> Checked {
    if first.is_empty() {
        return Err((Fault::Empty, Evidence::None));
    }
    if first.len() > TEXT_MAX {
        return Err((Fault::TooLong, Evidence::Number(first.len() as u64)));
    }
    let odd = first.bytes().enumerate().find(|(_, octet)| !matches!(octet, b' '..=b'~') || *octet == b';');
    if let Some((octet, read)) = odd {
        return Err((Fault::OddOctet, Evidence::Place { octet, read }));
    }
    if first == again { Ok(()) } else { Err((Fault::Changes, Evidence::None)) }
}

/// The data call of `nai` opens, again when it is open, and closes, also when it is closed. It does not register: that takes
/// a number assignment of a real subscription.
pub fn radio<R: Radio>(radio: &mut R, nai: &str, report: &mut impl Report) {
    make(report, "radio", "data call", data_call(radio, nai));
}

fn data_call<R: Radio>(radio: &mut R, nai: &str) -> Checked {
    for _ in 0..2 {
        radio.close_data_call();
        for _ in 0..2 {
            radio.open_data_call(nai).map_err(|error| (Fault::Failed, Evidence::Radio(error)))?;
        }
        radio.close_data_call();
    }
    Ok(())
}
