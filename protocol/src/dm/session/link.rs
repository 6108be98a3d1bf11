//! What a session knows of the other side, and how messages to it begin.

use super::io::{Config, Initiator, Notice, SessionError};
use crate::dm::auth::{Crypto, Digest, MAX_BASIC, MAX_NONCE, Nonce, Scheme};
use crate::dm::limits::{MAX_ID, MAX_URL};
use crate::syncml::{
    AlertCode, Chal, Code, Cred, Data, Dialect, Head, Header, Item, Location, Mark, Meta, Writer,
};
use crate::wire::{Decimal, Error, ErrorKind, Text};
use crate::xml::base64::encoded_len;

/// The identity of this conversation, and who has shown what.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) dialect: Dialect,
    pub(super) url: Text<MAX_URL>,
    session: Text<4>,
    /// The number of the last message sent.
    message: u32,
    /// The number of the last command in it.
    command: u32,
    /// The last message of the server that was looked at.
    pub(super) server_message: Text<MAX_ID>,
    /// The server said 212: no credentials are needed any more.
    pub(super) authenticated: bool,
    pub(super) scheme: Option<Scheme>,
    pub(super) client_nonce: Nonce,
    /// The nonce that counts for the server now, and the one it was told for the next session.
    pub(super) server_nonce: Nonce,
    pub(super) next_server_nonce: Option<Nonce>,
    pub(super) server_known: bool,
    pub(super) challenged: u8,
    pub(super) challenging: u8,
    pub(super) max_message: usize,
    pub(super) max_object: Option<u32>,
    pub(super) acknowledged: u32,
    /// The CmdID of the first notice, and the message it is in.
    notices_at: Option<(u32, u32)>,
}

/// A command of the server, as a Status names it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refs<'s> {
    pub(super) message: &'s str,
    pub(super) id: &'s str,
    pub(super) cmd: &'s str,
}

impl Link {
    /// Nobody yet.
    pub(super) const NONE: Self = Self {
        dialect: Dialect::V1_2,
        url: Text::EMPTY,
        session: Text::EMPTY,
        message: 0,
        command: 0,
        server_message: Text::EMPTY,
        authenticated: false,
        scheme: None,
        client_nonce: Nonce::EMPTY,
        server_nonce: Nonce::EMPTY,
        next_server_nonce: None,
        server_known: false,
        challenged: 0,
        challenging: 0,
        max_message: usize::MAX,
        max_object: None,
        acknowledged: 0,
        notices_at: None,
    };

    /// Forgets what was, and begins with this.
    pub(super) fn begin(&mut self, config: &Config<'_>) -> Result<(), SessionError> {
        let bad = SessionError::BadConfig;
        let url = Text::of(&[config.account.url]).filter(|url| !url.is_empty()).ok_or(bad)?;
        if config.session_id == 0 || config.notices.len() > 32 || config.device.is_empty() {
            return Err(bad);
        }
        *self = Self {
            dialect: config.dialect,
            url,
            session: session_text(config.session_id),
            scheme: config.account.scheme,
            client_nonce: config.account.client_nonce,
            server_nonce: config.account.server_nonce,
            server_known: config.account.server.is_none(),
            ..Self::NONE
        };
        Ok(())
    }

    pub(super) fn session(&self) -> &str {
        self.session.as_str()
    }

    /// Whether the server means the message that was sent last.
    pub(super) fn is_last(&self, message: &str) -> bool {
        Decimal::parse(message) == Some(self.message)
    }

