//! Certificates that the configuration names, and for how long they are good: the gateway's own, those that it shows
//! elsewhere, and those of authorities.

use grammar::config::{Config, TargetTls};
use jiff::Timestamp;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::time::Time;

use super::check::{Check, Standing};
use crate::tls;

/// Days below which it is time for a new one.
const SOON: i64 = 30;

/// A day, in seconds.
const DAY: i64 = 86_400;

/// One certificate of a file.
struct Found {
    subject: String,
    from: i64,
    until: i64,
}

/// A file with certificates, and what they are for.
struct Named<'c> {
    what: String,
    path: &'c str,
    /// Whether they are trusted, and not shown: then the others of the file are still good when one is not.
    is_trust: bool,
}

/// What is to be said of each file with certificates.
pub(super) fn checks(config: &Config, now: Timestamp) -> Vec<Check> {
    named(config).iter().map(|named| check(named, now.as_second())).collect()
}

fn named(config: &Config) -> Vec<Named<'_>> {
    let mut all = Vec::new();
    if let Some(tls) = &config.tls {
        all.push(Named { what: "tls.cert".into(), path: &tls.identity.cert.value, is_trust: false });
        let ca = tls.client_ca.as_ref();
        all.extend(ca.map(|ca| Named { what: "tls.client_ca".into(), path: &ca.value, is_trust: true }));
    }
    let targets =
        config.providers.targets.iter().map(|target| (target.id.value.as_str(), target.tls.as_ref()));
    let sinks = config.audit.sinks.iter().map(|sink| (sink.id.value.as_str(), sink.to.tls()));
    let traces =
        config.telemetry.traces.iter().map(|traces| ("telemetry.traces", traces.collector.tls.as_ref()));
    let redis = config.state.redis.iter().map(|redis| ("state.redis", redis.tls.as_ref()));
    for (whose, tls) in targets.chain(sinks).chain(traces).chain(redis) {
        let Some(TargetTls { ca, identity }) = tls else { continue };
        let cert = identity.as_ref().map(|identity| (&identity.cert, "cert", false));
        for (path, what, is_trust) in cert.into_iter().chain(ca.as_ref().map(|ca| (ca, "ca", true))) {
            all.push(Named { what: format!("{whose} {what}"), path: &path.value, is_trust });
        }
    }
    all
}

fn check(named: &Named<'_>, now: i64) -> Check {
    let subject = format!("{} {}", named.what, named.path);
    let found = match read(named.path) {
        Ok(found) => found,
        Err(reason) => return Check::new("cert", subject, Standing::Wanting, reason, "mend the file"),
    };
    // The first one that runs out is what matters, unless the others of the file go on being trusted without it.
    let Some(first) = found.iter().min_by_key(|found| found.until) else {
        return Check::new("cert", subject, Standing::Wanting, "holds no certificate", "mend the file");
    };
    let is_good = |found: &&Found| found.from <= now && now < found.until;
    let still_serves = named.is_trust && found.iter().any(|found| is_good(&found));
    let bad = if still_serves { Standing::Doubtful } else { Standing::Wanting };
    if let Some(early) = found.iter().find(|found| found.from > now) {
        let message = format!("`{}` is not good before {}", early.subject, date(early.from));
        return Check::new("cert", subject, bad, message, "wait, or look whether the clock is right");
    }
    let days = (first.until - now).div_euclid(DAY);
    let until = date(first.until);
    let help = "have a new one issued, and read it in with a reload";
    match days {
        ..0 => {
            let message = format!("`{}` has run out on {until}", first.subject);
            Check::new("cert", subject, bad, message, help)
        }
        0..SOON => {
            let message = format!("`{}` is good for {days} more days, until {until}", first.subject);
            Check::new("cert", subject, Standing::Doubtful, message, help)
        }
        SOON.. => {
            let message = format!("`{}` is good for {days} more days, until {until}", first.subject);
            Check::well("cert", subject, message)
        }
    }
}

fn read(path: &str) -> Result<Vec<Found>, String> {
    let certificates = tls::certificates(path).map_err(|error| error.to_string())?;
    let unread = |error| format!("`{path}` holds a certificate that cannot be read: {error}");
    certificates.iter().map(|der| found(der).map_err(unread)).collect()
}

fn found(der: &[u8]) -> Result<Found, x509_cert::der::Error> {
    let certificate = Certificate::from_der(der)?.tbs_certificate;
    let second = |time: Time| i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
    Ok(Found {
        subject: certificate.subject.to_string(),
        from: second(certificate.validity.not_before),
        until: second(certificate.validity.not_after),
    })
}

fn date(second: i64) -> String {
    Timestamp::from_second(second).map_or_else(
        |_| "a day beyond the calendar".to_owned(),
        |moment| moment.strftime("%Y-%m-%d").to_string(),
    )
}
