//! What a server asks the user (alerts 1100 to 1104, `oma-dm.md` section 6.2): its question as the device asks it, and what the
//! user said as the session takes it.

use kedge_platform::ui::{Answer, Choices, Input, Prompt, TextForm, Typed};
use kedge_protocol::dm::limits::MAX_INPUT;
use kedge_protocol::dm::session::{self, InputType};
use kedge_protocol::syncml::AlertCode;
use kedge_protocol::wire::Writer;

use crate::limits;

const _: () = assert!(Typed::MAX == MAX_INPUT, "what is typed fits the answer");

/// The question as the device asks it; its default answer and its choices are made in `out`. `None`: it has choices that do
/// not fit there.
pub(super) fn asked<'p>(prompt: &session::Prompt<'p>, out: &'p mut [u8]) -> Option<Prompt<'p>> {
    let (text, options) = (prompt.text, prompt.options);
    let wait = options.max_display.unwrap_or(limits::MANAGEMENT_PROMPT);
    Some(match prompt.code {
        AlertCode::DISPLAY => Prompt::Notice(text),
        AlertCode::CONFIRM => Prompt::Confirm(text),
        AlertCode::TEXT_INPUT => {
            let most = options.max_len.and_then(|most| usize::try_from(most).ok());
            let most = most.map_or(Typed::MAX, |most| most.min(Typed::MAX));
            let form = TextForm { input: input(options.input), most, hidden: options.hidden, wait };
            Prompt::EnterText { text, default: options.default_text(out), form }
        }
        AlertCode::SINGLE_CHOICE | AlertCode::MULTIPLE_CHOICE => Prompt::Choose {
            text,
            choices: choices(prompt, out)?,
            several: prompt.code == AlertCode::MULTIPLE_CHOICE,
            default: options.default_choices(),
            wait,
        },
        _ => return None,
    })
}

/// What the user said to a question with this code.
pub(super) fn answered(code: AlertCode, answer: &Answer) -> session::Answer<'_> {
    match answer {
        Answer::Text(text) => session::Answer::Text(text.as_str()),
        Answer::Chosen(choices) => session::Answer::Choices(*choices),
        Answer::Yes if code == AlertCode::CONFIRM => session::Answer::Accepted,
        Answer::No if code == AlertCode::CONFIRM => session::Answer::Rejected,
        Answer::No => session::Answer::Cancelled,
        // What the server proposes, if it does.
        Answer::Yes | Answer::Later | Answer::Pin(_) => session::Answer::TimedOut,
    }
}

/// The texts of the choices. One that holds what stands between them cannot be told from two.
fn choices<'o>(prompt: &session::Prompt<'_>, out: &'o mut [u8]) -> Option<Choices<'o>> {
    let half = out.len().checked_div(2)?;
    let (texts, scratch) = out.split_at_mut_checked(half)?;
    let mut w = Writer::new(texts);
    for number in 1..=prompt.choices {
        let text = prompt.choice(number, &mut *scratch)?;
        if text.contains(|c| c == Choices::END) {
            return None;
        }
        w.put(text.as_bytes()).ok()?;
        w.put(Choices::END.encode_utf8(&mut [0; 4]).as_bytes()).ok()?;
    }
    core::str::from_utf8(w.finish()).ok().map(Choices::new)
}

const fn input(kind: InputType) -> Input {
    match kind {
        InputType::Text => Input::Text,
        InputType::Number => Input::Number,
        InputType::Date => Input::Date,
        InputType::Time => Input::Time,
        InputType::Phone => Input::Phone,
        InputType::Address => Input::Address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_as_the_question_means_it() {
        let typed = Answer::Text(Typed::new("Jane").expect("it is short"));
        for (code, answer, expected) in [
            (AlertCode::CONFIRM, Answer::Yes, session::Answer::Accepted),
            (AlertCode::CONFIRM, Answer::No, session::Answer::Rejected),
            (AlertCode::CONFIRM, Answer::Later, session::Answer::TimedOut),
            (AlertCode::TEXT_INPUT, typed, session::Answer::Text("Jane")),
            (AlertCode::TEXT_INPUT, Answer::Yes, session::Answer::TimedOut),
            (AlertCode::TEXT_INPUT, Answer::No, session::Answer::Cancelled),
            (AlertCode::MULTIPLE_CHOICE, Answer::Chosen(5), session::Answer::Choices(5)),
        ] {
            assert_eq!(answered(code, &answer), expected, "{code:?} {answer:?}");
        }
        assert_eq!(Typed::new(&"x".repeat(Typed::MAX + 1)), None);
    }
}
