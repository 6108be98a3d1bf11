//! What the user does: sign up, pay, look at the account, bring a request by file.

use kedge_platform_sim::bearer::{Request, Response};
use maud::{Markup, html};

use super::{Fields, Guest, date, failure, see, whole};
use crate::provisioning::books::Account;
use crate::provisioning::secret::{is_password, typed};
use crate::provisioning::{Provisioning, unbase64};

/// Longest account name: the claim `sub` takes no more.
const NAME_MAX: usize = 64;
/// Shortest password.
const PASSWORD_MIN: usize = 8;
/// The simulated payment provider declines this card, and takes every other that is spelled right.
const DECLINED: &str = "4000000000000002";

impl Provisioning {
    /// The page behind the address that devices show.
    pub(super) fn activation(&self, code: &str, wrong: Option<&str>, guest: &Guest, now: u64) -> Response {
        let known = self.tickets.get(&typed(code), now).map(|ticket| ticket.asked.model.clone());
        let content = html! {
            @if let Some(model) = known { p { "Your device: " strong { (model) } } }
            @if let Some(wrong) = wrong { p.bad id="wrong" { (wrong) } }
            form method="post" action="/activate" {
                (guest.hidden())
                (code_field(code))
                label { "Account" input name="account" required maxlength=(NAME_MAX) autocomplete="username"; }
                label {
                    "Password"
                    input name="password" type="password" required minlength=(PASSWORD_MIN) autocomplete="current-password";
                }
                p.hint { "A name that nobody has yet becomes a new account, with this password." }
                button { "Sign in" }
            }
        };
        whole("Activate your device", &content)
    }

    /// The form of that page was sent.
    pub(super) fn sign_in(&mut self, form: &Fields, guest: &Guest, now: u64) -> Response {
        let (code, name, password) = (typed(form.get("code")), form.get("account"), form.get("password"));
        let wrong = if self.tickets.get(&code, now).is_none() {
            Some("This code is not known, or its time is over.")
        } else if name.is_empty() || name.len() > NAME_MAX || name.chars().any(char::is_control) {
            Some("An account name has 1 to 64 characters.")
        } else if password.chars().count() < PASSWORD_MIN {
            Some("A password has at least 8 characters.")
        } else {
            self.check_password(name, password, now)
        };
        if let Some(wrong) = wrong {
            return self.activation(&code, Some(wrong), guest, now);
        }
        self.sign_up(&code, name, now);
        self.go_on(&code, "Your device goes on by itself within seconds.", now)
    }

