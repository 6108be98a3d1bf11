//! The package repository: files over http or https, with ranges (RFC 9110 §13.1.5, §14), and its faults; and descriptors of
//! them (OMA Download), whose reports it takes.

use crate::http::{Request, Response};
use crate::log::{Log, Rule, Step};
use kedge_protocol::dlota::DESCRIPTOR;
use std::collections::{BTreeMap, VecDeque};

/// Where the repository answers.
pub const REPOSITORY_HOST: &str = "repo.operator.example";
/// First part of every package's path.
const FOLDER: &str = "/packages/";
/// First part of every descriptor's path.
const DESCRIPTORS: &str = "/descriptors/";
/// First part of the path that the report about a described package goes to.
const REPORTS: &str = "/reports/";

/// The step of `fota-client` in which packages are fetched.
const STEP: Step = Step::fota_client(5);

/// A fault the repository plays in one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepositoryFault {
    /// The request is served as it should be.
    None,
    /// The whole file with 200, whatever range was asked for.
    IgnoreRange,
    /// The connection drops after so many octets of the body.
    CutAfter(usize),
    /// 503 without a body.
    Unavailable,
}

/// The packages an operator offers.
#[derive(Clone, Debug, Default)]
pub struct Repository {
    packages: BTreeMap<String, Vec<u8>>,
    /// What descriptors say of the size of packages.
    described: BTreeMap<String, usize>,
    reports: Vec<String>,
    faults: VecDeque<RepositoryFault>,
    requests: u32,
    partial: u32,
    sent: u64,
}

impl Repository {
    /// Offers `package` under `name` (replacing what had that name), and returns its URL.
    pub fn offer(&mut self, name: &str, package: Vec<u8>) -> String {
        self.packages.insert(name.to_owned(), package);
        package_url(name)
    }

    /// The package that is offered at this URL.
    pub(crate) fn package_at(&self, url: &str) -> Option<&[u8]> {
        self.packages.iter().find(|(name, _)| package_url(name) == url).map(|(_, package)| &**package)
    }

    /// Offers `package` under `name` behind a descriptor that says it has `size` octets, and returns the descriptor's URL.
    pub fn describe(&mut self, name: &str, package: Vec<u8>, size: usize) -> String {
        self.offer(name, package);
        self.described.insert(name.to_owned(), size);
        format!("https://{REPOSITORY_HOST}{DESCRIPTORS}{name}")
    }

    /// What was reported of described packages; a report that is the same as the one before counts as repeated.
    pub fn reports(&self) -> &[String] {
        &self.reports
    }

    /// Plays `faults` in the next requests, one in each, in this order.
    pub fn play(&mut self, faults: impl IntoIterator<Item = RepositoryFault>) {
        self.faults.extend(faults);
    }

    /// How many requests for packages there were.
    pub fn requests(&self) -> u32 {
        self.requests
    }

    /// How many of them were answered with a part only (206).
    pub fn partial(&self) -> u32 {
        self.partial
    }

    /// How many octets of packages were sent.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Answers a request; with it, what the request and the answer mean.
    pub(crate) fn serve(&mut self, request: &Request, path: &str, log: &mut Log) -> Served {
        if let Some(name) = path.strip_prefix(REPORTS) {
            return self.report(name, request, log);
        }
        if request.method != "GET" {
            log.violate(STEP, Rule::Method, format!("{} on a package", request.method));
            return Served::new("not a GET", Response::new(405).with_header("Allow", "GET"), "refused");
        }
        if let Some(served) = path.strip_prefix(DESCRIPTORS).and_then(|name| self.descriptor(name)) {
            return served;
        }
        let named = path.strip_prefix(FOLDER).and_then(|name| self.packages.get(name));
        let Some(package) = named else {
            log.violate(STEP, Rule::Url, format!("no package at {path}"));
            return Served::new("fetch a package", Response::new(404), "no such package");
        };
        self.requests += 1;
        let fault = self.faults.pop_front().unwrap_or(RepositoryFault::None);
        if fault == RepositoryFault::Unavailable {
            return Served::new("fetch the package", Response::new(503), "not available now");
        }
        let range = range_of(request, &etag(package), log);
        let asked = match range {
            Range::Whole => "fetch the package".to_owned(),
            Range::Part { first, .. } => format!("fetch the package from octet {first}"),
        };
        let mut response = match range {
            Range::Part { first, last } if fault != RepositoryFault::IgnoreRange => {
                part(package, first, last, log)
            }
            _ => whole(package),
        };
        let body = response.body.len();
        let mut meaning = match response.status {
            200 => format!("the whole package, {body} octets"),
            206 => format!("the rest of the package, {body} octets"),
            _ => "no such range".to_owned(),
        };
        let mut sent = body;
        if let RepositoryFault::CutAfter(n) = fault
            && n < body
        {
            response = response.with_header("Content-Length", &body.to_string());
            response.body.truncate(n);
            meaning = format!("{meaning}, cut after {n}");
            sent = n;
        }
        self.partial += u32::from(response.status == 206);
        self.sent += sent as u64;
        Served { asked, response, meaning }
    }
}

