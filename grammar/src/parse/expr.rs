//! Expressions, by precedence climbing.

use std::sync::LazyLock;

use pest::iterators::Pair;
use pest::pratt_parser::{Assoc, Op, PrattParser};

use super::{Reader, Rule, children, errors, literal};
use crate::ast::{Arm, BinaryOp, Expr, ExprKind, Match, PatternRef, Quantifier, Quantity, UnaryOp};
use crate::span::Spanned;

/// Loosest first.
static PRECEDENCE: LazyLock<PrattParser<Rule>> = LazyLock::new(|| {
    let infix = |operator| Op::infix(operator, Assoc::Left);
    PrattParser::new()
        .op(infix(Rule::or))
        .op(infix(Rule::and))
        .op(Op::prefix(Rule::not))
        .op(infix(Rule::eq)
            | infix(Rule::ne)
            | infix(Rule::le)
            | infix(Rule::ge)
            | infix(Rule::lt)
            | infix(Rule::gt)
            | infix(Rule::not_in)
            | infix(Rule::in_list)
            | infix(Rule::contains)
            | infix(Rule::starts)
            | infix(Rule::ends)
            | infix(Rule::matches))
        .op(infix(Rule::coalesce))
        .op(infix(Rule::add) | infix(Rule::sub))
        .op(infix(Rule::mul) | infix(Rule::div) | infix(Rule::rem))
        .op(Op::prefix(Rule::neg))
        .op(Op::postfix(Rule::presence) | Op::postfix(Rule::has))
});

impl Reader {
    /// An `expr` pair.
    pub(super) fn expr(&mut self, pair: Pair<'_, Rule>) -> Option<Expr> {
        let span = self.span(&pair);
        self.depth += 1;
        if self.depth > super::MAX_DEPTH || pair.clone().into_inner().count() > super::MAX_OPERATORS * 4 {
            self.depth -= 1;
            self.error(errors::too_deep(self.source, span.start));
            return None;
        }
        let this = std::cell::RefCell::new(&mut *self);
        let expr = PRECEDENCE
            .map_primary(|pair| this.borrow_mut().primary(pair))
            .map_prefix(|op, right| this.borrow_mut().unary(&op, right?))
            .map_postfix(|left, op| this.borrow_mut().postfix(left?, op))
            .map_infix(|left, op, right| this.borrow_mut().binary(left?, &op, right?))
            .parse(pair.into_inner());
        self.depth -= 1;
        expr
    }

    fn primary(&mut self, pair: Pair<'_, Rule>) -> Option<Expr> {
        let span = self.span(&pair);
        let kind = match pair.as_rule() {
            // With its parentheses, so that what it is part of has them in pairs.
            Rule::group => return self.expr(pair.into_inner().next()?).map(|inner| Expr { span, ..inner }),
            Rule::conditional => {
                let mut parts = self.exprs(pair).into_iter();
                ExprKind::If(Box::new(parts.next()?), Box::new(parts.next()?), Box::new(parts.next()?))
            }
            Rule::matching => ExprKind::Match(Box::new(self.matching(pair)?)),
            Rule::quantifier => ExprKind::Quantifier(Box::new(self.quantifier(pair)?)),
            Rule::list => ExprKind::List(self.exprs(pair)),
            Rule::call => {
                let name = self.name(&pair.clone().into_inner().next()?);
                ExprKind::Call(name, self.exprs(pair))
            }
            Rule::path => self.path(pair),
            _ => ExprKind::Literal(self.literal(pair)?.value),
        };
        Some(Expr { span, kind })
    }

    fn matching(&mut self, pair: Pair<'_, Rule>) -> Option<Match> {
        let mut parts = children(pair).into_iter();
        let subject = self.expr(parts.next()?)?;
        let (mut arms, mut otherwise) = (Vec::new(), None);
        for part in parts {
            if part.as_rule() == Rule::otherwise {
                otherwise = Some(self.exprs(part).pop()?);
            } else {
                arms.push(self.arm(part)?);
            }
        }
        Some(Match { subject, arms, otherwise })
    }

    fn arm(&mut self, pair: Pair<'_, Rule>) -> Option<Arm> {
        let mut picks: Vec<Pair<'_, Rule>> = children(pair);
        let value = self.expr(picks.pop()?)?;
        let picks = picks.into_iter().filter_map(|pick| self.pick(pick)).collect();
        Some(Arm { picks, value })
    }

