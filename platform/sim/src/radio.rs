//! The modem of the simulated device.

use std::collections::VecDeque;

use kedge_platform::radio::{self, RadioError};

/// What the modem registered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// NAM parameter blocks, as handed to [`radio::Radio::register`].
    pub nam: Vec<u8>,
    /// Preferred roaming list; empty for none.
    pub prl: Vec<u8>,
}

/// Something the modem was asked to do, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A data call was opened, or found open, with this network access identifier.
    Opened(String),
    /// The data call was closed; not recorded when there was none.
    Closed,
    /// The modem registered.
    Registered(Registration),
    /// A data call or registration was refused.
    Refused(RadioError),
}

/// A modem that obeys, except when told to refuse. It keeps its registration over restarts.
#[derive(Clone, Debug, Default)]
pub struct Radio {
    data_call: Option<String>,
    registration: Option<Registration>,
    refused_data_calls: VecDeque<RadioError>,
    refused_registrations: VecDeque<RadioError>,
    out_of_reach: bool,
    events: Vec<Event>,
}

impl Radio {
    /// A modem that never registered.
    pub fn new() -> Self {
        Self::default()
    }

    /// Refuses the next data call that is not refused already.
    pub fn refuse_data_call(&mut self, error: RadioError) {
        self.refused_data_calls.push_back(error);
    }

    /// Refuses the next registration that is not refused already.
    pub fn refuse_registration(&mut self, error: RadioError) {
        self.refused_registrations.push_back(error);
    }

    /// Whether a network is in reach; there is at first. Without one every data call and registration is refused, with
    /// [`RadioError::NoService`], and an open data call is lost.
    pub fn set_in_reach(&mut self, in_reach: bool) {
        self.out_of_reach = !in_reach;
        if self.out_of_reach {
            self.drop_data_call();
        }
    }

    /// Loses the data call, as power-off or a lost network does; the registration stays.
    pub fn drop_data_call(&mut self) {
        self.data_call = None;
    }

    /// The network access identifier of the open data call.
    pub fn data_call(&self) -> Option<&str> {
        self.data_call.as_deref()
    }

    /// What the modem is registered with.
    pub fn registration(&self) -> Option<&Registration> {
        self.registration.as_ref()
    }

    /// Everything it was asked to do, in order.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// How often it registered successfully.
    pub fn registrations(&self) -> usize {
        self.events.iter().filter(|event| matches!(event, Event::Registered(_))).count()
    }

    fn refuse(&mut self, error: RadioError) -> Result<(), RadioError> {
        self.events.push(Event::Refused(error));
        Err(error)
    }
}

impl radio::Radio for Radio {
    fn open_data_call(&mut self, nai: &str) -> Result<(), RadioError> {
        if self.out_of_reach {
            return self.refuse(RadioError::NoService);
        }
        if let Some(error) = self.refused_data_calls.pop_front() {
            return self.refuse(error);
        }
        if self.data_call.as_deref().is_some_and(|open| open != nai) {
            return self.refuse(RadioError::Busy);
        }
        self.data_call = Some(nai.to_owned());
        self.events.push(Event::Opened(nai.to_owned()));
        Ok(())
    }

    fn close_data_call(&mut self) {
        if self.data_call.take().is_some() {
            self.events.push(Event::Closed);
        }
    }

    /// Refuses a NAM that is not a list of whole blocks, as a network would.
    fn register(&mut self, nam: &[u8], prl: &[u8]) -> Result<(), RadioError> {
        if self.out_of_reach {
            return self.refuse(RadioError::NoService);
        }
        if let Some(error) = self.refused_registrations.pop_front() {
            return self.refuse(error);
        }
        if !is_block_list(nam) {
            return self.refuse(RadioError::Refused);
        }
        let registration = Registration { nam: nam.to_owned(), prl: prl.to_owned() };
        self.registration = Some(registration.clone());
        self.events.push(Event::Registered(registration));
        Ok(())
    }
}

/// Whether `octets` is blocks of `BLOCK_ID BLOCK_LEN PARAM_DATA` and nothing else.
fn is_block_list(mut octets: &[u8]) -> bool {
    while let [_, len, rest @ ..] = octets {
        match rest.split_at_checked(usize::from(*len)) {
            Some((_, behind)) => octets = behind,
            None => return false,
        }
    }
    octets.is_empty()
}

#[cfg(test)]
mod tests {
    use kedge_platform::radio::Radio as _;

    use super::*;

    #[test]
    fn data_calls_are_opened_once_and_closed_once() {
        let mut radio = Radio::new();
        radio.open_data_call("a@example").unwrap();
        radio.open_data_call("a@example").unwrap();
        assert_eq!(radio.open_data_call("b@example"), Err(RadioError::Busy), "one call at a time");
        assert_eq!(radio.data_call(), Some("a@example"));
        radio.close_data_call();
        radio.close_data_call();
        let opened = || Event::Opened("a@example".to_owned());
        assert_eq!(radio.events(), [opened(), opened(), Event::Refused(RadioError::Busy), Event::Closed]);
        radio.open_data_call("a@example").unwrap();
        radio.drop_data_call();
        assert_eq!(radio.data_call(), None);
    }

    #[test]
    fn it_refuses_when_told_in_order() {
        let mut radio = Radio::new();
        radio.refuse_data_call(RadioError::NoService);
        radio.refuse_data_call(RadioError::Busy);
        radio.refuse_registration(RadioError::Refused);
        assert_eq!(radio.open_data_call("a"), Err(RadioError::NoService));
        assert_eq!(radio.open_data_call("a"), Err(RadioError::Busy));
        assert_eq!(radio.open_data_call("a"), Ok(()));
        assert_eq!(radio.register(&[], &[]), Err(RadioError::Refused));
        assert_eq!(radio.register(&[], &[]), Ok(()));
    }

    #[test]
    fn out_of_reach_everything_is_refused() {
        let mut radio = Radio::new();
        radio.open_data_call("a").unwrap();
        radio.set_in_reach(false);
        assert_eq!(radio.data_call(), None, "it was lost");
        assert_eq!(radio.open_data_call("a"), Err(RadioError::NoService));
        assert_eq!(radio.register(&[], &[]), Err(RadioError::NoService));
        radio.set_in_reach(true);
        assert_eq!((radio.open_data_call("a"), radio.register(&[], &[])), (Ok(()), Ok(())));
    }

    #[test]
    fn the_last_registration_is_kept() {
        let mut radio = Radio::new();
        radio.register(&[0, 1, 7], &[]).unwrap();
        radio.register(&[0, 1, 8, 2, 0], &[9]).unwrap();
        let kept = radio.registration().unwrap();
        assert_eq!((kept.nam.as_slice(), kept.prl.as_slice()), (&[0, 1, 8, 2, 0][..], &[9][..]));
        assert_eq!(radio.registrations(), 2);
    }

    #[test]
    fn a_broken_block_list_is_refused() {
        for nam in [&[0][..], &[0, 1], &[0, 2, 7], &[0, 0, 1]] {
            assert_eq!(Radio::new().register(nam, &[]), Err(RadioError::Refused), "{nam:?}");
        }
    }
}
