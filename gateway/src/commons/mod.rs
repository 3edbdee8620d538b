//! What several gateways share: a Redis, and the one connection of this gateway to it.

mod address;
mod standing;

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use grammar::config;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{FromRedisValue, RedisError, ScriptInvocation};
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::error::Error;
use crate::gateway::FailMode;
use standing::Standing;

/// How often it is tried to settle something, and the pauses between.
const TRIES: u32 = 8;
const PAUSE: Duration = Duration::from_millis(250);

/// Longest wait at the end for what is being settled.
const LAST_WAIT: Duration = Duration::from_secs(3);

/// How often it is looked at when nobody else does.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// A connection, which mends itself.
pub(crate) struct Commons {
    manager: ConnectionManager,
    /// What all its keys begin with.
    prefix: String,
    patience: Duration,
    /// What happens to requests that count when it does not answer.
    pub(crate) on_error: FailMode,
    pub(crate) standing: Standing,
    settling: Mutex<JoinSet<()>>,
}

impl fmt::Debug for Commons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Commons").field("prefix", &self.prefix).finish_non_exhaustive()
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

impl Commons {
    /// Makes it ready; it is connected to when it is needed first.
    pub(crate) fn new(written: &config::RedisState) -> Result<Self, Error> {
        let client = address::client(written)?;
        let patience = Duration::from_millis(written.timeout_ms.into());
        let settings = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_max_delay(Duration::from_secs(2))
            .set_connection_timeout(Some(patience))
            .set_response_timeout(Some(patience));
        let manager = client.get_connection_manager_lazy(settings).map_err(|error| {
            Error::new(format!("redis, `state.redis`, cannot be used: {}", error.category()))
        })?;
        Ok(Self {
            manager,
            prefix: written.prefix.clone(),
            patience,
            on_error: match written.on_error {
                config::OnError::Block => FailMode::Block,
                config::OnError::Allow => FailMode::Allow,
            },
            standing: Standing::default(),
            settling: Mutex::default(),
        })
    }

    /// A key of its own; its beginning is in braces, so that a cluster keeps all of them together.
    pub(crate) fn key(&self, rest: fmt::Arguments<'_>) -> String {
        format!("{{{}}}:{rest}", self.prefix)
    }

    /// Runs a script, once. The error is a sentence; then nobody knows whether it was run.
    pub(crate) async fn call<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T, String> {
        let mut manager = self.manager.clone();
        self.noted(timeout(self.patience, script.invoke_async::<T>(&mut manager)).await)
    }

    fn noted<T>(
        &self,
        answered: Result<Result<T, RedisError>, tokio::time::error::Elapsed>,
    ) -> Result<T, String> {
        let told = match answered {
            Ok(answered) => answered.map_err(|error| told(&error)),
            Err(_) => Err("redis does not answer in time".to_owned()),
        };
        self.standing.note(told.as_ref().err().map(String::as_str));
        told
    }

    /// Runs a script that does its work once however often it is run, until it has. `what` stays as it is when it cannot.
    pub(crate) async fn insist(&self, script: &ScriptInvocation<'_>, what: &str) {
        let mut pause = PAUSE;
        for attempt in 1..=TRIES {
            match self.call::<i64>(script).await {
                Ok(_) => return,
                Err(cause) if attempt == TRIES => {
                    tracing::error!("{what} stays as it was made, since it cannot be settled: {cause}");
                }
                Err(_) => sleep(pause).await,
            }
            pause *= 2;
        }
    }

    /// Does that in the background. The end of the gateway waits for it, for a while.
    pub(crate) fn later(&self, work: impl Future<Output = ()> + Send + 'static) {
        let Ok(runtime) = Handle::try_current() else {
            tracing::error!("a reservation stays as it was made: the gateway leaves");
            return;
        };
        let mut settling = self.settling.lock().unwrap_or_else(PoisonError::into_inner);
        while settling.try_join_next().is_some() {}
        settling.spawn_on(work, &runtime);
    }

    /// Waits for what is being done in the background.
    pub(crate) async fn finish(&self) {
        let mut settling = std::mem::take(&mut *self.settling.lock().unwrap_or_else(PoisonError::into_inner));
        let all = async { while settling.join_next().await.is_some() {} };
        if timeout(LAST_WAIT, all).await.is_err() {
            tracing::error!("reservations stay as they were made: redis did not take them in time");
        }
    }

    /// Looks whether it is there, as long as it is polled: at first, and whenever it was not.
    pub(crate) async fn watch(self: Arc<Self>) {
        loop {
            if !self.standing.is_well() {
                let mut manager = self.manager.clone();
                let command = redis::cmd("PING");
                let ping = command.query_async::<String>(&mut manager);
                // Whatever comes of it is noted.
                let _ = self.noted(timeout(self.patience, ping).await);
            }
            sleep(LOOK_EVERY).await;
        }
    }
}
