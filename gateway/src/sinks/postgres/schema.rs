//! The tables, in versions: each is made from the one before, once, whoever comes first.

use tokio_postgres::Client;

use crate::transport::causes;

/// What makes each version from the one before it. `{schema}` is the name of the schema. What was released is not changed.
const VERSIONS: [&str; 1] = ["
CREATE TABLE {schema}.audit_records (
    id             text PRIMARY KEY,
    instance       text NOT NULL,
    seq            bigint NOT NULL,
    event_type     text NOT NULL,
    occurred_at    timestamptz NOT NULL,
    request_id     text,
    trace_id       text,
    endpoint       text,
    outcome        text,
    verdict        text,
    policy         text,
    rule           text,
    reason_code    text,
    severity       text,
    tags           jsonb,
    model          text,
    provider       text,
    target         text,
    attempts       jsonb,
    status         integer,
    error          text,
    stream         boolean,
    latency_ms     numeric,
    input_tokens   numeric,
    output_tokens  numeric,
    cost_usd       double precision,
    user_id        text,
    key_name       text,
    config_version text,
    config_hash    text,
    policies       jsonb,
    hash           text NOT NULL,
    prev_hash      text NOT NULL,
    line           text NOT NULL,
    stored_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX audit_records_occurred_at ON {schema}.audit_records (occurred_at);
CREATE INDEX audit_records_instance_seq ON {schema}.audit_records (instance, seq);
CREATE INDEX audit_records_request_id ON {schema}.audit_records (request_id);
"];

/// The lock that gateways hold while they make tables: `kt` in ASCII, and a number of ours.
const LOCK: i64 = 0x6B74_0001;

/// Adds records, and leaves those that are there as they are.
const INSERT: &str = "
INSERT INTO {schema}.audit_records (
    id, instance, seq, event_type, occurred_at, request_id, trace_id, endpoint, outcome, verdict, policy, rule,
    reason_code, severity, tags, model, provider, target, attempts, status, error, stream, latency_ms, input_tokens,
    output_tokens, cost_usd, user_id, key_name, config_version, config_hash, policies, hash, prev_hash, line)
SELECT r.id, $1::text, r.seq, r.event_type, r.\"timestamp\", r.request_id, r.trace_id, r.endpoint, r.outcome, r.verdict,
    r.policy, r.rule, r.reason_code, r.severity, r.tags, r.model, r.provider, r.target, r.attempts, r.status, r.error,
    r.stream, r.latency_ms, r.input_tokens, r.output_tokens, r.cost_usd, r.user_id, r.\"key\", r.config_version,
    r.config_hash, r.policies_evaluated, r.hash, r.prev_hash, batch.line
FROM unnest($2::text[], $3::text[]) AS batch (document, line),
    jsonb_to_record(batch.document::jsonb) AS r (
        id text, seq bigint, event_type text, \"timestamp\" timestamptz, request_id text, trace_id text, endpoint text,
        outcome text, verdict text, policy text, rule text, reason_code text, severity text, tags jsonb, model text,
        provider text, target text, attempts jsonb, status integer, error text, stream boolean, latency_ms numeric,
        input_tokens numeric, output_tokens numeric, cost_usd double precision, user_id text, \"key\" text,
        config_version text, config_hash text, policies_evaluated jsonb, hash text, prev_hash text)
ON CONFLICT (id) DO NOTHING";

/// The statement that adds records.
pub(super) fn insert(schema: &str) -> String {
    INSERT.replace("{schema}", schema)
}

/// Brings the tables to the version that this gateway writes. Does nothing where they have it, so that a role without the right
/// to make tables can write to them.
pub(super) async fn prepare(client: &mut Client, schema: &str) -> Result<(), String> {
    let told = |error: tokio_postgres::Error| causes(&error);
    let encoding: String = client.query_one("SHOW server_encoding", &[]).await.map_err(told)?.get(0);
    if encoding != "UTF8" {
        return Err(format!(
            "the database has the encoding {encoding}; make one with `CREATE DATABASE … ENCODING 'UTF8'`"
        ));
    }
    if version(client, schema).await? == VERSIONS.len() {
        return Ok(());
    }
    let transaction = client.transaction().await.map_err(told)?;
    // Let go with the transaction. Another gateway waits here, and then finds that there is nothing to do.
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await.map_err(told)?;
    let known = "SELECT to_regnamespace($1) IS NOT NULL";
    if !transaction.query_one(known, &[&schema]).await.map_err(told)?.get::<_, bool>(0) {
        transaction.batch_execute(&format!("CREATE SCHEMA {schema}")).await.map_err(told)?;
    }
    let versions = format!(
        "CREATE TABLE IF NOT EXISTS {schema}.schema_versions (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
    );
    transaction.batch_execute(&versions).await.map_err(told)?;
    let done = version(&transaction, schema).await?;
    for (at, step) in VERSIONS.iter().enumerate().skip(done) {
        transaction.batch_execute(&step.replace("{schema}", schema)).await.map_err(told)?;
        let number = i32::try_from(at + 1).unwrap_or(i32::MAX);
        let note = format!("INSERT INTO {schema}.schema_versions (version) VALUES ($1)");
        transaction.execute(&note, &[&number]).await.map_err(told)?;
    }
    transaction.commit().await.map_err(told)
}

/// The version that the tables have; 0 when there are none.
async fn version(client: &impl tokio_postgres::GenericClient, schema: &str) -> Result<usize, String> {
    let told = |error: tokio_postgres::Error| causes(&error);
    let table = format!("{schema}.schema_versions");
    let known = "SELECT to_regclass($1) IS NOT NULL";
    if !client.query_one(known, &[&table]).await.map_err(told)?.get::<_, bool>(0) {
        return Ok(0);
    }
    let newest = format!("SELECT coalesce(max(version), 0) FROM {table}");
    let newest: i32 = client.query_one(&newest, &[]).await.map_err(told)?.get(0);
    let newest = usize::try_from(newest).unwrap_or_default();
    if newest > VERSIONS.len() {
        return Err(format!(
            "the tables in `{schema}` have version {newest}, and this kt knows them up to version {}; update kt, or name another `schema`",
            VERSIONS.len()
        ));
    }
    Ok(newest)
}
