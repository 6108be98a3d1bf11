//! What goes on around the agent while the handset is on: its user, the radio network, files, and the passing of time.

use kedge_agent::agent::{Agent, Bearer, Context};
use kedge_agent::error::AgentError;
use kedge_agent::runner::{Board, Pause, Ports, run};
use kedge_platform::clock::Clock as _;
use kedge_platform::crypto::Crypto;
use kedge_platform::flash::{ErrorType, NorFlash};
use kedge_platform_sim::clock::Clock;
use kedge_protocol::license::limits::USER_PAUSE;

use super::air::Air;
use super::application::open;
use super::license::Papers;
use super::{PRL, Patience, Press, Watch};

/// What is around the agent while it runs.
pub(super) struct Around<'a> {
    pub(super) air: Air<'a>,
    pub(super) papers: Option<Papers<'a>>,
    /// Short messages that wait, in groups.
    pub(super) groups: core::slice::Iter<'a, Vec<Vec<u8>>>,
    pub(super) patience: Patience,
}

impl Around<'_> {
    /// Runs the agent until nothing is left to do, or until it restarts.
    pub(super) fn go<B: Board<Clock = Clock>>(
        &mut self,
        agent: &mut Agent<'_, PRL>,
        ports: &mut Ports<B>,
        press: &mut Option<Press>,
        watch: &mut dyn Watch,
    ) -> Result<Pause, AgentError<<B::Flash as ErrorType>::Error>> {
        let mut listened = false;
        for _ in 0..self.patience.pauses {
            let pause = run(agent, ports, &mut *watch)?;
            let papers_wait = self.papers.as_ref().is_some_and(Papers::wait);
            match pause {
                // What is pressed and what the network sends goes before what can wait.
                Pause::Idle(_) if press.is_some() || !listened || papers_wait => {}
                Pause::Idle(Some(until)) => {
                    let pause = until.saturating_sub(ports.clock.uptime());
                    if pause > self.patience.pause || !self.air.fuse.is_whole() {
                        return Ok(Pause::Idle(Some(until)));
                    }
                    ports.clock.advance(pause);
                    continue;
                }
                pause => return Ok(pause),
            }
            if matches!(press, Some(Press::License(_))) {
                // the agent may just have asked by itself: sooner, a wish is not heard
                ports.clock.advance(USER_PAUSE);
            }
            let mut context = ports.context(&mut *watch);
            match press.take() {
                Some(pressed) => *press = self.pressed(agent, &mut context, pressed)?,
                None if !listened => {
                    listened = true;
                    self.air.listen(agent, &mut context)?;
                }
                None => {
                    if let Some(papers) = &mut self.papers {
                        papers.open(agent, &mut context)?;
                    }
                }
            }
        }
        Ok(Pause::Idle(None))
    }

    /// The user does something; what he does next.
    fn pressed<F: NorFlash, C: Crypto>(
        &mut self,
        agent: &mut Agent<'_, PRL>,
        context: &mut Context<'_, F, C>,
        pressed: Press,
    ) -> Result<Option<Press>, AgentError<F::Error>> {
        match pressed {
            Press::Activate => agent.activate(context).map(|_| ())?,
            Press::CheckForUpdate => agent.check_for_update(context).map(|_| ())?,
            Press::Receive => {
                let mut datagram = vec![0; kedge_agent::limits::GSM_DATAGRAM];
                for message in self.groups.next().into_iter().flatten() {
                    agent.message(context, Bearer::Gsm, message, &mut datagram)?;
                }
                return Ok(self.groups.as_slice().first().map(|_| Press::Receive));
            }
            Press::Dial(digits) => self.air.dial(agent, context, digits)?,
            Press::Open(feature) => open(agent, context, self.air.network, feature)?,
            Press::SelectNam(nam) => agent.select_nam(context, nam).map(|_| ())?,
            Press::License(op) => _ = agent.license_request(context.now, op),
            Press::Export(op) => {
                if let Some(papers) = &mut self.papers {
                    papers.export(agent, context, op)?;
                }
            }
            Press::Nothing => {}
        }
        Ok(None)
    }
}
