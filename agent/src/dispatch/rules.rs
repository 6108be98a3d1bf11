//! Who may deliver what: one table, from which the decisions are made and the documentation is printed.

use core::fmt;

use super::{Handler, Origin};

/// What becomes of content of a known type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Its handler takes it. What the handler checks itself (trusted domain, service programming code) still counts.
    Take,
    /// The user is asked.
    Ask,
    /// Its sender must be proved (SEC and MAC), and then the user is asked.
    Prove,
    /// It is refused and reported.
    Refuse,
}

/// Every way that content can come, the columns of the table.
pub const ORIGINS: [Origin; 6] = [
    Origin::Push,
    Origin::Http { authenticated: false },
    Origin::Http { authenticated: true },
    Origin::File,
    Origin::Tunnel { authenticated: false },
    Origin::Tunnel { authenticated: true },
];

use Decision::{Ask, Prove, Refuse, Take};

/// One row for each handler, one decision for each of [`ORIGINS`]. An authenticated server may provision; a push proves
/// nothing but what its MAC proves; a file is the user's own will.
const RULES: [(Handler, [Decision; ORIGINS.len()]); 11] = [
    (Handler::ServiceIndication, [Ask, Refuse, Refuse, Refuse, Refuse, Refuse]),
    (Handler::ServiceLoading, [Take, Refuse, Refuse, Refuse, Refuse, Refuse]),
    (Handler::Cache, [Take, Refuse, Refuse, Refuse, Refuse, Refuse]),
    (Handler::Mail, [Take, Refuse, Refuse, Refuse, Refuse, Refuse]),
    (Handler::Mmc, [Take, Take, Take, Refuse, Refuse, Refuse]),
    (Handler::Is683, [Refuse, Take, Take, Refuse, Refuse, Take]),
    (Handler::Provisioning, [Prove, Refuse, Ask, Ask, Refuse, Ask]),
    (Handler::Bootstrap, [Prove, Refuse, Refuse, Refuse, Refuse, Refuse]),
    (Handler::Parts, [Refuse, Take, Take, Take, Take, Take]),
    (Handler::Page, [Refuse, Take, Take, Refuse, Refuse, Refuse]),
    (Handler::License, [Take, Take, Take, Take, Take, Take]),
];

/// What becomes of content for `handler` that came by `origin`.
pub fn decide(handler: Handler, origin: Origin) -> Decision {
    let row = RULES.iter().find(|(own, _)| *own == handler);
    row.map_or(Refuse, |(_, decisions)| cell(*decisions, origin))
}

/// The decision of one row for `origin`.
pub(super) fn cell(decisions: [Decision; ORIGINS.len()], origin: Origin) -> Decision {
    let mut cells = ORIGINS.iter().zip(decisions);
    cells.find(|(column, _)| **column == origin).map_or(Refuse, |(_, decision)| decision)
}

/// The handler of each row of the table.
fn handlers() -> impl Iterator<Item = Handler> {
    super::TYPES.into_iter().map(|(_, handler)| handler).chain([Handler::License])
}

/// How many cells of the table have each decision: take, ask, prove, refuse.
pub fn totals() -> [usize; 4] {
    let mut totals = [0_usize; 4];
    for handler in handlers() {
        for origin in ORIGINS {
            let place = match decide(handler, origin) {
                Take => 0,
                Ask => 1,
                Prove => 2,
                Refuse => 3,
            };
            if let Some(total) = totals.get_mut(place) {
                *total = total.saturating_add(1);
            }
        }
    }
    totals
}

/// The whole table as Markdown, by its `Display`.
#[derive(Clone, Copy, Debug)]
pub struct Table;

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("| media type |")?;
        for origin in ORIGINS {
            write!(f, " {origin} |")?;
        }
        f.write_str("\n|---|---|---|---|---|---|---|\n")?;
        for (media_type, handler) in super::TYPES {
            write!(f, "| {media_type} |")?;
            row(handler, f)?;
        }
        let (first, last) = super::LICENSE;
        write!(f, "| {first}*{last} |")?;
        row(Handler::License, f)?;
        let [take, ask, prove, refuse] = totals();
        let (types, cells) = (handlers().count(), handlers().count().saturating_mul(ORIGINS.len()));
        write!(f, "\n{types} media types, {cells} cells: {take} take, {ask} ask, ")?;
        writeln!(f, "{prove} prove and ask, {refuse} refuse.")
    }
}

/// The decisions of a row.
fn row(handler: Handler, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for origin in ORIGINS {
        write!(f, " {} |", decide(handler, origin))?;
    }
    f.write_str("\n")
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Take => "take",
            Self::Ask => "ask",
            Self::Prove => "prove, ask",
            Self::Refuse => "refuse",
        })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Push => "push",
            Self::Http { authenticated: false } => "HTTP",
            Self::Http { authenticated: true } => "HTTPS",
            Self::File => "file",
            Self::Tunnel { authenticated: false } => "tunnel, server unknown",
            Self::Tunnel { authenticated: true } => "tunnel",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Refusal, TYPES, handler};
    use super::*;
    use kedge_protocol::mime::MediaType;
    use std::string::ToString;

    const DOCUMENT: &str = include_str!("../../DISPATCH.md");

    #[test]
    fn the_documentation_shows_the_table() {
        assert!(DOCUMENT.contains(&Table.to_string()), "agent/DISPATCH.md must contain:\n{Table}");
    }

    /// Every cell, read back from the documentation: what it says is what happens.
    #[test]
    fn every_cell_is_what_the_documentation_says() {
        let mut cells = 0;
        let mut lines = DOCUMENT.lines().filter(|line| line.starts_with('|'));
        let columns: std::vec::Vec<_> = lines.next().unwrap().split('|').skip(2).map(str::trim).collect();
        for line in lines.skip(1) {
            let mut fields = line.split('|').skip(1).map(str::trim);
            let media_type = MediaType::parse(fields.next().unwrap()).unwrap();
            for (column, said) in columns.iter().zip(fields) {
                let Some(origin) = ORIGINS.into_iter().find(|origin| origin.to_string() == *column) else {
                    continue;
                };
                match handler(&media_type, origin) {
                    Ok(found) => assert_eq!(decide(found, origin).to_string(), said, "{line}"),
                    Err(why) => assert_eq!((why, said), (Refusal::Origin, "refuse"), "{line}"),
                }
                cells += 1;
            }
        }
        assert_eq!(cells, handlers().count() * ORIGINS.len());
        assert_eq!(totals().iter().sum::<usize>(), cells);
        std::println!("decision table: {cells} cells, {:?} (take, ask, prove, refuse)", totals());
    }

    #[test]
    fn no_type_is_registered_twice() {
        for (place, (name, _)) in TYPES.iter().enumerate() {
            assert!(
                TYPES.iter().skip(place + 1).all(|(other, _)| !other.eq_ignore_ascii_case(name)),
                "{name}"
            );
        }
    }
}
