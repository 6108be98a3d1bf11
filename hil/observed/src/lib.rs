//! What the emulated boards have in common: how the host observes them, and how it makes their power fail.
//!
//! | module | what |
//! |---|---|
//! | [`black_box`] | what the flash is doing, noted in a page of RAM that the host reads after a power cut |
//! | [`page`] | the words of that page; the host includes this file too |
//! | [`fuse`] | the power fails in a flash operation of a chosen number: before it, inside, behind it |
//! | [`console`] | lines in and out, octets as hexadecimal |
//! | [`seeded`] | octets that follow from a seed, where a product takes its processor's generator |
#![no_std]

pub mod black_box;
pub mod console;
pub mod fuse;
pub mod page;
pub mod seeded;
