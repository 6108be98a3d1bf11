//! ACCESS: which networks programs may use (`oma-cp.md` section 3).
//!
//! The fact sheet has the parms, and that they restrict the use of networks; how several rules go together, and what RULE
//! stands for, it does not have. So this is a policy of the project, in this one place:
//!
//! - A rule is about a program's demand if each kind of selector that it has (APPID, PROVIDER-ID, DOMAIN, PORTNBR) has a value
//!   that fits. A selector that is not there fits everything; one that is there does not fit what a demand does not tell.
//! - The rules about a demand open the networks that they name (TO-NAPID, TO-PROXY), all together, so that their order does not
//!   matter; one that names none opens all. What no rule opens is closed.
//! - Where no rule is about a demand, every network is open ([`UNRULED`]).
//! - RULE is kept and not read: a label or an order would both leave the sum of the rules as it is.

use super::model::AppId;
use super::{Kind, Object, ParmName};

/// Whether a demand that no rule is about may use any network. Documents that have no ACCESS at all are the usual ones, and they
/// mean to restrict nothing; one that rules one program only is read the same way.
pub const UNRULED: bool = true;

/// The value of TO-NAPID that means any access point to the Internet.
const INTERNET: &str = "INTERNET";

/// What a program wants to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demand<'a> {
    /// The program; none: any of them.
    pub application: Option<AppId<'a>>,
    /// The provider of its settings (PROVIDER-ID).
    pub provider: Option<&'a str>,
    /// The host it wants to reach.
    pub host: Option<&'a str>,
    /// The port there.
    pub port: Option<u16>,
}

/// A way into a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network<'a> {
    /// An access point.
    AccessPoint {
        /// Its NAPID.
        id: &'a str,
        /// Whether it leads to the Internet.
        internet: bool,
    },
    /// A proxy, by its PROXY-ID.
    Proxy(&'a str),
}

/// Hears the rules one after the other and says whether a demand may use a network.
#[derive(Clone, Copy, Debug)]
pub struct Judge<'a> {
    demand: Demand<'a>,
    network: Network<'a>,
    ruled: bool,
    open: bool,
}

impl<'a> Judge<'a> {
    /// A judge of this demand, who has heard nothing.
    pub const fn new(demand: Demand<'a>, network: Network<'a>) -> Self {
        Self { demand, network, ruled: false, open: false }
    }

    /// Hears an object; what is no ACCESS does not count.
    pub fn hear(&mut self, object: &Object<'_>) {
        if object.kind() == Kind::Access && self.demand.is_meant(object) {
            self.ruled = true;
            self.open |= self.network.is_opened(object);
        }
    }

    /// Whether the network may be used, by what was heard.
    pub const fn permits(&self) -> bool {
        if self.ruled { self.open } else { UNRULED }
    }
}

impl Demand<'_> {
    /// Whether a rule is about this.
    fn is_meant(&self, rule: &Object<'_>) -> bool {
        let fits = |name, is: &dyn Fn(&str) -> bool| !rule.has(name) || rule.parms(name).any(is);
        fits(ParmName::AppId, &|id| self.application == Some(AppId(id)))
            && fits(ParmName::ProviderId, &|id| self.provider == Some(id))
            && fits(ParmName::Domain, &|domain| self.host.is_some_and(|host| is_in(host, domain)))
            && fits(ParmName::PortNbr, &|port| self.port.is_some() && port.parse().ok() == self.port)
    }
}

impl Network<'_> {
    /// Whether a rule opens this.
    fn is_opened(&self, rule: &Object<'_>) -> bool {
        let named = |own: &str, internet: bool, name: &str| {
            own.eq_ignore_ascii_case(name) || internet && name == INTERNET
        };
        let opened = match *self {
            Self::AccessPoint { id, internet } => {
                rule.parms(ParmName::ToNapId).any(|name| named(id, internet, name))
            }
            Self::Proxy(id) => rule.parms(ParmName::ToProxy).any(|name| named(id, false, name)),
        };
        opened || !rule.has(ParmName::ToNapId) && !rule.has(ParmName::ToProxy)
    }
}

