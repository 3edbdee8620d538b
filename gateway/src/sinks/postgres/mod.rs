//! Audit records as rows of a PostgreSQL table. A record that is there already is left as it is, so that sending it again does
//! nothing: every record is there once.

mod schema;

use std::time::Duration;

use grammar::config;
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, Config, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::Taken;
use super::reader::Line;
use crate::error::Error;
use crate::route::read_key;
use crate::secret::Secret;
use crate::telemetry::collector::Refusal;
use crate::transport::causes;
use crate::{telemetry, tls};

/// The way to a table.
pub(super) struct Table {
    config: Config,
    tls: MakeRustlsConnect,
    schema: String,
    instance: String,
    patience: Duration,
    secrets: Vec<Secret>,
    open: Option<Open>,
}

/// A connection, and what drives it.
struct Open {
    client: Client,
    insert: Statement,
    driver: JoinHandle<()>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Table {
    pub(super) fn new(written: &config::Database, telemetry: &config::Telemetry) -> Result<Self, Error> {
        let url = read_key(&written.url)
            .map_err(|reason| Error::new(format!("its `url` leads nowhere: {reason}")))?;
        let shape = "its `url` is not of the form `postgres://user:password@host/database`";
        let mut config = url.database().ok_or_else(|| Error::new(shape))?;
        if config.get_hosts().is_empty() {
            return Err(Error::new(shape));
        }
        secure(&mut config, written.allow_insecure)?;
        let password = config.get_password().and_then(|password| std::str::from_utf8(password).ok());
        let secrets = password.and_then(Secret::new).into_iter().chain([url]).collect();
        let patience = Duration::from_secs(written.timeout_seconds.into());
        config.connect_timeout(patience).application_name("kt");
        let mut tls = tls::client(written.tls.as_ref())?;
        tls.alpn_protocols = vec![b"postgresql".to_vec()]; // which newer servers ask for
        Ok(Self {
            config,
            tls: MakeRustlsConnect::new(tls),
            schema: written.schema.clone(),
            instance: telemetry.instance.clone().unwrap_or_else(telemetry::machine),
            patience,
            secrets,
            open: None,
        })
    }

    pub(super) async fn send(&mut self, batch: &[Line]) -> Result<Taken, Refusal> {
        let sent = timeout(self.patience, self.try_send(batch)).await;
        let sent = sent.unwrap_or_else(|_| Err("did not answer in time".to_owned()));
        sent.map_err(|cause| {
            self.open = None; // whatever went wrong, a new connection is in order
            let cause = self.secrets.iter().fold(cause, |cause, secret| secret.scrub(cause));
            Refusal { cause, is_passing: true, is_size: false, rest: None }
        })
    }

    async fn try_send(&mut self, batch: &[Line]) -> Result<Taken, String> {
        if self.open.as_ref().is_none_or(|open| open.client.is_closed()) {
            self.open = Some(self.connect().await?);
        }
        let Some(Open { client, insert, .. }) = &self.open else { return Ok(Taken::default()) };
        let lines: Vec<&str> = batch.iter().map(|line| line.text.as_str()).collect();
        let documents: Vec<String> = lines.iter().map(|line| document(line)).collect();
        // What the database says further may quote the rows.
        let told = |error: tokio_postgres::Error| match error.as_db_error() {
            Some(said) => format!("does not take rows: {} ({})", said.message(), said.code().code()),
            None => format!("does not take rows: {}", causes(&error)),
        };
        client.execute(insert, &[&self.instance, &documents, &lines]).await.map_err(told)?;
        Ok(Taken::default())
    }

    async fn connect(&self) -> Result<Open, String> {
        let connected = self.config.connect(self.tls.clone()).await;
        let (mut client, connection) =
            connected.map_err(|error| format!("cannot be reached: {}", causes(&error)))?;
        let driver = tokio::spawn(async move {
            // Whoever waits for an answer is told what went wrong.
            let _ = connection.await;
        });
        let ready = async {
            schema::prepare(&mut client, &self.schema).await?;
            client.prepare(&schema::insert(&self.schema)).await.map_err(|error| causes(&error))
        };
        match ready.await {
            Ok(insert) => Ok(Open { client, insert, driver }),
            Err(cause) => {
                driver.abort();
                Err(format!("is not ready: {cause}"))
            }
        }
    }
}

/// Over a network that nobody vouches for there is TLS or nothing; the other side is checked whenever there is TLS.
fn secure(config: &mut Config, allow_insecure: bool) -> Result<(), Error> {
    let is_near = config.get_hosts().iter().all(|host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
        }
    });
    let is_near = is_near && config.get_hostaddrs().iter().all(std::net::IpAddr::is_loopback);
    match config.get_ssl_mode() {
        SslMode::Disable if !is_near && !allow_insecure => Err(Error::new(
            "its `url` says `sslmode=disable`, which would send records unencrypted; leave that out, or set `allow_insecure: true` if the network can be trusted",
        )),
        SslMode::Prefer if !is_near && !allow_insecure => {
            config.ssl_mode(SslMode::Require);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// A record for the database, which has no way to hold the character NUL. The line itself keeps it, as an escape.
fn document(line: &str) -> String {
    if !line.contains("\\u0000") {
        return line.to_owned();
    }
    let mut record: Value = serde_json::from_str(line).unwrap_or_default();
    without_nul(&mut record);
    record.to_string()
}

fn without_nul(value: &mut Value) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
        Value::String(text) => *text = text.replace('\0', "\u{FFFD}"),
        Value::Array(items) => items.iter_mut().for_each(without_nul),
        Value::Object(fields) => fields.values_mut().for_each(without_nul),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secured(url: &str, allow_insecure: bool) -> Result<SslMode, String> {
        let mut config = Secret::new(url).unwrap().database().unwrap();
        secure(&mut config, allow_insecure).map_err(|error| error.to_string())?;
        Ok(config.get_ssl_mode())
    }

    #[test]
    fn over_a_network_there_is_tls_unless_the_operator_vouches_for_it() {
        assert_eq!(secured("postgres://u:p@db.example/a", false), Ok(SslMode::Require));
        assert_eq!(secured("postgres://u:p@db.example/a", true), Ok(SslMode::Prefer));
        assert_eq!(secured("postgres://u:p@127.0.0.1/a", false), Ok(SslMode::Prefer));
        assert_eq!(secured("host=/run/postgresql user=u", false), Ok(SslMode::Prefer));
        assert!(secured("postgres://u:p@db.example/a?sslmode=disable", false).is_err());
        assert!(secured("postgres://u:p@127.0.0.1,db.example/a?sslmode=disable", false).is_err());
    }

    #[test]
    fn a_record_goes_in_whatever_a_client_has_called_its_model() {
        assert_eq!(document(r#"{"model":"a"}"#), r#"{"model":"a"}"#);
        assert_eq!(
            document(r#"{"model":"a\u0000b","tags":["\u0000"]}"#),
            "{\"model\":\"a\u{FFFD}b\",\"tags\":[\"\u{FFFD}\"]}"
        );
    }
}
