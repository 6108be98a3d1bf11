#![no_std]
#![no_main]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    unsafe extern "C" { fn kedge_must_not_panic() -> !; }
    unsafe { kedge_must_not_panic() }
}
#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    #[cfg(feature="wire")]
    {
        static IN: [u8; 64] = [0; 64];
        let mut r = kedge_protocol::wire::Reader::new(core::hint::black_box(&IN[..]));
        core::hint::black_box(r.mb_u32());
        core::hint::black_box(r.take(core::hint::black_box(4)));
    }
    loop {}
}
