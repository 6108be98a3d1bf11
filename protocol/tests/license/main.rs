//! Licensing from outside: documents of another encoder, verdicts against a second formulation, sessions against a server
//! that does everything wrong.

mod documents;
mod mutation;
mod redirects;
mod sessions;
mod support;
mod time_travel;
mod verdicts;
