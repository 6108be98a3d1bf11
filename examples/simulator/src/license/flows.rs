//! The license flows (section 10 of the specification), each a program that plays it and says what went wrong.

use anyhow::{Context as _, bail, ensure};
use kedge_agent::license::{Doubt, Verdict};
use kedge_network::provisioning::{Names, Policy, Provisioning, Visitor};
use kedge_protocol::license::answer::ProblemCode;
use kedge_protocol::license::session::Outcome;
use kedge_protocol::license::verdict::Denial;
use kedge_protocol::license::{Code, Op, State};

use super::net::Forger;
use super::stage::{Link, Stage, Who};
use super::user::{ALICE, PASSWORD, User};
use super::{ISSUER_SEED, NAMES, base64_url};
use crate::feed::Lane;

/// A card that the payment provider declines.
const DECLINED: &str = "4000 0000 0000 0002";
/// A user who does not pay.
const POOR: User = User { account: "alice", card: None };
/// A lease: 90 days, a refresh after 60, 7 days of grace.
const LEASE: Option<(u64, u64, u64)> = Some((90, 60, 7));

/// A flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Its name on the command line.
    pub name: &'static str,
    /// What happens in it.
    pub title: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Trial,
    TrialInBrowser,
    Purchase,
    Declined,
    Reinstall,
    Transfer { lease: bool },
    Abuse,
    Offline,
    Clock,
    Clone,
    PowerCut,
    Forged,
    MyAccount,
    Withdrawn,
}

/// All of them, in the order of the specification.
pub const FLOWS: [Flow; 15] = [
    flow("license-trial", "a new device signs up by a short code and gets a trial", Kind::Trial),
    flow(
        "license-trial/browser",
        "the same in the device's own browser: the document comes as a download",
        Kind::TrialInBrowser,
    ),
    flow("license-purchase", "the trial ends, the user pays, and the license is full", Kind::Purchase),
    flow("license-purchase/declined", "the card is declined, and nothing changes", Kind::Declined),
    flow("license-reinstall", "the storage is lost; one re-activation restores the license", Kind::Reinstall),
    flow(
        "license-transfer",
        "the license moves to another device, and the old one keeps its own",
        Kind::Transfer { lease: false },
    ),
    flow(
        "license-transfer/lease",
        "with leases the old device's next refresh is refused, and its license ends",
        Kind::Transfer { lease: true },
    ),
    flow("license-abuse", "no second trial under another name, and no fourth move in a year", Kind::Abuse),
    flow("license-offline", "request and license travel by file", Kind::Offline),
    flow(
        "license-clock",
        "the clock is set back, set to 2038, lost; each repaired by one contact",
        Kind::Clock,
    ),
    flow("license-clone", "a copied flash image, and an older one of the same device", Kind::Clone),
    flow(
        "license-powercut",
        "the power fails in every flash operation of trial and purchase: old or new, whole",
        Kind::PowerCut,
    ),
    flow(
        "license-forged",
        "documents that were changed, replayed or made by others are refused",
        Kind::Forged,
    ),
    flow("license-abuse/withdrawn", "blocked by the operator, then withdrawn", Kind::Withdrawn),
    flow("my-account", "the user looks at the account; the license is renewed", Kind::MyAccount),
];

const fn flow(name: &'static str, title: &'static str, kind: Kind) -> Flow {
    Flow { name, title, kind }
}

/// The flow of that name.
pub fn find(name: &str) -> Option<&'static Flow> {
    FLOWS.iter().find(|flow| flow.name == name)
}

