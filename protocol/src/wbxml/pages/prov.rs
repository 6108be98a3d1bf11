//! Client provisioning, PROV 1.0 and 1.1. Both have the public identifier 0x0B; only the tokens tell them apart.
//!
//! The two pages are attribute pages; the three tags are the same on both. Drafts of 1.1 had `,` `HTTP-` `BASIC`
//! `DIGEST` at 0x80 to 0x83 of page 1. These are not taken: the numbers belong to global tokens (EXT_T_n, STR_T) on
//! every page, and a string reference could not be told from `DIGEST`.

use super::super::{AttributeStart, AttributeValue, Page, Tag, Vocabulary};
use crate::wire::Names;

/// PROV 1.0 and 1.1 (OMA-WAP-ProvCont).
pub static PROV: Vocabulary = Vocabulary {
    name: "PROV 1.0/1.1",
    number: 0x0B,
    text: "-//WAPFORUM//DTD PROV 1.0//EN",
    tags: &[Page { number: 0, entries: TAGS }, Page { number: 1, entries: TAGS }],
    starts: &[
        Page { number: 0, entries: STARTS_0 },
        Page { number: 0, entries: STARTS_0_SINCE_1_1 },
        Page { number: 1, entries: STARTS_1 },
    ],
    values: &[
        Page { number: 0, entries: VALUES_0 },
        Page { number: 0, entries: VALUES_0_SINCE_1_1 },
        Page { number: 1, entries: VALUES_1 },
    ],
    newer: None,
};

/// The code on page 0 of the attribute value `text`.
pub(crate) fn value_on_page_0(text: &str) -> Option<u8> {
    static NAMES: Names<0x80> = Names::new(&TEXTS_0);
    VALUES_0.iter().chain(VALUES_0_SINCE_1_1).nth(NAMES.find(text)?).map(|value| value.0)
}

/// The attribute values of page 0.
#[expect(clippy::indexing_slicing, reason = "while it compiles: what is out of range would not")]
static TEXTS_0: [&str; VALUES_0.len() + VALUES_0_SINCE_1_1.len()] = {
    let mut texts = [""; VALUES_0.len() + VALUES_0_SINCE_1_1.len()];
    let mut number = 0;
    while number < texts.len() {
        texts[number] = match number.checked_sub(VALUES_0.len()) {
            None => VALUES_0[number].1,
            Some(number) => VALUES_0_SINCE_1_1[number].1,
        };
        number = number.wrapping_add(1);
    }
    texts
};

const TAGS: &[Tag] = &[Tag(0x05, "wap-provisioningdoc"), Tag(0x06, "characteristic"), Tag(0x07, "parm")];

