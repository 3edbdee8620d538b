//! The fields that rules read: one table, from which the checker and the reference are made.

use std::sync::Arc;

use grammar::ast::Phase;

use crate::input::Role;
use crate::value::Type;

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
        _ => Vec::new(),
    }
}

fn roles() -> Type {
    let names = [Role::System, Role::User, Role::Assistant, Role::Tool, Role::Other]
        .map(|role| Arc::from(role.name()));
    Type::Enum(Arc::new(names))
}
