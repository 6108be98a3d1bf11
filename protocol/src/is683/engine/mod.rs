//! The IS-683 session of a handset: a request in, its response out, over whatever bearer.
//!
//! ```text
//!   begin(UserInitiated)                     begin(NetworkInitiated)
//!          │                                          │
//!          ▼                                       Waiting ── anything but OTAPA, Capability: 0x06
//!        User ── OTAPA: 0x06                          │ OTAPA start
//!          │                                          ▼
//!          ├── lock shut ── all but Validation, Capability: 0x0A ──┤ Started (SPASM unproven: 0x0A)
//!          │       │ Verify SPC right                              │ OTAPA stop: staged data dropped
//!          ▼       ▼                                               ▼
//!        download, configuration ── staged ── Commit ──► Phone     Stopped ── anything but OTAPA stop, Capability: 0x06
//! ```
//! Downloads are staged in RAM and given to [`Phone::commit`] together; the commit is all or nothing. Everything may be
//! repeated, because requests are sent again when an answer is lost: the same block is staged over itself, a repeated
//! segment is recognised, and a Commit with nothing new to commit is accepted.
//!
//! | messages | answered |
//! |---|---|
//! | NAM, SSPR, Validation, OTAPA, Commit, both Capabilities | in full |
//! | 3GPD | profiles in full where the device has packet data, statuses and secrets staged as octets |
//! | PUZL, MMD, MMSS, eHRPD IMSI | staged and reported as octets where the device keeps them ([`Carried`]), else 0x07 per block |
//! | MMS, home System Tag | like these, and checked: 0x2E for what is no address, 0x2B for what is no text |
//! | MS Key, Key Generation | in full where the device does the arithmetic ([`Phone::power`]), else [`NO_KEY_EXCHANGE`] |
//! | Secure Mode, Service Key Generation | [`NO_KEY_EXCHANGE`]: their keys are made with CAVE, which is not public |
//! | Re-Authenticate | [`EngineError::Unanswerable`]: its response has no place for a result |

mod answers;
mod assembly;
mod download;
mod key_exchange;
mod lock;
mod phone;
mod stage;

#[cfg(test)]
mod tests;

pub use answers::{NOTHING_STORED, OTASP_MOB_P_REV, PUZL_REPORTS};
pub use assembly::{PRL_STRUCTURE, SEGMENT_OUT_OF_ORDER};
pub use key_exchange::{A_KEY_P_REV, AKey, NO_KEY_EXCHANGE, NUMBER, Number, Power};
pub use lock::{AFTER_FAILED_VALIDATION, OTAPA_DISABLED, SPASM_PENDING, SPASM_TRIES, SPC_TRIES};
pub use phone::{Capability, Carried, PacketDataCapability, Phone, PrlInfo, Shelf, Staged, StoreFailed};
pub use stage::STAGE_OCTETS;

use super::{
    Block, Blocks, Direction, Forward, MAX_MESSAGE, MsgType, OctetPairs, Packet, ResultCode, Reverse,
};
use crate::wire::{Error, ErrorKind};
use assembly::Assembly;
use key_exchange::KeyExchange;
use lock::Lock;
use stage::Stage;

/// Largest roaming list of the default profile in octets; devices with less RAM choose a smaller `PRL`.
pub const DEFAULT_PRL: usize = 16_384;

/// Smallest output buffer: a Download Response with 255 blocks. Checked before anything changes, so that a response
/// to a change always fits. A Configuration Response may need more, up to [`MAX_MESSAGE`].
pub const MIN_OUTPUT: usize = 512;

/// Result of a Commit while a roaming list is incomplete: nothing is committed, because what the network meant to store
/// is not here. No source tells the code.
pub const INCOMPLETE_PRL: ResultCode = ResultCode::PRL_LENGTH_MISMATCH;

/// Result of a Commit that the store could not do. No source tells the code.
pub const STORE_FAILED: ResultCode = ResultCode::REJECTED;

/// Who began the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// The user (OTASP): a button, a dialled code.
    UserInitiated,
    /// The network (OTAPA): OTAPA Request "start" has to come first.
    NetworkInitiated,
}

/// Why there is no response; nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EngineError {
    /// The request is not a forward message, or not of a known type.
    Unreadable(Error),
    /// The response does not fit the output buffer.
    NoRoom {
        /// Octets that are surely enough.
        needed: usize,
    },
    /// A request whose response cannot say that it is refused.
    Unanswerable(MsgType),
}

