//! Rules of access in the store: what programs find, and what the device's connections are told.

use kedge_agent::settings::{applications, hand_over, networks, permits};
use kedge_agent::store::{SETTINGS, Store};
use kedge_platform::connection::{AccessPoint, Connections};
use kedge_platform::flash::Region;
use kedge_platform::identity::HardwareId;
use kedge_platform_sim::nor::Nor;
use kedge_protocol::cp::access::{Demand, Network};
use kedge_protocol::cp::model::AppId;
use kedge_protocol::cp::{Kind, OBJECT, ObjectWriter, ParmName};
use kedge_protocol::wire::Writer;
use kedge_update_agent::banklog::Change;

use crate::phone::Flash;

type Parms<'a> = &'a [(ParmName, &'a str)];

/// A device with these settings.
fn device(objects: &[(Kind, Parms<'_>)]) -> (Flash, Store) {
    let mut flash = Nor::new(8);
    let device = HardwareId::Esn(0x80B0_2913);
    let (mut store, _) = Store::open(&mut flash, Region::new(0, 8 * 4096), device).unwrap();
    for (key, (kind, parms)) in SETTINGS.zip(objects) {
        let mut buf = [0; OBJECT];
        let mut w = ObjectWriter::new(&mut buf, *kind);
        for (name, value) in *parms {
            w.parm(*name, value).unwrap();
        }
        let object = w.finish().unwrap();
        let mut octets = vec![0; object.buffer_len()];
        object.write(&mut Writer::new(&mut octets)).unwrap();
        store.commit(&mut flash, &[Change::put(key, &octets)]).unwrap();
    }
    (flash, store)
}

/// What the device's connections were told: each access point, and whether it is for every program.
#[derive(Default)]
struct Told(Vec<(String, bool)>);

impl Connections for Told {
    type Error = core::convert::Infallible;

    fn set(&mut self, point: &AccessPoint<'_>) -> Result<(), Self::Error> {
        self.0.push((point.id.to_owned(), point.internet));
        Ok(())
    }
}

fn told(flash: &mut Flash, store: &Store) -> Vec<(String, bool)> {
    let mut told = Told::default();
    assert_eq!(hand_over(store, flash, &mut told).unwrap().points, told.0.len());
    told.0
}

/// The networks that an application finds for itself on its way to `host`.
fn found(flash: &mut Flash, store: &Store, app: &str, host: Option<&str>) -> Vec<String> {
    let mut found = Vec::new();
    let mut object = Vec::new();
    applications(store, flash, AppId(app), |own| {
        object = vec![0; own.object().buffer_len()];
        own.object().write(&mut Writer::new(&mut object)).unwrap();
    })
    .unwrap();
    let object = kedge_protocol::cp::Object::from_octets(&object).unwrap();
    let own = kedge_protocol::cp::model::Application::of(object).unwrap();
    networks(store, flash, &own, (host, Some(80)), |network| found.push(format!("{network:?}"))).unwrap();
    found
}

const WEB: (Kind, Parms<'static>) = (
    Kind::Napdef,
    &[
        (ParmName::NapId, "WEB"),
        (ParmName::NapAddress, "internet"),
        (ParmName::NapAddrType, "APN"),
        (ParmName::Internet, ""),
    ],
);
const MMS: (Kind, Parms<'static>) = (
    Kind::Napdef,
    &[
        (ParmName::NapId, "MMS"),
        (ParmName::NapAddress, "mms"),
        (ParmName::NapAddrType, "APN"),
        (ParmName::Internet, ""),
    ],
);
const BROWSER: (Kind, Parms<'static>) = (
    Kind::Application,
    &[
        (ParmName::AppId, "w2"),
        (ParmName::ToProxy, "PX"),
        (ParmName::ToNapId, "MMS"),
        (ParmName::ToNapId, "INTERNET"),
    ],
);

#[test]
fn without_rules_everything_is_used_as_it_is_named() {
    let (mut flash, store) = device(&[WEB, MMS, BROWSER]);
    assert_eq!(told(&mut flash, &store), [("WEB".to_owned(), true), ("MMS".to_owned(), true)]);
    assert_eq!(found(&mut flash, &store, "w2", None).len(), 3);
    let anything = Network::AccessPoint { id: "elsewhere", internet: false };
    assert!(permits(&store, &mut flash, Demand::default(), anything).unwrap());
}

#[test]
fn a_closed_access_point_is_no_way_for_programs_in_general() {
    let general = (Kind::Access, &[(ParmName::Rule, "1"), (ParmName::ToNapId, "WEB")][..]);
    let (mut flash, store) = device(&[MMS, WEB, general, BROWSER]);
    assert_eq!(told(&mut flash, &store), [("MMS".to_owned(), false), ("WEB".to_owned(), true)]);
    // the rule opens one access point; INTERNET is whatever leads there, which the rule does not open
    assert_eq!(found(&mut flash, &store, "w2", None), [""; 0]);
    let web = Network::AccessPoint { id: "web", internet: true };
    assert!(permits(&store, &mut flash, Demand::default(), web).unwrap());
}

#[test]
fn a_program_finds_what_its_rules_leave() {
    let browser: Parms<'_> = &[
        (ParmName::AppId, "w2"),
        (ParmName::Domain, "example.com"),
        (ParmName::PortNbr, "80"),
        (ParmName::ToProxy, "PX"),
        (ParmName::ToNapId, "INTERNET"),
    ];
    let (mut flash, store) = device(&[WEB, BROWSER, (Kind::Access, browser)]);
    let web = [r#"Proxy("PX")"#.to_owned(), r#"AccessPoint { id: "INTERNET", internet: true }"#.to_owned()];
    assert_eq!(found(&mut flash, &store, "w2", Some("www.example.com")), web);
    assert_eq!(found(&mut flash, &store, "w2", Some("other.example")).len(), 3, "no rule is about that");
    assert_eq!(told(&mut flash, &store), [("WEB".to_owned(), true)], "nor about programs in general");
}
