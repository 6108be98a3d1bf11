//! The agent.

use core::ffi::c_char;
use core::fmt::{self, Write as _};
use core::mem::{align_of, size_of};

use kedge_agent::agent::{Agent, Arrived, Bearer, Buffers, Memory, Messages};
use kedge_agent::error::AgentError;
use kedge_agent::runner::{self, Pause};
use kedge_agent::trigger::Accepted;
use kedge_protocol::is683::Engine;
use kedge_protocol::is683::engine::Mode;
use kedge_protocol::sms::cdma::{MAX_DATAGRAM, Receiver};
use kedge_protocol::wire::Slot;

use crate::config::{KedgeConfig, Tables};
use crate::event::KedgeEvents;
use crate::ports::{Checked, FlashFailed, KedgePorts, KedgeRestart, milliseconds};
use crate::status::KedgeStatus;
use crate::text::{octets, room};

/// Largest preferred roaming list, in octets.
pub const KEDGE_PRL_ROOM: usize = 16384;

/// Octets of memory that an agent takes, its buffers for messages not counted.
pub const KEDGE_AGENT_SIZE: usize = 65536;

/// What the address of that memory must be a multiple of.
pub const KEDGE_AGENT_ALIGN: usize = 16;

const _: () = assert!(size_of::<KedgeAgent>() <= KEDGE_AGENT_SIZE, "KEDGE_AGENT_SIZE is too small");
const _: () = assert!(align_of::<KedgeAgent>() <= KEDGE_AGENT_ALIGN, "KEDGE_AGENT_ALIGN is too small");

/// Never, as an uptime.
pub const KEDGE_NEVER: u64 = u64::MAX;

/// An agent with everything it needs; only its address is for the caller.
pub struct KedgeAgent {
    ports: Checked,
    events: KedgeEvents,
    tables: Tables,
    engine: Engine<KEDGE_PRL_ROOM>,
    messages: Receiver,
    fault: heapless::String<FAULT>,
    agent: Slot<Agent<'static, KEDGE_PRL_ROOM>>,
}

/// Octets of the words for a fault.
const FAULT: usize = 120;

/// Why `kedge_agent_poll` returned.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KedgeNextKind {
    /// There is nothing to do before `at_ms`, or before something arrives.
    Idle = 0,
    /// The device was told to restart, and did not: the agent must be started anew.
    Restarted = 1,
}

/// When to call `kedge_agent_poll` again.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KedgeNext {
    /// Why it returned.
    pub kind: KedgeNextKind,
    /// The uptime at which to call again; `KEDGE_NEVER`: not before something arrives.
    pub at_ms: u64,
    /// With `KEDGE_NEXT_KIND_RESTARTED`: why.
    pub why: KedgeRestart,
}

/// Memory that is lent to an agent for as long as it lives.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KedgeMemory {
    /// `KEDGE_AGENT_SIZE` octets, aligned to `KEDGE_AGENT_ALIGN`.
    pub agent: *mut u8,
    /// Octets there.
    pub agent_len: usize,
    /// For what is received: the largest body; at least 1 KiB, the conformance minimum is 128 KiB.
    pub receive: *mut u8,
    /// Octets there.
    pub receive_len: usize,
    /// For what is sent: the largest answer; at least 2 KiB.
    pub send: *mut u8,
    /// Octets there.
    pub send_len: usize,
}

/// Starts an agent from what flash holds: confirms a new firmware (to have come this far is the health check), and takes up
/// whatever was interrupted. `agent` is then where the memory is; there is nothing to end it with, as nothing is held: it is
/// forgotten, and its memory used for something else.
///
/// # Safety
/// The structures are what their types say; what they lead to stays for as long as the agent is used, and nobody else uses
/// the memory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kedge_agent_start(
    config: *const KedgeConfig,
    ports: *const KedgePorts,
    memory: *const KedgeMemory,
    agent: *mut *mut KedgeAgent,
) -> KedgeStatus {
    // SAFETY: as the caller promises.
    let (config, ports, memory) = unsafe { (config.as_ref(), ports.as_ref(), memory.as_ref()) };
    let (Some(config), Some(ports), Some(memory)) = (config, ports, memory) else {
        return KedgeStatus::Pointer;
    };
    if agent.is_null() {
        return KedgeStatus::Pointer;
    }
    // SAFETY: as the caller promises.
    match unsafe { start(config, ports, memory) } {
        Ok(started) => {
            // SAFETY: not null, and for us to write, as the caller promises.
            unsafe { agent.write(started) };
            KedgeStatus::Ok
        }
        Err(status) => status,
    }
}