impl EngineError {
    /// The codec error behind it, to be logged and reported.
    pub const fn cause(&self) -> Error {
        match self {
            Self::Unreadable(e) => *e,
            Self::NoRoom { needed } => Error::new(ErrorKind::NoRoom, *needed),
            Self::Unanswerable(_) => Error::new(ErrorKind::Unsupported, 0),
        }
    }
}

impl core::fmt::Display for EngineError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Unreadable(e) => write!(f, "unreadable request: {e}"),
            Self::NoRoom { needed } => write!(f, "output buffer too small, {needed} octets are enough"),
            Self::Unanswerable(msg_type) => write!(f, "{msg_type} Request cannot be answered"),
        }
    }
}

impl core::error::Error for EngineError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Unreadable(e) => Some(e),
            _ => None,
        }
    }
}

/// What a session has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, one per progress code of handset interfaces"
)]
pub struct Progress {
    /// The service programming lock is open.
    pub unlocked: bool,
    /// Too many wrong codes in this session.
    pub spc_tries_exceeded: bool,
    /// A NAM block is staged.
    pub nam_staged: bool,
    /// A directory number is staged.
    pub mdn_staged: bool,
    /// An IMSI_T is staged.
    pub imsi_staged: bool,
    /// Octets of the roaming list received so far.
    pub prl_received: usize,
    /// The roaming list is whole and checked.
    pub prl_staged: bool,
    /// An A-key was agreed on and waits for the commit.
    pub a_key_staged: bool,
    /// Something was committed.
    pub committed: bool,
    /// A network-initiated session is running.
    pub otapa_started: bool,
}

/// The session. `PRL` is the size of the buffer for a roaming list in octets, see [`DEFAULT_PRL`].
#[derive(Debug)]
pub struct Engine<const PRL: usize> {
    lock: Lock,
    stage: Stage,
    prl: Assembly<PRL>,
    keys: KeyExchange,
    committed: bool,
}

impl<const PRL: usize> Engine<PRL> {
    /// An engine in a user-initiated session.
    pub const fn new() -> Self {
        Self {
            lock: Lock::new(Mode::UserInitiated),
            stage: Stage::new(),
            prl: Assembly::new(),
            keys: KeyExchange::new(),
            committed: false,
        }
    }

    /// Begins a new session; what the one before staged and did not commit is dropped.
    pub fn begin(&mut self, mode: Mode) {
        self.drop_staged();
        self.lock = Lock::new(mode);
        self.committed = false;
    }

    /// Whether this session has committed something; the NAM may then be another one.
    pub const fn committed(&self) -> bool {
        self.committed
    }

    /// What this session has reached.
    pub fn progress(&self) -> Progress {
        let nam = Shelf::Family(super::Family::Nam);
        let staged = |id| self.stage.iter().any(|(shelf, block)| shelf == nam && block.id == id);
        Progress {
            unlocked: self.lock.is_open(),
            spc_tries_exceeded: self.lock.is_exhausted(),
            nam_staged: staged(0) || staged(2),
            mdn_staged: staged(1),
            imsi_staged: staged(3),
            prl_received: self.prl.received(),
            prl_staged: self.prl.complete().is_some(),
            a_key_staged: self.keys.key().is_some(),
            committed: self.committed,
            otapa_started: self.lock.is_started(),
        }
    }

