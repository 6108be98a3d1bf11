//! Customers: what the operator knows of a device before, during and after its activation.

use crate::activation::{Ask, nam_blocks, plan};
use core::fmt;
use kedge_platform::identity::HardwareId;
use kedge_protocol::is683::Spc;
use kedge_protocol::wire;

/// The numbers of a subscription (C.S0016 §3.5.2, the CDMA/Analog NAM and Mobile Directory Number blocks).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscriber {
    /// First analog paging channel of the home system, 11 bits.
    pub first_chp: u16,
    /// Home system identification, 15 bits.
    pub home_sid: u16,
    /// Network identification of the home pair; 65535 is any.
    pub home_nid: u16,
    /// Mobile country code, three digits.
    pub mcc: String,
    /// 11th and 12th digit of the IMSI, two digits as written.
    pub imsi_11_12: String,
    /// Mobile identification number, ten digits.
    pub min: String,
    /// Access overload class, 4 bits.
    pub accolc: u8,
    /// Mobile directory number; `None` leaves the block out.
    pub mdn: Option<String>,
}

impl Subscriber {
    /// A fictitious subscription (555 numbers), complete.
    pub fn sample() -> Self {
        Self {
            first_chp: 283,
            home_sid: 4139,
            home_nid: 65535,
            mcc: "310".to_owned(),
            imsi_11_12: "00".to_owned(),
            min: "5551234567".to_owned(),
            accolc: 7,
            mdn: Some("5551234567".to_owned()),
        }
    }
}

/// A customer profile: the device, its subscription, and how the operator goes about the activation.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent choices of an operator")]
pub struct Profile {
    /// The device the subscription was sold with.
    pub hardware: HardwareId,
    /// Its numbers.
    pub subscriber: Subscriber,
    /// Its preferred roaming list, complete with CRC.
    pub prl: Vec<u8>,
    /// Whether the list is in the extended format (`SSPR_P_REV` 3).
    pub extended_prl: bool,
    /// Service programming code, if the operator has to send it first.
    pub spc: Option<Spc>,
    /// Whether a new A-key is agreed on.
    pub a_key: bool,
    /// How the network signs a challenge (AUTH_OTAPA); `None`: it cannot.
    pub auth_otapa: Option<fn(rand_otapa: u32) -> u32>,
    /// 3GPD blocks: download number and PARAM_DATA each.
    pub packet_data: Vec<(u8, Vec<u8>)>,
    /// PUZL blocks: download number and PARAM_DATA each.
    pub zones: Vec<(u8, Vec<u8>)>,
    /// Ask for the device's capabilities first.
    pub ask_capability: bool,
    /// Ask which roaming list the device has, and send none if it is the same.
    pub compare_prl: bool,
    /// Data octets in each segment of the list, 1..=251 (other values are brought into that range).
    pub segment: u8,
    /// Most IS-683 messages in one document where nothing has to be decided between them, 1..=31 (other values are
    /// brought into that range: a body has at most 32 parts).
    pub messages_per_document: usize,
}

impl Profile {
    /// The simplest profile: no SPC, no questions, segments of 64 octets, one message in each document.
    pub fn new(hardware: HardwareId, subscriber: Subscriber, prl: Vec<u8>) -> Self {
        Self {
            hardware,
            subscriber,
            prl,
            extended_prl: false,
            spc: None,
            a_key: false,
            auth_otapa: None,
            packet_data: Vec::new(),
            zones: Vec::new(),
            ask_capability: false,
            compare_prl: false,
            segment: 64,
            messages_per_document: 1,
        }
    }
}

/// Why a profile cannot be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProfileError {
    /// A number has the wrong digits, or too many.
    Number,
    /// The roaming list is longer than its messages can say.
    TooLong,
    /// A message cannot hold what it should.
    Message(wire::Error),
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number => f.write_str("a number of the subscription cannot be coded"),
            Self::TooLong => f.write_str("the roaming list is too long"),
            Self::Message(error) => write!(f, "a message cannot be written: {error}"),
        }
    }
}

impl core::error::Error for ProfileError {}

