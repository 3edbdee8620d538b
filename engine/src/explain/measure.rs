//! What data sets are measured by: which rules held, and what their scores came to.

use std::sync::Arc;

use grammar::ast::Phase;

use super::{Outcome, outcome};
use crate::program::Program;
use crate::run::tally::Tally;

/// One rule of an exchange.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Its policy.
    pub policy: Arc<str>,
    /// Its name.
    pub rule: Arc<str>,
    /// Whether its condition held in any phase.
    pub held: bool,
    /// The score that its condition compares, where it has one and it was worked out: the highest of the phases.
    pub score: Option<f64>,
}

/// Every rule that its params leave in force, in order.
pub fn measure(program: &Program, tally: &Tally) -> Vec<Measured> {
    let in_force = program.outlines.iter().filter_map(|outline| {
        let rule = program.rules.get(outline.rule?)?;
        let policy = program.policies.get(outline.policy)?;
        let phases = || outline.phases.iter().map(|phase: &Phase| tally.of(*phase));
        let held = phases().any(|trace| matches!(outcome(program, outline, trace), Outcome::Held(_)));
        let scores = phases().filter_map(|trace| trace.number(rule.score?));
        Some(Measured {
            policy: Arc::clone(&policy.name),
            rule: Arc::clone(&outline.name),
            held,
            score: scores.reduce(f64::max),
        })
    });
    in_force.collect()
}
