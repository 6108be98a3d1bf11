//! A fixed sample of hostile input for every target of [`kedge_tests::hostile`]: nothing panics, and nothing takes more
//! time, flash operations or memory than the update agent's documentation says. `cargo xtask fuzz` looks further.
use std::collections::BTreeMap;

use kedge_tests::hostile::{Depth, Target};

/// Runs `cases` mutated seeds; how deep they went.
fn sample(target: Target, cases: usize) -> BTreeMap<Depth, usize> {
    let depths = kedge_tests::hostile::sample(target, cases);
    kedge_tests::figure!("hostile {}: {cases} cases, {depths:?}", target.name());
    depths
}

fn reached(depths: &BTreeMap<Depth, usize>, depth: Depth, least: usize) {
    let found = depths.get(&depth).copied().unwrap_or(0);
    assert!(found >= least, "{depth:?} was reached {found} times of {depths:?}");
}

#[test]
fn envelopes() {
    let depths = sample(Target::Envelope, 60_000);
    reached(&depths, Depth::Taken, 1000);
    reached(&depths, Depth::Refused, 1000);
}

#[test]
fn packages_as_they_came_in() {
    let depths = sample(Target::Received, 6_000);
    reached(&depths, Depth::Refused, 1000);
}

#[test]
fn packages_of_every_kind() {
    let depths = sample(Target::Package, 12_000);
    reached(&depths, Depth::Refused, 1000);
    reached(&depths, Depth::Failed, 1000);
    reached(&depths, Depth::Taken, 6);
}

#[test]
fn plans() {
    let depths = sample(Target::Plan, 10_000);
    reached(&depths, Depth::Refused, 1000);
    reached(&depths, Depth::Failed, 1000);
}

#[test]
fn journals() {
    let depths = sample(Target::Journal, 4_000);
    reached(&depths, Depth::Taken, 1000);
}

#[test]
fn nand_volumes() {
    let depths = sample(Target::Nand, 2_000);
    reached(&depths, Depth::Taken, 100);
}

#[test]
fn is683_messages() {
    let depths = sample(Target::Is683, 60_000);
    reached(&depths, Depth::Taken, 5000);
}

#[test]
fn roaming_lists() {
    let depths = sample(Target::Prl, 20_000);
    reached(&depths, Depth::Taken, 500);
    reached(&depths, Depth::Refused, 1000);
}

#[test]
fn short_messages() {
    let depths = sample(Target::SmsCdma, 20_000);
    reached(&depths, Depth::Taken, 500);
}

#[test]
fn is683_sessions() {
    let depths = sample(Target::Otasp, 20_000);
    reached(&depths, Depth::Refused, 1000);
    reached(&depths, Depth::Taken, 500);
}

#[test]
fn mmc_documents() {
    let depths = sample(Target::Mmc, 20_000);
    reached(&depths, Depth::Taken, 100);
}

#[test]
fn iota_sessions() {
    let depths = sample(Target::Iota, 20_000);
    reached(&depths, Depth::Refused, 500);
    reached(&depths, Depth::Taken, 200);
}

#[test]
fn gsm_short_messages() {
    let depths = sample(Target::SmsGsm, 20_000);
    reached(&depths, Depth::Refused, 500);
    reached(&depths, Depth::Taken, 500);
}

#[test]
fn pushes() {
    let depths = sample(Target::Push, 20_000);
    reached(&depths, Depth::Refused, 500);
    reached(&depths, Depth::Taken, 500);
}

#[test]
fn provisioning_documents() {
    let depths = sample(Target::Cp, 20_000);
    reached(&depths, Depth::Refused, 500);
    reached(&depths, Depth::Taken, 500);
}

#[test]
fn syncml_messages() {
    let depths = sample(Target::Syncml, 20_000);
    reached(&depths, Depth::Refused, 500);
    reached(&depths, Depth::Taken, 500);
}

#[test]
fn management_sessions() {
    let depths = sample(Target::Dm, 20_000);
    reached(&depths, Depth::Refused, 500);
    reached(&depths, Depth::Taken, 500);
}

#[test]
fn notifications() {
    let depths = sample(Target::Notified, 20_000);
    reached(&depths, Depth::Refused, 500);
    // hardly any change leaves the proof right
    reached(&depths, Depth::Taken, 1);
}

#[test]
fn multipart_bodies() {
    let depths = sample(Target::Multipart, 20_000);
    reached(&depths, Depth::Refused, 500);
    reached(&depths, Depth::Taken, 500);
}

#[test]
fn download_descriptors() {
    let depths = sample(Target::Descriptor, 20_000);
    reached(&depths, Depth::Refused, 500);
    reached(&depths, Depth::Taken, 500);
}

#[test]
fn downloads() {
    let depths = sample(Target::Download, 20_000);
    reached(&depths, Depth::Refused, 500);
    reached(&depths, Depth::Taken, 500);
}

#[test]
fn license_documents() {
    let depths = sample(Target::License, 20_000);
    reached(&depths, Depth::Refused, 500);
    reached(&depths, Depth::Taken, 500);
}

#[test]
fn license_sessions() {
    let depths = sample(Target::Licensing, 20_000);
    reached(&depths, Depth::Refused, 50);
    reached(&depths, Depth::Taken, 500);
}
