//! Makes and signs update packages.
