//! Calls what the core crates offer with inputs the compiler cannot know. It links only if no panic can be reached: the
//! panic handler calls a function that is defined nowhere. Never run; `cargo xtask no-panic` and `size` build it.
//!
//! One module and feature per part. Buffers a device would own are statics ([`room!`]), so that the size report shows
//! them as RAM and not as stack.
#![no_std]
#![no_main]

#[cfg(any(feature = "engine", feature = "agent"))]
mod capability;
mod opaque;

#[cfg(any(
    feature = "update",
    feature = "license",
    all(feature = "license-document", not(feature = "license-document-signed")),
    all(feature = "applier", not(feature = "applier-signed"))
))]
mod crypto;
#[cfg(any(feature = "fault-index", feature = "fault-copy"))]
mod faults;
#[cfg(any(
    feature = "bank-log",
    feature = "encrypted",
    feature = "license",
    feature = "update",
    feature = "applier"
))]
mod flash;
#[cfg(feature = "agent")]
mod ports;
#[cfg(any(feature = "iota", feature = "handset"))]
mod session;

/// Declares the parts, each a feature and a module, and a function that runs those that are on.
macro_rules! parts {
    ($($feature:literal $module:ident)*) => {
        $(#[cfg(feature = $feature)] mod $module;)*

        fn run() {
            $(#[cfg(feature = $feature)] $module::run();)*
        }
    };
}

parts! {
    "wire" wire
    "wbxml" wbxml
    "xml" xml
    "mime" mime
    "wap" wap
    "sms" sms
    "cp" cp
    "download" download
    "is683" is683
    "engine" engine
    "iota" iota
    "handset" handset
    "sms-cdma" sms_cdma
    "dm" dm
    "objects" objects
    "package" package
    "delta" delta
    "repack" repack
    "bank-log" bank_log
    "nand" nand
    "encrypted" encrypted
    "update" update
    "applier" applier
    "streaming" streaming
    "forecast" forecast
    "handover" handover
    "agent" agent
    "license" license
    "license-document" license_document
    "licensing" licensing
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        fn kedge_must_not_panic() -> !;
    }
    // SAFETY: never runs; if this call is reachable, the program does not link.
    unsafe { kedge_must_not_panic() }
}

/// Where the linker starts to see what is used.
// SAFETY: nothing else defines this name.
#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    run();
    #[cfg(any(feature = "fault-index", feature = "fault-copy"))]
    faults::run();
    loop {
        core::hint::spin_loop();
    }
}
