//! protocol: device management: SyncML, the tree with its objects, the session, with message buffers of 4 KiB.

use crate::opaque::{any, octets, text, used};
use core::time::Duration;
use kedge_protocol::dm::auth::{Credentials, Crypto, Nonce, Scheme, Secret};
use kedge_protocol::dm::session::{
    Account, Answer, Config, Conversation, Initiator, Input, Output, Reply, Session, SessionError,
};
use kedge_protocol::dm::{
    Access, Acl, Call, Caller, Chunk, New, Nodes, Object, Rule, Store, StoreError, Tree, TreeError, UriLimits,
};
use kedge_protocol::syncml::limits::SCRATCH;
use kedge_protocol::syncml::{
    Code, Data, Dialect, Element, Format, Head, Header, Item, Location, Message, Meta, Part, Verb, Writer,
};
use kedge_protocol::wap::Coding;
use kedge_protocol::wire::{self, Error, Slot};

/// The receive buffer, a message in between included; transmit buffer and work space.
const RX: usize = 4096;
const TX: usize = 4096;
const WORK: usize = 2048;
/// The tree's image: 64 nodes of some 24 octets.
const IMAGE: usize = 1536;

#[inline(never)]
pub fn run() {
    used(read()).ok();
    used(write()).ok();
    used(manage()).ok();
    used(Acl::new(text()).allows(any(kedge_protocol::dm::Right::Get), text()));
}

#[inline(never)]
fn read() -> Result<(), Error> {
    let (scratch, more) = (crate::room!(SCRATCH), crate::room!(256));
    let message = Message::check(any(Coding::Wbxml), octets(), scratch)?;
    used((message.coding(), message.is_final(), message.quirks()));
    used(message.header(scratch)?);
    let mut body = message.body()?;
    while let Some(element) = body.next(scratch)? {
        if let Element::Command(head, mut parts) = element {
            used((head.code(), head.alert_code()));
            while let Some(Part::Item(item)) = parts.next(more)? {
                used(item.meta.format());
            }
            used(parts.inline().is_some());
        }
    }
    Ok(())
}

/// What only a server writes.
#[inline(never)]
fn write() -> Result<(), Error> {
    let header = any(Header::new(Dialect::V1_2, text(), text(), Location::new(text()), Location::new(text())));
    let mut writer = Writer::new(any(Coding::Xml), crate::room!(1024), &header)?;
    while any(true) {
        writer.begin(&any(Head::new(Verb::Atomic, text())))?;
        let item = Item { data: Some(Data::Octets(octets())), meta: Meta::of(Format::Bin), ..Item::target(text()) };
        writer.command(&any(Head::new(Verb::Replace, text())))?.item(&any(item))?.end()?;
        writer.end()?;
    }
    used(writer.finish(any(true))?);
    Ok(())
}

/// Where the session is.
type Place = Slot<Session<'static>>;

struct Unknown;

impl Crypto for Unknown {
    fn md5(&mut self, parts: &[&[u8]]) -> [u8; 16] {
        used(parts);
        any([0; 16])
    }

    fn random(&mut self, out: &mut [u8]) {
        used(out);
    }
}

impl Store for Unknown {
    fn load(&mut self, buffer: &mut [u8]) -> Result<usize, StoreError> {
        used(buffer);
        any(Ok(0))
    }

    fn save(&mut self, image: &[u8]) -> Result<(), StoreError> {
        used(image);
        any(Ok(()))
    }
}

