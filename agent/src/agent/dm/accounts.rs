//! The accounts of management servers: from the factory and from client provisioning into the tree, and the nonces of a
//! session back to them.

use kedge_platform::crypto::Crypto;
use kedge_platform::flash::NorFlash;
use kedge_protocol::cp::account::DmAccount;
use kedge_protocol::cp::model::Application;
use kedge_protocol::cp::{OBJECT, Object};
use kedge_protocol::dm::account::{DmAccountSettings, Level};
use kedge_protocol::dm::auth::{Nonce, Scheme};
use kedge_protocol::dm::limits::MAX_URI;
use kedge_protocol::dm::objects::{ACCOUNTS, Accounts};
use kedge_protocol::dm::session::Outcome;
use kedge_protocol::dm::{Caller, New, Nodes, Tree};
use kedge_protocol::syncml::Code;
use kedge_protocol::wire::{Decimal, Writer};

use super::super::Context;
use super::super::desk::Desk;
use super::Dm;
use super::tree::Way;
use crate::error::AgentError;
use crate::store::{Key, SETTINGS};

impl Dm<'_> {
    /// Makes the tree if there is none, and takes over accounts that came by client provisioning. Either is one commit; the
    /// mark that there are accounts to take over goes after it, so that a cut between the two does it once more.
    pub(super) fn prepare<F: NorFlash, C: Crypto, const PRL: usize>(
        &mut self,
        desk: &mut Desk<'_, PRL>,
        context: &mut Context<'_, F, C>,
    ) -> Result<(), AgentError<F::Error>> {
        let is_new = desk.store.len(Key::Tree as u8).is_none();
        if is_new && !self.setup.bootstrap.is_empty() {
            desk.store.put_octets(context.flash, Key::FactoryBootstrap as u8, &[])?;
        }
        let is_provisioned = desk.store.len(Key::NewAccounts as u8).is_some();
        if is_new {
            let (factory, root_acl) = (self.setup.accounts, self.setup.root_acl);
            self.with_tree(desk, context, Way::Open, |tree, _, _| {
                tree.replace(Caller::Device, ".?prop=ACL", &New::value(root_acl.as_bytes()))?;
                for account in factory {
                    put(tree, account)?;
                }
                tree.commit()
            })?
            .map_err(|_| AgentError::Config("management accounts"))?;
        }
        if desk.store.len(Key::FactoryBootstrap as u8).is_some() {
            self.bootstrap_from_factory(desk, context)?;
        }
        if is_new || is_provisioned {
            self.take_over(desk, context)?;
            desk.store.remove(context.flash, Key::NewAccounts as u8)?;
        }
        Ok(())
    }

    /// Puts the accounts of client provisioning into the tree, one after the other: an account that does not fit or means
    /// nothing is left out, and does not keep the others out.
    fn take_over<F: NorFlash, C: Crypto, const PRL: usize>(
        &mut self,
        desk: &mut Desk<'_, PRL>,
        context: &mut Context<'_, F, C>,
    ) -> Result<(), AgentError<F::Error>> {
        for key in SETTINGS {
            let mut octets = [0; OBJECT];
            let Some(octets) = desk.store.bytes(context.flash, key, &mut octets)? else { continue };
            let object = Object::from_octets(octets).ok().and_then(Application::of);
            let Some(account) = object.and_then(DmAccount::of) else { continue };
            let account = DmAccountSettings::from(&account);
            self.with_tree(desk, context, Way::Open, |tree, _, _| {
                if put(tree, &account).is_err() || tree.commit().is_err() {
                    // The storage may have failed: then the next use of it tells.
                    let _ = tree.roll_back();
                }
            })?;
        }
        Ok(())
    }

    /// Keeps what the next session begins with: the nonces that both sides told, and the scheme that the server wants.
    pub(super) fn keep_nonces<F: NorFlash, C: Crypto, const PRL: usize>(
        &mut self,
        desk: &mut Desk<'_, PRL>,
        context: &mut Context<'_, F, C>,
        outcome: &Outcome,
    ) -> Result<(), AgentError<F::Error>> {
        self.with_tree(desk, context, Way::Open, |tree, spare, _| {
            let mut path = [0; MAX_URI];
            let server = spare.running.server(spare.texts);
            let Some(root) = Accounts::find(tree.nodes(), server, &mut path) else { return };
            let kept = set_nonce(tree, root, Level::Client, &outcome.client_nonce)
                .and_then(|()| set_nonce(tree, root, Level::Server, &outcome.server_nonce))
                .and_then(|()| set_scheme(tree, root, outcome.scheme))
                .and_then(|()| tree.commit());
            if kept.is_err() {
                // Then the next session begins with a challenge.
                let _ = tree.roll_back();
            }
        })
    }
}

