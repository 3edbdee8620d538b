//! The tree as text, one node a line: what `kt policy compile --print ast` shows and snapshots hold.

mod test;

use std::fmt::Write as _;

use crate::ast::{
    Check, Effect, Expr, ExprKind, File, Function, Item, ItemKind, Literal, Match, Member, Name, NearWhat,
    Param, Pattern, PatternBody, PatternRef, Quantity, Regex, Reserve, Rule, Score, Script, ScriptBody, Test,
    Type, UnaryOp, Words,
};
use crate::quantity;
use crate::span::Spanned;

/// The whole tree.
pub fn print(file: &File) -> String {
    let mut out = Printer::default();
    for item in &file.items {
        out.item(item);
    }
    out.text
}

#[derive(Default)]
struct Printer {
    text: String,
    depth: usize,
}

impl Printer {
    fn line(&mut self, words: impl AsRef<str>) {
        let indent = self.depth * 2;
        let _ = writeln!(self.text, "{:indent$}{}", "", words.as_ref());
    }

    /// A line, and what belongs under it.
    fn under(&mut self, words: impl AsRef<str>, inner: impl FnOnce(&mut Self)) {
        self.line(words);
        self.depth += 1;
        inner(self);
        self.depth -= 1;
    }

    fn item(&mut self, item: &Item) {
        for line in &item.doc {
            self.line(format!("doc {line:?}"));
        }
        match &item.kind {
            ItemKind::Header(header) => {
                let word = if header.library { "library" } else { "policy" };
                self.line(format!("{word} {}", header.name.value));
            }
            ItemKind::Version(version) => self.line(format!("version {:?}", version.value)),
            ItemKind::Use(import) => {
                let names: Vec<&str> = import.names.iter().map(|name| name.value.as_str()).collect();
                self.line(format!("use {} {}", import.from.value, names.join(" ")));
            }
            ItemKind::Param(param) => self.param(param),
            ItemKind::Pattern(pattern) => self.pattern(pattern),
            ItemKind::Let(item) => self.under(format!("let {}", item.name.value), |p| p.expr(&item.value)),
            ItemKind::Function(function) => self.function(function),
            ItemKind::Score(score) => self.score(score),
            ItemKind::Script(script) => self.script(script),
            ItemKind::Rule(rule) => self.rule(rule),
            ItemKind::Test(test) => self.test(test),
        }
    }

    fn param(&mut self, param: &Param) {
        let default =
            param.default.as_ref().map_or(String::new(), |value| format!(" = {}", literal(&value.value)));
        let aliases: String = param.aliases.iter().map(|alias| format!(" alias {}", alias.value)).collect();
        self.line(format!("param {}: {}{default}{aliases}", param.name.value, type_text(&param.ty.value)));
    }

    fn pattern(&mut self, pattern: &Pattern) {
        self.under(format!("pattern {}", pattern.name.value), |p| {
            match &pattern.body.value {
                PatternBody::Regex(regex) => p.line(regex_text(regex)),
                PatternBody::Words { words, except, fuzzy } => {
                    match words {
                        Words::List(list) => p.line(format!("words {}", list_text(list))),
                        Words::Param(name) => p.line(format!("words of {}", name.value)),
                    }
                    if !except.is_empty() {
                        p.line(format!("except {}", list_text(except)));
                    }
                    if let Some(fuzzy) = fuzzy {
                        p.under("fuzzy", |p| p.expr(fuzzy));
                    }
                }
                PatternBody::AnyOf(names) => {
                    let names: Vec<&str> = names.iter().map(|name| name.value.as_str()).collect();
                    p.line(format!("any of {}", names.join(" ")));
                }
            }
            if let Some(label) = &pattern.label {
                p.line(format!("label {}", label.value));
            }
            if let Some(group) = &pattern.capture {
                p.line(format!("capture {}", group.value));
            }
            for check in &pattern.checks {
                p.line(format!("where {}", check_text(check)));
            }
            for near in &pattern.near {
                let what = match &near.what.value {
                    NearWhat::Regex(regex) => regex_text(regex),
                    NearWhat::Words(list) => format!("words {}", list_text(list)),
                };
                p.line(format!("near {what} within {}", literal(&near.within.value)));
            }
        });
    }

    fn score(&mut self, score: &Score) {
        let clamp = score.clamp.map_or(String::new(), |(low, high)| format!(" clamp {low:?}..{high:?}"));
        self.under(format!("score {}{clamp}", score.name.value), |p| {
            for term in &score.terms {
                p.under("term", |p| {
                    p.expr(&term.weight);
                    if let Some(condition) = &term.condition {
                        p.under("if", |p| p.expr(condition));
                    }
                });
            }
        });
    }

