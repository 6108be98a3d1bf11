//! Questions to the user (`oma-dm.md` section 6.2).

use core::time::Duration;

use crate::dm::limits::{MAX_CHOICES, MAX_INPUT};
use crate::syncml::{AlertCode, Code, Item, Parts};
use crate::wire::{Decimal, Text};

/// What a text that is asked for must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum InputType {
    /// Any characters.
    #[default]
    Text,
    /// Digits, sign and point.
    Number,
    /// `DDMMYYYY`.
    Date,
    /// `hhmmss`.
    Time,
    /// A telephone number.
    Phone,
    /// An IP address of four numbers.
    Address,
}

/// The option string of a user alert, read leniently: unknown keys and values are passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Options<'s> {
    /// MINDT: show at least so long.
    pub min_display: Option<Duration>,
    /// MAXDT: wait at most so long.
    pub max_display: Option<Duration>,
    /// DR: the default answer, still URL-encoded; [`Self::default_text`] decodes it.
    pub default: Option<&'s str>,
    /// MAXLEN: most characters of a text.
    pub max_len: Option<u32>,
    /// IT: what the text must look like.
    pub input: InputType,
    /// ET=P: do not show what is typed.
    pub hidden: bool,
}

impl<'s> Options<'s> {
    /// Reads `KEY=value&KEY=value`.
    pub fn parse(text: &'s str) -> Self {
        let mut options = Self::default();
        let seconds = |value: &str| Decimal::parse(value).map(|n| Duration::from_secs(n.into()));
        for (key, value) in text.split(|c| c == '&').filter_map(|pair| pair.split_once(|c| c == '=')) {
            match key.trim_ascii() {
                "MINDT" => options.min_display = seconds(value).or(options.min_display),
                "MAXDT" => options.max_display = seconds(value).or(options.max_display),
                "DR" => options.default = Some(value),
                "MAXLEN" => options.max_len = Decimal::parse(value).or(options.max_len),
                "IT" => options.input = input_type(value),
                "ET" => options.hidden = value == "P",
                _ => {}
            }
        }
        options
    }

    /// The default answer as text, written to `out`; cut off where it does not fit.
    pub fn default_text<'o>(&self, out: &'o mut [u8]) -> &'o str {
        let mut w = crate::wire::Writer::new(out);
        let mut octets = self.default.unwrap_or_default().bytes();
        while let Some(octet) = octets.next() {
            let octet = match octet {
                b'+' => b' ',
                b'%' => {
                    let mut digit = || octets.next().and_then(|digit| char::from(digit).to_digit(16));
                    let (Some(high), Some(low)) = (digit(), digit()) else { break };
                    u8::try_from(high << 4 | low).unwrap_or(b'?')
                }
                plain => plain,
            };
            if w.u8(octet).is_err() {
                break;
            }
        }
        let octets = w.finish();
        str::from_utf8(octets)
            .or_else(|fault| str::from_utf8(octets.get(..fault.valid_up_to()).unwrap_or_default()))
            .unwrap_or_default()
    }

    /// The default answer of a choice, as bits, the first choice the lowest: `2`, or `1-3` for the first and the third.
    pub fn default_choices(&self) -> u32 {
        let numbers = self.default.unwrap_or_default().split(|c| c == '-' || c == ',');
        numbers.filter_map(Decimal::parse).fold(0, |all, number| all | bit(number))
    }
}

/// The bit of a choice, counted from 1; none for one that cannot be.
fn bit(number: u32) -> u32 {
    number.checked_sub(1).and_then(|place| 1_u32.checked_shl(place)).unwrap_or(0)
}

fn input_type(word: &str) -> InputType {
    match word {
        "N" => InputType::Number,
        "D" => InputType::Date,
        "T" => InputType::Time,
        "P" => InputType::Phone,
        "I" => InputType::Address,
        _ => InputType::Text,
    }
}

