//! protocol: the objects of the management tree beside the standard ones: inbox, tunnel, what the network programmed, settings,
//! software components; and bootstrap documents that bring accounts.

use crate::opaque::{any, octets, text, used};
use kedge_protocol::dlota::Failure;
use kedge_protocol::dm::bootstrap::{Document, Origin, process};
use kedge_protocol::dm::objects::{
    Accounts, Block, Cdma, Delivered, Dispatch, Inbox, Passage, Programmed, Setting, Settings, SettingsPort, Tunnel,
};
use kedge_protocol::dm::{Caller, Chunk, New, Object, Store, StoreError, Tree, UriLimits, tnds};
use kedge_protocol::fumo;
use kedge_protocol::scomo::{self, Action, Completion, Event, Machine, Memo, Operation, Scomo, Staged};
use kedge_protocol::syncml::{Code, Verb};
use kedge_protocol::wap::Coding;
use kedge_protocol::wire::{Error, Writer};

/// Octets of content and answers of the tunnel: an IS-683 message.
const CONTENT: usize = 2048;

#[inline(never)]
pub fn run() {
    used(machine()).ok();
    used(tree()).ok();
}

/// Stands for everything that a device has.
struct Device;

impl Dispatch for Device {
    fn accepts(&mut self, media_type: &str) -> Result<(), Code> {
        used(media_type);
        any(Ok(()))
    }

    fn deliver(&mut self, media_type: &str, content: &[u8], answer: &mut [u8]) -> Result<Delivered, Code> {
        used((media_type, content, answer));
        any(Ok(Delivered::Done(7)))
    }
}

impl Programmed for Device {
    fn block(&mut self, block: Block, out: &mut Writer<'_>) -> Result<(), Code> {
        used(block.id());
        out.put(octets()).map_err(|_| Code::TOO_LARGE)
    }

    fn roaming_list(&mut self, out: &mut Writer<'_>) -> Result<(), Code> {
        out.put(octets()).map_err(|_| Code::TOO_LARGE)
    }

    fn roaming_list_id(&mut self) -> Option<u16> {
        any(Some(7))
    }

    fn roaming_list_room(&mut self) -> u32 {
        any(7)
    }
}

impl SettingsPort for Device {
    fn read(&mut self, setting: Setting, out: &mut Writer<'_>) -> Result<(), Code> {
        used(setting == Setting::BrewUrl);
        out.put(octets()).map_err(|_| Code::TOO_LARGE)
    }

    fn stage(&mut self, _: Setting, value: &[u8]) -> Result<(), Code> {
        used(value);
        any(Ok(()))
    }

    fn commit(&mut self) -> Result<(), Code> {
        any(Ok(()))
    }

    fn roll_back(&mut self) {}
}

impl scomo::Port for Device {
    fn store(&mut self, name: &str, chunk: &Chunk<'_>) -> Result<(), Code> {
        used((name, chunk.octets));
        any(Ok(()))
    }

    fn keep(&mut self, memo: &Memo<'_>) -> Result<(), Code> {
        used(memo.url);
        any(Ok(()))
    }
}

impl Store for Device {
    fn load(&mut self, buffer: &mut [u8]) -> Result<usize, StoreError> {
        used(buffer);
        any(Ok(7))
    }

    fn save(&mut self, image: &[u8]) -> Result<(), StoreError> {
        used(image);
        any(Ok(()))
    }
}

fn event() -> Event<'static> {
    match any(0_u8) {
        0 => Event::Exec {
            operation: any(Operation::Install),
            name: text(),
            id: text(),
            url: text(),
            correlator: any(Some(text())),
            server: text(),
        },
        1 => Event::Downloaded,
        2 => Event::Accepted,
        3 => Event::Failed { result: scomo::download_failed(any(Failure::Refused)), kept: any(true) },
        4 => Event::Failed { result: scomo::installed(any(fumo::ResultCode::UPDATE_FAILED)), kept: any(true) },
        _ => Event::Done,
    }
}

fn memo() -> Memo<'static> {
    any(Memo { operation: 1, step: 1, name: text(), id: text(), url: text(), correlator: Some(text()), server: text() })
}

#[inline(never)]
fn machine() -> Result<(), fumo::Refused> {
    let mut machine = Machine::resume(&memo())?;
    while any(true) {
        if let Ok(Action::Report(done)) = machine.handle(event()) {
            used((done.mark(), done.correlator().is_some(), done.server().len()));
            used(done.source(crate::room!(64)).is_some());
            used(done.data(crate::room!(Completion::DATA)).is_some());
        }
        used(matches!(machine.pending(), Action::Check));
    }
    Ok(())
}

#[inline(never)]
fn tree() -> Result<(), Code> {
    let Ok(mut machine) = Machine::resume(&memo()) else { return Ok(()) };
    let finished = match machine.handle(event()) {
        Ok(Action::Report(done)) => Some(done),
        _ => None,
    };
    let (mut port, mut programmed, mut values, mut desk, mut store) = (Device, Device, Device, Device, Device);
    let (mut staged, mut passage) = (Staged::NOTHING, Passage::<CONTENT>::EMPTY);
    passage.reset();
    passage.take_waiting(|media_type, content| used(if media_type.len() > content.len() { Code::OK } else { Code::FAILED }));
    let (mut inbox, mut accounts) = (Inbox, Accounts);
    let mut cdma = Cdma::new(&mut programmed);
    let mut settings = Settings::new(&mut values);
    let mut tunnel = Tunnel::new(&mut passage, &mut desk);
    let mut scomo = Scomo::new(&mut machine, &mut staged, &mut port);
    let mut objects: [&mut dyn Object; 6] =
        [&mut inbox, &mut accounts, &mut cdma, &mut settings, &mut tunnel, &mut scomo];
    let room = crate::room!(4096);
    let Ok(mut tree) = Tree::open(room, &mut objects, &mut store, UriLimits::OWN) else { return Ok(()) };
    let by = any(Caller::Server(text()));
    while any(true) {
        let new = New { media_type: any(Some(text())), ..New::value(octets()) };
        let mut out = Writer::new(crate::room!(256));
        used(tree.get(by, text(), &mut out)).ok();
        used(tree.add(by, text(), &new)).ok();
        used(tree.replace(by, text(), &new)).ok();
        used(tree.exec(by, text(), &new, any(Some(text())))).ok();
        let chunk = any(Chunk::whole(octets()));
        used(tree.piece(by, any(Verb::Replace), text(), &new, &chunk)).ok();
        let coding = any(Coding::Xml);
        used(tnds::read(&mut tree, by, any(Verb::Add), text(), coding, octets(), crate::room!(512))).ok();
        if let Some(done) = &finished {
            used(scomo::record(&mut tree, done))?;
        }
        used(bootstrap(&mut tree)).ok();
        used(tree.commit())?;
        used(tree.roll_back())?;
    }
    Ok(())
}

#[inline(never)]
fn bootstrap(tree: &mut Tree<'_, '_>) -> Result<(), Error> {
    let work = crate::room!(4096);
    let document = Document::read(any(Coding::Wbxml), octets(), work)?;
    used(process(tree, &document, any((Origin::Factory, true, true)), work)).ok();
    Ok(())
}
