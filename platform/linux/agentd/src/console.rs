//! The log: standard error, with the priorities of the journal in front of each line where that reads it.

use std::io::Write as _;
use std::sync::OnceLock;

use log::{Level, LevelFilter, Log, Metadata, Record};

/// Lines to standard error.
struct Console {
    /// The journal reads standard error (`systemd.exec(5)`, `JOURNAL_STREAM`), and takes `<6>` as a priority (`sd-daemon(3)`).
    journal: bool,
}

impl Log for Console {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // what libraries tell below a warning is for their developers
        metadata.target().starts_with("kedge") || metadata.level() <= Level::Warn
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let (priority, name) = match record.level() {
            Level::Error => (3, "error: "),
            Level::Warn => (4, "warning: "),
            Level::Info => (6, ""),
            Level::Debug | Level::Trace => (7, ""),
        };
        let text = record.args().to_string();
        // one message, one line: what the network sends must not look like another message
        let text = text.replace(|c: char| c.is_control(), " ");
        let line = if self.journal {
            format!("<{priority}>{text}\n")
        } else {
            format!("kedge-agentd: {name}{text}\n")
        };
        // when nobody can be told any more there is nobody to tell
        let _ = std::io::stderr().write_all(line.as_bytes());
    }

    fn flush(&self) {}
}

/// Begins to log what is at least this important. Only the first call counts.
pub fn start(level: LevelFilter) {
    static CONSOLE: OnceLock<Console> = OnceLock::new();
    let journal = std::env::var_os("JOURNAL_STREAM").is_some();
    if log::set_logger(CONSOLE.get_or_init(|| Console { journal })).is_ok() {
        log::set_max_level(level);
    }
}