/// # Safety
/// As for [`kedge_agent_start`].
unsafe fn start(
    config: &KedgeConfig,
    ports: &KedgePorts,
    memory: &KedgeMemory,
) -> Result<*mut KedgeAgent, KedgeStatus> {
    let this: *mut KedgeAgent = memory.agent.cast();
    if this.is_null() {
        return Err(KedgeStatus::Pointer);
    }
    let aligned = memory.agent.align_offset(KEDGE_AGENT_ALIGN) == 0;
    if memory.agent_len < KEDGE_AGENT_SIZE || !aligned {
        return Err(KedgeStatus::Memory);
    }
    // SAFETY: as the caller promises.
    let (receive, send) =
        unsafe { (room(memory.receive, memory.receive_len), room(memory.send, memory.send_len)) };
    let (Some(receive), Some(send)) = (receive, send) else { return Err(KedgeStatus::Pointer) };
    // SAFETY: the memory is large enough, aligned, and ours; each field is written before it is lent, and the whole is never
    // borrowed, so that the agent may hold on to the fields it is lent.
    unsafe {
        (&raw mut (*this).ports).write(ports.check()?);
        (&raw mut (*this).events).write(ports.events);
        (&raw mut (*this).tables).write(Tables::read(config)?);
        (&raw mut (*this).engine).write(Engine::new());
        (&raw mut (*this).messages).write(Receiver::new());
        (&raw mut (*this).fault).write(heapless::String::new());
        let version = ports.identity.version;
        let version = crate::text::text(version).ok_or(KedgeStatus::Text)?;
        let config = (*this).tables.config(config, version);
        let memory = Memory {
            buffers: Buffers { receive, send },
            engine: &mut (*this).engine,
            messages: Messages::cdma(&mut (*this).messages),
        };
        let (ports, events) = (&mut (*this).ports, &mut (*this).events);
        let place = &raw mut (*this).agent;
        place.write(Slot::Empty);
        let started = Agent::start_in(&mut *place, config, memory, &mut ports.context(events));
        started.map_err(|error| KedgeStatus::from(&error))?;
    }
    Ok(this)
}

/// What a call works on.
pub(crate) struct Parts {
    pub(crate) ports: &'static mut Checked,
    pub(crate) events: &'static mut KedgeEvents,
    fault: &'static mut heapless::String<FAULT>,
    pub(crate) agent: &'static mut Agent<'static, KEDGE_PRL_ROOM>,
}

impl Parts {
    /// # Safety
    /// `this` is null or what [`kedge_agent_start`] gave, and nobody else is in it.
    unsafe fn of(this: *mut KedgeAgent) -> Option<Self> {
        if this.is_null() || !this.is_aligned() {
            return None;
        }
        // SAFETY: the fields are there since the start, and what the agent was lent is none of these.
        unsafe {
            Some(Self {
                ports: &mut (*this).ports,
                events: &mut (*this).events,
                fault: &mut (*this).fault,
                agent: (*this).agent.as_mut()?,
            })
        }
    }

    /// Keeps the words for a fault, and gives its number.
    fn outcome<T>(
        fault: &mut heapless::String<FAULT>,
        result: Result<T, AgentError<FlashFailed>>,
    ) -> Result<T, KedgeStatus> {
        fault.clear();
        result.map_err(|error| {
            // What does not fit is left out.
            let _ = write!(Cut(fault), "{error}");
            KedgeStatus::from(&error)
        })
    }
}

/// Takes as much of a text as there is room for, but for a zero octet.
struct Cut<'t>(&'t mut heapless::String<FAULT>);

impl fmt::Write for Cut<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            if self.0.len().saturating_add(c.len_utf8()) >= FAULT || self.0.push(c).is_err() {
                return Err(fmt::Error);
            }
        }
        Ok(())
    }
}

/// Runs one call of an agent; `result` says what it comes to.
///
/// # Safety
/// As for [`Parts::of`].
pub(crate) unsafe fn call<T>(
    agent: *mut KedgeAgent,
    work: impl FnOnce(&mut Parts) -> Result<T, AgentError<FlashFailed>>,
) -> Result<T, KedgeStatus> {
    // SAFETY: as the caller promises.
    let mut parts = unsafe { Parts::of(agent) }.ok_or(KedgeStatus::Pointer)?;
    let result = work(&mut parts);
    Parts::outcome(parts.fault, result)
}

