//! Expressions to values, straight from the tree.

use std::collections::HashMap;

use engine::input::Request;
use grammar::ast::{
    BinaryOp, Check, Expr, ExprKind, File, Function, ItemKind, Literal, Match, Near, NearWhat, PatternBody,
    PatternRef, Quantifier, Quantity, Score, Type, UnaryOp, Words,
};

use super::text::{Finder, Look, Said};
pub use super::value::Val;
use super::value::{arithmetic, entries, equal, filled, globbed, literal};

/// A finder in a view.
#[derive(Clone)]
pub(super) struct Sought {
    pub(super) finder: Finder,
    pub(super) look: Look,
}

/// What the declarations of a file stand for.
pub(super) struct Meaning<'a> {
    params: HashMap<&'a str, Val>,
    /// Every word that is a choice of some param.
    choices: Vec<&'a str>,
    patterns: HashMap<&'a str, Vec<Finder>>,
    pub(super) lets: HashMap<&'a str, &'a Expr>,
    pub(super) scores: HashMap<&'a str, &'a Score>,
    pub(super) functions: HashMap<&'a str, &'a Function>,
}

impl<'a> Meaning<'a> {
    pub(super) fn of(file: &'a File) -> Self {
        let mut meaning = Self {
            params: HashMap::new(),
            choices: vec!["user", "system", "assistant", "tool"],
            patterns: HashMap::new(),
            lets: HashMap::new(),
            scores: HashMap::new(),
            functions: HashMap::new(),
        };
        for item in &file.items {
            meaning.add(&item.kind);
        }
        meaning
    }

    fn add(&mut self, item: &'a ItemKind) {
        match item {
            ItemKind::Param(param) => {
                if let Type::Enum(words) = &param.ty.value {
                    self.choices.extend(words.iter().map(|word| word.value.as_str()));
                }
                let default = param.default.as_ref().expect("generated params have defaults");
                self.params.insert(&param.name.value, filled(literal(&default.value), &param.ty.value));
            }
            ItemKind::Pattern(pattern) => {
                let label =
                    pattern.label.as_ref().map_or(pattern.name.value.to_uppercase(), |l| l.value.clone());
                let finders = match &pattern.body.value {
                    PatternBody::Regex(regex) => vec![Finder::of_regex(regex, &label)],
                    PatternBody::Words { words: Words::List(list), .. } => {
                        vec![Finder::of_words(&strings(list), &label)]
                    }
                    PatternBody::AnyOf(names) => {
                        names.iter().flat_map(|name| self.patterns[name.value.as_str()].clone()).collect()
                    }
                    other => panic!("generated policies have no {other:?}"),
                };
                let finders = finders.into_iter().map(|finder| {
                    let finder = pattern.checks.iter().fold(finder, asking);
                    pattern.near.iter().fold(finder, near)
                });
                self.patterns.insert(&pattern.name.value, finders.collect());
            }
            ItemKind::Let(item) => drop(self.lets.insert(&item.name.value, &item.value)),
            ItemKind::Function(function) => drop(self.functions.insert(&function.name.value, function)),
            ItemKind::Score(score) => drop(self.scores.insert(&score.name.value, score)),
            _ => {}
        }
    }

    pub(super) fn sought(&self, pattern: &PatternRef, look: Look) -> Vec<Sought> {
        let finders = match pattern {
            PatternRef::Name(name) => self.patterns[name.as_str()].clone(),
            PatternRef::Regex(regex) => vec![Finder::of_regex(regex, "MATCH")],
            PatternRef::Phrase(text) => vec![Finder::of_words(std::slice::from_ref(text), "PHRASE")],
        };
        finders.into_iter().map(|finder| Sought { finder, look }).collect()
    }
}

/// The finder with one more condition on what it finds.
fn asking(finder: Finder, check: &Check) -> Finder {
    let Check::Has { denied, regex, .. } = check else { panic!("generated policies have no validators") };
    finder.asking(&Finder::of_regex(&regex.value, ""), *denied)
}

