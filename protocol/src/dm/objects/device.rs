//! DevInfo and DevDetail.

use crate::dm::{Access, Nodes, Object, Rule, UriLimits};
use crate::syncml::{Code, Format};
use crate::wire::{Decimal, Writer};

/// What a device knows of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceFacts<'f> {
    /// The identifier as a URN: `IMEI:490154203237518`, `MEID:A0000012345678`, `ESN:12345678`.
    pub id: &'f str,
    /// The manufacturer.
    pub manufacturer: &'f str,
    /// The model.
    pub model: &'f str,
    /// The language, a tag as `en` or `en-US`.
    pub language: &'f str,
    /// What kind of device it is.
    pub device_type: &'f str,
    /// Who put it together, where that is not the manufacturer.
    pub oem: &'f str,
    /// The version of the firmware.
    pub firmware: &'f str,
    /// The version of the software on top of it.
    pub software: &'f str,
    /// The version of the hardware.
    pub hardware: &'f str,
}

/// What a server must know of a device before anything else: the client sends it in package 1.
#[derive(Debug)]
pub struct DevInfo<'f> {
    facts: &'f DeviceFacts<'f>,
}

impl<'f> DevInfo<'f> {
    /// The identifier of the object.
    pub const IDENTIFIER: &'static str = "urn:oma:mo:oma-dm-devinfo:1.0";
    /// The version of the client's protocol, DmV.
    pub const VERSION: &'static str = "1.2";
    /// The leaves that package 1 brings.
    pub const LEAVES: [&'static str; 5] =
        ["DevInfo/DevId", "DevInfo/Man", "DevInfo/Mod", "DevInfo/DmV", "DevInfo/Lang"];

    /// The object of this device.
    pub const fn new(facts: &'f DeviceFacts<'f>) -> Self {
        Self { facts }
    }
}

impl Object for DevInfo<'_> {
    fn rules(&self) -> &'static [Rule] {
        const fn leaf(path: &'static str) -> Rule {
            Rule::computed(path, Format::Chr, Access::GET)
        }
        const RULES: &[Rule] = &[
            Rule::interior("DevInfo", DevInfo::IDENTIFIER),
            leaf("DevInfo/DevId"),
            leaf("DevInfo/Man"),
            leaf("DevInfo/Mod"),
            leaf("DevInfo/DmV"),
            leaf("DevInfo/Lang"),
        ];
        RULES
    }

    fn get(&mut self, path: &str, _: &Nodes<'_>, out: &mut Writer<'_>) -> Result<(), Code> {
        let text = match path {
            "DevInfo/DevId" => self.facts.id,
            "DevInfo/Man" => self.facts.manufacturer,
            "DevInfo/Mod" => self.facts.model,
            "DevInfo/DmV" => Self::VERSION,
            "DevInfo/Lang" => self.facts.language,
            _ => return Err(Code::NOT_FOUND),
        };
        put(text, out)
    }
}

/// What a server may want to know of a device beyond that.
#[derive(Debug)]
pub struct DevDetail<'f> {
    facts: &'f DeviceFacts<'f>,
    limits: UriLimits,
}

impl<'f> DevDetail<'f> {
    /// The identifier of the object.
    pub const IDENTIFIER: &'static str = "urn:oma:mo:oma-dm-devdetail:1.0";

    /// The object of this device, whose tree has these limits.
    pub const fn new(facts: &'f DeviceFacts<'f>, limits: UriLimits) -> Self {
        Self { facts, limits }
    }
}

impl Object for DevDetail<'_> {
    fn rules(&self) -> &'static [Rule] {
        const fn leaf(path: &'static str) -> Rule {
            Rule::computed(path, Format::Chr, Access::GET)
        }
        const RULES: &[Rule] = &[
            Rule::interior("DevDetail", DevDetail::IDENTIFIER),
            Rule::interior("DevDetail/URI", ""),
            leaf("DevDetail/URI/MaxDepth"),
            leaf("DevDetail/URI/MaxTotLen"),
            leaf("DevDetail/URI/MaxSegLen"),
            leaf("DevDetail/DevTyp"),
            leaf("DevDetail/OEM"),
            leaf("DevDetail/FwV"),
            leaf("DevDetail/SwV"),
            leaf("DevDetail/HwV"),
            Rule::computed("DevDetail/LrgObj", Format::Bool, Access::GET),
        ];
        RULES
    }

    fn get(&mut self, path: &str, _: &Nodes<'_>, out: &mut Writer<'_>) -> Result<(), Code> {
        let limit = match path {
            "DevDetail/URI/MaxDepth" => Some(self.limits.depth),
            "DevDetail/URI/MaxTotLen" => Some(self.limits.total),
            "DevDetail/URI/MaxSegLen" => Some(self.limits.segment),
            _ => None,
        };
        if let Some(limit) = limit {
            return put(Decimal::new(u32::from(limit)).as_str(), out);
        }
        let text = match path {
            "DevDetail/DevTyp" => self.facts.device_type,
            "DevDetail/OEM" => self.facts.oem,
            "DevDetail/FwV" => self.facts.firmware,
            "DevDetail/SwV" => self.facts.software,
            "DevDetail/HwV" => self.facts.hardware,
            // Large objects are supported both ways.
            "DevDetail/LrgObj" => "true",
            _ => return Err(Code::NOT_FOUND),
        };
        put(text, out)
    }
}

fn put(text: &str, out: &mut Writer<'_>) -> Result<(), Code> {
    out.put(text.as_bytes()).map_err(|_| Code::TOO_LARGE)
}
