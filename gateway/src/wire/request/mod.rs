//! A request, checked and lent to the engine: what all endpoints have in common.

mod chat;
mod field;
mod items;
mod media;
mod prompts;
mod redact;
mod sent;
mod walk;
mod weight;
mod words;

use engine::input::{Message, Request, Text, Tool, ToolCall};
use engine::verdict::Edit;
use serde_json::{Map, Value};

use super::{Endpoint, Fault};
use crate::wire::json::Fields as _;
use field::{boolean, check_length, invalid, missing, name, refuse_lookalikes, whole_number};
use walk::{Step, is_arguments, walk};

/// What an endpoint's own fields say.
#[derive(Default)]
struct Said<'a> {
    messages: Vec<Message<'a>>,
    tools: Vec<Tool<'a>>,
    tool_choice: Option<&'a str>,
    tool_calls: Vec<ToolCall<'a>>,
    max_tokens: Option<i64>,
}

/// What an answer must fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// How many choices were asked for.
    pub(crate) choices: usize,
    /// Whether the client wants a stream to end with its usage.
    pub(crate) usage: bool,
    /// The fields that the answer repeats, as they were sent.
    pub(crate) repeated: Map<String, Value>,
}

impl Default for Asked {
    fn default() -> Self {
        Self { choices: 1, usage: false, repeated: Map::new() }
    }
}

impl Endpoint {
    /// Checks a request and lends its strings to the engine; `headers` have names in lower case.
    pub fn decode<'a>(
        self,
        document: &'a Value,
        headers: Vec<(&'a str, &'a str)>,
    ) -> Result<Request<'a>, Fault> {
        refuse_routing(document)?;
        refuse_lookalikes(document, String::new, self.fields())?;
        let said = match self {
            Endpoint::Chat => chat::read(document)?,
            Endpoint::Completions => prompts::read_completion(document)?,
            Endpoint::Embeddings => prompts::read_embedding(document)?,
            Endpoint::Responses => items::read(document)?,
        };
        let named_in_header = headers.iter().find(|(name, _)| *name == "x-user-id").map(|(_, value)| *value);
        whole_number(document, "n")?;
        whole_number(document, "best_of")?;
        check_length("x-user-id", named_in_header)?;
        let mut request = Request {
            tools: said.tools,
            tool_choice: said.tool_choice,
            tool_calls: said.tool_calls,
            messages: said.messages,
            model: name(document, "model")?.ok_or_else(|| missing("model", "the name of a model"))?,
            stream: boolean(document, "stream")?.unwrap_or(false),
            max_tokens: said.max_tokens,
            media: self.media(document),
            user_id: named_in_header.or(name(document, "user")?),
            headers,
            ..Request::default()
        };
        self.collect_texts(document, &mut request);
        Ok(request)
    }

    /// Makes the replacements in a request; the indices are those of [`Endpoint::decode`].
    pub fn redact(self, document: &mut Value, edits: &[Edit]) -> Result<(), Fault> {
        redact::redact(self, document, edits).map_err(|redact::Misfit| {
            let status = hyper::StatusCode::INTERNAL_SERVER_ERROR;
            Fault::new(status, "server_error", "redaction_failed", "the request could not be redacted")
        })
    }

    /// A text in the request that policies cannot read, since it is written in the numbers of a model's vocabulary.
    pub(crate) fn unreadable(self, document: &Value) -> Option<Fault> {
        let field = match self {
            Endpoint::Completions => "prompt",
            Endpoint::Embeddings => "input",
            Endpoint::Chat | Endpoint::Responses => return None,
        };
        let problem = "holds token ids, which policies cannot read; send it as text";
        prompts::has_token_ids(document.field(field)?).then(|| invalid(field, problem))
    }

    /// What the answer to a request must fit; `dropped` are the fields that its provider does not get.
    pub fn asked(self, document: &Value, dropped: &[String]) -> Asked {
        let sent = |field: &str| document.field(field).filter(|_| !dropped.iter().any(|drop| drop == field));
        let count = |n: &Value| n.as_u64().and_then(|n| usize::try_from(n).ok());
        let each = sent("n").and_then(count).unwrap_or(1);
        let choices = match self {
            Endpoint::Chat => each,
            Endpoint::Completions => each.saturating_mul(prompts::count(document)),
            Endpoint::Embeddings | Endpoint::Responses => 1,
        };
        let repeated = match self {
            Endpoint::Chat | Endpoint::Completions | Endpoint::Embeddings => Map::new(),
            Endpoint::Responses => {
                let fields = super::responses::REPEATED.iter().map(|(field, _)| *field);
                fields.filter_map(|field| Some((field.to_owned(), sent(field)?.clone()))).collect()
            }
        };
        Asked { choices, usage: sent::asks_usage(document), repeated }
    }

    /// Gathers the texts, and notes for each message which of them are its own.
    fn collect_texts<'a>(self, document: &'a Value, request: &mut Request<'a>) {
        let Request { texts, messages, .. } = request;
        let before = usize::from(self == Endpoint::Responses && items::has_instructions(document));
        walk(self, document, |role, value, path| {
            let owner = match (self, path) {
                (Endpoint::Chat, [Step::Key("messages"), Step::Item(index), ..])
                | (Endpoint::Completions, [Step::Key("prompt"), Step::Item(index)])
                | (Endpoint::Embeddings, [Step::Key("input"), Step::Item(index)]) => Some(*index),
                (Endpoint::Responses, [Step::Key("input"), Step::Item(index), ..]) => Some(before + *index),
                (Endpoint::Responses, [Step::Key("input")]) => Some(before),
                (Endpoint::Completions, [Step::Key("prompt")])
                | (Endpoint::Embeddings, [Step::Key("input")])
                | (Endpoint::Responses, [Step::Key("instructions"), ..]) => Some(0),
                _ => None,
            };
            if let Some(message) = owner.and_then(|owner| messages.get_mut(owner)) {
                if message.texts.is_empty() {
                    message.texts = texts.len()..texts.len();
                }
                message.texts.end = texts.len() + 1;
            }
            texts.push(Text { role, value, is_json: is_arguments(self, path) });
        });
    }

    /// Fields whose other spellings are refused, wherever they stand.
    fn fields(self) -> &'static [&'static str] {
        match self {
            Endpoint::Chat => chat::FIELDS,
            Endpoint::Completions | Endpoint::Embeddings => prompts::FIELDS,
            Endpoint::Responses => items::FIELDS,
        }
    }
}

/// Where a request goes, and with what, is the operator's decision: fields by which other gateways let clients choose are
/// refused, in any spelling. One of those may be the provider.
fn refuse_routing(document: &Value) -> Result<(), Fault> {
    const FIELDS: [&str; 13] = [
        "api_base",
        "base_url",
        "api_key",
        "custom_llm_provider",
        "api_version",
        "azure_endpoint",
        "azure_ad_token",
        "aws_bedrock_runtime_endpoint",
        "vertex_credentials",
        "extra_headers",
        "extra_query",
        "extra_body",
        "fallbacks",
    ];
    let fields = document.as_object();
    let is_given =
        |field: &&&str| fields.is_some_and(|fields| fields.keys().any(|key| key.eq_ignore_ascii_case(field)));
    match FIELDS.iter().find(is_given) {
        Some(field) => Err(invalid(field, "cannot be chosen by a client; remove it")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
