//! `kedge delta`: exit codes, JSON, files that are whole or not there, packages that make something else.

mod sample;

use std::path::{Path, PathBuf};

use kedge::command::Exit;
use sample::{Answer, kedge};

/// A directory of its own, emptied.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("delta-{name}"));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, octets: &[u8]) -> String {
        std::fs::write(self.0.join(name), octets).unwrap();
        self.path(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(name)).unwrap()
    }

    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// Two images: octets that repeat nowhere, and the same with something new at the front.
fn images() -> (Vec<u8>, Vec<u8>) {
    let old: Vec<u8> = (0..5000_u32).flat_map(|number| ((number * number) ^ 0x5A5A).to_le_bytes()).collect();
    let mut new = old.clone();
    new.splice(700..700, *b"some text that is new");
    (old, new)
}

/// A place with both images and a package made from them with these further arguments.
fn with_package(name: &str, arguments: &[&str]) -> (Place, Answer) {
    let place = Place::new(name);
    let (old, new) = images();
    let (old, new, package) = (place.write("old", &old), place.write("new", &new), place.path("package"));
    let answer = kedge(&[&["delta", "create", &old, &new, "-o", &package], arguments].concat());
    (place, answer)
}

fn verify(place: &Place, package: &str, old: &str, new: &str, more: &[&str]) -> Answer {
    let (package, old, new) = (place.path(package), place.path(old), place.path(new));
    kedge(&[&["delta", "verify", &package, "--old", &old, "--new", &new], more].concat())
}

fn info(place: &Place) -> serde_json::Value {
    let answer = kedge(&["delta", "info", &place.path("package"), "--json"]);
    assert_eq!((answer.exit, answer.err.as_str()), (Exit::Passed, ""));
    serde_json::from_str(&answer.out).unwrap()
}

#[test]
fn a_package_is_made_shown_applied_and_verified() {
    let (place, made) = with_package("round", &["--stats", "--to-version", "1.2.3", "--product", "clock"]);
    assert_eq!(made.exit, Exit::Passed, "{}", made.err);
    assert!(made.err.contains("test key"), "{}", made.err);
    assert!(made.out.contains("plan") && made.out.contains("erases"), "{}", made.out);
    assert_eq!(place.files(), ["new", "old", "package"], "nothing else stays");

    let facts = info(&place);
    let package = place.read("package");
    assert_eq!(facts["package_bytes"], package.len());
    assert!(facts["payload_bytes"].as_u64().unwrap() < 500, "{facts}");
    assert!(facts["decoder_ram"].as_u64().unwrap() <= 16 << 10, "{facts}");
    assert_eq!((&facts["layout"], &facts["block_bytes"]), (&"in-place".into(), &4096.into()));
    assert_eq!((&facts["product"], &facts["to_version"]), (&"clock".into(), &"1.2.3".into()));
    assert_eq!((&facts["old"]["bytes"], &facts["new"]["bytes"]), (&20_000.into(), &20_021.into()));
    let regions = facts["regions"].as_array().unwrap();
    let covered: u64 = regions.iter().map(|region| region["len"].as_u64().unwrap()).sum();
    assert_eq!((&regions[0]["start"], covered), (&0.into(), 20_021));
    assert!(regions.iter().all(|region| region["address"].is_u64() && region["arch"].is_string()));
    let told = kedge(&["delta", "info", &place.path("package")]);
    assert!(told.out.contains("clock") && told.out.contains("1 -> 1.2.3"), "{}", told.out);

    let plan = &facts["plan"];
    let copied = plan["copied_bytes"].as_u64().unwrap() + plan["literal_bytes"].as_u64().unwrap();
    assert_eq!(plan["blocks_made"].as_u64().unwrap() + plan["blocks_kept"].as_u64().unwrap(), 5, "{plan}");
    assert!((20_021 - 4 * 4096..=20_021).contains(&copied), "what is not kept is copied or sent: {plan}");
    assert!(told.out.contains("plan ") && told.out.contains("saves "), "{}", told.out);

    let applied = kedge(&[
        "delta",
        "apply",
        &place.path("package"),
        "--old",
        &place.path("old"),
        "-o",
        &place.path("made"),
    ]);
    assert_eq!((applied.exit, applied.err.as_str()), (Exit::Passed, ""));
    assert_eq!(place.read("made"), place.read("new"));
    let verified = verify(&place, "package", "old", "new", &[]);
    assert_eq!((verified.exit, verified.err.as_str()), (Exit::Passed, ""));
    assert!(verified.out.contains("makes exactly"), "{}", verified.out);
}

