//! `rate_limits`: so many requests or tokens, per so much time.

use crate::config::{CountedBy, Period, RateLimit, RateLimits};
use crate::yaml::field::Field;
use crate::yaml::mapping::Mapping;
use crate::yaml::reader::Reader;

const KEYS: &[&str] =
    &["global_rate_limit", "user_rate_limit", "key_rate_limit", "ip_rate_limit", "token_rate_limit"];

const PERIODS: &[(&str, Period)] =
    &[("second", Period::Second), ("minute", Period::Minute), ("hour", Period::Hour), ("day", Period::Day)];

const COUNTED: &[(&str, CountedBy)] = &[
    ("gateway", CountedBy::Gateway),
    ("key", CountedBy::Key),
    ("user", CountedBy::User),
    ("ip", CountedBy::Ip),
];

/// Most requests in a period: beyond, the time between two is lost in rounding.
const MOST_REQUESTS: u32 = 1_000_000;
/// Most tokens in a period.
const MOST_TOKENS: u32 = 100_000_000;
/// How many periods' worth may come at once.
const MOST_PERIODS: u32 = 10;

pub(super) fn read(reader: &mut Reader, field: &Field) -> Option<RateLimits> {
    let block = field.mapping(reader, KEYS)?;
    let requests = |reader: &mut Reader, name| block.get(name).and_then(|field| requests(reader, &field));
    Some(RateLimits {
        global: requests(reader, "global_rate_limit"),
        user: requests(reader, "user_rate_limit"),
        key: requests(reader, "key_rate_limit"),
        ip: requests(reader, "ip_rate_limit"),
        token: block.get("token_rate_limit").and_then(|field| tokens(reader, &field)),
    })
}

fn requests(reader: &mut Reader, field: &Field) -> Option<RateLimit> {
    let block = field.mapping(reader, &["requests", "per", "burst"])?;
    limit(reader, &block, "requests", MOST_REQUESTS)
}

fn tokens(reader: &mut Reader, field: &Field) -> Option<(RateLimit, CountedBy)> {
    let block = field.mapping(reader, &["tokens", "per", "burst", "by"])?;
    let by = block.get("by").and_then(|field| field.choice(reader, COUNTED));
    let limit = limit(reader, &block, "tokens", MOST_TOKENS)?;
    Some((limit, by.map_or(CountedBy::Gateway, |by| by.value)))
}

fn limit(reader: &mut Reader, block: &Mapping, what: &str, most: u32) -> Option<RateLimit> {
    let help = format!("write `{{{what}: 100, per: minute}}`");
    let amount = block.require(reader, what, &help).and_then(|field| field.whole(reader, 1..=most));
    let per = block.require(reader, "per", &help).and_then(|field| field.choice(reader, PERIODS));
    let amount = amount?;
    let bursts = 1..=amount.saturating_mul(MOST_PERIODS);
    let burst = block.get("burst").map_or(Some(amount), |field| field.whole(reader, bursts));
    Some(RateLimit { amount, per: per?.value, burst: burst? })
}