impl Flow {
    /// The call flow it belongs to: its name up to the slash.
    pub fn flow(&self) -> &'static str {
        self.name.split('/').next().unwrap_or_default()
    }

    /// What the operator sets in it.
    pub fn policy(&self) -> Policy {
        match self.kind {
            Kind::Transfer { lease: true } | Kind::Clock => Policy { lease: LEASE, ..Policy::default() },
            _ => Policy::default(),
        }
    }

    /// Whether its devices have a browser.
    pub fn browser(&self) -> bool {
        self.kind == Kind::TrialInBrowser
    }

    /// Whether it changes what goes over the line, which only the line in process lets it do.
    pub fn in_process(&self) -> bool {
        matches!(self.kind, Kind::Forged)
    }

    /// The flows that it consists of, if it only cuts their power.
    pub fn cuts(&self) -> Option<[&'static Flow; 2]> {
        let parts = [find("license-trial")?, find("license-purchase")?];
        (self.kind == Kind::PowerCut).then_some(parts)
    }

    /// Plays it. The error says what went wrong.
    pub fn play<C: Link>(&self, stage: &mut Stage<'_, C>) -> anyhow::Result<()> {
        match self.kind {
            Kind::Trial => trial(stage),
            Kind::TrialInBrowser => trial_in_browser(stage),
            Kind::Purchase | Kind::PowerCut => purchase(stage),
            Kind::Declined => declined(stage),
            Kind::Reinstall => reinstall(stage),
            Kind::Transfer { lease } => transfer(stage, lease),
            Kind::Abuse => abuse(stage),
            Kind::Offline => offline(stage),
            Kind::Clock => clock(stage),
            Kind::Clone => clone(stage),
            Kind::Forged => forged(stage),
            Kind::MyAccount => my_account(stage),
            Kind::Withdrawn => withdrawn(stage),
        }?;
        let misuses = stage.misuses();
        ensure!(misuses.is_empty(), "{} violations, the first: {}", misuses.len(), misuses[0]);
        Ok(())
    }
}

fn trial<C: Link>(stage: &mut Stage<'_, C>) -> anyhow::Result<()> {
    let due = stage.standing(Who::A)?.due;
    ensure!(due == Some(Op::ACTIVATE), "a device without a license asks for {due:?}");
    gets(stage, Who::A, Op::ACTIVATE, ALICE, State::Trial)?;
    permits(stage, Who::A, Verdict::Allowed)?;
    ensure!(stage.configuration(Who::A)?.is_some(), "no configuration was applied");
    let (reports, issued) = stage.net.server().reports();
    ensure!(!reports.is_empty() && reports.len() <= issued, "{} of {issued} were reported", reports.len());
    ensure!(!stage.undisturbed || (reports, issued) == (vec![1], 1), "it was not reported exactly once");
    stage.wait(14)?;
    permits(stage, Who::A, Verdict::Denied(Denial::Expired))
}

fn trial_in_browser<C: Link>(stage: &mut Stage<'_, C>) -> anyhow::Result<()> {
    // a device that lost its power has forgotten the nonce and asks again
    gets(stage, Who::A, Op::ACTIVATE, ALICE, State::Trial)?;
    ensure!(stage.browsed.is_some(), "no page was opened");
    permits(stage, Who::A, Verdict::Allowed)?;
    gets(stage, Who::A, Op::REFRESH, ALICE, State::Trial)
}

fn purchase<C: Link>(stage: &mut Stage<'_, C>) -> anyhow::Result<()> {
    gets(stage, Who::A, Op::ACTIVATE, ALICE, State::Trial)?;
    stage.wait(13)?;
    permits(stage, Who::A, Verdict::RefreshDue)?;
    stage.wait(2)?;
    permits(stage, Who::A, Verdict::Denied(Denial::Expired))?;
    gets(stage, Who::A, Op::REFRESH, ALICE, State::Full)?;
    permits(stage, Who::A, Verdict::Allowed)?;
    let terms = stage.standing(Who::A)?.terms;
    ensure!(terms.any_service && terms.expires.is_none(), "the license is not for any service, for good");
    stage.wait(3650)?;
    permits(stage, Who::A, Verdict::Allowed)
}

