//! Flash operations, one by one: each is noted, and in a chosen one the power fails.

use crate::black_box::{BlackBox, Kind};

/// Where in an operation the power fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Nothing of it is done.
    Before,
    /// A part of it is done; where it stops, cells are neither old nor new.
    Torn,
    /// All of it is done, and nobody was told.
    After,
}

/// A fuse that blows in the flash operation of a number, counted from power-on; none never does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fuse(pub Option<(u32, When)>);

impl Fuse {
    /// Reads `OPERATION:before`, `:torn` or `:after`.
    pub fn parse(text: &str) -> Option<Self> {
        let (operation, when) = text.split_once(':')?;
        let when = match when {
            "before" => When::Before,
            "torn" => When::Torn,
            "after" => When::After,
            _ => return None,
        };
        Some(Self(Some((operation.parse().ok()?, when))))
    }

    /// Does one operation on `device`, at this offset of the flash; or as much of it as the power lasts for, and then
    /// `power_fails`.
    pub fn operate<D, E>(
        self,
        noted: BlackBox,
        (kind, offset): (Kind, u32),
        device: &mut D,
        (whole, part): (impl Fn(&mut D) -> Result<(), E>, impl Fn(&mut D) -> Result<(), E>),
        power_fails: fn(u32, When, Result<(), E>) -> !,
    ) -> Result<(), E> {
        let number = noted.begin(kind, offset);
        match self.0 {
            Some((operation, when)) if operation == number => {
                let done = match when {
                    When::Before => Ok(()),
                    When::Torn => part(device),
                    When::After => whole(device),
                };
                power_fails(number, when, done)
            }
            _ => {
                let done = whole(device);
                noted.end();
                done
            }
        }
    }
}

/// What torn cells read: anything, but the same in every run.
pub fn noise<const WORDS: usize>(seed: u32) -> [u32; WORDS] {
    let mut last = seed | 1;
    core::array::from_fn(|_| {
        last = last.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        last
    })
}
