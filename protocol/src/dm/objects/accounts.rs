//! The accounts of servers in the tree (DMAcc): the layout of 1.2 below `DMAcc`, the flat one of 1.1 below `SyncML/DMAcc`.
//!
//! ```text
//! DMAcc/<x>/  AppID ServerID Name PrefConRef AAuthPref
//!             ToConRef/<x>/ConRef
//!             AppAddr/<x>/  Addr AddrType Port/<x>/PortNbr
//!             AppAuth/<x>/  AAuthLevel AAuthType AAuthName AAuthSecret AAuthData
//!             Ext
//! SyncML/DMAcc/<x>/  Addr AddrType PortNbr ConRef ServerId ServerPW ServerNonce UserName ClientPW ClientNonce AuthPref Name
//! ```
//! The values are the tree's, so an account is set up, replaced and removed with the transactions of a session. Secrets and
//! nonces cannot be read by anybody. Who does not agree with a server any more, removes its account; the tree then strikes
//! it from the access control lists. A server has one account: nobody brings a second one of it, not even itself
//! ([`crate::dm::bootstrap`]).

use crate::dm::account::{Address, AddressType, Credentials, DmAccountSettings, Hidden, Level, Scheme};
use crate::dm::limits::{MAX_ACL, MAX_URI};
use crate::dm::{Access, Caller, New, Nodes, Object, Rule, Tree};
use crate::syncml::{Code, Format};
use crate::wire::{Decimal, Text, Writer};

/// The root of accounts in the layout of 1.2.
pub const ACCOUNTS: &str = "DMAcc";
/// The root of accounts in the layout of 1.1.
pub const ACCOUNTS_1_1: &str = "SyncML/DMAcc";

/// Longest text of an account, in octets.
const LONGEST: u32 = 255;
/// The value of AppID.
const APP_ID: &str = "w7";

/// The accounts object.
#[derive(Clone, Copy, Debug, Default)]
pub struct Accounts;

impl Accounts {
    /// The identifier of the object.
    pub const IDENTIFIER: &'static str = "urn:oma:mo:oma-dm-dmacc:1.0";

    /// The path of the account of `server`, in either layout; written to `buffer`.
    pub fn find<'b>(nodes: &Nodes<'_>, server: &str, buffer: &'b mut [u8]) -> Option<&'b str> {
        let is_its = |root, leaf| {
            let of = move |name: &&str| nodes.text(path(&[root, name, leaf])?.as_str());
            let name = nodes.names(root).find(|name| of(name) == Some(server))?;
            path(&[root, name])
        };
        let found = is_its(ACCOUNTS, "ServerID").or_else(|| is_its(ACCOUNTS_1_1, "ServerId"))?;
        let mut w = Writer::new(buffer);
        w.put(found.as_str().as_bytes()).ok()?;
        str::from_utf8(w.finish()).ok()
    }

    /// The ServerID of the account that the node at `path` is part of, in either layout; `None`: it is part of none that has one.
    pub fn owner<'n>(nodes: &'n Nodes<'_>, at: &str) -> Option<&'n str> {
        [(ACCOUNTS, "ServerID"), (ACCOUNTS_1_1, "ServerId")].into_iter().find_map(|(root, leaf)| {
            let name = at.strip_prefix(root)?.strip_prefix('/')?.split(|c| c == '/').next()?;
            nodes.text(path(&[root, name, leaf])?.as_str())
        })
    }

