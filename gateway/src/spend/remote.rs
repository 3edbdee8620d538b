//! Counters that several gateways share, in Redis.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use grammar::config::{self, RedisUrl};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisError, Script};
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::entry::Entry;
use super::journal::Change;
use crate::error::Error;
use crate::route::read_key;

/// Seconds for which a counter is kept after its time is over, and a reservation that is not settled.
const KEPT: i64 = 86_400;

/// How often it is tried to settle a reservation, and the pauses between.
const TRIES: u32 = 8;
const PAUSE: Duration = Duration::from_millis(250);

/// Longest wait at the end for what is being settled.
const LAST_WAIT: Duration = Duration::from_secs(3);

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

/// A connection, which mends itself.
pub(super) struct Redis {
    wire: Arc<Wire>,
    settling: Mutex<JoinSet<()>>,
}

struct Wire {
    manager: ConnectionManager,
    /// What all its keys begin with. In braces, so that a cluster keeps them together.
    prefix: String,
    patience: Duration,
    reserve: Script,
    settle: Script,
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("prefix", &self.wire.prefix).finish_non_exhaustive()
    }
}

/// What is said of a failure: never the address, which may hold a password.
fn told(error: &RedisError) -> String {
    match (error.is_timeout(), error.is_connection_refusal() || error.is_connection_dropped()) {
        (true, _) => "redis does not answer in time".to_owned(),
        (_, true) => "redis cannot be reached".to_owned(),
        _ => format!("redis: {}", error.category()),
    }
}

impl Redis {
    /// Makes it ready; it is connected to when it is needed first.
    pub(super) fn new(written: &config::RedisState) -> Result<Self, Error> {
        let url = match &written.url {
            RedisUrl::Plain(url) => url.value.clone(),
            RedisUrl::Key(key) => read_key(key)
                .map_err(|reason| Error::new(format!("the address of redis, `state.redis.url`: {reason}")))?
                .into_address(),
        };
        let wrong = |what: &str| {
            Error::new(format!(
                "the address of redis, `state.redis.url`, {what}; write it like `redis://:PASSWORD@redis.internal:6379/0`"
            ))
        };
        if url.starts_with("rediss:") {
            return Err(wrong("asks for TLS, which is not supported: use a tunnel or a private network"));
        }
        let client = Client::open(url).map_err(|_| wrong("is not an address of redis"))?;
        let patience = Duration::from_millis(written.timeout_ms.into());
        let settings = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_max_delay(Duration::from_secs(2))
            .set_connection_timeout(Some(patience))
            .set_response_timeout(Some(patience));
        let manager = client.get_connection_manager_lazy(settings).map_err(|_| wrong("cannot be used"))?;
        let wire = Wire {
            manager,
            prefix: written.prefix.clone(),
            patience,
            reserve: Script::new(RESERVE),
            settle: Script::new(SETTLE),
        };
        Ok(Self { wire: Arc::new(wire), settling: Mutex::default() })
    }

    /// Takes all of it or nothing; the index of the entry that does not fit, if there is one.
    pub(super) async fn reserve(
        &self,
        id: &str,
        entries: &[Entry],
        now: i64,
    ) -> Result<Option<usize>, String> {
        let mut call = self.wire.reserve.prepare_invoke();
        call.key(self.wire.reservation(id));
        for entry in entries {
            let kept = entry.end.saturating_sub(now).saturating_add(KEPT);
            call.key(self.wire.counter(&entry.key)).arg(entry.limit).arg(entry.amount).arg(kept);
        }
        call.arg(KEPT);
        let mut manager = self.wire.manager.clone();
        let answered = timeout(self.wire.patience, call.invoke_async::<usize>(&mut manager)).await;
        let full = answered.map_err(|_| "redis does not answer in time".to_owned())?;
        Ok(full.map_err(|error| told(&error))?.checked_sub(1))
    }

    /// Corrects what was reserved, in the background and until it is done.
    pub(super) fn settle(&self, id: String, changes: Vec<Change>) {
        let Ok(runtime) = Handle::try_current() else {
            tracing::error!("a reservation stays as it was made: the gateway leaves");
            return;
        };
        let wire = Arc::clone(&self.wire);
        let mut settling = self.settling.lock().unwrap_or_else(PoisonError::into_inner);
        while settling.try_join_next().is_some() {}
        settling.spawn_on(async move { wire.settle(&id, &changes).await }, &runtime);
    }

    /// Waits for what is being settled.
    pub(super) async fn finish(&self) {
        let mut settling = std::mem::take(&mut *self.settling.lock().unwrap_or_else(PoisonError::into_inner));
        let all = async { while settling.join_next().await.is_some() {} };
        if timeout(LAST_WAIT, all).await.is_err() {
            tracing::error!("reservations stay as they were made: redis did not take them in time");
        }
    }
}

impl Wire {
    fn reservation(&self, id: &str) -> String {
        format!("{{{}}}:reservation:{id}", self.prefix)
    }

    fn counter(&self, key: &str) -> String {
        format!("{{{}}}:budget:{key}", self.prefix)
    }

    async fn settle(&self, id: &str, changes: &[Change]) {
        let mut call = self.settle.prepare_invoke();
        call.key(self.reservation(id));
        for change in changes {
            call.key(self.counter(&change.key)).arg(change.by.to_string());
        }
        let mut pause = PAUSE;
        for attempt in 1..=TRIES {
            let mut manager = self.manager.clone();
            let cause = match timeout(self.patience, call.invoke_async::<i64>(&mut manager)).await {
                Ok(Ok(_)) => return,
                Ok(Err(error)) => told(&error),
                Err(_) => "redis does not answer in time".to_owned(),
            };
            if attempt == TRIES {
                tracing::error!("a reservation stays as it was made, since it cannot be settled: {cause}");
                return;
            }
            sleep(pause).await;
            pause *= 2;
        }
    }
}