impl Repository {
    /// The descriptor of a package (`fumo-dlota.md` 2.2), written by hand: the device's writer must not judge its reader.
    fn descriptor(&self, name: &str) -> Option<Served> {
        let size = self.described.get(name)?;
        let document = format!(
            "<?xml version=\"1.0\"?>\n<media xmlns=\"http://www.openmobilealliance.org/xmlns/dd\">\n\
             <name>System update</name>\n<vendor>Operator</vendor>\n<type>application/octet-stream</type>\n\
             <size>{size}</size>\n<objectURI>{}</objectURI>\n\
             <installNotifyURI>https://{REPOSITORY_HOST}{REPORTS}{name}</installNotifyURI>\n\
             <DDVersion>1.0</DDVersion>\n</media>\n",
            package_url(name)
        );
        let response = Response::new(200).with_body(DESCRIPTOR, document.into_bytes());
        Some(Served::new("fetch the descriptor", response, &format!("a descriptor of {size} octets")))
    }

    /// Takes the report about a described package (`fumo-dlota.md` 2.1 step 5).
    fn report(&mut self, name: &str, request: &Request, log: &mut Log) -> Served {
        if request.method != "POST" || !self.described.contains_key(name) {
            log.violate(STEP, Rule::Url, format!("{} on the reports of {name:?}", request.method));
            return Served::new("a report", Response::new(404), "nobody's");
        }
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let line = body.strip_suffix("\r\n").filter(|line| is_report(line));
        log.require(line.is_some(), STEP, Rule::Report, || {
            format!("not one line of code and phrase: {body:?}")
        });
        let line = line.unwrap_or(&body).to_owned();
        let asked = format!("report {line:?}");
        if self.reports.last() != Some(&line) {
            self.reports.push(line);
        }
        Served::new(&asked, Response::new(200), "taken")
    }
}

/// Three digits, a space, a phrase.
fn is_report(line: &str) -> bool {
    let parts = line.split_once(' ');
    parts.is_some_and(|(code, phrase)| code.len() == 3 && code.starts_with('9') && !phrase.is_empty())
}

/// An answer with its meaning.
pub(crate) struct Served {
    pub(crate) asked: String,
    pub(crate) response: Response,
    pub(crate) meaning: String,
}

impl Served {
    fn new(asked: &str, response: Response, meaning: &str) -> Self {
        Self { asked: asked.to_owned(), response, meaning: meaning.to_owned() }
    }

    /// Where in the flow requests to the repository belong.
    pub(crate) const STEP: Step = STEP;
}

/// The URL of a package.
pub fn package_url(name: &str) -> String {
    format!("https://{REPOSITORY_HOST}{FOLDER}{name}")
}

enum Range {
    Whole,
    Part { first: usize, last: Option<usize> },
}

/// What part the request asks for, after its `If-Range` condition.
fn range_of(request: &Request, etag: &str, log: &mut Log) -> Range {
    let Some(text) = request.header("Range") else { return Range::Whole };
    let parsed =
        text.strip_prefix("bytes=").and_then(|spec| spec.split_once('-')).and_then(|(first, last)| {
            let last = if last.is_empty() { None } else { Some(last.parse().ok()?) };
            Some((first.parse::<usize>().ok()?, last))
        });
    match parsed {
        Some((first, last)) if last.is_none_or(|last| last >= first) => {
            let unchanged = request.header("If-Range").is_none_or(|known| known == etag);
            if unchanged { Range::Part { first, last } } else { Range::Whole }
        }
        _ => {
            log.violate(STEP, Rule::Range, format!("not one range of octets: {text:?}"));
            Range::Whole
        }
    }
}

fn part(package: &[u8], first: usize, last: Option<usize>, log: &mut Log) -> Response {
    let size = package.len();
    let end = last.map_or(size, |last| last.saturating_add(1).min(size));
    match package.get(first..end) {
        Some(octets) if !octets.is_empty() => headers(Response::new(206), package)
            .with_header("Content-Range", &format!("bytes {first}-{}/{size}", end - 1))
            .with_body("application/octet-stream", octets.to_vec()),
        _ => {
            log.require(first <= size, STEP, Rule::Range, || format!("octet {first} of {size} asked for"));
            Response::new(416).with_header("Content-Range", &format!("bytes */{size}"))
        }
    }
}

fn whole(package: &[u8]) -> Response {
    headers(Response::new(200), package).with_body("application/octet-stream", package.to_vec())
}

fn headers(response: Response, package: &[u8]) -> Response {
    response.with_header("Accept-Ranges", "bytes").with_header("ETag", &etag(package))
}

