//! An exchange without a network: a request and an answer go through a session exactly as traffic does.

pub(crate) mod account;
pub(crate) mod exchange;
pub(crate) mod played;

use engine::Session;
use engine::input::Request;
use engine::verdict::{Decision, Flow, Report, RequestStep};
use serde_json::Value;

use crate::packs::Pack;
use crate::spend::{Need, missed, priced};
use crate::surroundings::Surroundings;
use crate::wire::{Answer, Asked, Endpoint, Fault};

/// What would have happened.
#[derive(Clone, Debug)]
pub struct Rehearsal {
    /// The strongest decision of both phases.
    pub decision: Decision,
    /// Every policy's part.
    pub report: Report,
    /// The request as a provider would have got it; nothing when it was stopped.
    pub request: Option<Value>,
    /// The answer as the client would have got it; nothing when there was none or it was stopped.
    pub answer: Option<Value>,
}

/// Plays a chat request, and the provider's whole answer if there is one, against a pack. `headers` have names in
/// lower case. A request without a `model` gets one, since test cases seldom say it.
pub fn rehearse(
    pack: &Pack,
    request: Value,
    headers: Vec<(&str, &str)>,
    around: Surroundings<'_>,
    answer: Option<Value>,
) -> Result<Rehearsal, Fault> {
    rehearse_in(&mut pack.session(), pack, request, headers, around, answer)
}

/// The same in a given session.
pub(crate) fn rehearse_in(
    session: &mut Session,
    pack: &Pack,
    request: Value,
    headers: Vec<(&str, &str)>,
    around: Surroundings<'_>,
    answer: Option<Value>,
) -> Result<Rehearsal, Fault> {
    let mut request = named(request);
    let mut asked = Endpoint::Chat.decode(&request, headers)?;
    around.tell(&mut asked, pack.offers());
    asked.key_labels = pack.labels_of(asked.key_name);
    let step = session.request(&asked);
    if let Some(decision) = unmet(session, pack, &request, &asked, &step, &around.spent) {
        return Ok(Rehearsal { decision, report: session.report(), request: None, answer: None });
    }
    if step.decision.verdict.stops() {
        let (decision, report) = (step.decision, session.report());
        return Ok(Rehearsal { decision, report, request: None, answer: None });
    }
    Endpoint::Chat.redact(&mut request, &step.edits)?;
    let mut guarded = answer.map(|answer| Answer::of(Endpoint::Chat, answer));
    let flow = match &mut guarded {
        Some(answer) => answer.guard(session, pack.guards(), &Asked::default())?,
        None => Flow::Open,
    };
    Ok(Rehearsal {
        decision: session.decision().clone(),
        report: session.report(),
        request: Some(request),
        answer: guarded.filter(|_| flow == Flow::Open).map(|answer| answer.document),
    })
}

/// The decision where a budget is not met, as things stand.
pub(crate) fn unmet(
    session: &mut Session,
    pack: &Pack,
    document: &Value,
    asked: &Request<'_>,
    step: &RequestStep,
    spent: &[(String, f64)],
) -> Option<Decision> {
    if step.claims.is_empty() {
        return None;
    }
    let need = need(pack, document, asked, step);
    let (claim, refusal) = missed(&step.claims, &need, spent)?;
    Some(session.refuse(claim, refusal).clone())
}

/// What a request may take of budgets.
pub(crate) fn need(pack: &Pack, document: &Value, asked: &Request<'_>, step: &RequestStep) -> Need {
    let prices = priced(pack.offers(), asked.model, step.targets.as_deref());
    let size = document.to_string().len();
    Need::of(Endpoint::Chat, document, size, asked, prices.into_iter().map(|(_, price)| price))
}

/// The request with a model: test cases seldom say one.
pub(crate) fn named(mut request: Value) -> Value {
    if let Value::Object(fields) = &mut request {
        fields.entry("model").or_insert_with(|| "rehearsal".into());
    }
    request
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit;
    use serde_json::json;

    #[test]
    fn a_case_plays_without_a_model_or_a_network() {
        let request = json!({"messages": [{"role": "user", "content": "hi"}]});
        let answer = json!({"choices": [{"message": {"content": "hello"}}]});
        let played =
            rehearse(&kit::pack(), request, Vec::new(), Surroundings::now(None), Some(answer.clone()))
                .unwrap();
        assert_eq!(played.answer, Some(answer));
        assert_eq!(played.request.unwrap()["model"], "rehearsal");
    }

    #[test]
    fn a_case_that_is_no_request_is_a_fault() {
        let fault =
            rehearse(&kit::pack(), json!({"messages": []}), Vec::new(), Surroundings::now(None), None)
                .unwrap_err();
        assert_eq!(fault.param.as_deref(), Some("messages"));
    }
}
