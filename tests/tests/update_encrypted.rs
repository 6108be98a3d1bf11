//! Updates of images that are kept encrypted: what stands on the flash is the ciphertext that another implementation of the
//! cipher makes of the new image, no plain octets are left anywhere, and the power may fail at every operation.
use aes::Aes128;
use aes::cipher::KeyInit as _;
use kedge_generator::Layout::{self, InPlace, Slot};
use kedge_platform::flash::Region;
use kedge_platform_sim::nor::Cut;
use kedge_tests::encrypted::{DATA_KEY, EncryptedDevice, TWEAK_KEY};
use kedge_tests::life::Life;
use kedge_tests::update::{Case, Content, image_pair};
use kedge_update_agent::Mode;
use xts_mode::{Xts128, get_tweak_default};

const DATA_UNIT: usize = 128;
/// Octets in a row that a test looks for.
const SCRAP: usize = 12;

fn case(content: Content, layout: Layout) -> Case {
    let (old, new) = image_pair(4 * 1024 - 300, 1024, 7);
    Case::new(&old, &new, content, layout, 1024, 256)
}

/// What other code makes of the octets stored in a region, from its start on.
fn decrypted(flash: &[u8], region: Region) -> Vec<u8> {
    let start = region.start as usize;
    let mut octets = flash[start..start + region.len as usize].to_vec();
    let cipher = Xts128::new(Aes128::new(&DATA_KEY.into()), Aes128::new(&TWEAK_KEY.into()));
    cipher.decrypt_area(&mut octets, DATA_UNIT, (start / DATA_UNIT) as u128, get_tweak_default);
    octets
}

/// How many pieces of `image` stand somewhere on the flash as they are.
fn plain_scraps(flash: &[u8], image: &[u8]) -> usize {
    let telling = |scrap: &&[u8]| scrap.len() == SCRAP && scrap.iter().any(|octet| *octet != 0xFF);
    let scraps = image.chunks(SCRAP).filter(telling);
    scraps.filter(|scrap| flash.windows(SCRAP).any(|octets| octets == *scrap)).count()
}

#[test]
fn the_flash_holds_ciphertext_and_nothing_else() {
    for layout in [Slot, InPlace] {
        for content in [Content::Full, Content::Delta] {
            let case = case(content, layout);
            let device = EncryptedDevice::<4, 256>::new(&case, 1);
            let before = device.flash.dump();
            assert!(decrypted(&before, case.layout.image).starts_with(&case.old));
            let mut life = Life::new(device);
            life.finish(&case).unwrap();
            let after = life.device.flash.dump();
            let (image, extra) = match case.layout.mode {
                Mode::Slot { standby } => (standby, case.layout.image),
                Mode::InPlace { scratch } => (case.layout.image, scratch),
            };
            assert!(decrypted(&after, image).starts_with(&case.new), "{layout:?} {content:?}");
            if layout == Slot {
                assert!(decrypted(&after, extra).starts_with(&case.old), "the old slot is untouched");
            }
            assert!(decrypted(&after, case.layout.package).starts_with(&case.package));
            for image in [&case.old, &case.new] {
                assert_eq!(
                    plain_scraps(&after, image),
                    0,
                    "{layout:?} {content:?}: plain octets on the flash"
                );
            }
        }
    }
}

/// The test above notices plain octets.
#[test]
fn plain_flash_is_noticed() {
    let case = case(Content::Delta, InPlace);
    let mut life = Life::new(case.device::<4, 256>(1));
    life.finish(&case).unwrap();
    assert!(plain_scraps(&life.device.dump(), &case.new) > 100);
}

#[test]
fn every_operation_is_cut() {
    let mut cases = 0;
    for (content, layout) in
        [(Content::Delta, Slot), (Content::Delta, InPlace), (Content::Full, Slot), (Content::Full, InPlace)]
    {
        let case = case(content, layout);
        let factory = Life::new(EncryptedDevice::<4, 256>::new(&case, 1));
        let operations = factory.clone().finish(&case).unwrap();
        assert!(operations > 60, "an update has more than {operations} operations");
        for at in 0..operations {
            for cut in
                [Cut::Before, Cut::Torn { seed: at }, Cut::TornAt { octet: u32::MAX, seed: at }, Cut::After]
            {
                let mut life = factory.clone();
                assert!(life.cut(&case, at, cut).unwrap_or_else(|e| panic!("{at} {cut:?}: {e}")));
                life.finish(&case).unwrap_or_else(|e| panic!("after {at} {cut:?}: {e}"));
                let image = match case.layout.mode {
                    Mode::Slot { standby } => standby,
                    Mode::InPlace { .. } => case.layout.image,
                };
                let found = decrypted(&life.device.flash.dump(), image);
                assert!(found.starts_with(&case.new), "after {at} {cut:?}");
                cases += 1;
            }
        }
    }
    kedge_tests::figure!("encrypted images, power cuts at every operation: {cases} cases, 0 violations");
}