    fn pick(&mut self, pair: Pair<'_, Rule>) -> Option<Expr> {
        let inner = children(pair).pop()?;
        if inner.as_rule() != Rule::word {
            return self.primary(inner);
        }
        let word = self.name(&inner);
        Some(Expr { span: word.span, kind: ExprKind::Path(vec![word]) })
    }

    fn path(&mut self, pair: Pair<'_, Rule>) -> ExprKind {
        ExprKind::Path(pair.into_inner().map(|word| self.name(&word)).collect())
    }

    /// The expressions among a pair's children.
    pub(super) fn exprs(&mut self, pair: Pair<'_, Rule>) -> Vec<Expr> {
        children(pair)
            .into_iter()
            .filter(|inner| inner.as_rule() == Rule::expr)
            .filter_map(|inner| self.expr(inner))
            .collect()
    }

    fn quantifier(&mut self, pair: Pair<'_, Rule>) -> Option<Quantifier> {
        let mut parts = pair.into_inner();
        let quantity = match parts.next()?.as_str() {
            "any" => Quantity::Any,
            "all" => Quantity::All,
            _ => Quantity::Count,
        };
        let each = children(parts.next()?);
        let [element, list, body] = <[_; 3]>::try_from(each).ok()?;
        let element = self.name(&element);
        let list = Expr { span: self.span(&list), kind: self.path(list) };
        Some(Quantifier { quantity, element, list, body: self.expr(body)? })
    }

    fn unary(&mut self, op: &Pair<'_, Rule>, right: Expr) -> Option<Expr> {
        let span = self.span(op).to(right.span);
        let op = if op.as_rule() == Rule::not { UnaryOp::Not } else { UnaryOp::Neg };
        Some(Expr { span, kind: ExprKind::Unary(op, Box::new(right)) })
    }

    fn postfix(&mut self, left: Expr, op: Pair<'_, Rule>) -> Option<Expr> {
        let span = left.span.to(self.span(&op));
        let kind = if op.as_rule() == Rule::has {
            let patterns = children(op).into_iter().map(|one| self.pattern_ref(one)).collect();
            ExprKind::Has(Box::new(left), patterns)
        } else {
            let present = children(op).first().is_some_and(|word| word.as_rule() == Rule::present);
            ExprKind::Present(Box::new(left), present)
        };
        Some(Expr { span, kind })
    }

    fn pattern_ref(&mut self, pair: Pair<'_, Rule>) -> Spanned<PatternRef> {
        let span = self.span(&pair);
        let pattern = match pair.as_rule() {
            Rule::regex => PatternRef::Regex(literal::regex(pair.as_str())),
            Rule::string => PatternRef::Phrase(self.string(&pair).value),
            _ => PatternRef::Name(pair.as_str().to_owned()),
        };
        Spanned::new(pattern, span)
    }

    fn binary(&mut self, left: Expr, op: &Pair<'_, Rule>, right: Expr) -> Option<Expr> {
        let span = left.span.to(right.span);
        let op = Spanned::new(operator(op.as_rule())?, self.span(op));
        Some(Expr { span, kind: ExprKind::Binary(op, Box::new(left), Box::new(right)) })
    }
}

fn operator(sign: Rule) -> Option<BinaryOp> {
    Some(match sign {
        Rule::or => BinaryOp::Or,
        Rule::and => BinaryOp::And,
        Rule::coalesce => BinaryOp::Coalesce,
        Rule::eq => BinaryOp::Eq,
        Rule::ne => BinaryOp::Ne,
        Rule::lt => BinaryOp::Lt,
        Rule::le => BinaryOp::Le,
        Rule::gt => BinaryOp::Gt,
        Rule::ge => BinaryOp::Ge,
        Rule::in_list => BinaryOp::In,
        Rule::not_in => BinaryOp::NotIn,
        Rule::contains => BinaryOp::Contains,
        Rule::starts => BinaryOp::StartsWith,
        Rule::ends => BinaryOp::EndsWith,
        Rule::matches => BinaryOp::Matches,
        Rule::add => BinaryOp::Add,
        Rule::sub => BinaryOp::Sub,
        Rule::mul => BinaryOp::Mul,
        Rule::div => BinaryOp::Div,
        Rule::rem => BinaryOp::Rem,
        _ => return None,
    })
}
