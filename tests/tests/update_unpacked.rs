//! Packages whose compressed streams are unpacked for the delta: the device makes them again, and the power may fail as it
//! likes.
use kedge_generator::{Carried, Coding, Installed, Layout, Made, Release, Signer, Target, create};
use kedge_package::{Envelope, Header, Kind, Manifest};
use kedge_platform_sim::nor::{Cut, Nor};
use kedge_tests::life::Life;
use kedge_tests::update::{Case, PRODUCT};
use kedge_update_agent::Refusal;

const BLOCK: usize = 512;

/// Lines of text with a change in them.
fn text(seed: usize, lines: usize, change: &str) -> Vec<u8> {
    let line = |n: usize| {
        let change = if n == lines / 3 { change } else { "" };
        format!("{change}entry {} of {seed}: value {}\n", n * 7919 % 1009, n * n % 997)
    };
    (0..lines).map(line).collect::<String>().into_bytes()
}

/// An image with two streams of an encoder that is not zlib, so that corrections are needed too.
fn image(change: &str) -> Vec<u8> {
    let stream = |plain: &[u8], level| miniz_oxide::deflate::compress_to_vec_zlib(plain, level);
    let code: Vec<u8> = (0..3000_u32).map(|n| (n * n / 7).to_le_bytes()[0]).collect();
    let (one, two) = (stream(&text(1, 300, change), 6), stream(&text(2, 200, change), 9));
    [&code[..1700], &one, &code[1700..1900], &two, &code[1900..]].concat()
}

fn package(old: &[u8], new: &[u8]) -> Made {
    let release = Release {
        product: PRODUCT,
        version: "2",
        security_counter: 2,
        description: "",
        notes: "",
        image: new,
    };
    let installed = Installed { version: "1", image: old };
    let target = Target { layout: Layout::Slot, block_size: u32::try_from(BLOCK).unwrap() };
    let coding = Coding { ram: 1 << 20, ..Coding::default() };
    create(&release, &installed, target, &coding, &Signer::test_key()).unwrap()
}

fn case() -> (Case, Made) {
    let (old, new) = (image("before "), image("afterwards "));
    let made = package(&old, &new);
    let case = Case::with_package(&old, &new, made.package.clone(), Layout::Slot, BLOCK, BLOCK);
    (case.with_memory(made.report.needs.memory), made)
}

fn manifest(package: &[u8]) -> Manifest<'_> {
    let header = Header::parse(package.first_chunk().unwrap()).unwrap();
    let start = header.payload_at() as usize - usize::from(header.envelope);
    let envelope = Envelope::parse(&package[start..][..usize::from(header.envelope)]).unwrap();
    Manifest::parse(envelope.manifest, envelope.manifest_at).unwrap()
}

#[test]
fn streams_are_made_again_on_the_device() {
    let (case, made) = case();
    assert_eq!(manifest(&made.package).payload.kind, Kind::Unpacked);
    let remade = made.report.streams.iter().filter(|stream| matches!(stream.carried, Carried::Remade(..)));
    assert_eq!(remade.count(), 2);
    let packed: usize = made.report.streams.iter().filter(|s| s.is_new).map(|s| s.len).sum();
    assert!(2 * made.report.payload < packed, "{} for {packed}", made.report.payload);
    Life::new(case.device::<8, BLOCK>(1)).finish(&case).unwrap();
}

/// After a cut, the streams are unpacked again, and the new image is made again up to where it was.
#[test]
fn the_power_fails_at_every_operation() {
    let (case, _) = case();
    let factory = Life::new(case.device::<8, BLOCK>(1));
    let operations = factory.clone().finish(&case).unwrap();
    let (mut cases, mut nested) = (0, 0);
    for at in 0..operations {
        // receiving writes far more often than applying; a few of its operations are enough
        if at + 400 < operations && at % 29 != 0 {
            continue;
        }
        for cut in [Cut::Before, Cut::Torn { seed: at }, Cut::After] {
            let told = |error| format!("{at} {cut:?}: {error}");
            let mut life = factory.clone();
            assert!(life.cut(&case, at, cut).map_err(told).unwrap(), "operation {at} exists");
            if at % 7 == 0 {
                nested +=
                    u64::from(life.cut(&case, 5 + at % 11, Cut::Torn { seed: !at }).map_err(told).unwrap());
            }
            life.finish(&case).map_err(told).unwrap();
            cases += 1;
        }
    }
    assert!(nested > 0);
    kedge_tests::figure!(
        "power cuts with unpacked content: {cases} cases, {nested} of them twice, 0 violations"
    );
}

/// A word of memory less than the manifest asks for.
#[test]
fn too_little_memory_is_refused_with_what_is_missing() {
    let (case, made) = case();
    let case = case.with_memory(made.report.needs.memory - 4);
    let mut flash: Nor<8, BLOCK> = case.device(1);
    let mut update = kedge_update_agent::Update::mount(&mut flash, case.layout).unwrap();
    let refused = case.receive(&mut update, &mut flash, 100);
    assert_eq!(refused, Err(kedge_update_agent::Error::Refused(Refusal::Memory { missing: 4 })));
    assert_eq!(
        (update.job(), update.outcome()),
        (kedge_update_agent::Job::Idle, None),
        "as if it had never come"
    );
}

/// A changed octet of the payload, wherever it is.
#[test]
fn a_damaged_payload_is_refused_before_anything_is_erased() {
    let (case, made) = case();
    let len = made.package.len();
    for at in (len - made.report.payload..len).step_by(7) {
        let mut package = made.package.clone();
        package[at] ^= 0x10;
        let other = Case::with_package(&case.old, &case.new, package, Layout::Slot, BLOCK, BLOCK);
        let other = other.with_memory(made.report.needs.memory);
        let mut flash: Nor<8, BLOCK> = other.device(1);
        let mut update = kedge_update_agent::Update::mount(&mut flash, other.layout).unwrap();
        let refused = other.receive(&mut update, &mut flash, 200);
        assert_eq!(refused, Err(kedge_update_agent::Error::Refused(Refusal::BadPayload)), "octet {at}");
    }
}
