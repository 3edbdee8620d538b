//! What a request takes of budgets, as the rules ask for it.

use grammar::ast::Phase;

use super::eval::Evaluator;
use super::wording::{decision, message};
use crate::claim::{ASSUMED, Claim};
use crate::program::{Effect, Program, Reserve};
use crate::script::ScriptFailure;
use crate::value::Value;
use crate::verdict::Verdict;

/// Thousandths of a millionth of a dollar in a millionth.
const NANOS: u64 = 1000;

/// The claim that a rule makes whose condition holds, if it is such a rule.
pub(super) fn claim(
    program: &Program,
    rule: usize,
    evaluator: &mut Evaluator<'_>,
) -> Result<Option<Claim>, ScriptFailure> {
    let Some(rule) = program.rules.get(rule) else { return Ok(None) };
    let Some(Effect::Reserve(Reserve { meter, limit, window, whose, assuming })) = &rule.effect else {
        return Ok(None);
    };
    let limit = match evaluator.value(*limit)? {
        Value::Money(micros) => u64::try_from(micros).unwrap_or(0).saturating_mul(NANOS),
        other => whole(&other),
    };
    let mut names = Vec::with_capacity(whose.len());
    for node in whose {
        names.push(match evaluator.value(*node)? {
            Value::Str(name) => Some(name),
            _ => None,
        });
    }
    let assuming = match assuming {
        Some(node) => whole(&evaluator.value(*node)?),
        None => ASSUMED,
    };
    let message = message(rule, Phase::Request, &mut Vec::new(), &mut |node| evaluator.value(node).ok());
    let mut decision = decision(program, rule, message, None);
    decision.verdict = Verdict::Block;
    Ok(Some(Claim { meter: *meter, limit, window: *window, whose: names, assuming, decision }))
}

/// A count, which is nothing where it is negative.
fn whole(value: &Value) -> u64 {
    value.as_int().and_then(|count| u64::try_from(count).ok()).unwrap_or(0)
}
