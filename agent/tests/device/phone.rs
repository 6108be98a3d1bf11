//! What the tests' devices have in common: where everything lies on the flash, what they can, what happened on them, and a user.

use core::time::Duration;

use kedge_agent::agent::{Agent, Context, Done, Output};
use kedge_agent::config::{Config, Pri};
use kedge_agent::event::{Event, Events};
use kedge_platform::flash::Region;
use kedge_platform::identity::HardwareId;
use kedge_platform::radio::RadioError;
use kedge_platform::ui::{Answer, Pin, Prompt};
use kedge_platform_crypto::SoftCrypto;
use kedge_platform_sim::identity::Identity;
use kedge_platform_sim::nor::Nor;
use kedge_protocol::is683::engine::Capability;
use kedge_update_agent::{Device, Layout, Mode};

/// Flash with sectors of 4 KiB.
pub(crate) type Flash = Nor<4, 4096>;

/// The subscriber's identity on the card.
pub(crate) const IMSI: &str = "244050123456789";

/// Sectors before the store: image, scratch, package, journal.
const BEFORE: u32 = 8;

/// Where the store lies on a flash with sectors of so many octets, and so many sectors of its own.
pub(crate) const fn store(sector: u32, sectors: u32) -> Region {
    Region::new(BEFORE * sector, sectors * sector)
}

/// A device with these sectors, that was delivered with these objects, and takes no updates.
pub(crate) fn config<'c>(
    (sector, sectors): (u32, u32),
    objects: &'c [(&'static str, &'c str)],
    max_prl_size: u16,
) -> Config<'c> {
    let region = |first: u32, sectors: u32| Region::new(first * sector, sectors * sector);
    Config {
        store: store(sector, sectors),
        update: Layout {
            image: region(0, 1),
            mode: Mode::InPlace { scratch: region(1, 1) },
            package: region(2, 2),
            journal: region(4, 2),
        },
        device: Device {
            product: "p",
            version: None,
            security_counter: 0,
            keys: &[],
            trial_attempts: 1,
            memory: 0,
        },
        pri: Pri { objects, spc: *b"000000" },
        capability: Capability {
            firmware_rev: 1,
            model: 1,
            band_mode: 0x60,
            max_prl_size,
            max_sid_nid: 4,
            ..Capability::PLAIN
        },
        objects: &[],
    }
}

/// A device with a card.
pub(crate) fn identity() -> Identity {
    let mut identity = Identity::new(HardwareId::Esn(0x80B0_2913), "Make", "Model", "1").unwrap();
    identity.insert_card(IMSI);
    identity
}

/// What happened, in the words of the events' debug form.
#[derive(Default)]
pub(crate) struct Log(pub(crate) Vec<String>);

impl Log {
    /// How often something happened in whose words this occurs.
    pub(crate) fn count(&self, what: &str) -> usize {
        self.0.iter().filter(|event| event.contains(what)).count()
    }
}

impl Events for Log {
    fn event(&mut self, _: Duration, event: &Event<'_>) {
        self.0.push(format!("{event:?}"));
    }
}

/// What the user is asked or told about settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The PIN, with the tries that are left.
    Pin(u8),
    /// Whether to apply them.
    Apply(String),
    /// That they are in use.
    Applied,
    /// That they were dropped.
    Refused,
}

/// The answer that is this PIN.
pub(crate) fn pin(text: &str) -> Answer {
    Answer::Pin(Pin::new(text).unwrap())
}

/// Answers until the agent is idle; where there are no answers left, later. There is no network. Returns what the user saw;
/// `None`: the power failed.
pub(crate) fn answer<const PRL: usize>(
    agent: &mut Agent<'_, PRL>,
    context: &mut Context<'_, Flash, SoftCrypto>,
    answers: &[Answer],
) -> Option<Vec<Asked>> {
    let mut answers = answers.iter();
    let mut seen = Vec::new();
    loop {
        let asked = match agent.poll(context).ok()? {
            Output::Idle(_) => return Some(seen),
            Output::OpenCall { .. } => None,
            Output::Ask(Prompt::EnterPin { tries_left, .. }) => Some(Asked::Pin(tries_left)),
            Output::Ask(Prompt::ApplySettings { summary }) => Some(Asked::Apply(summary.to_owned())),
            Output::Ask(Prompt::SettingsApplied) => Some(Asked::Applied),
            Output::Ask(Prompt::SettingsRefused) => Some(Asked::Refused),
            other => panic!("{other:?}"),
        };
        let Some(asked) = asked else {
            agent.done(context, Done::CallOpened(Err(RadioError::NoService))).ok()?;
            continue;
        };
        let told = matches!(asked, Asked::Applied | Asked::Refused);
        seen.push(asked);
        let answer = if told { &Answer::Yes } else { answers.next().unwrap_or(&Answer::Later) };
        agent.done(context, Done::Answered(*answer)).ok()?;
    }
}