    /// The account at `path`, in either layout, as far as the tree has it. It borrows from the tree.
    pub fn read<'n>(nodes: &'n Nodes<'_>, root: &str) -> Option<DmAccountSettings<'n>> {
        let text = |parts: &[&str]| nodes.text(path(parts)?.as_str());
        if root.starts_with(ACCOUNTS_1_1) {
            return Self::read_flat(nodes, root);
        }
        let mut account = DmAccountSettings {
            server: text(&[root, "ServerID"])?,
            name: text(&[root, "Name"]),
            connection: text(&[root, "PrefConRef"]),
            preferred: text(&[root, "AAuthPref"]).and_then(Scheme::from_name),
            ..DmAccountSettings::default()
        };
        let addresses = path(&[root, "AppAddr"])?;
        for (slot, name) in account.addresses.iter_mut().zip(nodes.names(addresses.as_str())) {
            *slot = Self::address(nodes, path(&[addresses.as_str(), name])?.as_str());
        }
        let credentials = path(&[root, "AppAuth"])?;
        for (slot, name) in account.credentials.iter_mut().zip(nodes.names(credentials.as_str())) {
            *slot = Self::credentials(nodes, path(&[credentials.as_str(), name])?.as_str());
        }
        Some(account)
    }

    fn address<'n>(nodes: &'n Nodes<'_>, at: &str) -> Option<Address<'n>> {
        let text = |parts: &[&str]| nodes.text(path(parts)?.as_str());
        let ports = path(&[at, "Port"])?;
        let port = nodes.names(ports.as_str()).next();
        let port = port.and_then(|port| text(&[ports.as_str(), port, "PortNbr"]));
        let kind = text(&[at, "AddrType"]).and_then(AddressType::from_name);
        Some(Address {
            address: text(&[at, "Addr"])?,
            kind: kind.unwrap_or_default(),
            port: port.and_then(|port| port.parse().ok()),
        })
    }

    fn credentials<'n>(nodes: &'n Nodes<'_>, at: &str) -> Option<Credentials<'n>> {
        let text = |leaf| nodes.text(path(&[at, leaf])?.as_str());
        Some(Credentials {
            level: text("AAuthLevel").and_then(Level::from_name)?,
            scheme: text("AAuthType").and_then(Scheme::from_name)?,
            name: text("AAuthName").unwrap_or_default(),
            secret: hidden(nodes, at, "AAuthSecret"),
            data: hidden(nodes, at, "AAuthData"),
        })
    }

    /// The flat layout; there both sides use the scheme of AuthPref.
    fn read_flat<'n>(nodes: &'n Nodes<'_>, root: &str) -> Option<DmAccountSettings<'n>> {
        let text = |leaf| nodes.text(path(&[root, leaf])?.as_str());
        let address = text("Addr").map(|address| Address {
            address,
            kind: text("AddrType").and_then(AddressType::from_name).unwrap_or_default(),
            port: text("PortNbr").and_then(|port| port.parse().ok()),
        });
        let preferred = text("AuthPref").and_then(Scheme::from_name);
        let scheme = preferred.unwrap_or(Scheme::Digest);
        let server = text("ServerId")?;
        let credentials = |level, name, secret, nonce| Credentials {
            level,
            scheme,
            name,
            secret: hidden(nodes, root, secret),
            data: hidden(nodes, root, nonce),
        };
        let client = text("UserName").map(|name| credentials(Level::Client, name, "ClientPW", "ClientNonce"));
        let own = credentials(Level::Server, server, "ServerPW", "ServerNonce");
        Some(DmAccountSettings {
            server,
            name: text("Name"),
            connection: text("ConRef"),
            preferred,
            addresses: [address, None, None],
            credentials: [client, Some(own).filter(|own| !own.secret.0.is_empty()), None],
        })
    }