/// Whether a host is a domain, or in it.
fn is_in(host: &str, domain: &str) -> bool {
    let behind = host.len().checked_sub(domain.len()).and_then(|at| host.split_at_checked(at));
    behind.is_some_and(|(before, end)| {
        end.eq_ignore_ascii_case(domain) && (before.is_empty() || before.ends_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::super::ObjectWriter;
    use super::*;
    use ParmName::{AppId as App, Domain, PortNbr, ProviderId, Rule, ToNapId, ToProxy};
    use std::vec::Vec;

    const MMS: Demand<'static> =
        Demand { application: Some(AppId::MMS), provider: None, host: None, port: None };

    fn permits(rules: &[&[(ParmName, &str)]], demand: Demand<'_>, network: Network<'_>) -> bool {
        let mut judge = Judge::new(demand, network);
        for rule in rules {
            let mut buf = [0; 256];
            let mut w = ObjectWriter::new(&mut buf, Kind::Access);
            for (name, value) in *rule {
                w.parm(*name, value).unwrap();
            }
            judge.hear(&w.finish().unwrap());
        }
        judge.permits()
    }

    const fn point(id: &str) -> Network<'_> {
        Network::AccessPoint { id, internet: false }
    }

    #[test]
    fn without_rules_everything_is_open() {
        assert!(permits(&[], MMS, point("N")) && permits(&[], Demand::default(), Network::Proxy("P")));
        let others: &[_] = &[(App, "w2"), (ToNapId, "N")];
        assert!(permits(&[others], MMS, point("M")), "a rule about another program");
    }

    #[test]
    fn a_rule_opens_what_it_names_and_closes_the_rest() {
        let rule: &[_] = &[(Rule, "1"), (App, "w4"), (ToNapId, "N"), (ToProxy, "P")];
        for (network, open) in [
            (point("N"), true),
            (point("n"), true),
            (point("M"), false),
            (Network::Proxy("P"), true),
            (Network::Proxy("N"), false),
        ] {
            assert_eq!(permits(&[rule], MMS, network), open, "{network:?}");
        }
        let more: &[_] = &[(Rule, "0"), (App, "w4"), (ToNapId, "M")];
        for rules in [[rule, more], [more, rule]] {
            assert!(permits(&rules, MMS, point("M")) && permits(&rules, MMS, point("N")), "in any order");
            assert!(!permits(&rules, MMS, point("O")));
        }
        assert!(permits(&[&[(App, "w4")]], MMS, point("M")), "a rule that names no network");
        let everything: &[_] = &[(ToNapId, "INTERNET")];
        assert!(permits(&[everything], MMS, Network::AccessPoint { id: "M", internet: true }));
        assert!(!permits(&[everything], MMS, point("M")));
        assert!(!permits(&[everything], Demand::default(), Network::Proxy("INTERNET")));
    }

    #[test]
    fn every_selector_must_fit() {
        let rule: &[_] =
            &[(Domain, "a.example"), (Domain, "b"), (PortNbr, "80"), (ProviderId, "X"), (ToNapId, "N")];
        let fits = Demand { provider: Some("X"), host: Some("www.a.example"), port: Some(80), ..MMS };
        let closed = |demand| !permits(&[rule], demand, point("M"));
        assert!(closed(fits) && closed(Demand { host: Some("A.EXAMPLE"), ..fits }));
        assert!(closed(Demand { host: Some("b"), application: None, ..fits }));
        for other in [
            Demand { provider: Some("Y"), ..fits },
            Demand { provider: None, ..fits },
            Demand { host: Some("aa.example"), ..fits },
            Demand { host: Some("example"), ..fits },
            Demand { host: None, ..fits },
            Demand { port: Some(8080), ..fits },
            Demand { port: None, ..fits },
        ] {
            assert!(!closed(other), "{other:?}");
        }
    }

    /// The policy once more, as sets: for every choice of three rules.
    #[test]
    fn the_policy_is_what_its_words_say() {
        let choices: [&[(ParmName, &str)]; 6] = [
            &[(App, "w4"), (ToNapId, "N")],
            &[(App, "w2"), (ToNapId, "M")],
            &[(ToNapId, "M")],
            &[(PortNbr, "25")],
            &[(App, "w4"), (App, "w2"), (ToProxy, "P")],
            &[(PortNbr, "80"), (ToNapId, "N"), (ToNapId, "M")],
        ];
        for chosen in 0_usize..1 << choices.len() {
            let rules: Vec<_> =
                (0..choices.len()).filter(|n| chosen >> n & 1 == 1).map(|n| choices[n]).collect();
            for (app, port) in [("w4", 80), ("w2", 25), ("w7", 443)] {
                let demand = Demand { application: Some(AppId(app)), port: Some(port), ..Demand::default() };
                let about: Vec<_> = rules
                    .iter()
                    .filter(|rule| {
                        let any = |name, value: &str| {
                            let mut own = rule.iter().filter(|parm| parm.0 == name).peekable();
                            own.peek().is_none() || own.any(|parm| parm.1 == value)
                        };
                        any(App, app) && any(PortNbr, &std::format!("{port}"))
                    })
                    .collect();
                for id in ["N", "M", "O"] {
                    let opens = |rule: &&&[(ParmName, &str)]| {
                        rule.contains(&(ToNapId, id))
                            || !rule.iter().any(|parm| matches!(parm.0, ToNapId | ToProxy))
                    };
                    let expected = about.is_empty() || about.iter().copied().any(|rule| opens(&rule));
                    assert_eq!(permits(&rules, demand, point(id)), expected, "{rules:?} {demand:?} {id}");
                }
            }
        }
    }
}