/// A strong validator: the FNV-1a hash of the content, in quotes.
fn etag(package: &[u8]) -> String {
    let hash = package.iter().fold(0xCBF2_9CE4_8422_2325_u64, |hash, octet| {
        (hash ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01B3)
    });
    format!("\"{hash:016x}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository() -> Repository {
        let mut repository = Repository::default();
        repository.offer("p1", (0..100).collect());
        repository
    }

    fn request(method: &str, headers: &[(&str, &str)]) -> Request {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Request { method: method.to_owned(), url: package_url("p1"), headers, body: Vec::new() }
    }

    fn get(repository: &mut Repository, headers: &[(&str, &str)]) -> (Response, usize) {
        let mut log = Log::default();
        let request = request("GET", headers);
        let served = repository.serve(&request, "/packages/p1", &mut log);
        (served.response, log.violations.len())
    }

    #[test]
    fn ranges() {
        let mut repository = repository();
        let (whole, _) = get(&mut repository, &[]);
        assert_eq!((whole.status, whole.body.len()), (200, 100));
        let etag = whole.header("ETag").unwrap().to_owned();
        for (range, expected) in [("bytes=40-", 40..100), ("bytes=0-9", 0..10), ("bytes=90-500", 90..100)] {
            let (part, faults) = get(&mut repository, &[("Range", range), ("If-Range", &etag)]);
            assert_eq!((part.status, faults), (206, 0));
            assert_eq!(part.body, expected.clone().collect::<Vec<u8>>());
            let described = format!("bytes {}-{}/100", expected.start, expected.end - 1);
            assert_eq!(part.header("Content-Range"), Some(described.as_str()));
        }
        assert_eq!(repository.partial(), 3);
        assert_eq!(repository.sent(), 100 + 60 + 10 + 10);
    }

    #[test]
    fn a_changed_package_is_sent_whole() {
        let mut repository = repository();
        let (whole, _) = get(&mut repository, &[]);
        let etag = whole.header("ETag").unwrap().to_owned();
        repository.offer("p1", (100..200).collect());
        let (changed, faults) = get(&mut repository, &[("Range", "bytes=40-"), ("If-Range", &etag)]);
        assert_eq!((changed.status, changed.body.len(), faults), (200, 100, 0));
    }

    #[test]
    fn impossible_ranges() {
        let mut repository = repository();
        let (at_end, faults) = get(&mut repository, &[("Range", "bytes=100-")]);
        assert_eq!((at_end.status, at_end.header("Content-Range"), faults), (416, Some("bytes */100"), 0));
        assert_eq!(get(&mut repository, &[("Range", "bytes=101-")]).1, 1);
        for bad in ["bytes=5-4", "bytes=-5", "octets=1-", "bytes=1-2,4-5"] {
            let (response, faults) = get(&mut repository, &[("Range", bad)]);
            assert_eq!((response.status, faults), (200, 1), "{bad}");
        }
    }

    #[test]
    fn faults_are_played_once_each() {
        let mut repository = repository();
        repository.play([
            RepositoryFault::CutAfter(30),
            RepositoryFault::IgnoreRange,
            RepositoryFault::None,
            RepositoryFault::Unavailable,
        ]);
        let range = [("Range", "bytes=30-")];
        let (cut, _) = get(&mut repository, &[]);
        assert_eq!((cut.status, cut.header("Content-Length"), cut.body.len()), (200, Some("100"), 30));
        assert_eq!(get(&mut repository, &range).0.status, 200);
        assert_eq!(get(&mut repository, &range).0.status, 206);
        assert_eq!(get(&mut repository, &range).0.status, 503);
        assert_eq!(get(&mut repository, &range).0.status, 206);
    }

    #[test]
    fn a_described_package_is_reported_once() {
        let mut repository = Repository::default();
        let mut log = Log::default();
        assert_eq!(repository.describe("p1", vec![1; 7], 7), "https://repo.operator.example/descriptors/p1");
        let served = repository.serve(&request("GET", &[]), "/descriptors/p1", &mut log);
        let text = String::from_utf8(served.response.body).unwrap();
        assert!(text.contains("<size>7</size>") && text.contains("/packages/p1</objectURI>"), "{text}");
        let report = |body: &str| Request { body: body.as_bytes().to_vec(), ..request("POST", &[]) };
        for _ in 0..2 {
            let served = repository.serve(&report("900 Success\r\n"), "/reports/p1", &mut log);
            assert_eq!(served.response.status, 200);
        }
        assert_eq!((repository.reports(), log.violations.len()), (&["900 Success".to_owned()][..], 0));
        repository.serve(&report("done"), "/reports/p1", &mut log);
        repository.serve(&report("900 Success\r\n"), "/reports/p2", &mut log);
        assert_eq!(log.violations.len(), 2);
        assert_eq!(repository.serve(&request("GET", &[]), "/descriptors/p2", &mut log).response.status, 404);
    }

    #[test]
    fn only_get_and_only_what_is_offered() {
        let mut repository = repository();
        let mut log = Log::default();
        assert_eq!(repository.serve(&request("POST", &[]), "/packages/p1", &mut log).response.status, 405);
        assert_eq!(repository.serve(&request("GET", &[]), "/packages/p2", &mut log).response.status, 404);
        assert_eq!(log.violations.len(), 2);
    }
}
