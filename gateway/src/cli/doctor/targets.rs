//! What a configuration leads to: keys, certificates, providers, and the clock as they see it.

use std::time::Duration;

use grammar::config::Config;
use jiff::Timestamp;

use super::check::{Check, Standing};
use crate::audit::Options;
use crate::clock::Clock;
use crate::error::Error;
use crate::route::{Greeting, Router, Target, Upstream};
use crate::{sinks, telemetry, tls};

/// Difference between two clocks that makes records of both hard to compare.
const APART: Duration = Duration::from_secs(30);

/// What is sent elsewhere: whether the secrets that it takes are there.
fn elsewhere(config: &Config) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut check = |name: &str, ready: Result<(), Error>| {
        checks.push(match ready {
            Ok(()) => {
                Check::well("sending", name, "has all that it takes; whether it is there shows in `/health`")
            }
            Err(error) => {
                Check::new("sending", name, Standing::Wanting, error.to_string(), "set what is missing")
            }
        });
    };
    for sink in &config.audit.sinks {
        check(&format!("audit.sinks {}", sink.id.value), sinks::check(sink, &config.telemetry));
    }
    if config.telemetry.traces.is_some() {
        check("telemetry.traces", telemetry::check(&config.telemetry));
    }
    checks
}

/// Everything that the configuration names.
pub(super) fn checks(config: &Config, offline: bool) -> Vec<Check> {
    let mut checks = Vec::new();
    if let Err(error) = Options::of(&config.audit) {
        checks.push(Check::new(
            "key",
            "audit.key_ref",
            Standing::Wanting,
            error.to_string(),
            "set the key, or leave `key_ref` out",
        ));
    }
    checks.extend(elsewhere(config));
    if let Some(named) = &config.tls {
        checks.push(match tls::server(named) {
            Ok(_) => {
                Check::well("tls", &named.identity.cert.value, "is a certificate, and its key goes with it")
            }
            Err(error) => Check::new(
                "tls",
                &named.identity.cert.value,
                Standing::Wanting,
                error.to_string(),
                "mend the files that `tls` names",
            ),
        });
    }
    let router = match Router::new(&config.providers, None, Clock::default()) {
        Ok(router) => router,
        Err(error) => {
            checks.push(Check::new(
                "target",
                "providers",
                Standing::Wanting,
                error.to_string(),
                "mend the target",
            ));
            return checks;
        }
    };
    checks.extend(router.targets().iter().map(|target| key(target)));
    if router.targets().is_empty() {
        let help = "name one under `providers.targets`";
        checks.push(Check::new("target", "providers", Standing::Wanting, "there is no target", help));
    }
    if !offline {
        checks.extend(reached(&router));
    }
    checks
}

fn key(target: &Target) -> Check {
    match (target.unavailable(), target.secret()) {
        (Some(reason), _) => {
            let help = "set it where the gateway runs, or change `secret_key_ref`";
            Check::new("key", &target.id, Standing::Wanting, reason, help)
        }
        (None, Some(_)) => Check::well("key", &target.id, "is there"),
        (None, None) => Check::well("key", &target.id, "none is needed"),
    }
}

/// Asks every target that has its key for its models, one after the other.
fn reached(router: &Router) -> Vec<Check> {
    let sorry =
        |error: String| vec![Check::new("target", "providers", Standing::Wanting, error, "try again")];
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return sorry(error.to_string()),
    };
    let upstream = match Upstream::new() {
        Ok(upstream) => upstream,
        Err(error) => return sorry(error.to_string()),
    };
    let asked = router.targets().iter().filter(|target| target.unavailable().is_none());
    let mut checks = Vec::new();
    let mut clock = None;
    for target in asked {
        let greeting = runtime.block_on(upstream.greet(target));
        clock = clock.or_else(|| greeting.as_ref().ok().and_then(|greeting| self::clock(target, greeting)));
        checks.push(reach(target, greeting));
    }
    checks.into_iter().chain(clock).collect()
}

fn reach(target: &Target, greeting: Result<Greeting, String>) -> Check {
    let greeting = match greeting {
        Ok(greeting) => greeting,
        Err(cause) => {
            let help = format!("check the address `{}`, the network and any proxy", target.address());
            return Check::new("target", &target.id, Standing::Wanting, cause, help);
        }
    };
    let message = format!("answers {} to a request for its models", greeting.status);
    match greeting.status {
        200..=299 => Check::well("target", &target.id, message),
        401 | 403 => {
            let help = "the provider refuses the key: check it, and what it may do";
            Check::new("target", &target.id, Standing::Wanting, message, help)
        }
        300..=399 => {
            let help = "redirects are not followed: write the address that it leads to";
            Check::new("target", &target.id, Standing::Wanting, message, help)
        }
        _ => {
            let help = "it is there; if chats fail too, check `base_url`";
            Check::new("target", &target.id, Standing::Doubtful, message, help)
        }
    }
}

/// This machine's clock against the one of a provider that tells the time.
fn clock(target: &Target, greeting: &Greeting) -> Option<Check> {
    let theirs = jiff::fmt::rfc2822::parse(greeting.date.as_deref()?).ok()?.timestamp();
    let apart = Timestamp::now().duration_since(theirs).unsigned_abs();
    let message = format!("{} s apart from the clock of `{}`", apart.as_secs(), target.id);
    if apart <= APART {
        return Some(Check::well("clock", "this machine", message));
    }
    let help =
        "synchronize it, as with `timedatectl set-ntp true`: records, budgets and certificates go by it";
    Some(Check::new("clock", "this machine", Standing::Doubtful, message, help))
}
