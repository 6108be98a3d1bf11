//! The same promises as on flash, kept by files: the power is cut in every call to the disk, with every state that it may
//! leave; and ten years of starts.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use kedge_agent::license::{Boot, LicenseError, Licensing, Now, Ports};
use kedge_platform::license::DeviceKey as _;
use kedge_platform_linux::license::{Disk, FileStore};
use kedge_platform_sim::random::Seeded;
use kedge_protocol::license::{Level, Op, State};

use super::bench::{Applied, Chip, DAY, Issuer, Order, Ring, START, at, config};

/// What a power cut leaves of the call it strikes.
#[derive(Clone, Copy, Debug)]
enum Left {
    /// Nothing of it.
    Nothing,
    /// All of it.
    All,
    /// So many octets of what was written.
    Part(usize),
    /// As many octets as were written, but others: blocks that were allocated and not filled.
    Others(u64),
}

/// A disk in memory whose power fails in a call.
#[derive(Clone, Debug, Default)]
struct Fragile {
    files: BTreeMap<String, Vec<u8>>,
    calls: u64,
    cut: Option<(u64, Left)>,
    off: bool,
}

impl Fragile {
    /// Counts a call; `Err`: off. `Ok(None)`: the call is done. Else the power fails in it, and this is left.
    fn call(&mut self) -> io::Result<Option<Left>> {
        if self.off {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let struck = self.cut.filter(|(at, _)| *at == self.calls).map(|(_, left)| left);
        self.calls += 1;
        if struck.is_some() {
            (self.off, self.cut) = (true, None);
        }
        Ok(struck)
    }

    fn changed(&mut self, struck: Option<Left>) -> io::Result<()> {
        debug_assert_eq!(self.off, struck.is_some());
        if self.off { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
    }
}

/// What of `octets` is there.
fn left(octets: &[u8], struck: Option<Left>) -> Vec<u8> {
    match struck {
        None | Some(Left::All) => octets.to_vec(),
        Some(Left::Nothing) => Vec::new(),
        Some(Left::Part(len)) => octets[..len.min(octets.len())].to_vec(),
        Some(Left::Others(seed)) => {
            let mut noise = Seeded::new(seed);
            octets.iter().map(|_| u8::try_from(noise.below(256)).expect("an octet")).collect()
        }
    }
}

impl Disk for Fragile {
    fn read(&mut self, name: &str) -> io::Result<Option<Vec<u8>>> {
        if self.off { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(self.files.get(name).cloned()) }
    }

    fn write(&mut self, name: &str, octets: &[u8]) -> io::Result<()> {
        let struck = self.call()?;
        self.files.insert(name.to_owned(), left(octets, struck));
        self.changed(struck)
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let struck = self.call()?;
        if !matches!(struck, Some(Left::Nothing | Left::Part(_))) {
            let octets = self.files.remove(from).ok_or(io::ErrorKind::NotFound)?;
            self.files.insert(to.to_owned(), octets);
        }
        self.changed(struck)
    }

    fn append(&mut self, name: &str, octets: &[u8]) -> io::Result<()> {
        let struck = self.call()?;
        self.files.get_mut(name).ok_or(io::ErrorKind::NotFound)?.extend(left(octets, struck));
        self.changed(struck)
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        let struck = self.call()?;
        if !matches!(struck, Some(Left::Nothing | Left::Part(_))) {
            self.files.remove(name);
        }
        self.changed(struck)
    }
}

/// A device whose license is on files.
struct Desk {
    disk: Fragile,
    chip: Chip,
    applied: Applied,
    issuer: Issuer,
    level: Level,
}

impl Desk {
    fn new(level: Level) -> Self {
        let counter = (level == Level::Counter).then_some(0);
        let chip = Chip::new(2, counter);
        Self { disk: Fragile::default(), chip, applied: Applied::default(), issuer: Issuer::new(), level }
    }

    /// A life from what the disk holds: every license of the steps, one after the other. `Err`: the power failed.
    fn live(&mut self, saves: u64, certain: &mut u32) -> Result<(), ()> {
        let mut store = FileStore::new(std::mem::take(&mut self.disk));
        let done = self.lives(&mut store, saves, certain);
        self.disk = store.into_disk();
        done
    }

    fn lives(&mut self, store: &mut FileStore<Fragile>, saves: u64, certain: &mut u32) -> Result<(), ()> {
        let (config, own) = (config(self.level), self.chip.public_key());
        let Self { chip, applied, issuer, .. } = self;
        let issuer = &*issuer;
        let mut ports = Ports { keys: issuer, verifier: &Ring, key: Some(chip), configure: applied };
        let booted = Licensing::boot(config, at(START, 0), store, &mut ports, &mut [0; 1024]);
        let (mut licensing, boot) = booted.map_err(drop)?;
        let seq = licensing.terms().serial.seq;
        assert!(seq >= *certain, "{seq}: what was installed for certain ({certain}) is not lost");
        assert!(seq <= *certain + 1, "{seq}: old or new, nothing else ({certain})");
        assert!(boot != Boot::StandIn, "no cut damages a document");
        assert_eq!(licensing.verdict(at(START, 0)).permits(), seq > 0);
        assert!(seq == 0 || licensing.terms().state == if seq < 3 { State::Trial } else { State::Full });
        *certain = seq;
        for seq in seq + 1..=4 {
            let now = at(START, u64::from(seq));
            let order = if seq < 3 { Order::trial(seq, START) } else { Order::full(seq, START) };
            let nonce = [u8::try_from(seq).expect("small"); 16];
            let document = order.document(issuer, (config.ueid, &own), nonce);
            let _ = licensing.request(Op::REFRESH, nonce, now);
            let kind = Some("application/vnd.example.provisioning+cbor");
            let state = licensing.install(&document, kind, false, now, store, &mut ports);
            match state {
                Ok(_) => *certain = seq,
                Err(LicenseError::Store(_)) => return Err(()),
                Err(error) => panic!("{error}"),
            }
            licensing.reported(store, &mut ports).map_err(drop)?;
            for n in 0..saves {
                licensing.save(at(START, n), store, &mut ports).map_err(drop)?;
            }
        }
        Ok(())
    }
}

/// Everything that may be left of a call.
fn cuts(at: u64) -> impl Iterator<Item = Left> {
    let parts = [1, 16, 31, 45, 200].map(Left::Part);
    [Left::Nothing, Left::All].into_iter().chain(parts).chain((0..3).map(move |n| Left::Others(at * 7 + n)))
}

#[test]
fn no_cut_of_the_disk_loses_a_license_or_gives_one_away() {
    let mut cases = 0;
    for (level, saves) in [(Level::Identity, 0), (Level::Key, 0), (Level::Counter, 0), (Level::Key, 140)] {
        let mut clean = Desk::new(level);
        clean.live(saves, &mut 0).expect("no cut");
        for at in (0..clean.disk.calls).step_by(if saves > 0 { 11 } else { 1 }) {
            for cut in cuts(at) {
                for again in [None, Some(0), Some(at % 5)] {
                    let mut desk = Desk::new(level);
                    desk.disk.cut = Some((at, cut));
                    let mut certain = 0;
                    let mut next = again;
                    let ended = (0..6).any(|_| {
                        let done = desk.live(saves, &mut certain).is_ok();
                        (desk.disk.off, desk.disk.calls) = (false, 0);
                        desk.disk.cut = next.take().map(|at| (at, Left::Others(at)));
                        done
                    });
                    assert!(ended && certain == 4, "{level} {at} {cut:?} {again:?}: {certain}");
                    cases += 1;
                }
            }
        }
    }
    println!("{cases} cases with the power cut in a call to the disk, 0 violations");
    assert!(cases >= 3000, "{cases}");
}

/// Twenty starts and four saves a day, for ten years: the journal stays small, and the license stands.
#[test]
fn ten_years_of_starts() {
    let mut desk = Desk::new(Level::Key);
    desk.live(0, &mut 0).expect("power");
    let mut store = FileStore::new(std::mem::take(&mut desk.disk));
    let Desk { chip, applied, issuer, .. } = &mut desk;
    let mut ports = Ports { keys: &*issuer, verifier: &Ring, key: Some(chip), configure: applied };
    for day in 0..3650_u64 {
        for start in 0..20 {
            let truth = START + day * DAY + start * 4000;
            store = FileStore::new(store.into_disk());
            let booted =
                Licensing::boot(config(Level::Key), at(truth, 0), &mut store, &mut ports, &mut [0; 1024]);
            let (mut licensing, boot) = booted.expect("starts");
            assert_eq!(boot, Boot::Whole);
            if start % 5 == 0 {
                let now = Now { uptime: Duration::from_secs(6 * 3600), rtc: Some(truth) };
                licensing.tick(now, &mut store, &mut ports).expect("kept");
                assert!(licensing.verdict(now).permits());
            }
        }
    }
    let disk = store.into_disk();
    println!("{} calls to the disk in ten years of 20 starts and 4 saves a day", disk.calls);
    assert!(disk.files.values().all(|file| file.len() <= 4096), "no file grows");
    assert!(disk.calls < 3650 * 24 * 3, "a start takes two, a save one or two");
}
