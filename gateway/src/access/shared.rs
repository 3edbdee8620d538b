//! Limits that several gateways keep together, in Redis and by its clock.
//!
//! For each whom a limit counts there is a bucket: how full it was, in nanoseconds that pass until it is empty, and when. That
//! is the one number of [`super::limiter`] said in another way, since numbers of Lua are exact up to 2^53 only.

use std::sync::Arc;
use std::time::Duration;

use redis::Script;

use super::limiter::{LONGEST_DEBT, Limiter};
use super::rates::Taking;
use crate::commons::Commons;
use crate::gateway::FailMode;
use crate::ids;

/// Reads a bucket as it is by now.
const LEVEL: &str = "
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function level_of(key)
  local was, at = string.match(redis.call('GET', key) or '', '^(%d+) (%d+)$')
  if not was then return 0 end
  return math.max(0, was - math.max(0, now - at) * 1000)
end
local function keep(key, level)
  if level <= 0 then return redis.call('DEL', key) end
  redis.call('SET', key, string.format('%.0f %.0f', level, now), 'PX', math.ceil(level / 1000000) + 1)
end
";

/// Fills buckets one after the other, as far as they have room. `ARGV` are for each how much comes into it, and how much there
/// is room for. Gives the number of the first without room and the microseconds until it has, or zeros.
const TAKE: &str = "
for i = 1, #KEYS do
  local most = tonumber(ARGV[i * 2])
  local level = level_of(KEYS[i]) + tonumber(ARGV[i * 2 - 1])
  if level > most then return {i, math.ceil((level - most) / 1000)} end
  keep(KEYS[i], level)
end
return {0, 0}
";

/// Corrects a bucket, once: so it may be tried again when nobody knows whether it was done. `KEYS` are the bucket and what is
/// left as a mark, `ARGV` by how much and how full it may become.
const SETTLE: &str = "
if not redis.call('SET', KEYS[2], '1', 'NX', 'EX', 300) then return 0 end
keep(KEYS[1], math.min(level_of(KEYS[1]) + tonumber(ARGV[1]), tonumber(ARGV[2])))
return 1
";

/// The limits of all gateways with one Redis.
#[derive(Debug)]
pub(super) struct Shared {
    commons: Arc<Commons>,
    take: Script,
    settle: Script,
}

impl Shared {
    pub(super) fn new(commons: &Arc<Commons>) -> Arc<Self> {
        let script = |body| Script::new(&format!("{LEVEL}{body}"));
        Arc::new(Self { commons: Arc::clone(commons), take: script(TAKE), settle: script(SETTLE) })
    }

    /// What happens to requests when nobody knows how many there were.
    pub(super) fn on_error(&self) -> FailMode {
        self.commons.on_error
    }

    /// Takes one after the other; the place of the first that has too little left, and how long it takes until it has enough.
    pub(super) async fn take(&self, takings: &[Taking<'_>]) -> Result<Option<(usize, Duration)>, String> {
        let mut call = self.take.prepare_invoke();
        for taking in takings {
            let (each, most) = (taking.limiter.interval(), taking.limiter.limit.burst);
            let nanos = |amount: u32| each.saturating_mul(amount.into());
            call.key(self.key(taking)).arg(nanos(taking.amount.clamp(1, most))).arg(nanos(most));
        }
        let (at, micros) = self.commons.call::<(usize, u64)>(&call).await?;
        Ok(at.checked_sub(1).map(|at| (at, Duration::from_micros(micros))))
    }

    /// The bucket of a taking. Another limit of the same name has buckets of its own.
    pub(super) fn key(&self, taking: &Taking<'_>) -> String {
        let Limiter { name, limit, .. } = &**taking.limiter;
        let (amount, per, burst) = (limit.amount, limit.per.name(), limit.burst);
        let whose = taking.whose.digest();
        self.commons.key(format_args!("limit:{name}/{amount}/{per}/{burst}/{whose}"))
    }

    /// Gives back what was not used of what was taken, and takes what was used beyond it; in the background.
    pub(super) fn settle(self: Arc<Self>, key: String, each: u64, taken: u32, used: u64) {
        let by = (i128::from(used) - i128::from(taken)).saturating_mul(each.into());
        let longest = LONGEST_DEBT.as_nanos();
        let most = i128::try_from(longest).unwrap_or(i128::MAX);
        let mark = self.commons.key(format_args!("settled:{}", ids::fresh("lim")));
        let commons = Arc::clone(&self.commons);
        commons.later(async move {
            let mut call = self.settle.prepare_invoke();
            call.key(key).key(mark).arg(by.clamp(-most, most).to_string()).arg(longest.to_string());
            self.commons.insist(&call, "what was taken of a limit").await;
        });
    }
}
