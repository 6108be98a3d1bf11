//! The fault-tolerant firmware update agent: journal, verification, applier, boot decision.
