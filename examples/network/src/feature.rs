//! Features that customers activate themselves (flow `feature-activation`): billing page, legal page, consent, result.
//!
//! The gateway lets a device use a feature only with the NAI that its subscription has; otherwise it says so by a code of its
//! own ([`NOT_PROVISIONED`]). What the customer agrees to is written down once, with the text he was shown.

use crate::caller::{self, Kind};
use crate::client_provisioning::Settings;
use crate::http::{Request, Response, Target, status};
use crate::log::{Rule, Step};
use crate::operator::Operator;
use crate::session::Outcome;
use core::time::Duration;
use kedge_platform::identity::HardwareId;

/// Where features are activated.
pub const SERVICES_HOST: &str = "services.operator.example";
/// What the gateway says when the customer does not have the feature.
pub const NOT_PROVISIONED: u16 = 4031;
/// The version of the legal terms.
const TERMS: &str = "terms of 2026-11";
/// The header of the last page.
const RESULT: &str = "X-Kedge-Result";
/// The features that there are, and what they are called on pages.
const FEATURES: [(&str, &str); 5] = [
    ("mobile-web", "Mobile Web"),
    ("text-messaging", "Text Messaging"),
    ("picture-messaging", "Picture Messaging"),
    ("video-messaging", "Video Messaging"),
    ("touch2talk", "Touch2Talk"),
];
/// First parts of the paths: where it begins, and where an order goes on.
const BOOTSTRAP: &str = "/activate/";
const ORDERS: &str = "/order/";

/// The bootstrap URL of a feature.
pub fn feature_url(feature: &str) -> String {
    format!("https://{SERVICES_HOST}{BOOTSTRAP}{feature}")
}

/// What the last answer of an activation that succeeds is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FeatureAnswer {
    /// A page and the settings, in a multipart.
    #[default]
    PageAndSettings,
    /// The settings alone.
    Settings,
    /// A page alone: the feature works with the device's usual NAI.
    Page,
    /// A page, and settings that refer to what there is not.
    BrokenSettings,
}

/// One customer's order of one feature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureOrder {
    /// The device.
    pub hardware: HardwareId,
    /// The feature's name.
    pub feature: String,
    /// How often the billing terms and the legal terms were sent.
    pub shown: (u32, u32),
    /// Every consent: when, and to what.
    pub consents: Vec<(Duration, String)>,
    /// How it ended; 0: the customer has the feature.
    pub code: Option<u16>,
    /// How often the result was sent.
    pub results: u32,
    /// The NAI with which the feature is used; empty: any.
    pub nai: String,
}

impl Operator {
    /// The order that a device has made of a feature, if there is one.
    pub fn feature_order(&self, hardware: HardwareId, feature: &str) -> Option<&FeatureOrder> {
        self.books.features.iter().find(|order| order.hardware == hardware && order.feature == feature)
    }

    /// A device uses a feature through the gateway, with the NAI of its data call.
    ///
    /// # Errors
    /// The gateway's code: [`NOT_PROVISIONED`], or that of a fault that the operator plays.
    pub fn use_feature(&self, hardware: HardwareId, feature: &str, nai: Option<&str>) -> Result<(), u16> {
        if let Some(fault) = self.config.gateway_fault {
            return Err(fault);
        }
        let order = self.feature_order(hardware, feature).filter(|order| order.code == Some(0));
        let fits = order.is_some_and(|order| order.nai.is_empty() || nai == Some(&order.nai));
        if fits { Ok(()) } else { Err(NOT_PROVISIONED) }
    }

    /// A request to the host of the features.
    pub(crate) fn services(&mut self, now: Duration, target: Target<'_>, request: &Request) -> Outcome {
        let step = match target.path {
            path if path.starts_with(BOOTSTRAP) => Step::feature_activation(3),
            _ => Step::feature_activation(4),
        };
        let caller = caller::check(request, Kind::Browse, step, &mut self.log);
        let Some(hardware) = caller.hardware else {
            return Outcome::plain(step, "a page asked for by nobody", status(403), "refused");
        };
        if let Some(feature) = target.path.strip_prefix(BOOTSTRAP) {
            return match FEATURES.into_iter().find(|(name, _)| *name == feature) {
                Some((name, title)) => self.terms(hardware, name, title),
                None => self.stray(Rule::Url, format!("there is no feature {feature:?}"), 404),
            };
        }
        let order = target.path.strip_prefix(ORDERS).and_then(|rest| rest.split_once('/'));
        let place = order.and_then(|(number, _)| number.parse::<usize>().ok()?.checked_sub(1));
        let own =
            place.filter(|place| self.books.features.get(*place).is_some_and(|o| o.hardware == hardware));
        match (own, order) {
            (Some(place), Some((_, "legal"))) => self.legal(place),
            (Some(place), Some((_, "agree"))) => self.agree(now, place),
            _ => self.stray(Rule::Url, format!("{} is no order of this device", target.path), 404),
        }
    }

