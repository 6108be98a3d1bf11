//! A device made of hand-written octets: no codec and no session of the device is used.
#![allow(dead_code, reason = "each test program uses its part")]
#![allow(missing_docs, reason = "test support")]

use core::fmt::Write as _;
use core::time::Duration;
use kedge_network::{AccountState, Config, Operator, Profile, Request, Response, Subscriber};
use kedge_platform::identity::HardwareId;

pub(crate) const ESN: HardwareId = HardwareId::Esn(0xDEAD_BEEF);
pub(crate) const MEID: HardwareId = HardwareId::Meid([0xA1, 0, 0, 0, 0xDE, 0xAD, 0xBE]);
/// The classic list of `is683.md` §12.5, 18 octets, id 0.
pub(crate) const PRL: &str = "001200008000400121000280005000006edb";
/// Download of the whole list, `is683.md` §13.
pub(crate) const PRL_DOWNLOAD: &str = "08001601000012001200008000400121000280005000006edb00";
pub(crate) const WBXML: &str = "application/iota.mmc-wbxml";
pub(crate) const XML: &str = "application/iota.mmc-xml";

/// Octets of hexadecimal digits; spaces do not count.
pub(crate) fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u32> = digits.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
}

/// A profile as simple as `is683.md` §13 has it: NAM block alone, the list in one segment.
pub(crate) fn profile(hardware: HardwareId) -> Profile {
    let subscriber = Subscriber { mdn: None, ..Subscriber::sample() };
    Profile { segment: 251, ..Profile::new(hardware, subscriber, hex(PRL)) }
}

