//! The host's side of the console, against boards that say what a test wants.

use std::sync::mpsc;

use kedge_network::Config;
use kedge_platform_sim::ui::PromptKind;

use super::*;

/// Speaks by script: one list of lines for each power-on, and remembers what it was told.
#[derive(Default)]
struct Scripted {
    says: VecDeque<&'static [&'static str]>,
    straps: Vec<Vec<String>>,
    heard: Arc<Mutex<Vec<u8>>>,
    flash: Vec<u8>,
    /// What keeps the console open.
    on: Option<mpsc::Sender<String>>,
}

struct Ear(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Ear {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Board for Scripted {
    fn power_on(&mut self, straps: &[String]) -> anyhow::Result<Console> {
        self.straps.push(straps.to_vec());
        let (sender, lines) = mpsc::channel();
        for line in self.says.pop_front().unwrap_or_default() {
            sender.send((*line).to_owned())?;
        }
        self.on = Some(sender);
        Ok(Console { lines, input: Box::new(Ear(Arc::clone(&self.heard))) })
    }

    fn power_off(&mut self) -> anyhow::Result<Option<Moment>> {
        self.on = None;
        let wear = vec![1, 0, 0, 0, 2];
        Ok(Some(Moment { operations: 7, under_way: Some((0, true)), boot_stage: true, wear }))
    }

    fn read_flash(&mut self, len: usize) -> anyhow::Result<Vec<u8>> {
        self.flash.resize(len, 0xFF);
        Ok(self.flash.clone())
    }

    fn write_flash(&mut self, octets: &[u8]) -> anyhow::Result<()> {
        self.flash = octets.to_vec();
        Ok(())
    }
}

fn phone(board: &mut Scripted) -> Phone<'_> {
    let operator = Arc::new(Mutex::new(Operator::new(Config::default())));
    let map = FlashMap { update: product::layout(false), store: product::STORE, len: product::FLASH };
    let identity = Identity::new(HardwareId::Esn(0xA0B1), "Kedge", "Virt-1", "1.0").unwrap();
    Phone::new(board, operator, &[1, 2, 3], (map, identity), vec!["seed=1".to_owned()]).unwrap()
}

fn told(heard: &Arc<Mutex<Vec<u8>>>) -> String {
    String::from_utf8(heard.lock().unwrap().clone()).unwrap()
}

#[test]
fn the_board_is_asked_answered_woken_and_switched_off() {
    let mut board = Scripted::default();
    board.says.push_back(&[
        "boot: run Second",
        "kedge firmware 2.0 (kedge-virt)",
        "idle -",
        "ask install-update - 322e30 -",
        "register 000142 -",
        "idle -",
        "idle 900",
        "idle -",
        "exit Off",
    ]);
    let heard = Arc::clone(&board.heard);
    let mut phone = phone(&mut board);
    phone.user().answer_once(PromptKind::InstallUpdate, Answer::Later);
    phone.live(Some(Press::Activate), &mut ()).unwrap();
    assert_eq!(told(&heard), "activate\nanswer later\nlisten\nwake\noff\n");
    assert_eq!(phone.identity().version(), "2.0");
    assert_eq!(phone.user().shown()[0].texts, ["2.0"]);
    assert_eq!(phone.radio().registration().unwrap().nam, [0, 1, 0x42]);
    let work = phone.work();
    assert_eq!((work.operations, work.erases, work.image_erases), (7, 3, 3));
    assert_eq!(&phone.slot(Slot::First).unwrap()[..4], [1, 2, 3, 0xFF]);
    assert!(board.straps[0].contains(&"hardware=esn:0000a0b1".to_owned()), "{:?}", board.straps);
}

#[test]
fn a_power_failure_is_a_start_more() {
    let mut board = Scripted::default();
    board.says.push_back(&["boot: run First", "power fails in operation 3, Torn: Ok(())"]);
    board.says.push_back(&["idle -", "idle -", "idle -", "exit Off"]);
    let heard = Arc::clone(&board.heard);
    let mut phone = phone(&mut board);
    let cuts = vec![(3, Cut::Torn { seed: 0 })];
    phone.begin(&kedge::world::Trouble { cuts, ..Default::default() });
    phone.live(Some(Press::Activate), &mut ()).unwrap();
    assert_eq!(phone.killed.len(), 1);
    assert_eq!(told(&heard), "activate\nlisten\noff\n");
    assert!(board.straps[0].contains(&"cut=3:torn".to_owned()), "{:?}", board.straps);
    assert!(!board.straps[1].iter().any(|strap| strap.starts_with("cut")), "{:?}", board.straps);
}

#[test]
fn a_moment_that_is_over_cuts_a_silent_board() {
    let mut board = Scripted::default();
    board.says.push_back(&["boot: run First"]);
    board.says.push_back(&["exit Off"]);
    let mut phone = phone(&mut board);
    phone.kills.push_back(Kill::After(Duration::from_millis(5)));
    phone.live(None, &mut ()).unwrap();
    assert_eq!(phone.killed, [(Kill::After(Duration::from_millis(5)), phone.killed[0].1.clone())]);
    assert_eq!(phone.killed[0].1.operations, 7);
}

#[test]
fn a_firmware_that_gives_up_is_a_failure_with_its_words() {
    let mut board = Scripted::default();
    board.says.push_back(&["agent: Misuse", "exit Failed"]);
    let why = phone(&mut board).live(None, &mut ()).unwrap_err().to_string();
    assert!(why.contains("agent: Misuse"), "{why}");
}

#[test]
fn the_boards_account_is_that_of_the_operator() {
    use kedge_network::{DM_DEVICE, DM_SERVER, DM_SERVER_PASSWORD, DM_URL};
    let [account] = crate::management::SETUP.accounts else { panic!("one account") };
    let address = account.addresses[0].as_ref().map(|address| address.address);
    assert_eq!((account.server, address), (DM_SERVER, Some(DM_URL)));
    let known = account.credentials.iter().flatten();
    let known: Vec<_> = known.map(|credentials| (credentials.name, credentials.secret.0)).collect();
    let operators = [DM_DEVICE, (DM_SERVER, DM_SERVER_PASSWORD)].map(|(name, word)| (name, word.as_bytes()));
    assert_eq!(known, operators);
}
