//! What a session works on: records, staged values, the IS-683 engine; and the MMC commands on the objects of
//! `spec/iota.md` B4.

use core::fmt::Write as _;
use core::time::Duration;

use kedge_platform::crypto::Crypto;
use kedge_platform::flash::NorFlash;
use kedge_platform::identity::HardwareId;
use kedge_protocol::iota::ResultCode;
use kedge_protocol::iota::mmc::Verb;
use kedge_protocol::iota::session::{Command, Value};
use kedge_protocol::is683::engine::{Capability, Mode};
use kedge_protocol::is683::{Engine, Spc};
use kedge_protocol::wap::{Date, Shelf};
use kedge_update_agent::Update;
use kedge_update_agent::banklog::Change;

use super::Context;
use super::download::Download;
use crate::config::{Config, Security};
use crate::error::AgentError;
use crate::event::{Committed, Event};
use crate::limits;
use crate::objects::{Object, Staged, Stored, key_of};
use crate::phone::{Programming, StoredPhone, Terms, hardware_id};
use crate::store::{Prl, Store};
use crate::trigger::Kind;

/// Octets of the largest value a command returns: an IS-683 message.
pub(super) const ANSWER: usize = limits::IS683_MESSAGE;

/// What a pushed document may ask for. `iota.md` B11 lets it be the first of a session and says nothing of its rights; a push
/// proves nothing about its sender, so what it stages waits for the commit of a document that a trusted server has sent, and it
/// neither runs nor shows anything.
const PUSHED: [Verb; 4] = [Verb::Read, Verb::Check, Verb::Write, Verb::Delete];

/// What a command comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Executed {
    /// It is done, without a value.
    Done(ResultCode),
    /// It is done; this many octets of text are in the answer buffer.
    Text(usize),
    /// It is done; this many octets are in the answer buffer.
    Data(usize),
    /// The user must be shown its text, or be asked.
    Ask {
        /// A question, else a notice.
        confirm: bool,
    },
    /// A package must be fetched; its URL has this length in the answer buffer.
    Download(usize),
}

impl Executed {
    /// The result code, if the command is done.
    pub(super) const fn code(self) -> Option<ResultCode> {
        match self {
            Self::Done(code) => Some(code),
            Self::Text(_) | Self::Data(_) => Some(ResultCode::SUCCESS),
            Self::Ask { .. } | Self::Download(_) => None,
        }
    }
}

/// What a session has learnt and asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub(super) struct Facts {
    /// The document that is being executed came over TLS.
    pub(super) authenticated: bool,
    /// The document that is being executed was pushed: nobody knows by whom.
    pub(super) pushed: bool,
    /// `dev/reboot` was executed.
    pub(super) reboot: bool,
    /// A package was not downloaded, or refused; a later success clears it.
    pub(super) download_failed: bool,
    /// `fota/install` was executed: no need to ask the user.
    pub(super) install: bool,
}

/// What sessions work on.
#[derive(Debug)]
pub(super) struct Desk<'b, const PRL: usize> {
    pub(super) config: Config<'b>,
    pub(super) factory_spc: Spc,
    pub(super) security: Security<'b>,
    pub(super) store: Store,
    pub(super) update: Update,
    pub(super) engine: &'b mut Engine<PRL>,
    /// The IS-683 session that the engine is in.
    pub(super) programming: Programming,
    pub(super) staged: Staged,
    /// The state that the running session reports; otherwise the update's own counts.
    pub(super) reporting: Option<u8>,
    /// The time of day, as it was told last.
    pub(super) date: Option<Date>,
    /// The service indications that came.
    pub(super) shelf: Shelf<{ limits::INDICATIONS }>,
    /// The package that is being fetched.
    pub(super) download: Option<Download>,
    /// The value that a command returns.
    pub(super) answer: [u8; ANSWER],
}

