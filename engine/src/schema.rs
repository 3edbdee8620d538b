//! The fields that rules read: one table, from which the checker and the reference are made.

use std::sync::Arc;

use grammar::ast::Phase;

use crate::input::Role;
use crate::value::{Type, Value};

/// Which texts a field stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Every text of the phase.
    All,
    /// The user's.
    User,
    /// The system's and developer's.
    System,
    /// Earlier answers.
    Assistant,
    /// Tool results.
    Tool,
    /// What nobody vouches for: users, tool results, and strings outside the conversation.
    Untrusted,
}

impl Scope {
    /// Whether a text of that role belongs to it.
    pub fn covers(self, role: Role) -> bool {
        match self {
            Scope::All => true,
            Scope::User => role == Role::User,
            Scope::System => role == Role::System,
            Scope::Assistant => role == Role::Assistant,
            Scope::Tool => role == Role::Tool,
            Scope::Untrusted => matches!(role, Role::User | Role::Tool | Role::Other),
        }
    }
}

/// What a field is, for the evaluator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldKind {
    /// Texts.
    Texts(Scope),
    /// The conversation.
    Messages,
    /// The tools on offer.
    Tools,
    /// The calls made so far.
    ToolCalls,
    /// The model asked for.
    Model,
    /// Whether a stream is wanted.
    Stream,
    /// The limit on generated tokens.
    MaxTokens,
    /// Who asks.
    UserId,
    /// What the request's header of that name says.
    Header(&'static str),
    /// The phase that the rule runs in.
    Phase,
    /// A part of the time at which the request came.
    Now(Moment),
    /// The address that the request came from.
    ClientIp,
    /// An estimate of the tokens of the request's texts.
    PromptTokens,
    /// An estimate of the price of the request.
    Estimate,
    /// The same as a number.
    EstimateUsd,
    /// Where the request could go.
    Targets,
}

/// A part of a point in time, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Moment {
    /// 0 to 23.
    Hour,
    /// 0 to 59.
    Minute,
    /// `monday` to `sunday`.
    Weekday,
    /// `2026-05-04`.
    Date,
    /// The time since midnight.
    Time,
}

/// The names of the days, Monday first.
pub const WEEKDAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

impl Moment {
    /// The part of a point in time, given in seconds since 1970.
    pub fn of(self, seconds: i64) -> Value {
        let time = jiff::Timestamp::from_second(seconds).unwrap_or_default();
        let time = jiff::tz::TimeZone::UTC.to_datetime(time);
        match self {
            Moment::Hour => Value::Int(time.hour().into()),
            Moment::Minute => Value::Int(time.minute().into()),
            Moment::Weekday => {
                let day = usize::try_from(time.weekday().to_monday_zero_offset()).unwrap_or_default();
                Value::Str(WEEKDAYS.get(day).copied().unwrap_or_default().into())
            }
            Moment::Time => Value::Duration(seconds.rem_euclid(86_400) * 1000),
            Moment::Date => Value::Str(time.date().to_string().into()),
        }
    }
}

/// One field.
#[derive(Clone, Debug)]
pub struct Field {
    /// As written in rules.
    pub name: &'static str,
    /// Its type.
    pub ty: Type,
    /// The phases that have it.
    pub phases: &'static [Phase],
    /// One sentence for the reference.
    pub doc: &'static str,
    /// What it is for the evaluator.
    pub kind: FieldKind,
}

/// Both phases.
const BOTH: &[Phase] = &[Phase::Request, Phase::Response];
/// The request alone.
const REQUEST: &[Phase] = &[Phase::Request];

