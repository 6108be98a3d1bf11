//! The management tree for the time of one call: its objects, and the flash they share with the tree's own record.

use core::cell::RefCell;

use kedge_platform::crypto::Crypto;
use kedge_platform::entropy::Entropy;
use kedge_platform::flash::NorFlash;
use kedge_protocol::dm::objects::{Accounts, Cdma, DevDetail, DevInfo, DeviceFacts, Inbox, Settings, Tunnel};
use kedge_protocol::dm::session::Conversation;
use kedge_protocol::dm::{self, Chunk, Nodes, Object, Tree, UriLimits, auth};
use kedge_protocol::fumo::{self, Fumo, Machine, Memo, State};
use kedge_protocol::scomo::{self, Scomo};
use kedge_protocol::syncml::Code;
use kedge_update_agent::banklog::{Change, LogError};
use kedge_update_agent::{Device, Error as UpdateError, Job, Refusal, Update};
use md5::{Digest as _, Md5};

use super::super::Context;
use super::super::desk::Desk;
use super::Dm;
use super::held::{Running, device_id};
use super::objects::{Numbers, Tunnelled, Values, changes};
use crate::error::AgentError;
use crate::limits;
use crate::objects::Staged;
use crate::store::{Key, Operation, Software, Store, StoreError};

/// Whether the tree is read from the store, or goes on as it was paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Open,
    Resume,
}

/// What of the management memory the tree does not need itself.
pub(super) struct Spare<'s> {
    pub(super) conversation: &'s mut Conversation,
    pub(super) work: &'s mut [u8],
    pub(super) texts: &'s mut [u8],
    pub(super) running: &'s mut Running,
    pub(super) device: &'s str,
}

/// The digests and random octets of management sessions.
pub(super) struct Digests<'e>(pub(super) &'e mut dyn Entropy);

impl auth::Crypto for Digests<'_> {
    fn md5(&mut self, parts: &[&[u8]]) -> [u8; 16] {
        let mut md5 = Md5::new();
        for part in parts {
            md5.update(part);
        }
        md5.finalize().into()
    }

    fn random(&mut self, out: &mut [u8]) {
        self.0.fill(out);
    }
}

/// The flash, and what lies on it.
#[expect(clippy::struct_field_names, reason = "the flash itself, among what lies on it")]
pub(super) struct Flash<'s, F> {
    pub(super) flash: &'s mut F,
    pub(super) store: &'s mut Store,
    pub(super) update: &'s mut Update,
    /// Settings that are committed together with the tree's image.
    pub(super) staged: &'s mut Staged,
}

/// The record with the tree's image.
pub(super) struct Image<'s, 'f, F>(&'s RefCell<Flash<'f, F>>);

impl<F: NorFlash> dm::Store for Image<'_, '_, F> {
    fn load(&mut self, buffer: &mut [u8]) -> Result<usize, dm::StoreError> {
        let mut shared = self.0.try_borrow_mut().map_err(|_| dm::StoreError::Failed)?;
        let Flash { flash, store, .. } = &mut *shared;
        let image = store.bytes(&mut **flash, Key::Tree as u8, buffer).map_err(|_| dm::StoreError::Failed)?;
        Ok(image.map_or(0, <[u8]>::len))
    }

    fn save(&mut self, image: &[u8]) -> Result<(), dm::StoreError> {
        let mut shared = self.0.try_borrow_mut().map_err(|_| dm::StoreError::Failed)?;
        let Flash { flash, store, staged, .. } = &mut *shared;
        let mut changes = changes(staged).map_err(|_| dm::StoreError::Failed)?;
        changes.push(Change::put(Key::Tree as u8, image)).map_err(|_| dm::StoreError::Failed)?;
        store.commit(&mut **flash, &changes).map_err(|error| match error {
            StoreError::Log(LogError::NoRoom { needed }) => {
                dm::StoreError::NoRoom(usize::try_from(needed).unwrap_or(usize::MAX))
            }
            _ => dm::StoreError::Failed,
        })?;
        drop(changes);
        staged.clear();
        Ok(())
    }
}

