//! One test for each client requirement of the fact sheet's table (`oma-dm.md` section 15), named by its number; several
//! where one does not tell all of it. `cargo xtask spec` reads the names.

mod alerts;
mod auth;
mod commands;
mod desk;
mod large;
mod replay;
mod robust;
mod session;
mod standard;
mod states;
mod tree;
