//! The whole agent as a firmware for the ESP32-C3: Wi-Fi, TLS, state and slots on the chip's own flash, ESP-IDF's boot loader.
//!
//! | file | what |
//! |---|---|
//! | `product` | what the device is, and whom it trusts |
//! | `update` | journal and boot loader brought together, before the agent starts |
//! | `phone` | the ports put together, and the agent's life between two restarts |
//! | `button` | the user: one button, and a console that only speaks |
//!
//! It was built and its image was read by Espressif's own tool; no chip has run it yet (README.md).
#![no_std]
#![no_main]

extern crate alloc;

mod button;
mod phone;
mod product;
mod update;

use button::Button;
use core::time::Duration;
use esp_hal::clock::CpuClock;
use esp_hal::gpio::{Input, InputConfig, Pull};
use esp_hal::rtc_cntl::Rtc;
use esp_hal::timer::timg::TimerGroup;
use esp_println::println;
use esp_storage::FlashStorage;
use kedge_platform_esp32::clock::{Calendar, sleep};
use kedge_platform_esp32::entropy::Noise;
use kedge_platform_esp32::flash::Flash;
use kedge_platform_esp32::power;
use kedge_platform_esp32::wifi::{Air, Wifi};
use phone::{Phone, Stop};
use static_cell::StaticCell;

esp_bootloader_esp_idf::esp_app_desc!();

/// The release.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Octets for the radio's own code: RAM that the boot loader needs no more, and some of the rest.
const RECLAIMED: usize = 64 * 1024;
const REST: usize = 16 * 1024;
/// Before a start that failed is tried again.
const PAUSE: Duration = Duration::from_secs(10);

#[esp_hal::main]
fn main() -> ! {
    let chip = esp_hal::init(esp_hal::Config::default().with_cpu_clock(CpuClock::max()));
    esp_alloc::heap_allocator!(#[esp_hal::ram(reclaimed)] size: RECLAIMED);
    esp_alloc::heap_allocator!(size: REST);
    println!("kedge firmware {VERSION} ({})", product::NAME);
    esp_rtos::start(TimerGroup::new(chip.TIMG0).timer0, chip.FROM_CPU_INTR0);
    static CALENDAR: StaticCell<Calendar> = StaticCell::new();
    let calendar: &'static Calendar = CALENDAR.init(Calendar::new(Rtc::new(chip.RTC_TIMER)));
    let button = Button::new(Input::new(chip.GPIO9, InputConfig::default().with_pull(Pull::Up)));
    let flash = Flash::new(FlashStorage::new(chip.FLASH));
    let Err(stop) = Wifi::new(chip.WIFI, &product::ACCESS_POINT).map_err(Stop::Radio).and_then(|radio| {
        // the radio is on, so the generator has noise
        let noise = || Noise::new().map_err(|_| Stop::NoNoise);
        let entropy = [noise()?, noise()?];
        let air = Air::new(calendar, product::TIME_SERVER).ok_or(Stop::Taken)?;
        phone::live(Phone { flash, radio, entropy, air, calendar, button })
    });
    println!("stopped: {stop}");
    sleep(PAUSE);
    power::now()
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    println!("{info}");
    power::now()
}
