//! Rules: their clauses, phases, verdicts and messages.

use std::sync::Arc;

use grammar::ast::{self, ExprKind, Phase};
use grammar::verdict::{WORDS, named};
use grammar::{Diagnostic, Span, codes};

use super::Checker;
use super::expr::bare;
use crate::compile::typed::{CheckedAction, CheckedPiece, CheckedRule, Kind, Typed};
use crate::schema::FieldKind;
use crate::value::Type;

impl Checker<'_> {
    pub(super) fn rule(&mut self, rule: &ast::Rule) -> Option<CheckedRule> {
        let phases = self.phases(rule);
        let unless = rule.unless.as_ref().map(|unless| self.condition(unless, &phases, "`unless`"));
        let when = match &rule.when {
            Some(when) => self.condition(when, &phases, "`when`"),
            None => {
                self.missing(rule, "when", "say when it applies: `when text has …`");
                None
            }
        };
        let action = match (&rule.action, &rule.effect) {
            (Some(action), _) => self.action(&action.verdict),
            (None, Some(effect)) => self.effect(rule, effect),
            (None, None) => {
                self.missing(rule, "do", "say what it does: `do block`, `do redact`, `do flag` …");
                None
            }
        };
        let with = rule.action.as_ref().and_then(|action| action.with.as_ref()).map(|with| self.with(with));
        let message = rule.message.as_ref().map_or(Vec::new(), |message| self.message(message, &phases));
        let severity = rule.severity.as_ref().and_then(|severity| self.severity(severity));
        let tags = self.tags(&rule.tags);
        let unless = match unless {
            Some(unless) => Some(unless?),
            None => None,
        };
        let with = match with {
            Some(with) => Some(with?),
            None => None,
        };
        let code = match &rule.code {
            Some(code) => Arc::from(code.value.as_str()),
            None => Arc::from(format!("{}.{}", self.unit.name, rule.name.value)),
        };
        let name = Arc::from(rule.name.value.as_str());
        Some(CheckedRule {
            name,
            span: rule.name.span,
            buffered: rule.buffered.is_some(),
            phases,
            unless,
            when: when?,
            action: action?,
            with,
            code,
            message,
            severity,
            tags,
        })
    }

    fn phases(&mut self, rule: &ast::Rule) -> Vec<Phase> {
        let mut phases = Vec::new();
        for phase in &rule.phases {
            if phases.contains(&phase.value) {
                let message = format!("`{}` is named twice", phase.value.name());
                self.error(
                    Diagnostic::error(codes::DUPLICATE, phase.span, message).help("name each phase once"),
                );
            } else {
                phases.push(phase.value);
            }
        }
        if let Some(span) = rule.buffered.filter(|_| !phases.contains(&Phase::Response)) {
            let message = "`buffered` waits for the end of an answer, and this rule judges requests alone";
            let help = "leave it out: a request is always whole";
            self.error(Diagnostic::error(codes::WRONG_PHASE, span, message).help(help));
        }
        phases
    }

    fn missing(&mut self, rule: &ast::Rule, clause: &str, help: &str) {
        let message = format!("rule `{}` has no `{clause}`", rule.name.value);
        self.error(Diagnostic::error(codes::MISSING, rule.name.span, message).help(help));
    }

    fn severity(&mut self, severity: &ast::Name) -> Option<Arc<str>> {
        const SEVERITIES: &[&str] = &["low", "medium", "high", "critical"];
        if SEVERITIES.contains(&severity.value.as_str()) {
            return Some(Arc::from(severity.value.as_str()));
        }
        let message = format!("`{}` is not a severity", severity.value);
        let help = format!("the severities are {}", SEVERITIES.join(", "));
        self.error(Diagnostic::error(codes::BAD_VALUE, severity.span, message).help(help));
        None
    }

    fn tags(&mut self, tags: &[grammar::Spanned<ast::Literal>]) -> Vec<Arc<str>> {
        let mut texts = Vec::new();
        for tag in tags {
            match &tag.value {
                ast::Literal::Str(text) => texts.push(Arc::from(text.as_str())),
                _ => self.error(
                    Diagnostic::error(codes::WRONG_TYPE, tag.span, "tags are strings in double quotes")
                        .help("write `tags [\"owasp:llm01\"]`"),
                ),
            }
        }
        texts
    }

    fn condition(&mut self, expr: &ast::Expr, phases: &[Phase], what: &str) -> Option<Typed> {
        let typed = self.typed(expr, &Type::Bool, &format!("the condition after {what}"))?;
        self.in_phases(&typed, phases).then_some(typed)
    }

    /// Whether everything that the expression reads exists in all the phases; what does not is told.
    fn in_phases(&mut self, typed: &Typed, phases: &[Phase]) -> bool {
        let mut found = Vec::new();
        self.unavailable(typed, phases, &mut found);
        for (field, phase, span) in &found {
            let message = format!("`{field}` does not exist in the {} phase", phase.name());
            let help = match phases {
                [_] => "it belongs to the request: make this a rule `on request`, or read `text`".to_owned(),
                _ => format!("make two rules, or leave `{}` out of `on …`", phase.name()),
            };
            self.error(Diagnostic::error(codes::WRONG_PHASE, *span, message).help(help));
        }
        found.is_empty()
    }

    fn unavailable(&self, typed: &Typed, phases: &[Phase], found: &mut Vec<(&'static str, Phase, Span)>) {
        let reads: Option<FieldKind> = match &typed.kind {
            Kind::Texts(scope) => Some(FieldKind::Texts(*scope)),
            Kind::Field(field) => Some(*field),
            Kind::List(list) => Some(list_field(*list)),
            Kind::Quantifier { list, .. } => Some(list_field(*list)),
            _ => None,
        };
        if let Some(field) = self.fields.iter().find(|field| Some(field.kind) == reads) {
            let lacking = phases.iter().find(|phase| !field.phases.contains(phase));
            found.extend(lacking.map(|phase| (field.name, *phase, typed.span)));
        }
        if let Kind::Score(index) = &typed.kind
            && let Some(score) = self.scores.get(*index)
        {
            let from = found.len();
            for (weight, condition) in &score.terms {
                self.unavailable(weight, phases, found);
                condition.iter().for_each(|condition| self.unavailable(condition, phases, found));
            }
            found.iter_mut().skip(from).for_each(|(_, _, place)| *place = typed.span);
        }
        typed.children(&mut |child| self.unavailable(child, phases, found));
    }

    fn action(&mut self, expr: &ast::Expr) -> Option<CheckedAction> {
        if let ExprKind::Path(words) = &expr.kind
            && let [word] = words.as_slice()
            && self.symbol(&word.value).is_none()
        {
            return match named(&word.value) {
                Some(verdict) => Some(CheckedAction::Verdict(verdict)),
                None => {
                    let names = WORDS.iter().map(|(name, _)| *name);
                    let help = grammar::diagnostic::did_you_mean(&word.value, names.clone())
                        .unwrap_or_else(|| format!("a rule can {}", names.collect::<Vec<_>>().join(", ")));
                    let message = format!("`{}` is not something that a rule can do", word.value);
                    self.error(Diagnostic::error(codes::BAD_VALUE, word.span, message).help(help));
                    None
                }
            };
        }
        let verdicts: Vec<&str> = WORDS.iter().map(|(name, _)| *name).collect();
        let typed = self.expr(expr, Some(&Type::choices(&verdicts)))?;
        match &typed.ty {
            Type::Enum(choices) => {
                if let Some(stranger) = choices.iter().find(|choice| named(choice).is_none()) {
                    let message =
                        format!("`{stranger}` is a choice of this, and not something that a rule can do");
                    self.error(
                        Diagnostic::error(codes::TYPE_MISMATCH, typed.span, message)
                            .help(format!("a rule can {}", verdicts.join(", "))),
                    );
                    return None;
                }
                Some(CheckedAction::Constant(typed))
            }
            other => {
                self.mismatch(typed.span, other, "a verdict", "what follows `do`");
                None
            }
        }
    }

    fn with(&mut self, expr: &ast::Expr) -> Option<Typed> {
        let typed = self.expr(expr, None)?;
        if matches!(typed.ty, Type::Str | Type::Marker) {
            return Some(typed);
        }
        self.mismatch(typed.span, &typed.ty, "a string or `marker(…)`", "what follows `with`");
        None
    }

    /// The pieces of a message: words, and `{names}` to fill in.
    fn message(&mut self, message: &ast::Name, phases: &[Phase]) -> Vec<CheckedPiece> {
        let mut pieces = Vec::new();
        let mut rest = message.value.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            pieces.push(CheckedPiece::Text(before.replace("}}", "}").into()));
            if let Some(after) = after.strip_prefix('{') {
                pieces.push(CheckedPiece::Text("{".into()));
                rest = after;
                continue;
            }
            let Some((name, after)) = after.split_once('}') else {
                let diagnostic =
                    Diagnostic::error(codes::SYNTAX, message.span, "a `{` in this message has no `}`");
                self.error(diagnostic.help("write `{name}`, or `{{` for a brace"));
                return pieces;
            };
            pieces.extend(self.piece(name.trim(), message.span, phases));
            rest = after;
        }
        pieces.push(CheckedPiece::Text(rest.replace("}}", "}").into()));
        pieces.retain(|piece| !matches!(piece, CheckedPiece::Text(text) if text.is_empty()));
        pieces
    }

    fn piece(&mut self, name: &str, span: Span, phases: &[Phase]) -> Option<CheckedPiece> {
        match name {
            "labels" => return Some(CheckedPiece::Labels),
            "phase" => return Some(CheckedPiece::Phase),
            _ => {}
        }
        let words: Vec<ast::Name> =
            name.split('.').map(|word| ast::Name::new(word.to_owned(), span)).collect();
        let typed = self.path(&words, span, None)?;
        // What is absent is written as such: a message decides nothing.
        let plain =
            matches!(bare(&typed.ty), Type::Bool | Type::Int | Type::Float | Type::Str | Type::Enum(_))
                || bare(&typed.ty).has_unit();
        if !plain {
            self.mismatch(span, &typed.ty, "a plain value", &format!("`{{{name}}}` in a message"));
            return None;
        }
        self.in_phases(&typed, phases).then_some(CheckedPiece::Value(typed))
    }
}

fn list_field(list: crate::program::ir::ListField) -> FieldKind {
    use crate::program::ir::ListField;
    match list {
        ListField::Messages => FieldKind::Messages,
        ListField::Tools => FieldKind::Tools,
        ListField::ToolCalls => FieldKind::ToolCalls,
        ListField::Targets => FieldKind::Targets,
    }
}
