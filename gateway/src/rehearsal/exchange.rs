//! An exchange given as data, played as traffic would be: what commands and the console's playground share.

use engine::Session;
use engine::input::{Channel, Request};
use engine::verdict::{Decision, Flow, Report};
use grammar::case::Case;
use serde_json::{Map, Value, json};

use super::{Rehearsal, named, rehearse_in, unmet};
use crate::packs::Pack;
use crate::surroundings::Surroundings;
use crate::wire::{Endpoint, json as strict_json, said};

/// Fields of a line that are no field of a request.
const OWN: [&str; 6] = ["text", "response", "upstream_response", "stream_chunks", "headers", "given"];

/// What a person or a data set says happened.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    request: Value,
    headers: Vec<(String, String)>,
    answer: Option<Answer>,
    around: Surroundings<'static>,
    /// The name of the key that it comes with.
    key: Option<String>,
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
pub(crate) struct Played {
    pub(crate) decision: Decision,
    pub(crate) report: Report,
    /// What got through: the answer's text if there is an answer, else the request's last text.
    pub(crate) output: Option<String>,
}

impl Exchange {
    /// Reads the fields of a case or a line. `text` stands for one user message; every other field that is not the
    /// exchange's own is the request's.
    pub(crate) fn read(mut fields: Map<String, Value>) -> Result<Self, String> {
        let headers = match fields.remove("headers") {
            Some(Value::Object(headers)) => headers.into_iter().map(header).collect::<Result<_, _>>()?,
            Some(Value::Null) | None => Vec::new(),
            Some(_) => return Err("`headers` is a mapping from names to strings".into()),
        };
        let mut key = None;
        let around = surroundings(fields.remove("given"), &mut key)?;
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
            if !text.is_string() {
                return Err("`text` is a string: write it in quotes, or give `messages`".into());
            }
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
        Ok(Self { request: Value::Object(fields), headers, answer, around, key })
    }

    /// Reads a line of a data set, and its `id` where it has one. There is no line where it was too long to be read.
    pub(crate) fn of_line(line: Option<&[u8]>, id: &mut Value) -> Result<Self, String> {
        let line = line.ok_or("the line is longer than 16 MiB")?;
        let parsed = strict_json::parse(line.trim_ascii()).map_err(|flaw| flaw.to_string())?;
        let Value::Object(mut fields) = parsed else { return Err("the line is not a JSON object".into()) };
        if let Some(given) = fields.remove("id") {
            *id = given;
        }
        Self::of_fields(fields)
    }

    /// Reads the fields of a line of a data set.
    pub(crate) fn of_fields(mut fields: Map<String, Value>) -> Result<Self, String> {
        // Labels and notes of a data set are nobody's text.
        fields.retain(|name, _| OWN.contains(&name.as_str()) || Endpoint::Chat.has_field(name));
        Self::read(fields)
    }

    /// Whether there is an answer.
    pub(crate) fn is_answered(&self) -> bool {
        self.answer.is_some()
    }

    /// The strings of the request that patterns look at, each with who speaks.
    pub(crate) fn texts(&self) -> Result<Vec<(&'static str, String)>, String> {
        let request = named(self.request.clone());
        let asked = Endpoint::Chat.decode(&request, Vec::new()).map_err(|fault| fault.message)?;
        Ok(asked.texts.iter().map(|text| (text.role.name(), text.value.to_owned())).collect())
    }

    /// The request as a document, with a model.
    pub(crate) fn document(&self) -> Value {
        named(self.request.clone())
    }

