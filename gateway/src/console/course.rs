//! Counts over time, in as many columns as a small chart has.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::query::Query;
use crate::audit::lately::{Course, OfTarget, STEP, Slot};
use crate::gateway::Gateway;
use crate::wire::Fault;

/// How many columns there are.
const COLUMNS: usize = 60;

/// The counts of the last `minutes`, from 10 to 60, or a little more to fill the columns.
pub(super) fn told(gateway: &Gateway, query: &Query) -> Result<Value, Fault> {
    query.only(&["minutes"])?;
    let minutes = query.number("minutes", 10..=60, 10)?;
    let course = gateway.audit.lately().course();
    let grid = Grid::ending_at(Timestamp::now().as_second(), i64::try_from(minutes).unwrap_or(10));
    Ok(table(&course, &grid))
}

/// Which slot is in which column.
struct Grid {
    /// The number of the first slot.
    first: i64,
    /// How many slots a column has.
    width: i64,
}

impl Grid {
    fn ending_at(second: i64, minutes: i64) -> Self {
        let columns = i64::try_from(COLUMNS).unwrap_or(60);
        let width = (minutes * 60 / STEP + columns - 1).div_euclid(columns).max(1);
        // Columns keep their places as time goes on, so that a chart moves by whole columns.
        let end = second.div_euclid(STEP).div_euclid(width) + 1;
        Self { first: (end - columns) * width, width }
    }

    fn column(&self, slot: &Slot) -> Option<usize> {
        let column = usize::try_from((slot.number - self.first).div_euclid(self.width)).ok()?;
        (column < COLUMNS).then_some(column)
    }
}

/// A number for each column.
type Row<T> = Vec<T>;

fn row<T: Clone + Default>() -> Row<T> {
    vec![T::default(); COLUMNS]
}

fn add(row: &mut [u64], column: usize, count: u64) {
    if let Some(cell) = row.get_mut(column) {
        *cell = cell.saturating_add(count);
    }
}

fn table(course: &Course, grid: &Grid) -> Value {
    let mut verdicts: BTreeMap<&str, Row<u64>> = BTreeMap::new();
    let mut policies: BTreeMap<&str, BTreeMap<&str, Row<u64>>> = BTreeMap::new();
    let mut micros: BTreeMap<&str, u64> = BTreeMap::new();
    let mut rules: BTreeMap<(&str, &str), Row<u64>> = BTreeMap::new();
    let mut targets: BTreeMap<&str, Row<OfTarget>> = BTreeMap::new();
    for slot in course.since(grid.first) {
        let Some(column) = grid.column(slot) else { continue };
        for (verdict, count) in &slot.verdicts {
            add(verdicts.entry(verdict).or_insert_with(row), column, *count);
        }
        for (name, policy) in &slot.policies {
            let of = policies.entry(name).or_default();
            for (result, count) in &policy.results {
                add(of.entry(result).or_insert_with(row), column, *count);
            }
            *micros.entry(name).or_default() += policy.micros;
        }
        for ((policy, rule), count) in &slot.rules {
            add(rules.entry((policy.as_str(), rule.as_str())).or_insert_with(row), column, *count);
        }
        for (id, target) in &slot.targets {
            if let Some(cell) = targets.entry(id).or_insert_with(row).get_mut(column) {
                join(cell, target);
            }
        }
    }
    let policies = policies
        .into_iter()
        .map(|(name, results)| (name.to_owned(), json!({"results": results, "micros": micros.get(name)})));
    let rules = rules
        .into_iter()
        .map(|((policy, rule), counts)| json!({"policy": policy, "rule": rule, "counts": counts}));
    json!({
        "from": grid.first * STEP,
        "step": grid.width * STEP,
        "columns": COLUMNS,
        "verdicts": verdicts,
        "policies": policies.collect::<Map<_, _>>(),
        "rules": rules.collect::<Vec<_>>(),
        "targets": targets.into_iter().map(|(id, row)| (id.to_owned(), of_target(&row))).collect::<Map<_, _>>(),
    })
}

fn join(into: &mut OfTarget, other: &OfTarget) {
    into.requests += other.requests;
    into.attempts += other.attempts;
    into.failures += other.failures;
    into.input_tokens = into.input_tokens.saturating_add(other.input_tokens);
    into.output_tokens = into.output_tokens.saturating_add(other.output_tokens);
    into.cost_usd += other.cost_usd;
    into.unpriced += other.unpriced;
    into.latencies.add(&other.latencies);
}

fn of_target(row: &[OfTarget]) -> Value {
    let mut all = OfTarget::default();
    row.iter().for_each(|cell| join(&mut all, cell));
    let each = |of: fn(&OfTarget) -> Value| row.iter().map(of).collect::<Vec<_>>();
    json!({
        "requests": all.requests,
        "attempts": all.attempts,
        "failures": all.failures,
        "input_tokens": all.input_tokens,
        "output_tokens": all.output_tokens,
        // A price that is not known is none, and not 0.
        "cost_usd": (all.requests > all.unpriced).then_some(all.cost_usd),
        "unpriced": all.unpriced,
        "p50_ms": all.latencies.percentile(50),
        "p95_ms": all.latencies.percentile(95),
        "p99_ms": all.latencies.percentile(99),
        "columns": {
            "requests": each(|cell| json!(cell.requests)),
            "attempts": each(|cell| json!(cell.attempts)),
            "failures": each(|cell| json!(cell.failures)),
            "cost_usd": each(|cell| json!(cell.cost_usd)),
            "p50_ms": each(|cell| json!(cell.latencies.percentile(50))),
            "p95_ms": each(|cell| json!(cell.latencies.percentile(95))),
        },
    })
}
