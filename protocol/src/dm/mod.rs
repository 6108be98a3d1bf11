//! OMA device management, the client's side (`oma-dm.md`).
//!
//! ```text
//!  server ──► Session ──► Tree ──► Object (DevInfo, FUMO, .. : rules and what cannot be a kept value)
//!                │           └───► Store  (one image, replaced as a whole)
//!                └──► prompts, and the outcome, for whoever runs it
//! ```
//! | item | what |
//! |---|---|
//! | [`Object`], [`Rule`] | how something gets into the tree |
//! | [`Tree`] | nodes, properties, rights; the commands on them; transactions |
//! | [`Nodes`] | the values that the tree keeps |
//! | [`Acl`], [`Uri`] | access control lists and node addresses |
//! | [`session`] | the conversation |
//! | [`tnds`] | sub-trees as documents |
//! | [`auth`] | credentials, challenges, the digest port |
//! | [`objects`] | DevInfo, DevDetail, the accounts, the inbox; the tunnel, what the network programmed, settings |
//! | [`notification`] | package 0: the push that asks for a session, its proof, replays and floods |
//! | [`bootstrap`] | how the first account comes to the device, and who may replace it |
//! | [`account`] | the account of a server, as it is kept and as the account object shows it |
//! | [`limits`] | every bound, with its reason |
//!
//! # The commit rule
//! Commands change the tree's image in RAM. The image goes to the [`Store`] as one transaction at the end of every
//! message, before its answer is sent; an Atomic, and a command that brings a whole sub-tree, is a transaction of its
//! own, before which the changes of the message so far are committed. What fails is rolled back to the last
//! transaction. So nothing that a server was told is done can be lost, and an Atomic is whole on flash or not there.

pub mod account;
pub mod auth;
pub mod bootstrap;
pub mod limits;
pub mod notification;
mod object;
pub mod objects;
pub mod session;
pub mod tnds;
mod tree;

pub use object::{Access, Call, Chunk, MAX_WHOLE, Object, Rule, Store, StoreError, Value};
pub use tree::{Acl, Caller, New, Nodes, Paused, Property, Query, Right, Tree, TreeError, Uri, UriLimits};
