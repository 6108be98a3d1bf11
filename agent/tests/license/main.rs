//! The license cache on simulated flash: what it keeps, through power cuts, clones, and ten years.

mod bench;
mod cuts;
mod files;
mod rules;
mod years;