    /// Processes one forward message and writes the reverse message into `out` (at least [`MIN_OUTPUT`] octets).
    pub fn handle<'o>(
        &mut self,
        phone: &mut impl Phone,
        forward: &[u8],
        out: &'o mut [u8],
    ) -> Result<&'o [u8], EngineError> {
        if forward.len() > MAX_MESSAGE {
            return Err(EngineError::Unreadable(Error::new(ErrorKind::LimitExceeded, MAX_MESSAGE)));
        }
        let room = out.len().min(MAX_MESSAGE);
        if room < MIN_OUTPUT {
            return Err(EngineError::NoRoom { needed: MIN_OUTPUT });
        }
        let out = out.get_mut(..room).unwrap_or_default();
        let request = Packet::new_checked(Direction::Forward, forward)
            .and_then(|packet| Forward::parse(&packet))
            .map_err(EngineError::Unreadable)?;
        match self.lock.refusal(phone, request.msg_type()) {
            Some(code) => refuse(&request, code, out),
            None => self.answer(phone, &request, out),
        }
    }

    fn answer<'o>(
        &mut self,
        phone: &mut impl Phone,
        request: &Forward<'_>,
        out: &'o mut [u8],
    ) -> Result<&'o [u8], EngineError> {
        match *request {
            Forward::ConfigurationRequest { family, ids } => answers::configuration(phone, family, ids, out),
            Forward::DownloadRequest { family, blocks, .. } => {
                let capability = phone.capability();
                let mut results = ResultList::new();
                for block in blocks.iter() {
                    let result = download::check(&capability, family, block);
                    results.push(block.id, result.unwrap_or_else(|| self.put(family.into(), block)));
                }
                emit(&Reverse::DownloadResponse { family, results: results.pairs() }, out)
            }
            Forward::CommitRequest => emit(&Reverse::CommitResponse(self.commit(phone)), out),
            Forward::ProtocolCapabilityRequest(query) => answers::capability(phone, query, out),
            Forward::SsprConfigurationRequest(wanted) => answers::sspr(phone, wanted, PRL, out),
            Forward::SsprDownloadRequest { block, .. } => {
                let max = usize::from(phone.capability().max_prl_size);
                let extended = phone.capability().extended_prl;
                emit(
                    &Reverse::SsprDownloadResponse(download::segment(&mut self.prl, block, max, extended)),
                    out,
                )
            }
            Forward::ValidationRequest(blocks) => {
                let results = self.validate(phone, blocks);
                emit(&Reverse::ValidationResponse(results.pairs()), out)
            }
            Forward::OtapaRequest { start } => {
                let (result, rand_otapa) = self.lock.otapa(phone, start);
                if !start && result == ResultCode::ACCEPTED {
                    self.drop_staged();
                }
                emit(&Reverse::OtapaResponse { result, rand_otapa }, out)
            }
            Forward::PuzlConfigurationRequest { id, .. } => answers::carried(phone, Shelf::Puzl, id, out),
            Forward::SystemTagConfigurationRequest { id, .. } => {
                answers::carried(phone, Shelf::SystemTag, id, out)
            }
            Forward::PuzlDownloadRequest { blocks, .. } => {
                let capability = phone.capability();
                answers::zones(blocks, |block| self.keep(&capability, Shelf::Puzl, block), out)
            }
            Forward::SystemTagDownloadRequest(block) => {
                let refused = download::check_tag(&phone.capability(), block);
                let result = refused.unwrap_or_else(|| self.put(Shelf::SystemTag, block));
                let result = download::segment_result(MsgType::SYSTEM_TAG_DOWNLOAD, block, result);
                emit(&Reverse::SystemTagDownloadResponse(result), out)
            }
            Forward::MsKeyRequest { a_key_p_rev, parameters } => {
                emit(&Reverse::MsKeyResponse(self.keys.begin(phone, a_key_p_rev, parameters)), out)
            }
            Forward::KeyGenerationRequest { bs_result } => {
                let made = self.keys.finish(phone, bs_result);
                let (result, ms_result): (_, &[u8]) = match &made {
                    Ok(ours) => (ResultCode::ACCEPTED, ours),
                    Err(refused) => (*refused, &[]),
                };
                emit(&Reverse::KeyGenerationResponse { result, ms_result }, out)
            }
            Forward::ReAuthenticateRequest { .. }
            | Forward::SecureModeRequest { .. }
            | Forward::ServiceKeyGenerationRequest { .. } => refuse(request, NO_KEY_EXCHANGE, out),
        }
    }

    fn put(&mut self, shelf: Shelf, block: Block<'_>) -> ResultCode {
        if self.stage.put(shelf, block).is_ok() { ResultCode::ACCEPTED } else { ResultCode::REJECTED }
    }

    /// Stages a block that is only kept, if the device keeps its kind.
    fn keep(&mut self, capability: &Capability, shelf: Shelf, block: Block<'_>) -> ResultCode {
        let refused = download::check_carried(capability, shelf, block.id);
        refused.unwrap_or_else(|| self.put(shelf, block))
    }

    fn validate(&mut self, phone: &mut impl Phone, blocks: Blocks<'_>) -> ResultList {
        let mut results = ResultList::new();
        let mut failed = false;
        for block in blocks.iter() {
            let result = if failed { self.lock.after_failure() } else { self.lock.validate(phone, block) };
            failed |= result != ResultCode::ACCEPTED;
            results.push(block.id, result);
        }
        results
    }

    fn commit(&mut self, phone: &mut impl Phone) -> ResultCode {
        if self.prl.is_partial() {
            return INCOMPLETE_PRL;
        }
        let staged = Staged {
            blocks: &self.stage,
            prl: self.prl.complete(),
            spc: self.lock.new_spc.as_ref(),
            nam_lock: self.lock.new_protection.get(),
            a_key: self.keys.key(),
        };
        let nothing = self.stage.is_empty()
            && staged.prl.is_none()
            && staged.spc.is_none()
            && staged.nam_lock.is_none()
            && staged.a_key.is_none();
        if nothing {
            return ResultCode::ACCEPTED;
        }
        if phone.commit(&staged).is_err() {
            return STORE_FAILED;
        }
        self.drop_staged();
        self.committed = true;
        ResultCode::ACCEPTED
    }

    fn drop_staged(&mut self) {
        self.stage.clear();
        self.prl.clear();
        self.keys.clear();
        self.lock.clear();
    }
}

