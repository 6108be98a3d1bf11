//! `kedge_tests::hostile::Target::Iota` under libFuzzer.
#![no_main]

use kedge_tests::hostile::Target;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    Target::Iota.run(octets);
});
