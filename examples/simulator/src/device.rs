//! What a scenario needs of the device that it is played on: the simulated handset, or a board.

use std::time::Duration;

use kedge_platform::clock::Clock as _;
use kedge_platform::flash::NorFlash;
use kedge_platform::http::Connection;
use kedge_platform_sim::identity::Identity;
use kedge_platform_sim::nor::{Kind, Nor};
use kedge_platform_sim::radio::Radio;
use kedge_platform_sim::ui::Ui;
use kedge_update_agent::Slot;

use crate::handset::{Fading, FlashMap, Handset, Press, Protected, Watch};
use crate::world::Trouble;

/// What the flash of a device has done.
#[derive(Clone, Debug, Default)]
pub struct FlashWork {
    /// Operations in all.
    pub operations: u64,
    /// Sectors erased in all.
    pub erases: u64,
    /// Sectors erased since [`Device::begin`] in the regions that hold firmware.
    pub image_erases: u64,
    /// How often each sector was erased; empty: not known.
    pub wear: Vec<u32>,
    /// What the agent did to it against its rules.
    pub misuses: Vec<String>,
}

/// A device, with its user and its modem.
pub trait Device {
    /// Its flash.
    type Flash: NorFlash;

    /// The flash, while nothing runs on the device.
    fn flash(&mut self) -> &mut Self::Flash;

    /// Where everything lies in it.
    fn map(&self) -> FlashMap;

    /// Lives until nothing is left to do, through restarts and losses of power; see [`Handset::live`].
    fn live(&mut self, press: Option<Press>, watch: &mut dyn Watch) -> anyhow::Result<()>;

    /// Who answers its prompts.
    fn user(&mut self) -> &mut Ui;

    /// What its modem was told.
    fn radio(&self) -> &Radio;

    /// Who it says it is; the version is that of the firmware that was started last.
    fn identity(&mut self) -> &mut Identity;

    /// How long it has been on.
    fn uptime(&self) -> Duration;

    /// Short messages that wait for it, in groups; see [`Handset::inbox`].
    fn deliver(&mut self, messages: &[Vec<Vec<u8>>]);

    /// What happened before is over: the scenario begins, with these power cuts and lost messages of the radio. The first cut
    /// counts flash operations from here, each further one from the return of the power.
    fn begin(&mut self, trouble: &Trouble);

    /// Whether its power fails by itself too: then the user presses again what a cut came before.
    fn is_cut(&self) -> bool {
        false
    }

    /// What the radio sent since then; nothing where that is not counted.
    fn fading(&self) -> Fading {
        Fading::default()
    }

    /// What the flash has done.
    fn work(&mut self) -> FlashWork;
}

impl<H: Connection, const W: usize, const E: usize> Device for Handset<H, W, E> {
    type Flash = Protected<Nor<W, E>>;

    fn flash(&mut self) -> &mut Self::Flash {
        &mut self.ports.flash
    }

    fn map(&self) -> FlashMap {
        self.model().map
    }

    fn live(&mut self, press: Option<Press>, watch: &mut dyn Watch) -> anyhow::Result<()> {
        Self::live(self, press, watch)
    }

    fn user(&mut self) -> &mut Ui {
        &mut self.ports.ui
    }

    fn radio(&self) -> &Radio {
        &self.ports.radio
    }

    fn identity(&mut self) -> &mut Identity {
        &mut self.ports.identity
    }

    fn uptime(&self) -> Duration {
        self.ports.clock.uptime()
    }

    fn deliver(&mut self, messages: &[Vec<Vec<u8>>]) {
        self.inbox = messages.to_vec();
    }

    fn begin(&mut self, trouble: &Trouble) {
        self.fading = Fading { lost: trouble.radio.clone(), ..Fading::default() };
        self.nor().power_on();
        let traced = self.nor().clone().with_trace();
        *self.nor() = traced;
        for (operation, cut) in &trouble.cuts {
            self.nor().cut_at(*operation, *cut);
        }
    }

    fn fading(&self) -> Fading {
        self.fading.clone()
    }

    fn work(&mut self) -> FlashWork {
        let map = self.model().map;
        let slots = [map.update.slot(Slot::First), map.update.slot(Slot::Second)];
        let nor = self.nor();
        let of_image = |offset: u32| slots.iter().any(|slot| (slot.start..slot.end()).contains(&offset));
        let erases = nor.trace().iter().filter(|op| op.kind == Kind::Erase && of_image(op.offset));
        FlashWork {
            operations: nor.work().operations(),
            erases: nor.work().erases,
            image_erases: erases.count() as u64,
            wear: nor.wear().to_vec(),
            misuses: nor.misuses().iter().map(|misuse| format!("{misuse:?}")).collect(),
        }
    }
}
