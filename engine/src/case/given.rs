//! The lines of a test that say what stands around its texts: `given FIELD = VALUE`, and the targets.

use std::net::IpAddr;

use grammar::ast::{self, Literal, Name, TestLine};
use grammar::diagnostic::did_you_mean;
use grammar::{Diagnostic, Span, Spanned, codes};

use crate::input::{Request, Target, Tool, ToolCall};
use crate::schema::LABELS;

/// What can be given, each with what it takes.
const FIELDS: &[(&str, &str)] = &[
    ("now", "a time in UTC, as in `\"2026-05-04T22:10:00Z\"`"),
    ("client.ip", "an address, as in `\"10.0.0.7\"`"),
    ("user.id", "a string"),
    ("key.name", "a string"),
    ("key.labels.…", "a string"),
    ("model", "a string"),
    ("stream", "`true` or `false`"),
    ("tools", "a list of strings, the names of the tools on offer"),
    ("tool_choice", "a string"),
    ("tool_calls", "a list of strings, the names of the tools called so far"),
    ("max_tokens", "a whole number"),
    ("media.count", "a whole number"),
    ("tokens.prompt", "a whole number"),
    ("cost.estimate_usd", "a number"),
];

/// What a target can be given.
const SETTINGS: &[&str] = &["provider", "model", "zero_data_retention", "training_opt_out", "retention_days"];

/// What a test says of the request beside its texts and headers.
#[derive(Default)]
pub(super) struct Given<'a> {
    now: Option<i64>,
    client_ip: Option<IpAddr>,
    user_id: Option<&'a str>,
    key_name: Option<&'a str>,
    key_labels: Vec<(&'a str, &'a str)>,
    tools: Vec<&'a str>,
    tool_choice: Option<&'a str>,
    tool_calls: Vec<&'a str>,
    model: Option<&'a str>,
    stream: Option<bool>,
    max_tokens: Option<i64>,
    media: Option<i64>,
    prompt_tokens: Option<i64>,
    cost_usd: Option<f64>,
    targets: Vec<Target<'a>>,
}

/// The givens of a test; what is wrong with them is told.
pub(super) fn read<'a>(test: &'a ast::Test, failures: &mut Vec<Diagnostic>) -> Given<'a> {
    let mut given = Given::default();
    for line in &test.lines {
        match &line.value {
            TestLine::Given(field, value) => failures.extend(given.field(field, value)),
            TestLine::Target(id, settings) => failures.extend(given.target(id, settings)),
            _ => {}
        }
    }
    given
}

/// What a test says that budgets have been taken before, by rule.
pub(super) fn spent<'a>(test: &'a ast::Test, failures: &mut Vec<Diagnostic>) -> Vec<(&'a Name, u64)> {
    let mut found = Vec::new();
    for line in &test.lines {
        let TestLine::Spent(rule, value) = &line.value else { continue };
        let amount = match &value.value {
            Literal::Money(micros) => u64::try_from(*micros).ok().map(|micros| micros.saturating_mul(1000)),
            Literal::Int(tokens) => u64::try_from(*tokens).ok(),
            _ => None,
        };
        match amount {
            Some(amount) => found.push((rule, amount)),
            None => failures.push(wrong(value.span, "spent", "money such as `$4.99`, or a number of tokens")),
        }
    }
    found
}

impl<'a> Given<'a> {
    fn field(&mut self, field: &'a Name, value: &'a Spanned<Literal>) -> Option<Diagnostic> {
        if let Some(label) = field.value.strip_prefix(LABELS) {
            let Some(text) = text(value) else { return Some(wrong(value.span, &field.value, "a string")) };
            self.key_labels.push((label, text));
            return None;
        }
        let fits = match field.value.as_str() {
            "now" => {
                self.now = text(value)
                    .and_then(|text| text.parse::<jiff::Timestamp>().ok())
                    .map(|at| at.as_second());
                self.now.is_some()
            }
            "client.ip" => {
                self.client_ip = text(value).and_then(|text| text.parse().ok());
                self.client_ip.is_some()
            }
            "user.id" => set(&mut self.user_id, text(value)),
            "key.name" => set(&mut self.key_name, text(value)),
            "tools" => texts(value).map(|names| self.tools = names).is_some(),
            "tool_choice" => set(&mut self.tool_choice, text(value)),
            "tool_calls" => texts(value).map(|names| self.tool_calls = names).is_some(),
            "model" => set(&mut self.model, text(value)),
            "stream" => set(&mut self.stream, flag(value)),
            "max_tokens" => set(&mut self.max_tokens, whole(value)),
            "media.count" => set(&mut self.media, whole(value)),
            "tokens.prompt" => set(&mut self.prompt_tokens, whole(value)),
            "cost.estimate_usd" => set(&mut self.cost_usd, number(value)),
            _ => return Some(unknown(field, "given", FIELDS.iter().map(|(name, _)| *name))),
        };
        let takes = FIELDS.iter().find(|(name, _)| *name == field.value).map_or("", |(_, takes)| takes);
        (!fits).then(|| wrong(value.span, &field.value, takes))
    }