/// The image by itself, for who only looks at values that the tree keeps.
pub(super) struct Reading<'s, F> {
    pub(super) flash: &'s mut F,
    pub(super) store: &'s Store,
}

impl<F: NorFlash> dm::Store for Reading<'_, F> {
    fn load(&mut self, buffer: &mut [u8]) -> Result<usize, dm::StoreError> {
        let image = self.store.bytes(self.flash, Key::Tree as u8, buffer);
        Ok(image.map_err(|_| dm::StoreError::Failed)?.map_or(0, <[u8]>::len))
    }

    fn save(&mut self, _: &[u8]) -> Result<(), dm::StoreError> {
        Err(dm::StoreError::Failed)
    }
}

/// What the objects of firmware updates and software components need: the update agent's inbox and the records of their
/// operations.
struct Packages<'s, 'f, F, C> {
    shared: &'s RefCell<Flash<'f, F>>,
    crypto: &'s C,
    device: Device<'s>,
    /// The largest package.
    room: u32,
    work: &'s RefCell<&'s mut [u8]>,
}

impl<F: NorFlash, C: Crypto> Packages<'_, '_, F, C> {
    /// Takes a piece of a package; with the last one it is checked.
    fn take(&mut self, chunk: &Chunk<'_>) -> Result<(), Code> {
        let mut work = self.work.try_borrow_mut().map_err(|_| Code::FAILED)?;
        let mut shared = self.shared.try_borrow_mut().map_err(|_| Code::FAILED)?;
        let Flash { flash, update, .. } = &mut *shared;
        if chunk.offset == 0 {
            update.begin(&mut **flash, self.room).map_err(|error| code_of(&error))?;
        }
        update.write(&mut **flash, chunk.octets).map_err(|error| code_of(&error))?;
        if !chunk.last {
            return Ok(());
        }
        update.close(&mut **flash).map_err(|error| code_of(&error))?;
        let verified = update.verify(&mut **flash, &self.device, self.crypto, &mut work);
        verified.map_err(|error| code_of(&error))
    }
}

impl<F: NorFlash, C: Crypto> fumo::Port for Packages<'_, '_, F, C> {
    fn store(&mut self, chunk: &Chunk<'_>) -> Result<(), Code> {
        self.take(chunk)
    }

    fn discard(&mut self) -> Result<(), Code> {
        let mut shared = self.shared.try_borrow_mut().map_err(|_| Code::FAILED)?;
        let Flash { flash, store, update, .. } = &mut *shared;
        update.abandon(&mut **flash).map_err(|error| code_of(&error))?;
        store.remove(&mut **flash, Key::Fetch as u8).map_err(|_| Code::STORE_FAILURE)
    }

    fn keep(&mut self, memo: &Memo<'_>) -> Result<(), Code> {
        let mut shared = self.shared.try_borrow_mut().map_err(|_| Code::FAILED)?;
        let Flash { flash, store, .. } = &mut *shared;
        // Every outcome of before was collected when the agent started.
        store.put(&mut **flash, &Operation::of(memo, None)).map_err(|_| Code::STORE_FAILURE)
    }
}

impl<F: NorFlash, C: Crypto> scomo::Port for Packages<'_, '_, F, C> {
    fn store(&mut self, name: &str, chunk: &Chunk<'_>) -> Result<(), Code> {
        let mut buf = [0; limits::SOFTWARE];
        let mut shared = self.shared.try_borrow_mut().map_err(|_| Code::FAILED)?;
        let Flash { flash, store, .. } = &mut *shared;
        let operation = store.get::<Operation<'_>, F>(&mut **flash, &mut buf);
        let state =
            operation.map_err(|_| Code::STORE_FAILURE)?.map_or(State::IDLE, |known| State(known.state));
        if state != State::IDLE && !state.is_final() {
            // The inbox is that of the firmware update.
            return Err(Code::NOT_ALLOWED);
        }
        drop(shared);
        self.take(chunk)?;
        if !chunk.last {
            return Ok(());
        }
        let mut shared = self.shared.try_borrow_mut().map_err(|_| Code::FAILED)?;
        let Flash { flash, store, update, .. } = &mut *shared;
        let known = store.get::<Software<'_>, F>(&mut **flash, &mut buf).map_err(|_| Code::STORE_FAILURE)?;
        let package = if let Job::Verified { package, .. } = update.job() { Some(package.0) } else { None };
        let held = Software { held: name, package, ..known.unwrap_or_default() };
        store.put_in(&mut **flash, &held, &mut [0; limits::SOFTWARE]).map_err(|_| Code::STORE_FAILURE)
    }

