//! protocol: client provisioning as a device has it: a push with a document in WBXML, its MAC, its objects.

use crate::opaque::{any, octets, used};
use kedge_protocol::cp::account::DmAccount;
use kedge_protocol::cp::model::{Application, Bootstrap, Napdef, PxLogical};
use kedge_protocol::cp::security::{NetworkKey, Protection, verify};
use kedge_protocol::cp::{Fault, Nothing, OBJECT, Object, Objects, Wbxml, check};
use kedge_protocol::wap::{Packet, Push};
use kedge_protocol::wire::{Error, Writer};

/// The largest document of this measure, in octets.
const DOCUMENT: usize = 4096;

#[inline(never)]
pub fn run() {
    used(push()).ok();
    used(stored()).ok();
}

/// From the push to its objects.
#[inline(never)]
fn push() -> Result<(), Fault> {
    let room = crate::room!(DOCUMENT);
    let mut w = Writer::new(room);
    w.put(octets())?;
    let packet = Packet::new(w.finish())?;
    let push = Push::parse(&packet)?;
    let Ok(protection) = Protection::of(&push.content_type) else { return Ok(()) };
    let digits = core::str::from_utf8(octets()).ok();
    let network = digits.map(NetworkKey::Imsi).or(Some(NetworkKey::Esn(any(7))));
    used(verify(&protection, push.body, network, digits).is_ok());
    let scratch = crate::room!(OBJECT);
    used(check(&Wbxml(push.body), &mut Nothing, scratch)?);
    let mut objects = Objects::new(&Wbxml(push.body))?;
    while let Some(object) = objects.next(scratch)? {
        view(object);
    }
    Ok(())
}

/// An object from flash.
#[inline(never)]
fn stored() -> Result<(), Error> {
    view(Object::from_octets(octets())?);
    Ok(())
}

#[inline(never)]
fn view(object: Object<'_>) {
    used((object.kind(), object.key(), object.buffer_len()));
    if let Some(nap) = Napdef::of(object) {
        used((nap.id(), nap.address(), nap.address_type(), nap.is_internet()));
        for login in nap.logins() {
            used(login.secret);
        }
    }
    if let Some(proxy) = PxLogical::of(object) {
        for physical in proxy.physical() {
            used((physical.address(), physical.access_points().count()));
        }
    }
    if let Some(application) = Application::of(object) {
        used((application.app_id().name(), application.addresses().count()));
        if let Some(account) = DmAccount::of(application) {
            for address in account.addresses() {
                used(address.ports().count());
            }
            for (level, auth) in account.auths() {
                used((level.text(), auth.secret()));
            }
        }
    }
    used(Bootstrap::of(object).map(|bootstrap| bootstrap.provisioning_url()));
}
