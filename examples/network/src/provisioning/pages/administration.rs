//! The operator's page: accounts, devices, licenses and their moves; block, withdraw, refund, register.

use kedge_platform_sim::bearer::{Request, Response};
use maud::{Markup, html};

use super::user::standing;
use super::{Fields, Guest, date, desk, failure, see, whole};
use crate::provisioning::Provisioning;
use crate::provisioning::books::{Account, Device, Issued};
use crate::provisioning::secret::{hexadecimal, octets};

/// Most rows that a table shows; the newest ones of documents.
const ROWS: usize = 500;
/// Octets of a public key.
const KEY: usize = 32;

impl Provisioning {
    pub(super) fn administration(&self, guest: &Guest, now: u64) -> Response {
        if !self.desk.is_administered() {
            return failure(404, "There is no such page.");
        }
        if !self.desk.is_staff(&guest.visit, now) {
            return whole("Administration", &sign_in_form(guest, None));
        }
        whole(
            "Administration",
            &html! {
                form.out method="post" action="/admin/sign-out" { (guest.hidden()) button { "Sign out" } }
                (self.accounts_table(guest, now))
                (self.devices_table(guest))
                (self.documents_table())
                (register_form(guest, self.books.keys.len()))
            },
        )
    }

    pub(super) fn administration_entered(&mut self, form: &Fields, request: &Request, now: u64) -> Response {
        match self.desk.sign_in(&self.secret, form.get("password"), now) {
            Some(visit) => desk::set_cookie(see("/admin"), &visit, request),
            None => failure(403, "The password is wrong, or was wrong too often."),
        }
    }

    /// A form of the staff.
    pub(super) fn administered(&mut self, path: &str, form: &Fields, guest: &Guest, now: u64) -> Response {
        if !self.desk.is_staff(&guest.visit, now) {
            return failure(403, "Sign in first.");
        }
        let done = match path {
            "/admin/sign-out" => {
                self.desk.sign_out(&guest.visit);
                true
            }
            "/admin/account" => self.change_account(form),
            "/admin/device" => self.change_device(form),
            "/admin/register" => octets(form.get("key")).filter(|key| key.len() == KEY).is_some_and(|key| {
                self.register(&key);
                true
            }),
            _ => false,
        };
        if done { see("/admin") } else { failure(400, "There is nothing to be done so.") }
    }

    fn change_account(&mut self, form: &Fields) -> bool {
        let name = form.get("name");
        if self.books.account(name).is_none() {
            return false;
        }
        let account = self.books.accounts.edit(name.as_bytes());
        match form.get("do") {
            "block" => account.blocked = true,
            "unblock" => account.blocked = false,
            "withdraw" => account.withdrawn = true,
            "restore" => account.withdrawn = false,
            "grant" => (account.paid, account.refunded) = (true, false),
            "refund" => {
                let was = account.paid;
                (account.paid, account.refunded, account.paid_told) = (false, was, false);
            }
            "forget-moves" => account.moves.clear(),
            _ => return false,
        }
        true
    }

    fn change_device(&mut self, form: &Fields) -> bool {
        let Some(ueid) = octets(form.get("ueid")).filter(|ueid| self.books.devices.get(ueid).is_some())
        else {
            return false;
        };
        let device = self.books.devices.edit(&ueid);
        match form.get("do") {
            "block" => device.blocked = true,
            "unblock" => device.blocked = false,
            "trust" => {
                device.suspicions = 0;
                device.losses.clear();
            }
            _ => return false,
        }
        true
    }

    fn accounts_table(&self, guest: &Guest, now: u64) -> Markup {
        html! {
            h2 { "Accounts" }
            table id="accounts" {
                thead { tr { th { "Account" } th { "License" } th { "On device" } th { "Moves" } th { "State" } th { "Change" } } }
                tbody {
                    @for (name, account) in self.books.accounts.iter().take(ROWS) {
                        (account_row(&String::from_utf8_lossy(name), account, guest, now))
                    }
                }
            }
        }
    }

    fn devices_table(&self, guest: &Guest) -> Markup {
        html! {
            h2 { "Devices" }
            table id="devices" {
                thead { tr {
                    th { "Identity" } th { "Model" } th { "Account" } th { "Trial" } th { "Serial" } th { "Starts" }
                    th { "Lost" } th { "Suspicions" } th { "Asked" } th { "Change" }
                } }
                tbody {
                    @for (ueid, device) in self.books.devices.iter().take(ROWS) { (device_row(ueid, device, guest)) }
                }
            }
        }
    }