/// Writes a result where C wants it.
///
/// # Safety
/// `to` is null or for us to write.
pub(crate) unsafe fn hand_out<T, U>(
    result: Result<T, KedgeStatus>,
    to: *mut U,
    convert: impl FnOnce(T) -> U,
) -> KedgeStatus {
    match result {
        Ok(_) if to.is_null() => KedgeStatus::Pointer,
        Ok(value) => {
            // SAFETY: as the caller promises.
            unsafe { to.write(convert(value)) };
            KedgeStatus::Ok
        }
        Err(status) => status,
    }
}

/// Does what there is to do, and says when to call again. Blocks while a slow port (HTTP, modem, user) does.
///
/// # Safety
/// `agent` is what `kedge_agent_start` gave, nobody else is in it, and `next` is for us to write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kedge_agent_poll(agent: *mut KedgeAgent, next: *mut KedgeNext) -> KedgeStatus {
    // SAFETY: as the caller promises.
    let paused = unsafe { call(agent, |parts| runner::run(parts.agent, parts.ports, parts.events)) };
    let convert = |pause| match pause {
        Pause::Idle(until) => KedgeNext {
            kind: KedgeNextKind::Idle,
            at_ms: until.map_or(KEDGE_NEVER, milliseconds),
            why: KedgeRestart::Settings,
        },
        Pause::Restarted(why) => {
            KedgeNext { kind: KedgeNextKind::Restarted, at_ms: KEDGE_NEVER, why: why.into() }
        }
    };
    // SAFETY: as the caller promises.
    unsafe { hand_out(paused, next, convert) }
}

const fn accepted(accepted: Accepted) -> KedgeStatus {
    match accepted {
        Accepted::Queued | Accepted::Merged => KedgeStatus::Ok,
        Accepted::Refused => KedgeStatus::Misuse,
    }
}

/// The activation button: a session at the activation URL, held by the next `kedge_agent_poll`. `KEDGE_STATUS_MISUSE`: another
/// one waits already.
///
/// # Safety
/// `agent` is what `kedge_agent_start` gave, and nobody else is in it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kedge_agent_activate(agent: *mut KedgeAgent) -> KedgeStatus {
    // SAFETY: as the caller promises.
    let result = unsafe { call(agent, |parts| parts.agent.activate(&mut parts.ports.context(parts.events))) };
    result.map_or_else(|status| status, accepted)
}

/// The user looks for a software update; otherwise as `kedge_agent_activate`.
///
/// # Safety
/// `agent` is what `kedge_agent_start` gave, and nobody else is in it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kedge_agent_check_for_update(agent: *mut KedgeAgent) -> KedgeStatus {
    // SAFETY: as the caller promises.
    let result =
        unsafe { call(agent, |parts| parts.agent.check_for_update(&mut parts.ports.context(parts.events))) };
    result.map_or_else(|status| status, accepted)
}

/// Takes a connectionless WSP push, as it came by short message to port 2948. What is malformed, unknown or not trusted is shown
/// as an event and changes nothing.
///
/// # Safety
/// `agent` is what `kedge_agent_start` gave, nobody else is in it, and there are `len` octets.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kedge_agent_push(agent: *mut KedgeAgent, pdu: *const u8, len: usize) -> KedgeStatus {
    // SAFETY: as the caller promises.
    let Some(pdu) = (unsafe { octets(pdu, len) }) else { return KedgeStatus::Pointer };
    // SAFETY: as the caller promises.
    let result =
        unsafe { call(agent, |parts| parts.agent.push(&mut parts.ports.context(parts.events), pdu)) };
    result.map_or_else(|status| status, |()| KedgeStatus::Ok)
}

/// Takes a short message of CDMA (IS-637 transport layer). `taken` says whether it was the agent's; the device's other
/// applications get those that were not.
///
/// # Safety
/// `agent` is what `kedge_agent_start` gave, nobody else is in it, there are `len` octets, and `taken` is for us to write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kedge_agent_short_message(
    agent: *mut KedgeAgent,
    message: *const u8,
    len: usize,
    taken: *mut bool,
) -> KedgeStatus {
    // SAFETY: as the caller promises.
    let Some(message) = (unsafe { octets(message, len) }) else { return KedgeStatus::Pointer };
    // SAFETY: as the caller promises.
    let result = unsafe {
        call(agent, |parts| {
            let (context, mut datagram) = (&mut parts.ports.context(parts.events), [0; MAX_DATAGRAM]);
            let arrived = parts.agent.message(context, Bearer::Cdma, message, &mut datagram);
            arrived.map(|arrived| arrived == Arrived::Taken)
        })
    };
    // SAFETY: as the caller promises.
    unsafe { hand_out(result, taken, |taken| taken) }
}

