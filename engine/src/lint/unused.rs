//! Names that are declared and nowhere used.

use std::collections::HashSet;

use grammar::ast::{Effect, Expr, ExprKind, File, ItemKind, Name, PatternBody, PatternRef, Rule, Words};
use grammar::{Diagnostic, codes};

/// The unused names of a policy. A library declares for others, and a policy without rules only states its arguments.
pub(super) fn find(file: &File) -> Vec<Diagnostic> {
    let has_rules = file.items.iter().any(|item| matches!(item.kind, ItemKind::Rule(_)));
    if !has_rules {
        return Vec::new();
    }
    let mut used = Used::default();
    file.items.iter().for_each(|item| used.item(&item.kind));
    let declared = file.items.iter().flat_map(|item| names(&item.kind));
    let unused = declared.filter(|(_, name)| !used.0.contains(&name.value));
    unused.map(|(what, name)| warning(what, name)).collect()
}

/// The name of a file's policy.
pub(super) fn header(file: &File) -> Option<&str> {
    file.items.iter().find_map(|item| match &item.kind {
        ItemKind::Header(header) => Some(header.name.value.as_str()),
        _ => None,
    })
}

fn warning(what: &str, name: &Name) -> Diagnostic {
    let help = match what {
        "param" => "use it in a rule, or remove it: a configuration that sets it has no effect",
        "name" => "look for it in a rule, or leave it out of this `use`",
        _ => "use it in a rule, or remove it",
    };
    Diagnostic::warning(codes::UNUSED_NAME, name.span, format!("the {what} `{}` is never used", name.value))
        .help(help)
}

/// What an item declares, and what that is called.
fn names(item: &ItemKind) -> Vec<(&'static str, &Name)> {
    match item {
        ItemKind::Param(param) => vec![("param", &param.name)],
        ItemKind::Pattern(pattern) => vec![("pattern", &pattern.name)],
        ItemKind::Let(item) => vec![("`let`", &item.name)],
        ItemKind::Function(function) => vec![("function", &function.name)],
        ItemKind::Score(score) => vec![("score", &score.name)],
        ItemKind::Script(script) => vec![("script", &script.name)],
        ItemKind::Use(import) => import.names.iter().map(|name| ("name", name)).collect(),
        ItemKind::Header(_) | ItemKind::Version(_) | ItemKind::Rule(_) | ItemKind::Test(_) => Vec::new(),
    }
}

/// Every name that something refers to.
#[derive(Default)]
struct Used(HashSet<String>);

impl Used {
    fn item(&mut self, item: &ItemKind) {
        match item {
            ItemKind::Pattern(pattern) => match &pattern.body.value {
                PatternBody::Regex(_) => {}
                PatternBody::AnyOf(names) => names.iter().for_each(|name| self.name(&name.value)),
                PatternBody::Words { words, fuzzy, .. } => {
                    if let Words::Param(param) = words {
                        self.name(&param.value);
                    }
                    fuzzy.iter().for_each(|fuzzy| self.expr(fuzzy));
                }
            },
            ItemKind::Let(item) => self.expr(&item.value),
            ItemKind::Function(function) => self.expr(&function.body),
            ItemKind::Score(score) => {
                for term in &score.terms {
                    self.expr(&term.weight);
                    term.condition.iter().for_each(|condition| self.expr(condition));
                }
            }
            ItemKind::Rule(rule) => self.rule(rule),
            ItemKind::Header(_)
            | ItemKind::Version(_)
            | ItemKind::Use(_)
            | ItemKind::Param(_)
            | ItemKind::Script(_)
            | ItemKind::Test(_) => {}
        }
    }

    fn rule(&mut self, rule: &Rule) {
        let action =
            rule.action.iter().flat_map(|action| std::iter::once(&action.verdict).chain(&action.with));
        rule.unless.iter().chain(&rule.when).chain(action).for_each(|expr| self.expr(expr));
        rule.effect.iter().flat_map(Effect::exprs).for_each(|expr| self.expr(expr));
        let message = rule.message.as_ref().map_or("", |message| &message.value);
        message
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split_once('}'))
            .for_each(|(name, _)| self.name(name.trim()));
    }

    /// A name of several words is the name of a param, or a field of what its first word names.
    fn name(&mut self, name: &str) {
        self.0.insert(name.to_owned());
        self.0.extend(name.split_once('.').map(|(first, _)| first.to_owned()));
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Literal(_) => {}
            ExprKind::Path(words) => {
                self.name(&words.iter().map(|word| word.value.as_str()).collect::<Vec<_>>().join("."));
            }
            ExprKind::Call(name, args) => {
                self.name(&name.value);
                args.iter().for_each(|arg| self.expr(arg));
            }
            ExprKind::List(items) => items.iter().for_each(|item| self.expr(item)),
            ExprKind::Unary(_, inner) | ExprKind::Present(inner, _) => self.expr(inner),
            ExprKind::Binary(_, a, b) => [a, b].into_iter().for_each(|side| self.expr(side)),
            ExprKind::Has(text, patterns) => {
                self.expr(text);
                for pattern in patterns {
                    if let PatternRef::Name(name) = &pattern.value {
                        self.name(name);
                    }
                }
            }
            ExprKind::If(a, b, c) => [a, b, c].into_iter().for_each(|part| self.expr(part)),
            ExprKind::Match(choice) => {
                self.expr(&choice.subject);
                choice.arms.iter().for_each(|arm| self.expr(&arm.value));
                choice.otherwise.iter().for_each(|otherwise| self.expr(otherwise));
            }
            ExprKind::Quantifier(quantifier) => {
                self.expr(&quantifier.list);
                self.expr(&quantifier.body);
            }
        }
    }
}
