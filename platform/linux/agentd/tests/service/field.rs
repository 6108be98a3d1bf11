//! A machine with two slots and a boot loader that keeps its record in a file, its service, and the operator's servers.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use kedge_agentd::protocol::{Doing, Question, Reply, Status};
use kedge_generator::{Installed, Release, Signer, Target, full};
use kedge_network::{
    ACTIVATION_URL, AccountState, Config, FOTA_URL, HOSTS, Offer, Operator, Profile, Running, Subscriber,
    TRUSTED_DOMAIN, TransactionState, serve,
};
use kedge_package::Layout;
use kedge_platform::identity::HardwareId;
use rustix::process::{Pid, Signal, kill_process};

/// Octets of a slot.
const SLOT: usize = 16 * 4096;
/// How long anything may take before it counts as never: the machine may be busy with other things.
const PATIENCE: Duration = Duration::from_secs(90);
/// How often the tests look.
const LOOK: Duration = Duration::from_millis(5);
pub(crate) const OLD: &str = "1.0.0";
pub(crate) const NEW: &str = "1.1.0";
const HARDWARE: HardwareId = HardwareId::Meid([0xA1, 0, 0, 0, 0x12, 0x34, 0x56]);

/// The boot loader's record is one word in a file, which is replaced whole.
const HOOK: &str = r#"#!/bin/sh
cd "$(dirname "$0")" || exit 1
put() { echo "$1" >record.$$ && mv record.$$ record; }
case $1 in
status) echo "standing=$(cat record)" ;;
stage) put pending ;;
confirm | reject) put settled ;;
esac
"#;
/// A restart that takes place when the test lets it.
const REBOOT: &str = "#!/bin/sh\ntouch \"$(dirname \"$0\")/rebooting\"\n";

pub(crate) struct Field {
    pub(crate) folder: PathBuf,
    pub(crate) network: Running,
    pub(crate) images: [Vec<u8>; 2],
    child: Option<Child>,
    registered: bool,
    /// More of the service's environment.
    pub(crate) environment: Vec<(&'static str, PathBuf)>,
}

impl Field {
    /// A machine with the old firmware in slot A; an update and an activation wait for it.
    pub(crate) fn new(name: &str, consent: &str) -> Self {
        Self::with(name, consent, |address| address)
    }