impl<'b, const PRL: usize> Desk<'b, PRL> {
    /// The committed value of a text object, or its factory value.
    pub(super) fn setting<'o, F: NorFlash>(
        &self,
        flash: &mut F,
        object: &str,
        buf: &'o mut [u8],
    ) -> Result<Option<&'o str>, AgentError<F::Error>>
    where
        'b: 'o,
    {
        let key = key_of(object).unwrap_or(u8::MAX);
        match self.store.bytes(flash, key, buf)? {
            Some(value) => Ok(core::str::from_utf8(value).ok()),
            None => Ok(self.config.pri.object(object)),
        }
    }

    /// A setting that is a number of seconds.
    pub(super) fn seconds<F: NorFlash>(
        &self,
        flash: &mut F,
        object: &str,
        default: u64,
    ) -> Result<Duration, AgentError<F::Error>> {
        let mut buf = [0; 8];
        let seconds = self.setting(flash, object, &mut buf)?.and_then(|text| text.parse().ok());
        Ok(Duration::from_secs(seconds.unwrap_or(default)))
    }

    /// Begins an IS-683 session; what the one before staged and did not commit is dropped.
    pub(super) fn begin_is683(&mut self, mode: Mode, kind: Option<Kind>) {
        self.programming = Programming { mode, kind };
        self.engine.begin(mode);
    }

    /// Executes one command.
    pub(super) fn execute<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        command: &Command<'_>,
        facts: &mut Facts,
    ) -> Executed {
        if facts.pushed && !PUSHED.contains(&command.verb) {
            return Executed::Done(ResultCode::NOT_TRUSTED);
        }
        let done = match command.verb {
            Verb::Commit => self.commit(context),
            Verb::Display => return Executed::Ask { confirm: command.object == Some("confirm") },
            _ => match command.object.and_then(|name| Object::find(name, self.config.objects)) {
                Some(object) => {
                    return self.on_object(context, command, object, facts).unwrap_or_else(Executed::Done);
                }
                None => Err(ResultCode::BAD_OBJECT),
            },
        };
        Executed::Done(done.err().unwrap_or(ResultCode::SUCCESS))
    }

    fn on_object<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        command: &Command<'_>,
        object: Object,
        facts: &mut Facts,
    ) -> Result<Executed, ResultCode> {
        let access = object.access();
        match command.verb {
            Verb::Exec if access.exec() => self.exec(context, command, object, facts),
            Verb::Exec => Err(ResultCode::BAD_OBJECT),
            _ if access.exec() => Err(ResultCode::BAD_OBJECT),
            Verb::Read if access.read() => self.value(context, object),
            Verb::Check if access.read() => {
                let expected = octets(command.value).ok_or(ResultCode::BAD_VALUE)?;
                let (Executed::Text(len) | Executed::Data(len)) = self.value(context, object)? else {
                    return Err(ResultCode::UNKNOWN_ERROR);
                };
                let same = self.answer.get(..len) == Some(expected);
                Err(if same { ResultCode::SUCCESS } else { ResultCode::CHECK_FAILED })
            }
            Verb::Read | Verb::Check => Err(ResultCode::WRITE_ONLY),
            Verb::Write | Verb::Delete => match object {
                Object::Stored(stored, key) => self.change(context, command, (stored, key), *facts),
                _ => Err(ResultCode::READ_ONLY),
            },
            _ => Err(ResultCode::UNKNOWN_COMMAND),
        }
    }

    /// Stages a new value, or the removal of the value.
    fn change<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        command: &Command<'_>,
        (stored, key): (&Stored, u8),
        facts: Facts,
    ) -> Result<Executed, ResultCode> {
        let allowed =
            if command.verb == Verb::Delete { stored.access.delete() } else { stored.access.write() };
        if !allowed {
            return Err(ResultCode::READ_ONLY);
        }
        if stored.guarded && !facts.authenticated {
            return Err(ResultCode::NOT_TRUSTED);
        }
        if stored.name == "phn/dls-url" && self.is_download_server_locked(context) {
            return Err(ResultCode::LOCKED);
        }
        let value = match command.verb {
            Verb::Delete => None,
            _ => Some(octets(command.value).ok_or(ResultCode::BAD_VALUE)?),
        };
        if let Some(value) = value {
            stored.form.check(value)?;
        }
        self.staged.set(key, value).map_err(|_| ResultCode::TOO_BIG)?;
        Ok(Executed::Done(ResultCode::SUCCESS))
    }

    fn is_download_server_locked<F: NorFlash, C>(&mut self, context: &mut Context<'_, F, C>) -> bool {
        let lock = key_of("phn/dls-lock").map(|key| self.stored(context.flash, "phn/dls-lock", key));
        lock == Some(Ok(1)) && self.answer.first() == Some(&b'1')
    }

    /// Makes the staged changes permanent, all or none.
    fn commit<F: NorFlash, C: Crypto>(&mut self, context: &mut Context<'_, F, C>) -> Result<(), ResultCode> {
        if self.staged.is_empty() {
            return Ok(());
        }
        let mut changes = heapless::Vec::<Change<'_>, { limits::STAGED_COUNT }>::new();
        for (key, value) in self.staged.iter() {
            changes.push(Change { key, value }).map_err(|_| ResultCode::TOO_BIG)?;
        }
        let committed = self.store.commit(context.flash, &changes);
        drop(changes);
        committed.map_err(|_| ResultCode::STORAGE_FAILED)?;
        self.staged.clear();
        context.event(&Event::Committed(Committed::Objects));
        Ok(())
    }

    fn exec<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        command: &Command<'_>,
        object: Object,
        facts: &mut Facts,
    ) -> Result<Executed, ResultCode> {
        match object {
            Object::Is683Message => self.is683(context, command),
            Object::FotaDownload => {
                let key = key_of("fota/package-url").ok_or(ResultCode::BAD_OBJECT)?;
                match self.stored(context.flash, "fota/package-url", key)? {
                    0 => Err(ResultCode::DOWNLOAD_FAILED),
                    len => Ok(Executed::Download(len)),
                }
            }
            Object::FotaInstall => {
                facts.install = true;
                Ok(Executed::Done(ResultCode::SUCCESS))
            }
            Object::Reboot => {
                facts.reboot = true;
                Ok(Executed::Done(ResultCode::SUCCESS))
            }
            _ => Err(ResultCode::BAD_OBJECT),
        }
    }

    /// One forward message to the engine, its reverse message back.
    fn is683<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        command: &Command<'_>,
    ) -> Result<Executed, ResultCode> {
        let Some(Value::Data(forward)) = command.value else { return Err(ResultCode::INVALID_CONTENT) };
        self.program(context, forward).map(Executed::Data).ok_or(ResultCode::INVALID_CONTENT)
    }

    /// One forward message to the engine; the length of the reverse message in the answer buffer, `None` if there is none.
    pub(super) fn program<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        forward: &[u8],
    ) -> Option<usize> {
        let was_committed = self.engine.committed();
        let hardware = hardware_id(context.identity.hardware_id());
        let capability = Capability { hardware, ..self.config.capability };
        let terms =
            Terms { factory_spc: &self.factory_spc, security: self.security, session: self.programming };
        let mut phone = StoredPhone::new(&mut self.store, context.flash, context.entropy, capability, terms);
        let reverse = self.engine.handle(&mut phone, forward, self.answer.as_mut_slice());
        let reverse = reverse.ok().map(<[u8]>::len);
        let shown = reverse.and_then(|len| self.answer.get(..len));
        context.event(&Event::Is683 { forward, reverse: shown });
        if self.engine.committed() && !was_committed {
            context.event(&Event::Committed(Committed::Is683));
        }
        reverse
    }

    /// The object's value, put into the answer buffer.
    fn value<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        object: Object,
    ) -> Result<Executed, ResultCode> {
        let identity = context.identity;
        let prl = self.store.get::<Prl, F>(context.flash, &mut [0; 32]).ok().flatten();
        let mut text = Text { out: self.answer.as_mut_slice(), len: 0 };
        let put = match (object, identity.hardware_id()) {
            (Object::Stored(stored, key), _) => {
                return self.stored(context.flash, stored.name, key).map(Executed::Text);
            }
            (Object::Esn, HardwareId::Esn(esn)) => write!(text, "{esn:08X}"),
            (Object::Meid, HardwareId::Meid(meid)) => {
                meid.iter().try_for_each(|octet| write!(text, "{octet:02X}"))
            }
            (Object::Esn | Object::Meid, _) => return Err(ResultCode::BAD_OBJECT),
            (Object::Make, _) => text.write_str(identity.make()),
            (Object::Model, _) => text.write_str(identity.model()),
            (Object::Version, _) => text.write_str(identity.version()),
            (Object::MakeModelVersion, _) => {
                write!(text, "{};{};{}", identity.make(), identity.model(), identity.version())
            }
            (Object::PrlMaxSize, _) => {
                let most = self.config.capability.max_prl_size;
                write!(text, "{}", usize::from(most).min(PRL))
            }
            (Object::PrlId, _) => write!(text, "{}", prl.map_or(0, |prl| prl.id)),
            (Object::FotaState, _) => {
                let state = self.reporting.unwrap_or_else(|| crate::state::of_job(self.update.job()));
                write!(text, "{state}")
            }
            (Object::Is683Message | Object::FotaDownload | Object::FotaInstall | Object::Reboot, _) => {
                return Err(ResultCode::BAD_OBJECT);
            }
        };
        put.map_err(|_| ResultCode::TOO_BIG)?;
        Ok(Executed::Text(text.len))
    }

    /// The staged, committed or factory value of a stored object, put into the answer buffer; its length. An object without
    /// a value is empty.
    fn stored<F: NorFlash>(&mut self, flash: &mut F, name: &str, key: u8) -> Result<usize, ResultCode> {
        let out = self.answer.as_mut_slice();
        match self.staged.get(key) {
            Some(value) => return copy(value.unwrap_or_default(), out),
            None => match self.store.bytes(flash, key, out) {
                Ok(Some(value)) => return Ok(value.len()),
                Ok(None) => {}
                Err(_) => return Err(ResultCode::STORAGE_FAILED),
            },
        }
        copy(self.config.pri.object(name).unwrap_or_default().as_bytes(), &mut self.answer)
    }
}

fn octets(value: Option<Value<'_>>) -> Option<&[u8]> {
    match value? {
        Value::Text(text) => Some(text.as_bytes()),
        Value::Data(data) => Some(data),
    }
}

fn copy(from: &[u8], to: &mut [u8]) -> Result<usize, ResultCode> {
    let to = to.get_mut(..from.len()).ok_or(ResultCode::TOO_BIG)?;
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    Ok(from.len())
}

/// Writes text into the caller's buffer.
struct Text<'o> {
    out: &'o mut [u8],
    len: usize,
}

impl core::fmt::Write for Text<'_> {
    fn write_str(&mut self, s: &str) -> core::fmt::Result {
        let free = self.out.get_mut(self.len..).ok_or(core::fmt::Error)?;
        self.len = self.len.saturating_add(copy(s.as_bytes(), free).map_err(|_| core::fmt::Error)?);
        Ok(())
    }
}
