//! What rules do beside verdicts: `route to`, `exclude target` and `reserve`; and the networks that a client may come from.

use grammar::ast::{self, Expr, Phase};
use grammar::budget::{Meter, Window};
use grammar::{Diagnostic, Span, codes};

use super::Checker;
use super::expr::bare;
use crate::compile::typed::{CheckedAction, CheckedReserve, Kind, Typed};
use crate::value::Type;

impl Checker<'_> {
    /// What a rule says of the targets, or takes of a budget. The request has gone by the time its answer comes.
    pub(super) fn effect(&mut self, rule: &ast::Rule, effect: &ast::Effect) -> Option<CheckedAction> {
        if let Some(phase) = rule.phases.iter().find(|phase| phase.value == Phase::Response) {
            let (message, help) = match effect {
                ast::Effect::To(_) | ast::Effect::Exclude { .. } => (
                    "an answer comes from a target that is chosen already",
                    "decide where a request goes `on request` alone",
                ),
                ast::Effect::Reserve(_) => (
                    "by the time of an answer its request is paid for",
                    "reserve `on request` alone: what the answer came to is counted by itself",
                ),
            };
            self.error(Diagnostic::error(codes::WRONG_PHASE, phase.span, message).help(help));
            return None;
        }
        match effect {
            ast::Effect::To(targets) => {
                let typed = self.expr(targets, Some(&Type::Str))?;
                let names = matches!(&typed.ty, Type::List(inner) if **inner == Type::Str);
                if typed.ty != Type::Str && !names {
                    self.mismatch(
                        typed.span,
                        &typed.ty,
                        "a string or a list of strings",
                        "what follows `route to`",
                    );
                    return None;
                }
                Some(CheckedAction::Route(typed))
            }
            ast::Effect::Exclude { target, condition } => {
                self.elements.push((target.value.clone(), Type::Target));
                let condition = self.typed(condition, &Type::Bool, "the condition on a target");
                self.elements.pop();
                Some(CheckedAction::Exclude(condition?))
            }
            ast::Effect::Reserve(reserve) => self.reserve(reserve),
        }
    }

    fn reserve(&mut self, reserve: &ast::Reserve) -> Option<CheckedAction> {
        let (meter, window) = (reserve.meter.value, reserve.window.value);
        let limit = match meter {
            Meter::Cost => self.typed(&reserve.limit, &Type::Money, "a limit of what requests cost"),
            Meter::Tokens => self.typed(&reserve.limit, &Type::Int, "a limit of tokens"),
        };
        let whose = reserve.whose.iter().map(|expr| self.whose(expr)).collect::<Option<Vec<_>>>();
        if window == Window::Request
            && let Some(first) = reserve.whose.first()
        {
            let message = "a limit for each request by itself is nobody's";
            let help = "leave out `for` and what follows it";
            self.error(Diagnostic::error(codes::TYPE_MISMATCH, first.span, message).help(help));
            return None;
        }
        let assuming = match &reserve.assuming {
            Some(expr) => Some(self.typed(expr, &Type::Int, "the tokens of an answer")?),
            None => None,
        };
        Some(CheckedAction::Reserve(Box::new(CheckedReserve {
            meter,
            limit: limit?,
            window,
            whose: whose?,
            assuming,
        })))
    }

    /// Whose a budget is: a string, which may be absent.
    fn whose(&mut self, expr: &Expr) -> Option<Typed> {
        let typed = self.expr(expr, Some(&Type::Str))?;
        if bare(&typed.ty).is_text_value() {
            return Some(typed);
        }
        self.mismatch(typed.span, &typed.ty, "a string", "what follows `for`");
        None
    }

    /// `cidr("10.0.0.0/8", …)`: networks, or a param with a list of them.
    pub(super) fn networks(&mut self, args: &[Expr], span: Span) -> Option<Typed> {
        let list = Type::List(Box::new(Type::Str));
        if let [one] = args {
            let typed = self.expr(one, Some(&Type::Str))?;
            if typed.ty == list {
                return Some(Typed { ty: Type::Networks, span, kind: typed.kind });
            }
        }
        let mut items = Vec::new();
        for arg in args {
            items.push(self.typed(arg, &Type::Str, "a network")?);
        }
        Some(Typed { ty: Type::Networks, span, kind: Kind::Items(items) })
    }
}
