//! A scenario made ready: its factory-new device and what an undisturbed life of it takes.
use super::number::{DEPTH, Number, Strike, Way};
use super::scenario::Scenario;
use crate::life::{Device, Life};
use crate::update::Case;

/// Erases of one sector that a cut may cost: the sector it hit, and a bank of the journal for the new power session.
const WEAR_OF_A_CUT: u32 = 2;

/// A scenario that cases can be tried on.
pub trait Bench: Send {
    /// Operations of the undisturbed life.
    fn operations(&self) -> u64;

    /// The cases that begin with `first`: that cut alone, and more in the recovery. Each is told, with what went wrong.
    fn chain(&self, scenario: Scenario, first: Strike, tell: &mut dyn FnMut(Number, Result<(), String>));

    /// One case. Returns how many operations its last recovery took.
    ///
    /// # Errors
    ///
    /// What went wrong, told in words.
    fn replay(&self, number: Number) -> Result<u64, String>;
}

/// A bench with any device.
#[derive(Clone, Debug)]
pub struct Prepared<D> {
    case: Case,
    factory: Life<D>,
    clean: Life<D>,
    operations: u64,
}

impl<D: Device> Prepared<D> {
    /// Lives through `case` on `device`, undisturbed.
    ///
    /// # Errors
    ///
    /// What went wrong, told in words.
    pub fn new(case: Case, device: D) -> Result<Self, String> {
        let factory = Life::new(device);
        let mut clean = factory.clone();
        let operations = clean.finish(&case)?;
        if operations >= Strike::AT_END {
            return Err(format!("{operations} operations are more than a case number can name"));
        }
        Ok(Self { case, factory, clean, operations })
    }

    /// Lives on to the last cut of `number`.
    fn cut(&self, life: &mut Life<D>, number: &Number) -> Result<(), String> {
        let Some((strike, cut)) = number.strikes().last().zip(number.cut()) else { return Ok(()) };
        if life.cut(&self.case, strike.at, cut)? {
            return Ok(());
        }
        Err(format!("there is no operation {}", strike.at))
    }

    /// Lives to the end, and judges.
    fn finish(&self, mut life: Life<D>, number: &Number) -> Result<u64, String> {
        let operations = life.finish(&self.case)?;
        let allowed: u32 = number.strikes().map(|_| WEAR_OF_A_CUT).sum();
        match life.extra_wear(&self.clean) {
            extra if extra > allowed => Err(format!("a sector was erased {extra} times more")),
            _ => Ok(operations),
        }
    }
}

impl<D: Device> Bench for Prepared<D> {
    fn operations(&self) -> u64 {
        self.operations
    }

    fn chain(&self, scenario: Scenario, first: Strike, tell: &mut dyn FnMut(Number, Result<(), String>)) {
        let mut life = self.factory.clone();
        let mut number = Number::undisturbed(scenario);
        let mut next = Some(first);
        for _ in 0..DEPTH {
            let Some(longer) = next.and_then(|strike| number.and(strike)) else { return };
            number = longer;
            let ended = self.cut(&mut life, &number).and_then(|()| self.finish(life.clone(), &number));
            tell(number, ended.as_ref().map(|_| ()).map_err(Clone::clone));
            let Ok(operations) = ended else { return };
            next = draw(&number, operations);
        }
    }

    fn replay(&self, number: Number) -> Result<u64, String> {
        let mut life = self.factory.clone();
        let mut so_far = Number::undisturbed(number.scenario);
        for strike in number.strikes() {
            so_far = so_far.and(strike).ok_or("too many cuts")?;
            self.cut(&mut life, &so_far)?;
        }
        self.finish(life, &number)
    }
}

/// A cut in a recovery of so many operations; none if there is nothing to cut.
fn draw(number: &Number, operations: u64) -> Option<Strike> {
    let mut noise = number.noise();
    // the first word tore the flash
    noise.word();
    let way = Way::ALL[noise.below(Way::ALL.len())];
    let at = noise.below(usize::try_from(operations).unwrap_or(usize::MAX)) as u64;
    (operations > 0).then_some(Strike { at, way })
}
