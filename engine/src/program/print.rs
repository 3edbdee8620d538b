//! The program as text, for people and for snapshots.

use std::fmt::Write as _;

use super::ir::{Node, NodeId, TextRef};
use super::{Effect, Piece, Program, Reserve, Rule};

/// The whole program.
pub(super) fn print(program: &Program) -> String {
    let mut out = String::new();
    for policy in &program.policies {
        let _ = writeln!(out, "policy {}", policy.name);
        for (name, value) in &policy.params {
            let _ = writeln!(out, "  param {name} = {value}");
        }
    }
    for (i, detector) in program.detectors.iter().enumerate() {
        let longest = detector.longest.map_or("unbounded".into(), |bytes| format!("{bytes} bytes"));
        let mut checks: String =
            detector.checks().map(|check| format!(" where {}", shorten(&check))).collect();
        checks.extend(
            detector.near.iter().map(|n| format!(" near /{}/ within {}", shorten(&n.source), n.reach)),
        );
        let _ = writeln!(
            out,
            "d{i} = {} {} [{}] longest {longest}{checks}\n     /{}/",
            detector.view.name(),
            detector.name,
            detector.label,
            shorten(&detector.source)
        );
    }
    for (i, score) in program.scores.iter().enumerate() {
        let clamp = score.clamp.map_or(String::new(), |(low, high)| format!(" clamp {low:?}..{high:?}"));
        let _ = writeln!(out, "s{i} = score {}{clamp}", score.name);
        for (weight, condition) in &score.terms {
            let condition = condition.map_or(String::new(), |node| format!(" if n{}", node.0));
            let _ = writeln!(out, "     + n{}{condition}", weight.0);
        }
    }
    for (i, node) in program.nodes.iter().enumerate() {
        let _ = writeln!(out, "n{i} = {}", node_text(node));
    }
    for (i, rule) in program.rules.iter().enumerate() {
        print_rule(&mut out, program, i, rule);
    }
    out
}

fn print_rule(out: &mut String, program: &Program, index: usize, rule: &Rule) {
    let phases: Vec<&str> = rule.phases.iter().map(|phase| phase.name()).collect();
    let policy = program.policies.get(rule.policy).map_or("", |policy| &policy.name);
    let _ = writeln!(out, "rule {policy}.{} on {}", rule.name, phases.join(", "));
    let action = match &rule.effect {
        Some(Effect::To(globs)) => format!("route to {}", globs.join(" ")),
        Some(Effect::Exclude(condition)) => format!("exclude targets n{}", condition.0),
        Some(Effect::Reserve(reserve)) => reserved(reserve),
        None => rule.verdict.name().to_owned(),
    };
    let _ = writeln!(out, "  when n{} do {action} code {:?}", rule.condition.0, rule.code);
    let message: String = rule.message.iter().map(piece).collect();
    if !message.is_empty() {
        let _ = writeln!(out, "  message {message:?}");
    }
    if let Some(stream) = program.response.iter().find(|stream| stream.rule == index) {
        let detectors: Vec<String> = stream.detectors.iter().map(|id| format!("d{}", id.0)).collect();
        let _ = writeln!(out, "  streams on {}", detectors.join(" "));
    }
    if program.buffered.contains(&index) {
        let _ = writeln!(out, "  waits for the whole answer");
    }
}

fn reserved(reserve: &Reserve) -> String {
    let (meter, window) = (reserve.meter.name(), reserve.window.name());
    let whose: Vec<String> = reserve.whose.iter().map(|node| format!("n{}", node.0)).collect();
    let whose = if whose.is_empty() { String::new() } else { format!(" for {}", whose.join(" ")) };
    let assuming = reserve.assuming.map_or(String::new(), |node| format!(" assuming n{}", node.0));
    format!("reserve {meter} within n{} per {window}{whose}{assuming}", reserve.limit.0)
}

fn piece(piece: &Piece) -> String {
    match piece {
        Piece::Text(text) => text.to_string(),
        Piece::Labels => "{labels}".into(),
        Piece::Phase => "{phase}".into(),
        Piece::Node(node) => format!("{{n{}}}", node.0),
    }
}

/// How many characters of a pattern's source are shown.
const SHOWN: usize = 96;

fn shorten(source: &str) -> String {
    // Line breaks stand only where spaces mean nothing.
    let line = source.split_whitespace().collect::<Vec<_>>().join(" ");
    let source = if source.contains('\n') { &line } else { source };
    let mut text: String = source.chars().take(SHOWN).collect();
    if text.len() < source.len() {
        text.push('…');
    }
    text
}

fn list(nodes: &[NodeId]) -> String {
    let nodes: Vec<String> = nodes.iter().map(|node| format!("n{}", node.0)).collect();
    nodes.join(" ")
}

fn text_of(text: &TextRef) -> String {
    match text {
        TextRef::Texts(scope) => format!("{scope:?}"),
        TextRef::Element(depth) => format!("element^{depth}"),
        TextRef::Value(node) => format!("n{}", node.0),
    }
}

fn node_text(node: &Node) -> String {
    match node {
        Node::Const(value) => value.to_string(),
        Node::Field(kind) => format!("field {kind:?}"),
        Node::Header(name) => format!("header {name:?}"),
        Node::Label(name) => format!("label {name:?}"),
        Node::Element(depth, field) => format!("element^{depth} {field:?}"),
        Node::Has(text, detectors) => {
            let detectors: Vec<String> = detectors.iter().map(|id| format!("d{}", id.0)).collect();
            format!("has {} {}", text_of(text), detectors.join(" "))
        }
        Node::Model(text, view, model) => {
            format!("model {:?} {} {}", model.name(), view.name(), text_of(text))
        }
        Node::Language(text, least) => format!("language {} {}", text_of(text), least.value()),
        Node::Not(inner) => format!("not n{}", inner.0),
        Node::And(all) => format!("and {}", list(all)),
        Node::Or(all) => format!("or {}", list(all)),
        Node::Compare(op, a, b) => format!("{op:?} n{} n{}", a.0, b.0),
        Node::Arith(op, a, b) => format!("{op:?} n{} n{}", a.0, b.0),
        Node::Test(test, a, b) => format!("{test:?} n{} n{}", a.0, b.0),
        Node::Glob(text, pattern) => format!("glob n{} {pattern:?}", text.0),
        Node::Within(address, networks) => {
            let networks: Vec<String> = networks.iter().map(ToString::to_string).collect();
            format!("within n{} {}", address.0, networks.join(" "))
        }
        Node::In(value, items) => format!("in n{} n{}", value.0, items.0),
        Node::Coalesce(a, b) => format!("coalesce n{} n{}", a.0, b.0),
        Node::Present(inner) => format!("present n{}", inner.0),
        Node::If(condition, then, otherwise) => format!("if n{} n{} n{}", condition.0, then.0, otherwise.0),
        Node::Quantifier { quantity, list, depth, body } => {
            format!("{}^{depth} {list:?} n{}", grammar::print::quantity_name(*quantity), body.0)
        }
        Node::Score(score) => format!("score s{}", score.0),
        Node::Script(script, args) => format!("script r{} {}", script.0, list(args)),
        Node::Call(function, inner) => format!("{function:?} n{}", inner.0),
    }
}
