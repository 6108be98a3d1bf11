//! Credentials and challenges (`oma-dm.md` section 8).
