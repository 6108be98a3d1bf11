//! protocol: OMA Download, and what hangs on device management besides its sessions: the firmware update object and the
//! standard objects in a tree, notifications, bootstrap.

use crate::opaque::{any, octets, text, used};
use core::time::Duration;
use kedge_protocol::cp::Object as Provisioned;
use kedge_protocol::cp::account::DmAccount;
use kedge_protocol::cp::model::Application;
use kedge_protocol::dlota::session::{
    Choice, Config, Head, Input, Memo, Output, Session, SessionError, Stored, Take,
};
use kedge_protocol::dlota::{Descriptor, Failure, Plan, Status};
use kedge_protocol::dm::account::DmAccountSettings;
use kedge_protocol::dm::auth::{Crypto, Secret};
use kedge_protocol::dm::bootstrap::{Keys, Origin, Security, decide};
use kedge_protocol::dm::notification::{Guard, Notification, Packet, Proof, is_notification};
use kedge_protocol::dm::objects::{Accounts, DevDetail, DevInfo, DeviceFacts};
use kedge_protocol::dm::{Caller, Chunk, New, Object, Store, StoreError, Tree, UriLimits};
use kedge_protocol::fumo::{self, Action, Event, Fumo, Machine, Operation, Port, ResultCode};
use kedge_protocol::mime::MediaType;
use kedge_protocol::syncml::Code;
use kedge_protocol::wap::{self, Push};
use kedge_protocol::wire::{Error, Writer};

#[inline(never)]
pub fn run() {
    used(download()).ok();
    used(notification()).ok();
    used(bootstrap()).ok();
    used(machine()).ok();
    used(tree()).ok();
}

#[inline(never)]
fn download() -> Result<(), SessionError> {
    let plan = any(Plan { first: Duration::from_secs(2), longest: Duration::from_secs(60), tries: 8 });
    let config = Config {
        accepts: any(&["application/octet-stream"]),
        room: any(100),
        confirm: any(true),
        plan,
        patience: any(Duration::from_secs(30)),
    };
    let memo = any(Memo { url: text(), object: text(), notify: text(), types: text(), ..Memo::default() });
    let stored = any(Some(Stored { have: 1, total: 2 }));
    let mut session = Session::resume(&config, &memo, stored)?;
    while any(true) {
        let head = any(Head {
            status: 200,
            content_type: Some(text()),
            content_length: Some(7),
            content_range: Some(text()),
            etag: Some(text()),
            modified: Some(text()),
            date: Some(text()),
            location: Some(text()),
            retry_after: Some(7),
        });
        if session.head(&head) == Ok(Take::Descriptor) {
            used(session.descriptor(any(Duration::ZERO), octets(), crate::room!(1024))).ok();
        }
        let input = match any(0_u8) {
            0 => Input::Start,
            1 => Input::Ended { stored, random: any(1) },
            2 => Input::NotStored(any(Failure::NoRoom)),
            3 => Input::Answered(any(Choice::Yes)),
            4 => Input::Checked(any(true)),
            5 => Input::Tick,
            _ => Input::Abort,
        };
        used(session.handle(any(Duration::ZERO), input)).ok();
        used(session.outstanding().is_some());
        match session.poll(any(Duration::ZERO)) {
            Output::Send(request) => _ = used((request.url, request.range, request.body)),
            Output::Confirm(offer) => _ = used((offer.name, offer.size)),
            output => _ = used(matches!(output, Output::Check)),
        }
        used((session.unsaved(), session.memo().status));
    }
    if let Ok(descriptor) = Descriptor::read(octets(), crate::room!(1024)) {
        used(descriptor.param(text()));
        used(descriptor.write(crate::room!(1024))).ok();
    }
    used(any(Status::SUCCESS).report(crate::room!(32))).ok();
    Ok(())
}

/// Stands for the device's MD5.
struct NoCrypto;

impl Crypto for NoCrypto {
    fn md5(&mut self, parts: &[&[u8]]) -> [u8; 16] {
        used(parts);
        any([0; 16])
    }

    fn random(&mut self, out: &mut [u8]) {
        used(out);
    }
}