    /// The request as the engine is asked, decoded from that document.
    pub(crate) fn asked<'a>(&'a self, document: &'a Value, pack: &'a Pack) -> Result<Request<'a>, String> {
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut asked = Endpoint::Chat.decode(document, headers).map_err(|fault| fault.message)?;
        self.around().tell(&mut asked, pack.offers());
        asked.key_labels = pack.labels_of(asked.key_name);
        Ok(asked)
    }

    fn around(&self) -> Surroundings<'_> {
        Surroundings { key_name: self.key.as_deref(), ..self.around.clone() }
    }

    /// The texts of the answer, by channel.
    pub(crate) fn said(&self) -> Vec<(Channel, String)> {
        match &self.answer {
            Some(Answer::Whole(answer)) => said(answer),
            Some(Answer::Pieces(pieces)) => vec![(Channel::content(0), pieces.concat())],
            None => Vec::new(),
        }
    }

    /// Reads the input of a golden case.
    pub(crate) fn of_case(case: &Case) -> Result<Self, String> {
        let text = case.input.to_json_text();
        match strict_json::parse(text.as_bytes()).map_err(|flaw| flaw.to_string())? {
            Value::Object(fields) => Self::read(fields),
            _ => Err("`input` is a mapping".into()),
        }
    }

    /// Plays it against a pack.
    pub(crate) fn play(self, pack: &Pack) -> Result<Played, String> {
        self.play_in(&mut pack.session(), pack)
    }

    /// Plays it in a given session.
    pub(crate) fn play_in(self, session: &mut Session, pack: &Pack) -> Result<Played, String> {
        let headers: Vec<(&str, &str)> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let (whole, pieces) = match self.answer {
            Some(Answer::Whole(answer)) => (Some(answer), None),
            Some(Answer::Pieces(pieces)) => (None, Some(pieces)),
            None => (None, None),
        };
        let around = Surroundings { key_name: self.key.as_deref(), ..self.around.clone() };
        if let Some(pieces) = pieces {
            return play_pieces(session, pack, self.request, headers, around, &pieces);
        }
        let answered = whole.is_some();
        let played = rehearse_in(session, pack, self.request, headers, around, whole)
            .map_err(|fault| fault.message)?;
        let output = output(&played, answered);
        Ok(Played { decision: played.decision, report: played.report, output })
    }
}

/// `given: {now, client.ip, key.name}`: what a case says of the time, the client's address and its key.
fn surroundings(given: Option<Value>, key: &mut Option<String>) -> Result<Surroundings<'static>, String> {
    let mut around = Surroundings::now(None);
    let fields = match given {
        None | Some(Value::Null) => return Ok(around),
        Some(Value::Object(fields)) => fields,
        Some(_) => return Err("`given` is a mapping with `now`, `client.ip`, `key.name` and `spent`".into()),
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
            "key.name" if !text.is_empty() => *key = Some(text.to_owned()),
            "key.name" => return Err("`key.name` is the name of a key, a string".into()),
            "spent" => around.spent = spent(&value)?,
            other => {
                return Err(format!(
                    "`{other}` cannot be given; there are `now`, `client.ip`, `key.name` and `spent`"
                ));
            }
        }
    }
    Ok(around)
}

/// `{daily: 4.99}`: dollars or tokens, by rule.
fn spent(value: &Value) -> Result<Vec<(String, f64)>, String> {
    let wrong = || "`spent` is a mapping from rules to amounts, as in `{daily: 4.99}`".to_owned();
    let amounts = value.as_object().ok_or_else(wrong)?;
    let amount = |(rule, amount): (&String, &Value)| {
        let amount = amount.as_f64().filter(|amount| *amount >= 0.0).ok_or_else(wrong)?;
        Ok((rule.clone(), amount))
    };
    amounts.iter().map(amount).collect()
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
    around: Surroundings<'_>,
    pieces: &[String],
) -> Result<Played, String> {
    let request = named(request);
    let mut asked = Endpoint::Chat.decode(&request, headers).map_err(|fault| fault.message)?;
    around.tell(&mut asked, pack.offers());
    asked.key_labels = pack.labels_of(asked.key_name);
    let step = session.request(&asked);
    let unmet = unmet(session, pack, &request, &asked, &step, &around.spent);
    let is_stopped = step.decision.verdict.stops() || unmet.is_some();
    let mut output = String::new();
    let channel = Channel::content(0);
    let mut flow = if is_stopped { Flow::Stopped } else { Flow::Open };
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
    let text = (!is_stopped).then_some(output);
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
