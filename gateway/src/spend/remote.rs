//! Counters that several gateways share, in Redis.

use std::sync::Arc;

use redis::Script;

use super::entry::Entry;
use super::journal::Change;
use crate::commons::Commons;

/// Seconds for which a counter is kept after its time is over, and a reservation that is not settled.
const KEPT: i64 = 86_400;

/// Takes all amounts or none. `KEYS` are the reservation and then the counters, `ARGV` for each of these its limit, the amount
/// and the seconds for which it is kept, and at the end those of the reservation. Gives the number of the counter that is
/// full, or 0.
const RESERVE: &str = "
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
for i = 2, #KEYS do
  local at = (i - 2) * 3
  local taken = tonumber(redis.call('GET', KEYS[i]) or '0')
  if taken + tonumber(ARGV[at + 2]) > tonumber(ARGV[at + 1]) then return i - 1 end
end
for i = 2, #KEYS do
  local at = (i - 2) * 3
  redis.call('INCRBY', KEYS[i], ARGV[at + 2])
  redis.call('EXPIRE', KEYS[i], ARGV[at + 3])
end
redis.call('SET', KEYS[1], '1', 'EX', ARGV[#ARGV])
return 0
";

/// Corrects each counter by its amount, once for a reservation: so it may be tried again when nobody knows whether it was done.
const SETTLE: &str = "
if redis.call('DEL', KEYS[1]) == 0 then return 0 end
for i = 2, #KEYS do
  if redis.call('EXISTS', KEYS[i]) == 1 then redis.call('INCRBY', KEYS[i], ARGV[i - 1]) end
end
return 1
";

/// What has been taken of budgets by all gateways.
#[derive(Debug)]
pub(super) struct Remote {
    commons: Arc<Commons>,
    reserve: Script,
    settle: Arc<Script>,
}

impl Remote {
    pub(super) fn new(commons: Arc<Commons>) -> Self {
        Self { commons, reserve: Script::new(RESERVE), settle: Arc::new(Script::new(SETTLE)) }
    }

    /// Takes all of it or nothing; the index of the entry that does not fit, if there is one.
    pub(super) async fn reserve(
        &self,
        id: &str,
        entries: &[Entry],
        now: i64,
    ) -> Result<Option<usize>, String> {
        let mut call = self.reserve.prepare_invoke();
        call.key(reservation(&self.commons, id));
        for entry in entries {
            let kept = entry.end.saturating_sub(now).saturating_add(KEPT);
            call.key(counter(&self.commons, &entry.key)).arg(entry.limit).arg(entry.amount).arg(kept);
        }
        call.arg(KEPT);
        Ok(self.commons.call::<usize>(&call).await?.checked_sub(1))
    }

    /// Corrects what was reserved, in the background and until it is done.
    pub(super) fn settle(&self, id: String, changes: Vec<Change>) {
        let (commons, script) = (Arc::clone(&self.commons), Arc::clone(&self.settle));
        self.commons.later(async move {
            let mut call = script.prepare_invoke();
            call.key(reservation(&commons, &id));
            for change in &changes {
                call.key(counter(&commons, &change.key)).arg(change.by.to_string());
            }
            commons.insist(&call, "a reservation").await;
        });
    }
}

fn reservation(commons: &Commons, id: &str) -> String {
    commons.key(format_args!("reservation:{id}"))
}

fn counter(commons: &Commons, key: &str) -> String {
    commons.key(format_args!("budget:{key}"))
}
