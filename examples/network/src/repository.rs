//! The package repository: files over http or https, with ranges (RFC 9110 §13.1.5, §14), and its faults.

use crate::http::{Request, Response};
use crate::log::{Log, Rule, Step};
use std::collections::{BTreeMap, VecDeque};

/// Where the repository answers.
pub const REPOSITORY_HOST: &str = "repo.operator.example";
/// First part of every package's path.
const FOLDER: &str = "/packages/";

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
        if request.method != "GET" {
            log.violate(STEP, Rule::Method, format!("{} on a package", request.method));
            return Served::new("not a GET", Response::new(405).with_header("Allow", "GET"), "refused");
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
    fn only_get_and_only_what_is_offered() {
        let mut repository = repository();
        let mut log = Log::default();
        assert_eq!(repository.serve(&request("POST", &[]), "/packages/p1", &mut log).response.status, 405);
        assert_eq!(repository.serve(&request("GET", &[]), "/packages/p2", &mut log).response.status, 404);
        assert_eq!(log.violations.len(), 2);
    }
}