impl Object for Unknown {
    fn rules(&self) -> &'static [Rule] {
        const RULES: &[Rule] = &[
            Rule::interior("DevInfo", "urn:oma:mo:oma-dm-devinfo:1.0"),
            Rule::kept("DevInfo/Man", Format::Chr, Access::GET).preset("Maker"),
            Rule::interior("Set", ""),
            Rule::dynamic("Set/*", ""),
            Rule::optional("Set/*/Value", Format::Bin, Access::FULL),
            Rule::computed("Set/*/State", Format::Int, Access::GET),
        ];
        any(RULES)
    }

    fn get(&mut self, path: &str, nodes: &Nodes<'_>, out: &mut wire::Writer<'_>) -> Result<(), Code> {
        used(nodes.value(path));
        used(nodes.names(path).count());
        out.put(octets()).map_err(|_| Code::TOO_LARGE)
    }

    fn put(&mut self, path: &str, chunk: &Chunk<'_>) -> Result<(), Code> {
        used((path, chunk));
        any(Ok(()))
    }

    fn exec(&mut self, call: &Call<'_>, _nodes: &Nodes<'_>) -> Result<Code, Code> {
        used(call);
        any(Ok(Code::ACCEPTED))
    }
}

#[inline(never)]
fn manage() -> Result<(), TreeError> {
    let mut object = Unknown;
    let objects: &mut [&mut dyn Object] = &mut [&mut object];
    let mut store = Unknown;
    let mut tree = Tree::open(crate::room!(IMAGE), objects, &mut store, any(UriLimits::OWN))?;
    tree.set_time(any(Some(text())));
    used(tree.replace(any(Caller::Device), text(), &any(New::value(octets())))).ok();
    used(tree.forget_server(text())).ok();
    used(session(&mut tree)).ok();
    Ok(())
}

#[inline(never)]
fn session(tree: &mut Tree<'_, '_>) -> Result<(), SessionError> {
    let credentials = Credentials { name: text(), secret: Secret::new(octets()) };
    let account = Account {
        server_id: text(),
        url: text(),
        client: any(Some(credentials)),
        scheme: any(Some(Scheme::Md5)),
        client_nonce: Nonce::new(octets()).unwrap_or(Nonce::EMPTY),
        nonce_is_text: any(false),
        server: any(Some(credentials)),
        server_scheme: any(Scheme::Md5),
        server_nonce: Nonce::from_base64(text()).unwrap_or(Nonce::EMPTY),
    };
    let config = any(Config {
        account,
        device: text(),
        session_id: 7,
        initiator: Initiator::Server,
        dialect: Dialect::V1_2,
        coding: Coding::Wbxml,
        notices: any(&[]),
        has_user: true,
        max_object: 0,
        exchange_timeout: Duration::from_secs(30),
        prompt_timeout: Duration::from_secs(60),
        session_timeout: Duration::from_secs(3600),
    });
    let [own] = crate::room!(Conversation, [const { Conversation::NONE }; 1]);
    let [place] = crate::room!(Place, [const { Slot::Empty }; 1]);
    begin(place, own, &config)?;
    let Some(session) = place.as_mut() else { return Ok(()) };
    let mut crypto = Unknown;
    while any(true) {
        used(session.receive_buffer());
        let reply = Reply {
            status: any(200),
            content_type: any(Some(text())),
            mac: any(Some(text())),
            len: any(100),
        };
        let input = match any(0_u8) {
            0 => Input::Start,
            1 => Input::Reply(reply),
            2 => Input::LinkDown,
            3 => Input::Tick,
            4 => Input::Answered(any(Answer::Text(text()))),
            _ => Input::Abort,
        };
        used(session.handle(any(Duration::from_secs(1)), input, tree, &mut crypto)).ok();
        match session.poll() {
            Output::Send(request) => _ = used((request.url, request.mac, request.body)),
            Output::Ask(prompt) => _ = used((prompt.text, prompt.options, prompt.choice(any(1), &mut [0; 64]))),
            output => _ = used(output),
        }
    }
    Ok(())
}

/// Makes the session where a device has it: in static memory.
#[inline(never)]
fn begin(
    place: &mut Place,
    own: &'static mut Conversation,
    config: &Config<'static>,
) -> Result<(), SessionError> {
    *place = Slot::Held(Session::new(config, own, crate::room!(RX), crate::room!(TX), crate::room!(WORK))?);
    Ok(())
}
