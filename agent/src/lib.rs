//! The agent: triggers, dispatch, sessions, store and actions composed, without I/O.