    /// The same, each of the two servers behind what is made of its address.
    pub(crate) fn with(name: &str, consent: &str, behind: impl Fn(SocketAddr) -> SocketAddr) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder =
            std::env::temp_dir().join(format!("kedge-agentd-{name}-{}-{number}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder).unwrap();
        let images = [image(1), image(2)];
        fs::write(folder.join("slot-a"), filled(&images[0])).unwrap();
        fs::write(folder.join("slot-b"), filled(&[])).unwrap();
        for (script, text) in [("hook", HOOK), ("reboot", REBOOT)] {
            fs::write(folder.join(script), text).unwrap();
            fs::set_permissions(folder.join(script), fs::Permissions::from_mode(0o755)).unwrap();
        }
        let network = serve(Arc::new(Mutex::new(operator(&images))), None).unwrap();
        let field = Self { folder, network, images, child: None, registered: false, environment: Vec::new() };
        fs::write(field.folder.join("record"), "settled\n").unwrap();
        field.boot('A');
        fs::write(field.folder.join("roots.pem"), &field.network.ca_pem).unwrap();
        fs::write(field.folder.join("agentd.toml"), field.config(consent, &behind)).unwrap();
        field
    }

    fn config(&self, consent: &str, behind: &dyn Fn(SocketAddr) -> SocketAddr) -> String {
        let folder = self.folder.display();
        let signer = Signer::test_key();
        let public: Vec<_> = signer.public_key().iter().map(|octet| format!("{octet:02x}")).collect();
        let public = public.concat();
        let key = std::str::from_utf8(signer.id()).unwrap();
        let [http, https] = [self.network.http, self.network.https].map(behind);
        let hosts = HOSTS.iter().flat_map(|host| [(host, 80, http), (host, 443, https)]);
        let hosts: Vec<_> =
            hosts.map(|(host, port, address)| format!("\"{host}:{port}={address}\"")).collect();
        let hosts = hosts.join(", ");
        format!(
            "[device]\nmeid = \"A1000000123456\"\nmake = \"Kedge\"\nmodel = \"Sim-1\"\nversion-file = \"{folder}/version\"\n\
             [storage]\ndirectory = \"{folder}\"\n\
             [network]\nroots = \"{folder}/roots.pem\"\ntimeout-seconds = 20\nresolve = [{hosts}]\n\
             [user]\nconsent = \"{consent}\"\n\
             [settings]\n\"iota/boot-url\" = \"{ACTIVATION_URL}\"\n\"iota/boot-nai\" = \"provisioning@operator.example\"\n\
             \"iota/trusted-domain\" = \"{TRUSTED_DOMAIN}\"\n\"x/kedge/fota-url\" = \"{FOTA_URL}\"\n\
             [update]\nproduct = \"kedge-agentd-test\"\nhook = \"{folder}/hook\"\ncmdline = \"{folder}/cmdline\"\n\
             reboot = [\"{folder}/reboot\"]\npackage-mib = 1\n\
             slots = [{{ name = \"A\", device = \"{folder}/slot-a\" }}, {{ name = \"B\", device = \"{folder}/slot-b\" }}]\n\
             keys = [{{ name = \"{key}\", public = \"{public}\" }}]\n\
             [control]\nsocket = \"{folder}/sock\"\n[log]\nlevel = \"debug\"\n"
        )
    }

    /// The machine runs the image in this slot from now on.
    fn boot(&self, slot: char) {
        let content = fs::read(self.folder.join(if slot == 'A' { "slot-a" } else { "slot-b" })).unwrap();
        let which = self.images.iter().position(|image| content.starts_with(image));
        let version = [OLD, NEW][which.expect("the boot loader starts a whole image")];
        fs::write(self.folder.join("cmdline"), format!("quiet kedge.slot={slot}\n")).unwrap();
        fs::write(self.folder.join("version"), version).unwrap();
    }

    /// The boot loader: what is pending gets one start; what was on trial and was not confirmed goes.
    fn restart_machine(&mut self) {
        self.kill();
        let record = self.read("record");
        let slot = if self.read("cmdline").contains("=A") { 'A' } else { 'B' };
        let other = if slot == 'A' { 'B' } else { 'A' };
        let (slot, record) = match record.trim() {
            "pending" => (other, "on-trial\n"),
            "on-trial" => (other, "settled\n"),
            _ => (slot, "settled\n"),
        };
        fs::write(self.folder.join("record"), record).unwrap();
        fs::remove_file(self.folder.join("rebooting")).unwrap();
        self.boot(slot);
        self.start();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap_or_default()
    }

    /// Starts the service; its log goes on in a file.
    pub(crate) fn start(&mut self) {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.folder.join("log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_kedge-agentd"))
            .arg("--config")
            .arg(self.folder.join("agentd.toml"))
            .env_remove("JOURNAL_STREAM")
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    /// SIGKILL, whatever it is doing.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Sends a signal and waits for the end: the exit code, if it was not the signal that ended it.
    pub(crate) fn signal(&mut self, signal: Signal) -> Option<i32> {
        kill_process(self.pid(), signal).unwrap();
        self.ended().code()
    }

    /// Waits for the end.
    pub(crate) fn ended(&mut self) -> std::process::ExitStatus {
        let mut child = self.child.take().expect("the service was started");
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < until, "the service does not end:\n{}", self.read("log"));
            thread::sleep(LOOK);
        }
    }

    pub(crate) fn pid(&self) -> Pid {
        let child = self.child.as_ref().expect("the service was started");
        Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap()
    }

