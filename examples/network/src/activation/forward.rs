//! The forward messages of an activation, in the order of its script.