    /// Puts an account into the tree in the layout of 1.2, named `name`; one of that name is replaced. The server gets Get,
    /// Replace and Delete on it (`oma-dm.md` section 13). To be committed, or rolled back on an error, by the caller.
    pub fn write(tree: &mut Tree<'_, '_>, name: &str, account: &DmAccountSettings<'_>) -> Result<(), Code> {
        account.check().map_err(|_| Code::INCOMPLETE)?;
        let root = path(&[ACCOUNTS, name]).ok_or(Code::URI_TOO_LONG)?;
        let root = root.as_str();
        match tree.delete(Caller::Device, root) {
            Ok(()) | Err(Code::NOT_FOUND) => {}
            Err(code) => return Err(code),
        }
        tree.add(Caller::Device, root, &New::INTERIOR)?;
        let mut put = |parts: &[&str], octets: &[u8]| {
            let path = path(parts).ok_or(Code::URI_TOO_LONG)?;
            tree.add(Caller::Device, path.as_str(), &New::value(octets))
        };
        put(&[root, "AppID"], APP_ID.as_bytes())?;
        put(&[root, "ServerID"], account.server.as_bytes())?;
        let preferred = account.preferred.map(Scheme::name);
        for (leaf, value) in
            [("Name", account.name), ("PrefConRef", account.connection), ("AAuthPref", preferred)]
        {
            if let Some(value) = value {
                put(&[root, leaf], value.as_bytes())?;
            }
        }
        for (number, address) in (1..).zip(account.addresses.iter().flatten()) {
            let number = Decimal::new(number);
            let at = [root, "AppAddr", number.as_str()];
            let at = path(&at).ok_or(Code::URI_TOO_LONG)?;
            put(&[at.as_str(), "Addr"], address.address.as_bytes())?;
            put(&[at.as_str(), "AddrType"], address.kind.name().as_bytes())?;
            if let Some(port) = address.port {
                put(&[at.as_str(), "Port/1/PortNbr"], Decimal::new(u32::from(port)).as_str().as_bytes())?;
            }
        }
        for (number, one) in (1..).zip(account.credentials.iter().flatten()) {
            let number = Decimal::new(number);
            let at = |leaf| [root, "AppAuth", number.as_str(), leaf];
            put(&at("AAuthLevel"), one.level.name().as_bytes())?;
            put(&at("AAuthType"), one.scheme.name().as_bytes())?;
            put(&at("AAuthName"), one.name.as_bytes())?;
            put(&at("AAuthSecret"), one.secret.0)?;
            put(&at("AAuthData"), one.data.0)?;
        }
        Self::own(tree, root, account.server)
    }

    /// Gives the server its rights on the account.
    pub(in crate::dm) fn own(tree: &mut Tree<'_, '_>, root: &str, server: &str) -> Result<(), Code> {
        let mut acl = [0; MAX_ACL];
        let mut w = Writer::new(&mut acl);
        for text in ["Delete=", server, "&Get=", server, "&Replace=", server] {
            w.put(text.as_bytes()).map_err(|_| Code::DEVICE_FULL)?;
        }
        let property = Text::<MAX_URI>::of(&[root, "?prop=ACL"]).ok_or(Code::URI_TOO_LONG)?;
        tree.replace(Caller::Device, property.as_str(), &New::value(w.written()))
    }
}

