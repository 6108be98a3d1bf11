//! Keys, protected number assignments, and phones with two of them.

use kedge_network::AccountState;

use super::{Before, Scenario, activated, list_updated, locked_out, require};
use crate::world::Facts;

/// Variants of `one-button` and `prl-update`.
pub(super) const FLOWS: [Scenario; 6] = [
    Scenario {
        name: "one-button/a-key",
        title: "a new A-key is agreed on in the same session",
        set: |s| s.a_key = true,
        check: |f| {
            activated(f)?;
            require(f.account.a_key.is_some() && f.a_key == f.account.a_key, "the two ends hold other A-keys")
        },
    },
    Scenario {
        name: "one-button/wrong-spc",
        title: "the operator has another service programming code",
        set: |s| (s.spc, s.operator_spc) = ((*b"123456", true), Some(*b"654321")),
        check: locked_out,
    },
    Scenario {
        name: "one-button/second-number",
        title: "the second number assignment is activated, and the first one stays",
        set: |s| s.before = Before::SecondNumber,
        check: |f| {
            activated(f)?;
            require(f.other_nam == f.account.nam_blocks(), "the first number assignment changed")
        },
    },
    Scenario {
        name: "prl-update/spasm",
        title: "the number assignment is protected, and the network proves itself",
        set: |s| (s.protected, s.can_sign) = (true, true),
        check: list_updated,
    },
    Scenario {
        name: "prl-update/spasm-unproven",
        title: "the number assignment is protected, and the network cannot prove itself",
        set: |s| s.protected = true,
        check: not_updated,
    },
    Scenario {
        name: "prl-update/otapa-off",
        title: "the user does not let the network begin by itself",
        set: |s| s.otapa_off = true,
        check: not_updated,
    },
];

/// The handset refused, and holds and uses what it had.
fn not_updated(f: &Facts) -> Result<(), String> {
    let errand = f.errand.as_ref().ok_or("nothing was wanted")?;
    require(!errand.refusals.is_empty() && errand.completions == 0, "the update was not refused")?;
    require(f.prl == f.account.profile.prl, "the handset holds another list")?;
    require(f.account.state == AccountState::Activated, "the account changed")?;
    require(f.shown.is_empty(), &format!("the user was shown {:?}", f.shown))
}