const STARTS_0: &[AttributeStart] = &[
    AttributeStart(0x05, "name", ""),
    AttributeStart(0x06, "value", ""),
    AttributeStart(0x07, "name", "NAME"),
    AttributeStart(0x08, "name", "NAP-ADDRESS"),
    AttributeStart(0x09, "name", "NAP-ADDRTYPE"),
    AttributeStart(0x0A, "name", "CALLTYPE"),
    AttributeStart(0x0B, "name", "VALIDUNTIL"),
    AttributeStart(0x0C, "name", "AUTHTYPE"),
    AttributeStart(0x0D, "name", "AUTHNAME"),
    AttributeStart(0x0E, "name", "AUTHSECRET"),
    AttributeStart(0x0F, "name", "LINGER"),
    AttributeStart(0x10, "name", "BEARER"),
    AttributeStart(0x11, "name", "NAPID"),
    AttributeStart(0x12, "name", "COUNTRY"),
    AttributeStart(0x13, "name", "NETWORK"),
    AttributeStart(0x14, "name", "INTERNET"),
    AttributeStart(0x15, "name", "PROXY-ID"),
    AttributeStart(0x16, "name", "PROXY-PROVIDER-ID"),
    AttributeStart(0x17, "name", "DOMAIN"),
    AttributeStart(0x18, "name", "PROVURL"),
    AttributeStart(0x19, "name", "PXAUTH-TYPE"),
    AttributeStart(0x1A, "name", "PXAUTH-ID"),
    AttributeStart(0x1B, "name", "PXAUTH-PW"),
    AttributeStart(0x1C, "name", "STARTPAGE"),
    AttributeStart(0x1D, "name", "BASAUTH-ID"),
    AttributeStart(0x1E, "name", "BASAUTH-PW"),
    AttributeStart(0x1F, "name", "PUSHENABLED"),
    AttributeStart(0x20, "name", "PXADDR"),
    AttributeStart(0x21, "name", "PXADDRTYPE"),
    AttributeStart(0x22, "name", "TO-NAPID"),
    AttributeStart(0x23, "name", "PORTNBR"),
    AttributeStart(0x24, "name", "SERVICE"),
    AttributeStart(0x25, "name", "LINKSPEED"),
    AttributeStart(0x26, "name", "DNLINKSPEED"),
    AttributeStart(0x27, "name", "LOCAL-ADDR"),
    AttributeStart(0x28, "name", "LOCAL-ADDRTYPE"),
    AttributeStart(0x29, "name", "CONTEXT-ALLOW"),
    AttributeStart(0x2A, "name", "TRUST"),
    AttributeStart(0x2B, "name", "MASTER"),
    AttributeStart(0x2C, "name", "SID"),
    AttributeStart(0x2D, "name", "SOC"),
    AttributeStart(0x2E, "name", "WSP-VERSION"),
    AttributeStart(0x2F, "name", "PHYSICAL-PROXY-ID"),
    AttributeStart(0x30, "name", "CLIENT-ID"),
    AttributeStart(0x31, "name", "DELIVERY-ERR-SDU"),
    AttributeStart(0x32, "name", "DELIVERY-ORDER"),
    AttributeStart(0x33, "name", "TRAFFIC-CLASS"),
    AttributeStart(0x34, "name", "MAX-SDU-SIZE"),
    AttributeStart(0x35, "name", "MAX-BITRATE-UPLINK"),
    AttributeStart(0x36, "name", "MAX-BITRATE-DNLINK"),
    AttributeStart(0x37, "name", "RESIDUAL-BER"),
    AttributeStart(0x38, "name", "SDU-ERROR-RATIO"),
    AttributeStart(0x39, "name", "TRAFFIC-HANDL-PRIO"),
    AttributeStart(0x3A, "name", "TRANSFER-DELAY"),
    AttributeStart(0x3B, "name", "GUARANTEED-BITRATE-UPLINK"),
    AttributeStart(0x3C, "name", "GUARANTEED-BITRATE-DNLINK"),
    AttributeStart(0x45, "version", ""),
    AttributeStart(0x46, "version", "1.0"),
    AttributeStart(0x50, "type", ""),
    AttributeStart(0x51, "type", "PXLOGICAL"),
    AttributeStart(0x52, "type", "PXPHYSICAL"),
    AttributeStart(0x53, "type", "PORT"),
    AttributeStart(0x54, "type", "VALIDITY"),
    AttributeStart(0x55, "type", "NAPDEF"),
    AttributeStart(0x56, "type", "BOOTSTRAP"),
    AttributeStart(0x57, "type", "VENDORCONFIG"),
    AttributeStart(0x58, "type", "CLIENTIDENTITY"),
    AttributeStart(0x59, "type", "PXAUTHINFO"),
    AttributeStart(0x5A, "type", "NAPAUTHINFO"),
];

const STARTS_0_SINCE_1_1: &[AttributeStart] = &[
    AttributeStart(0x3D, "name", "PXADDR-FQDN"),
    AttributeStart(0x3E, "name", "PROXY-PW"),
    AttributeStart(0x3F, "name", "PPGAUTH-TYPE"),
    AttributeStart(0x47, "name", "PULLENABLED"),
    AttributeStart(0x48, "name", "DNS-ADDR"),
    AttributeStart(0x49, "name", "MAX-NUM-RETRY"),
    AttributeStart(0x4A, "name", "FIRST-RETRY-TIMEOUT"),
    AttributeStart(0x4B, "name", "REREG-THRESHOLD"),
    AttributeStart(0x4C, "name", "T-BIT"),
    AttributeStart(0x4E, "name", "AUTH-ENTITY"),
    AttributeStart(0x4F, "name", "SPI"),
    AttributeStart(0x5B, "type", "ACCESS"),
];

/// All since 1.1.
const STARTS_1: &[AttributeStart] = &[
    AttributeStart(0x05, "name", ""),
    AttributeStart(0x06, "value", ""),
    AttributeStart(0x07, "name", "NAME"),
    AttributeStart(0x14, "name", "INTERNET"),
    AttributeStart(0x1C, "name", "STARTPAGE"),
    AttributeStart(0x22, "name", "TO-NAPID"),
    AttributeStart(0x23, "name", "PORTNBR"),
    AttributeStart(0x24, "name", "SERVICE"),
    AttributeStart(0x2E, "name", "AACCEPT"),
    AttributeStart(0x2F, "name", "AAUTHDATA"),
    AttributeStart(0x30, "name", "AAUTHLEVEL"),
    AttributeStart(0x31, "name", "AAUTHNAME"),
    AttributeStart(0x32, "name", "AAUTHSECRET"),
    AttributeStart(0x33, "name", "AAUTHTYPE"),
    AttributeStart(0x34, "name", "ADDR"),
    AttributeStart(0x35, "name", "ADDRTYPE"),
    AttributeStart(0x36, "name", "APPID"),
    AttributeStart(0x37, "name", "APROTOCOL"),
    AttributeStart(0x38, "name", "PROVIDER-ID"),
    AttributeStart(0x39, "name", "TO-PROXY"),
    AttributeStart(0x3A, "name", "URI"),
    AttributeStart(0x3B, "name", "RULE"),
    AttributeStart(0x50, "type", ""),
    AttributeStart(0x53, "type", "PORT"),
    AttributeStart(0x55, "type", "APPLICATION"),
    AttributeStart(0x56, "type", "APPADDR"),
    AttributeStart(0x57, "type", "APPAUTH"),
    AttributeStart(0x58, "type", "CLIENTIDENTITY"),
    AttributeStart(0x59, "type", "RESOURCE"),
];

