//! The device's connection settings: what brings it into packet data networks.
//!
//! Settings that the network has provisioned are kept by the agent; here they are handed to what uses them (a modem's own
//! table, NetworkManager on Linux). Each start hands over all of them again, so an implementation needs no memory of its own: the
//! same access point again changes nothing.

/// The packet data technology of an access point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearer {
    /// GPRS and what came after it; the address is an access point name.
    Gsm,
    /// CDMA2000; there is no address, the network knows the user by his name.
    Cdma,
}

/// How a user proves who he is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// PAP.
    Pap,
    /// CHAP.
    Chap,
    /// Whatever the network asks for.
    Any,
}

/// A name and a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Login<'a> {
    /// How they are used.
    pub method: Method,
    /// The user.
    pub name: &'a str,
    /// His secret; it is not shown.
    pub secret: &'a str,
}

impl core::fmt::Debug for Login<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Login({:?}, {}, ***)", self.method, self.name)
    }
}

/// An access point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessPoint<'a> {
    /// Tells it from the others; of the same id there is one.
    pub id: &'a str,
    /// For people.
    pub name: &'a str,
    /// Its technology.
    pub bearer: Bearer,
    /// The access point name; empty with [`Bearer::Cdma`].
    pub address: &'a str,
    /// How to log in, if that is needed.
    pub login: Option<Login<'a>>,
    /// Name servers in the order of priority, as addresses; empty: the network tells.
    pub dns: [&'a str; 2],
    /// Whether it leads to the Internet, so that any program may use it.
    pub internet: bool,
}

/// What holds the device's connection settings.
pub trait Connections {
    /// Why settings could not be handed over.
    type Error: core::fmt::Debug;

    /// Makes this access point usable, in place of the one with the same id. When it returns, a loss of power finds the old one
    /// or the new one.
    fn set(&mut self, point: &AccessPoint<'_>) -> Result<(), Self::Error>;
}
