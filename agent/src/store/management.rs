//! The records of device management: what is under way, and what a server is still to be told.

use kedge_protocol::fumo::{Memo, State};
use kedge_protocol::scomo;
use minicbor::{Decode, Encode};

use super::Key;
use super::records::{Record, cbor_record};

/// Keys of the alerts that wait for a server, oldest first use.
pub const ALERTS: core::ops::RangeInclusive<u8> = 84..=87;

/// The firmware update object's operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Operation<'a> {
    /// State of the object.
    #[n(0)]
    pub state: u8,
    /// What was executed, [`kedge_protocol::fumo::Operation::number`]; 0: nothing.
    #[n(1)]
    pub operation: u8,
    /// Its correlator.
    #[cbor(b(2))]
    pub correlator: Option<&'a str>,
    /// Who commanded it.
    #[cbor(b(3))]
    pub server: &'a str,
    /// Where the package comes from.
    #[cbor(b(4))]
    pub url: &'a str,
    /// The package whose result was told last: an outcome of it that is found again is old.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub told: Option<[u8; 16]>,
}

impl Operation<'_> {
    /// Nothing is under way.
    pub const IDLE: Operation<'static> =
        Operation { state: State::IDLE.0, operation: 0, correlator: None, server: "", url: "", told: None };
}

impl<'a> Operation<'a> {
    /// The record of a machine.
    pub const fn of(memo: &Memo<'a>, told: Option<[u8; 16]>) -> Self {
        let Memo { state, operation, correlator, server, url } = *memo;
        Self { state: state.0, operation, correlator, server, url, told }
    }

    /// What the machine goes on with.
    pub const fn memo(&self) -> Memo<'a> {
        Memo {
            state: State(self.state),
            operation: self.operation,
            correlator: self.correlator,
            server: self.server,
            url: self.url,
        }
    }
}

/// The software component object's operation, and the package that is held for a component.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Software<'a> {
    /// What was executed, [`scomo::Operation::number`]; 0: nothing.
    #[n(0)]
    pub operation: u8,
    /// How far it has come, [`scomo::Step::number`].
    #[n(1)]
    pub step: u8,
    /// The name of its item.
    #[cbor(b(2))]
    pub name: &'a str,
    /// The identifier of its package or component.
    #[cbor(b(3))]
    pub id: &'a str,
    /// Where the package comes from.
    #[cbor(b(4))]
    pub url: &'a str,
    /// Its correlator.
    #[cbor(b(5))]
    pub correlator: Option<&'a str>,
    /// Who commanded it.
    #[cbor(b(6))]
    pub server: &'a str,
    /// The package whose result was told last: an outcome of it that is found again is old.
    #[cbor(n(7), with = "minicbor::bytes")]
    pub told: Option<[u8; 16]>,
    /// The item whose package waits in the inbox; empty: none.
    #[cbor(b(8))]
    pub held: &'a str,
    /// That package.
    #[cbor(n(9), with = "minicbor::bytes")]
    pub package: Option<[u8; 16]>,
}

impl<'a> Software<'a> {
    /// The record of a machine; no package is held.
    pub const fn of(memo: &scomo::Memo<'a>) -> Self {
        let scomo::Memo { operation, step, name, id, url, correlator, server } = *memo;
        Self { operation, step, name, id, url, correlator, server, told: None, held: "", package: None }
    }

    /// What the machine goes on with.
    pub const fn memo(&self) -> scomo::Memo<'a> {
        scomo::Memo {
            operation: self.operation,
            step: self.step,
            name: self.name,
            id: self.id,
            url: self.url,
            correlator: self.correlator,
            server: self.server,
        }
    }
}

/// A management session that is to be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Wish<'a> {
    /// With whom: the ServerID of its account; empty: with the first there is.
    #[cbor(b(0))]
    pub server: &'a str,
    /// Its number; 0: any.
    #[n(1)]
    pub session: u16,
    /// A notification asks for it.
    #[n(2)]
    pub notified: bool,
    /// What the user is still to be told or asked before it: 0 nothing, 1 told, 2 asked.
    #[n(3)]
    pub ui: u8,
    /// The user looks for an update, and is told if there is none.
    #[n(4)]
    pub for_user: bool,
    /// How often it was begun without coming to its end.
    #[n(5)]
    pub tries: u8,
}

/// An event that a server is still to be told, by a generic alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Alert<'a> {
    /// Whom: the ServerID of its account; empty: the first there is.
    #[cbor(b(0))]
    pub server: &'a str,
    /// The correlator of the Exec that it is about.
    #[cbor(b(1))]
    pub correlator: Option<&'a str>,
    /// The node that it is about.
    #[cbor(b(2))]
    pub source: Option<&'a str>,
    /// Its type.
    #[cbor(b(3))]
    pub kind: &'a str,
    /// The name of the format of its data.
    #[cbor(b(4))]
    pub format: &'a str,
    /// How important it is.
    #[cbor(b(5))]
    pub mark: Option<&'a str>,
    /// Its data.
    #[cbor(b(6))]
    pub data: &'a str,
}

cbor_record!(Operation<'b>, Key::Operation as u8);
cbor_record!(Software<'b>, Key::Software as u8);
cbor_record!(Wish<'b>, Key::Wish as u8);
cbor_record!(Alert<'b>, *ALERTS.start());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_read_back() {
        let mut buf = [0; 256];
        let operation = Operation {
            state: 30,
            operation: 3,
            correlator: Some("c-1"),
            server: "dms",
            url: "https://repo.example/p1",
            told: Some([7; 16]),
        };
        let again = Operation::from_octets(operation.to_octets(&mut buf).unwrap()).unwrap();
        assert_eq!((again, Operation::of(&again.memo(), again.told)), (operation, operation));
        let software = Software {
            operation: 2,
            step: 3,
            name: "firmware",
            id: "org.example.firmware",
            url: "https://repo.example/p1",
            correlator: Some("c-2"),
            server: "dms",
            told: None,
            held: "firmware",
            package: Some([8; 16]),
        };
        let again = Software::from_octets(software.to_octets(&mut buf).unwrap()).unwrap();
        let Software { told, held, package, .. } = again;
        assert_eq!(
            (again, Software { told, held, package, ..Software::of(&again.memo()) }),
            (software, software)
        );
        let wish = Wish { server: "dms", session: 7, notified: true, ui: 2, for_user: false, tries: 1 };
        assert_eq!(Wish::from_octets(wish.to_octets(&mut buf).unwrap()), Some(wish));
        let alert = Alert {
            server: "dms",
            correlator: None,
            source: Some("./FUMO"),
            kind: "org.example.done",
            format: "int",
            mark: Some("critical"),
            data: "402",
        };
        assert_eq!(Alert::from_octets(alert.to_octets(&mut buf).unwrap()), Some(alert));
    }
}
