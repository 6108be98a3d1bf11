//! The verdict against a second formulation of section 7.3, written as a list of intervals and not as a sequence of rules.

use kedge_protocol::license::verdict::{Denial, Facts, Grace, Terms, Verdict, verdict};
use kedge_protocol::license::{Serial, State};

const END: u64 = 1_000_000;

/// The second formulation: the earliest moment at which each weaker verdict begins, then the one that has begun last.
fn oracle(terms: &Terms, facts: &Facts) -> Verdict {
    let never = u64::MAX;
    let denied_at_once =
        [(terms.state == State::Unknown, Denial::Unknown), (facts.stand_in == Some(false), Denial::Unknown)];
    if let Some((_, why)) = denied_at_once.into_iter().find(|(is, _)| *is) {
        return Verdict::Denied(why);
    }
    if facts.stand_in.is_some() {
        return Verdict::Grace(Grace::Storage);
    }
    let left = |budget: Option<u32>, used: u32| budget.map_or(i64::MAX, i64::from) - i64::from(used);
    if left(terms.usage_budget, facts.usage).min(left(terms.boot_budget, facts.boots)) <= 0 {
        return Verdict::Denied(Denial::Budget);
    }
    let end = if facts.has_clock { terms.expires.unwrap_or(never) } else { never };
    let phases = [
        (0, Verdict::Allowed),
        (terms.refresh_at.unwrap_or(never).min(end), Verdict::RefreshDue),
        (end, Verdict::Grace(Grace::Expired)),
        (end.saturating_add(u64::from(terms.grace)), Verdict::Denied(Denial::Expired)),
    ];
    let begun = phases.into_iter().rfind(|(at, _)| *at != never && *at <= facts.now);
    // a refresh date behind the end never comes
    match begun {
        Some((at, Verdict::RefreshDue)) if Some(at) != terms.refresh_at => Verdict::Allowed,
        Some((_, verdict)) => verdict,
        None => Verdict::Allowed,
    }
}

#[test]
fn two_formulations_agree() {
    let mut tuples = 0;
    let mut seen = std::collections::BTreeSet::new();
    for state in [State::Unknown, State::Trial, State::Full] {
        for expires in [None, Some(END)] {
            for refresh_at in [None, Some(END / 2), Some(END + 10)] {
                for grace in [0, 100] {
                    for budget in [None, Some(50)] {
                        for stand_in in [None, Some(true), Some(false)] {
                            for has_clock in [true, false] {
                                for used in [0, 49, 50, 51] {
                                    for now in [
                                        0,
                                        END / 2 - 1,
                                        END / 2,
                                        END - 1,
                                        END,
                                        END + 9,
                                        END + 10,
                                        END + 99,
                                        END + 100,
                                        u64::MAX - 1,
                                    ] {
                                        let terms = Terms {
                                            state,
                                            serial: Serial::new(1, 1),
                                            expires,
                                            refresh_at,
                                            grace,
                                            usage_budget: budget,
                                            boot_budget: if used % 2 == 0 { budget } else { None },
                                            ..Terms::NONE
                                        };
                                        let boots = if used > 50 { 0 } else { used };
                                        let facts = Facts { now, has_clock, usage: used, boots, stand_in };
                                        let found = verdict(&terms, &facts);
                                        assert_eq!(found, oracle(&terms, &facts), "{terms:?} {facts:?}");
                                        seen.insert(found.to_string());
                                        tuples += 1;
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    println!("{tuples} tuples, both formulations agree");
    assert!(tuples >= 2000);
    assert_eq!(seen.len(), 7, "every verdict occurs: {seen:?}");
}

#[test]
fn more_time_and_more_use_never_give_more() {
    let rank = |verdict: Verdict| match verdict {
        Verdict::Allowed => 3,
        Verdict::RefreshDue => 2,
        Verdict::Grace(_) => 1,
        Verdict::Denied(_) => 0,
    };
    let terms = Terms {
        state: State::Full,
        expires: Some(500),
        refresh_at: Some(300),
        grace: 100,
        usage_budget: Some(400),
        ..Terms::NONE
    };
    for usage in 0..450 {
        let at =
            |now| rank(verdict(&terms, &Facts { now, has_clock: true, usage, boots: 0, stand_in: None }));
        assert!((0..700).all(|now| at(now) >= at(now + 1)));
        let used = |usage| {
            rank(verdict(&terms, &Facts { now: 100, has_clock: true, usage, boots: 0, stand_in: None }))
        };
        assert!(used(usage) >= used(usage + 1));
    }
}