    fn target(&mut self, id: &'a Name, settings: &'a [(Name, Spanned<Literal>)]) -> Option<Diagnostic> {
        let mut target = Target { id: &id.value, provider: "test", ..Target::default() };
        let mut told = None;
        for (name, value) in settings {
            let fits = match name.value.as_str() {
                "provider" => text(value).map(|text| target.provider = text).is_some(),
                "model" => set(&mut target.model, text(value)),
                "zero_data_retention" => flag(value).map(|flag| target.zero_data_retention = flag).is_some(),
                "training_opt_out" => flag(value).map(|flag| target.training_opt_out = flag).is_some(),
                "retention_days" => set(&mut target.retention_days, whole(value)),
                _ => {
                    told = told.or(Some(unknown(name, "set for a target", SETTINGS.iter().copied())));
                    continue;
                }
            };
            if !fits {
                told = told.or(Some(wrong(value.span, &name.value, "a value of its type")));
            }
        }
        self.targets.push(target);
        told
    }

    /// Puts what is given into the request.
    pub(super) fn set(&self, request: &mut Request<'a>) {
        request.now = self.now.unwrap_or(request.now);
        request.client_ip = self.client_ip;
        request.user_id = self.user_id.or(request.user_id);
        request.key_name = self.key_name;
        request.key_labels.clone_from(&self.key_labels);
        request.tools = self.tools.iter().map(|name| Tool { name, description: None }).collect();
        request.tool_choice = self.tool_choice;
        let call = |name: &&'a str| ToolCall { name, arguments: "{}" };
        request.tool_calls = self.tool_calls.iter().map(call).collect();
        request.model = self.model.unwrap_or(request.model);
        request.stream = self.stream.unwrap_or(request.stream);
        request.max_tokens = self.max_tokens;
        request.media = self.media.unwrap_or_default();
        let bytes: usize = request.texts.iter().map(|text| text.value.len()).sum();
        request.prompt_tokens = self.prompt_tokens.unwrap_or(crate::input::estimated_tokens(bytes));
        request.cost_usd = self.cost_usd;
        request.targets.clone_from(&self.targets);
    }
}

/// The strings of a list.
pub(super) fn names(list: &[Spanned<Literal>]) -> Vec<String> {
    list.iter().filter_map(|name| text(name)).map(str::to_owned).collect()
}

fn set<T>(slot: &mut Option<T>, value: Option<T>) -> bool {
    *slot = value;
    slot.is_some()
}

fn text(value: &Spanned<Literal>) -> Option<&str> {
    if let Literal::Str(text) = &value.value { Some(text) } else { None }
}

/// All strings of a list, if it is one of strings alone.
fn texts(value: &Spanned<Literal>) -> Option<Vec<&str>> {
    if let Literal::List(items) = &value.value { items.iter().map(text).collect() } else { None }
}

fn flag(value: &Spanned<Literal>) -> Option<bool> {
    if let Literal::Bool(flag) = &value.value { Some(*flag) } else { None }
}

fn whole(value: &Spanned<Literal>) -> Option<i64> {
    if let Literal::Int(number) = &value.value { Some(*number) } else { None }
}

fn number(value: &Spanned<Literal>) -> Option<f64> {
    match &value.value {
        Literal::Float(number) => Some(*number),
        #[expect(clippy::cast_precision_loss, reason = "a price in a test")]
        Literal::Int(number) => Some(*number as f64),
        _ => None,
    }
}

fn unknown(name: &Name, what: &str, known: impl Iterator<Item = &'static str> + Clone) -> Diagnostic {
    let help = did_you_mean(&name.value, known.clone())
        .unwrap_or_else(|| format!("what can be {what} is {}", known.collect::<Vec<_>>().join(", ")));
    Diagnostic::error(codes::BAD_TEST, name.span, format!("`{}` cannot be {what}", name.value)).help(help)
}

fn wrong(at: Span, name: &str, takes: &str) -> Diagnostic {
    Diagnostic::error(codes::BAD_TEST, at, format!("`{name}` takes {takes}"))
}
