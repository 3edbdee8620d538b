//! An exchange given as data, played as traffic would be: what `test` and `eval` share.

use engine::Session;
use engine::input::{Channel, Request};
use engine::verdict::{Decision, Flow, Report, RequestStep};
use grammar::case::Case;
use serde_json::{Map, Value, json};

use super::lines::Line;
use crate::packs::Pack;
use crate::rehearsal::{Rehearsal, named, rehearse_in};
use crate::surroundings::Surroundings;
use crate::wire::{Endpoint, json as strict_json, said};

/// Fields of a line that are no field of a request.
const OWN: [&str; 5] = ["text", "response", "upstream_response", "stream_chunks", "headers"];

/// What a person or a data set says happened.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    request: Value,
    headers: Vec<(String, String)>,
    answer: Option<Answer>,
    around: Surroundings,
}

/// The provider's answer.
#[derive(Clone, Debug)]
enum Answer {
    /// As it came over the wire.
    Whole(Value),
    /// The first choice's text, in pieces.
    Pieces(Vec<String>),
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Played {
    pub(super) decision: Decision,
    pub(super) report: Report,
    /// What got through: the answer's text if there is an answer, else the request's last text.
    pub(super) output: Option<String>,
}

impl Exchange {
    /// Reads the fields of a case or a line. `text` stands for one user message; every other field that is not the
    /// exchange's own is the request's.
    pub(super) fn read(mut fields: Map<String, Value>) -> Result<Self, String> {
        let headers = match fields.remove("headers") {
            Some(Value::Object(headers)) => headers.into_iter().map(header).collect::<Result<_, _>>()?,
            Some(Value::Null) | None => Vec::new(),
            Some(_) => return Err("`headers` is a mapping from names to strings".into()),
        };
        let around = surroundings(fields.remove("given"))?;
        let upstream = fields.remove("upstream_response");
        let response = fields.remove("response").or(upstream);
        let answer = match (response, fields.remove("stream_chunks")) {
            (_, Some(Value::Array(pieces))) => {
                Some(Answer::Pieces(pieces.iter().map(piece).collect::<Result<_, _>>()?))
            }
            (_, Some(_)) => return Err("`stream_chunks` is a list of strings".into()),
            (Some(Value::String(text)), None) => Some(Answer::Whole(spoken(&text))),
            (Some(Value::Object(answer)), None) if !answer.is_empty() => {
                Some(Answer::Whole(Value::Object(answer)))
            }
            (Some(Value::Object(_) | Value::Null) | None, None) => None,
            (Some(_), None) => return Err("`response` is a string or an answer object".into()),
        };
        if let Some(text) = fields.remove("text") {
            if fields.contains_key("messages") {
                return Err("`text` stands for a user message; give it or `messages`, not both".into());
            }
            fields.insert("messages".into(), json!([{"role": "user", "content": text}]));
        }
        if !fields.contains_key("messages") {
            if answer.is_none() {
                return Err("there is nothing to judge: give `text`, `messages` or `response`".into());
            }
            fields.insert("messages".into(), json!([{"role": "user", "content": "-"}]));
        }
        Ok(Self { request: Value::Object(fields), headers, answer, around })
    }

    /// Reads a line of a data set, and its `id` where it has one.
    pub(super) fn of_line(line: &Line, id: &mut Value) -> Result<Self, String> {
        let line = line.bytes.as_ref().ok_or("the line is longer than 16 MiB")?;
        let parsed = strict_json::parse(line.trim_ascii()).map_err(|flaw| flaw.to_string())?;
        let Value::Object(mut fields) = parsed else { return Err("the line is not a JSON object".into()) };
        if let Some(given) = fields.remove("id") {
            *id = given;
        }
        Self::of_fields(fields)
    }

    /// Reads the fields of a line of a data set.
    pub(super) fn of_fields(mut fields: Map<String, Value>) -> Result<Self, String> {
        // Labels and notes of a data set are nobody's text.
        fields.retain(|name, _| OWN.contains(&name.as_str()) || Endpoint::Chat.has_field(name));
        Self::read(fields)
    }

    /// Whether there is an answer.
    pub(super) fn is_answered(&self) -> bool {
        self.answer.is_some()
    }

    /// The strings of the request that patterns look at, each with who speaks.
    pub(super) fn texts(&self) -> Result<Vec<(&'static str, String)>, String> {
        let request = named(self.request.clone());
        let asked = Endpoint::Chat.decode(&request, Vec::new()).map_err(|fault| fault.message)?;
        Ok(asked.texts.iter().map(|text| (text.role.name(), text.value.to_owned())).collect())
    }

    /// The request as a document, with a model.
    pub(super) fn document(&self) -> Value {
        named(self.request.clone())
    }