impl<const PRL: usize> Default for Engine<PRL> {
    fn default() -> Self {
        Self::new()
    }
}

/// (BLOCK_ID, RESULT_CODE) of up to 255 blocks; a message cannot have more.
struct ResultList {
    octets: [u8; 510],
    used: usize,
}

impl ResultList {
    const fn new() -> Self {
        Self { octets: [0; 510], used: 0 }
    }

    fn push(&mut self, id: u8, result: ResultCode) {
        let free = self.octets.get_mut(self.used..).unwrap_or_default();
        for (octet, value) in free.iter_mut().zip([id, result.0]) {
            *octet = value;
            self.used = self.used.saturating_add(1);
        }
    }

    fn pairs(&self) -> OctetPairs<'_> {
        self.octets.get(..self.used).and_then(OctetPairs::new).unwrap_or_default()
    }
}

/// The response to `request` that refuses all of it with `code`.
fn refuse<'o>(request: &Forward<'_>, code: ResultCode, out: &'o mut [u8]) -> Result<&'o [u8], EngineError> {
    let mut results = ResultList::new();
    let empty = |id| Block { id, data: &[] };
    let segment = |msg_type, block: Block<'_>| download::segment_result(msg_type, block, code);
    let response = match *request {
        Forward::ConfigurationRequest { family, ids } => {
            return answers::refuse_blocks(family, ids, code, out);
        }
        Forward::DownloadRequest { family, blocks, .. } => {
            blocks.iter().for_each(|block| results.push(block.id, code));
            Reverse::DownloadResponse { family, results: results.pairs() }
        }
        Forward::ValidationRequest(blocks) => {
            blocks.iter().for_each(|block| results.push(block.id, code));
            Reverse::ValidationResponse(results.pairs())
        }
        Forward::PuzlDownloadRequest { blocks, .. } => return answers::zones(blocks, |_| code, out),
        Forward::SsprConfigurationRequest(wanted) => {
            Reverse::SsprConfigurationResponse { result: code, block: empty(wanted.id()), fresh: None }
        }
        Forward::PuzlConfigurationRequest { id, .. } => {
            Reverse::PuzlConfigurationResponse { result: code, block: empty(id), fresh: None }
        }
        Forward::SystemTagConfigurationRequest { id, .. } => {
            Reverse::SystemTagConfigurationResponse { result: code, block: empty(id) }
        }
        Forward::SsprDownloadRequest { block, .. } => {
            Reverse::SsprDownloadResponse(segment(MsgType::SSPR_DOWNLOAD, block))
        }
        Forward::SystemTagDownloadRequest(block) => {
            Reverse::SystemTagDownloadResponse(segment(MsgType::SYSTEM_TAG_DOWNLOAD, block))
        }
        Forward::CommitRequest => Reverse::CommitResponse(code),
        Forward::MsKeyRequest { .. } => Reverse::MsKeyResponse(code),
        Forward::KeyGenerationRequest { .. } => {
            Reverse::KeyGenerationResponse { result: code, ms_result: &[] }
        }
        Forward::SecureModeRequest { .. } => Reverse::SecureModeResponse(code),
        Forward::ServiceKeyGenerationRequest { .. } => Reverse::ServiceKeyGenerationResponse(code),
        Forward::OtapaRequest { .. } => Reverse::OtapaResponse { result: code, rand_otapa: None },
        Forward::ReAuthenticateRequest { .. } | Forward::ProtocolCapabilityRequest(_) => {
            return Err(EngineError::Unanswerable(request.msg_type()));
        }
    };
    emit(&response, out)
}

fn emit<'o>(response: &Reverse<'_>, out: &'o mut [u8]) -> Result<&'o [u8], EngineError> {
    response.emit(out).map_err(no_room)
}

/// A response that is not written did not fit: all its values are the engine's own.
fn no_room(_: Error) -> EngineError {
    EngineError::NoRoom { needed: MAX_MESSAGE }
}

/// The result of a block that could not be read.
fn refusal_of(e: Error) -> ResultCode {
    match e.kind {
        ErrorKind::Truncated | ErrorKind::Trailing | ErrorKind::BadLength | ErrorKind::LimitExceeded => {
            ResultCode::DATA_SIZE_MISMATCH
        }
        _ => ResultCode::INVALID_PARAMETER,
    }
}