    fn function(&mut self, function: &Function) {
        let result = type_text(&function.result.value);
        let head = format!("fn {}({}) -> {result}", function.name.value, args_text(&function.args));
        self.under(head, |p| p.expr(&function.body));
    }

    fn script(&mut self, script: &Script) {
        let result = type_text(&script.result.value);
        self.under(format!("script {}({}) -> {result}", script.name.value, args_text(&script.args)), |p| {
            match &script.body {
                ScriptBody::File(path) => p.line(format!("from {:?}", path.value)),
                ScriptBody::Inline(text) => p.line(format!("inline {:?}", text.value)),
            }
        });
    }

    fn rule(&mut self, rule: &Rule) {
        let phases: Vec<&str> = rule.phases.iter().map(|phase| phase.value.name()).collect();
        let buffered = if rule.buffered.is_some() { " buffered" } else { "" };
        self.under(format!("rule {} on {}{buffered}", rule.name.value, phases.join(", ")), |p| {
            if let Some(unless) = &rule.unless {
                p.under("unless", |p| p.expr(unless));
            }
            if let Some(when) = &rule.when {
                p.under("when", |p| p.expr(when));
            }
            match &rule.effect {
                Some(Effect::To(targets)) => p.under("route to", |p| p.expr(targets)),
                Some(Effect::Exclude { target, condition }) => {
                    p.under(format!("exclude target {}", target.value), |p| p.expr(condition));
                }
                Some(Effect::Reserve(reserve)) => p.reserve(reserve),
                None => {}
            }
            if let Some(action) = &rule.action {
                p.under("do", |p| p.expr(&action.verdict));
                if let Some(with) = &action.with {
                    p.under("with", |p| p.expr(with));
                }
            }
            for (word, clause) in
                [("code", &rule.code), ("message", &rule.message), ("severity", &rule.severity)]
            {
                if let Some(text) = clause {
                    p.line(format!("{word} {:?}", text.value));
                }
            }
            if !rule.tags.is_empty() {
                p.line(format!("tags {}", list_text(&rule.tags)));
            }
        });
    }

    fn reserve(&mut self, reserve: &Reserve) {
        let head = format!("reserve {} per {}", reserve.meter.value.name(), reserve.window.value.name());
        self.under(head, |p| {
            p.under("within", |p| p.expr(&reserve.limit));
            if !reserve.whose.is_empty() {
                p.under("for", |p| p.exprs(&reserve.whose));
            }
            if let Some(assuming) = &reserve.assuming {
                p.under("assuming", |p| p.expr(assuming));
            }
        });
    }

    fn test(&mut self, test: &Test) {
        self.under(format!("test {:?}", test.name.value), |p| {
            for line in &test.lines {
                p.line(test::test_line(&line.value));
            }
        });
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Literal(value) => self.line(literal(value)),
            ExprKind::Path(words) => {
                let words: Vec<&str> = words.iter().map(|word| word.value.as_str()).collect();
                self.line(words.join("."));
            }
            ExprKind::Call(name, args) => self.under(format!("call {}", name.value), |p| p.exprs(args)),
            ExprKind::List(items) => self.under("list", |p| p.exprs(items)),
            ExprKind::Unary(op, inner) => {
                let word = if *op == UnaryOp::Not { "not" } else { "neg" };
                self.under(word, |p| p.expr(inner));
            }
            ExprKind::Binary(op, left, right) => self.under(op.value.name(), |p| {
                p.expr(left);
                p.expr(right);
            }),
            ExprKind::Has(text, patterns) => {
                let patterns: Vec<String> = patterns.iter().map(|one| pattern_ref(&one.value)).collect();
                self.under(format!("has {}", patterns.join(" ")), |p| p.expr(text));
            }
            ExprKind::Present(inner, present) => {
                self.under(if *present { "present" } else { "absent" }, |p| p.expr(inner));
            }
            ExprKind::If(condition, then, otherwise) => self.under("if", |p| {
                p.expr(condition);
                p.expr(then);
                p.expr(otherwise);
            }),
            ExprKind::Match(found) => self.matching(found),
            ExprKind::Quantifier(quantifier) => {
                let word = quantity_name(quantifier.quantity);
                self.under(format!("{word} {}", quantifier.element.value), |p| {
                    p.expr(&quantifier.list);
                    p.expr(&quantifier.body);
                });
            }
        }
    }

    fn matching(&mut self, found: &Match) {
        self.under("match", |p| {
            p.expr(&found.subject);
            for arm in &found.arms {
                p.under("arm", |p| {
                    p.exprs(&arm.picks);
                    p.under("=>", |p| p.expr(&arm.value));
                });
            }
            if let Some(otherwise) = &found.otherwise {
                p.under("else", |p| p.expr(otherwise));
            }
        });
    }

    fn exprs(&mut self, exprs: &[Expr]) {
        for expr in exprs {
            self.expr(expr);
        }
    }
}