/// Puts an account into the tree: in place of the one of the same server, or under a name of its own.
fn put(tree: &mut Tree<'_, '_>, account: &DmAccountSettings<'_>) -> Result<(), Code> {
    let mut path = [0; MAX_URI];
    let known = Accounts::find(tree.nodes(), account.server, &mut path);
    let mut own = [0; MAX_URI];
    let name = match known.and_then(|path| path.strip_prefix(ACCOUNTS)?.strip_prefix('/')) {
        Some(name) => name,
        None => free_name(tree.nodes(), &mut own),
    };
    Accounts::write(tree, name, account)
}

/// A number that no account has.
fn free_name<'o>(nodes: &Nodes<'_>, out: &'o mut [u8]) -> &'o str {
    let taken = |name: &Decimal| nodes.names(ACCOUNTS).any(|known| known == name.as_str());
    let free = (1..=u32::from(u8::MAX)).map(Decimal::new).find(|name| !taken(name));
    let mut w = Writer::new(out);
    // A decimal is shorter than a path.
    let _ = free.map(|name| w.put(name.as_str().as_bytes()));
    core::str::from_utf8(w.finish()).unwrap_or_default()
}

/// Joins names to a path in `out`.
fn join<'o>(names: &[&str], out: &'o mut [u8]) -> Result<&'o str, Code> {
    let mut w = Writer::new(out);
    for (place, name) in names.iter().enumerate() {
        if place > 0 {
            w.u8(b'/').map_err(|_| Code::URI_TOO_LONG)?;
        }
        w.put(name.as_bytes()).map_err(|_| Code::URI_TOO_LONG)?;
    }
    core::str::from_utf8(w.finish()).map_err(|_| Code::BAD_REQUEST)
}

/// Sets a leaf that differs; what is not there is not made.
fn set(tree: &mut Tree<'_, '_>, path: &str, octets: &[u8]) -> Result<(), Code> {
    match tree.nodes().value(path) {
        Some(known) if known != octets => tree.replace(Caller::Device, path, &New::value(octets)),
        _ => Ok(()),
    }
}

fn set_nonce(tree: &mut Tree<'_, '_>, root: &str, level: Level, nonce: &Nonce) -> Result<(), Code> {
    let (mut at, mut leaf) = ([0; MAX_URI], [0; MAX_URI]);
    if !root.starts_with(ACCOUNTS) {
        let name = if level == Level::Client { "ClientNonce" } else { "ServerNonce" };
        return set(tree, join(&[root, name], &mut at)?, nonce.octets());
    }
    let all = join(&[root, "AppAuth"], &mut at)?;
    let mut found = [0; MAX_URI];
    let mut path = None;
    for name in tree.nodes().names(all) {
        let words = join(&[all, name, "AAuthLevel"], &mut leaf)?;
        if tree.nodes().text(words) == Some(level.name()) {
            path = Some(join(&[all, name, "AAuthData"], &mut found)?);
            break;
        }
    }
    match path {
        Some(path) => set(tree, path, nonce.octets()),
        None => Ok(()),
    }
}

fn set_scheme(tree: &mut Tree<'_, '_>, root: &str, scheme: Option<Scheme>) -> Result<(), Code> {
    let Some(scheme) = scheme else { return Ok(()) };
    let word = match scheme {
        Scheme::Basic => kedge_protocol::dm::account::Scheme::Basic,
        Scheme::Md5 => kedge_protocol::dm::account::Scheme::Digest,
        Scheme::Mac => kedge_protocol::dm::account::Scheme::Hmac,
    };
    let mut at = [0; MAX_URI];
    let name = if root.starts_with(ACCOUNTS) { "AAuthPref" } else { "AuthPref" };
    let path = join(&[root, name], &mut at)?;
    match tree.nodes().value(path) {
        Some(_) => set(tree, path, word.name().as_bytes()),
        None => tree.add(Caller::Device, path, &New::value(word.name().as_bytes())),
    }
}