    /// What is wrong with the password; a new account gets it.
    fn check_password(&mut self, name: &str, password: &str, now: u64) -> Option<&'static str> {
        if !self.desk.may_try(name, now) {
            return Some("Too many wrong passwords. Try again later.");
        }
        match self.books.account(name) {
            None => {
                let password = Some(self.secret.password(name, password));
                *self.books.accounts.edit(name.as_bytes()) = Account { password, ..Account::default() };
                None
            }
            Some(account) if account.password.as_ref().is_some_and(|row| is_password(row, password)) => None,
            Some(_) => {
                self.desk.failed(name, now);
                Some("The password is wrong.")
            }
        }
    }

    /// The payment page.
    pub(super) fn payment(&self, code: &str, wrong: Option<&str>, guest: &Guest, now: u64) -> Response {
        let owner = self.owner(&typed(code), now);
        let content = html! {
            @if let Some(name) = &owner {
                p { "A full license for " strong { (self.names.product) } ", account " strong { (name) } "." }
            }
            p.price { (self.books.policy.price) }
            @if let Some(wrong) = wrong { p.bad id="wrong" { (wrong) } }
            form method="post" action="/pay" {
                (guest.hidden())
                (code_field(code))
                label { "Name on the card" input name="holder" required maxlength="64" autocomplete="cc-name"; }
                label {
                    "Card number"
                    input name="card" required inputmode="numeric" maxlength="23" autocomplete="cc-number";
                }
                p.hint { "A simulation: no money moves, and the number is not kept. 4242 4242 4242 4242 is taken." }
                button { "Pay " (self.books.policy.price) }
            }
        };
        whole("Buy a license", &content)
    }

    /// The form of that page was sent.
    pub(super) fn paid(&mut self, form: &Fields, guest: &Guest, now: u64) -> Response {
        let code = typed(form.get("code"));
        let card: String = form.get("card").chars().filter(|c| !matches!(c, ' ' | '-')).collect();
        let wrong = if self.owner(&code, now).is_none() {
            Some("This code is not known, its time is over, or its device belongs to nobody yet.")
        } else if form.get("holder").is_empty() || !is_card(&card) {
            Some("This is no card number.")
        } else if card == DECLINED {
            Some("The card was declined.")
        } else {
            None
        };
        if let Some(wrong) = wrong {
            return self.payment(&code, Some(wrong), guest, now);
        }
        self.pay(&code, now);
        self.go_on(&code, "Paid. Your device fetches its license by itself within seconds.", now)
    }

    /// "My account".
    pub(super) fn own_account(&self, code: &str, guest: &Guest, now: u64) -> Response {
        let code = typed(code);
        let Some(name) = self.owner(&code, now) else {
            return whole(
                "My account",
                &html! {
                    p { "Open this page from your device, or enter the code that it shows." }
                    form method="get" action="/account" { label { "Code" input name="c" required; } button { "Show" } }
                },
            );
        };
        let account = self.books.account(&name).cloned().unwrap_or_default();
        let moves = account.moves.len();
        let content = html! {
            table.facts {
                tr { th { "Account" } td id="name" { (name) } }
                tr { th { "License" } td id="license" { (standing(&account, now)) } }
                tr { th { "Moves" } td { (moves) " of " (self.books.policy.moves) " in 365 days" } }
            }
            @if !account.paid { p { a href={ "/pay?c=" (code) } { "Buy a license" } } }
            form method="post" action="/account" {
                (guest.hidden())
                input type="hidden" name="code" value=(code);
                button { "Done" }
            }
        };
        whole("My account", &content)
    }

    /// The user has seen enough.
    pub(super) fn account_seen(&mut self, form: &Fields, now: u64) -> Response {
        let code = typed(form.get("code"));
        if !self.done(&code, now) {
            return failure(404, "This code is not known, or its time is over.");
        }
        self.go_on(&code, "Your device goes on by itself within seconds.", now)
    }

    /// A request by file was sent, as text.
    pub(super) fn uploaded(&mut self, form: &Fields, request: &Request, now: u64) -> Response {
        match unbase64(form.get("request")) {
            Some(token) => self.offline(&token, request, now),
            None => failure(400, "This is no request."),
        }
    }

    /// The user has acted: a device's own browser gets the answer, any other is told that the device does.
    fn go_on(&mut self, code: &str, otherwise: &str, now: u64) -> Response {
        let here = self.tickets.get(code, now).is_some_and(|ticket| ticket.browser);
        let ticket = if here { self.tickets.take(code, now) } else { None };
        let Some(ticket) = ticket else {
            return whole("Thank you", &html! { p.good id="done" { (otherwise) } });
        };
        let answer = self.answer(ticket, now);
        match answer.header("Location") {
            Some(location) => see(location),
            None => answer,
        }
    }
}

/// The page for requests by file.
pub(super) fn upload(guest: &Guest) -> Markup {
    html! {
        p { "A device without a network writes its request as text: " code { "kedge license request --file" } "." }
        form method="post" action="/offline" {
            (guest.hidden())
            label { "Request" textarea name="request" rows="8" required {} }
            button { "Get the license" }
        }
    }
}

fn code_field(code: &str) -> Markup {
    html! {
        label { "Code on the device" input name="code" value=(code) required maxlength="16" autocomplete="off"; }
    }
}

/// What an account has, in words.
pub(super) fn standing(account: &Account, now: u64) -> String {
    match (account.paid, account.trial_end) {
        _ if account.withdrawn => "withdrawn".to_owned(),
        (true, _) => "full".to_owned(),
        (false, Some(end)) if now < end => format!("trial until {}", date(end)),
        (false, Some(end)) => format!("trial ended {}", date(end)),
        (false, None) => "none".to_owned(),
    }
}

/// Whether it is spelled like the number of a card: 12 to 19 digits, the last one by ISO/IEC 7812-1 annex B.
fn is_card(number: &str) -> bool {
    let digits: Option<Vec<u32>> = number.chars().map(|c| c.to_digit(10)).collect();
    digits.filter(|digits| (12..=19).contains(&digits.len())).is_some_and(|digits| {
        let doubled =
            |(at, digit): (usize, &u32)| if at % 2 == 1 { digit * 2 / 10 + digit * 2 % 10 } else { *digit };
        digits.iter().rev().enumerate().map(doubled).sum::<u32>().is_multiple_of(10)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn card_numbers_are_checked() {
        for good in ["4242424242424242", DECLINED, "378282246310005"] {
            assert!(is_card(good), "{good}");
        }
        for bad in
            ["4242424242424241", "", "0", "42424242 42424242", "4242a24242424242", "00000000000000000000"]
        {
            assert!(!is_card(bad), "{bad}");
        }
    }
}
