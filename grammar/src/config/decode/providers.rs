//! `providers:` and the strategy, wherever it stands.

use super::resilience::{circuit_breaker, retry, triggers};
use super::{proxy, target, unique};
use crate::codes::{BAD_CONFIG, BAD_VALUE, UNKNOWN_NAME};
use crate::config::{AbTest, Fallback, Providers, StickyBy, Strategy, Target, Variant};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::yaml::field::Field;
use crate::yaml::mapping::{Mapping, quoted};
use crate::yaml::reader::Reader;

const KEYS: &[&str] = &[
    "strategy",
    "routing",
    "targets",
    "fallback",
    "retry",
    "circuit_breaker",
    "ab_test",
    "max_concurrency",
    "proxy",
];

const STRATEGIES: &[(&str, Strategy)] = &[
    ("single", Strategy::Single),
    ("fallback", Strategy::Fallback),
    ("ordered", Strategy::Fallback),
    ("weighted_round_robin", Strategy::WeightedRoundRobin),
    ("round_robin", Strategy::RoundRobin),
    ("random", Strategy::Random),
    ("lowest_latency", Strategy::LowestLatency),
    ("latency", Strategy::LowestLatency),
    ("least_cost", Strategy::LeastCost),
    ("cost", Strategy::LeastCost),
    ("least_busy", Strategy::LeastBusy),
];

/// Everything about where requests go; empty when the file says nothing.
pub(super) fn read(reader: &mut Reader, root: &Mapping) -> Providers {
    let block = root.get("providers").and_then(|field| field.mapping(reader, KEYS));
    let place = strategy_place(reader, root, block.as_ref());
    let strategy = place.as_ref().and_then(|field| field.choice(reader, STRATEGIES));
    let Some(block) = block else { return Providers { strategy, ..Providers::default() } };
    let list = block.require(reader, "targets", "list at least one target").and_then(|f| f.list(reader));
    let listed = list.is_some();
    let items = list.unwrap_or_default();
    let targets: Vec<_> = items.iter().filter_map(|item| target::read(reader, item)).collect();
    unique(reader, items.iter().filter_map(|item| item.child("id")), "target id");
    let complete = listed && targets.len() == items.len();
    if let Some((strategy, place)) = strategy.as_ref().zip(place).filter(|_| complete) {
        fits(reader, strategy.value, &place, &targets);
    }
    let ab_test =
        block.get("ab_test").and_then(|field| ab_test(reader, &field, complete.then_some(&*targets)));
    Providers {
        strategy,
        fallback: block.get("fallback").and_then(|field| fallback(reader, &field)).unwrap_or_default(),
        retry: block.get("retry").and_then(|field| retry(reader, &field)),
        circuit_breaker: block.get("circuit_breaker").and_then(|field| circuit_breaker(reader, &field)),
        ab_test,
        max_concurrency: block.get("max_concurrency").and_then(|field| field.whole(reader, 1..=100_000)),
        proxy: block.get("proxy").and_then(|field| proxy::read(reader, &field)),
        targets,
    }
}

/// Where the strategy is said, which must be one place.
fn strategy_place<'n>(
    reader: &mut Reader,
    root: &Mapping<'n>,
    block: Option<&Mapping<'n>>,
) -> Option<Field<'n>> {
    let routings = [root.get("routing"), block.and_then(|block| block.get("routing"))];
    let routed = routings.map(|routing| routing?.mapping(reader, &["strategy"])?.get("strategy"));
    let [at_top, below] = routed;
    let places = [block.and_then(|block| block.get("strategy")), below, at_top];
    let mut places = places.into_iter().flatten();
    let first = places.next()?;
    for other in places {
        let message = "the strategy stands in two places";
        let found = Diagnostic::error(BAD_CONFIG, other.key, message).label(other.path.as_str());
        reader
            .report(found.related(first.key, first.path.as_str()).help("keep one of them").path(other.path));
    }
    Some(first)
}

