//! The crypto port in software, for devices without an accelerator.