    /// The request as the engine is asked, decoded from that document.
    pub(super) fn asked<'a>(&'a self, document: &'a Value, pack: &'a Pack) -> Result<Request<'a>, String> {
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut asked = Endpoint::Chat.decode(document, headers).map_err(|fault| fault.message)?;
        self.around.tell(&mut asked, pack.offers());
        Ok(asked)
    }

    /// Judges the request alone, so that the session is ready for an answer.
    pub(super) fn open(&self, session: &mut Session, pack: &Pack) -> Result<RequestStep, String> {
        Ok(session.request(&self.asked(&self.document(), pack)?))
    }

    /// The texts of the answer, by channel.
    pub(super) fn said(&self) -> Vec<(Channel, String)> {
        match &self.answer {
            Some(Answer::Whole(answer)) => said(answer),
            Some(Answer::Pieces(pieces)) => vec![(Channel::content(0), pieces.concat())],
            None => Vec::new(),
        }
    }

    /// Reads the input of a golden case.
    pub(super) fn of_case(case: &Case) -> Result<Self, String> {
        let text = case.input.to_json_text();
        match strict_json::parse(text.as_bytes()).map_err(|flaw| flaw.to_string())? {
            Value::Object(fields) => Self::read(fields),
            _ => Err("`input` is a mapping".into()),
        }
    }

    /// Plays it against a pack.
    pub(super) fn play(self, pack: &Pack) -> Result<Played, String> {
        self.play_in(&mut pack.session(), pack)
    }

    /// Plays it in a given session.
    pub(super) fn play_in(self, session: &mut Session, pack: &Pack) -> Result<Played, String> {
        let headers: Vec<(&str, &str)> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let (whole, pieces) = match self.answer {
            Some(Answer::Whole(answer)) => (Some(answer), None),
            Some(Answer::Pieces(pieces)) => (None, Some(pieces)),
            None => (None, None),
        };
        if let Some(pieces) = pieces {
            return play_pieces(session, pack, self.request, headers, self.around, &pieces);
        }
        let answered = whole.is_some();
        let played = rehearse_in(session, pack, self.request, headers, self.around, whole)
            .map_err(|fault| fault.message)?;
        let output = output(&played, answered);
        Ok(Played { decision: played.decision, report: played.report, output })
    }
}

/// `given: {now, client.ip}`: what a case says of the time and the client's address.
fn surroundings(given: Option<Value>) -> Result<Surroundings, String> {
    let mut around = Surroundings::now(None);
    let fields = match given {
        None | Some(Value::Null) => return Ok(around),
        Some(Value::Object(fields)) => fields,
        Some(_) => return Err("`given` is a mapping with `now` and `client.ip`".into()),
    };
    for (name, value) in fields {
        let text = value.as_str().unwrap_or_default();
        match name.as_str() {
            "now" => {
                let time: Result<jiff::Timestamp, _> = text.parse();
                around.now = time.map_err(|_| "`now` is a time such as `2026-05-04T22:10:00Z`")?.as_second();
            }
            "client.ip" => {
                around.client_ip =
                    Some(text.parse().map_err(|_| "`client.ip` is an address such as `10.0.0.7`")?);
            }
            other => return Err(format!("`{other}` cannot be given; there are `now` and `client.ip`")),
        }
    }
    Ok(around)
}

fn header((name, value): (String, Value)) -> Result<(String, String), String> {
    match value {
        Value::String(value) => Ok((name.to_lowercase(), value)),
        _ => Err(format!("header `{name}` is not a string")),
    }
}

fn piece(piece: &Value) -> Result<String, String> {
    piece.as_str().map(str::to_owned).ok_or_else(|| "`stream_chunks` is a list of strings".to_owned())
}

/// A whole answer that says this.
fn spoken(text: &str) -> Value {
    json!({"object": "chat.completion", "choices": [
        {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    ]})
}

fn play_pieces(
    session: &mut Session,
    pack: &Pack,
    request: Value,
    headers: Vec<(&str, &str)>,
    around: Surroundings,
    pieces: &[String],
) -> Result<Played, String> {
    let request = named(request);
    let mut asked = Endpoint::Chat.decode(&request, headers).map_err(|fault| fault.message)?;
    around.tell(&mut asked, pack.offers());
    let step = session.request(&asked);
    let mut output = String::new();
    let channel = Channel::content(0);
    let mut flow = if step.decision.verdict.stops() { Flow::Stopped } else { Flow::Open };
    for piece in pieces {
        if flow == Flow::Open {
            flow = session.feed(channel, piece, &mut output);
        }
    }
    let mut tails = Vec::new();
    if flow == Flow::Open
        && session.finish(channel, &mut output) == Flow::Open
        && session.end(&mut tails) == Flow::Open
    {
        tails.iter().for_each(|(_, tail)| output.push_str(tail));
    }
    let text = (!step.decision.verdict.stops()).then_some(output);
    Ok(Played { decision: session.decision().clone(), report: session.report(), output: text })
}

fn output(played: &Rehearsal, answered: bool) -> Option<String> {
    if answered {
        let content = played.answer.as_ref()?.pointer("/choices/0/message/content")?;
        return content.as_str().map(str::to_owned);
    }
    let messages = played.request.as_ref()?.get("messages")?.as_array()?;
    match messages.last()?.get("content")? {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => {
            parts.iter().rev().find_map(|part| part.get("text")?.as_str()).map(str::to_owned)
        }
        _ => None,
    }
}