impl Object for Accounts {
    fn rules(&self) -> &'static [Rule] {
        /// What a server may read and set, if its rights allow it.
        const OPEN: Access = Access::FULL;
        /// What nobody may read.
        const SECRET: Access = Access::ADD.and(Access::REPLACE).and(Access::DELETE);
        const fn leaf(path: &'static str) -> Rule {
            Rule::optional(path, Format::Chr, OPEN).limited(LONGEST)
        }
        const fn secret(path: &'static str, format: Format) -> Rule {
            Rule::optional(path, format, SECRET).limited(LONGEST)
        }
        const RULES: &[Rule] = &[
            Rule::interior(ACCOUNTS, ""),
            Rule::dynamic("DMAcc/*", Accounts::IDENTIFIER),
            leaf("DMAcc/*/AppID"),
            leaf("DMAcc/*/ServerID"),
            leaf("DMAcc/*/Name"),
            leaf("DMAcc/*/PrefConRef"),
            leaf("DMAcc/*/AAuthPref"),
            Rule::dynamic("DMAcc/*/ToConRef", ""),
            Rule::dynamic("DMAcc/*/ToConRef/*", ""),
            leaf("DMAcc/*/ToConRef/*/ConRef"),
            Rule::dynamic("DMAcc/*/AppAddr", ""),
            Rule::dynamic("DMAcc/*/AppAddr/*", ""),
            leaf("DMAcc/*/AppAddr/*/Addr"),
            leaf("DMAcc/*/AppAddr/*/AddrType"),
            Rule::dynamic("DMAcc/*/AppAddr/*/Port", ""),
            Rule::dynamic("DMAcc/*/AppAddr/*/Port/*", ""),
            leaf("DMAcc/*/AppAddr/*/Port/*/PortNbr"),
            Rule::dynamic("DMAcc/*/AppAuth", ""),
            Rule::dynamic("DMAcc/*/AppAuth/*", ""),
            leaf("DMAcc/*/AppAuth/*/AAuthLevel"),
            leaf("DMAcc/*/AppAuth/*/AAuthType"),
            leaf("DMAcc/*/AppAuth/*/AAuthName"),
            secret("DMAcc/*/AppAuth/*/AAuthSecret", Format::Chr),
            secret("DMAcc/*/AppAuth/*/AAuthData", Format::Bin),
            Rule::dynamic("DMAcc/*/Ext", ""),
            Rule::interior("SyncML", ""),
            Rule::interior(ACCOUNTS_1_1, ""),
            Rule::dynamic("SyncML/DMAcc/*", ""),
            leaf("SyncML/DMAcc/*/Addr"),
            leaf("SyncML/DMAcc/*/AddrType"),
            leaf("SyncML/DMAcc/*/PortNbr"),
            leaf("SyncML/DMAcc/*/ConRef"),
            leaf("SyncML/DMAcc/*/ServerId"),
            secret("SyncML/DMAcc/*/ServerPW", Format::Chr),
            secret("SyncML/DMAcc/*/ServerNonce", Format::Bin),
            leaf("SyncML/DMAcc/*/UserName"),
            secret("SyncML/DMAcc/*/ClientPW", Format::Chr),
            secret("SyncML/DMAcc/*/ClientNonce", Format::Bin),
            leaf("SyncML/DMAcc/*/AuthPref"),
            leaf("SyncML/DMAcc/*/Name"),
        ];
        RULES
    }

    fn check(&mut self, path: &str, value: &[u8], nodes: &Nodes<'_>) -> Result<(), Code> {
        let (own, leaf) = path.rsplit_once(|c| c == '/').unwrap_or(("", path));
        let text = || str::from_utf8(value).map_err(|_| Code::BAD_REQUEST);
        let known = match leaf {
            "AppID" => text()? == APP_ID,
            "AddrType" => AddressType::from_name(text()?).is_some(),
            "AAuthLevel" => Level::from_name(text()?).is_some(),
            "AAuthType" | "AAuthPref" | "AuthPref" => Scheme::from_name(text()?).is_some(),
            "PortNbr" => text()?.parse::<u16>().is_ok(),
            "ServerID" | "ServerId" => {
                let mut buffer = [0; MAX_URI];
                let holder = Self::find(nodes, text()?, &mut buffer);
                if holder.is_some_and(|holder| holder != own) {
                    // Whoever could bring a second account of a server could redirect it.
                    return Err(Code::ALREADY_EXISTS);
                }
                DmAccountSettings::is_server(text()?)
            }
            _ => true,
        };
        if known { Ok(()) } else { Err(Code::BAD_REQUEST) }
    }
}

/// The names joined to a path; `None` if it is longer than any path of the tree.
fn path(names: &[&str]) -> Option<Text<MAX_URI>> {
    let mut joined = Text::EMPTY;
    for name in names {
        if !joined.is_empty() {
            joined.push("/")?;
        }
        joined.push(name)?;
    }
    Some(joined)
}

fn hidden<'n>(nodes: &'n Nodes<'_>, at: &str, leaf: &str) -> Hidden<'n> {
    Hidden(path(&[at, leaf]).and_then(|path| nodes.value(path.as_str())).unwrap_or_default())
}
