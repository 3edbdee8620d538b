//! Nodes of the joint arena as conditions that people read, in the words of the rule language.

use grammar::ast::Quantity;

use super::joint::Joint;
use crate::matcher::View;
use crate::program::ir::{
    Arithmetic, Comparison, Function, ListField, Node, NodeId, ScoreId, ScriptId, TextRef, TextTest,
};
use crate::schema::{ElementField, FieldKind, LABELS, element_fields, fields};
use crate::value::{Type, Value};

/// What one program calls the things that nodes name.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// By slot of a pattern: the view that it looks at, and its names.
    pub(super) patterns: Vec<(View, Vec<String>)>,
    /// By slot of a score.
    pub(super) scores: Vec<String>,
    /// By slot of a script.
    pub(super) scripts: Vec<String>,
}

/// Writes nodes down.
pub(super) struct Wording<'a> {
    pub(super) joint: &'a Joint,
    pub(super) names: &'a Names,
}

impl Wording<'_> {
    /// The node as it could be written.
    pub(super) fn of(&self, id: NodeId) -> String {
        match self.joint.node(id) {
            Node::Const(value) => value.to_string(),
            Node::Field(kind) => field(*kind).to_owned(),
            Node::Header(name) => format!("header({name:?})"),
            Node::Label(name) => format!("{LABELS}{name}"),
            Node::Element(depth, field) => format!("{}.{}", element(*depth), element_field(*field)),
            Node::Has(text, slots) => self.has(text, slots.iter().map(|id| id.0)),
            Node::Not(inner) => self.denied(*inner),
            Node::And(sides) => self.listed(sides, " and "),
            Node::Or(sides) => self.listed(sides, " or "),
            Node::Compare(op, a, b) => self.pair(*a, comparison(*op), *b),
            Node::Arith(op, a, b) => self.pair(*a, arithmetic(*op), *b),
            Node::Test(test, a, b) => self.pair(*a, text_test(*test), *b),
            Node::Glob(text, pattern) => format!("{} matches glob({pattern:?})", self.inner(*text)),
            Node::Within(address, networks) => {
                let networks: Vec<String> = networks.iter().map(|network| format!("\"{network}\"")).collect();
                format!("{} matches cidr({})", self.inner(*address), networks.join(", "))
            }
            Node::In(value, list) => self.membership(*value, *list, false),
            Node::Coalesce(a, b) => self.pair(*a, "??", *b),
            Node::Present(inner) => format!("{} is present", self.inner(*inner)),
            Node::If(condition, then, otherwise) => {
                let [condition, then, otherwise] = [condition, then, otherwise].map(|id| self.inner(*id));
                format!("if {condition} then {then} else {otherwise}")
            }
            Node::Quantifier { quantity, list, depth, body } => {
                let (element, list, body) = (element(*depth), list_name(*list), self.of(*body));
                match quantity {
                    Quantity::Any => format!("any {element} in {list}: {body}"),
                    Quantity::All => format!("all {element} in {list}: {body}"),
                    Quantity::Count => format!("count({element} in {list}: {body})"),
                }
            }
            Node::Score(ScoreId(slot)) => named(&self.names.scores, *slot),
            Node::Script(ScriptId(slot), args) => {
                format!("{}({})", named(&self.names.scripts, *slot), self.list(args, ", "))
            }
            Node::Language(text, least) => format!("language({}, {})", self.text(text), least.value()),
            Node::Model(text, view, model) => {
                let text = self.text(text);
                let text = if *view == View::Folded { text } else { format!("{}({text})", view.name()) };
                format!("model({:?}, {text})", model.name())
            }
            Node::Call(function, inner) => {
                let name = match function {
                    Function::Lower => "lower",
                    Function::Length => "length",
                };
                format!("{name}({})", self.of(*inner))
            }
        }
    }

    /// What a pattern, a model or the guess of a language is shown.
    fn text(&self, text: &TextRef) -> String {
        match text {
            TextRef::Texts(scope) => field(FieldKind::Texts(*scope)).to_owned(),
            TextRef::Element(depth) => format!("{}.text", element(*depth)),
            TextRef::Value(node) => self.inner(*node),
        }
    }

    /// `text has (a, b)`, with these patterns only.
    pub(super) fn has(&self, text: &TextRef, slots: impl Iterator<Item = u32>) -> String {
        let mut seen: Vec<(View, Vec<&str>)> = Vec::new();
        for (view, called) in slots.filter_map(|slot| self.names.patterns.get(slot as usize)) {
            let called = called.iter().map(String::as_str);
            match seen.iter_mut().find(|(known, _)| known == view) {
                Some((_, names)) => names.extend(called),
                None => seen.push((*view, called.collect())),
            }
        }
        let text = self.text(text);
        let in_view = |(view, names): (View, Vec<&str>)| {
            let text = if view == View::Folded { text.clone() } else { format!("{}({text})", view.name()) };
            match names.as_slice() {
                [one] => format!("{text} has {one}"),
                _ => format!("{text} has ({})", names.join(", ")),
            }
        };
        let written: Vec<String> = seen.into_iter().map(in_view).collect();
        if let [one] = written.as_slice() { one.clone() } else { format!("({})", written.join(" or ")) }
    }

    fn denied(&self, inner: NodeId) -> String {
        match self.joint.node(inner) {
            Node::In(value, list) => self.membership(*value, *list, true),
            Node::Present(value) => format!("{} is absent", self.inner(*value)),
            _ => format!("not {}", self.inner(inner)),
        }
    }

    /// `in`, or `==` where the list has one text.
    fn membership(&self, value: NodeId, list: NodeId, denied: bool) -> String {
        let value = self.inner(value);
        if let Node::Const(Value::List(items)) = self.joint.node(list)
            && let [one @ Value::Str(_)] = &**items
        {
            return format!("{value} {} {one}", if denied { "!=" } else { "==" });
        }
        format!("{value} {} {}", if denied { "not in" } else { "in" }, self.inner(list))
    }

    fn pair(&self, a: NodeId, operator: &str, b: NodeId) -> String {
        format!("{} {operator} {}", self.inner(a), self.inner(b))
    }

    fn list(&self, nodes: &[NodeId], between: &str) -> String {
        nodes.iter().map(|node| self.of(*node)).collect::<Vec<_>>().join(between)
    }

    fn listed(&self, nodes: &[NodeId], between: &str) -> String {
        nodes.iter().map(|node| self.side(*node)).collect::<Vec<_>>().join(between)
    }

    /// A side of `and` or `or`.
    fn side(&self, id: NodeId) -> String {
        let text = self.of(id);
        match self.joint.node(id) {
            Node::And(_) | Node::Or(_) | Node::If(..) => format!("({text})"),
            Node::Quantifier { quantity: Quantity::Any | Quantity::All, .. } => format!("({text})"),
            _ => text,
        }
    }

    /// A part of something tighter than `and` and `or`.
    fn inner(&self, id: NodeId) -> String {
        let text = self.of(id);
        match self.joint.node(id) {
            Node::Compare(..)
            | Node::Arith(..)
            | Node::Test(..)
            | Node::Glob(..)
            | Node::Within(..)
            | Node::In(..)
            | Node::Coalesce(..)
            | Node::Not(_)
            | Node::Has(..)
            | Node::Present(_) => format!("({text})"),
            _ => self.side(id),
        }
    }
}