fn declined<C: Link>(stage: &mut Stage<'_, C>) -> anyhow::Result<()> {
    gets(stage, Who::A, Op::ACTIVATE, ALICE, State::Trial)?;
    stage.wait(15)?;
    for user in [User { card: Some(DECLINED), ..ALICE }, POOR] {
        let outcome = stage.ask(Who::A, Op::REFRESH, user)?;
        ensure!(outcome == Outcome::TimedOut, "not paid, and {outcome:?}");
        permits(stage, Who::A, Verdict::Denied(Denial::Expired))?;
    }
    Ok(())
}

fn reinstall<C: Link>(stage: &mut Stage<'_, C>) -> anyhow::Result<()> {
    gets(stage, Who::A, Op::ACTIVATE, ALICE, State::Trial)?;
    let end = stage.standing(Who::A)?.terms.expires;
    stage.wait(3)?;
    loses_storage(stage)?;
    gets(stage, Who::A, Op::ACTIVATE, POOR, State::Trial)?;
    let again = stage.standing(Who::A)?.terms.expires;
    ensure!(again == end, "the trial ends at {again:?}, not at {end:?}");
    stage.wait(12)?;
    gets(stage, Who::A, Op::REFRESH, ALICE, State::Full)?;
    loses_storage(stage)?;
    gets(stage, Who::A, Op::ACTIVATE, POOR, State::Full)?;
    permits(stage, Who::A, Verdict::Allowed)
}

/// The storage of device A is erased.
fn loses_storage<C: Link>(stage: &mut Stage<'_, C>) -> anyhow::Result<()> {
    stage.lose_storage(Who::A)?;
    permits(stage, Who::A, Verdict::Denied(Denial::Unknown))?;
    let due = stage.standing(Who::A)?.due;
    ensure!(due == Some(Op::ACTIVATE), "something is left: {due:?} is due");
    Ok(())
}

fn transfer<C: Link>(stage: &mut Stage<'_, C>, lease: bool) -> anyhow::Result<()> {
    stage.open_account("alice");
    gets(stage, Who::A, Op::ACTIVATE, ALICE, State::Full)?;
    gets(stage, Who::B, Op::ACTIVATE, ALICE, State::Full)?;
    ensure!(stage.net.server().account("alice").moves.len() == 1, "the move was not counted once");
    permits(stage, Who::A, Verdict::Allowed)?;
    stage.wait(61)?;
    if !lease {
        gets(stage, Who::A, Op::REFRESH, ALICE, State::Full)?;
        return permits(stage, Who::A, Verdict::Allowed);
    }
    refused(stage, Who::A, Op::REFRESH, ALICE, ProblemCode::ACCOUNT_MISMATCH)?;
    permits(stage, Who::A, Verdict::RefreshDue)?;
    gets(stage, Who::B, Op::REFRESH, ALICE, State::Full)?;
    stage.wait(40)?;
    permits(stage, Who::A, Verdict::Denied(Denial::Expired))?;
    permits(stage, Who::B, Verdict::Allowed)
}

fn abuse<C: Link>(stage: &mut Stage<'_, C>) -> anyhow::Result<()> {
    gets(stage, Who::A, Op::ACTIVATE, ALICE, State::Trial)?;
    gets(stage, Who::A, Op::RELEASE, ALICE, State::Unknown)?;
    stage.wait(1)?;
    let due = stage.standing(Who::A)?.due;
    ensure!(due.is_none(), "what was given back is asked for again: {due:?}");
    let mallory = User { account: "mallory", ..ALICE };
    refused(stage, Who::A, Op::ACTIVATE, mallory, ProblemCode::TRIAL_USED)?;
    permits(stage, Who::A, Verdict::Denied(Denial::Unknown))?;
    let bob = User { account: "bob", ..ALICE };
    stage.open_account("bob");
    for who in [Who::A, Who::B, Who::A, Who::B] {
        gets(stage, who, Op::ACTIVATE, bob, State::Full)?;
    }
    refused(stage, Who::A, Op::ACTIVATE, bob, ProblemCode::MOVES_EXHAUSTED)?;
    permits(stage, Who::A, Verdict::Allowed)
}