    /// The part of the transmit buffer that a message may take.
    pub(super) fn bounded<'t>(&self, tx: &'t mut [u8]) -> &'t mut [u8] {
        let len = tx.len().min(self.max_message);
        tx.get_mut(..len).unwrap_or_default()
    }

    pub(super) const fn command(&self) -> u32 {
        self.command
    }

    /// Takes back the numbers of commands that were not written after all.
    pub(super) const fn set_command(&mut self, command: u32) {
        self.command = command;
    }

    pub(super) fn next_id(&mut self) -> Decimal {
        self.command = self.command.saturating_add(1);
        Decimal::new(self.command)
    }

    /// Begins the next message.
    pub(super) fn open(
        &mut self,
        config: &Config<'_>,
        tx: &mut [u8],
        capacity: usize,
        crypto: &mut dyn Crypto,
    ) -> Result<Mark, Error> {
        self.message = self.message.saturating_add(1);
        self.command = 0;
        let message = Decimal::new(self.message);
        let account = &config.account;
        let showing = account.client.filter(|_| self.scheme.is_some());
        let mut basic = [0; encoded_len(MAX_BASIC)];
        let digest;
        let data = match (showing, self.scheme) {
            (Some(client), Some(Scheme::Basic)) if !self.authenticated => Some(client.basic(&mut basic)?),
            (Some(client), Some(Scheme::Md5)) if !self.authenticated => {
                digest = self.with_nonce(config, |nonce| client.md5(nonce, crypto));
                Some(digest.as_str())
            }
            _ => None,
        };
        let cred = data.zip(self.scheme).map(|(data, scheme)| Cred {
            scheme: scheme.name(),
            format: Some("b64"),
            data: Data::Text(data),
        });
        let source = Location { uri: config.device, name: showing.map(|client| client.name) };
        let header = Header::new(
            self.dialect,
            self.session(),
            message.as_str(),
            Location::new(self.url.as_str()),
            source,
        );
        let meta = Meta {
            max_message: u32::try_from(capacity).ok(),
            max_object: Some(config.max_object).filter(|&max| max > 0),
            ..Meta::EMPTY
        };
        let header = Header { cred, meta, ..header };
        let len = tx.len().min(self.max_message);
        let room = tx.get_mut(..len).unwrap_or_default();
        Ok(Writer::new(config.coding, room, &header)?.mark())
    }

    /// The digest over a finished message, if the scheme wants one.
    pub(super) fn mac(&self, config: &Config<'_>, body: &[u8], crypto: &mut dyn Crypto) -> Option<Digest> {
        let client = config.account.client.filter(|_| self.scheme == Some(Scheme::Mac))?;
        Some(self.with_nonce(config, |nonce| client.mac(nonce, body, crypto)))
    }

    fn with_nonce<T>(&self, config: &Config<'_>, make: impl FnOnce(&[u8]) -> T) -> T {
        if config.account.nonce_is_text {
            return make(self.client_nonce.base64(&mut [0; encoded_len(MAX_NONCE)]).as_bytes());
        }
        make(self.client_nonce.octets())
    }

    /// Writes the Status of the server's header.
    pub(super) fn header_status(
        &mut self,
        config: &Config<'_>,
        writer: &mut Writer<'_>,
        server: &str,
        code: Code,
        chal: Option<(Scheme, Nonce)>,
    ) -> Result<(), Error> {
        let mut text = [0; encoded_len(MAX_NONCE)];
        let chal = chal.map(|(scheme, nonce)| Chal {
            scheme: scheme.name(),
            format: Some("b64"),
            next_nonce: Some(nonce.base64(&mut text)).filter(|_| scheme != Scheme::Basic),
        });
        let id = self.next_id();
        let status = Head::status(id.as_str(), self.server_message.as_str(), "0", "SyncHdr", code);
        let status = Head { chal, ..status };
        writer.command(&status)?.target_ref(config.device)?.source_ref(server)?.end()
    }

    /// Writes what begins a session: the alert, the notices; DevInfo follows.
    pub(super) fn alerts(&mut self, config: &Config<'_>, writer: &mut Writer<'_>) -> Result<(), Error> {
        let code = match config.initiator {
            Initiator::Client => AlertCode::CLIENT_INITIATED,
            Initiator::Server => AlertCode::SERVER_INITIATED,
        };
        writer.command(&Head::alert(self.next_id().as_str(), code))?.end()?;
        self.notices_at = Some((self.message, self.command.saturating_add(1)));
        for notice in config.notices {
            self.notice(writer, notice)?;
        }
        Ok(())
    }

    fn notice(&mut self, writer: &mut Writer<'_>, notice: &Notice<'_>) -> Result<(), Error> {
        let id = self.next_id();
        let since_1_2 = self.dialect == Dialect::V1_2;
        let code = if since_1_2 { notice.code } else { AlertCode::CLIENT_EVENT };
        let correlator = notice.correlator.filter(|_| since_1_2);
        let meta = Meta {
            format: Some(notice.format.name()),
            media_type: Some(notice.kind),
            mark: notice.mark,
            ..Meta::EMPTY
        };
        let item = Item { source: notice.source.map(Location::new), meta, ..Item::EMPTY };
        let head = Head { correlator, ..Head::alert(id.as_str(), code) };
        writer.command(&head)?.item(&item.text(notice.data))?.end()
    }

    /// Notes that the server answered one of our commands.
    pub(super) fn note_answer(&mut self, config: &Config<'_>, head: &Head<'_>) {
        let (Some((message, first)), Some(code)) = (self.notices_at, head.code()) else { return };
        let in_message = head.msg_ref.and_then(Decimal::parse) == Some(message);
        let number = head.cmd_ref.and_then(Decimal::parse).and_then(|id| id.checked_sub(first));
        let count = u32::try_from(config.notices.len()).unwrap_or(0);
        if let Some(number) = number.filter(|&number| number < count && in_message)
            && code.is_success()
        {
            self.acknowledged |= 1_u32.checked_shl(number).unwrap_or(0);
        }
    }
}

/// The session's number as upper-case hexadecimal without leading zeros (`oma-dm.md` section 2.3).
fn session_text(number: u16) -> Text<4> {
    let digits: Text<4> = crate::wire::hex(&number.to_be_bytes());
    Text::of(&[digits.as_str().trim_start_matches(|c| c == '0')]).unwrap_or(Text::EMPTY)
}

/// What a fault of the writer means for a session: too little room, or a text that the coding cannot carry.
pub(super) const fn is_full(error: &Error) -> bool {
    matches!(error.kind, ErrorKind::NoRoom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_numbers_are_upper_case_hexadecimal_without_zeros() {
        for (number, text) in [(7, "7"), (0x1234, "1234"), (0xFFFF, "FFFF"), (0x0A0, "A0")] {
            assert_eq!(session_text(number).as_str(), text);
        }
    }
}
