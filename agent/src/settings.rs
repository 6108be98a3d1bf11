//! The settings that are in use: access points for the device's connections, and what each application finds for itself.

use core::fmt;

use kedge_platform::connection::{AccessPoint, Bearer, Connections, Login, Method};
use kedge_platform::flash::NorFlash;
use kedge_protocol::cp::access::{Demand, Judge, Network};
use kedge_protocol::cp::model::{AddressType, AppId, Application, Napdef};
use kedge_protocol::cp::{OBJECT, Object};

use crate::store::{SETTINGS, Store, StoreError, settings};

/// Why access points could not be handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandOverError<E, C> {
    /// The store.
    Store(StoreError<E>),
    /// The device's connections; those after it were not handed over.
    Connections(C),
}

impl<E: fmt::Debug, C: fmt::Debug> fmt::Display for HandOverError<E, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Connections(error) => write!(f, "connections: {error:?}"),
        }
    }
}

impl<E: fmt::Debug, C: fmt::Debug> core::error::Error for HandOverError<E, C> {}

/// What was handed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HandedOver {
    /// Access points.
    pub points: usize,
    /// Access points that are none of packet data (circuit switched calls, other bearers).
    pub others: usize,
}

/// Hands every access point to the device: at each start, and after each [`crate::event::Committed::Settings`]. Both together
/// make that no loss of power leaves the device with other connections than its store has. An access point that the rules of
/// access close to programs in general is handed over as one for its own programs only.
pub fn hand_over<F: NorFlash, C: Connections>(
    store: &Store,
    flash: &mut F,
    connections: &mut C,
) -> Result<HandedOver, HandOverError<F::Error, C::Error>> {
    let mut done = HandedOver::default();
    for key in SETTINGS {
        let mut octets = [0; OBJECT];
        let octets = store.bytes(flash, key, &mut octets).map_err(HandOverError::Store)?;
        let Some(octets) = octets else { continue };
        let broken = HandOverError::Store(StoreError::BadRecord(key));
        let Some(nap) = Napdef::of(Object::from_octets(octets).map_err(|_| broken)?) else { continue };
        let Some(mut point) = access_point(&nap) else {
            done.others = done.others.saturating_add(1);
            continue;
        };
        if point.internet {
            let network = Network::AccessPoint { id: point.id, internet: true };
            point.internet =
                permits(store, flash, Demand::default(), network).map_err(HandOverError::Store)?;
        }
        connections.set(&point).map_err(HandOverError::Connections)?;
        done.points = done.points.saturating_add(1);
    }
    Ok(done)
}

/// Whether the rules of access let a program use a network (see [`kedge_protocol::cp::access`] for how they are read).
pub fn permits<F: NorFlash>(
    store: &Store,
    flash: &mut F,
    demand: Demand<'_>,
    network: Network<'_>,
) -> Result<bool, StoreError<F::Error>> {
    let mut judge = Judge::new(demand, network);
    settings(store, flash, |_, object| {
        judge.hear(&object);
        true
    })?;
    Ok(judge.permits())
}