fn withdrawn<C: Link>(stage: &mut Stage<'_, C>) -> anyhow::Result<()> {
    gets(stage, Who::A, Op::ACTIVATE, ALICE, State::Trial)?;
    stage.note(Lane::Network, "the operator blocks the account".to_owned());
    stage.net.server().account("alice").blocked = true;
    refused(stage, Who::A, Op::REFRESH, ALICE, ProblemCode::BLOCKED)?;
    permits(stage, Who::A, Verdict::Allowed).context("an unsigned answer took something away")?;
    stage.note(Lane::Network, "the operator withdraws the license".to_owned());
    stage.net.server().account("alice").withdrawn = true;
    gets(stage, Who::A, Op::REFRESH, ALICE, State::Unknown)?;
    permits(stage, Who::A, Verdict::Denied(Denial::Unknown))
}

fn offline<C: Link>(stage: &mut Stage<'_, C>) -> anyhow::Result<()> {
    // the device belongs to somebody already: a file cannot ask who it is
    gets(stage, Who::A, Op::ACTIVATE, ALICE, State::Trial)?;
    loses_storage(stage)?;
    // only the last request that was written counts
    let worthless = stage.request(Who::A, Op::ACTIVATE)?;
    let request = stage.request(Who::A, Op::ACTIVATE)?;
    let (stale, answer) = (stage.answer(&worthless)?, stage.answer(&request)?);
    // the device was off meanwhile, and has kept the nonce
    stage.start(Who::A)?;
    let outcome = stage.open(Who::A, &answer)?;
    ensure!(matches!(outcome, Outcome::Installed { state: State::Trial, .. }), "{outcome:?}");
    permits(stage, Who::A, Verdict::Allowed)?;
    for document in [stale, answer] {
        let outcome = stage.open(Who::A, &document)?;
        ensure!(
            matches!(outcome, Outcome::Refused(refusal) if refusal.code == Code::StaleNonce),
            "{outcome:?}"
        );
    }
    permits(stage, Who::A, Verdict::Allowed)?;
    // the report goes when a network is in reach
    gets(stage, Who::A, Op::REFRESH, ALICE, State::Trial)
}

fn clock<C: Link>(stage: &mut Stage<'_, C>) -> anyhow::Result<()> {
    stage.open_account("alice");
    let cases = [
        ("set back by 30 days", Some(-30), Verdict::Allowed, Some(Doubt::Behind)),
        ("set to 2038", Some(8 * 365), Verdict::Denied(Denial::Expired), Some(Doubt::Ahead)),
        ("lost", None, Verdict::Allowed, None),
    ];
    for (what, days, verdict, doubt) in cases {
        stage.set_clock(Who::A, Some(0));
        gets(stage, Who::A, Op::ACTIVATE, ALICE, State::Full)?;
        stage.note(Lane::Handset, format!("the clock of device A is {what}"));
        stage.set_clock(Who::A, days);
        stage.wait(10)?;
        permits(stage, Who::A, verdict).context(what)?;
        let found = stage.standing(Who::A)?.doubt;
        ensure!(found == doubt, "{what}: the clock is thought to be {found:?}");
        // one contact, with the clock as wrong as it was
        gets(stage, Who::A, Op::REFRESH, ALICE, State::Full).context(what)?;
        permits(stage, Who::A, Verdict::Allowed).context(what)?;
        stage.start(Who::A)?;
        permits(stage, Who::A, Verdict::Allowed).context(what)?;
    }
    Ok(())
}

fn clone<C: Link>(stage: &mut Stage<'_, C>) -> anyhow::Result<()> {
    gets(stage, Who::A, Op::ACTIVATE, ALICE, State::Trial)?;
    let older = stage.copy_of_flash(Who::A);
    stage.note(Lane::Handset, "the flash image of device A is copied to device B".to_owned());
    stage.replace_flash(Who::B, older.clone())?;
    permits(stage, Who::B, Verdict::Denied(Denial::Unknown))?;
    gets(stage, Who::A, Op::REFRESH, ALICE, State::Trial)?;
    for time in ["once", "twice"] {
        stage.note(Lane::Handset, format!("an older flash image is restored on device A, {time}"));
        stage.replace_flash(Who::A, older.clone())?;
        permits(stage, Who::A, Verdict::Allowed)?;
        if time == "once" {
            gets(stage, Who::A, Op::REFRESH, ALICE, State::Trial)?;
        }
    }
    refused(stage, Who::A, Op::REFRESH, ALICE, ProblemCode::BLOCKED)
}

