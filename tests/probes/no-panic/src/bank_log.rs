//! update-agent: the record store on two banks of flash.

use crate::flash::{Failed, Flash};
use crate::opaque::{any, octets, used};
use kedge_platform::flash::Region;
use kedge_update_agent::banklog::{BankLog, Change, LogError};

#[inline(never)]
pub fn run() {
    used(records()).ok();
}

#[inline(never)]
fn records() -> Result<(), LogError<Failed>> {
    let region = Region::new(any(0), any(8192)).in_sectors(any(4096));
    let (mut log, mounted) = BankLog::<8>::mount(&mut Flash, region)?;
    used(mounted);
    used((log.is_empty(), log.len(any(1))));
    used(log.read(&mut Flash, any(1), crate::room!(256))?);
    let changes = [Change::put(any(1), octets()), Change::remove(any(2))];
    log.commit(&mut Flash, any(&changes[..]))?;
    used(BankLog::<8>::format(&mut Flash, region)?);
    Ok(())
}
