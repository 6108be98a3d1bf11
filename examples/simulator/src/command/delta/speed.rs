//! What applying a package costs a device, for a part of some speed.

use std::io::Write;
use std::str::FromStr;

use kedge_update_agent::{Forecast, Speed, Work};
use serde::Serialize;

/// How fast the flash and the core of a device are, as the command line says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part(Speed);

/// [`Speed::TYPICAL`]: a serial NOR part and a Cortex-M4 of 100 MHz.
pub(super) const TYPICAL: &str = "erase=45,program=100,read=5120,hash=2048,decode=98";

impl FromStr for Part {
    type Err = String;

    /// `erase=45,program=100,...`: milliseconds for a sector, then KiB a second; in any order, what is left out is typical.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut speed = Speed::TYPICAL;
        for field in text.split(',') {
            let (name, value) =
                field.split_once('=').ok_or_else(|| format!("{field:?} is not like erase=45"))?;
            let value: u32 = value.trim().parse().map_err(|error| format!("{name}: {error}"))?;
            let of_kib = 1_000_000_u32.checked_div(value);
            let place = match name.trim() {
                "erase" => {
                    speed.erase = value.checked_mul(1000).ok_or("more than an hour for a sector")?;
                    continue;
                }
                "program" => &mut speed.program,
                "read" => &mut speed.read,
                "hash" => &mut speed.hash,
                "decode" => &mut speed.decode,
                other => {
                    return Err(format!("{other:?} is none of erase, program, read, hash, decode"));
                }
            };
            *place = of_kib.ok_or("nothing a second takes for ever")?;
        }
        Ok(Self(speed))
    }
}

/// What a forecast says, as JSON. Keys may be added, never changed or taken away.
#[derive(Serialize)]
pub(super) struct ForecastFacts {
    seconds: f64,
    blocks: u32,
    written_blocks: u32,
    erases: u32,
    image_erases: u32,
    scratch_erases: u32,
    saved_erases: u32,
    state_erases: u32,
    journal_erases: u32,
    most_worn: u32,
    programmed_bytes: u32,
    read_bytes: u32,
}

impl Part {
    pub(super) fn facts(self, forecast: &Forecast) -> ForecastFacts {
        let Work { erases, programmed, read } = forecast.total();
        ForecastFacts {
            seconds: self.seconds(forecast),
            blocks: forecast.blocks,
            written_blocks: forecast.written,
            erases,
            image_erases: forecast.image.erases,
            scratch_erases: forecast.scratch.erases,
            saved_erases: forecast.saved.erases,
            state_erases: forecast.package.erases,
            journal_erases: forecast.journal.erases,
            most_worn: forecast.most_worn,
            programmed_bytes: programmed,
            read_bytes: read,
        }
    }

    /// How long it takes, to a hundredth of a second.
    fn seconds(self, forecast: &Forecast) -> f64 {
        let hundredths = forecast.micros(&self.0) / 10_000;
        f64::from(u32::try_from(hundredths).unwrap_or(u32::MAX)) / 100.0
    }

    /// Prints a forecast; `what` is in front of each line.
    pub(super) fn print(self, forecast: &Forecast, what: &str, out: &mut dyn Write) -> std::io::Result<()> {
        let ForecastFacts { seconds, written_blocks, blocks, erases, most_worn, .. } = self.facts(forecast);
        let total = forecast.total();
        writeln!(
            out,
            "{what:13} {written_blocks} of {blocks} blocks are written; about {seconds:.2} s on such a part"
        )?;
        writeln!(
            out,
            "{:13} {erases} erases: image {}, scratch {}, saved {}, state {}, journal {}; a sector at most {most_worn} times",
            "",
            forecast.image.erases,
            forecast.scratch.erases,
            forecast.saved.erases,
            forecast.package.erases,
            forecast.journal.erases
        )?;
        writeln!(out, "{:13} {} octets programmed, about {} read", "", total.programmed, total.read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_are_read() {
        assert_eq!(TYPICAL.parse(), Ok(Part(Speed { hash: 488, decode: 10_204, ..Speed::TYPICAL })));
        let Ok(Part(speed)) = "program=50,erase=120".parse() else { panic!() };
        assert_eq!(speed, Speed { erase: 120_000, program: 20_000, ..Speed::TYPICAL });
        for (text, expected) in
            [("erase", "is not like"), ("erase=x", "invalid"), ("write=1", "none of"), ("read=0", "for ever")]
        {
            let error = text.parse::<Part>().unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn time_is_added_up() {
        let part = Part(Speed { erase: 1000, program: 2000, read: 0, hash: 0, decode: 10_000 });
        let image = Work { erases: 30, programmed: 10_240, read: 9 };
        let forecast = Forecast { image, decoded: 2048, ..Forecast::default() };
        assert!((part.seconds(&forecast) - 0.07).abs() < 1e-9);
    }
}
