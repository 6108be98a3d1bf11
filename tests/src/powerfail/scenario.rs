//! What an update is tried with: a kind of flash, a setting and a pair of images.
use core::fmt;

use kedge_generator::Layout::{self, InPlace, Slot};

use super::bench::Bench;
use super::flash::FLASHES;
use super::pairs::{MADE_UP, PAIRS};
use crate::update::{Case, Content, Fate, Shape};

/// Layout, content, spare blocks, and blocks that the package region has room for besides.
pub const SETTINGS: [(Layout, Content, usize, usize); 12] = [
    (Slot, Content::Delta, 2, 0),
    (InPlace, Content::Delta, 2, 0),
    (InPlace, Content::Delta, 3, 0),
    (Slot, Content::Plain, 2, 0),
    (InPlace, Content::Plain, 2, 0),
    (Slot, Content::Full, 2, 0),
    (InPlace, Content::Full, 2, 0),
    (Slot, Content::Streamed, 2, 0),
    (Slot, Content::StreamedFull, 2, 0),
    (InPlace, Content::Revertible, 2, 0),
    (InPlace, Content::Delta, 2, 2),
    (InPlace, Content::Revertible, 2, 1),
];

/// A row of each table, by its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Of [`FLASHES`].
    pub flash: usize,
    /// Of [`SETTINGS`].
    pub setting: usize,
    /// Of [`PAIRS`].
    pub pair: usize,
}

impl Scenario {
    /// All that are tried: coded deltas of every pair on two spare blocks, streamed, and there and back; with three, and as
    /// the other kinds of package, which do not depend on what code looks like, those of the pairs made up.
    pub fn all() -> impl Iterator<Item = Self> {
        let coded = |setting: usize| {
            matches!(SETTINGS[setting], (_, Content::Delta | Content::Streamed | Content::Revertible, 2, _))
        };
        let rows = move |setting| if coded(setting) { PAIRS.len() } else { MADE_UP };
        (0..FLASHES.len()).flat_map(move |flash| {
            (0..SETTINGS.len())
                .flat_map(move |setting| (0..rows(setting)).map(move |pair| Self { flash, setting, pair }))
        })
    }

    /// Whether the tables have all three rows.
    pub fn exists(&self) -> bool {
        self.flash < FLASHES.len() && self.setting < SETTINGS.len() && self.pair < PAIRS.len()
    }

    /// Makes the package and lives through the update undisturbed. None without the firmware that it is about.
    ///
    /// # Errors
    ///
    /// What went wrong, told in words.
    pub fn prepare(&self) -> Result<Option<Box<dyn Bench>>, String> {
        let (flash, (layout, content, spare, beside)) = (&FLASHES[self.flash], SETTINGS[self.setting]);
        let Some((old, new)) = PAIRS[self.pair].images(flash.block) else { return Ok(None) };
        let shape = Shape { erase: flash.erase, block: flash.block, spare, beside };
        // what is revertible is reverted: half of them at the image's own wish
        let fate = match content {
            Content::Revertible if self.pair.is_multiple_of(2) => Fate::Unconfirmed,
            Content::Revertible => Fate::Rejected,
            _ => Fate::Confirmed,
        };
        let case = Case::shaped(&old, &new, content, layout, shape).with_fate(fate);
        flash.prepare(case).map(Some)
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (layout, content, spare, beside) = SETTINGS[self.setting];
        let (flash, pair) = (FLASHES[self.flash].name(), PAIRS[self.pair].name());
        write!(f, "{flash}; {layout:?}, {content:?}, {spare} spare blocks, {beside} beside; {pair}")
    }
}