/// An OTASP call is up, which the user dialled (`by_user`), or the network's first data burst has come. `taken` says whether the
/// agent goes along: not while it does something else.
///
/// # Safety
/// `agent` is what `kedge_agent_start` gave, nobody else is in it, and `taken` is for us to write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kedge_agent_otasp_begin(
    agent: *mut KedgeAgent,
    by_user: bool,
    taken: *mut bool,
) -> KedgeStatus {
    let mode = if by_user { Mode::UserInitiated } else { Mode::NetworkInitiated };
    // SAFETY: as the caller promises.
    let result =
        unsafe { call(agent, |parts| parts.agent.otasp_begin(&mut parts.ports.context(parts.events), mode)) };
    // SAFETY: as the caller promises.
    unsafe { hand_out(result, taken, |taken| taken) }
}

/// Takes a forward message of the call, and writes the reverse message to send back; 0 octets: there is none.
/// `KEDGE_STATUS_ROOM`: it does not fit, and `out_len` says how long it is; 2048 octets are always enough.
///
/// # Safety
/// `agent` is what `kedge_agent_start` gave, nobody else is in it, there are `len` octets, room for `out_room`, and `out_len` is
/// for us to write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kedge_agent_otasp_message(
    agent: *mut KedgeAgent,
    forward: *const u8,
    len: usize,
    out: *mut u8,
    out_room: usize,
    out_len: *mut usize,
) -> KedgeStatus {
    // SAFETY: as the caller promises.
    let (forward, out) = unsafe { (octets(forward, len), room(out, out_room)) };
    let (Some(forward), Some(out)) = (forward, out) else { return KedgeStatus::Pointer };
    let answer = |parts: &mut Parts| {
        let mut context = parts.ports.context(parts.events);
        let reverse = parts.agent.otasp_message(&mut context, forward).unwrap_or_default();
        if let Some(to) = out.get_mut(..reverse.len()) {
            to.copy_from_slice(reverse);
        }
        Ok(reverse.len())
    };
    // SAFETY: as the caller promises.
    let len = unsafe { call(agent, answer) };
    let fits = len.is_ok_and(|len| len <= out_room);
    // SAFETY: as the caller promises.
    match unsafe { hand_out(len, out_len, |len| len) } {
        KedgeStatus::Ok if !fits => KedgeStatus::Room,
        status => status,
    }
}

/// The call was released: what was not committed is dropped, what was committed is used.
///
/// # Safety
/// `agent` is what `kedge_agent_start` gave, and nobody else is in it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kedge_agent_otasp_end(agent: *mut KedgeAgent) -> KedgeStatus {
    // SAFETY: as the caller promises.
    let result =
        unsafe { call(agent, |parts| parts.agent.otasp_end(&mut parts.ports.context(parts.events))) };
    result.map_or_else(|status| status, |()| KedgeStatus::Ok)
}

/// How far activation came.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KedgeActivation {
    /// The network's settings are committed.
    pub committed: bool,
    /// The network knows it.
    pub confirmed: bool,
    /// The radio has registered with them.
    pub registered: bool,
}

/// Says how far activation came.
///
/// # Safety
/// `agent` is what `kedge_agent_start` gave, nobody else is in it, and `activation` is for us to write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kedge_agent_activation(
    agent: *mut KedgeAgent,
    activation: *mut KedgeActivation,
) -> KedgeStatus {
    // SAFETY: as the caller promises.
    let result = unsafe { call(agent, |parts| parts.agent.activation(&mut parts.ports.flash)) };
    let convert = |done: kedge_agent::store::Activation| KedgeActivation {
        committed: done.committed,
        confirmed: done.confirmed,
        registered: done.registered,
    };
    // SAFETY: as the caller promises.
    unsafe { hand_out(result, activation, convert) }
}

/// What went wrong in the last call that did: `out` gets as much of the words as fits, and a zero octet.
///
/// # Safety
/// `agent` is what `kedge_agent_start` gave, nobody else is in it, and there is room for `room_len` octets.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kedge_agent_fault(
    agent: *mut KedgeAgent,
    out: *mut c_char,
    room_len: usize,
) -> KedgeStatus {
    // SAFETY: as the caller promises.
    let (parts, out) = unsafe { (Parts::of(agent), room(out.cast(), room_len)) };
    let (Some(parts), Some(out)) = (parts, out) else { return KedgeStatus::Pointer };
    let words = parts.fault.as_bytes().iter().copied().chain(core::iter::once(0));
    let Some(most) = room_len.checked_sub(1) else { return KedgeStatus::Room };
    for (to, from) in out.iter_mut().zip(words) {
        *to = from;
    }
    if let Some(last) = out.get_mut(most) {
        *last = 0;
    }
    KedgeStatus::Ok
}