    fn keep(&mut self, memo: &scomo::Memo<'_>) -> Result<(), Code> {
        let mut buf = [0; limits::SOFTWARE];
        let mut shared = self.shared.try_borrow_mut().map_err(|_| Code::FAILED)?;
        let Flash { flash, store, .. } = &mut *shared;
        let known = store.get::<Software<'_>, F>(&mut **flash, &mut buf).map_err(|_| Code::STORE_FAILURE)?;
        let Software { told, held, package, .. } = known.unwrap_or_default();
        let record = Software { told, held, package, ..Software::of(memo) };
        store.put_in(&mut **flash, &record, &mut [0; limits::SOFTWARE]).map_err(|_| Code::STORE_FAILURE)
    }
}

/// The status of a package that the inbox does not take.
const fn code_of<E>(error: &UpdateError<E>) -> Code {
    match error {
        UpdateError::TooLarge { .. }
        | UpdateError::Refused(
            Refusal::ImageTooLarge | Refusal::Memory { .. } | Refusal::Spare { .. } | Refusal::State { .. },
        ) => Code::DEVICE_FULL,
        UpdateError::Refused(_) => Code::UNSUPPORTED_FORMAT,
        UpdateError::OutcomePending | UpdateError::NotNow => Code::NOT_ALLOWED,
        UpdateError::Flash(_) | UpdateError::JournalDamaged | UpdateError::Storage { .. } => {
            Code::STORE_FAILURE
        }
        _ => Code::FAILED,
    }
}

