//! Features that the user activates (flow `feature-activation`): from the service error to the feature in use.

use core::time::Duration;

use kedge_platform::crypto::Crypto;
use kedge_platform::flash::NorFlash;
use kedge_platform::ui::Answer;
use kedge_protocol::cp::Coded;
use kedge_protocol::wap::Coding;

use super::answer::Answering;
use super::desk::Desk;
use super::enrol::{Doing, Ending, Enrol};
use super::{Agent, Buffers, Context, Done, State};
use crate::dispatch::{Content, Handler, Leaves, Origin, Refusal};
use crate::error::AgentError;
use crate::event::Event;
use crate::feature::{Feature, GATEWAY_ERRORS, ServiceError, is_not_provisioned};
use crate::limits;
use crate::store::Enrolment;
use crate::trigger::Accepted;

/// Most redirections between two pages (`iota.md` B6.2 has the same number).
const MAX_HOPS: u8 = 5;

impl<'b, const PRL: usize> Agent<'b, PRL> {
    /// A feature that the user has opened does not work (steps 1 and 2): if the error means that he does not have it, he is asked
    /// whether to activate it, and what follows is said; any other error is none of the agent's (`None`).
    ///
    /// One activation runs at a time: the same feature again is merged into it, another one is refused.
    pub fn service_failed<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        feature: Feature,
        error: ServiceError,
    ) -> Result<Option<Accepted>, AgentError<F::Error>> {
        let mut buf = [0; limits::URL];
        let known = self.desk.setting(context.flash, GATEWAY_ERRORS, &mut buf)?.unwrap_or_default();
        let accepted = if is_not_provisioned(feature, error, known) {
            let under_way =
                self.desk.enrolment(context.flash, &mut buf)?.and_then(|e| Feature::from_number(e.feature));
            Some(match under_way.or(self.offered) {
                Some(own) if own == feature => Accepted::Merged,
                Some(_) => Accepted::Refused,
                None => {
                    self.offered = Some(feature);
                    Accepted::Queued
                }
            })
        } else {
            None
        };
        context.event(&Event::ServiceFailed { feature, error, accepted });
        Ok(accepted)
    }

    /// The NAI with which a feature is used, empty for the usual one; `None` if it was not activated by the agent.
    pub fn feature_nai<'o, F: NorFlash>(
        &self,
        flash: &mut F,
        feature: Feature,
        buf: &'o mut [u8],
    ) -> Result<Option<&'o str>, AgentError<F::Error>> {
        self.desk.feature_nai(flash, feature, buf)
    }

    /// The link that the user follows on the page that is shown: to be handed in between [`Agent::poll`] and
    /// [`Done::Browsed`]; without it the user has left the page.
    pub fn follow<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        link: &str,
    ) -> Result<(), AgentError<F::Error>> {
        let State::Enrolling(enrol) = &mut self.state else { return Err(AgentError::Misuse) };
        if !matches!(enrol.doing, Doing::Showing { .. }) {
            return Err(AgentError::Misuse);
        }
        context.event(&Event::LinkFollowed(link));
        if matches!(enrol.doing, Doing::Showing { last: Some(_), .. }) {
            // The last page leads nowhere: what it tells is done.
            return Ok(());
        }
        enrol.hops = 0;
        let gone = enrol.go(&mut self.desk, context, link)?;
        if let Doing::Showing { followed, last, .. } = &mut enrol.doing {
            *followed = gone;
            *last = (!gone).then_some(Ending::Failed(0));
        }
        Ok(())
    }

    /// Goes to an activation that waits, or asks about a feature; `false` if there is nothing of the kind now. `due` tells
    /// whether a time has come.
    pub(super) fn enrolling<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        due: impl FnOnce(Duration) -> bool,
    ) -> Result<bool, AgentError<F::Error>> {
        let mut buf = [0; limits::RECORD];
        if let Some(enrolment) = self.desk.enrolment(context.flash, &mut buf)? {
            let Some(feature) = Feature::from_number(enrolment.feature) else {
                // Of a later version, which knows more features.
                return self.desk.end_enrolment(context.flash).map(|()| false);
            };
            if due(self.enrol_after) {
                self.enter(|buffers| State::Enrolling(Enrol::resume(buffers, feature, &enrolment)));
                return Ok(true);
            }
        } else if let Some(feature) = self.offered {
            self.enter(|buffers| State::Enrolling(Enrol::new(buffers, feature, Doing::Asking)));
            return Ok(true);
        }
        Ok(false)
    }

    /// The device has done what an activation wanted.
    pub(super) fn enrolled<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        mut enrol: Enrol<'b>,
        done: Done,
    ) -> Result<(), AgentError<F::Error>> {
        // Where an error of the store leads back to.
        let doing = core::mem::replace(&mut enrol.doing, Doing::Hanging(Ending::Quiet));
        let next = match (doing, done) {
            (Doing::Asking, Done::Answered(answer)) => {
                context.event(&Event::Answered(answer));
                self.feature_agreed(context, &mut enrol, answer)
            }
            (Doing::Calling, Done::CallOpened(result)) => {
                context.event(&Event::DataCall(result));
                match result {
                    Ok(()) => Ok(Some(Doing::Fetching(Answering::default()))),
                    Err(_) => self.postpone_feature(context, true),
                }
            }
            (Doing::Fetching(answering), Done::HttpEnded(ended)) => {
                if let Err(why) = ended {
                    context.event(&Event::LinkDown(why));
                }
                match ended {
                    Err(_) if answering.len != usize::MAX => self.postpone_feature(context, false),
                    _ => self.feature_answered(context, &mut enrol, &answering),
                }
            }
            (Doing::Showing { last, followed, .. }, Done::Browsed) => match last {
                Some(ending) => self.end_feature(context, enrol.feature, ending),
                None if followed => Ok(Some(Doing::Fetching(Answering::default()))),
                None => self.end_feature(context, enrol.feature, Ending::Quiet),
            },
            (Doing::Hanging(ending), Done::CallClosed) => {
                context.event(&Event::DataCallClosed);
                Ok(match ending {
                    Ending::Committed => Some(Doing::Connecting),
                    Ending::Connected => Some(Doing::Telling(Ok(()))),
                    Ending::Failed(code) => Some(Doing::Telling(Err(code))),
                    Ending::Quiet => None,
                })
            }
            (Doing::Connecting, Done::CallOpened(result)) => {
                context.event(&Event::DataCall(result));
                match result {
                    Ok(()) => self.end_feature(context, enrol.feature, Ending::Connected),
                    Err(_) => self.postpone_feature(context, true),
                }
            }
            // Told at least once: before, a restart leads back here.
            (Doing::Telling(_), Done::Answered(_)) => self.desk.end_enrolment(context.flash).map(|()| None),
            (doing, _) => {
                enrol.doing = doing;
                self.state = State::Enrolling(enrol);
                return Err(AgentError::Misuse);
            }
        };
        let (next, failed) = match next {
            Ok(next) => (next, Ok(())),
            Err(e) => (None, Err(e)),
        };
        self.state = match next {
            Some(doing) => {
                enrol.doing = doing;
                State::Enrolling(enrol)
            }
            None => State::Idle(enrol.buffers),
        };
        failed
    }

    /// The user has answered whether to activate the feature.
    fn feature_agreed<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        enrol: &mut Enrol<'b>,
        answer: Answer,
    ) -> Result<Option<Doing>, AgentError<F::Error>> {
        self.offered = None;
        if answer != Answer::Yes {
            return Ok(None);
        }
        let mut buf = [0; limits::URL];
        let url = self.desk.setting(context.flash, enrol.feature.bootstrap(), &mut buf)?;
        let begun = match url {
            Some(url) => enrol.go(&mut self.desk, context, url)?,
            None => false,
        };
        self.enrol_after = Duration::ZERO;
        // A bootstrap URL that is missing or outside the trusted domain is the operator's fault: there is no code.
        Ok(Some(if begun { Doing::Calling } else { Doing::Telling(Err(0)) }))
    }

    /// An answer is whole.
    fn feature_answered<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        enrol: &mut Enrol<'b>,
        answering: &Answering,
    ) -> Result<Option<Doing>, AgentError<F::Error>> {
        let body = enrol.buffers.receive.get(..answering.len).unwrap_or_default();
        context.event(&answering.event(body));
        match answering.status {
            // More than there is room for.
            _ if answering.len == usize::MAX => self.end_feature(context, enrol.feature, Ending::Failed(0)),
            301 | 302 | 303 | 307 | 308 if enrol.hops < MAX_HOPS => {
                enrol.hops = enrol.hops.saturating_add(1);
                if enrol.go(&mut self.desk, context, &answering.location)? {
                    return Ok(Some(Doing::Fetching(Answering::default())));
                }
                self.end_feature(context, enrol.feature, Ending::Failed(0))
            }
            500..=599 => self.postpone_feature(context, false),
            200 => {
                enrol.hops = 0;
                self.feature_page(context, enrol, answering)
            }
            _ => self.end_feature(context, enrol.feature, Ending::Failed(0)),
        }
    }

    /// A page or the result has come (steps 4 and 5).
    fn feature_page<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        enrol: &mut Enrol<'b>,
        answering: &Answering,
    ) -> Result<Option<Doing>, AgentError<F::Error>> {
        let origin = Origin::Http { authenticated: enrol.url.starts_with("https://") };
        let media_type = answering.content_type.as_str();
        let body = enrol.buffers.receive.get(..answering.len).unwrap_or_default();
        let found = find(&Content { media_type, origin, body }).unwrap_or_else(|why| {
            context.event(&Event::ContentRefused { media_type, origin, why });
            Found { refused: true, ..Found::default() }
        });
        let last = match answering.result {
            Some(code) => {
                context.event(&Event::FeatureResult { feature: enrol.feature, code });
                Some(if code == 0 { Ending::Committed } else { Ending::Failed(code) })
            }
            None => None,
        };
        if last == Some(Ending::Committed) {
            let Buffers { receive, send } = &mut enrol.buffers;
            let (at, len) = found.settings.unwrap_or_default();
            let settings = receive.get(at..).and_then(|rest| rest.get(..len)).unwrap_or_default();
            let coding = if found.xml { Coding::Xml } else { Coding::Wbxml };
            let settings = Coded { coding, bytes: settings };
            let committed =
                !found.refused && self.desk.commit_feature(context, enrol.feature, &settings, send)?;
            if !committed {
                return self.end_feature(context, enrol.feature, Ending::Failed(0));
            }
        }
        match (found.page, last) {
            (Some(at), last) => {
                let media_type = found.media_type;
                Ok(Some(Doing::Showing { at, media_type, last, followed: false }))
            }
            (None, ending) => self.end_feature(context, enrol.feature, ending.unwrap_or(Ending::Failed(0))),
        }
    }

    /// The data call has done what it was for. Unless the user has left, he is told before the store forgets.
    fn end_feature<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        feature: Feature,
        ending: Ending,
    ) -> Result<Option<Doing>, AgentError<F::Error>> {
        match ending {
            Ending::Quiet => self.desk.end_enrolment(context.flash)?,
            Ending::Connected => context.event(&Event::FeatureActive(feature)),
            Ending::Committed | Ending::Failed(_) => {}
        }
        Ok(Some(Doing::Hanging(ending)))
    }

    /// The network could not be asked: later again, or, after too many tries, no more. `hung_up`: there is no data call.
    fn postpone_feature<F: NorFlash, C: Crypto>(
        &mut self,
        context: &mut Context<'_, F, C>,
        hung_up: bool,
    ) -> Result<Option<Doing>, AgentError<F::Error>> {
        let mut buf = [0; limits::RECORD];
        let Some(enrolment) = self.desk.enrolment(context.flash, &mut buf)? else { return Ok(None) };
        let tries = enrolment.tries.saturating_add(1);
        let ending = if tries >= limits::SESSION_TRIES {
            Ending::Failed(0)
        } else {
            self.desk.store.put(context.flash, &Enrolment { tries, ..enrolment })?;
            let pause = context.backoff(tries);
            self.enrol_after = context.now.saturating_add(pause);
            context.event(&Event::RetryIn(pause));
            Ending::Quiet
        };
        Ok(match ending {
            Ending::Failed(code) if hung_up => Some(Doing::Telling(Err(code))),
            _ if hung_up => None,
            ending => Some(Doing::Hanging(ending)),
        })
    }
}