/// One result of a device document.
#[derive(Clone, Debug)]
pub(crate) enum Value<'a> {
    None,
    Text(&'a str),
    Data(&'a str),
    Ref(&'a str),
}

/// A device and what it has been told last.
pub(crate) struct Device {
    pub(crate) operator: Operator,
    pub(crate) now: Duration,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) media: &'static str,
    /// Where the next answer goes, and the last document's number and session.
    pub(crate) next: String,
    pub(crate) session: String,
    pub(crate) document: u16,
}

impl Device {
    pub(crate) fn new(config: Config, profile: Profile) -> Self {
        let mut operator = Operator::new(config);
        let identity = match profile.hardware {
            HardwareId::Esn(esn) => ("X-IOTA-ESN", format!("{esn:08X}")),
            HardwareId::Meid(_) => ("X-IOTA-MEID", "A1000000DEADBE".to_owned()),
        };
        operator.subscribe(profile, AccountState::Pending).unwrap();
        let headers = [
            ("Accept", "application/iota.mmc-wbxml, application/iota.mmc-xml, multipart/related".to_owned()),
            ("User-Agent", "Acme DevKit/1.4.2".to_owned()),
            ("X-IOTA-Version", "1".to_owned()),
            identity,
        ];
        let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let media = if operator.coding() == kedge_network::Coding::Xml { XML } else { WBXML };
        Self {
            operator,
            now: Duration::ZERO,
            headers,
            media,
            next: String::new(),
            session: String::new(),
            document: 0,
        }
    }

    pub(crate) fn set_header(&mut self, name: &str, value: &str) {
        self.headers.retain(|(n, _)| n != name);
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn request(&self, method: &str, url: &str) -> Request {
        Request {
            method: method.to_owned(),
            url: url.to_owned(),
            headers: self.headers.clone(),
            body: Vec::new(),
        }
    }

    pub(crate) fn send(&mut self, request: &Request) -> Response {
        self.now += Duration::from_millis(100);
        self.operator.exchange(self.now, request.url.starts_with("https:"), request)
    }

    /// GET with a reason.
    pub(crate) fn get(&mut self, url: &str, reason: &str) -> Response {
        let mut request = self.request("GET", url);
        request.headers.push(("X-IOTA-Reason".to_owned(), reason.to_owned()));
        let response = self.send(&request);
        url.clone_into(&mut self.next);
        self.told(&response);
        response
    }

    /// Remembers where the session is, from documents of either coding.
    pub(crate) fn told(&mut self, response: &Response) {
        if response.status != 200 || response.body.is_empty() {
            return;
        }
        let text = String::from_utf8_lossy(&response.body).into_owned();
        if self.media == XML {
            let value =
                |name: &str| Some(text.split_once(&format!(" {name}=\""))?.1.split_once('"')?.0.to_owned());
            self.session = value("session").unwrap();
            self.document = value("doc").unwrap().parse().unwrap();
            if let Some(next) = value("next") {
                self.next = next;
            }
        } else {
            // session= STR_I .. doc= STR_I .. (profile B5)
            let at = find(&response.body, &[0x05, 0x07, 0x03]).unwrap() + 3;
            let rest = &response.body[at..];
            let (session, rest) = rest.split_at(rest.iter().position(|b| *b == 0).unwrap());
            self.session = String::from_utf8(session.to_vec()).unwrap();
            assert_eq!(rest[..3], [0, 0x08, 0x03]);
            let number = &rest[3..];
            let (number, rest) = number.split_at(number.iter().position(|b| *b == 0).unwrap());
            self.document = String::from_utf8(number.to_vec()).unwrap().parse().unwrap();
            // next= with "https://" (0B) or "http://" (0C)
            if let [0, start @ (0x0B | 0x0C), 0x03, next @ ..] = rest {
                let scheme = if *start == 0x0B { "https://" } else { "http://" };
                let end = next.iter().position(|b| *b == 0).unwrap();
                self.next = scheme.to_owned() + core::str::from_utf8(&next[..end]).unwrap();
            }
        }
    }

    /// A device document as octets.
    pub(crate) fn document(&self, results: &[(u16, Value<'_>)]) -> Vec<u8> {
        self.document_for(&self.session, self.document, results)
    }

    pub(crate) fn document_for(&self, session: &str, re: u16, results: &[(u16, Value<'_>)]) -> Vec<u8> {
        if self.media == XML {
            let mut text = format!("<mmc version=\"1.0\" session=\"{session}\" re=\"{re}\">");
            for (id, (code, value)) in (1..).zip(results) {
                let (attribute, content) = match value {
                    Value::None => (String::new(), String::new()),
                    Value::Text(text) => (format!(" value=\"{text}\""), String::new()),
                    Value::Data(data) => (String::new(), format!("<data>{}</data>", base64(&hex(data)))),
                    Value::Ref(name) => (format!(" valueref=\"cid:{name}\""), String::new()),
                };
                write!(text, "<result id=\"{id}\" code=\"{code}\"{attribute}>{content}</result>").unwrap();
            }
            return (text + "</mmc>").into_bytes();
        }
        let string = |text: &str| [&[0x03], text.as_bytes(), &[0]].concat();
        let mut out = hex("03016a00 c5 05 07");
        out.extend(string(session));
        out.push(0x09);
        out.extend(string(&re.to_string()));
        out.push(0x01);
        for (id, (code, value)) in (1_u16..).zip(results) {
            out.push(if matches!(value, Value::Data(_)) { 0xCE } else { 0x8E });
            out.push(0x0D);
            out.extend(string(&id.to_string()));
            match code {
                0 => out.push(0x14),
                code => out.extend([vec![0x13], string(&code.to_string())].concat()),
            }
            match value {
                Value::None => out.push(0x01),
                Value::Text(text) => out.extend([vec![0x10], string(text), vec![0x01]].concat()),
                Value::Ref(name) => out.extend([vec![0x12], string(name), vec![0x01]].concat()),
                Value::Data(data) => {
                    let data = hex(data);
                    out.extend([0x01, 0x4F, 0xC3, u8::try_from(data.len()).unwrap()]);
                    out.extend(data);
                    out.extend([0x01, 0x01]);
                }
            }
        }
        out.push(0x01);
        out
    }

    /// A POST of `body` to where the last document said.
    pub(crate) fn post_request(&self, content_type: &str, body: Vec<u8>) -> Request {
        let mut request = self.request("POST", &self.next);
        request.headers.push(("Content-Type".to_owned(), content_type.to_owned()));
        request.headers.push(("Content-Length".to_owned(), body.len().to_string()));
        Request { body, ..request }
    }

    /// Answers the last document.
    pub(crate) fn answer(&mut self, results: &[(u16, Value<'_>)]) -> Response {
        let request = self.post_request(self.media, self.document(results));
        let response = self.send(&request);
        self.told(&response);
        response
    }

    /// Answers a document of one command with one reverse message.
    pub(crate) fn reverse(&mut self, message: &str) -> Response {
        self.answer(&[(0, Value::Data(message))])
    }

    pub(crate) fn faults(&self) -> Vec<String> {
        self.operator.violations().iter().map(ToString::to_string).collect()
    }

    pub(crate) fn assert_clean(&self) {
        assert_eq!(self.faults(), Vec::<String>::new());
    }
}

/// What a response says, as text; binary octets become dots.
pub(crate) fn text(response: &Response) -> String {
    response
        .body
        .iter()
        .map(|b| if b.is_ascii_graphic() || *b == b' ' { char::from(*b) } else { '.' })
        .collect()
}

pub(crate) fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len()).position(|window| window == needle)
}

pub(crate) fn contains(response: &Response, needle: &str) -> bool {
    find(&response.body, &hex(needle)).is_some()
}

fn base64(octets: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for group in octets.chunks(3) {
        let word = (0..3).fold(0_usize, |word, i| word << 8 | usize::from(*group.get(i).unwrap_or(&0)));
        for i in 0..4 {
            let digit = char::from(ALPHABET[word >> (18 - 6 * i) & 63]);
            out.push(if i > group.len() { '=' } else { digit });
        }
    }
    out
}

/// A body of several parts: the results, each reverse message in a part of its own.
pub(crate) fn parts_request(device: &Device, messages: &[&str], media: &str) -> Request {
    let names: Vec<String> = (1..=messages.len()).map(|n| format!("r{n}")).collect();
    let results: Vec<(u16, Value<'_>)> = names.iter().map(|name| (0, Value::Ref(name))).collect();
    let mut body = b"--b1\r\nContent-Type: application/iota.mmc-wbxml\r\nContent-ID: <m>\r\n\r\n".to_vec();
    body.extend(device.document(&results));
    for (name, message) in names.iter().zip(messages) {
        body.extend(
            format!("\r\n--b1\r\nContent-Type: {media}\r\nContent-ID: <{name}>\r\n\r\n").into_bytes(),
        );
        body.extend(hex(message));
    }
    body.extend(b"\r\n--b1--\r\n");
    device.post_request(
        "multipart/related; type=\"application/iota.mmc-wbxml\"; start=\"<m>\"; boundary=b1",
        body,
    )
}

/// From the first answer to the restart, one message in each document, all accepted.
pub(crate) fn finish_from_nam(device: &mut Device) {
    assert!(contains(&device.reverse("01010000"), PRL_DOWNLOAD));
    commit_and_release(device, "080000000012");
}

pub(crate) fn commit_and_release(device: &mut Device, last_segment: &str) {
    let commit = device.reverse(last_segment);
    assert!(contains(&commit, "4fc3010501"), "a Commit Request: {}", text(&commit));
    let release = device.reverse("0500");
    assert!(release.body.ends_with(&hex("8d0d033100170101")), "disconnect, reboot: {}", text(&release));
}
