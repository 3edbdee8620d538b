//! The fields that rules read: one table, from which the checker and the reference are made.

mod moment;
mod table;

use std::sync::Arc;

use grammar::ast::Phase;

use crate::input::Role;
use crate::value::Type;
pub use moment::{Moment, WEEKDAYS};
pub use table::fields;

/// What stands before the name of a label of the client's key, as in `key.labels.tier`.
pub const LABELS: &str = "key.labels.";

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
    /// The calls made so far, or those of the answer.
    ToolCalls,
    /// The tool that the request makes the model call.
    ToolChoice,
    /// How many calls the conversation has.
    CallsSoFar,
    /// The model asked for.
    Model,
    /// Whether a stream is wanted.
    Stream,
    /// The limit on generated tokens.
    MaxTokens,
    /// How many media a request has.
    Media,
    /// Who asks.
    UserId,
    /// Whose key the request came with.
    KeyName,
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
