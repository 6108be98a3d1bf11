//! What the firmware decides of CDMA programming: which number assignment is used, and what the network may do.

use core::ffi::c_void;

use kedge_agent::config::{Authentication, Security};
use kedge_agent::store::Nam;
use kedge_platform_crypto::a_key;

use crate::agent::{KedgeAgent, call, hand_out};
use crate::status::KedgeStatus;

/// The number assignment that a phone begins with.
pub const KEDGE_NAM_FIRST: u8 = 0;

/// The other one.
pub const KEDGE_NAM_SECOND: u8 = 1;

/// Uses this number assignment, `KEDGE_NAM_FIRST` or `KEDGE_NAM_SECOND`, from now on: what is programmed goes there, and the radio
/// registers with it if it holds anything. `selected` says whether it is so; not while the agent does something else, or has a
/// session to resume.
///
/// # Safety
/// `agent` is what `kedge_agent_start` gave, nobody else is in it, and `selected` is for us to write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kedge_agent_select_nam(
    agent: *mut KedgeAgent,
    nam: u8,
    selected: *mut bool,
) -> KedgeStatus {
    let nam = match nam {
        KEDGE_NAM_FIRST => Nam::First,
        KEDGE_NAM_SECOND => Nam::Second,
        _ => return KedgeStatus::Misuse,
    };
    // SAFETY: as the caller promises.
    let result =
        unsafe { call(agent, |parts| parts.agent.select_nam(&mut parts.ports.context(parts.events), nam)) };
    // SAFETY: as the caller promises.
    unsafe { hand_out(result, selected, |selected| selected) }
}

/// Says which number assignment is used.
///
/// # Safety
/// `agent` is what `kedge_agent_start` gave, nobody else is in it, and `nam` is for us to write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kedge_agent_nam(agent: *mut KedgeAgent, nam: *mut u8) -> KedgeStatus {
    // SAFETY: as the caller promises.
    let result = unsafe { call(agent, |parts| parts.agent.nam(&mut parts.ports.flash)) };
    let convert = |nam| match nam {
        Nam::First => KEDGE_NAM_FIRST,
        Nam::Second => KEDGE_NAM_SECOND,
    };
    // SAFETY: as the caller promises.
    unsafe { hand_out(result, nam, convert) }
}

/// Whether the network may begin parameter administration (OTAPA); it may unless this was called with `false`. Kept in the store.
///
/// # Safety
/// `agent` is what `kedge_agent_start` gave, and nobody else is in it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kedge_agent_allow_otapa(agent: *mut KedgeAgent, allowed: bool) -> KedgeStatus {
    // SAFETY: as the caller promises.
    let result = unsafe {
        call(agent, |parts| parts.agent.allow_otapa(&mut parts.ports.context(parts.events), allowed))
    };
    result.map_or_else(|status| status, |()| KedgeStatus::Ok)
}

/// The security procedures of IS-683 that the device can do.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KedgeSecurity {
    /// For the function.
    pub context: *mut c_void,
    /// The A-key exchange (revision 2); the private number comes from the entropy port, which must then be fit for keys.
    pub key_exchange: bool,
    /// Writes the AUTH_OTAPA (18 bits) over a RAND_OTAPA, as the modem's CAVE and shared secret data make it; 0: done, any other
    /// number: not now. Null: nobody can prove himself to a protected number assignment.
    pub auth_otapa:
        Option<unsafe extern "C" fn(context: *mut c_void, rand_otapa: u32, auth_otapa: *mut u32) -> i32>,
}

impl Authentication for KedgeSecurity {
    fn auth_otapa(&self, rand_otapa: u32) -> Option<u32> {
        let mut auth = 0;
        // SAFETY: the function takes these, as its type says.
        let done = unsafe { self.auth_otapa?(self.context, rand_otapa, &raw mut auth) };
        (done == 0).then_some(auth)
    }
}

/// Sets what the device can do of the security procedures; after every start, before anything else. Without it there are none: the
/// key exchange is refused and not advertised.
///
/// # Safety
/// `agent` is what `kedge_agent_start` gave, nobody else is in it, and `security` stays for as long as the agent is used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kedge_agent_set_security(
    agent: *mut KedgeAgent,
    security: *const KedgeSecurity,
) -> KedgeStatus {
    // SAFETY: as the caller promises.
    let Some(security): Option<&'static KedgeSecurity> = (unsafe { security.as_ref() }) else {
        return KedgeStatus::Pointer;
    };
    let set = Security {
        power: if security.key_exchange { Some(a_key::power) } else { None },
        auth_otapa: if security.auth_otapa.is_some() { Some(security) } else { None },
    };
    // SAFETY: as the caller promises.
    let result = unsafe {
        call(agent, |parts| {
            parts.agent.set_security(set);
            Ok(())
        })
    };
    result.map_or_else(|status| status, |()| KedgeStatus::Ok)
}