#[test]
fn every_layout_profile_and_envelope_verifies_and_is_reproducible() {
    for (name, arguments) in [
        ("tiny", &["--ram", "4KiB", "--flash", "sector=256,write=4,spare=3"][..]),
        ("large", &["--ram", "131072", "--layout", "in-place", "--arch", "thumb", "--base", "0x08000000"]),
        ("slot", &["--layout", "slot", "--arch", "none"]),
        ("suit", &["--suit", "--notes", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/list.txt")]),
    ] {
        let (place, made) = with_package(name, arguments);
        assert_eq!(made.exit, Exit::Passed, "{name}: {}", made.err);
        let verified = verify(&place, "package", "old", "new", &[]);
        assert_eq!(verified.exit, Exit::Passed, "{name}: {}", verified.err);
        let first = place.read("package");
        let (again, _) = with_package(name, arguments);
        assert_eq!(first, again.read("package"), "{name}: the same input gives the same octets");
    }
    let (place, _) = with_package("suit-facts", &["--suit", "--layout", "slot"]);
    let facts = info(&place);
    assert_eq!(
        (&facts["envelope"], &facts["layout"], &facts["spare_bytes"]),
        (&"suit".into(), &"slot".into(), &0.into())
    );
}

#[test]
fn a_package_for_a_slot_is_applied_while_it_is_read() {
    let stream = |place: &Place, package: &str| {
        let (package, old, made) = (place.path(package), place.path("old"), place.path("made"));
        kedge(&["delta", "apply", &package, "--stream", "--old", &old, "-o", &made])
    };
    let sets: [(&str, &[&str]); 2] = [
        ("stream", &["--layout", "slot"]),
        ("stream-small", &["--layout", "slot", "--flash", "sector=256,write=4", "--ram", "4096", "--suit"]),
    ];
    for (name, arguments) in sets {
        let (place, made) = with_package(name, arguments);
        assert_eq!(made.exit, Exit::Passed, "{name}: {}", made.err);
        let answer = stream(&place, "package");
        assert_eq!((answer.exit, answer.err.as_str()), (Exit::Passed, ""), "{name}");
        assert!(answer.out.contains("20021 octets, from a package of"), "{}", answer.out);
        assert_eq!(place.read("made"), place.read("new"));
        std::fs::remove_file(place.path("made")).unwrap();
        let package = place.read("package");
        let mut broken = package.clone();
        *broken.last_mut().unwrap() ^= 0x10;
        let wrong: [(&[u8], &str); 5] = [
            (&package[..package.len() - 1], "kedge: the package ends too early\n"),
            (&package[..9], "kedge: broken update package: its front is none\n"),
            (&[&package[..], &[0]].concat(), "kedge: octets behind the end of the package\n"),
            (&broken, "kedge: refused: payload is not what was signed (result 27)\n"),
            (b"", "kedge: broken update package: its front is none\n"),
        ];
        for (octets, why) in wrong {
            place.write("broken", octets);
            let answer = stream(&place, "broken");
            assert_eq!((answer.exit, answer.err.as_str()), (Exit::Failed, why), "{name}");
            assert!(!place.files().contains(&"made".to_owned()), "{name}");
        }
    }
    let (place, _) = with_package("stream-in-place", &[]);
    let answer = stream(&place, "package");
    assert_eq!(answer.exit, Exit::Failed);
    assert_eq!(answer.err, "kedge: only coded deltas and full images for a slot can be streamed\n");
}

#[test]
fn a_delta_is_inspected_to_its_last_segment_and_a_broken_one_up_to_the_fault() {
    let (place, _) = with_package("inspect", &["--flash", "sector=256,write=4,spare=3"]);
    let package = place.read("package");
    let inspect = |octets: &[u8]| {
        let path = place.write("some", octets);
        kedge(&["inspect", "package", &path])
    };
    let whole = inspect(&package);
    assert_eq!((whole.exit, whole.err.as_str()), (Exit::Passed, ""));
    for expected in
        ["payload: Coded", "plan: ", "  tables: ", "  region: old 0x0", "make block", " copy ", " literal "]
    {
        assert!(whole.out.contains(expected), "{expected:?} is not in\n{}", whole.out);
    }
    let payload = package.len() - usize::try_from(info(&place)["payload_bytes"].as_u64().unwrap()).unwrap();
    for len in (0..payload).step_by(31).chain(payload..package.len()) {
        let cut = inspect(&package[..len]);
        assert_eq!(cut.exit, Exit::Failed, "{len}");
        assert!(cut.err.starts_with("kedge: broken "), "{len}: {}", cut.err);
        let known = whole.out.lines().zip(cut.out.lines()).take_while(|(whole, cut)| whole == cut).count();
        let same = known == cut.out.lines().count() || len > payload;
        assert!(same, "{len}: what is there is shown as it is:\n{}", cut.out);
    }
    let mut other = package.clone();
    other[payload + 1] ^= 0x55;
    let broken = inspect(&other);
    assert!(broken.out.contains("payload: Coded"), "{}", broken.out);
}

#[test]
fn a_revertible_package_holds_both_ways() {
    let (place, made) = with_package("reverse", &["--reverse", "--stats"]);
    assert_eq!(made.exit, Exit::Passed, "{}", made.err);
    assert!(made.out.contains("lead back") && made.out.contains("way back"), "{}", made.out);
    let facts = info(&place);
    let (all, back) = (&facts["payload_bytes"], &facts["payload_back_bytes"]);
    assert!((1..all.as_u64().unwrap()).contains(&back.as_u64().unwrap()), "{facts}");
    let verified = verify(&place, "package", "old", "new", &[]);
    assert_eq!((verified.exit, verified.err.as_str()), (Exit::Passed, ""));
    assert!(verified.out.contains("way back"), "{}", verified.out);
    let (plain, _) = with_package("no-reverse", &[]);
    assert_eq!(info(&plain)["payload_back_bytes"], 0);
    assert!(plain.read("package").len() < place.read("package").len());
    let (slot, refused) = with_package("reverse-slot", &["--reverse", "--layout", "slot"]);
    assert_eq!((refused.exit, slot.files()), (Exit::Usage, vec!["new".to_owned(), "old".to_owned()]));
    assert!(refused.err.contains("in a slot the old image stays"), "{}", refused.err);
}

#[test]
fn what_applying_costs_is_foretold() {
    let (place, _) = with_package("forecast", &[]);
    let forecast = &info(&place)["forecast"];
    let number = |key: &str| forecast[key].as_u64().unwrap();
    // all five sectors change, because something is put in at the front
    assert_eq!((number("blocks"), number("written_blocks"), number("image_erases")), (5, 5, 5), "{forecast}");
    let parts =
        ["image", "scratch", "saved", "state", "journal"].map(|part| number(&format!("{part}_erases")));
    assert_eq!(parts.iter().sum::<u64>(), number("erases"), "{forecast}");
    let seconds = forecast["seconds"].as_f64().unwrap();
    let erasing = 0.045 * f64::from(u32::try_from(number("erases")).unwrap());
    assert!(seconds > erasing && seconds < 4.0 * erasing, "{forecast}");
    let slow = kedge(&["delta", "info", &place.path("package"), "--json", "--speed", "erase=450"]);
    let slow: serde_json::Value = serde_json::from_str(&slow.out).unwrap();
    assert!(slow["forecast"]["seconds"].as_f64().unwrap() > seconds + 8.0 * erasing, "{slow}");
    let verified = verify(&place, "package", "old", "new", &["--speed", "program=50"]);
    assert!(verified.out.contains("5 sectors of the image change, 5 were erased"), "{}", verified.out);
}

#[test]
fn other_images_are_refused() {
    let (place, _) = with_package("others", &[]);
    let other_old = verify(&place, "package", "new", "new", &[]);
    assert_eq!(other_old.exit, Exit::Failed);
    assert_eq!(other_old.err, "kedge: refused: for another installed image (result 22)\n");
    let mut other = place.read("new");
    other[1000] ^= 1;
    place.write("other", &other);
    let other_new = verify(&place, "package", "old", "other", &[]);
    assert_eq!(other_new.exit, Exit::Failed);
    assert_eq!(
        other_new.err,
        "kedge: the package makes another image: it differs from octet 1000 (0x3e8) on\n"
    );
    other.push(0);
    other[1000] ^= 1;
    place.write("other", &other);
    let longer = verify(&place, "package", "old", "other", &[]);
    assert_eq!(longer.err, "kedge: the package makes another image: 20021 octets, not 20022\n");
    let made = place.path("made");
    let applied =
        kedge(&["delta", "apply", &place.path("package"), "--old", &place.path("new"), "-o", &made]);
    assert_eq!(applied.exit, Exit::Failed);
    assert!(!Path::new(&made).exists());
}

#[test]
fn every_changed_octet_and_every_cut_is_refused() {
    let (place, _) = with_package("broken", &[]);
    let package = place.read("package");
    let mut refused = 0;
    for at in 0..package.len() {
        let mut broken = package.clone();
        broken[at] ^= 0x10;
        place.write("broken", &broken);
        let answer = verify(&place, "broken", "old", "new", &[]);
        assert_eq!(answer.exit, Exit::Failed, "octet {at}: {}", answer.err);
        assert!(answer.err.starts_with("kedge: "), "octet {at}: {}", answer.err);
        refused += 1;
    }
    for len in (0..package.len()).step_by(7) {
        place.write("package", &package[..len]);
        let answer = kedge(&["delta", "info", &place.path("package")]);
        assert_eq!((answer.exit, answer.out.as_str()), (Exit::Failed, ""), "cut to {len}");
        assert!(answer.err.starts_with("kedge: broken update package: "), "cut to {len}: {}", answer.err);
        assert_eq!(verify(&place, "package", "old", "new", &[]).exit, Exit::Failed, "cut to {len}");
        refused += 1;
    }
    println!("{refused} broken packages refused");
}

#[test]
fn keys_are_told_apart() {
    // PKCS #8 (RFC 8410 §7) around a seed, as DER
    let key = |seed: u8| {
        [&b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20"[..], &[seed; 32]].concat()
    };
    let keys = Place::new("keys-of");
    let (mine, other) = (keys.write("mine", &key(1)), keys.write("other", &key(2)));
    let (place, made) = with_package("keys", &["--key", &mine]);
    assert_eq!((made.exit, made.err.as_str()), (Exit::Passed, ""), "no warning with a key of one's own");
    let answer = |more: &[&str]| {
        let answer = verify(&place, "package", "old", "new", more);
        (answer.exit, answer.err)
    };
    assert_eq!(answer(&["--key", &mine]), (Exit::Passed, String::new()));
    let bad = "kedge: refused: wrong signature (result 19)\n".to_owned();
    assert_eq!(answer(&["--key", &other]), (Exit::Failed, bad.clone()));
    assert_eq!(answer(&[]), (Exit::Failed, "kedge: refused: unknown signing key (result 18)\n".to_owned()));
    // the public key of the seed of ones, RFC 8032
    let public = "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c";
    assert_eq!(answer(&["--key-public", public]), (Exit::Passed, String::new()));
    assert_eq!(answer(&["--key-public", &public.replace('8', "9")]).1, bad);
    assert_eq!(answer(&["--key-public", "1234"]).0, Exit::Usage);
}

#[test]
fn an_error_leaves_no_half_file_and_what_was_there() {
    let place = Place::new("half");
    let (old, _) = images();
    let (old, empty) = (place.write("old", &old), place.write("empty", b""));
    let package = place.write("package", b"from before");
    for (arguments, expected) in [
        (&["--ram", "100"][..], "4096 octets of RAM"),
        (&["--product", ""], "does not fit the package format"),
        (&["--to-version", "a version that is too long for the field"], "does not fit the package format"),
        (&["--key", &old], "not an Ed25519 key"),
        (&["--notes", "no-such-file"], "no-such-file"),
        (&["--notes", &old], "is no text"),
    ] {
        let answer = kedge(&[&["delta", "create", &old, &old, "-o", &package], arguments].concat());
        assert_eq!((answer.exit, answer.out.as_str()), (Exit::Usage, ""), "{arguments:?}: {}", answer.err);
        assert!(answer.err.contains(expected), "{arguments:?}: {}", answer.err);
        assert_eq!(place.files(), ["empty", "old", "package"], "{arguments:?}");
        assert_eq!(place.read("package"), b"from before", "{arguments:?}");
    }
    let answer = kedge(&["delta", "create", &old, &empty, "-o", &package]);
    assert!(answer.err.contains("holds no octets"), "{}", answer.err);
    let nowhere = place.path("no-such-directory/package");
    let answer = kedge(&["delta", "create", &old, &old, "-o", &nowhere]);
    assert_eq!(answer.exit, Exit::Usage);
    assert!(answer.err.contains("cannot be written"), "{}", answer.err);
}

#[test]
fn wrong_flags_are_named() {
    for (arguments, expected) in [
        (&["delta", "create", "a", "b", "-o", "c", "--flash", "sector=5000"][..], "power of two"),
        (&["delta", "create", "a", "b", "-o", "c", "--flash", "spare=1"], "at least 2"),
        (&["delta", "create", "a", "b", "-o", "c", "--ram", "much"], "not a number of octets"),
        (&["delta", "create", "a", "b", "-o", "c", "--arch", "z80"], "invalid value 'z80'"),
        (&["delta", "create", "a", "b", "-o", "c", "--base", "0xg"], "not a 32-bit address"),
        (&["delta", "create", "a", "b", "-o", "c", "--key-id", "x"], "--key <FILE>"),
        (&["delta", "create", "no-such-file", "b", "-o", "c"], "no-such-file"),
        (&["delta", "info", "no-such-file"], "no-such-file"),
        (&["delta", "compare"], "--corpus"),
        (&["delta", "compare", "a"], "<NEW>"),
        (&["delta", "compare", "--corpus", "no-such-directory"], "no-such-directory"),
    ] {
        let answer = kedge(arguments);
        assert_eq!((answer.exit, answer.out.as_str()), (Exit::Usage, ""), "{arguments:?}: {}", answer.err);
        assert!(answer.err.contains(expected), "{arguments:?}: {}", answer.err);
    }
}

#[test]
fn intel_hex_is_read_as_the_flash_content_it_describes() {
    let place = Place::new("hex");
    let (old, new) = images();
    let hexadecimal = |image: &[u8]| {
        let mut text = String::from(":020000040800F2\n");
        for (line, octets) in image.chunks(16).enumerate() {
            let address = u16::try_from(line * 16).unwrap();
            let mut record = vec![u8::try_from(octets.len()).unwrap()];
            record.extend(address.to_be_bytes());
            record.push(0);
            record.extend(octets);
            let sum = record.iter().fold(0_u8, |sum, octet| sum.wrapping_sub(*octet));
            record.push(sum);
            text.push(':');
            text += &kedge::hex::encode(&record).to_uppercase();
            text.push('\n');
        }
        text + ":00000001FF\n"
    };
    place.write("old", &old);
    place.write("new", &new);
    let (old_hex, new_hex) = (
        place.write("old.hex", hexadecimal(&old).as_bytes()),
        place.write("new.hex", hexadecimal(&new).as_bytes()),
    );
    let made = kedge(&["delta", "create", &old_hex, &new_hex, "-o", &place.path("package")]);
    assert_eq!(made.exit, Exit::Passed, "{}", made.err);
    assert_eq!(info(&place)["regions"][0]["address"], 0x0800_0000);
    let verified = verify(&place, "package", "old", "new.hex", &[]);
    assert_eq!(verified.exit, Exit::Passed, "raw and Intel HEX are the same flash: {}", verified.err);
}

#[test]
fn compare_runs_ours_and_says_what_came_out() {
    let place = Place::new("compare");
    let (old, new) = images();
    std::fs::create_dir_all(place.path("corpus/one")).unwrap();
    let (old, new) = (place.write("corpus/one/old.bin", &old), place.write("corpus/one/new.bin", &new));
    let json = place.path("results.json");
    let single = kedge(&["delta", "compare", &old, &new, "--only", "none"]);
    assert_eq!(single.exit, Exit::Passed, "{}", single.err);
    assert!(single.out.contains("kedge in-place small"), "{}", single.out);
    let corpus = place.path("corpus");
    let all = kedge(&["delta", "compare", "--corpus", &corpus, "--only", "none", "--json", &json]);
    assert_eq!(all.exit, Exit::Passed, "{}", all.err);
    let results: serde_json::Value = serde_json::from_slice(&place.read("results.json")).unwrap();
    assert_eq!(results["pairs"][0]["name"], "one");
    assert_eq!(results["rows"].as_array().unwrap().len(), 9, "two layouts, one twice, three profiles");
    for row in results["rows"].as_array().unwrap() {
        assert!(row["results"][0]["bytes"].as_u64().unwrap() < 500, "{row}");
    }
    let unknown = kedge(&["delta", "compare", &old, &new, "--only", "no-such-peer"]);
    assert_eq!(unknown.exit, Exit::Usage);
    assert!(unknown.err.contains("no-such-peer"), "{}", unknown.err);
}

#[test]
fn peers_that_are_installed_are_run_and_their_patches_applied() {
    let place = Place::new("peers");
    let (old, new) = images();
    let (old, new) = (place.write("old", &old), place.write("new", &new));
    let json = place.path("results.json");
    let answer = kedge(&["delta", "compare", &old, &new, "--only", "full-xz9e", "--json", &json]);
    if answer.exit == Exit::Usage {
        println!("skipped: xz is not installed: {}", answer.err);
        return;
    }
    assert_eq!(answer.exit, Exit::Passed, "{}", answer.err);
    let results: serde_json::Value = serde_json::from_slice(&place.read("results.json")).unwrap();
    let row = results["rows"].as_array().unwrap().iter().find(|row| row["name"] == "full-xz9e").unwrap();
    assert!(row["results"][0]["bytes"].as_u64().unwrap() > 500, "{row}");
    assert_eq!(results["pairs"][0]["best_peer"]["name"], "full-xz9e");
}

#[test]
fn corpus_pairs_are_verified() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/firmware");
    let place = Place::new("corpus");
    for name in ["simba-sam3x", "mpy-microbit-dot"] {
        let (old, new) = (corpus.join(name).join("old.bin"), corpus.join(name).join("new.bin"));
        let (Some(old), Some(new)) = (old.to_str(), new.to_str()) else { panic!("no path") };
        if !Path::new(old).exists() {
            println!("skipped: {name} is not there");
            continue;
        }
        let package = place.path(name);
        let made = kedge(&["delta", "create", old, new, "-o", &package]);
        assert_eq!(made.exit, Exit::Passed, "{name}: {}", made.err);
        let verified = kedge(&["delta", "verify", &package, "--old", old, "--new", new]);
        assert_eq!(verified.exit, Exit::Passed, "{name}: {}", verified.err);
    }
}
