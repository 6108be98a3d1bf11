//! OMA Download (DLOTA): fetching an object by HTTP, behind a descriptor or by itself (`fumo-dlota.md` section 2).
//!
//! | item | what |
//! |---|---|
//! | [`Descriptor`] | the document that tells type, size and place of an object |
//! | [`session`] | descriptor, consent, object by ranges, check, report |
//! | [`Plan`] | when an interrupted exchange is tried again, and how often |
//! | [`Status`], [`Failure`] | what is reported, and why |
//! | [`limits`] | every bound, with its reason |

mod codes;
mod descriptor;
pub mod limits;
mod plan;
pub mod session;

pub use codes::{Failure, Status};
pub use descriptor::{Descriptor, Fault, FaultKind, Types};
pub use plan::Plan;

/// Media type of a descriptor of version 1.
pub const DESCRIPTOR: &str = "application/vnd.oma.dd+xml";
/// Media type of a descriptor of version 2, which is refused: its schema is not known here.
pub const DESCRIPTOR_2: &str = "application/vnd.oma.dd2+xml";
/// Media type of the status report (from memory: the fact sheet names no source).
pub const REPORT: &str = "text/plain";
/// XML namespace of a descriptor.
pub const NAMESPACE: &str = "http://www.openmobilealliance.org/xmlns/dd";
