//! Audit records in a real PostgreSQL: each once, however often the gateway or the database dies.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use tests::collector::until;
use tests::postgres::PASSWORD;
use tests::tls::Authority;
use tests::{Postgres, Provider, Script, Setup, question_of};

use crate::{caught_up, sink};

fn sinking(setup: Setup, url: &str, settings: &str) -> Setup {
    setup.block(&format!(
        "audit: {{segment_mb: 1, interval_ms: 10, sinks: [{{id: db, type: postgres, url: {url}, interval_ms: 10, max_backoff_ms: 200{settings}}}]}}"
    ))
}

/// What the table has, by the number of the record: its line and how often it is there.
fn stored(postgres: &Postgres) -> BTreeMap<i64, Vec<String>> {
    let mut stored: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    for row in postgres.rows("SELECT seq, line FROM kt.audit_records ORDER BY seq") {
        stored.entry(row.get(0)).or_default().push(row.get(1));
    }
    stored
}

/// The lines of the log, of all segments.
fn log(state: &Path) -> Vec<String> {
    let folder = state.join("audit");
    let names =
        std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".jsonl")).collect();
    names.sort();
    let text: String = names.iter().map(|name| std::fs::read_to_string(folder.join(name)).unwrap()).collect();
    text.lines().map(str::to_owned).collect()
}

/// Every record of the log is in the table, once, as it stands in the log.
fn assert_whole(postgres: &Postgres, state: &Path) {
    let stored = stored(postgres);
    assert!(stored.values().all(|lines| lines.len() == 1), "a record stands twice");
    assert_eq!(stored.into_values().flatten().collect::<Vec<_>>(), log(state));
}

#[test]
fn records_are_rows_that_can_be_asked_and_checked() {
    let postgres = Postgres::default();
    let provider = Provider::always(Script::answer("mail ann@example.com"));
    let gateway = sinking(Setup::guarded(&provider), &postgres.url_ref(""), "")
        .block("telemetry: {instance: gw-7}")
        .here();
    let mut odd = question_of("SECRET12", false);
    odd["model"] = json!("a\u{0}b");
    gateway.post("x-request-id: r-1\r\nx-user-id: o'hara\r\n", odd.to_string());
    assert_eq!(gateway.ask("FORBIDDEN").status, 409);
    until("a sink that has everything", || caught_up(&gateway, "db").filter(|told| told["last_seq"] == 2));
    let rows = postgres.rows(
        "SELECT instance, seq, verdict, rule, model, status, user_id, input_tokens::bigint, policies->0->>'result', occurred_at <= now(), hash FROM kt.audit_records ORDER BY seq",
    );
    let (passed, blocked) = (&rows[0], &rows[1]);
    assert_eq!(
        (passed.get::<_, &str>(0), passed.get::<_, i64>(1), passed.get::<_, &str>(2)),
        ("gw-7", 1, "redact")
    );
    assert_eq!(passed.get::<_, &str>(4), "a\u{FFFD}b");
    assert_eq!(
        (passed.get::<_, &str>(6), passed.get::<_, i64>(7), passed.get::<_, &str>(8)),
        ("o'hara", 3, "redact")
    );
    assert!(passed.get::<_, bool>(9));
    assert_eq!(
        (blocked.get::<_, &str>(2), blocked.get::<_, &str>(3), blocked.get::<_, i32>(5)),
        ("block", "stop", 409)
    );
    let state = gateway.folder().join("state");
    assert_whole(&postgres, &state);
    // What is in the database is evidence of its own: the chain is checked from it alone.
    let copy = tempfile::tempdir().unwrap();
    std::fs::create_dir(copy.path().join("audit")).unwrap();
    let mut file = std::fs::File::create(copy.path().join("audit/audit.jsonl")).unwrap();
    stored(&postgres).values().flatten().for_each(|line| writeln!(file, "{line}").unwrap());
    let head = rows[1].get::<_, String>(10);
    let verified =
        tests::kt().args(["audit", "verify", "--json", "--state-dir"]).arg(copy.path()).output().unwrap();
    let verified: serde_json::Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!(
        (&verified["head"]["seq"], &verified["head"]["hash"]),
        (&json!(2), &json!(head)),
        "{verified}"
    );
    gateway.stop();
}