/// What a body has for an activation.
#[derive(Debug, Default)]
struct Found {
    /// Where a page is, and its media type.
    page: Option<(usize, usize)>,
    media_type: heapless::String<{ limits::CONTENT_TYPE }>,
    /// Where a provisioning document is, and whether it is XML.
    settings: Option<(usize, usize)>,
    xml: bool,
    /// The body holds what is not taken: nothing of it is.
    refused: bool,
}

/// The first page and the first provisioning document of a body; of each there may be one.
fn find(content: &Content<'_>) -> Result<Found, Refusal> {
    let mut found = Found::default();
    for leaf in Leaves::new(content)? {
        let leaf = leaf?;
        let place = Some((leaf.at, leaf.body.len()));
        match leaf.handler? {
            Handler::Page if found.page.is_none() => {
                found.page = place;
                let essence = leaf.media_type.map_or("", |media_type| media_type.essence());
                // The browser wants to know the character set; of a part it takes what the page itself says.
                let whole = leaf.body.len() == content.body.len();
                let media_type = if whole { content.media_type } else { essence };
                found.media_type = heapless::String::try_from(media_type).unwrap_or_default();
            }
            Handler::Provisioning if found.settings.is_none() => {
                found.settings = place;
                found.xml = leaf.media_type.is_some_and(|media_type| media_type.is_type("text"));
            }
            _ => return Err(Refusal::NotWanted),
        }
    }
    Ok(found)
}

impl<const PRL: usize> Desk<'_, PRL> {
    /// The activation that is under way.
    pub(super) fn enrolment<'o, F: NorFlash>(
        &self,
        flash: &mut F,
        buf: &'o mut [u8],
    ) -> Result<Option<Enrolment<'o>>, AgentError<F::Error>> {
        Ok(self.store.get::<Enrolment<'_>, F>(flash, buf)?)
    }
}
