//! Pages for people: sign-up, payment, the user's account, and the operator's administration.
//!
//! Plain forms, no scripts. Every form carries a token that is bound to the visitor's cookie, so that no other site can send
//! it; every text is escaped by maud; nothing is loaded from elsewhere, and no address is told to other sites (section 11).

mod administration;
mod desk;
mod user;

pub(super) use desk::Desk;
use kedge_platform_sim::bearer::{Request, Response};
use maud::{DOCTYPE, Markup, html};

use super::{Provisioning, status};
use crate::date_time;

const STYLE: &str = include_str!("style.css");
/// Nothing but the style sheet may be loaded, forms go nowhere else, and no page is shown inside another.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
/// Name of the hidden field.
const TOKEN: &str = "token";
/// What form tokens are for.
const FORM: &str = "form";

/// The fields of a query or of a form that was sent.
#[derive(Debug, Default)]
struct Fields(Vec<(String, String)>);

impl Fields {
    fn of(octets: &[u8]) -> Self {
        Self(form_urlencoded::parse(octets).into_owned().collect())
    }

    /// The field; empty if there is none.
    fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.trim())
    }
}

/// Somebody who looks at a page.
struct Guest {
    /// As the cookie names it.
    visit: String,
    /// The hidden field of each form.
    token: String,
}

impl Guest {
    fn hidden(&self) -> Markup {
        html! { input type="hidden" name=(TOKEN) value=(self.token); }
    }
}

impl Provisioning {
    /// Answers a request for a page.
    pub(super) fn page(&mut self, path: &str, query: &str, request: &Request, now: u64) -> Response {
        if (request.method.as_str(), path) == ("GET", "/style.css") {
            return with_headers(status(200).with_body("text/css", STYLE.into()));
        }
        let (visit, is_new) = self.desk.visit(request, &self.secret, now);
        let token = self.secret.token(FORM, &visit);
        let guest = Guest { visit, token };
        let response = match request.method.as_str() {
            "GET" => self.show(path, &Fields::of(query.as_bytes()), &guest, now),
            "POST" => {
                let form = Fields::of(&request.body);
                if self.secret.is_token(FORM, &guest.visit, form.get(TOKEN)) {
                    self.sent(path, &form, &guest, request, now)
                } else {
                    failure(403, "This form is too old, or not ours. Open the page again.")
                }
            }
            _ => status(405).with_header("Allow", "GET, POST"),
        };
        let response = with_headers(response);
        let set = response.header("Set-Cookie").is_none() && is_new;
        if set { desk::set_cookie(response, &guest.visit, request) } else { response }
    }

    fn show(&mut self, path: &str, query: &Fields, guest: &Guest, now: u64) -> Response {
        match path {
            "/" => whole("Provisioning", &self.start()),
            "/activate" => self.activation(query.get("c"), None, guest, now),
            "/pay" => self.payment(query.get("c"), None, guest, now),
            "/account" => self.own_account(query.get("c"), guest, now),
            "/offline" => whole("Request by file", &user::upload(guest)),
            "/admin" => self.administration(guest, now),
            _ => failure(404, "There is no such page."),
        }
    }

    fn sent(&mut self, path: &str, form: &Fields, guest: &Guest, request: &Request, now: u64) -> Response {
        match path {
            "/activate" => self.sign_in(form, guest, now),
            "/pay" => self.paid(form, guest, now),
            "/account" => self.account_seen(form, now),
            "/offline" => self.uploaded(form, request, now),
            "/admin/sign-in" => self.administration_entered(form, request, now),
            _ if path.starts_with("/admin/") => self.administered(path, form, guest, now),
            _ => failure(404, "There is no such page."),
        }
    }

    fn start(&self) -> Markup {
        html! {
            p { "This server provisions " strong { (self.names.product) } ", by " (self.names.issuer) "." }
            ul {
                li { a href="/activate" { "Enter a code that your device shows" } }
                li { a href="/pay" { "Buy a license" } }
                li { a href="/account" { "My account" } }
                li { a href="/offline" { "A device without a network: its request by file" } }
                @if self.desk.is_administered() { li { a href="/admin" { "Administration" } } }
            }
        }
    }
}

/// What is wrong with a request, for the user at the device's browser.
pub(super) fn problem(title: &str) -> Response {
    with_headers(failure(403, title))
}

/// Adds the headers that every page has, and that it may have already.
fn with_headers(response: Response) -> Response {
    let headers = [
        ("Content-Security-Policy", POLICY),
        ("Referrer-Policy", "no-referrer"),
        ("X-Content-Type-Options", "nosniff"),
        ("Cache-Control", "no-store"),
    ];
    headers.into_iter().fold(response, |response, (name, value)| match response.header(name) {
        None => response.with_header(name, value),
        Some(_) => response,
    })
}

/// A page with this content.
fn whole(title: &str, content: &Markup) -> Response {
    page(200, title, content)
}

/// A page that says what is wrong.
fn failure(code: u16, what: &str) -> Response {
    page(code, "That did not work", &html! { p.bad { (what) } p { a href="/" { "Back to the beginning" } } })
}

fn page(code: u16, title: &str, content: &Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · Kedge" }
                link rel="stylesheet" href="/style.css";
            }
            body { main { h1 { (title) } (content) } }
        }
    };
    status(code).with_body("text/html; charset=utf-8", page.into_string().into_bytes())
}

/// Leads the browser on to a page.
fn see(location: &str) -> Response {
    status(303).with_header("Location", location)
}

/// A day in the calendar, from seconds since 1970.
fn date(seconds: u64) -> String {
    date_time(seconds).split('T').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_decoded_and_missing_ones_are_empty() {
        let fields = Fields::of(b"a=1+2%26&b=%3Cscript%3E&a=second");
        assert_eq!((fields.get("a"), fields.get("b"), fields.get("c")), ("1 2&", "<script>", ""));
    }
}
