//! The license in the agent: a whole device, its own loop, the data call, HTTP, and the provisioning server. What the
//! scenarios of `license_flows` show for the cache, these show for the agent that owns it.

mod documents;
mod flows;
mod handset;