/// A question.
#[derive(Debug)]
pub struct Prompt<'s> {
    /// One of the codes 1100 to 1104.
    pub code: AlertCode,
    /// How to ask.
    pub options: Options<'s>,
    /// What to show.
    pub text: &'s str,
    /// How many choices there are.
    pub choices: u32,
    pub(super) parts: Parts<'s>,
}

impl<'s> Prompt<'s> {
    /// The text of choice `number`, counted from 1; in `scratch` if the document has it in several pieces.
    pub fn choice<'c>(&self, number: u32, scratch: &'c mut [u8]) -> Option<&'c str>
    where
        's: 'c,
    {
        let mut parts = self.parts.clone();
        for _ in 0..number.checked_add(1)? {
            parts.item(&mut *scratch).ok()??;
        }
        parts.item(scratch).ok().flatten().as_ref().and_then(text_of)
    }
}

/// What the user said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer<'a> {
    /// The text was shown.
    Shown,
    /// Yes.
    Accepted,
    /// No.
    Rejected,
    /// The user does not want to go on with any of this.
    Cancelled,
    /// Nothing, in time.
    TimedOut,
    /// A text of at most 128 octets; longer ones count as too large.
    Text(&'a str),
    /// Choices: bit 0 is the first.
    Choices(u32),
}

/// An answer until its Status is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    pub(super) code: Code,
    pub(super) choices: u32,
    pub(super) text: Option<Text<MAX_INPUT>>,
}

impl Kept {
    pub(super) const fn of(code: Code) -> Self {
        Self { code, choices: 0, text: None }
    }

    /// What `answer` to a question comes to; one that does not fit the question is a failure of the device.
    pub(super) fn new(code: AlertCode, options: &Options<'_>, choices: u32, answer: &Answer<'_>) -> Self {
        let known = |bits: u32| bits & !u32::MAX.checked_shl(choices).unwrap_or(0);
        match (code, *answer) {
            (AlertCode::DISPLAY, _) | (AlertCode::CONFIRM, Answer::Accepted) => Self::of(Code::OK),
            (_, Answer::Cancelled) => Self::of(Code::CANCELLED),
            (AlertCode::CONFIRM, Answer::Rejected) => Self::of(Code::NOT_MODIFIED),
            (_, Answer::TimedOut) => Self::by_default(code, options, choices),
            (AlertCode::TEXT_INPUT, Answer::Text(text)) => match Text::of(&[text]) {
                Some(text) => Self { text: Some(text), ..Self::of(Code::OK) },
                None => Self::of(Code::TOO_LARGE),
            },
            (AlertCode::SINGLE_CHOICE, Answer::Choices(bits)) if known(bits).is_power_of_two() => {
                Self { choices: known(bits), ..Self::of(Code::OK) }
            }
            (AlertCode::MULTIPLE_CHOICE, Answer::Choices(bits)) => {
                Self { choices: known(bits), ..Self::of(Code::OK) }
            }
            _ => Self::of(Code::FAILED),
        }
    }

    /// No answer in time: the default one, if the server gave one.
    fn by_default(code: AlertCode, options: &Options<'_>, choices: u32) -> Self {
        let mut buffer = [0; MAX_INPUT];
        let answer = match (code, options.default) {
            (_, None) => return Self::of(Code::TIMEOUT),
            (AlertCode::CONFIRM, Some("1")) => Answer::Accepted,
            (AlertCode::CONFIRM, _) => Answer::Rejected,
            (AlertCode::TEXT_INPUT, _) => Answer::Text(options.default_text(&mut buffer)),
            _ => Answer::Choices(options.default_choices()),
        };
        Self::new(code, options, choices, &answer)
    }
}

/// Whether a question can be asked: 412 for one that lacks something, 416 for too many choices. The number of choices.
pub(super) fn check(code: AlertCode, items: usize) -> Result<u32, Code> {
    let choices = items.saturating_sub(2);
    let needed = matches!(code, AlertCode::SINGLE_CHOICE | AlertCode::MULTIPLE_CHOICE);
    if items < 2 || needed && choices == 0 {
        return Err(Code::INCOMPLETE);
    }
    u32::try_from(choices).ok().filter(|&choices| choices <= MAX_CHOICES).ok_or(Code::TOO_BIG)
}

