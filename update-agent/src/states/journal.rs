//! Kedge's own boot stage: every journal against every call that decides.
use std::format;
use std::string::String;

use super::table::{column, table};
use super::{COUNTER, Flash, IN_PLACE, JOBS, SLOTS, changed, device, record};
use crate::record::{Job, Record};
use crate::{BootDecision, Error, Slot, Update};
use kedge_platform_sim::nor::Error as NorError;

type Fault = Error<NorError>;

/// Executes `call` on a device in the state that `indices` name: layout, job, active slot, whether the image is sound.
/// Returns what it said and both records, or why the journal cannot be mounted.
fn execute<T>(
    indices: &[usize],
    call: impl FnOnce(&mut Update, &mut Flash) -> Result<T, Fault>,
) -> Result<(Result<T, Fault>, Record, Record), Fault> {
    let [layout, job, active, sound] = indices else { panic!("four columns") };
    let layout = [SLOTS, IN_PLACE][*layout];
    let before = record([Slot::First, Slot::Second][*active], *sound == 0, JOBS[*job].1);
    // the journal is written through the layout that takes any record
    let mut flash = device(SLOTS, before);
    let mut update = Update::mount(&mut flash, layout)?;
    let said = call(&mut update, &mut flash);
    assert!(flash.misuses().is_empty());
    let after = Update::mount(&mut flash, layout)?.record();
    assert_eq!(after, update.record(), "what was said is on the flash");
    Ok((said, before, after))
}

fn calls<T>(
    call: impl Fn(&mut Update, &mut Flash) -> Result<T, Fault>,
    said: impl Fn(Result<T, Fault>, &Record, &Record) -> String,
) -> String {
    let columns = [
        column("layout", ["slots", "in place"]),
        column("job", JOBS.iter().map(|(name, _)| *name)),
        column("active slot", ["first", "second"]),
        column("image", ["sound", "broken"]),
    ];
    table(&columns, "result; journal afterwards", |indices| match execute(indices, &call) {
        Ok((result, before, after)) => {
            let said = said(result, &before, &after);
            format!("{said}; {}", changed(&before, &after))
        }
        Err(Error::JournalDamaged) => "does not mount: journal damaged".into(),
        Err(error) => panic!("{indices:?}: {error}"),
    })
}

pub(super) fn tables() -> String {
    let mut text = String::from("## A start: `Update::boot`\n\n");
    text.push_str(&calls(Update::boot, |decision, before, after| {
        let begun = |job: Job| matches!(job, Job::Reverting { .. });
        let given_up = matches!(before.job, Job::Trial { attempts: 0, way_back: 1.., .. });
        assert_eq!(begun(after.job), begun(before.job) || given_up && after.job != Job::Idle);
        assert_eq!(after.security_counter, COUNTER, "a start raises no counter");
        assert_eq!(after.active, before.active, "a start makes no slot the good one");
        match decision.expect("the flash is sound") {
            BootDecision::Run(slot) => {
                if slot != before.active {
                    let (Job::Trial { attempts: had, .. }, Job::Trial { attempts: left, .. }) =
                        (before.job, after.job)
                    else {
                        panic!("an untried image without a trial")
                    };
                    assert!(left < had, "a trial must end");
                }
                format!("run {}", if slot == Slot::First { "first" } else { "second" })
            }
            BootDecision::Update if given_up => "go back".into(),
            BootDecision::Update if begun(before.job) => "go on with the way back".into(),
            BootDecision::Update => "go on with the update".into(),
            BootDecision::Broken => {
                assert!(!before.sound, "a sound image is started");
                "no image to run".into()
            }
        }
    }));
    text.push_str("## The new firmware works: `Update::confirm`\n\n");
    text.push_str(&calls(Update::confirm, |done, before, after| {
        done.expect("the flash is sound");
        let on_trial = matches!(before.job, Job::Trial { .. });
        assert_eq!(after.security_counter > before.security_counter, on_trial, "only then it rises");
        assert!(!on_trial || after.job == Job::Idle);
        "done".into()
    }));
    text.push_str("## The new firmware does not work: `Update::roll_back`\n\n");
    text.push_str(&calls(Update::roll_back, |done, before, after| {
        assert_eq!((after.active, after.security_counter), (before.active, COUNTER), "the old image may run");
        refused_or_done(done)
    }));
    text.push_str("## The update is given up: `Update::abandon`\n\n");
    text.push_str(&calls(Update::abandon, |done, before, after| {
        assert_eq!((after.active, after.sound), (before.active, before.sound), "the image is as it was");
        refused_or_done(done)
    }));
    text
}

fn refused_or_done(done: Result<(), Fault>) -> String {
    match done {
        Ok(()) => "done".into(),
        Err(Error::NotNow) => "refused".into(),
        Err(error) => panic!("{error}"),
    }
}