impl From<wire::Error> for ProfileError {
    fn from(error: wire::Error) -> Self {
        Self::Message(error)
    }
}

/// How far an activation has come.
///
/// ```text
/// Pending --Commit Request sent--> CommitSent --Commit Response ok--> Committed --registered--> Activated
///                                      '------------------registered--------------------------------^
/// ```
/// A new session before `Activated` starts the script again; what was committed is committed once more, with the same
/// content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AccountState {
    /// Nothing was committed.
    Pending,
    /// The device may have committed: its answer is not here yet.
    CommitSent,
    /// The device says that it has committed.
    Committed,
    /// The device is registered with its new numbers.
    Activated,
}

/// An IS-683 result code other than "accepted".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Message type of the request that was refused.
    pub message: u8,
    /// Result code (C.S0016 table 3.5.1.2-1).
    pub code: u8,
}

/// A customer.
#[derive(Clone, Debug)]
pub struct Account {
    /// What was sold.
    pub profile: Profile,
    /// How far the activation has come.
    pub state: AccountState,
    /// How often an activation was completed: at most once is right.
    pub activations: u32,
    /// What the device refused.
    pub refusals: Vec<Refusal>,
    /// Whether the roaming list was left out because the device had it.
    pub prl_current: bool,
    /// The device that is to take the subscription over, when it activates itself (flow `esn-change`).
    pub new_hardware: Option<HardwareId>,
    /// The A-key that was agreed on last.
    pub a_key: Option<[u8; 8]>,
    /// The subscription is not in force: nobody is activated with it.
    pub deactivated: bool,
    /// The messages of its activation.
    pub(crate) plan: Vec<Ask>,
    /// The blocks it registers with afterwards.
    pub(crate) nam: Vec<u8>,
}

impl Account {
    pub(crate) fn new(profile: Profile, state: AccountState) -> Result<Self, ProfileError> {
        let (plan, nam) = (plan(&profile)?, nam_blocks(&profile.subscriber)?);
        Ok(Self {
            profile,
            state,
            activations: 0,
            refusals: Vec::new(),
            prl_current: false,
            new_hardware: None,
            a_key: None,
            deactivated: false,
            plan,
            nam,
        })
    }

    /// Whether it is `hardware` that the subscription serves, or is to serve next. A device that is to be replaced gets
    /// nothing any more.
    pub fn serves(&self, hardware: HardwareId) -> bool {
        self.new_hardware.unwrap_or(self.profile.hardware) == hardware
    }

    /// Another device is to take the subscription over: its activation begins anew, and is counted anew.
    pub(crate) fn change_hardware(&mut self, hardware: HardwareId) {
        self.new_hardware = Some(hardware);
        (self.state, self.activations) = (AccountState::Pending, 0);
    }

    /// The NAM parameter blocks the device has after its activation, each `BLOCK_ID BLOCK_LEN PARAM_DATA`.
    pub fn nam_blocks(&self) -> &[u8] {
        &self.nam
    }

    /// A Commit Request is on its way.
    pub(crate) fn commit_sent(&mut self) {
        self.state = self.state.max(AccountState::CommitSent);
    }

    /// There is evidence of the commit: the response, or a registration.
    pub(crate) fn reached(&mut self, state: AccountState) {
        if self.state < AccountState::Committed {
            self.activations += 1;
        }
        if let Some(hardware) = self.new_hardware.take() {
            self.profile.hardware = hardware;
        }
        self.state = self.state.max(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_activation_counts_once_whatever_evidence_comes_first() {
        let profile = Profile::new(HardwareId::Esn(1), Subscriber::sample(), Vec::new());
        for evidence in [
            &[AccountState::Committed, AccountState::Activated][..],
            &[AccountState::Activated, AccountState::Committed],
            &[AccountState::Committed, AccountState::Committed],
        ] {
            let mut account = Account::new(profile.clone(), AccountState::Pending).unwrap();
            account.commit_sent();
            for state in evidence {
                account.reached(*state);
            }
            account.commit_sent();
            assert_eq!(account.activations, 1);
            assert_eq!(Some(&account.state), evidence.iter().max());
        }
    }
}
