//! Client provisioning as an operator does it: documents, their MACs, and the short messages that carry them.
//!
//! The MAC and the grammar of the push are those of the fact sheets; what a device must make of them, the flow's check tells.

use kedge_protocol::cp::security::{
    KeyForm, MAX_PIN, NetworkKey, check_digits, hex_of_mac, network_key, sign,
};
use kedge_protocol::cp::{Kind, OBJECT, Object, ObjectWriter, ParmName, write};
use kedge_protocol::sms::Ports;
use kedge_protocol::sms::gsm::{Address, DataCoding, Deliver, Segments, TimeStamp};
use kedge_protocol::wap::{
    Coding, ContentType, DocumentWriter, Headers, Media, MediaCode, Parameter, ParameterCode, ParameterName,
    Parameters, Push, SecurityMethod, Value,
};
use kedge_protocol::wbxml::{Version, pages};
use kedge_protocol::wire::{Error, Writer};

/// The subscriber's card.
pub const IMSI: &str = "244050123456789";
/// The PIN that the operator tells the user on another way.
pub const PIN: &str = "1234";
/// The short-message number of the operator's provisioning centre.
const CENTRE: &str = "358401234567";
/// Largest document of the operator, in octets.
const DOCUMENT: usize = 4096;

/// How a document is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protected {
    /// By a method of the standard, as the subscriber's secrets want it.
    By(SecurityMethod),
    /// By the PIN, and then one character of the document was changed on the way.
    Tampered,
    /// Not at all.
    Not,
}

/// Settings for a device: each object in the form in which devices store it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings(pub Vec<Vec<u8>>);

impl Settings {
    /// What a new subscriber gets: an access point, a proxy, the browser and multimedia messages.
    ///
    /// # Errors
    /// None with these values; those of the codec.
    pub fn bootstrap() -> Result<Self, Error> {
        Ok(Self(vec![
            object(Kind::Bootstrap, |w| w.parm(ParmName::Name, "Example").map(|_| ()))?,
            access_point("internet.example")?,
            object(Kind::PxLogical, |w| {
                w.parm(ParmName::ProxyId, "PX")?.parm(ParmName::Name, "Example")?;
                w.open(Kind::PxPhysical)?.parm(ParmName::PhysicalProxyId, "1")?;
                w.parm(ParmName::PxAddr, "192.0.2.7")?.parm(ParmName::PxAddrType, "IPV4")?;
                w.parm(ParmName::ToNapId, "NAP")?;
                w.open(Kind::Port)?.parm(ParmName::PortNbr, "8080")?;
                w.close()?.close().map(|_| ())
            })?,
            object(Kind::Application, |w| {
                w.parm(ParmName::AppId, "w2")?.parm(ParmName::ToProxy, "PX")?;
                w.open(Kind::Resource)?.parm(ParmName::Uri, "http://start.example/")?;
                w.parm(ParmName::StartPage, "")?.close().map(|_| ())
            })?,
            object(Kind::Application, |w| {
                w.parm(ParmName::AppId, "w4")?.parm(ParmName::ToNapId, "NAP")?;
                w.parm(ParmName::Addr, "http://mms.example/").map(|_| ())
            })?,
        ]))
    }

    /// What changes later: the same access point with another name.
    ///
    /// # Errors
    /// None with these values; those of the codec.
    pub fn update() -> Result<Self, Error> {
        Ok(Self(vec![access_point("fast.example")?]))
    }

    /// What activates a feature: an access point of its own, with the NAI as its login, and the application. `broken`: the
    /// application refers to another access point.
    ///
    /// # Errors
    /// Values that are too long; those of the codec.
    pub fn feature(feature: &str, nai: &str, broken: bool) -> Result<Self, Error> {
        let access_point = object(Kind::Napdef, |w| {
            w.parm(ParmName::NapId, feature)?.parm(ParmName::Bearer, "CDMA2000-1X-SIMPLE-IP")?;
            w.parm(ParmName::Name, feature)?;
            w.open(Kind::NapAuthInfo)?.parm(ParmName::AuthType, "PAP")?;
            w.parm(ParmName::AuthName, nai)?.parm(ParmName::AuthSecret, "secret")?.close().map(|_| ())
        })?;
        let id = match feature {
            "mobile-web" => "w2",
            "picture-messaging" | "video-messaging" => "w4",
            "touch2talk" => "ap0001",
            // Short messages are no application of client provisioning.
            _ if broken => "w2",
            _ => return Ok(Self(vec![access_point])),
        };
        let application = object(Kind::Application, |w| {
            w.parm(ParmName::AppId, id)?.parm(ParmName::ProviderId, feature)?;
            w.parm(ParmName::ToNapId, if broken { "nowhere" } else { feature })?;
            w.parm(ParmName::Addr, "http://gateway.operator.example/").map(|_| ())
        })?;
        Ok(Self(vec![access_point, application]))
    }

    /// The document in WBXML.
    ///
    /// # Errors
    /// Settings that do not fit into 4 KiB.
    pub fn document(&self) -> Result<Vec<u8>, Error> {
        document(self)
    }

    /// These settings after `newer` ones came: objects with the same key are replaced as a whole.
    #[must_use]
    pub fn updated(&self, newer: &Self) -> Self {
        fn key(octets: &[u8]) -> Option<(Kind, String, String)> {
            let key = Object::from_octets(octets).ok()?.key()?;
            Some((key.kind, key.id.to_owned(), key.provider.to_owned()))
        }
        let stays = |old: &&Vec<u8>| !newer.0.iter().any(|new| key(new) == key(old));
        Self(self.0.iter().filter(stays).chain(&newer.0).cloned().collect())
    }
}

