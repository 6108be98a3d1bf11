//! The OEM's boot loader, where it is not Kedge's own boot stage that decides what starts.
//!
//! The update agent brings its journal and the loader's record together (`kedge_update_agent::handover`, which also has
//! adapters for MCUboot and ESP-IDF); `kedge-platform-linux` has one that calls a program of the OEM.

/// What the loader's record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The image that runs stays.
    Settled,
    /// The next start tries the other image.
    Pending,
    /// The image that runs is on trial: unless it is confirmed, the loader goes back to the other.
    OnTrial,
}

/// A boot loader that images are handed to. `F` is the flash with the update agent's journal; adapters whose record is
/// elsewhere leave it alone. Every change is on its medium when the call returns.
pub trait Loader<F> {
    /// Why the loader's record could not be read or changed.
    type Error;

    /// True if the loader exchanges the contents of the slots, so that the running image is always in the same one; false
    /// if it selects a slot.
    const SWAPS: bool;

    /// What the record says.
    fn standing(&mut self, flash: &mut F) -> Result<Standing, Self::Error>;

    /// Has the next start try the image in the other slot, once. Repeatable.
    fn stage(&mut self, flash: &mut F) -> Result<(), Self::Error>;

    /// The image that runs stays. When it returns, nothing that was torn before can change that any more: `again` says
    /// that an earlier call may have been cut off.
    fn confirm(&mut self, flash: &mut F, again: bool) -> Result<(), Self::Error>;

    /// The image that runs, which is on trial, shall not be started again.
    fn reject(&mut self, flash: &mut F) -> Result<(), Self::Error>;
}