/// The finder with one more condition on what is near.
fn near(finder: Finder, near: &Near) -> Finder {
    let other = match &near.what.value {
        NearWhat::Regex(regex) => Finder::of_regex(regex, ""),
        NearWhat::Words(list) => Finder::of_words(&strings(list), ""),
    };
    let Literal::Int(reach) = near.within.value else { panic!("a reach is a whole number") };
    finder.near(&other, reach as usize)
}

fn strings(list: &[grammar::Spanned<Literal>]) -> Vec<String> {
    list.iter().map(|word| literal(&word.value).str().to_owned()).collect()
}

/// The text that `text` stands for in the phase at hand.
#[derive(Clone, Copy)]
pub(super) enum Phase<'a> {
    Request,
    /// An answer; with a finder, only what that one finds counts. Last the names of the tools that it calls.
    Answer(Said<'a>, Option<&'a Sought>, &'a [String]),
}

/// Evaluates expressions in one phase of one exchange.
pub(super) struct Reader<'a> {
    pub(super) meaning: &'a Meaning<'a>,
    pub(super) request: &'a Request<'a>,
    pub(super) phase: Phase<'a>,
    /// The elements that the quantifiers around the expression are at: name, list, index, and the value where the list is
    /// a param.
    pub(super) elements: Vec<(&'a str, String, usize, Val)>,
    /// The arguments of the function that the expression is in.
    args: Vec<(&'a str, Val)>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(meaning: &'a Meaning<'a>, request: &'a Request<'a>, phase: Phase<'a>) -> Self {
        Self { meaning, request, phase, elements: Vec::new(), args: Vec::new() }
    }

    pub(super) fn value(&mut self, expr: &'a Expr) -> Val {
        match &expr.kind {
            ExprKind::Literal(value) => literal(value),
            ExprKind::Path(words) => {
                self.path(&words.iter().map(|word| word.value.as_str()).collect::<Vec<_>>())
            }
            ExprKind::Call(name, args) => self.call(&name.value, args),
            ExprKind::List(items) => Val::List(items.iter().map(|item| self.value(item)).collect()),
            ExprKind::Unary(UnaryOp::Not, inner) => Val::Bool(!self.value(inner).truth()),
            ExprKind::Unary(UnaryOp::Neg, inner) => match self.value(inner) {
                Val::Int(value) => Val::Int(-value),
                other => Val::Float(-other.float()),
            },
            ExprKind::Binary(op, a, b) => self.binary(op.value, a, b),
            ExprKind::Has(text, patterns) => Val::Bool(!self.matches(text, patterns).is_empty()),
            ExprKind::Present(inner, present) => Val::Bool((self.value(inner) != Val::Absent) == *present),
            ExprKind::If(condition, then, otherwise) => {
                let branch = if self.value(condition).truth() { then } else { otherwise };
                self.value(branch)
            }
            ExprKind::Match(choice) => {
                let arm = self.arm(choice);
                self.value(arm)
            }
            ExprKind::Quantifier(quantifier) => self.quantifier(quantifier),
        }
    }

    pub(super) fn path(&mut self, words: &[&str]) -> Val {
        let around = self.elements.iter().rev().find(|(name, ..)| *name == words[0]);
        if let Some((_, list, index, value)) = around {
            return match (value, words) {
                (Val::Absent, [_, field]) => self.element(list, *index, field),
                (Val::Table(entries), [_, field]) => {
                    entries.iter().find(|(name, _)| name == field).expect("a member").1.clone()
                }
                (value, _) => value.clone(),
            };
        }
        let name = words.join(".");
        let meaning = self.meaning;
        if let Some((_, value)) = self.args.iter().find(|(arg, _)| *arg == name) {
            return value.clone();
        }
        if let Some(value) = meaning.params.get(name.as_str()) {
            return value.clone();
        }
        if let Some(value) = meaning.lets.get(name.as_str()) {
            return self.value(value);
        }
        if let Some(score) = meaning.scores.get(name.as_str()) {
            return Val::Float(self.score(score));
        }
        let request = self.request;
        match name.as_str() {
            "model" => Val::Str(request.model.to_owned()),
            "stream" => Val::Bool(request.stream),
            "conversation.calls" => Val::Int(request.tool_calls.len() as i64),
            "max_tokens" => request.max_tokens.map_or(Val::Absent, Val::Int),
            "key.name" => request.key_name.map_or(Val::Absent, |name| Val::Str(name.to_owned())),
            "user.id" => request.user_id.map_or(Val::Absent, |id| Val::Str(id.to_owned())),
            word if meaning.choices.contains(&word) => Val::Str(word.to_owned()),
            other => panic!("generated policies do not read `{other}`"),
        }
    }

    fn element(&self, list: &str, index: usize, field: &str) -> Val {
        let text = |text: &str| Val::Str(text.to_owned());
        match (list, field) {
            ("messages", "role") => text(self.request.messages[index].role.name()),
            ("messages", "name") => self.request.messages[index].name.map_or(Val::Absent, text),
            ("tools", "name") => text(self.request.tools[index].name),
            ("tool_calls", "name") if matches!(self.phase, Phase::Answer(..)) => {
                let Phase::Answer(_, _, called) = self.phase else { unreachable!("matched above") };
                text(&called[index])
            }
            ("tool_calls", "name") => text(self.request.tool_calls[index].name),
            ("tool_calls", "arguments") => text(self.request.tool_calls[index].arguments),
            other => panic!("generated policies do not read {other:?}"),
        }
    }

    /// The arm of a `match` that is taken.
    pub(super) fn arm(&mut self, choice: &'a Match) -> &'a Expr {
        let subject = self.value(&choice.subject);
        let taken =
            choice.arms.iter().find(|arm| arm.picks.iter().any(|pick| equal(&self.value(pick), &subject)));
        taken.map_or_else(|| choice.otherwise.as_ref().expect("an exhaustive match"), |arm| &arm.value)
    }

    /// Does something inside of a function that is called with these arguments.
    pub(super) fn inside<T>(
        &mut self,
        function: &'a Function,
        args: &'a [Expr],
        f: impl FnOnce(&mut Self, &'a Expr) -> T,
    ) -> T {
        let given: Vec<Val> = args.iter().map(|arg| self.value(arg)).collect();
        let names = function.args.iter().map(|(name, _)| name.value.as_str());
        let outer = std::mem::replace(&mut self.args, names.zip(given).collect());
        // A function sees its arguments, and no element of its caller.
        let around = std::mem::take(&mut self.elements);
        let result = f(self, &function.body);
        (self.args, self.elements) = (outer, around);
        result
    }

    fn call(&mut self, name: &str, args: &'a [Expr]) -> Val {
        if let Some(function) = self.meaning.functions.get(name).copied() {
            return self.inside(function, args, |reader, body| reader.value(body));
        }
        match name {
            "header" => {
                let wanted = self.value(&args[0]);
                let found = self.request.headers.iter().find(|(name, _)| *name == wanted.str());
                found.map_or(Val::Absent, |(_, value)| Val::Str((*value).to_owned()))
            }
            "lower" => Val::Str(self.value(&args[0]).str().to_lowercase()),
            "length" => Val::Int(match self.value(&args[0]) {
                Val::List(items) => items.len() as i64,
                Val::Table(entries) => entries.len() as i64,
                other => other.str().chars().count() as i64,
            }),
            "glob" => self.value(&args[0]),
            other => panic!("generated policies do not call `{other}`"),
        }
    }

    fn binary(&mut self, op: BinaryOp, a: &'a Expr, b: &'a Expr) -> Val {
        use BinaryOp as B;
        match op {
            B::And => return Val::Bool(self.value(a).truth() && self.value(b).truth()),
            B::Or => return Val::Bool(self.value(a).truth() || self.value(b).truth()),
            _ => {}
        }
        let (a, b) = (self.value(a), self.value(b));
        match op {
            B::Coalesce => {
                if a == Val::Absent {
                    b
                } else {
                    a
                }
            }
            B::Eq => Val::Bool(equal(&a, &b)),
            B::Ne => Val::Bool(!equal(&a, &b)),
            B::Lt => Val::Bool(a.float() < b.float()),
            B::Le => Val::Bool(a.float() <= b.float()),
            B::Gt => Val::Bool(a.float() > b.float()),
            B::Ge => Val::Bool(a.float() >= b.float()),
            B::In | B::NotIn => {
                let Val::List(items) = b else { panic!("`in` wants a list") };
                Val::Bool(items.iter().any(|item| equal(item, &a)) == (op == B::In))
            }
            B::Contains => Val::Bool(a.str().contains(b.str())),
            B::StartsWith => Val::Bool(a.str().starts_with(b.str())),
            B::EndsWith => Val::Bool(a.str().ends_with(b.str())),
            B::Matches => {
                let globs = if let Val::List(globs) = b { globs } else { vec![b] };
                Val::Bool(globs.iter().any(|glob| globbed(glob.str().as_bytes(), a.str().as_bytes())))
            }
            B::Add | B::Sub | B::Mul | B::Div | B::Rem => arithmetic(op, &a, &b),
            B::And | B::Or => unreachable!("answered above"),
        }
    }

    fn score(&mut self, score: &'a Score) -> f64 {
        let mut sum = 0.0;
        for term in &score.terms {
            if term.condition.as_ref().is_none_or(|condition| self.value(condition).truth()) {
                sum += self.value(&term.weight).float();
            }
        }
        score.clamp.map_or(sum, |(low, high)| sum.clamp(low, high))
    }

    fn quantifier(&mut self, quantifier: &'a Quantifier) -> Val {
        let held = self.each(quantifier, |reader, body| reader.value(body).truth());
        let count = held.iter().filter(|held| **held).count();
        match quantifier.quantity {
            Quantity::Any => Val::Bool(count > 0),
            Quantity::All => Val::Bool(count == held.len()),
            Quantity::Count => Val::Int(count as i64),
        }
    }

    pub(super) fn each<T>(
        &mut self,
        quantifier: &'a Quantifier,
        mut of: impl FnMut(&mut Self, &'a Expr) -> T,
    ) -> Vec<T> {
        let ExprKind::Path(list) = &quantifier.list.kind else { panic!("a list is a field") };
        let values = match list.as_slice() {
            [name] => self.meaning.params.get(name.value.as_str()).map(entries),
            [name, member] => Some(entries(&self.path(&[&name.value, &member.value]))),
            other => panic!("generated policies do not go over {other:?}"),
        };
        let list = list[0].value.clone();
        let length = match list.as_str() {
            _ if values.is_some() => values.as_ref().map_or(0, Vec::len),
            "messages" => self.request.messages.len(),
            "tools" => self.request.tools.len(),
            "tool_calls" => match self.phase {
                Phase::Request => self.request.tool_calls.len(),
                Phase::Answer(_, _, called) => called.len(),
            },
            other => panic!("generated policies do not go over `{other}`"),
        };
        let mut all = Vec::new();
        for index in 0..length {
            let value = values.as_ref().map_or(Val::Absent, |values| values[index].clone());
            self.elements.push((&quantifier.element.value, list.clone(), index, value));
            all.push(of(self, &quantifier.body));
            self.elements.pop();
        }
        all
    }
}

/// Whether a quantifier goes over a param: then it is written out, and is as `or` and `and` are.
pub(super) fn is_written_out(meaning: &Meaning<'_>, quantifier: &Quantifier) -> bool {
    let ExprKind::Path(list) = &quantifier.list.kind else { return false };
    list.len() > 1 || meaning.params.contains_key(list[0].value.as_str())
}