/// Whether the strategy can be followed with these targets.
fn fits(reader: &mut Reader, strategy: Strategy, place: &Field, targets: &[Target]) {
    let wrong = match (strategy, targets) {
        (Strategy::Single, []) => place
            .error(BAD_CONFIG, "the strategy `single` takes one target, and there is none")
            .help("list the target in `providers.targets`"),
        (Strategy::Single, [_, second, ..]) => {
            let message = format!("the strategy `single` takes one target, and there are {}", targets.len());
            place
                .error(BAD_CONFIG, message)
                .related(second.id.span, "the second target")
                .help("use `fallback` to try them in order, or keep one target")
        }
        (Strategy::WeightedRoundRobin, [first, ..]) if targets.iter().all(|target| target.weight <= 0.0) => {
            place
                .error(BAD_CONFIG, "every target has the weight 0")
                .related(first.id.span, "so no target is ever picked")
                .help("give at least one target a weight above 0")
        }
        _ => return,
    };
    reader.report(wrong);
}

fn fallback(reader: &mut Reader, field: &Field) -> Option<Fallback> {
    let block = field.mapping(reader, &["triggers", "max_fallback_attempts"])?;
    let default = Fallback::default();
    let attempts = block.get("max_fallback_attempts").and_then(|field| field.whole(reader, 0..=100));
    Some(Fallback {
        triggers: block.get("triggers").and_then(|f| triggers(reader, &f)).unwrap_or(default.triggers),
        max_attempts: attempts.unwrap_or(default.max_attempts),
    })
}

fn ab_test(reader: &mut Reader, field: &Field, targets: Option<&[Target]>) -> Option<AbTest> {
    let block = field.mapping(reader, &["enabled", "sticky_by", "variants"])?;
    let enabled = block.get("enabled").and_then(|field| field.flag(reader));
    let sticky_by = block.get("sticky_by").map(|field| sticky_by(reader, &field));
    let list = block.require(reader, "variants", "list them as `{provider_id, weight}`")?.list(reader)?;
    let variants: Vec<_> = list.iter().filter_map(|item| variant(reader, item, targets)).collect();
    if enabled.as_ref().is_none_or(|enabled| enabled.value)
        && variants.len() == list.len()
        && variants.iter().all(|variant| variant.weight <= 0.0)
    {
        let found = field.error(BAD_CONFIG, "no variant has a weight above 0");
        reader.report(found.help("give at least one a weight, or set `enabled: false`"));
    }
    Some(AbTest {
        enabled: enabled.is_none_or(|enabled| enabled.value),
        sticky_by: sticky_by.unwrap_or(Some(StickyBy::UserId))?,
        variants,
    })
}

fn sticky_by(reader: &mut Reader, field: &Field) -> Option<StickyBy> {
    let written = field.text(reader)?.value;
    let header =
        |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') && !name.is_empty();
    match written.as_str() {
        "user_id" => return Some(StickyBy::UserId),
        "conversation_id" => return Some(StickyBy::ConversationId),
        other => {
            if let Some(name) = other.strip_prefix("header:").filter(|name| header(name)) {
                return Some(StickyBy::Header(name.to_lowercase()));
            }
        }
    }
    let found = field.error(BAD_VALUE, format!("{} cannot be `{written}`", field.name()));
    reader.report(found.help("it can be `user_id`, `conversation_id` or `header:<name>`"));
    None
}

fn variant(reader: &mut Reader, field: &Field, targets: Option<&[Target]>) -> Option<Variant> {
    let block = field.mapping(reader, &["provider_id", "weight"])?;
    let id_field = block.require(reader, "provider_id", "write the `id` of a target");
    let weight = block.get("weight").map_or(Some(1.0), |field| field.amount(reader));
    let provider_id = id_field.as_ref()?.text(reader)?;
    let ids: Vec<_> = targets.unwrap_or_default().iter().map(|target| target.id.value.as_str()).collect();
    if targets.is_some() && !ids.contains(&provider_id.value.as_str()) {
        let message = format!("no target has the id `{}`", provider_id.value);
        let help = did_you_mean(&provider_id.value, ids.iter().copied());
        let found = Diagnostic::error(UNKNOWN_NAME, provider_id.span, message).path(id_field?.path);
        reader.report(found.help(help.unwrap_or_else(|| format!("the targets are {}", quoted(ids)))));
    }
    Some(Variant { provider_id, weight: weight? })
}
