//! `kedge nam`: what IS-683 has programmed into a device, from the file that holds its store.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context, anyhow, bail};
use clap::{Args, Subcommand};
use kedge_agent::store::{self, Key, LastSession, Nam, Nams, Prl, Store};
use kedge_platform::flash::{NorFlash as _, Region};
use kedge_platform_linux::nor::FileNor;
use kedge_platform_sim::nor::Nor;
use kedge_protocol::is683::engine::Shelf;
use kedge_protocol::is683::{Direction, Family, dump};

use super::{Exit, Surroundings, input};
use crate::hex;

/// Flash like that of the files of Linux devices.
type Flash = Nor<{ FileNor::WRITE_SIZE }, { FileNor::ERASE_SIZE }>;

/// Where `kedge-agentd` keeps the store in its file `state`: behind the update journal.
const OFFSET: u32 = 32 * 1024;
/// Octets of that store.
const LENGTH: u32 = 128 * 1024;

#[derive(Args, Clone, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Clone, Debug)]
enum Command {
    /// Show the number assignments, field by field
    Show(Place),
    /// Show what was programmed, in which order and by which sessions
    History(Place),
    /// Write everything that was programmed as lines of text; secrets only by their length
    Export(Place),
}

/// Which file, and where in it.
#[derive(Args, Clone, Debug)]
struct Place {
    /// The file that holds the store, such as `state` of a device with kedge-agentd
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where the store begins in it, in octets
    #[arg(long, value_name = "OCTETS", default_value_t = OFFSET)]
    offset: u32,
    /// How long the store is, both banks together
    #[arg(long, value_name = "OCTETS", default_value_t = LENGTH)]
    length: u32,
}

pub(super) fn run(arguments: &Arguments, surroundings: &mut Surroundings<'_>) -> anyhow::Result<Exit> {
    let text = match &arguments.command {
        Command::Show(place) => show(&mut Opened::new(place)?)?,
        Command::History(place) => history(&mut Opened::new(place)?)?,
        Command::Export(place) => export(&mut Opened::new(place)?)?,
    };
    surroundings.out.write_all(text.as_bytes())?;
    Ok(Exit::Passed)
}

/// A copy of the file's flash, and the store in it.
struct Opened {
    flash: Flash,
    store: Store,
}

impl Opened {
    fn new(place: &Place) -> anyhow::Result<Self> {
        let octets = input::file(&place.file)?;
        let sector = FileNor::ERASE_SIZE;
        let end = place.offset as usize + place.length as usize;
        if end > octets.len() {
            bail!("{}: {} octets, the store would end at {end}", place.file.display(), octets.len());
        }
        let mut flash = Flash::new(octets.len().div_ceil(sector));
        flash.load(0, &octets).map_err(|e| anyhow!("{e}"))?;
        let region = Region::new(place.offset, place.length);
        let opened = Store::look(&mut flash, region).map_err(|e| anyhow!("{e}"));
        let opened = opened.with_context(|| place.file.display().to_string())?;
        let store =
            opened.with_context(|| format!("{}: no store at {}", place.file.display(), place.offset))?;
        Ok(Self { flash, store })
    }

    fn nams(&mut self) -> anyhow::Result<Nams> {
        Nams::load(&self.store, &mut self.flash).map_err(|e| anyhow!("{e}"))
    }

    /// The blocks of a number assignment as a Download Request.
    fn download(&mut self, nam: Nam) -> Vec<u8> {
        let mut buf = vec![0; 5 * 257];
        let blocks = store::nam_blocks(&self.store, &mut self.flash, nam, &mut buf).unwrap_or_default();
        let (mut count, mut rest) = (0, blocks);
        while let Some((_, behind)) = rest.get(1).and_then(|len| rest.split_at_checked(2 + usize::from(*len)))
        {
            (count, rest) = (count + 1, behind);
        }
        [&[1, count], blocks, &[0]].concat()
    }

    fn prl(&mut self) -> anyhow::Result<Option<(Prl, Vec<u8>)>> {
        let info = self.store.get::<Prl, _>(&mut self.flash, &mut [0; 32]).map_err(|e| anyhow!("{e}"))?;
        let Some(info) = info else { return Ok(None) };
        let mut list = vec![0; usize::from(info.size)];
        let list =
            self.store.bytes(&mut self.flash, Key::Prl as u8, &mut list).map_err(|e| anyhow!("{e}"))?;
        Ok(list.map(|list| (info, list.to_vec())))
    }
}

const NAMES: [(Nam, &str); 2] = [(Nam::First, "first"), (Nam::Second, "second")];

fn show(device: &mut Opened) -> anyhow::Result<String> {
    let (nams, mut text) = (device.nams()?, String::new());
    for (nam, name) in NAMES {
        let message = device.download(nam);
        let used = if nams.active() == nam { ", in use" } else { "" };
        let locked = if nams.with_active(nam).is_locked() { ", protected (NAM_LOCK)" } else { "" };
        if message.len() == 3 {
            writeln!(text, "{name} number assignment{used}{locked}: nothing was programmed\n")?;
            continue;
        }
        writeln!(text, "{name} number assignment{used}{locked}, as its Download Request:")?;
        dump(Direction::Forward, &message, &mut text)
            .map_err(|e| anyhow!("{name} number assignment: {e}"))?;
        text.push('\n');
    }
    match device.prl()? {
        None => text.push_str("no roaming list\n"),
        Some((info, _)) => writeln!(
            text,
            "roaming list {}, {} octets: {} acquisition records, {} systems",
            info.id, info.size, info.acquisition, info.system
        )?,
    }
    if nams.otapa_off {
        text.push_str("the network may not begin parameter administration\n");
    }
    Ok(text)
}