    /// The billing terms; the order is the one that was begun before, if any.
    fn terms(&mut self, hardware: HardwareId, feature: &str, title: &str) -> Outcome {
        let known = |order: &FeatureOrder| order.hardware == hardware && order.feature == feature;
        let place = self.books.features.iter().position(known).unwrap_or_else(|| {
            let esn = caller::name(hardware).replace(' ', "-").to_ascii_lowercase();
            self.books.features.push(FeatureOrder {
                hardware,
                feature: feature.to_owned(),
                shown: (0, 0),
                consents: Vec::new(),
                code: None,
                results: 0,
                nai: format!("{esn}@{feature}.operator.example"),
            });
            self.books.features.len() - 1
        });
        self.books.features[place].shown.0 += 1;
        let text = format!("{title} costs 5.00 a month, on your telephone bill.");
        let link = format!("{ORDERS}{}/legal", place + 1);
        let response = self.page(title, &text, Some((&link, "Continue")));
        let step = Step::feature_activation(3);
        Outcome {
            told_in: Step::feature_activation(4),
            ..Outcome::plain(step, format!("{title} wanted"), response, "billing terms")
        }
    }

    fn legal(&mut self, place: usize) -> Outcome {
        let step = Step::feature_activation(4);
        let order = &mut self.books.features[place];
        let seen = order.shown.0 > 0;
        order.shown.1 += 1;
        self.log.require(seen, step, Rule::Session, || "the legal terms before the billing terms".to_owned());
        let link = format!("{ORDERS}{}/agree", place + 1);
        let text = format!("By going on you agree to the {TERMS}.");
        let response = self.page("Legal terms", &text, Some((&link, "Agree")));
        Outcome::plain(step, "the price is accepted", response, "legal terms")
    }

    /// The customer agrees: written down once, however often the answer is lost.
    fn agree(&mut self, now: Duration, place: usize) -> Outcome {
        let step = Step::feature_activation(4);
        let (answer, code) = (self.config.feature_answer, self.config.feature_code);
        let order = &mut self.books.features[place];
        let seen = order.shown.1 > 0;
        if order.consents.is_empty() && seen {
            order.consents.push((now, TERMS.to_owned()));
        }
        order.results += 1;
        order.code = Some(code);
        if answer == FeatureAnswer::Page {
            order.nai.clear();
        }
        let (feature, nai) = (order.feature.clone(), order.nai.clone());
        self.log.require(seen, step, Rule::Session, || "consent to terms that were not shown".to_owned());
        let response = if code == 0 {
            self.success(&feature, &nai, answer)
        } else {
            self.page("Sorry", &format!("This is not possible: reason {code}."), None)
        };
        let response = response.with_header(RESULT, &code.to_string());
        Outcome {
            told_in: Step::feature_activation(5),
            ..Outcome::plain(step, "the customer agrees", response, format!("result {code}"))
        }
    }

    fn success(&self, feature: &str, nai: &str, answer: FeatureAnswer) -> Response {
        const WBXML: &str = "application/vnd.wap.connectivity-wbxml";
        const BOUNDARY: &str = "result-and-settings";
        let page = self.page("Done", "You can use it now.", None);
        let broken = answer == FeatureAnswer::BrokenSettings;
        // The values are fixed, so that nothing can be too long.
        let settings = Settings::feature(feature, nai, broken).and_then(|settings| settings.document());
        let settings = settings.unwrap_or_default();
        match answer {
            FeatureAnswer::Page => page,
            FeatureAnswer::Settings => with_body(WBXML, settings),
            FeatureAnswer::PageAndSettings | FeatureAnswer::BrokenSettings => {
                let page_type = page.header("Content-Type").unwrap_or_default().to_owned();
                let mut body = Vec::new();
                for (media_type, content) in [(page_type.as_str(), &page.body), (WBXML, &settings)] {
                    let head = format!("--{BOUNDARY}\r\nContent-Type: {media_type}\r\n\r\n");
                    body.extend_from_slice(head.as_bytes());
                    body.extend_from_slice(content);
                    body.extend_from_slice(b"\r\n");
                }
                body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
                with_body(&format!("multipart/mixed; boundary={BOUNDARY}"), body)
            }
        }
    }

    /// A page in the markup that the operator uses, with at most one link.
    fn page(&self, title: &str, text: &str, link: Option<(&str, &str)>) -> Response {
        let link = link.map_or(String::new(), |(url, label)| format!("<p><a href=\"{url}\">{label}</a></p>"));
        if self.config.wml {
            let head = "<?xml version=\"1.0\"?><!DOCTYPE wml PUBLIC \"-//WAPFORUM//DTD WML 1.1//EN\" \
                        \"http://www.wapforum.org/DTD/wml_1.1.xml\">";
            let body = format!("{head}<wml><card title=\"{title}\"><p>{text}</p>{link}</card></wml>");
            with_body("text/vnd.wap.wml", body.into_bytes())
        } else {
            let head = format!("<!DOCTYPE html><html><head><title>{title}</title></head>");
            let body = format!("{head}<body><h1>{title}</h1><p>{text}</p>{link}</body></html>");
            with_body("text/html; charset=utf-8", body.into_bytes())
        }
    }
}

fn with_body(media_type: &str, body: Vec<u8>) -> Response {
    Response { body, ..Response::new(200).with_header("Content-Type", media_type) }
}
