//! Who may program: the service programming lock, and the order of a network-initiated session.
use super::Mode;
use super::phone::Phone;
use crate::is683::validation::Spasm;
use crate::is683::{Block, MsgType, ResultCode, Spc, ValidationBlockId};
use crate::wire::{ErrorKind, Slot};

/// Wrong codes until the lock stays shut for the rest of the session. The count survives restarts until a right code
/// comes; a later session then has one try, so that no handset is lost for good.
pub const SPC_TRIES: u8 = 5;

/// Result while SPASM protects the NAM and the network has not proven itself. No source tells the code; the
/// parameters are locked just as by the service programming code.
pub const SPASM_PENDING: ResultCode = ResultCode::LOCKED;

/// Wrong AUTH_OTAPA until no more are looked at in this session. A later session has another challenge, so nothing needs to
/// be remembered: of 2^18 answers one is right.
pub const SPASM_TRIES: u8 = 3;

/// Result of OTAPA Request "start" on a phone whose user does not let the network begin by itself. No source tells the code.
pub const OTAPA_DISABLED: ResultCode = ResultCode::REJECTED;

/// Result of validation blocks behind one that failed, in an open session (in a locked one: locked).
pub const AFTER_FAILED_VALIDATION: ResultCode = ResultCode::REJECTED;

/// What the session lets pass.
#[derive(Debug)]
pub(super) struct Lock {
    phase: Phase,
    /// Whether the service programming lock is open; not known before the first message.
    open: Slot<bool>,
    /// Codes the network may still try; not known before the first try.
    tries: Option<u8>,
    /// Wrong signatures in this session.
    spasm_failures: u8,
    /// A new code, for the commit.
    pub(super) new_spc: Option<Spc>,
    /// A new NAM_LOCK, for the commit.
    pub(super) new_protection: Slot<bool>,
}

/// Where the session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Phase {
    /// The user began it: no order to keep. 0, so that an engine that was not used yet is zeros.
    User,
    /// The network began it, and OTAPA Request "start" has not come.
    Waiting,
    /// Started; with a challenge the NAM is protected until it is answered.
    Started { rand_otapa: Option<u32>, proven: bool },
    /// Ended by OTAPA Request "stop".
    Stopped,
}

impl Lock {
    pub(super) const fn new(mode: Mode) -> Self {
        let phase = match mode {
            Mode::UserInitiated => Phase::User,
            Mode::NetworkInitiated => Phase::Waiting,
        };
        let (new_spc, new_protection) = (None, Slot::Empty);
        Self { phase, open: Slot::Empty, tries: None, spasm_failures: 0, new_spc, new_protection }
    }

    /// Whether the service programming lock is open.
    pub(super) fn is_open(&self) -> bool {
        self.open == Slot::Held(true)
    }

    /// Whether no more codes are tried in this session.
    pub(super) fn is_exhausted(&self) -> bool {
        self.tries == Some(0)
    }

    /// Whether a network-initiated session is running.
    pub(super) const fn is_started(&self) -> bool {
        matches!(self.phase, Phase::Started { .. })
    }

    /// Drops what waits for the commit.
    pub(super) fn clear(&mut self) {
        (self.new_spc, self.new_protection) = (None, Slot::Empty);
    }

    /// Why a message of this type is refused, if it is.
    pub(super) fn refusal(&mut self, phone: &impl Phone, msg_type: MsgType) -> Option<ResultCode> {
        // With the factory code the lock is open from the start, also after another code is committed on the way.
        let open = self.open.get().unwrap_or_else(|| phone.spc().is_factory());
        self.open = Slot::Held(open);
        if matches!(msg_type, MsgType::OTAPA | MsgType::PROTOCOL_CAPABILITY) {
            return None;
        }
        match self.phase {
            Phase::Waiting | Phase::Stopped => Some(ResultCode::UNEXPECTED_MESSAGE),
            _ if msg_type == MsgType::VALIDATION => None,
            _ if !open => Some(ResultCode::LOCKED),
            Phase::Started { rand_otapa: Some(_), proven: false } => Some(SPASM_PENDING),
            Phase::Started { .. } | Phase::User => None,
        }
    }

