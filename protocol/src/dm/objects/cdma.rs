//! What the network programmed, to be read (`flows.md`; the names are those of the one CDMA tree that is known,
//! `oma-dm.md` section 11.1).
//!
//! ```text
//! CDMA/NAM/  CdmaAnalogNam MobDirNum CdmaNam ImsiT     PARAM_DATA of the blocks of IS-683
//! CDMA/PRL/  MaxPRLSize PRLID PrefRoamList
//! ```
//! The octets are those that IS-683 carries and the phone has committed; what was never programmed is empty. They are set by
//! IS-683 messages alone, which the tunnel carries too: so the service programming code holds for every way.

use crate::dm::{Access, Nodes, Object, Rule};
use crate::syncml::{Code, Format};
use crate::wire::{Decimal, Writer};

/// A block of the number assignment module (IS-683, `is683.md` section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    /// CDMA/Analog NAM.
    CdmaAnalog,
    /// Mobile Directory Number.
    DirectoryNumber,
    /// CDMA NAM.
    Cdma,
    /// `IMSI_T`.
    ImsiT,
}

impl Block {
    const ALL: [Self; 4] = [Self::CdmaAnalog, Self::DirectoryNumber, Self::Cdma, Self::ImsiT];

    /// Its BLOCK_ID in a Download Request.
    pub const fn id(self) -> u8 {
        match self {
            Self::CdmaAnalog => 0,
            Self::DirectoryNumber => 1,
            Self::Cdma => 2,
            Self::ImsiT => 3,
        }
    }

    const fn path(self) -> &'static str {
        match self {
            Self::CdmaAnalog => "CDMA/NAM/CdmaAnalogNam",
            Self::DirectoryNumber => "CDMA/NAM/MobDirNum",
            Self::Cdma => "CDMA/NAM/CdmaNam",
            Self::ImsiT => "CDMA/NAM/ImsiT",
        }
    }
}

/// What is programmed, as the device keeps it.
pub trait Programmed {
    /// Writes PARAM_DATA of a block; nothing if it was never programmed. `TOO_LARGE`: it does not fit.
    fn block(&mut self, block: Block, out: &mut Writer<'_>) -> Result<(), Code>;

    /// Writes the preferred roaming list; nothing if there is none.
    fn roaming_list(&mut self, out: &mut Writer<'_>) -> Result<(), Code>;

    /// Its PR_LIST_ID.
    fn roaming_list_id(&mut self) -> Option<u16>;

    /// The longest list that the device takes, in octets.
    fn roaming_list_room(&mut self) -> u32;
}

/// The object.
pub struct Cdma<'p> {
    programmed: &'p mut dyn Programmed,
}

impl core::fmt::Debug for Cdma<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Cdma")
    }
}

impl<'p> Cdma<'p> {
    /// The object over what the device keeps.
    pub const fn new(programmed: &'p mut dyn Programmed) -> Self {
        Self { programmed }
    }
}

impl Object for Cdma<'_> {
    fn rules(&self) -> &'static [Rule] {
        const fn octets(path: &'static str) -> Rule {
            Rule::computed(path, Format::Bin, Access::GET).typed("application/octet-stream")
        }
        const RULES: &[Rule] = &[
            Rule::interior("CDMA", ""),
            Rule::interior("CDMA/NAM", ""),
            octets(Block::CdmaAnalog.path()),
            octets(Block::DirectoryNumber.path()),
            octets(Block::Cdma.path()),
            octets(Block::ImsiT.path()),
            Rule::interior("CDMA/PRL", ""),
            Rule::computed("CDMA/PRL/MaxPRLSize", Format::Int, Access::GET),
            Rule::computed("CDMA/PRL/PRLID", Format::Int, Access::GET),
            octets("CDMA/PRL/PrefRoamList"),
        ];
        RULES
    }

    fn get(&mut self, path: &str, _: &Nodes<'_>, out: &mut Writer<'_>) -> Result<(), Code> {
        if let Some(block) = Block::ALL.into_iter().find(|block| block.path() == path) {
            return self.programmed.block(block, out);
        }
        let number = match path {
            "CDMA/PRL/PrefRoamList" => return self.programmed.roaming_list(out),
            "CDMA/PRL/MaxPRLSize" => Some(self.programmed.roaming_list_room()),
            "CDMA/PRL/PRLID" => self.programmed.roaming_list_id().map(u32::from),
            _ => return Err(Code::NOT_FOUND),
        };
        match number {
            Some(number) => out.put(Decimal::new(number).as_str().as_bytes()).map_err(|_| Code::TOO_LARGE),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Ram, text};
    use super::*;
    use crate::dm::{Caller, New, Tree, UriLimits};

    struct Phone(Option<u16>);

    impl Programmed for Phone {
        fn block(&mut self, block: Block, out: &mut Writer<'_>) -> Result<(), Code> {
            if block == Block::ImsiT {
                return Ok(());
            }
            out.put(&[b'A' + block.id(); 3]).map_err(|_| Code::TOO_LARGE)
        }

        fn roaming_list(&mut self, out: &mut Writer<'_>) -> Result<(), Code> {
            out.put(&[b'x'; 600]).map_err(|_| Code::TOO_LARGE)
        }

        fn roaming_list_id(&mut self) -> Option<u16> {
            self.0
        }

        fn roaming_list_room(&mut self) -> u32 {
            16_384
        }
    }

    #[test]
    fn what_is_programmed_can_be_read_and_not_set() {
        for (id, shown) in [(Some(4711), "4711"), (None, "")] {
            let (mut phone, mut store, mut image) = (Phone(id), Ram::default(), [0; 512]);
            let mut cdma = Cdma::new(&mut phone);
            let mut objects: [&mut dyn Object; 1] = [&mut cdma];
            let mut tree = Tree::open(&mut image, &mut objects, &mut store, UriLimits::OWN).unwrap();
            for (uri, expected) in [
                ("./CDMA", "NAM/PRL"),
                ("./CDMA/NAM", "CdmaAnalogNam/MobDirNum/CdmaNam/ImsiT"),
                ("./CDMA/NAM/CdmaAnalogNam", "AAA"),
                ("./CDMA/NAM/MobDirNum", "BBB"),
                ("./CDMA/NAM/CdmaNam", "CCC"),
                ("./CDMA/NAM/ImsiT", ""),
                ("./CDMA/PRL/MaxPRLSize", "16384"),
                ("./CDMA/PRL/PRLID", shown),
                // The list is longer than the room for a value.
                ("./CDMA/PRL/PrefRoamList", "413"),
            ] {
                assert_eq!(text(&mut tree, uri), expected, "{uri}");
            }
            let set = tree.replace(Caller::Server("dms"), "./CDMA/PRL/PRLID", &New::value(b"1"));
            assert_eq!(set, Err(Code::NOT_ALLOWED));
        }
    }
}
