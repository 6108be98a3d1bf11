//! Wi-Fi: the station joins the access point for a data call, and is a network card under `kedge-platform-net`.

use alloc::boxed::Box;
use core::future::Future;
use core::pin::pin;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll, Waker};
use core::time::Duration;

use embassy_net_driver::{Driver as _, RxToken as _, TxToken as _};
use esp_hal::peripherals::WIFI;
use esp_hal::rng::Rng;
pub use esp_radio::wifi::WifiError;
use esp_radio::wifi::sta::StationConfig;
use esp_radio::wifi::{
    AuthenticationMethodConfig, Config, ControllerConfig, Interface, WifiController, WifiRxToken, WifiTxToken,
};
use kedge_platform::clock::TimeOfDay as _;
use kedge_platform::radio::{Radio, RadioError};
use kedge_platform_net::lan::{Lan, Memory};
use kedge_platform_net::tcp::{Broken, Settings};
use kedge_platform_net::{Stream, Target};
use smoltcp::phy::{self, DeviceCapabilities, Medium};
use smoltcp::time::Instant;

use crate::clock::{Calendar, sleep, uptime};

/// How long joining an access point may take, and the other side may be silent.
const JOINING: Duration = Duration::from_secs(20);
const PATIENCE: Duration = Duration::from_secs(30);
/// So often is looked whether it has been joined.
const LOOK: Duration = Duration::from_millis(20);

/// The station has joined an access point since the network below last looked: its address may be another's now.
static JOINED: AtomicBool = AtomicBool::new(false);

/// An access point.
#[derive(Clone, Copy, Debug)]
pub struct AccessPoint {
    /// Its name.
    pub name: &'static str,
    /// Its password (WPA2); empty: it is open.
    pub password: &'static str,
}

/// The radio port: the station.
pub struct Wifi {
    controller: WifiController<'static>,
}

impl Wifi {
    /// Switches the radio on; the scheduler must run.
    pub fn new(device: WIFI<'static>, point: &AccessPoint) -> Result<Self, WifiError> {
        let mut controller = WifiController::new(device, ControllerConfig::default())?;
        let station = StationConfig::default().with_ssid(point.name.try_into()?);
        let authentication = match point.password {
            "" => AuthenticationMethodConfig::Open,
            password => AuthenticationMethodConfig::Wpa2Personal(password.try_into()?),
        };
        controller.set_config(&Config::Station(station.with_authentication(authentication)))?;
        Ok(Self { controller })
    }
}

impl Radio for Wifi {
    /// Joins the access point, whatever the name: Wi-Fi has none.
    fn open_data_call(&mut self, _: &str) -> Result<(), RadioError> {
        if self.controller.is_connected() {
            return Ok(());
        }
        match within(JOINING, self.controller.connect_async()) {
            Some(Ok(_)) => {
                JOINED.store(true, Ordering::Relaxed);
                Ok(())
            }
            Some(Err(_)) => Err(RadioError::Refused),
            None => Err(RadioError::NoService),
        }
    }

    /// Leaves the station where it is: joining takes longer than most sessions.
    fn close_data_call(&mut self) {}

    /// There is no cellular network that a number would be registered with; the number stays in the store.
    fn register(&mut self, _: &[u8], _: &[u8]) -> Result<(), RadioError> {
        Ok(())
    }
}

/// Waits so long for something.
fn within<F: Future>(time: Duration, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let end = uptime() + time;
    loop {
        if let Poll::Ready(done) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Some(done);
        }
        if uptime() > end {
            return None;
        }
        sleep(LOOK);
    }
}

/// The stream under HTTP and TLS: the station's network. It sets the time of day before the first encrypted connection, which
/// cannot judge certificates without.
pub struct Air {
    lan: Lan<Card>,
    calendar: &'static Calendar,
    time_server: &'static str,
}

impl Air {
    /// The network; there may be one, `None` means that there is.
    pub fn new(calendar: &'static Calendar, time_server: &'static str) -> Option<Self> {
        let card = Card(Interface::try_station()?);
        let settings = Settings {
            hardware: card.0.mac_address(),
            seed: u64::from(Rng::new().random()) << 32 | u64::from(Rng::new().random()),
            now: uptime,
            patience: PATIENCE,
        };
        // made once, for ever
        let memory = Box::leak(Box::new(Memory::new()));
        Some(Self { lan: Lan::new(card, memory, settings), calendar, time_server })
    }
}

impl Stream for Air {
    type Error = Broken;

    fn connect(&mut self, target: &Target<'_>) -> Result<(), Broken> {
        // two steps: the core has no exchange, and nobody joins meanwhile
        if JOINED.load(Ordering::Relaxed) {
            JOINED.store(false, Ordering::Relaxed);
            self.lan.leave();
        }
        if target.secure && (&*self.calendar).seconds().is_none() {
            let mut token = [0; 8];
            Rng::new().read(&mut token);
            self.calendar.set(self.lan.time(self.time_server, token)?);
        }
        self.lan.connect(target)
    }

    fn send(&mut self, octets: &[u8]) -> Result<(), Broken> {
        self.lan.send(octets)
    }

    fn flush(&mut self) -> Result<(), Broken> {
        self.lan.flush()
    }

    fn receive(&mut self, octets: &mut [u8]) -> Result<usize, Broken> {
        self.lan.receive(octets)
    }
}

/// The station as smoltcp's card. Nothing is woken: whoever waits asks again.
pub struct Card(Interface);

impl phy::Device for Card {
    type RxToken<'a> = Received;
    type TxToken<'a> = Sending;

    fn receive(&mut self, _: Instant) -> Option<(Received, Sending)> {
        let (received, sending) = self.0.receive()?;
        Some((Received(received), Sending(sending)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Sending> {
        self.0.transmit().map(Sending)
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = self.0.capabilities().max_transmission_unit;
        capabilities
    }
}

/// A frame that came.
pub struct Received(WifiRxToken);

impl phy::RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        self.0.consume(|frame| take(frame))
    }
}

/// Room for a frame that goes out.
pub struct Sending(WifiTxToken);

impl phy::TxToken for Sending {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, fill: F) -> R {
        self.0.consume(len, fill)
    }
}
