//! Ports that answer anything.

use crate::crypto::Fake;
use crate::flash::Flash;
use crate::opaque::{any, text, used};
use core::time::Duration;
use kedge_agent::runner::{Board, Ports};
use kedge_platform::clock::Clock;
use kedge_platform::connection::{AccessPoint, Connections};
use kedge_platform::entropy::Entropy;
use kedge_platform::http::{Connection, Error, ErrorKind, ErrorType, Headers, Method, Read, Status, Write};
use kedge_platform::identity::{HardwareId, Identity};
use kedge_platform::power::{Power, Restart};
use kedge_platform::radio::{Radio, RadioError};
use kedge_platform::ui::{Answer, Page, Prompt, Ui};

/// All ports in one.
pub struct Unknown;

impl Board for Unknown {
    type Flash = Flash;
    type Crypto = Fake;
    type Identity = Unknown;
    type Entropy = Unknown;
    type Clock = Unknown;
    type Http = Unknown;
    type Radio = Unknown;
    type Ui = Unknown;
    type Power = Unknown;
}

/// The ports of a device.
pub fn ports() -> Ports<Unknown> {
    let (identity, entropy, clock, http, radio, ui, power) =
        (Unknown, Unknown, Unknown, Unknown, Unknown, Unknown, Unknown);
    Ports { flash: Flash, crypto: Fake, identity, entropy, clock, http, radio, ui, power }
}

impl Identity for Unknown {
    fn hardware_id(&self) -> HardwareId {
        any(HardwareId::Esn(1))
    }

    fn make(&self) -> &str {
        text()
    }

    fn model(&self) -> &str {
        text()
    }

    fn version(&self) -> &str {
        text()
    }

    fn subscriber(&self) -> Option<&str> {
        any(Some(text()))
    }
}

impl Entropy for Unknown {
    fn fill(&mut self, buf: &mut [u8]) {
        used(buf);
    }
}

impl Clock for Unknown {
    fn uptime(&self) -> Duration {
        any(Duration::from_secs(1))
    }

    fn sleep_until(&mut self, deadline: Duration) {
        used(deadline);
    }
}

impl Radio for Unknown {
    fn open_data_call(&mut self, nai: &str) -> Result<(), RadioError> {
        used(nai);
        any(Ok(()))
    }

    fn close_data_call(&mut self) {}

    fn register(&mut self, nam: &[u8], prl: &[u8]) -> Result<(), RadioError> {
        used((nam, prl));
        any(Ok(()))
    }
}

impl Ui for Unknown {
    fn prompt(&mut self, prompt: Prompt<'_>) -> Answer {
        used(prompt);
        any(Answer::Yes)
    }

    fn browse(&mut self, page: Page<'_>, link: &mut [u8]) -> Option<usize> {
        used((page, link));
        any(Some(1))
    }
}

impl Connections for Unknown {
    type Error = RadioError;

    fn set(&mut self, point: &AccessPoint<'_>) -> Result<(), RadioError> {
        used(point);
        any(Ok(()))
    }
}

impl Power for Unknown {
    fn restart(&mut self, why: Restart) {
        used(why);
    }
}

/// A failed link.
#[derive(Debug)]
pub struct Failed;

impl core::fmt::Display for Failed {
    fn fmt(&self, _: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        Ok(())
    }
}

impl core::error::Error for Failed {}

impl Error for Failed {
    fn kind(&self) -> ErrorKind {
        any(ErrorKind::Other)
    }
}

impl ErrorType for Unknown {
    type Error = Failed;
}

impl Read for Unknown {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Failed> {
        used(buf);
        any(Ok(1))
    }
}

impl Write for Unknown {
    fn write(&mut self, buf: &[u8]) -> Result<usize, Failed> {
        used(buf);
        any(Ok(1))
    }

    fn flush(&mut self) -> Result<(), Failed> {
        any(Ok(()))
    }
}

impl Status for Unknown {
    fn status(&self) -> u16 {
        any(200)
    }

    fn status_message(&self) -> Option<&'_ str> {
        any(None)
    }
}

impl Headers for Unknown {
    fn header(&self, name: &str) -> Option<&'_ str> {
        used(name);
        any(Some(text()))
    }
}

impl Connection for Unknown {
    type Headers = Unknown;
    type Read = Unknown;
    type RawConnectionError = Failed;
    type RawConnection = Unknown;

    fn initiate_request<'a>(
        &'a mut self,
        method: Method,
        uri: &'a str,
        headers: &'a [(&'a str, &'a str)],
    ) -> Result<(), Failed> {
        used((method, uri, headers));
        any(Ok(()))
    }

    fn is_request_initiated(&self) -> bool {
        any(true)
    }

    fn initiate_response(&mut self) -> Result<(), Failed> {
        any(Ok(()))
    }

    fn is_response_initiated(&self) -> bool {
        any(true)
    }

    fn split(&mut self) -> (&Unknown, &mut Unknown) {
        // two values without size or state: which ones does not matter
        static HEADERS: Unknown = Unknown;
        (&HEADERS, self)
    }

    fn raw_connection(&mut self) -> Result<&mut Unknown, Failed> {
        Ok(self)
    }
}
