//! Somebody at a computer who opens the server's pages and fills the forms, for flows that are played without a browser.

use kedge_platform_sim::bearer::{Request, Response};

use super::Provisioning;

/// A visitor; keeps the cookie as a browser does.
#[derive(Clone, Debug, Default)]
pub struct Visitor {
    cookie: Option<String>,
}

impl Visitor {
    /// A visitor who was never there.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens a page of the server's own site.
    pub fn open(&mut self, server: &mut Provisioning, now: u64, path: &str) -> Response {
        self.exchange(server, now, "GET", path, Vec::new())
    }

    /// Opens the page, fills its form and sends it to `action`; redirects are followed. Hidden fields that the page brings are
    /// sent as they are.
    pub fn fill(
        &mut self,
        server: &mut Provisioning,
        now: u64,
        page: &str,
        action: &str,
        fields: &[(&str, &str)],
    ) -> Response {
        let opened = self.open(server, now, page);
        let text = String::from_utf8_lossy(&opened.body).into_owned();
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("token", hidden(&text, "token").unwrap_or_default());
        form.extend_pairs(fields);
        let mut response = self.exchange(server, now, "POST", action, form.finish().into_bytes());
        while let (300..=399, Some(location)) = (response.status, response.header("Location")) {
            let location = location.to_owned();
            response = self.open(server, now, &location);
        }
        response
    }

    fn exchange(
        &mut self,
        server: &mut Provisioning,
        now: u64,
        method: &str,
        path: &str,
        body: Vec<u8>,
    ) -> Response {
        let mut headers = vec![("Accept".to_owned(), "text/html".to_owned())];
        headers.extend(self.cookie.clone().map(|cookie| ("Cookie".to_owned(), cookie)));
        let url = format!("{}{path}", server.site.origin);
        let request = Request { method: method.to_owned(), url, headers, body };
        let response = server.exchange(now, &request);
        let set = response.header("Set-Cookie").and_then(|set| set.split(';').next());
        if let Some(cookie) = set {
            self.cookie = Some(cookie.to_owned());
        }
        response
    }
}

/// The value of a page's hidden field.
fn hidden<'p>(page: &'p str, name: &str) -> Option<&'p str> {
    let field = format!("name=\"{name}\" value=\"");
    page.split_once(&field)?.1.split('"').next()
}