#[test]
fn gateways_that_start_together_make_the_tables_once() {
    let postgres = Postgres::default();
    let provider = Provider::always(Script::answer("hello"));
    let setups: Vec<Setup> = (0..4)
        .map(|number| {
            let named = format!("telemetry: {{instance: gw-{number}}}");
            sinking(Setup::over(&provider), &postgres.url_ref(""), ", schema: house").block(&named)
        })
        .collect();
    let gateways: Vec<_> = std::thread::scope(|scope| {
        let starts: Vec<_> = setups.iter().map(|setup| scope.spawn(|| setup.here())).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    for gateway in &gateways {
        gateway.ask("hi");
    }
    for gateway in gateways {
        let told = until("a sink that has everything", || caught_up(&gateway, "db"));
        assert_eq!(told["failure"], serde_json::Value::Null);
        gateway.stop();
    }
    assert_eq!(postgres.rows("SELECT version FROM house.schema_versions").len(), 1);
    let rows = postgres.rows("SELECT DISTINCT instance FROM house.audit_records WHERE seq = 1");
    assert_eq!(rows.len(), 4);
}

#[test]
fn a_gateway_that_is_killed_has_every_record_in_the_table_once() {
    let kills = std::env::var("KT_TESTS_KILLS").ok().map_or(8, |kills| kills.parse().expect("a number"));
    let mut postgres = Postgres::default();
    let provider = Provider::always(Script::answer("hello"));
    let setup = sinking(Setup::over(&provider), &postgres.url_ref(""), ", batch_records: 7");
    let (folder, _) = setup.write();
    let folder = Arc::new(folder);
    let state = folder.path().join("state");
    for kill in 0..kills {
        let gateway = setup.process_in(Arc::clone(&folder));
        let (address, stop) = (gateway.address, AtomicBool::new(false));
        std::thread::scope(|scope| {
            for client in 0..4 {
                let stop = &stop;
                scope.spawn(move || {
                    for number in 0.. {
                        if stop.load(Ordering::Relaxed) {
                            return;
                        }
                        let body = question_of(&format!("{kill} {client} {number}"), false).to_string();
                        let head = tests::client::request("/v1/chat/completions", "", body.len());
                        let Ok(mut socket) = std::net::TcpStream::connect(address) else { return };
                        socket.write_all(format!("{head}{body}").as_bytes()).ok();
                        std::io::copy(&mut socket, &mut std::io::sink()).ok();
                    }
                });
            }
            std::thread::sleep(Duration::from_millis(60 + 37 * (kill % 7)));
            if kill % 4 == 3 {
                // The database dies as well, before its gateway does.
                postgres.kill();
                std::thread::sleep(Duration::from_millis(50));
                postgres.start();
            }
            gateway.kill();
            stop.store(true, Ordering::Relaxed);
        });
        let stored = stored(&postgres);
        assert!(stored.values().all(|lines| lines.len() == 1), "a record stands twice after kill {kill}");
    }
    let gateway = setup.process_in(Arc::clone(&folder));
    let told = || tests::get(gateway.admin, "/health").json()["audit"]["sinks"]["db"].clone();
    let mut seen = told();
    while seen["status"] != "current" {
        // With batches of seven it takes its time, and is on its way all the while.
        seen =
            until("a sink that gets on", || Some(told()).filter(|now| now["last_seq"] != seen["last_seq"]));
    }
    let ended = gateway.stop();
    assert!(ended.status.success(), "{}", ended.log);
    assert_whole(&postgres, &state);
    let records = log(&state).len();
    assert!(records > usize::try_from(kills).unwrap(), "the gateway answers between its deaths");
    eprintln!("{kills} kills, {records} records, each in the table once");
}

#[test]
fn a_database_that_is_away_or_refuses_is_waited_for_and_no_password_is_told() {
    let mut postgres = Postgres::stopped();
    let provider = Provider::always(Script::answer("hello"));
    let setup = sinking(Setup::over(&provider), &postgres.url_ref(""), "");
    let gateway = setup.process();
    let ask =
        || tests::post(gateway.address, "/v1/chat/completions", "", question_of("hi", false).to_string());
    let told = || tests::get(gateway.admin, "/health").json()["audit"]["sinks"]["db"].clone();
    assert_eq!(ask().said(), "hello");
    let away = until("a sink that fails", || Some(told()).filter(|told| told["status"] == "failing"));
    assert!(away["failure"].as_str().unwrap().starts_with("cannot be reached"), "{away}");
    postgres.start();
    until("a sink that has everything", || Some(told()).filter(|told| told["status"] == "current"));
    postgres.execute("ALTER USER kt PASSWORD 'another'; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'kt'");
    assert_eq!(ask().said(), "hello");
    until("a sink that is refused", || {
        let told = told();
        told["failure"]
            .as_str()
            .is_some_and(|failure| failure.contains("password authentication failed"))
            .then_some(())
    });
    let pages = ["/health", "/metrics", "/keeptrusts/config"]
        .map(|page| tests::get(gateway.admin, page).body)
        .concat();
    let ended = gateway.stop();
    assert!(ended.status.success(), "{}", ended.log);
    assert!(!(pages + ended.log.as_str()).contains(PASSWORD));
}

#[test]
fn a_database_is_spoken_to_over_tls_with_an_authority_of_its_own() {
    let authority = Authority::default();
    let postgres = Postgres::with_tls(&authority.issue("127.0.0.1"));
    let ca = tempfile::tempdir().unwrap();
    std::fs::write(ca.path().join("ca.pem"), &authority.pem).unwrap();
    std::fs::write(ca.path().join("other.pem"), Authority::default().pem).unwrap();
    let provider = Provider::always(Script::answer("hello"));
    let url = postgres.url_ref("?sslmode=require");
    for (file, works) in [("ca.pem", true), ("other.pem", false)] {
        let tls = format!(", tls: {{ca: \"{}\"}}", ca.path().join(file).display());
        let gateway = sinking(Setup::over(&provider), &url, &tls).here();
        gateway.ask("hi");
        if works {
            until("a sink that has everything", || caught_up(&gateway, "db"));
        } else {
            let told = until("a sink that fails", || {
                Some(sink(&gateway, "db")).filter(|told| told["status"] == "failing")
            });
            assert!(told["failure"].as_str().unwrap().contains("certificate"), "{told}");
        }
        gateway.stop();
    }
}