#[inline(never)]
fn notification() -> Result<(), Error> {
    let push = Push::parse(&wap::Packet::new(octets())?)?;
    used(is_notification(&push));
    let packet = Packet::new(push.body)?;
    let mut guard = Guard::new();
    while any(true) {
        used(guard.admit(any(Duration::ZERO), &packet)).ok();
        let read = Notification::parse(&packet)?;
        let proof = read.verify(&packet, Secret::new(octets()), octets(), &mut NoCrypto);
        let proof = proof.unwrap_or(any(Proof::SpecialNonce));
        used(guard.accept(any(Duration::ZERO), &packet, &read, proof, any(Some(7)))).ok();
        used(read.emit(Secret::new(octets()), octets(), &mut NoCrypto, crate::room!(128))?);
    }
    Ok(())
}

#[inline(never)]
fn bootstrap() -> Result<(), Error> {
    let media = MediaType::parse(text())?;
    let keys = any(Keys { network_id: Some(octets()), pin: Some(octets()) });
    if let Ok(security) = Security::read(&media) {
        used(security.verify(octets(), &keys)).ok();
        used(decide(any(Origin::Push(security.method)), any(true), any(true)));
    }
    if let Some(account) = Application::of(Provisioned::from_octets(octets())?).and_then(DmAccount::of) {
        used(DmAccountSettings::from(&account).check()).ok();
    }
    Ok(())
}

#[inline(never)]
fn machine() -> Result<(), fumo::Refused> {
    let mut machine =
        Machine::resume(&any(fumo::Memo { url: text(), server: text(), ..fumo::Memo::default() }))?;
    while any(true) {
        let event = match any(0_u8) {
            0 => Event::Url,
            1 => Event::Data,
            2 => Event::Exec {
                operation: any(Operation::Update),
                url: text(),
                correlator: any(Some(text())),
                server: text(),
            },
            3 => Event::Downloaded,
            4 => Event::Accepted,
            5 => Event::DownloadFailed(fumo::download_failed(any(Failure::Refused))),
            6 => Event::Updated { result: any(ResultCode::SUCCESS), kept: any(true) },
            _ => Event::CleanedUp,
        };
        if let Ok(Action::Report(done)) = machine.handle(event) {
            used((done.mark(), done.correlator, done.operation.alert_type()));
        }
        used(matches!(machine.pending(), Action::Check));
    }
    Ok(())
}

/// Stands for the device's flash.
struct Device;

impl Port for Device {
    fn store(&mut self, chunk: &Chunk<'_>) -> Result<(), Code> {
        used(chunk.octets);
        any(Ok(()))
    }

    fn discard(&mut self) -> Result<(), Code> {
        any(Ok(()))
    }

    fn keep(&mut self, memo: &fumo::Memo<'_>) -> Result<(), Code> {
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

#[inline(never)]
fn tree() -> Result<(), Code> {
    let facts = any(DeviceFacts {
        id: text(),
        manufacturer: text(),
        model: text(),
        language: text(),
        device_type: text(),
        oem: text(),
        firmware: text(),
        software: text(),
        hardware: text(),
    });
    let (mut machine, mut port, mut store) = (Machine::IDLE, Device, Device);
    let (mut info, mut detail) = (DevInfo::new(&facts), DevDetail::new(&facts, UriLimits::OWN));
    let (mut accounts, mut staged) = (Accounts, fumo::Staged::NOTHING);
    let mut fumo = Fumo::new(&mut machine, &mut staged, &mut port);
    let mut objects: [&mut dyn Object; 4] = [&mut info, &mut detail, &mut accounts, &mut fumo];
    let room = crate::room!(4096);
    let Ok(mut tree) = Tree::open(room, &mut objects, &mut store, UriLimits::OWN) else { return Ok(()) };
    let by = any(Caller::Server(text()));
    while any(true) {
        let mut out = Writer::new(crate::room!(256));
        used(tree.get(by, text(), &mut out)).ok();
        used(tree.replace(by, text(), &New::value(octets()))).ok();
        used(tree.exec(by, text(), &New::value(octets()), any(Some(text())))).ok();
        used(tree.commit())?;
        used(tree.roll_back())?;
        let path = crate::room!(255);
        if let Some(path) = Accounts::find(tree.nodes(), text(), path)
            && let Some(account) = Accounts::read(tree.nodes(), path)
        {
            used(account.of_session().is_some());
        }
        used(Accounts::write(&mut tree, text(), &any(DmAccountSettings::default()))).ok();
    }
    Ok(())
}
