//! Everything that must not be guessed: codes for users, tokens in forms, passwords.
//!
//! All of it is made from one secret, so that a server with the same secret that is asked the same says the same.

use core::num::NonZeroU32;

use ring::hmac::{HMAC_SHA256, Key, sign, verify};
use ring::pbkdf2::{self, PBKDF2_HMAC_SHA256};

/// Letters of codes (RFC 8628 §6.1): no vowels, so no words, and nothing that looks like something else.
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// Letters of a code, and where its hyphen stands.
const CODE: usize = 8;
/// Rounds of the password hash: a few hundredths of a second.
const ROUNDS: NonZeroU32 = NonZeroU32::new(100_000).expect("not zero");
const SALT: usize = 16;

/// The server's secret.
pub(super) struct Secret(Key);

impl core::fmt::Debug for Secret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    pub(super) fn new(secret: &[u8; 32]) -> Self {
        Self(Key::new(HMAC_SHA256, secret))
    }

    /// The code of this number, like `WDJB-MJHT`.
    pub(super) fn code(&self, number: u64) -> String {
        let tag = sign(&self.0, &[b"code".as_slice(), &number.to_be_bytes()].concat());
        let letter = |octet: &u8| char::from(LETTERS[usize::from(*octet) % LETTERS.len()]);
        spelled(tag.as_ref().iter().map(letter).take(CODE))
    }

    /// A token that only this server makes, and always the same for the same use of the same text.
    pub(super) fn token(&self, purpose: &str, text: &str) -> String {
        hexadecimal(sign(&self.0, &message(purpose, text)).as_ref())
    }

    /// Whether it is that token; takes as long for a wrong one.
    pub(super) fn is_token(&self, purpose: &str, text: &str, token: &str) -> bool {
        octets(token).is_some_and(|token| verify(&self.0, &message(purpose, text), &token).is_ok())
    }

    /// Salt and hash of an account's password.
    pub(super) fn password(&self, account: &str, password: &str) -> Vec<u8> {
        let mut row = sign(&self.0, &message("salt", account)).as_ref()[..SALT].to_vec();
        let mut hash = [0; 32];
        pbkdf2::derive(PBKDF2_HMAC_SHA256, ROUNDS, &row, password.as_bytes(), &mut hash);
        row.extend(hash);
        row
    }
}

/// Whether `password` is the one whose salt and hash are kept in `row`.
pub(super) fn is_password(row: &[u8], password: &str) -> bool {
    row.split_at_checked(SALT).is_some_and(|(salt, hash)| {
        pbkdf2::verify(PBKDF2_HMAC_SHA256, ROUNDS, salt, password.as_bytes(), hash).is_ok()
    })
}

/// A code as a person types it, in the form that it was handed out.
pub(super) fn typed(code: &str) -> String {
    spelled(code.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_uppercase()))
}

fn spelled(letters: impl Iterator<Item = char>) -> String {
    let mut code = String::new();
    for (at, letter) in letters.enumerate() {
        if at == CODE / 2 {
            code.push('-');
        }
        code.push(letter);
    }
    code
}

fn message(purpose: &str, text: &str) -> Vec<u8> {
    [purpose.as_bytes(), &[0], text.as_bytes()].concat()
}

/// Octets in lower-case hexadecimal.
pub(super) fn hexadecimal(octets: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or_default();
    octets.iter().flat_map(|octet| [digit(octet >> 4), digit(octet & 15)]).collect()
}

/// The octets that hexadecimal text means.
pub(super) fn octets(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_typed_in_any_form() {
        let code = Secret::new(&[1; 32]).code(7);
        assert_eq!(code.len(), CODE + 1);
        for form in [code.to_lowercase(), code.replace('-', ""), format!(" {} ", code.replace('-', " "))] {
            assert_eq!(typed(&form), code, "{form:?}");
        }
        assert_ne!(Secret::new(&[2; 32]).code(7), code);
        assert_ne!(Secret::new(&[1; 32]).code(8), code);
    }

    #[test]
    fn tokens_are_for_one_use() {
        let secret = Secret::new(&[1; 32]);
        let token = secret.token("form", "visitor");
        assert!(secret.is_token("form", "visitor", &token));
        for (purpose, text, token) in [
            ("form", "visitors", token.as_str()),
            ("forms", "visitor", &token),
            ("form", "visitor", &token[2..]),
            ("form", "visitor", "zz"),
            ("form", "visitor", ""),
        ] {
            assert!(!secret.is_token(purpose, text, token), "{purpose} {text} {token}");
        }
    }

    #[test]
    fn passwords_are_kept_hashed() {
        let row = Secret::new(&[1; 32]).password("alice", "correct horse");
        assert!(is_password(&row, "correct horse") && !is_password(&row, "correct hors"));
        assert!(!is_password(&[], "") && !is_password(&[0; 16], ""));
    }
}
