//! Rules about targets: `route to`, `exclude target`, and the networks that a client may come from.

use grammar::ast::{self, Expr, Phase};
use grammar::{Diagnostic, Span, codes};

use super::Checker;
use crate::compile::typed::{CheckedAction, Kind, Typed};
use crate::value::Type;

impl Checker<'_> {
    /// What a rule says of the targets. The request has gone by the time its answer comes.
    pub(super) fn routing(&mut self, rule: &ast::Rule, routing: &ast::Routing) -> Option<CheckedAction> {
        if let Some(phase) = rule.phases.iter().find(|phase| phase.value == Phase::Response) {
            self.error(
                Diagnostic::error(
                    codes::WRONG_PHASE,
                    phase.span,
                    "an answer comes from a target that is chosen already",
                )
                .help("decide where a request goes `on request` alone"),
            );
            return None;
        }
        match routing {
            ast::Routing::To(targets) => {
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
            ast::Routing::Exclude { target, condition } => {
                self.elements.push((target.value.clone(), Type::Target));
                let condition = self.typed(condition, &Type::Bool, "the condition on a target");
                self.elements.pop();
                Some(CheckedAction::Exclude(condition?))
            }
        }
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