fn history(device: &mut Opened) -> anyhow::Result<String> {
    let mut text = String::new();
    let Opened { store, flash } = device;
    store::history(store, flash, |past| {
        text.push_str(&past.to_string());
        text.push('\n');
    })
    .map_err(|e| anyhow!("{e}"))?;
    if text.is_empty() {
        text.push_str("nothing was programmed\n");
    }
    let mut buf = [0; kedge_agent::limits::RECORD];
    if let Some(last) = store.get::<LastSession<'_>, _>(flash, &mut buf).map_err(|e| anyhow!("{e}"))? {
        writeln!(text, "last session: {last}")?;
    }
    Ok(text)
}

/// Lines of `KIND NUMBER.. VALUE`: hexadecimal, or a number of octets in brackets for what is secret.
fn export(device: &mut Opened) -> anyhow::Result<String> {
    let (nams, mut text) = (device.nams()?, String::new());
    writeln!(text, "active {}", if nams.second { 2 } else { 1 })?;
    for (number, (nam, _)) in (1..).zip(NAMES) {
        let message = device.download(nam);
        let mut blocks = message.get(2..message.len() - 1).unwrap_or_default();
        while let Some((block, rest)) =
            blocks.get(1).and_then(|len| blocks.split_at_checked(2 + usize::from(*len)))
        {
            writeln!(text, "nam {number} block {} {}", block[0], hex::encode(&block[2..]))?;
            blocks = rest;
        }
        writeln!(text, "nam {number} lock {}", u8::from(nams.with_active(nam).is_locked()))?;
    }
    let families = [
        ("3gpd", Shelf::Family(Family::PacketData)),
        ("mmd", Shelf::Family(Family::Mmd)),
        ("mms", Shelf::Family(Family::Mms)),
        ("mmss", Shelf::Family(Family::Mmss)),
        ("puzl", Shelf::Puzl),
        ("system-tag", Shelf::SystemTag),
    ];
    for (name, shelf) in families {
        for id in 0..=12 {
            let mut buf = [0; 255];
            let Some(data) = store::block(&device.store, &mut device.flash, (shelf, id), &mut buf) else {
                continue;
            };
            // Shared secrets of packet data.
            let secret = name == "3gpd" && matches!(id, 8..=10 | 12);
            let value = if secret { format!("[{}]", data.len()) } else { hex::encode(data) };
            writeln!(text, "{name} block {id} {value}")?;
        }
    }
    if let Some((info, list)) = device.prl()? {
        writeln!(text, "prl {} {}", info.id, hex::encode(&list))?;
    }
    let past = history(device)?;
    past.lines().for_each(|line| {
        let _ = writeln!(text, "history {line}");
    });
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kedge_platform::identity::HardwareId;
    use kedge_update_agent::banklog::Change;

    /// A file as a device leaves it: one number assignment, a secret, a commit in the history.
    fn state() -> Place {
        let mut flash = Flash::new(40);
        let region = Region::new(OFFSET, LENGTH);
        let (mut store, _) = Store::open(&mut flash, region, HardwareId::Esn(1)).unwrap();
        let mdn = [0xA5, 0x55, 0x12, 0x34, 0x56, 0x70];
        let past = store::Past {
            number: 1,
            kind: Some(0),
            silent: false,
            keys: &[17],
            prl: None,
            spc: false,
            nam_lock: None,
            a_key: None,
        };
        let mut record = [0; store::PAST];
        let record = store::Record::to_octets(&past, &mut record).unwrap();
        // Block 1 of the first number assignment, and the secret of SimpleIP PAP.
        let changes = [Change::put(17, &mdn), Change::put(16 + 4 + 8, &[7, 8, 9]), Change::put(169, record)];
        store.commit(&mut flash, &changes).unwrap();
        let file = std::env::temp_dir().join(format!("kedge-nam-{}", std::process::id()));
        std::fs::write(&file, flash.dump()).unwrap();
        Place { file, offset: OFFSET, length: LENGTH }
    }

    #[test]
    fn what_was_programmed_is_shown_and_exported() {
        let place = state();
        let mut device = Opened::new(&place).unwrap();
        let shown = show(&mut device).unwrap();
        assert!(
            shown.contains("first number assignment, in use") && shown.contains("N_DIGITS = 10"),
            "{shown}"
        );
        assert!(shown.contains("second number assignment: nothing was programmed"), "{shown}");
        assert_eq!(history(&mut device).unwrap(), "1: activation, begun by the user: NAM block 1\n");
        assert_eq!(
            export(&mut device).unwrap(),
            "active 1\nnam 1 block 1 a55512345670\nnam 1 lock 0\nnam 2 lock 0\n3gpd block 8 [3]\n\
             history 1: activation, begun by the user: NAM block 1\n"
        );
        let beyond = Place { length: 2 * LENGTH, ..place.clone() };
        assert!(Opened::new(&beyond).is_err());
        let elsewhere = Place { offset: 4096, length: 8192, ..place.clone() };
        assert!(Opened::new(&elsewhere).is_err(), "blank flash holds no store");
        std::fs::remove_file(place.file).unwrap();
    }
}
