//! Types and phases: every expression has one type, and reads only what its phases have.

mod call;
mod compare;
mod effect;
mod expr;
mod function;
mod inline;
mod matching;
mod model;
mod path;
mod rule;

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

pub use call::FUNCTIONS;

use grammar::ast;
use grammar::{Diagnostic, Span, codes};

use super::Library;
use super::resolve::{Linked, LinkedUnit, Symbol};
use super::typed::{CheckedScore, CheckedUnit, Typed};
use crate::model::Model;
use crate::schema::{self, Field};
use crate::value::Type;

/// Checks every expression of a policy.
pub(super) fn check(
    linked: &Linked,
    unit: &LinkedUnit,
    library: &dyn Library,
    from: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> CheckedUnit {
    let mut checker = Checker {
        linked,
        unit,
        library,
        from,
        models: HashMap::new(),
        diagnostics,
        fields: schema::fields(),
        lets: HashMap::new(),
        functions: HashMap::new(),
        args: Vec::new(),
        scores: Vec::new(),
        score_extents: Vec::new(),
        level: 0,
        extent: Extent::default(),
        elements: Vec::new(),
    };
    let mut checked = CheckedUnit::default();
    checker.names_in_order();
    for score in &unit.scores {
        let (checked, extent) = checker.measure(score.name.span, |checker| checker.score(score));
        checker.scores.push(checked);
        checker.score_extents.push(extent);
    }
    checker.fuzzy(&mut checked);
    for script in &unit.scripts {
        checker.script_result(script);
    }
    for rule in &unit.rules {
        let (rule, extent) = checker.measure(rule.name.span, |checker| checker.rule(rule));
        checked.rules.extend(rule.filter(|_| extent.is_bounded()));
    }
    checked.scores = checker.scores;
    checked
}

struct Checker<'a> {
    linked: &'a Linked,
    unit: &'a LinkedUnit,
    library: &'a dyn Library,
    /// The name of the file in hand.
    from: &'a str,
    /// Models by name; one that is missing has a mistake that is told already.
    models: HashMap<Arc<str>, Option<Arc<Model>>>,
    diagnostics: &'a mut Vec<Diagnostic>,
    fields: Vec<Field>,
    /// Checked `let`s by index; one that is missing has a mistake that is told already.
    lets: HashMap<usize, (Rc<Typed>, Extent)>,
    /// Checked functions, likewise.
    functions: HashMap<usize, (Rc<Typed>, Extent)>,
    /// The arguments of the function in hand.
    args: Vec<(String, Type)>,
    /// Checked scores so far; a score can read those above it.
    scores: Vec<CheckedScore>,
    score_extents: Vec<Extent>,
    /// How deep the expression in hand is, and how far the item in hand extends so far.
    level: usize,
    extent: Extent,
    /// The quantifiers around the expression in hand: the element's name and type.
    elements: Vec<(String, Type)>,
}

/// How far an expression extends once the `let`s and scores that it names are written out.
#[derive(Clone, Copy, Debug, Default)]
struct Extent {
    /// Its nodes.
    size: usize,
    /// Its longest branch.
    depth: usize,
}

/// The most that an expression may extend. Evaluation walks it, so these bound its time and its stack.
const MAX_EXTENT: Extent = Extent { size: 20_000, depth: 2_000 };

impl Extent {
    fn is_bounded(self) -> bool {
        self.size <= MAX_EXTENT.size && self.depth <= MAX_EXTENT.depth
    }
}