/// Hands out the networks that an application may use, in the order of priority: the proxies that it names, then its access
/// points, without those that the rules of access close to it. `host` and `port` are where it wants to go, if it knows.
/// An access point `INTERNET` is any that leads there.
pub fn networks<F: NorFlash>(
    store: &Store,
    flash: &mut F,
    application: &Application<'_>,
    (host, port): (Option<&str>, Option<u16>),
    mut each: impl FnMut(Network<'_>),
) -> Result<(), StoreError<F::Error>> {
    let provider = application.provider_id();
    let demand = Demand { application: Some(application.app_id()), provider, host, port };
    for id in application.proxies() {
        if permits(store, flash, demand, Network::Proxy(id))? {
            each(Network::Proxy(id));
        }
    }
    for id in application.access_points() {
        let network = Network::AccessPoint { id, internet: leads_to_internet(store, flash, id)? };
        if permits(store, flash, demand, network)? {
            each(network);
        }
    }
    Ok(())
}

/// Whether an access point leads to the Internet, by its id.
fn leads_to_internet<F: NorFlash>(
    store: &Store,
    flash: &mut F,
    id: &str,
) -> Result<bool, StoreError<F::Error>> {
    let mut internet = id == "INTERNET";
    settings(store, flash, |_, object| {
        let nap = Napdef::of(object).filter(|nap| nap.id().eq_ignore_ascii_case(id));
        internet |= nap.is_some_and(|nap| nap.is_internet());
        !internet
    })?;
    Ok(internet)
}

/// Hands out the settings of an application, by its id (`w2`, `w4`, `w7`, `ap0001`, ...), in no particular order.
pub fn applications<F: NorFlash>(
    store: &Store,
    flash: &mut F,
    id: AppId<'_>,
    mut each: impl FnMut(Application<'_>),
) -> Result<(), StoreError<F::Error>> {
    settings(store, flash, |_, object| {
        if let Some(application) = Application::of(object).filter(|own| own.app_id() == id) {
            each(application);
        }
        true
    })
}

/// What a connection needs of an access point; `None` if it is none of packet data.
fn access_point<'s>(nap: &Napdef<'s>) -> Option<AccessPoint<'s>> {
    let mut bearers = nap.bearers();
    // Without a bearer any will do (`oma-cp.md` section 3): then the address tells.
    let bearer = match bearers.next() {
        Some("GSM-GPRS") => Bearer::Gsm,
        Some("CDMA2000-1X-SIMPLE-IP" | "CDMA2000-1X-MOBILE-IP" | "IS-95-CDMA-PACKET") => Bearer::Cdma,
        None if nap.address_type() == AddressType::Apn => Bearer::Gsm,
        _ => return None,
    };
    let address = match bearer {
        Bearer::Gsm => nap.address().filter(|_| nap.address_type() == AddressType::Apn)?,
        Bearer::Cdma => "",
    };
    let login = nap.logins().find_map(|login| {
        let method = match login.method {
            "PAP" => Method::Pap,
            "CHAP" => Method::Chap,
            _ => Method::Any,
        };
        Some(Login { method, name: login.name?, secret: login.secret.unwrap_or_default() })
    });
    let mut dns = nap.dns();
    let dns = [dns.next().unwrap_or_default(), dns.next().unwrap_or_default()];
    let name = nap.name().unwrap_or(nap.id());
    Some(AccessPoint { id: nap.id(), name, bearer, address, login, dns, internet: nap.is_internet() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kedge_protocol::cp::{Kind, ObjectWriter, ParmName};

    fn napdef<'b>(buf: &'b mut [u8], parms: &[(ParmName, &str)], login: Option<&str>) -> Napdef<'b> {
        let mut w = ObjectWriter::new(buf, Kind::Napdef);
        for (name, value) in parms {
            w.parm(*name, value).unwrap();
        }
        if let Some(method) = login {
            w.open(Kind::NapAuthInfo).unwrap().parm(ParmName::AuthType, method).unwrap();
            w.parm(ParmName::AuthName, "user").unwrap().parm(ParmName::AuthSecret, "s").unwrap();
            w.close().unwrap();
        }
        Napdef::of(w.finish().unwrap()).unwrap()
    }

    #[test]
    fn packet_data_is_handed_over_and_calls_are_not() {
        let mut buf = [0; 256];
        let (id, apn) = ((ParmName::NapId, "N"), (ParmName::NapAddrType, "APN"));
        let gsm = [id, (ParmName::Bearer, "GSM-GPRS"), (ParmName::NapAddress, "internet"), apn];
        let point = access_point(&napdef(&mut buf, &gsm, Some("CHAP"))).unwrap();
        assert_eq!((point.id, point.name, point.bearer, point.address), ("N", "N", Bearer::Gsm, "internet"));
        assert_eq!(point.login, Some(Login { method: Method::Chap, name: "user", secret: "s" }));
        assert!(!point.internet && std::format!("{point:?}").contains("***"));
        let any = [id, (ParmName::NapAddress, "internet"), apn, (ParmName::Internet, "")];
        let point = access_point(&napdef(&mut buf, &any, None)).unwrap();
        assert_eq!((point.bearer, point.login, point.internet), (Bearer::Gsm, None, true));
        let dns = (ParmName::DnsAddr, "192.0.2.1");
        let cdma = [id, (ParmName::Bearer, "CDMA2000-1X-SIMPLE-IP"), (ParmName::Name, "Web"), dns];
        let point = access_point(&napdef(&mut buf, &cdma, Some("MD5"))).unwrap();
        assert_eq!((point.bearer, point.name, point.dns), (Bearer::Cdma, "Web", ["192.0.2.1", ""]));
        assert_eq!(point.login.map(|login| login.method), Some(Method::Any));
        let call = [id, (ParmName::Bearer, "GSM-CSD"), (ParmName::NapAddress, "+358")];
        assert_eq!(access_point(&napdef(&mut buf, &call, None)), None);
        let no_apn = [id, (ParmName::Bearer, "GSM-GPRS"), (ParmName::NapAddress, "+358")];
        assert_eq!(access_point(&napdef(&mut buf, &no_apn, None)), None);
    }
}