impl Dm<'_> {
    /// Lets `work` use the tree.
    pub(super) fn with_tree<F: NorFlash, C: Crypto, T, const PRL: usize>(
        &mut self,
        desk: &mut Desk<'_, PRL>,
        context: &mut Context<'_, F, C>,
        way: Way,
        work: impl FnOnce(&mut Tree<'_, '_>, Spare<'_>, &mut dyn auth::Crypto) -> T,
    ) -> Result<T, AgentError<F::Error>> {
        let identity = context.identity;
        let mut id = [0; 24];
        let device = device_id(identity.hardware_id(), &mut id);
        let facts = DeviceFacts {
            id: device,
            manufacturer: identity.make(),
            model: identity.model(),
            language: self.setup.language,
            device_type: self.setup.device_type,
            oem: self.setup.oem,
            firmware: identity.version(),
            software: self.setup.software,
            hardware: self.setup.hardware,
        };
        let memory = &mut self.memory;
        if way == Way::Open {
            memory.kept.machine = desk.machine(context.flash)?;
            memory.kept.staged = fumo::Staged::NOTHING;
            memory.kept.component = desk.components(context.flash)?;
            memory.kept.begun = scomo::Staged::NOTHING;
        }
        let (room, device_of_package) = (desk.config.update.package.len, desk.config.device);
        let shared = RefCell::new(Flash {
            flash: &mut *context.flash,
            store: &mut desk.store,
            update: &mut desk.update,
            staged: &mut desk.staged,
        });
        let work_space = RefCell::new(desk.answer.as_mut_slice());
        let packages = || Packages {
            shared: &shared,
            crypto: context.crypto,
            device: Device { version: Some(identity.version()), ..device_of_package },
            room,
            work: &work_space,
        };
        let (mut of_firmware, mut of_components) = (packages(), packages());
        let (mut info, mut detail) = (DevInfo::new(&facts), DevDetail::new(&facts, UriLimits::OWN));
        let kept = &mut *memory.kept;
        let mut firmware = Fumo::new(&mut kept.machine, &mut kept.staged, &mut of_firmware);
        let mut software = Scomo::new(&mut kept.component, &mut kept.begun, &mut of_components);
        let (mut accounts, mut inbox) = (Accounts, Inbox);
        let mut programmed = Numbers { shared: &shared, config: &desk.config, room: PRL };
        let mut values = Values { shared: &shared, config: &desk.config };
        let lent: &mut dyn Entropy = &mut *context.entropy;
        let entropy = RefCell::new(lent);
        let (mut of_tunnel, mut of_session) = (Lent(&entropy), Lent(&entropy));
        let mut tunnelled = Tunnelled {
            shared: &shared,
            engine: &mut *desk.engine,
            programming: &mut desk.programming,
            engaged: &mut kept.tunnelling.engaged,
            factory_spc: &desk.factory_spc,
            config: &desk.config,
            id: identity.hardware_id(),
            authenticated: self.running.is_proven(memory.texts),
            notified: self.running.is_notified(memory.texts),
            now: context.now,
            entropy: &mut of_tunnel,
            security: desk.security,
            events: &mut *context.events,
        };
        let mut cdma = Cdma::new(&mut programmed);
        let mut settings = Settings::new(&mut values);
        let mut tunnel = Tunnel::new(&mut kept.tunnelling.passage, &mut tunnelled);
        let mut objects: [&mut dyn Object; 9] = [
            &mut info,
            &mut detail,
            &mut accounts,
            &mut firmware,
            &mut software,
            &mut inbox,
            &mut cdma,
            &mut settings,
            &mut tunnel,
        ];
        let mut image = Image(&shared);
        let (buffer, limits) = (&mut *memory.tree, UriLimits::OWN);
        let mut tree = match way {
            Way::Open => Tree::open(buffer, &mut objects, &mut image, limits).map_err(AgentError::Tree)?,
            Way::Resume => Tree::resume(buffer, kept.tree, &mut objects, &mut image, limits),
        };
        let spare = Spare {
            conversation: &mut kept.conversation,
            work: memory.work,
            texts: memory.texts,
            running: &mut self.running,
            device,
        };
        let done = work(&mut tree, spare, &mut Digests(&mut of_session));
        kept.tree = tree.pause();
        Ok(done)
    }

    /// The values that the tree keeps, as they are in the store. Not while a session is held: it has the buffer.
    pub(super) fn nodes<'n, F: NorFlash>(
        &'n mut self,
        store: &Store,
        flash: &mut F,
    ) -> Result<Nodes<'n>, AgentError<F::Error>> {
        let read = Nodes::read(self.memory.tree, &mut Reading { flash, store });
        read.map_err(|error| AgentError::Tree(dm::TreeError::Store(error)))
    }
}

/// The random octets, for one of two who need them in turn: each holds them for one call of [`Entropy::fill`] only.
struct Lent<'s, 'e>(&'s RefCell<&'e mut dyn Entropy>);

impl Entropy for Lent<'_, '_> {
    fn fill(&mut self, buf: &mut [u8]) {
        if let Ok(mut entropy) = self.0.try_borrow_mut() {
            entropy.fill(buf);
        }
    }
}

impl<const PRL: usize> Desk<'_, PRL> {
    /// The firmware update object's machine, as the store has it.
    pub(super) fn machine<F: NorFlash>(&self, flash: &mut F) -> Result<Machine, AgentError<F::Error>> {
        let mut buf = [0; limits::RECORD];
        let known = self.store.get::<Operation<'_>, F>(flash, &mut buf)?;
        let memo = known.unwrap_or(Operation::IDLE).memo();
        Machine::resume(&memo).map_err(|_| AgentError::Config("firmware update operation"))
    }
}