fn named(names: &[String], slot: u32) -> String {
    names.get(slot as usize).cloned().unwrap_or_default()
}

/// What the element of a quantifier at that depth is called.
fn element(depth: u8) -> &'static str {
    const LETTERS: [&str; 6] = ["x", "y", "z", "u", "v", "w"];
    LETTERS.get(usize::from(depth)).copied().unwrap_or("other")
}

fn element_field(wanted: ElementField) -> &'static str {
    let all = [Type::Message, Type::Tool, Type::ToolCall, Type::Target];
    let mut all = all.iter().flat_map(element_fields);
    all.find(|(_, _, field)| *field == wanted).map_or("", |(name, ..)| name)
}

fn field(kind: FieldKind) -> &'static str {
    fields().into_iter().find(|field| field.kind == kind).map_or("", |field| field.name)
}

fn list_name(list: ListField) -> &'static str {
    match list {
        ListField::Messages => field(FieldKind::Messages),
        ListField::Tools => field(FieldKind::Tools),
        ListField::ToolCalls => field(FieldKind::ToolCalls),
        ListField::Targets => field(FieldKind::Targets),
    }
}

fn comparison(op: Comparison) -> &'static str {
    match op {
        Comparison::Eq => "==",
        Comparison::Ne => "!=",
        Comparison::Lt => "<",
        Comparison::Le => "<=",
        Comparison::Gt => ">",
        Comparison::Ge => ">=",
    }
}

fn arithmetic(op: Arithmetic) -> &'static str {
    match op {
        Arithmetic::Add => "+",
        Arithmetic::Sub => "-",
        Arithmetic::Mul => "*",
        Arithmetic::Div => "/",
        Arithmetic::Rem => "%",
    }
}

fn text_test(test: TextTest) -> &'static str {
    match test {
        TextTest::Contains => "contains",
        TextTest::StartsWith => "starts with",
        TextTest::EndsWith => "ends with",
    }
}