/// The messages that bring `settings` to the subscriber, in order.
///
/// # Errors
/// Settings that do not fit into a document of 4 KiB.
pub fn messages(settings: &Settings, protected: Protected, reference: u8) -> Result<Vec<Vec<u8>>, Error> {
    let mut body = document(settings)?;
    let mut parameters = [0; 64];
    let mut w = Writer::new(&mut parameters);
    let method = match protected {
        Protected::By(method) => Some(method),
        Protected::Tampered => Some(SecurityMethod::USERPIN),
        Protected::Not => None,
    };
    if let Some(method) = method {
        let parameter = |code, value| Parameter { name: ParameterName::Code(code), value };
        parameter(ParameterCode::SEC, Value::Short(method.0)).write(&mut w)?;
        if method != SecurityMethod::USERPINMAC {
            let mac = hex_of_mac(&sign(&key_of(method), &body));
            parameter(ParameterCode::MAC, Value::Text(&mac)).write(&mut w)?;
        }
    }
    if protected == Protected::Tampered
        && let Some(octet) = body.iter_mut().rfind(|octet| octet.is_ascii_lowercase())
    {
        *octet ^= 1;
    }
    let content_type =
        ContentType { media: Media::Code(MediaCode::CONNECTIVITY), parameters: Parameters::new(w.finish())? };
    let push = Push { tid: reference, content_type, headers: Headers::default(), body: &body };
    let mut out = vec![0; push.buffer_len()];
    let pdu = push.emit(&mut out)?;
    let segments = Segments::new(pdu, Ports::PUSH, reference).into_iter().flatten();
    segments.map(|(header, data)| deliver(header, data)).collect()
}

/// What the user types for a document: the PIN, with its check digits where the method has them.
///
/// # Errors
/// As [`messages`].
pub fn typed(settings: &Settings, method: SecurityMethod) -> Result<String, Error> {
    let mut check = [0; MAX_PIN];
    let check = match method {
        SecurityMethod::USERPINMAC => check_digits(PIN, &document(settings)?, &mut check),
        _ => &[],
    };
    Ok(format!("{PIN}{}", String::from_utf8_lossy(check)))
}

/// The document of `settings`, by itself, in WBXML.
///
/// # Errors
/// As [`messages`].
pub fn document(settings: &Settings) -> Result<Vec<u8>, Error> {
    let mut out = vec![0; DOCUMENT];
    let mut sink = DocumentWriter::<8>::new(Coding::Wbxml, &mut out, &pages::PROV, Version::V1_3)?;
    let objects: Result<Vec<_>, _> = settings.0.iter().map(|octets| Object::from_octets(octets)).collect();
    write(&mut sink, "1.0", objects?)?;
    Ok(sink.finish()?.to_vec())
}

/// The key that network and device share under a method.
fn key_of(method: SecurityMethod) -> Vec<u8> {
    let mut buf = [0; 16];
    let network = network_key(NetworkKey::Imsi(IMSI), KeyForm::SemiOctets, &mut buf).unwrap_or_default();
    match method {
        SecurityMethod::NETWPIN => network.to_vec(),
        SecurityMethod::USERNETWPIN => [network, PIN.as_bytes()].concat(),
        _ => PIN.as_bytes().to_vec(),
    }
}

fn deliver(header: kedge_protocol::sms::gsm::UserDataHeader, data: &[u8]) -> Result<Vec<u8>, Error> {
    let bad = Error::new(kedge_protocol::wire::ErrorKind::BadValue, 0);
    let message = Deliver {
        from: Address::international(CENTRE).ok_or(bad)?,
        protocol: 0,
        coding: DataCoding::OCTETS,
        time: TimeStamp([0x62, 0x11, 0x22, 0x51, 0, 0, 0]),
        more: false,
        header,
        data,
    };
    let mut out = vec![0; message.buffer_len()];
    message.emit(&mut out).map(<[u8]>::to_vec)
}

fn access_point(apn: &str) -> Result<Vec<u8>, Error> {
    object(Kind::Napdef, |w| {
        w.parm(ParmName::NapId, "NAP")?
            .parm(ParmName::Name, "Example")?
            .parm(ParmName::Bearer, "GSM-GPRS")?;
        w.parm(ParmName::NapAddress, apn)?.parm(ParmName::NapAddrType, "APN")?;
        w.parm(ParmName::Internet, "")?;
        w.open(Kind::NapAuthInfo)?.parm(ParmName::AuthType, "PAP")?;
        w.parm(ParmName::AuthName, "user")?.parm(ParmName::AuthSecret, "secret")?.close().map(|_| ())
    })
}

/// An object in its stored form.
fn object(
    kind: Kind,
    fill: impl FnOnce(&mut ObjectWriter<'_>) -> Result<(), Error>,
) -> Result<Vec<u8>, Error> {
    let mut buf = [0; OBJECT];
    let mut w = ObjectWriter::new(&mut buf, kind);
    fill(&mut w)?;
    let object = w.finish()?;
    let mut octets = vec![0; object.buffer_len()];
    object.write(&mut Writer::new(&mut octets))?;
    Ok(octets)
}
