//! The table itself, in the order of the reference.

use grammar::ast::Phase;

use super::{Field, FieldKind, Moment, Scope, WEEKDAYS};
use crate::value::Type;

/// Both phases.
const BOTH: &[Phase] = &[Phase::Request, Phase::Response];
/// The request alone.
const REQUEST: &[Phase] = &[Phase::Request];

/// Every field, in the order of the reference.
pub fn fields() -> Vec<Field> {
    [conversation(), request(), sender(), time(), spending()].into_iter().flatten().collect()
}

fn field(
    name: &'static str,
    ty: Type,
    phases: &'static [Phase],
    kind: FieldKind,
    doc: &'static str,
) -> Field {
    Field { name, ty, phases, doc, kind }
}

fn list(inner: Type) -> Type {
    Type::List(Box::new(inner))
}

fn optional(inner: Type) -> Type {
    Type::Optional(Box::new(inner))
}

/// What is said.
fn conversation() -> Vec<Field> {
    let texts = |name, scope, doc| field(name, Type::Text, REQUEST, FieldKind::Texts(scope), doc);
    vec![
        field(
            "text",
            Type::Text,
            BOTH,
            FieldKind::Texts(Scope::All),
            "every text of the phase: all strings of a request that a model may read, or every choice of an answer",
        ),
        texts("user.text", Scope::User, "what the user wrote"),
        texts("system.text", Scope::System, "system and developer instructions"),
        texts("assistant.text", Scope::Assistant, "earlier answers of the model"),
        texts("tool.text", Scope::Tool, "results of tools"),
        texts(
            "untrusted.text",
            Scope::Untrusted,
            "what nobody vouches for: user messages, tool results, and strings outside the conversation",
        ),
        field("messages", list(Type::Message), REQUEST, FieldKind::Messages, "the conversation"),
        field("tools", list(Type::Tool), REQUEST, FieldKind::Tools, "the tools that the request offers"),
        field(
            "tool_calls",
            list(Type::ToolCall),
            BOTH,
            FieldKind::ToolCalls,
            "the tool calls: those that the request's messages show, or those of the answer, each judged when its name \
             is complete",
        ),
        field(
            "tool_choice",
            optional(Type::Str),
            REQUEST,
            FieldKind::ToolChoice,
            "the tool that the request makes the model call; absent where it names none",
        ),
        field(
            "conversation.calls",
            Type::Int,
            BOTH,
            FieldKind::CallsSoFar,
            "how many tool calls the request's messages show, before the answer",
        ),
    ]
}

/// What is asked for.
fn request() -> Vec<Field> {
    vec![
        field("model", Type::Str, BOTH, FieldKind::Model, "the model that the client asked for"),
        field("stream", Type::Bool, BOTH, FieldKind::Stream, "whether the client wants a stream"),
        field(
            "max_tokens",
            optional(Type::Int),
            BOTH,
            FieldKind::MaxTokens,
            "the client's limit on generated tokens",
        ),
        field(
            "media.count",
            Type::Int,
            REQUEST,
            FieldKind::Media,
            "how many images, sounds, videos and files the request has; no policy reads what is in them",
        ),
        field(
            "phase",
            Type::choices(&["request", "response"]),
            BOTH,
            FieldKind::Phase,
            "the phase that the rule runs in",
        ),
    ]
}

/// Who asks.
fn sender() -> Vec<Field> {
    let header = |name, header, doc| field(name, optional(Type::Str), BOTH, FieldKind::Header(header), doc);
    vec![
        field(
            "user.id",
            optional(Type::Str),
            BOTH,
            FieldKind::UserId,
            "who asks: `x-user-id`, or the body's `user`",
        ),
        field(
            "key.name",
            optional(Type::Str),
            BOTH,
            FieldKind::KeyName,
            "the name of the key that the client came with, as `auth.keys` has it; absent where no keys are configured",
        ),
        header("team.id", "x-team-id", "the team that asks: `x-team-id`"),
        header("org.id", "x-org-id", "the organization that asks: `x-org-id`"),
        header("conversation.id", "x-conversation-id", "the conversation: `x-conversation-id`"),
        header("agent.id", "x-keeptrusts-agent-id", "the agent that asks: `x-keeptrusts-agent-id`"),
        field(
            "client.ip",
            optional(Type::Str),
            BOTH,
            FieldKind::ClientIp,
            "the address that the request came from, for `matches cidr(…)`; absent in dry runs",
        ),
    ]
}

/// When it came.
fn time() -> Vec<Field> {
    let now = |name, ty, part, doc| field(name, ty, BOTH, FieldKind::Now(part), doc);
    vec![
        now(
            "now.time",
            Type::Duration,
            Moment::Time,
            "the time of the day since midnight, as in `now.time >= 17h30m`, UTC",
        ),
        now("now.hour", Type::Int, Moment::Hour, "the hour at which it came, 0 to 23, UTC"),
        now("now.minute", Type::Int, Moment::Minute, "the minute, 0 to 59"),
        now(
            "now.weekday",
            Type::choices(&WEEKDAYS),
            Moment::Weekday,
            "the day of the week, `monday` to `sunday`, UTC",
        ),
        now("now.date", Type::Str, Moment::Date, "the date, as in `2026-05-04`, UTC"),
    ]
}

/// What it costs, and where it could go.
fn spending() -> Vec<Field> {
    vec![
        field(
            "tokens.prompt",
            Type::Int,
            BOTH,
            FieldKind::PromptTokens,
            "an estimate of the tokens of the request's texts: a token for every 4 bytes",
        ),
        field(
            "cost.estimate",
            optional(Type::Money),
            BOTH,
            FieldKind::Estimate,
            "what the prompt and `max_tokens` would cost at the dearest target; absent where no price is known",
        ),
        field(
            "cost.estimate_usd",
            optional(Type::Float),
            BOTH,
            FieldKind::EstimateUsd,
            "`cost.estimate` as a plain number of US dollars",
        ),
        field(
            "targets",
            list(Type::Target),
            REQUEST,
            FieldKind::Targets,
            "the targets that the request could go to",
        ),
    ]
}