impl Checker<'_> {
    /// Runs `check`, and says how far what it checked extends; past the limits that is told.
    fn measure<T>(&mut self, at: Span, check: impl FnOnce(&mut Self) -> T) -> (T, Extent) {
        self.extent = Extent::default();
        let checked = check(self);
        let extent = std::mem::take(&mut self.extent);
        if !extent.is_bounded() {
            let message = "this is too large once all that it names is written out";
            self.error(
                Diagnostic::error(codes::LIMIT, at, message)
                    .help("name fewer `let`s, functions and scores inside of others"),
            );
        }
        (checked, extent)
    }

    /// Notes one more node at the present level, which stands for `inner`.
    fn extend(&mut self, inner: Extent) {
        self.extent.size = self.extent.size.saturating_add(1).saturating_add(inner.size);
        self.extent.depth = self.extent.depth.max(self.level.saturating_add(inner.depth));
    }

    fn error(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// An expression that must be of that type.
    fn typed(&mut self, expr: &ast::Expr, wanted: &Type, what: &str) -> Option<Typed> {
        let typed = self.expr(expr, Some(wanted))?;
        if fits(&typed.ty, wanted) {
            return Some(expr::widen(typed, wanted));
        }
        self.mismatch(typed.span, &typed.ty, &wanted.to_string(), what);
        None
    }

    fn mismatch(&mut self, span: Span, found: &Type, wanted: &str, what: &str) {
        let optional = matches!(found, Type::Optional(_));
        let diagnostic = if optional {
            Diagnostic::error(
                codes::OPTIONAL_UNHANDLED,
                span,
                format!("{what} must be {wanted}, and this may be absent"),
            )
            .help("say what holds then, as in `x ?? \"none\"`, or ask `x is present`")
        } else {
            let message = format!("{what} must be {wanted}, and this is {found}");
            let help = match (found, wanted) {
                (Type::Text, "string") => {
                    Some("texts are searched: `text has \"words\"` or `text has /regex/`")
                }
                (Type::Str, "bool") if what.starts_with("each side of") => {
                    Some("each side says what is searched: `text has \"one\" or text has \"two\"`")
                }
                _ => None,
            };
            Diagnostic::error(codes::TYPE_MISMATCH, span, message).maybe_help(help.map(str::to_owned))
        };
        self.error(diagnostic);
    }

    /// The `let`s and functions, in the order of the file: each may name those above it.
    fn names_in_order(&mut self) {
        let unit = self.unit;
        let mut order: Vec<(Span, Symbol)> = Vec::new();
        order.extend(unit.lets.iter().enumerate().map(|(i, item)| (item.name.span, Symbol::Let(i))));
        order
            .extend(unit.functions.iter().enumerate().map(|(i, item)| (item.name.span, Symbol::Function(i))));
        order.sort_by_key(|(span, _)| span.start);
        for (_, symbol) in order {
            match symbol {
                Symbol::Let(index) => {
                    unit.lets.get(index).into_iter().for_each(|item| self.let_item(index, item))
                }
                Symbol::Function(index) => {
                    unit.functions.get(index).into_iter().for_each(|item| self.function(index, item));
                }
                Symbol::Param(_) | Symbol::Pattern(_) | Symbol::Score(_) | Symbol::Script(_) => {}
            }
        }
    }

    fn let_item(&mut self, index: usize, item: &ast::Let) {
        let (value, extent) = self.measure(item.name.span, |checker| checker.expr(&item.value, None));
        if let Some(value) = value.filter(|_| extent.is_bounded()) {
            self.lets.insert(index, (Rc::new(value), extent));
        }
    }

    fn score(&mut self, score: &ast::Score) -> CheckedScore {
        let mut terms = Vec::new();
        for term in &score.terms {
            let weight = self.typed(&term.weight, &Type::Float, "a term of a score");
            let condition = match &term.condition {
                Some(condition) => self.typed(condition, &Type::Bool, "a term's condition").map(Some),
                None => Some(None),
            };
            if let (Some(weight), Some(condition)) = (weight, condition) {
                terms.push((weight, condition));
            }
        }
        CheckedScore { name: Arc::from(score.name.value.as_str()), terms, clamp: score.clamp }
    }

    /// Whether a script's result is of a type that scripts can give.
    fn script_result(&mut self, script: &ast::Script) {
        let ty = declared(&script.result.value);
        if matches!(ty, Type::List(_) | Type::Map | Type::MapOf(_) | Type::Record(_) | Type::Regex)
            || ty.has_unit()
        {
            let message = format!("script `{}` cannot give a {ty}", script.name.value);
            self.error(
                Diagnostic::error(codes::BAD_SCRIPT, script.result.span, message)
                    .help("scripts give bool, int, float, string or enum(…)"),
            );
        }
    }

    /// The `fuzzy` expressions of this file's word patterns.
    fn fuzzy(&mut self, checked: &mut CheckedUnit) {
        let linked = self.linked;
        for (index, pattern) in linked.patterns.iter().enumerate() {
            if pattern.source != self.unit.source {
                continue;
            }
            if let ast::PatternBody::Words { fuzzy: Some(fuzzy), .. } = &pattern.ast.body.value
                && let Some(typed) = self.typed(fuzzy, &Type::Int, "the number of letters that may differ")
            {
                checked.fuzzy.push((index, typed));
            }
        }
    }

    fn symbol(&self, name: &str) -> Option<Symbol> {
        self.unit.names.get(name).map(|(symbol, _)| *symbol)
    }
}

/// Whether a value of one type can stand where another is wanted: whole numbers are numbers, choices are strings.
fn fits(found: &Type, wanted: &Type) -> bool {
    found == wanted
        || (*wanted == Type::Float && *found == Type::Int)
        || (*wanted == Type::Str && matches!(found, Type::Enum(_)))
}

/// The type that a declaration names.
pub(crate) fn declared(ty: &ast::Type) -> Type {
    match ty {
        ast::Type::Bool => Type::Bool,
        ast::Type::Int(_) => Type::Int,
        ast::Type::Float(_) => Type::Float,
        ast::Type::Duration => Type::Duration,
        ast::Type::Money => Type::Money,
        ast::Type::String => Type::Str,
        ast::Type::Regex => Type::Regex,
        ast::Type::Map => Type::Map,
        ast::Type::MapOf(inner) => Type::MapOf(Box::new(declared(inner))),
        ast::Type::Record(members) => Type::Record(
            members
                .iter()
                .map(|member| (Arc::from(member.name.value.as_str()), declared(&member.ty.value)))
                .collect(),
        ),
        ast::Type::Enum(words) => {
            Type::Enum(words.iter().map(|word| Arc::from(word.value.as_str())).collect())
        }
        ast::Type::List(inner) => Type::List(Box::new(declared(inner))),
        ast::Type::Optional(inner) => Type::Optional(Box::new(declared(inner))),
    }
}