    fn documents_table(&self) -> Markup {
        let mut documents: Vec<&Issued> = self.documents().collect();
        documents.sort_by_key(|issued| core::cmp::Reverse(issued.serial));
        html! {
            h2 { "Licenses" }
            table id="licenses" {
                thead { tr {
                    th { "Serial" } th { "Issued" } th { "Account" } th { "Device" } th { "License" } th { "Why" }
                    th { "Until" } th { "Installed" }
                } }
                tbody {
                    @for issued in documents.into_iter().take(ROWS) {
                        tr {
                            td.number { (issued.serial.0) "." (issued.serial.1) }
                            td { (date(issued.at)) }
                            td { (issued.account) }
                            td { code { (hexadecimal(&issued.ueid)) } }
                            td { (state(issued.state)) }
                            td { (reason(issued.reason)) }
                            td { @if let Some(end) = issued.expires { (date(end)) } }
                            td { @if issued.reports > 0 { "yes" } @else { "not reported" } }
                        }
                    }
                }
            }
        }
    }
}

fn sign_in_form(guest: &Guest, wrong: Option<&str>) -> Markup {
    html! {
        @if let Some(wrong) = wrong { p.bad { (wrong) } }
        form method="post" action="/admin/sign-in" {
            (guest.hidden())
            label { "Password" input name="password" type="password" required autocomplete="current-password"; }
            button { "Sign in" }
        }
    }
}

fn register_form(guest: &Guest, known: usize) -> Markup {
    html! {
        h2 { "Register a device" }
        p { (known) " keys of devices are known." }
        form method="post" action="/admin/register" {
            (guest.hidden())
            label { "Public key (64 hexadecimal digits)" input name="key" required pattern="[0-9a-fA-F]{64}" size="64"; }
            button { "Register" }
        }
    }
}

fn account_row(name: &str, account: &Account, guest: &Guest, now: u64) -> Markup {
    let flip = |set: bool, on: &'static str, off: &'static str| if set { off } else { on };
    let actions = [
        flip(account.blocked, "block", "unblock"),
        flip(account.withdrawn, "withdraw", "restore"),
        flip(account.paid, "grant", "refund"),
        "forget-moves",
    ];
    html! {
        tr {
            td { (name) }
            td { (standing(account, now)) }
            td { @if let Some(device) = &account.device { code { (hexadecimal(device)) } } }
            td { @for moved in &account.moves { (date(*moved)) " " } }
            td { @if account.blocked { span.bad { "blocked" } } @else { "open" } }
            td { (buttons("/admin/account", "name", name, &actions, guest)) }
        }
    }
}

fn device_row(ueid: &[u8], device: &Device, guest: &Guest) -> Markup {
    let actions = [if device.blocked { "unblock" } else { "block" }, "trust"];
    let ueid = hexadecimal(ueid);
    html! {
        tr {
            td { code { (ueid) } }
            td { (device.model) @if device.blocked { " " span.bad { "blocked" } } }
            td { (device.account.as_deref().unwrap_or_default()) }
            td { @if device.trial_used { "used" } }
            td.number { (device.installed.0) "." (device.installed.1) }
            td.number { (device.boots) }
            td.number { (device.losses.len()) }
            td.number { (device.suspicions) }
            td { (date(device.seen)) }
            td { (buttons("/admin/device", "ueid", &ueid, &actions, guest)) }
        }
    }
}

/// One form with a button for each action.
fn buttons(action: &str, field: &str, value: &str, actions: &[&str], guest: &Guest) -> Markup {
    html! {
        form.row method="post" action=(action) {
            (guest.hidden())
            input type="hidden" name=(field) value=(value);
            @for name in actions { button name="do" value=(name) { (name) } }
        }
    }
}

fn state(state: u64) -> &'static str {
    match state {
        1 => "trial",
        2 => "full",
        _ => "none",
    }
}

fn reason(reason: u64) -> &'static str {
    match reason {
        1 => "first trial",
        2 => "paid",
        3 => "re-activation",
        4 => "transfer",
        5 => "renewal",
        6 => "refund",
        7 => "withdrawn",
        _ => "?",
    }
}
