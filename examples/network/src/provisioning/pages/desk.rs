//! Who is at the pages: visitors by cookie, the operator's staff by password.

use std::collections::BTreeMap;

use kedge_platform_sim::bearer::{Request, Response};

use crate::provisioning::secret::Secret;

/// Name of the cookie. It is one of a browser's visit, no secret of an account.
const COOKIE: &str = "visit";
/// What its second half is made for.
const VISIT: &str = "visit";
/// What the administration's password is kept as.
const PASSWORD: &str = "administration";
/// How long the staff stays signed in, in seconds.
const SESSION: u64 = 1800;
/// So many wrong passwords for one name within the time below, and the next are not looked at.
const TRIES: usize = 5;
const TRIES_WITHIN: u64 = 900;

/// Everything that is known of visitors. Lost with the program: the staff signs in again.
#[derive(Debug, Default)]
pub(in super::super) struct Desk {
    visits: u64,
    /// What is made of the administration's password; `None`: there is no administration.
    password: Option<String>,
    /// Visitors of the staff, until when.
    signed_in: BTreeMap<String, u64>,
    /// Wrong passwords: for which name, when.
    failures: BTreeMap<String, Vec<u64>>,
}

impl Desk {
    pub(in super::super) fn open_administration(&mut self, secret: &Secret, password: &str) {
        self.password = Some(secret.token(PASSWORD, password));
    }

    pub(super) const fn is_administered(&self) -> bool {
        self.password.is_some()
    }

    /// The visitor, by the cookie, and whether it is a new one.
    pub(super) fn visit(&mut self, request: &Request, secret: &Secret, now: u64) -> (String, bool) {
        let cookies = request.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("Cookie"));
        let mut pairs =
            cookies.flat_map(|(_, value)| value.split(';')).filter_map(|pair| pair.split_once('='));
        let known = pairs.find_map(|(name, value)| {
            let (name, value) = (name.trim(), value.trim());
            let (number, token) = value.split_once('-')?;
            (name == COOKIE && secret.is_token(VISIT, number, token)).then(|| value.to_owned())
        });
        known.map_or_else(|| (self.new_visit(secret, now), true), |visit| (visit, false))
    }

    fn new_visit(&mut self, secret: &Secret, now: u64) -> String {
        self.visits += 1;
        let number = format!("{now}.{}", self.visits);
        format!("{number}-{}", secret.token(VISIT, &number))
    }

    /// Whether this name may still be tried.
    pub(super) fn may_try(&mut self, name: &str, now: u64) -> bool {
        self.failures.retain(|_, times| {
            times.retain(|time| now.saturating_sub(*time) < TRIES_WITHIN);
            !times.is_empty()
        });
        self.failures.get(name).is_none_or(|times| times.len() < TRIES)
    }

    /// It was tried with a wrong password.
    pub(super) fn failed(&mut self, name: &str, now: u64) {
        self.failures.entry(name.to_owned()).or_default().push(now);
    }

    /// The staff signs in: the visit to go on with, which nobody has seen before.
    pub(super) fn sign_in(&mut self, secret: &Secret, password: &str, now: u64) -> Option<String> {
        let known = self.password.clone()?;
        if !self.may_try(PASSWORD, now) {
            return None;
        }
        if !secret.is_token(PASSWORD, password, &known) {
            self.failed(PASSWORD, now);
            return None;
        }
        let visit = self.new_visit(secret, now);
        self.signed_in.insert(visit.clone(), now + SESSION);
        Some(visit)
    }

    /// Whether the visitor is of the staff.
    pub(super) fn is_staff(&self, visit: &str, now: u64) -> bool {
        self.signed_in.get(visit).is_some_and(|until| now < *until)
    }

    pub(super) fn sign_out(&mut self, visit: &str) {
        self.signed_in.remove(visit);
    }
}

/// Gives the visitor the cookie.
pub(super) fn set_cookie(response: Response, visit: &str, request: &Request) -> Response {
    let secure = if request.url.starts_with("https:") { "; Secure" } else { "" };
    response.with_header("Set-Cookie", &format!("{COOKIE}={visit}; Path=/; HttpOnly; SameSite=Lax{secure}"))
}