    /// OTAPA Request: the result, and the challenge if SPASM protects the NAM. Repeats are answered alike.
    pub(super) fn otapa(&mut self, phone: &mut impl Phone, start: bool) -> (ResultCode, Option<u32>) {
        match (self.phase, start) {
            (Phase::Waiting, true) if !phone.otapa_enabled() => (OTAPA_DISABLED, None),
            (Phase::Waiting, true) => {
                // Also where the device cannot check the answer: what is protected then stays as it is.
                let rand_otapa = phone.otapa_challenge();
                self.phase = Phase::Started { rand_otapa, proven: false };
                (ResultCode::ACCEPTED, rand_otapa)
            }
            (Phase::Started { rand_otapa, .. }, true) => (ResultCode::ACCEPTED, rand_otapa),
            (Phase::Started { .. }, false) => {
                self.phase = Phase::Stopped;
                (ResultCode::ACCEPTED, None)
            }
            (Phase::Stopped, false) => (ResultCode::ACCEPTED, None),
            (Phase::User, _) | (Phase::Waiting, false) | (Phase::Stopped, true) => {
                (ResultCode::UNEXPECTED_MESSAGE, None)
            }
        }
    }

    /// One block of a Validation Request.
    pub(super) fn validate(&mut self, phone: &mut impl Phone, block: Block<'_>) -> ResultCode {
        match ValidationBlockId(block.id) {
            ValidationBlockId::VERIFY_SPC => self.verify(phone, block.data),
            ValidationBlockId::CHANGE_SPC => self.change(phone, block.data),
            ValidationBlockId::VALIDATE_SPASM => self.spasm(phone, block.data),
            _ => ResultCode::BLOCK_NOT_SUPPORTED,
        }
    }

    /// Result of a validation block that is not looked at, because one before it failed.
    pub(super) fn after_failure(&self) -> ResultCode {
        if self.is_open() { AFTER_FAILED_VALIDATION } else { ResultCode::LOCKED }
    }

    fn verify(&mut self, phone: &mut impl Phone, data: &[u8]) -> ResultCode {
        let spc = match Spc::parse(data, 0) {
            Ok(spc) => Some(spc),
            // Six digits of which one is none: a wrong code, and counted as one.
            Err(e) if e.kind == ErrorKind::BadValue => None,
            Err(_) => return ResultCode::DATA_SIZE_MISMATCH,
        };
        let failures = phone.spc_failures();
        let tries = self.tries.unwrap_or(SPC_TRIES.saturating_sub(failures).max(1));
        self.tries = Some(tries);
        if tries == 0 {
            return ResultCode::INVALID_SPC;
        }
        if spc.is_some_and(|spc| spc == phone.spc()) {
            self.open = Slot::Held(true);
            self.tries = Some(SPC_TRIES);
            // A count that cannot be cleared only makes later sessions stricter.
            if failures != 0 {
                let _ = phone.set_spc_failures(0);
            }
            return ResultCode::ACCEPTED;
        }
        let counted = phone.set_spc_failures(failures.saturating_add(1));
        // A try that cannot be counted must be the last one.
        self.tries = Some(if counted.is_ok() { tries.saturating_sub(1) } else { 0 });
        ResultCode::INVALID_SPC
    }

    fn change(&mut self, phone: &impl Phone, data: &[u8]) -> ResultCode {
        if !self.is_open() {
            return ResultCode::LOCKED;
        }
        match Spc::parse(data, 0) {
            Ok(_) if !phone.allow_spc_change() => ResultCode::SPC_CHANGE_DENIED,
            Ok(spc) => {
                self.new_spc = Some(spc);
                ResultCode::ACCEPTED
            }
            Err(e) => super::refusal_of(e),
        }
    }

    fn spasm(&mut self, phone: &impl Phone, data: &[u8]) -> ResultCode {
        let Phase::Started { rand_otapa, proven } = self.phase else { return ResultCode::UNEXPECTED_BLOCK };
        if !phone.has_spasm() {
            return ResultCode::BLOCK_NOT_SUPPORTED;
        }
        let spasm = match Spasm::parse(data, 0) {
            Ok(spasm) => spasm,
            Err(e) => return super::refusal_of(e),
        };
        let right = |rand| spasm.auth_otapa.is_some_and(|auth| phone.check_auth_otapa(rand, auth));
        if let (Some(rand), false) = (rand_otapa, proven)
            && (self.spasm_failures >= SPASM_TRIES || !right(rand))
        {
            self.spasm_failures = self.spasm_failures.saturating_add(1);
            return ResultCode::INVALID_SPASM;
        }
        self.phase = Phase::Started { rand_otapa, proven: true };
        self.new_protection = Slot::Held(spasm.nam_lock);
        ResultCode::ACCEPTED
    }
}