    pub(crate) fn kedgectl(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kedgectl"));
        command.arg("--socket").arg(self.folder.join("sock")).args(words).output().unwrap()
    }

    /// The status, if the service listens.
    pub(crate) fn status(&self) -> Option<Status> {
        let output = self.kedgectl(&["--json", "status"]);
        if output.status.code() == Some(3) {
            return None;
        }
        serde_json::from_slice::<Reply>(&output.stdout).unwrap().status
    }

    /// Tells the service to do something, as soon as it listens.
    pub(crate) fn tell(&self, word: &str) {
        self.until("listening", |_, status| status.is_some());
        let output = self.kedgectl(&[word]);
        assert!(output.status.success(), "{word}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Waits until the status is as wanted.
    pub(crate) fn until(&self, what: &str, wanted: impl Fn(&Self, Option<&Status>) -> bool) {
        let until = Instant::now() + PATIENCE;
        loop {
            let status = self.status();
            if wanted(self, status.as_ref()) {
                return;
            }
            assert!(Instant::now() < until, "{what} never came, but {status:?}\n{}", self.read("log"));
            thread::sleep(LOOK);
        }
    }

    /// Plays user, boot loader and radio for one look; whether there is nothing left to wait for but `over`.
    pub(crate) fn attend(&mut self) {
        if self.folder.join("rebooting").exists() {
            self.restart_machine();
        }
        let Some(status) = self.status() else { return };
        if let Some(Question::Install { .. }) = status.question {
            // somebody else may have answered since
            self.kedgectl(&["install"]);
        }
        if status.activation.registered && !self.registered {
            self.registered = true;
            self.register();
        }
    }

    /// Plays a flow to its end, and looks whether all is in order then.
    pub(crate) fn play(&mut self, button: &str, patience: Duration, over: &impl Fn(&Self) -> bool) {
        self.tell(button);
        let until = Instant::now() + patience;
        while !over(self) {
            assert!(Instant::now() < until, "{button} is never over\n{}", self.read("log"));
            self.attend();
            thread::sleep(4 * LOOK);
        }
        self.assert_lawful();
        self.assert_bootable();
    }

    /// The new firmware runs, and the network was told once.
    pub(crate) fn is_updated(&self) -> bool {
        let done =
            |status: &Status| status.version == NEW && status.reports == 0 && status.doing == Doing::Idle;
        self.status().as_ref().is_some_and(done) && self.reports() == (1, TransactionState::Reported(100))
    }

    /// The activation is over, and the network knows.
    pub(crate) fn is_activated(&self) -> bool {
        let done =
            self.status().is_some_and(|status| status.activation.confirmed && status.doing == Doing::Idle);
        done && self.account() == AccountState::Activated
    }

    /// What the radio does with the committed number assignment; the network is told.
    fn register(&self) {
        use kedge_platform_linux::nor::{FileNor, SECTOR, Sync};
        // the service has the file open: a copy is looked at
        fs::copy(self.folder.join("state"), self.folder.join("state-copy")).unwrap();
        let mut flash = FileNor::new();
        let state = flash.add_existing(&self.folder.join("state-copy"), Sync::AtOnce).unwrap();
        let store = kedge_platform::flash::Region::new(state.start + 8 * SECTOR, 32 * SECTOR);
        let (store, _) = kedge_agent::store::Store::open(&mut flash, store, HARDWARE).unwrap();
        let mut nam = [0; 1024];
        let nam = kedge_agent::store::nam(&store, &mut flash, &mut nam).unwrap().to_vec();
        let mut prl = [0; 4096];
        let prl = store
            .bytes(&mut flash, kedge_agent::store::Key::Prl as u8, &mut prl)
            .unwrap()
            .unwrap_or_default();
        self.operator().register(Duration::ZERO, HARDWARE, &nam, prl);
    }

    pub(crate) fn operator(&self) -> MutexGuard<'_, Operator> {
        self.network.operator.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the network knows of the activation.
    pub(crate) fn account(&self) -> AccountState {
        self.operator().account(HARDWARE).unwrap().state
    }

    /// Final reports of the update that were taken, and the state it is in.
    pub(crate) fn reports(&self) -> (u32, TransactionState) {
        let operator = self.operator();
        let transaction = operator.transaction(1).unwrap();
        (transaction.reports, transaction.state)
    }

    /// The device has broken no rule.
    pub(crate) fn assert_lawful(&self) {
        let operator = self.operator();
        let violations: Vec<_> = operator.violations().iter().map(ToString::to_string).collect();
        assert!(violations.is_empty(), "{violations:#?}\n{}", self.read("log"));
    }

    /// The slot that runs holds a whole image.
    pub(crate) fn assert_bootable(&self) {
        let slot = if self.read("cmdline").contains("=A") { "slot-a" } else { "slot-b" };
        let content = fs::read(self.folder.join(slot)).unwrap();
        assert!(
            self.images.iter().any(|image| content.starts_with(image)),
            "{slot} is broken\n{}",
            self.read("log")
        );
    }
}

impl Drop for Field {
    fn drop(&mut self) {
        self.kill();
        if !thread::panicking() {
            drop(fs::remove_dir_all(&self.folder));
        }
    }
}

/// An image that compresses no better than firmware does.
fn image(seed: u32) -> Vec<u8> {
    let mut word = seed;
    let mut next = || {
        word ^= word << 13;
        word ^= word >> 17;
        word ^= word << 5;
        word
    };
    (0..40_000 / 4).flat_map(|_| next().to_le_bytes()).collect()
}

/// A slot with this at its beginning.
fn filled(image: &[u8]) -> Vec<u8> {
    let mut slot = image.to_vec();
    slot.resize(SLOT, 0xFF);
    slot
}

fn operator(images: &[Vec<u8>; 2]) -> Operator {
    let mut operator = Operator::new(Config::default());
    let mut profile = Profile::new(HARDWARE, Subscriber::sample(), roaming_list());
    profile.messages_per_document = 4;
    operator.subscribe(profile, AccountState::Pending).unwrap();
    let release = Release {
        product: "kedge-agentd-test",
        version: NEW,
        security_counter: 0,
        description: "Maintenance release",
        notes: "Faster start.",
        image: &images[1],
    };
    let installed = Installed { version: OLD, image: &images[0] };
    let target = Target { layout: Layout::Slot, block_size: 4096 };
    let package = full(&release, Some(&installed), target, &Signer::test_key()).unwrap();
    let package_url = operator.repository().offer("update.kdgp", package);
    let (make, model) = ("Kedge".to_owned(), "Sim-1".to_owned());
    let (from, to) = (OLD.to_owned(), NEW.to_owned());
    operator.offer_update(Offer { hardware: HARDWARE, make, model, from, to, package_url }).unwrap();
    operator
}

/// A classic roaming list (C.S0016 3.5.5) of one cellular system.
fn roaming_list() -> Vec<u8> {
    // preferred only, roaming indicator, one acquisition record, one system; cellular CDMA, either system, primary channel;
    // SID, no NID, preferred, GEO, PRI, acquisition index, indicator
    let fields: [(u128, u32); 14] = [
        (1, 1),
        (0, 8),
        (1, 9),
        (1, 14),
        (2, 4),
        (3, 2),
        (1, 2),
        (4139, 15),
        (0, 2),
        (1, 1),
        (0, 1),
        (0, 1),
        (0, 9),
        (1, 8),
    ];
    let bits: u32 = fields.iter().map(|(_, bits)| bits).sum();
    let value = fields.iter().fold(0, |value, (field, bits)| value << bits | field) << (80 - bits);
    let mut list = vec![0, 16, 0, 7];
    list.extend_from_slice(&value.to_be_bytes()[6..]);
    let crc = kedge_protocol::is683::prl::crc16(&list);
    list.extend_from_slice(&crc.to_be_bytes());
    list
}