const VALUES_0: &[AttributeValue] = &[
    AttributeValue(0x85, "IPV4"),
    AttributeValue(0x86, "IPV6"),
    AttributeValue(0x87, "E164"),
    AttributeValue(0x88, "ALPHA"),
    AttributeValue(0x89, "APN"),
    AttributeValue(0x8A, "SCODE"),
    AttributeValue(0x8B, "TETRA-ITSI"),
    AttributeValue(0x8C, "MAN"),
    AttributeValue(0x90, "ANALOG-MODEM"),
    AttributeValue(0x91, "V.120"),
    AttributeValue(0x92, "V.110"),
    AttributeValue(0x93, "X.31"),
    AttributeValue(0x94, "BIT-TRANSPARENT"),
    AttributeValue(0x95, "DIRECT-ASYNCHRONOUS-DATA-SERVICE"),
    AttributeValue(0x9A, "PAP"),
    AttributeValue(0x9B, "CHAP"),
    AttributeValue(0x9C, "HTTP-BASIC"),
    AttributeValue(0x9D, "HTTP-DIGEST"),
    AttributeValue(0x9E, "WTLS-SS"),
    AttributeValue(0xA2, "GSM-USSD"),
    AttributeValue(0xA3, "GSM-SMS"),
    AttributeValue(0xA4, "ANSI-136-GUTS"),
    AttributeValue(0xA5, "IS-95-CDMA-SMS"),
    AttributeValue(0xA6, "IS-95-CDMA-CSD"),
    AttributeValue(0xA7, "IS-95-CDMA-PACKET"),
    AttributeValue(0xA8, "ANSI-136-CSD"),
    AttributeValue(0xA9, "ANSI-136-GPRS"),
    AttributeValue(0xAA, "GSM-CSD"),
    AttributeValue(0xAB, "GSM-GPRS"),
    AttributeValue(0xAC, "AMPS-CDPD"),
    AttributeValue(0xAD, "PDC-CSD"),
    AttributeValue(0xAE, "PDC-PACKET"),
    AttributeValue(0xAF, "IDEN-SMS"),
    AttributeValue(0xB0, "IDEN-CSD"),
    AttributeValue(0xB1, "IDEN-PACKET"),
    AttributeValue(0xB2, "FLEX/REFLEX"),
    AttributeValue(0xB3, "PHS-SMS"),
    AttributeValue(0xB4, "PHS-CSD"),
    AttributeValue(0xB5, "TETRA-SDS"),
    AttributeValue(0xB6, "TETRA-PACKET"),
    AttributeValue(0xB7, "ANSI-136-GHOST"),
    AttributeValue(0xB8, "MOBITEX-MPAK"),
    AttributeValue(0xC5, "AUTOBAUDING"),
    AttributeValue(0xCA, "CL-WSP"),
    AttributeValue(0xCB, "CO-WSP"),
    AttributeValue(0xCC, "CL-SEC-WSP"),
    AttributeValue(0xCD, "CO-SEC-WSP"),
    AttributeValue(0xCE, "CL-SEC-WTA"),
    AttributeValue(0xCF, "CO-SEC-WTA"),
];

const VALUES_0_SINCE_1_1: &[AttributeValue] = &[
    AttributeValue(0x9F, "MD5"),
    AttributeValue(0xB9, "CDMA2000-1X-SIMPLE-IP"),
    AttributeValue(0xBA, "CDMA2000-1X-MOBILE-IP"),
    AttributeValue(0xD0, "OTA-HTTP-TO"),
    AttributeValue(0xD1, "OTA-HTTP-TLS-TO"),
    AttributeValue(0xD2, "OTA-HTTP-PO"),
    AttributeValue(0xD3, "OTA-HTTP-TLS-PO"),
    AttributeValue(0xE0, "AAA"),
    AttributeValue(0xE1, "HA"),
];

/// All since 1.1.
const VALUES_1: &[AttributeValue] = &[
    AttributeValue(0x86, "IPV6"),
    AttributeValue(0x87, "E164"),
    AttributeValue(0x88, "ALPHA"),
    AttributeValue(0x8D, "APPSRV"),
    AttributeValue(0x8E, "OBEX"),
    AttributeValue(0x90, ","),
    AttributeValue(0x91, "HTTP-"),
    AttributeValue(0x92, "BASIC"),
    AttributeValue(0x93, "DIGEST"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_page_0_are_found_by_their_texts() {
        for value in VALUES_0.iter().chain(VALUES_0_SINCE_1_1) {
            assert_eq!(value_on_page_0(value.1), Some(value.0), "{}", value.1);
        }
        for other in ["", "E16", "E1644", "ipv4", "APPSRV"] {
            assert_eq!(value_on_page_0(other), None, "{other}");
        }
    }
}
