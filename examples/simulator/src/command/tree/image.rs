//! A tree's image, by the rules of the client's own objects. What a device computes is not in it: those values are not told.

use kedge_protocol::dm::objects::{
    Accounts, Block, Cdma, Delivered, DevDetail, DevInfo, DeviceFacts, Dispatch, Inbox, Passage, Programmed,
    Setting, Settings, SettingsPort, Tunnel,
};
use kedge_protocol::dm::{
    Caller, Chunk, New, Nodes, Object, Rule, Store, StoreError, Tree, UriLimits, Value,
};
use kedge_protocol::fumo::{self, Fumo};
use kedge_protocol::scomo::{self, Scomo};
use kedge_protocol::syncml::{Code, Format};
use kedge_protocol::wire::Writer;

use super::Line;
use crate::hex;

/// Room for an image, in octets: far more than any device keeps.
const ROOM: usize = 256 * 1024;
/// Names of leaves whose values are shown to nobody.
const SECRETS: [&str; 6] = ["AAuthSecret", "AAuthData", "ServerPW", "ServerNonce", "ClientPW", "ClientNonce"];

/// The image.
pub(super) struct Image(Memory);

/// Storage in memory.
struct Memory(Vec<u8>);

impl Store for Memory {
    fn load(&mut self, buffer: &mut [u8]) -> Result<usize, StoreError> {
        let room = buffer.get_mut(..self.0.len()).ok_or(StoreError::Failed)?;
        room.copy_from_slice(&self.0);
        Ok(self.0.len())
    }

    fn save(&mut self, image: &[u8]) -> Result<(), StoreError> {
        self.0 = image.to_vec();
        Ok(())
    }
}

/// The device that is not there.
struct Nothing;

impl Dispatch for Nothing {
    fn accepts(&mut self, _: &str) -> Result<(), Code> {
        Err(Code::UNAVAILABLE)
    }

    fn deliver(&mut self, _: &str, _: &[u8], _: &mut [u8]) -> Result<Delivered, Code> {
        Err(Code::UNAVAILABLE)
    }
}

impl Programmed for Nothing {
    fn block(&mut self, _: Block, _: &mut Writer<'_>) -> Result<(), Code> {
        Err(Code::UNAVAILABLE)
    }

    fn roaming_list(&mut self, _: &mut Writer<'_>) -> Result<(), Code> {
        Err(Code::UNAVAILABLE)
    }

    fn roaming_list_id(&mut self) -> Option<u16> {
        None
    }

    fn roaming_list_room(&mut self) -> u32 {
        0
    }
}

impl SettingsPort for Nothing {
    fn read(&mut self, _: Setting, _: &mut Writer<'_>) -> Result<(), Code> {
        Err(Code::UNAVAILABLE)
    }

    fn stage(&mut self, _: Setting, _: &[u8]) -> Result<(), Code> {
        Err(Code::UNAVAILABLE)
    }

    fn commit(&mut self) -> Result<(), Code> {
        Ok(())
    }

    fn roll_back(&mut self) {}
}

impl scomo::Port for Nothing {
    fn store(&mut self, _: &str, _: &Chunk<'_>) -> Result<(), Code> {
        Err(Code::UNAVAILABLE)
    }

    fn keep(&mut self, _: &scomo::Memo<'_>) -> Result<(), Code> {
        Ok(())
    }
}

impl fumo::Port for Nothing {
    fn store(&mut self, _: &Chunk<'_>) -> Result<(), Code> {
        Err(Code::UNAVAILABLE)
    }

    fn discard(&mut self) -> Result<(), Code> {
        Ok(())
    }

    fn keep(&mut self, _: &fumo::Memo<'_>) -> Result<(), Code> {
        Ok(())
    }
}

/// An object's rules without its device: what is computed is not told, what is kept is judged as on the device.
struct Absent<'o>(&'o mut dyn Object);

impl Object for Absent<'_> {
    fn rules(&self) -> &'static [Rule] {
        self.0.rules()
    }

    fn get(&mut self, path: &str, _: &Nodes<'_>, _: &mut Writer<'_>) -> Result<(), Code> {
        let covered = self.rules().iter().any(|rule| rule.covers(path) && rule.value == Value::Covered);
        Err(if covered { Code::NOT_FOUND } else { Code::UNAVAILABLE })
    }

    fn check(&mut self, path: &str, value: &[u8], nodes: &Nodes<'_>) -> Result<(), Code> {
        self.0.check(path, value, nodes)
    }

    fn put(&mut self, _: &str, _: &Chunk<'_>) -> Result<(), Code> {
        Err(Code::UNAVAILABLE)
    }
}

