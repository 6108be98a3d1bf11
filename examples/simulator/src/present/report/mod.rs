//! One HTML page with everything about a run: it needs no server, no network and no other file.
//!
//! Without scripts the page still works: an arrow is a link, and style rules show the message it leads to. The page's
//! content security policy forbids it to load anything at all. All text goes through `maud`, which escapes it.

mod diagram;
mod flash;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::recording::{FlowRecord, Recording};
use super::text::{grouped, one_line, seconds};
use crate::feed::{Arrow, Feed};
use crate::hex;

/// Nothing may be loaded; style and script stand in the page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/// The page's text.
pub fn report(recording: &Recording) -> String {
    let verdict = if recording.passed() { "passed" } else { "failed" };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Kedge run: " (verdict) }
                style { (PreEscaped(include_str!("page.css"))) }
            }
            body {
                header {
                    h1 { "Kedge run " (badge(recording.passed())) }
                    (summary(recording))
                }
                main {
                    @for (number, flow) in recording.flows().iter().enumerate() { (self::flow(number, flow)) }
                }
                script { (PreEscaped(include_str!("page.js"))) }
            }
        }
    };
    page.into_string()
}

fn badge(passed: bool) -> Markup {
    if passed {
        html! { span.badge.good { "✓ passed" } }
    } else {
        html! { span.badge.bad { "✗ failed" } }
    }
}

fn summary(recording: &Recording) -> Markup {
    html! {
        table.summary {
            thead { tr {
                th { "Flow" } th { "Result" } th.number { "Messages" } th.number { "Octets" }
                th.number { "Erases" } th.number { "Device time" }
            } }
            tbody {
                @for (number, flow) in recording.flows().iter().enumerate() {
                    tr {
                        td { a href={ "#flow-" (number) } { (flow.name) } }
                        td { (badge(flow.passed())) }
                        @if let Some(figures) = flow.end.as_ref().map(|end| &end.figures) {
                            td.number { (grouped(figures.messages)) } td.number { (grouped(figures.octets)) }
                            td.number { (grouped(figures.erases)) } td.number { (seconds(figures.took_ms)) }
                        } @else {
                            td colspan="4" { "not played to its end" }
                        }
                    }
                }
            }
        }
    }
}

fn flow(number: usize, flow: &FlowRecord) -> Markup {
    html! {
        section.flow id={ "flow-" (number) } {
            h2 { (flow.name) " " (badge(flow.passed())) }
            p.title { (flow.title) }
            @if let Some(reason) = flow.reason() { p.reason { (reason) } }
            @if let Some(end) = &flow.end {
                p.replay { "replay: " code { (end.replay) } }
                @if !end.figures.more.is_empty() {
                    dl { @for (name, value) in &end.figures.more { dt { (name) } dd { (value) } } }
                }
            }
            div.conversation {
                div.diagram { (diagram::diagram(number, flow)) }
                div.messages {
                    p.hint { "Choose an arrow to see its content decoded and in hexadecimal; the arrow keys go on from there." }
                    @for (place, item) in flow.course.iter().enumerate() {
                        @if let Feed::Arrow(arrow) = item { (message(number, place, arrow)) }
                    }
                }
            }
            @if let Some(flash) = &flow.flash { (flash::map(flash)) }
            @if !flow.log.is_empty() { (log(flow)) }
        }
    }
}

/// The page's name for a message: flow and place in its course.
fn anchor(flow: usize, place: usize) -> String {
    format!("m-{flow}-{place}")
}

fn message(flow: usize, place: usize, arrow: &Arrow) -> Markup {
    let octets = hex::decode(&arrow.hex).unwrap_or_default();
    html! {
        article.message id=(anchor(flow, place)) {
            h3 { (one_line(&arrow.text)) }
            p.meta {
                (arrow.from.title()) " → " (arrow.to.title()) " · " (seconds(arrow.at_ms))
                @if let Some(step) = &arrow.step { " · step " (step) }
            }
            @if !arrow.title.is_empty() { p { code { (arrow.title) } } }
            @if !arrow.decoded.is_empty() { h4 { "Decoded" } pre { (arrow.decoded) } }
            @if !octets.is_empty() {
                h4 { (grouped(octets.len() as u64)) " octets" }
                pre.hex { (hex::dump(&octets)) }
            }
            @if arrow.decoded.is_empty() && octets.is_empty() { p.hint { "No content." } }
        }
    }
}

fn log(flow: &FlowRecord) -> Markup {
    html! {
        details.log {
            summary { "Log, " (flow.log.len()) " lines" }
            table { tbody {
                @for line in &flow.log {
                    tr class=(line.level.name()) {
                        td.number { (seconds(line.at_ms)) } td { (line.level.name()) } td { (line.text) }
                    }
                }
            } }
        }
    }
}
