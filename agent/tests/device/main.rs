//! The agent on a simulated device: what it asks for and takes, settings, bootstraps, rules of access, and its IS-683 side against
//! a model.

mod access;
mod bootstrap;
mod contract;
mod model;
mod phone;
mod provisioning;
