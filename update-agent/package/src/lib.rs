//! The update package format, shared by the device and the generator.
