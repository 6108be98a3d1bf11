//! `kedge delta compare`.
use super::{Exit, Surroundings};
use clap::Args;
#[derive(Args, Clone, Debug)]
pub(super) struct Compare {}
pub(super) fn run(_: &Compare, _: &mut Surroundings<'_>) -> anyhow::Result<Exit> {
    Ok(Exit::Usage)
}