/// An item's data as text.
pub(super) fn text_of<'s>(item: &Item<'s>) -> Option<&'s str> {
    item.data.map_or(Some(""), |data| data.text())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Option strings of AOSP test messages among them, one malformed.
    #[test]
    fn options_are_read_leniently() {
        let all = Options::parse("MAXDT=20&DR=hello+andy%21&MAXLEN=30&IT=I&ET=P&MINDT=3&X=1&NOISE");
        assert_eq!(all.max_display, Some(Duration::from_secs(20)));
        assert_eq!(all.min_display, Some(Duration::from_secs(3)));
        assert_eq!((all.max_len, all.input, all.hidden), (Some(30), InputType::Address, true));
        assert_eq!(all.default_text(&mut [0; 32]), "hello andy!");
        assert_eq!(all.default_text(&mut [0; 5]), "hello");
        assert_eq!(Options::parse("MAXDT=15DR=1"), Options::default());
        assert_eq!(Options::parse("DR=1-3,6").default_choices(), 0b10_0101);
        assert_eq!(Options::parse("DR=0-33-x").default_choices(), 0);
        assert_eq!(Options::parse("DR=%C3").default_text(&mut [0; 4]), "");
    }

    #[test]
    fn answers_become_codes() {
        use AlertCode as A;
        let kept = |code, options: &str, answer| {
            let kept = Kept::new(code, &Options::parse(options), 3, &answer);
            (kept.code, kept.choices)
        };
        for (code, options, answer, expected) in [
            (A::DISPLAY, "", Answer::Cancelled, (Code::OK, 0)),
            (A::CONFIRM, "", Answer::Accepted, (Code::OK, 0)),
            (A::CONFIRM, "", Answer::Rejected, (Code::NOT_MODIFIED, 0)),
            (A::CONFIRM, "", Answer::Cancelled, (Code::CANCELLED, 0)),
            (A::CONFIRM, "", Answer::TimedOut, (Code::TIMEOUT, 0)),
            (A::CONFIRM, "DR=1", Answer::TimedOut, (Code::OK, 0)),
            (A::CONFIRM, "DR=0", Answer::TimedOut, (Code::NOT_MODIFIED, 0)),
            (A::SINGLE_CHOICE, "DR=2", Answer::TimedOut, (Code::OK, 2)),
            (A::SINGLE_CHOICE, "", Answer::Choices(4), (Code::OK, 4)),
            (A::SINGLE_CHOICE, "", Answer::Choices(8), (Code::FAILED, 0)),
            (A::MULTIPLE_CHOICE, "", Answer::Choices(0b1101), (Code::OK, 0b101)),
            (A::MULTIPLE_CHOICE, "DR=1-3", Answer::TimedOut, (Code::OK, 0b101)),
            (A::TEXT_INPUT, "", Answer::Accepted, (Code::FAILED, 0)),
        ] {
            assert_eq!(kept(code, options, answer), expected, "{code:?} {options} {answer:?}");
        }
        let text = Kept::new(A::TEXT_INPUT, &Options::parse("DR=a+b"), 0, &Answer::TimedOut);
        assert_eq!(text.text.unwrap().as_str(), "a b");
    }

    #[test]
    fn questions_that_lack_something_are_not_asked() {
        assert_eq!(check(AlertCode::CONFIRM, 1), Err(Code::INCOMPLETE));
        assert_eq!(check(AlertCode::CONFIRM, 2), Ok(0));
        assert_eq!(check(AlertCode::SINGLE_CHOICE, 2), Err(Code::INCOMPLETE));
        assert_eq!(check(AlertCode::MULTIPLE_CHOICE, 8), Ok(6));
        assert_eq!(check(AlertCode::MULTIPLE_CHOICE, 40), Err(Code::TOO_BIG));
    }
}
