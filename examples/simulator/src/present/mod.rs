//! From the [`feed`](crate::feed) to what people and machines read.
//!
//! | module | what | while it runs |
//! |---|---|---|
//! | [`Terminal`] | sequence diagram of 80 columns, progress bars | yes |
//! | [`Plain`] | one line per item, for pipes and log files | yes |
//! | [`Json`] | one JSON object per item | yes |
//! | [`Recording`] | keeps a run for the following | yes |
//! | [`summary`] | the table at the end | no |
//! | [`junit`] | JUnit XML | no |
//! | [`report`] | one self-contained HTML page | no |

mod canvas;
mod json;
mod junit;
mod lines;
mod plain;
mod recording;
mod report;
mod summary;
mod terminal;
mod text;

pub use json::Json;
pub use junit::junit;
pub use lines::Live;
pub use plain::Plain;
pub use recording::{FlowRecord, LogLine, Recording};
pub use report::report;
pub use summary::summary;
pub use terminal::Terminal;