/// Every field, in the order of the reference.
pub fn fields() -> Vec<Field> {
    let field = |name, ty, phases, kind, doc| Field { name, ty, phases, doc, kind };
    let texts = |name, scope, doc| field(name, Type::Text, REQUEST, FieldKind::Texts(scope), doc);
    let list = |inner| Type::List(Box::new(inner));
    let optional = |inner| Type::Optional(Box::new(inner));
    let header = |name, header, doc| field(name, optional(Type::Str), BOTH, FieldKind::Header(header), doc);
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
            REQUEST,
            FieldKind::ToolCalls,
            "the tool calls made so far",
        ),
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
            "user.id",
            optional(Type::Str),
            BOTH,
            FieldKind::UserId,
            "who asks: `x-user-id`, or the body's `user`",
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
        field(
            "now.hour",
            Type::Int,
            BOTH,
            FieldKind::Now(Moment::Hour),
            "the hour at which it came, 0 to 23, UTC",
        ),
        field("now.minute", Type::Int, BOTH, FieldKind::Now(Moment::Minute), "the minute, 0 to 59"),
        field(
            "now.weekday",
            Type::choices(&WEEKDAYS),
            BOTH,
            FieldKind::Now(Moment::Weekday),
            "the day of the week, `monday` to `sunday`, UTC",
        ),
        field("now.date", Type::Str, BOTH, FieldKind::Now(Moment::Date), "the date, as in `2026-05-04`, UTC"),
        field(
            "now.time",
            Type::Duration,
            BOTH,
            FieldKind::Now(Moment::Time),
            "the time of the day since midnight, as in `now.time >= 17h30m`, UTC",
        ),
        field(
            "cost.estimate",
            optional(Type::Money),
            BOTH,
            FieldKind::Estimate,
            "what the prompt and `max_tokens` would cost at the dearest target; absent where no price is known",
        ),
        field(
            "tokens.prompt",
            Type::Int,
            BOTH,
            FieldKind::PromptTokens,
            "an estimate of the tokens of the request's texts: a token for every 4 bytes",
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
        field(
            "phase",
            Type::choices(&["request", "response"]),
            BOTH,
            FieldKind::Phase,
            "the phase that the rule runs in",
        ),
    ]
}

/// What an element of a list field has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ElementField {
    /// A message's role.
    Role,
    /// A message's, tool's or call's name.
    Name,
    /// A message's text.
    Text,
    /// A tool's description.
    Description,
    /// A call's arguments.
    Arguments,
    /// A target's name.
    Id,
    /// A target's provider.
    Provider,
    /// A target's model.
    Model,
    /// Whether a target keeps nothing.
    ZeroDataRetention,
    /// Whether a target does not train.
    TrainingOptOut,
    /// How long a target keeps requests.
    RetentionDays,
}

/// The fields of an element of that type.
pub fn element_fields(ty: &Type) -> Vec<(&'static str, Type, ElementField)> {
    let optional = |inner| Type::Optional(Box::new(inner));
    match ty {
        Type::Message => vec![
            ("role", roles(), ElementField::Role),
            ("name", optional(Type::Str), ElementField::Name),
            ("text", Type::Text, ElementField::Text),
        ],
        Type::Tool => vec![
            ("name", Type::Str, ElementField::Name),
            ("description", optional(Type::Str), ElementField::Description),
        ],
        Type::ToolCall => {
            vec![("name", Type::Str, ElementField::Name), ("arguments", Type::Str, ElementField::Arguments)]
        }
        Type::Target => vec![
            ("id", Type::Str, ElementField::Id),
            ("provider", Type::Str, ElementField::Provider),
            ("model", optional(Type::Str), ElementField::Model),
            ("zero_data_retention", Type::Bool, ElementField::ZeroDataRetention),
            ("training_opt_out", Type::Bool, ElementField::TrainingOptOut),
            ("retention_days", optional(Type::Int), ElementField::RetentionDays),
        ],
        _ => Vec::new(),
    }
}

fn roles() -> Type {
    let names = [Role::System, Role::User, Role::Assistant, Role::Tool, Role::Other]
        .map(|role| Arc::from(role.name()));
    Type::Enum(Arc::new(names))
}
