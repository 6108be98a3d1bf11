//! The desktop command `kedge`: plays call flows on a simulated handset against a simulated network, and shows any
//! bytes decoded.
//!
//! ```text
//!  player ── agent events ──► translate ──► feed ──┬──► present: terminal diagram | plain lines | JSON lines
//!                                                  └──► recording ──► summary, JUnit, HTML page
//! ```
//! | module | what |
//! |---|---|
//! | [`command`] | the command line, exit codes |
//! | [`feed`] | the stream everything shown is made from |
//! | [`play`] | what the command needs of a player |
//! | [`translate`] | the agent's events to that stream, with the meanings and step numbers of the call flows |
//! | [`present`] | from that stream to terminal, JSON, JUnit and HTML |
//! | [`player`] | plays the scenarios |
//! | [`scenario`] | the call flows and their variants, as data |
//! | [`world`] | a handset and an operator, set up for one scenario |
//! | [`screen`] | shows a play as it goes; power cuts one by one |
//! | [`traffic`] | what goes over the air in a play |
//! | [`handset`] | the simulated handset |
//! | [`device`] | what a scenario needs of the device it is played on |
//! | [`license`] | licenses: a device, the flows, documents in words |
//! | [`hex`] | octets as text |

pub mod command;
pub mod device;
pub mod feed;
pub mod handset;
pub mod hex;
pub mod license;
pub mod play;
pub mod player;
pub mod present;
pub mod scenario;
pub mod screen;
pub mod traffic;
pub mod translate;
pub mod world;
