//! Texts and octets across the border.

use core::ffi::{CStr, c_char};
use core::slice;

/// A text or octets with a length, without a zero octet at the end; valid only during the call it is handed to.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KedgeText {
    /// The first octet; never null.
    pub octets: *const u8,
    /// How many octets there are.
    pub len: usize,
}

impl KedgeText {
    pub(crate) const EMPTY: Self = Self::of(&[]);

    pub(crate) const fn of(octets: &[u8]) -> Self {
        Self { octets: octets.as_ptr(), len: octets.len() }
    }
}

impl From<&str> for KedgeText {
    fn from(text: &str) -> Self {
        Self::of(text.as_bytes())
    }
}

/// The octets that C hands in; none for a null pointer with a length.
///
/// # Safety
/// `octets` is null or leads to `len` readable octets that nobody changes while the slice is used.
pub(crate) const unsafe fn octets<'a>(octets: *const u8, len: usize) -> Option<&'a [u8]> {
    if len == 0 {
        return Some(&[]);
    }
    if octets.is_null() || len > isize::MAX.unsigned_abs() {
        return None;
    }
    // SAFETY: as the caller promises.
    Some(unsafe { slice::from_raw_parts(octets, len) })
}

/// The room that C lends; none for a null pointer with a length.
///
/// # Safety
/// `octets` is null or leads to `len` octets that nobody else uses while the slice is used.
pub(crate) const unsafe fn room<'a>(octets: *mut u8, len: usize) -> Option<&'a mut [u8]> {
    if len == 0 {
        return Some(&mut []);
    }
    if octets.is_null() || len > isize::MAX.unsigned_abs() {
        return None;
    }
    // SAFETY: as the caller promises.
    Some(unsafe { slice::from_raw_parts_mut(octets, len) })
}

/// A table that C hands in; none for a null pointer with a length.
///
/// # Safety
/// `first` is null or leads to `count` values that stay as they are while the slice is used.
pub(crate) unsafe fn table<'a, T>(first: *const T, count: usize) -> Option<&'a [T]> {
    if count == 0 {
        return Some(&[]);
    }
    if first.is_null() || !first.is_aligned() {
        return None;
    }
    // SAFETY: as the caller promises.
    Some(unsafe { slice::from_raw_parts(first, count) })
}

/// A text that C hands in; none for a null pointer or what is not UTF-8.
///
/// # Safety
/// `text` is null or leads to octets that end with a zero, and stay as they are while the text is used.
pub(crate) unsafe fn text<'a>(text: *const c_char) -> Option<&'a str> {
    if text.is_null() {
        return None;
    }
    // SAFETY: as the caller promises.
    unsafe { CStr::from_ptr(text) }.to_str().ok()
}
