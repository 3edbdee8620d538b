//! What a request says of itself: fields, headers, labels, elements of lists.

use grammar::quantity;

use super::Evaluator;
use crate::program::ir::ListField;
use crate::schema::{ElementField, FieldKind};
use crate::value::Value;

impl<'a> Evaluator<'a> {
    /// A field of the request.
    pub(super) fn field(&self, field: FieldKind) -> Value {
        let request = self.request;
        match field {
            FieldKind::ToolChoice => {
                request.tool_choice.map_or(Value::Absent, |name| Value::Str(name.into()))
            }
            FieldKind::CallsSoFar => Value::Int(i64::try_from(request.tool_calls.len()).unwrap_or(i64::MAX)),
            FieldKind::Model => Value::Str(request.model.into()),
            FieldKind::Stream => Value::Bool(request.stream),
            FieldKind::MaxTokens => request.max_tokens.map_or(Value::Absent, Value::Int),
            FieldKind::Media => Value::Int(request.media),
            FieldKind::KeyName => request.key_name.map_or(Value::Absent, |name| Value::Str(name.into())),
            FieldKind::UserId => request.user_id.map_or(Value::Absent, |id| Value::Str(id.into())),
            FieldKind::Header(name) => self.header(name),
            FieldKind::Phase => Value::Str(self.phase.name().into()),
            FieldKind::Now(moment) => moment.of(request.now),
            FieldKind::ClientIp => {
                request.client_ip.map_or(Value::Absent, |address| Value::Str(address.to_string().into()))
            }
            FieldKind::PromptTokens => Value::Int(request.prompt_tokens),
            FieldKind::Estimate => {
                request.cost_usd.map_or(Value::Absent, |usd| Value::Money(quantity::dollars(usd)))
            }
            FieldKind::EstimateUsd => request.cost_usd.map_or(Value::Absent, Value::Float),
            // Texts and lists are read by `has` and quantifiers.
            FieldKind::Texts(_)
            | FieldKind::Messages
            | FieldKind::Tools
            | FieldKind::ToolCalls
            | FieldKind::Targets => Value::Absent,
        }
    }

    /// A request header.
    pub(super) fn header(&self, name: &str) -> Value {
        let found = self.request.headers.iter().find(|(header, _)| *header == name);
        found.map_or(Value::Absent, |(_, value)| Value::Str((*value).into()))
    }

    /// A label of the key.
    pub(super) fn label(&self, name: &str) -> Value {
        let found = self.request.key_labels.iter().find(|(label, _)| *label == name);
        found.map_or(Value::Absent, |(_, value)| Value::Str((*value).into()))
    }

    /// A field of the element that a quantifier is at.
    pub(super) fn element(&self, depth: u8, field: ElementField) -> Value {
        let text = |text: &str| Value::Str(text.into());
        let optional = |value: Option<&str>| value.map_or(Value::Absent, text);
        let Some((list, index)) = self.elements.get(usize::from(depth)) else { return Value::Absent };
        let request = self.request;
        // The checker has seen to it that the element has the field.
        let value = match list {
            ListField::Messages => request.messages.get(*index).map(|message| match field {
                ElementField::Role => text(message.role.name()),
                _ => optional(message.name),
            }),
            ListField::Tools => request.tools.get(*index).map(|tool| match field {
                ElementField::Name => text(tool.name),
                _ => optional(tool.description),
            }),
            ListField::ToolCalls => request.tool_calls.get(*index).map(|call| match field {
                ElementField::Name => text(call.name),
                _ => text(call.arguments),
            }),
            ListField::Targets => request.targets.get(*index).map(|target| match field {
                ElementField::Id => text(target.id),
                ElementField::Provider => text(target.provider),
                ElementField::ZeroDataRetention => Value::Bool(target.zero_data_retention),
                ElementField::TrainingOptOut => Value::Bool(target.training_opt_out),
                ElementField::RetentionDays => target.retention_days.map_or(Value::Absent, Value::Int),
                _ => optional(target.model),
            }),
        };
        value.unwrap_or(Value::Absent)
    }

    /// The name of a target.
    pub(in crate::run) fn target(&self, index: usize) -> &'a str {
        self.request.targets.get(index).map_or("", |target| target.id)
    }

    /// How many elements a list has.
    pub(super) fn length(&self, list: ListField) -> usize {
        match list {
            ListField::Messages => self.request.messages.len(),
            ListField::Tools => self.request.tools.len(),
            ListField::ToolCalls => self.request.tool_calls.len(),
            ListField::Targets => self.request.targets.len(),
        }
    }
}
