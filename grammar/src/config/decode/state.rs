//! `state`, and the budgets of keys.

use super::key::key_ref;
use super::serving::target_tls;
use crate::codes::BAD_VALUE;
use crate::config::{KeyBudget, OnError, RedisState, RedisUrl, State};
use crate::diagnostic::Diagnostic;
use crate::yaml::Value;
use crate::yaml::field::Field;
use crate::yaml::mapping::Mapping;
use crate::yaml::reader::Reader;

/// The most dollars of a budget: what can be counted exactly everywhere.
const MOST_DOLLARS: f64 = 1_000_000.0;

/// What is reserved for an answer of whose length nothing is said, as the policy `budget` has it.
const ANSWER_TOKENS: u32 = 4096;

/// Where counters are kept.
pub(super) fn read(reader: &mut Reader, root: &Mapping) -> State {
    let block = root.get("state").and_then(|field| field.mapping(reader, &["redis"]));
    let redis = block.and_then(|block| block.get("redis")).and_then(|field| redis(reader, &field));
    State { redis }
}

fn redis(reader: &mut Reader, field: &Field) -> Option<RedisState> {
    let block = field.mapping(reader, &["url", "prefix", "timeout_ms", "on_error", "tls"])?;
    let help = "write `url: redis://127.0.0.1:6379/0`, or `url: {env: NAME}` where it holds a password";
    let url = block.require(reader, "url", help).and_then(|field| url(reader, &field));
    let prefix = block.get("prefix").map_or(Some("kt".to_owned()), |field| prefix(reader, &field));
    let timeout_ms = block.get("timeout_ms").map_or(Some(500), |field| field.whole(reader, 10..=10_000));
    let choices = [("block", OnError::Block), ("allow", OnError::Allow)];
    let on_error = block
        .get("on_error")
        .map_or(Some(OnError::Block), |field| field.choice(reader, &choices).map(|choice| choice.value));
    let plain = match &url {
        Some(RedisUrl::Plain(url)) => Some(url),
        Some(RedisUrl::Key(_)) | None => None,
    };
    let tls = target_tls(reader, &block, plain);
    Some(RedisState { url: url?, prefix: prefix?, timeout_ms: timeout_ms?, on_error: on_error?, tls })
}

fn url(reader: &mut Reader, field: &Field) -> Option<RedisUrl> {
    if let Value::Map(_) = field.node.value {
        return key_ref(reader, field).map(RedisUrl::Key);
    }
    if let Value::Str(text) = &field.node.value
        && text.contains('@')
    {
        reader.hide(field.node.span);
        let message = "a password must not stand in this file";
        let help = "write `url: {env: NAME}` with the name of an environment variable that holds the address, or `{file: PATH}`";
        reader.report(Diagnostic::error(BAD_VALUE, field.key, message).help(help).path(field.path.as_str()));
        return None;
    }
    let text = field.text(reader)?;
    let is_known =
        ["redis://", "rediss://", "redis+unix://"].iter().any(|scheme| text.value.starts_with(scheme));
    if !is_known || text.value.contains('#') {
        let message = match is_known {
            true => "an address with a `#` switches off that certificates are checked",
            false => "this is not an address of redis",
        };
        let found = field.error(BAD_VALUE, message);
        reader.report(
            found.help(
                "write it like `redis://127.0.0.1:6379/0`, or with TLS `rediss://redis.internal:6379/0`",
            ),
        );
        return None;
    }
    Some(RedisUrl::Plain(text))
}

fn prefix(reader: &mut Reader, field: &Field) -> Option<String> {
    let text = field.text(reader)?.value;
    let fits =
        text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if !fits {
        let found =
            field.error(BAD_VALUE, "a prefix has letters, digits, `-`, `_` and `.`, and at most 64 of them");
        reader.report(found);
    }
    fits.then_some(text)
}

/// `auth.keys[].budget`.
pub(super) fn key_budget(reader: &mut Reader, field: &Field) -> Option<KeyBudget> {
    const KEYS: &[&str] =
        &["max_request_usd", "max_daily_usd", "max_monthly_usd", "max_tokens_per_minute", "answer_tokens"];
    let block = field.mapping(reader, KEYS)?;
    let dollars = |reader: &mut Reader, name| block.get(name).and_then(|field| dollars(reader, &field));
    let number = |reader: &mut Reader, name, most| {
        block.get(name).and_then(|field: Field| field.whole(reader, 1..=most)).map(u64::from)
    };
    let budget = KeyBudget {
        max_request: dollars(reader, "max_request_usd"),
        max_daily: dollars(reader, "max_daily_usd"),
        max_monthly: dollars(reader, "max_monthly_usd"),
        max_tokens_per_minute: number(reader, "max_tokens_per_minute", 1_000_000_000),
        answer_tokens: number(reader, "answer_tokens", 1_000_000).unwrap_or(ANSWER_TOKENS.into()),
    };
    if budget.meters().is_empty() && block.fields().next().is_none() {
        let found = field.error(BAD_VALUE, "this budget limits nothing");
        reader.report(found.help("write `budget: {max_daily_usd: 5}`, or leave `budget` out"));
    }
    Some(budget)
}

/// An amount of dollars in thousandths of a millionth.
fn dollars(reader: &mut Reader, field: &Field) -> Option<u64> {
    let dollars = field.amount(reader)?;
    if dollars > MOST_DOLLARS {
        let message = format!("{} must be at most {MOST_DOLLARS}", field.name());
        reader.report(field.error(BAD_VALUE, message).label("out of range"));
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is looked at above"
    )]
    Some((dollars * 1e9).round() as u64)
}