impl Image {
    /// The image that the octets are; `None` if they are none.
    pub(super) fn read(octets: &[u8]) -> Option<Self> {
        let mut image = Self(Memory(octets.to_vec()));
        let sound = octets.first() == Some(&1) && image.with_tree(|_| ()).is_ok();
        sound.then_some(image)
    }

    pub(super) fn octets(&self) -> &[u8] {
        &self.0.0
    }

    fn with_tree<T>(&mut self, work: impl FnOnce(&mut Tree<'_, '_>) -> T) -> Result<T, Code> {
        const FACTS: DeviceFacts<'_> = DeviceFacts {
            id: "",
            manufacturer: "",
            model: "",
            language: "",
            device_type: "",
            oem: "",
            firmware: "",
            software: "",
            hardware: "",
        };
        let (mut programmed, mut values, mut desk, mut port) = (Nothing, Nothing, Nothing, Nothing);
        let (mut machine, mut staged) = (scomo::Machine::IDLE, scomo::Staged::NOTHING);
        let mut passage = Passage::<0>::EMPTY;
        let (mut info, mut detail) = (DevInfo::new(&FACTS), DevDetail::new(&FACTS, UriLimits::OWN));
        let (mut accounts, mut inbox) = (Accounts, Inbox);
        let mut cdma = Cdma::new(&mut programmed);
        let mut settings = Settings::new(&mut values);
        let mut tunnel = Tunnel::new(&mut passage, &mut desk);
        let mut scomo = Scomo::new(&mut machine, &mut staged, &mut port);
        let (mut update, mut told, mut packages) = (fumo::Machine::IDLE, fumo::Staged::NOTHING, Nothing);
        let mut firmware = Fumo::new(&mut update, &mut told, &mut packages);
        let objects: [&mut dyn Object; 9] = [
            &mut info,
            &mut detail,
            &mut accounts,
            &mut inbox,
            &mut cdma,
            &mut settings,
            &mut tunnel,
            &mut firmware,
            &mut scomo,
        ];
        let mut absent = objects.map(Absent);
        let mut objects: Vec<&mut dyn Object> = absent.iter_mut().map(|one| one as &mut dyn Object).collect();
        let mut room = vec![0; ROOM];
        let tree = Tree::open(&mut room, &mut objects, &mut self.0, UriLimits::OWN);
        Ok(work(&mut tree.map_err(|_| Code::STORE_FAILURE)?))
    }

    /// The nodes at and below `root`.
    pub(super) fn lines(&mut self, root: &str) -> Result<Vec<Line>, Code> {
        self.with_tree(|tree| {
            let mut lines = Vec::new();
            let mut at = Some(root.to_owned());
            while let Some(path) = at {
                lines.push(line(tree, &path)?);
                let mut buffer = [0; 256];
                at = tree.following(Caller::Device, root, &path, &mut buffer).map(str::to_owned);
            }
            Ok(lines)
        })?
    }

    /// The value of a node, or a property.
    pub(super) fn get(&mut self, uri: &str) -> Result<Vec<u8>, Code> {
        self.with_tree(|tree| told(tree, uri))?
    }

    /// Gives a node a value, or a property.
    pub(super) fn set(&mut self, uri: &str, value: &str) -> Result<(), Code> {
        self.with_tree(|tree| {
            let path = uri.strip_prefix("./").unwrap_or(uri);
            let octets = match tree.format(path) {
                Some(Format::Bin | Format::B64) => hex::decode(value).map_err(|_| Code::BAD_REQUEST)?,
                _ => value.as_bytes().to_vec(),
            };
            let new = New::value(&octets);
            match tree.replace(Caller::Device, uri, &new) {
                Err(Code::NOT_FOUND) => tree.add(Caller::Device, uri, &new)?,
                done => done?,
            }
            tree.commit()
        })?
    }
}

fn told(tree: &mut Tree<'_, '_>, uri: &str) -> Result<Vec<u8>, Code> {
    let mut room = vec![0; ROOM];
    let mut out = Writer::new(&mut room);
    tree.get(Caller::Device, uri, &mut out)?;
    Ok(out.written().to_vec())
}

fn line(tree: &mut Tree<'_, '_>, path: &str) -> Result<Line, Code> {
    let format = tree.format(path).ok_or(Code::NOT_FOUND)?;
    let uri = if path.is_empty() { "." } else { path };
    let acl = told(tree, &format!("{uri}?prop=ACL"))?;
    let is_secret = path.rsplit('/').next().is_some_and(|name| SECRETS.contains(&name));
    let value = if format == Format::Node || is_secret { None } else { told(tree, uri).ok() };
    Ok(Line {
        path: path.to_owned(),
        format: format.name().to_owned(),
        media_type: tree.media_type(path).to_owned(),
        acl: String::from_utf8_lossy(&acl).into_owned(),
        value,
    })
}
