//! A whole simulated device: strict flash, clock, radio, user, identity; deterministic.