/// The quantifier's word.
pub fn quantity_name(quantity: Quantity) -> &'static str {
    match quantity {
        Quantity::Any => "any",
        Quantity::All => "all",
        Quantity::Count => "count",
    }
}

/// A type as written.
pub fn type_text(ty: &Type) -> String {
    match ty {
        Type::Bool => "bool".into(),
        Type::Int(None) => "int".into(),
        Type::Int(Some((low, high))) => format!("int in {low}..{high}"),
        Type::Float(None) => "float".into(),
        Type::Float(Some((low, high))) => format!("float in {low:?}..{high:?}"),
        Type::String => "string".into(),
        Type::Regex => "regex".into(),
        Type::Map => "map".into(),
        Type::MapOf(inner) => format!("map of {}", type_text(inner)),
        Type::Record(members) => {
            let members: Vec<String> = members.iter().map(member_text).collect();
            format!("record({})", members.join(", "))
        }
        Type::Duration => "duration".into(),
        Type::Money => "money".into(),
        Type::Enum(words) => {
            let words: Vec<&str> = words.iter().map(|word| word.value.as_str()).collect();
            format!("enum({})", words.join(", "))
        }
        Type::List(inner) => format!("[{}]", type_text(inner)),
        Type::Optional(inner) => format!("{}?", type_text(inner)),
    }
}

fn member_text(member: &Member) -> String {
    let default =
        member.default.as_ref().map_or(String::new(), |value| format!(" = {}", literal(&value.value)));
    format!("{}: {}{default}", member.name.value, type_text(&member.ty.value))
}

fn args_text(args: &[(Name, Spanned<Type>)]) -> String {
    let args: Vec<String> =
        args.iter().map(|(name, ty)| format!("{}: {}", name.value, type_text(&ty.value))).collect();
    args.join(", ")
}

fn regex_text(regex: &Regex) -> String {
    format!("/{}/{}", regex.source.replace('/', "\\/"), regex.flags)
}

fn check_text(check: &Check) -> String {
    match check {
        Check::Validator { name, least } => {
            let least = least.as_ref().map_or(String::new(), |least| format!(" >= {:?}", least.value));
            format!("{}{least}", name.value)
        }
        Check::Has { denied, of_match, regex } => {
            let (denied, of_match) =
                (if *denied { "not " } else { "" }, if *of_match { "match " } else { "" });
            format!("{denied}{of_match}has {}", regex_text(&regex.value))
        }
    }
}

fn pattern_ref(pattern: &PatternRef) -> String {
    match pattern {
        PatternRef::Name(name) => name.clone(),
        PatternRef::Regex(regex) => regex_text(regex),
        PatternRef::Phrase(text) => format!("{text:?}"),
    }
}

/// A literal as written.
pub fn literal(value: &Literal) -> String {
    match value {
        Literal::Bool(value) => value.to_string(),
        Literal::Int(value) => value.to_string(),
        Literal::Float(value) => format!("{value:?}"),
        Literal::Duration(millis) => quantity::duration_text(*millis),
        Literal::Money(micros) => quantity::money_text(*micros),
        Literal::Str(value) => format!("{value:?}"),
        Literal::Word(value) => value.clone(),
        Literal::Regex(regex) => regex_text(regex),
        Literal::List(list) => list_text(list),
        Literal::Map(entries) => map_text(entries),
    }
}

fn map_text(entries: &[(Name, Spanned<Literal>)]) -> String {
    let is_word = |key: &str| {
        let starts = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        starts && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let key = |key: &str| if is_word(key) { key.to_owned() } else { format!("{key:?}") };
    let entries: Vec<String> = entries
        .iter()
        .map(|(name, value)| format!("{}: {}", key(&name.value), literal(&value.value)))
        .collect();
    format!("{{{}}}", entries.join(", "))
}

fn list_text(list: &[Spanned<Literal>]) -> String {
    let items: Vec<String> = list.iter().map(|item| literal(&item.value)).collect();
    format!("[{}]", items.join(", "))
}