fn my_account<C: Link>(stage: &mut Stage<'_, C>) -> anyhow::Result<()> {
    gets(stage, Who::A, Op::ACTIVATE, ALICE, State::Trial)?;
    gets(stage, Who::A, Op::MY_ACCOUNT, ALICE, State::Trial)?;
    stage.net.server().account("alice").paid = true;
    gets(stage, Who::A, Op::MY_ACCOUNT, ALICE, State::Full)?;
    permits(stage, Who::A, Verdict::Allowed)
}

/// How a document is changed on its way, and what the device must say.
type Forgery = (&'static str, Code, Forger);

fn forged<C: Link>(stage: &mut Stage<'_, C>) -> anyhow::Result<()> {
    gets(stage, Who::A, Op::ACTIVATE, ALICE, State::Trial)?;
    gets(stage, Who::B, Op::ACTIVATE, User { account: "bob", ..ALICE }, State::Trial)?;
    stage.net.server().account("alice").paid = true;
    let before = stage.standing(Who::A)?.terms;
    for (what, code, forger) in forgeries(stage)? {
        stage.note(Lane::Network, format!("the document is forged on its way: {what}"));
        stage.net.forge(Some(forger));
        let outcome = stage.ask(Who::A, Op::REFRESH, ALICE)?;
        match outcome {
            Outcome::Refused(refusal) if refusal.code == code => {}
            Outcome::TooBig if code == Code::TooBig => {}
            Outcome::BadAnswer if code == Code::WrongType => {}
            other => bail!("{what}: {other:?} instead of {code}"),
        }
        ensure!(stage.standing(Who::A)?.terms == before, "{what}: the license changed");
        stage.start(Who::A)?;
    }
    stage.net.forge(None);
    permits(stage, Who::A, Verdict::Allowed)?;
    gets(stage, Who::A, Op::REFRESH, ALICE, State::Full).context("the genuine one")
}

/// Every kind of forgery that needs no issuer's key, and those that another server with its own key, or with the issuer's
/// key and another name, would make.
fn forgeries<C: Link>(stage: &mut Stage<'_, C>) -> anyhow::Result<Vec<Forgery>> {
    let (others, now) = (offline_document(stage, Who::B)?, stage.net.now());
    let mut all: Vec<Forgery> = vec![
        ("one bit of the claims is turned", Code::BadSignature, changed(|body| body[100] ^= 1)),
        (
            "one bit of the signature is turned",
            Code::BadSignature,
            changed(|body| {
                let last = body.len() - 1;
                body[last] ^= 1;
            }),
        ),
        ("the tag is another one", Code::Malformed, changed(|body| body[0] = 0xD1)),
        ("the algorithm is another one", Code::BadAlg, changed(|body| body[6] = 0x33)),
        ("one octet follows", Code::Malformed, changed(|body| body.push(0))),
        ("the last octet is missing", Code::Malformed, changed(|body| body.truncate(body.len() - 1))),
        (
            "it is larger than a device takes",
            Code::TooBig,
            changed(|body| body.resize(super::MAX_DOCUMENT + 1, 0)),
        ),
        (
            "it is called a page of another kind",
            Code::WrongType,
            Box::new(|response| {
                let mut forged = response.clone();
                for (name, value) in &mut forged.headers {
                    if name == "Content-Type" && value.ends_with(".provisioning+cbor") {
                        "application/octet-stream".clone_into(value);
                    }
                }
                (forged != *response).then_some(forged)
            }),
        ),
        ("it is that of another device", Code::WrongDevice, changed(move |body| body.clone_from(&others))),
    ];
    let earlier = offline_document(stage, Who::A)?;
    all.push((
        "it answers another request",
        Code::StaleNonce,
        changed(move |body| body.clone_from(&earlier)),
    ));
    let strangers = [
        ("a server with another key", [9; 32], NAMES, Code::UnknownKey),
        (
            "the server of another product",
            ISSUER_SEED,
            Names { product: "other", ..NAMES },
            Code::WrongProduct,
        ),
        ("another issuer with this key", ISSUER_SEED, Names { issuer: "other.example", ..NAMES }, Code::Role),
    ];
    for (what, seed, names, code) in strangers {
        let mut server = Provisioning::new(names, Policy::default(), seed);
        server.register(&stage.public_key(Who::A));
        server.account("alice").paid = true;
        let request = stage.request(Who::A, Op::REFRESH)?;
        let document = strange_document(&mut server, &request, now)?;
        all.push((what, code, changed(move |body| body.clone_from(&document))));
    }
    Ok(all)
}

/// A document for a request of the device that is never answered otherwise.
fn offline_document<C: Link>(stage: &mut Stage<'_, C>, who: Who) -> anyhow::Result<Vec<u8>> {
    let request = stage.request(who, Op::REFRESH)?;
    stage.answer(&request)
}

/// What a stranger's server signs for a request.
fn strange_document(server: &mut Provisioning, request: &[u8], now: u64) -> anyhow::Result<Vec<u8>> {
    let mut visitor = Visitor::new();
    let text = base64_url(request);
    let page = visitor.fill(server, now, "/offline", "/offline", &[("request", &text)]);
    let page = String::from_utf8_lossy(&page.body).into_owned();
    let code = page.split_once("name=\"code\" value=\"").and_then(|(_, rest)| rest.split('"').next());
    let code = code.context("the stranger asks for no account")?;
    let fields = [("code", code), ("account", "carol"), ("password", PASSWORD)];
    let document = visitor.fill(server, now, &format!("/activate?c={code}"), "/activate", &fields);
    ensure!(document.status == 200, "the stranger signs nothing: {}", document.status);
    Ok(document.body)
}

/// Changes documents, and nothing else.
fn changed(mut change: impl FnMut(&mut Vec<u8>) + Send + 'static) -> Forger {
    Box::new(move |response| {
        let kind = response.header("Content-Type").unwrap_or_default();
        if !kind.ends_with(".provisioning+cbor") {
            return None;
        }
        let mut forged = response.clone();
        change(&mut forged.body);
        forged.headers.retain(|(name, _)| name != "Content-Length");
        Some(forged.clone().with_header("Content-Length", &forged.body.len().to_string()))
    })
}

/// The device asks and gets a license of this state.
fn gets<C: Link>(stage: &mut Stage<'_, C>, who: Who, op: Op, user: User, state: State) -> anyhow::Result<()> {
    let outcome = stage.ask(who, op, user)?;
    let expected = Outcome::Installed { state, reported: true };
    ensure!(outcome == expected, "device {who:?} asked for {op} and got {outcome:?}, not {state}");
    Ok(())
}

/// The device asks and is refused by this code.
fn refused<C: Link>(
    stage: &mut Stage<'_, C>,
    who: Who,
    op: Op,
    user: User,
    code: ProblemCode,
) -> anyhow::Result<()> {
    let outcome = stage.ask(who, op, user)?;
    let right = matches!(outcome, Outcome::Problem { code: Some(found), .. } if found == code);
    ensure!(right, "device {who:?} asked for {op} and got {outcome:?}, not the problem {code}");
    Ok(())
}

fn permits<C: Link>(stage: &mut Stage<'_, C>, who: Who, expected: Verdict) -> anyhow::Result<()> {
    let verdict = stage.verdict(who)?;
    ensure!(verdict == expected, "the verdict of device {who:?} is {verdict}, not {expected}");
    Ok(())
}
