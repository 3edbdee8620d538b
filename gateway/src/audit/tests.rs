//! Behaviour of the log on a real disk.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use super::*;
use crate::kit;
use crate::route::Target;

fn lines(state_dir: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(state_dir.join("audit/audit.jsonl")).unwrap();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

async fn write(state_dir: &Path, count: usize) {
    let (audit, task) = Audit::open(state_dir).unwrap();
    for _ in 0..count {
        Ledger::open(audit.seat(), &kit::pack(), "req_1").close(Outcome::Complete);
    }
    drop(audit);
    task.await.unwrap();
}

#[tokio::test]
async fn numbers_go_on_after_a_restart_and_a_torn_line() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 2).await;
    let path = folder.path().join("audit/audit.jsonl");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let torn = [std::fs::read(&path).unwrap(), b"{\"seq\":3,\"to".to_vec()].concat();
    std::fs::write(&path, torn).unwrap();
    write(folder.path(), 1).await;
    let seqs: Vec<u64> = lines(folder.path()).iter().map(|line| line["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, [1, 2, 3]);
}

#[tokio::test]
async fn a_record_that_nobody_closes_says_that_the_client_went_away() {
    let folder = tempfile::tempdir().unwrap();
    let (audit, task) = Audit::open(folder.path()).unwrap();
    drop(Ledger::open(audit.seat(), &kit::pack(), "req_9"));
    drop(audit);
    task.await.unwrap();
    let line = &lines(folder.path())[0];
    assert_eq!((&line["outcome"], &line["request_id"]), (&"client_disconnect".into(), &"req_9".into()));
}

#[tokio::test]
async fn a_second_writer_is_kept_out() {
    let folder = tempfile::tempdir().unwrap();
    let first = Audit::open(folder.path()).unwrap();
    assert!(Audit::open(folder.path()).unwrap_err().to_string().contains("another `kt`"));
    drop(first);
}

#[tokio::test]
async fn numbers_go_on_after_a_record_or_garbage_longer_than_one_look() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 2).await;
    let path = folder.path().join("audit/audit.jsonl");
    let torn = [std::fs::read(&path).unwrap(), vec![b'x'; 3 << 20]].concat();
    std::fs::write(&path, torn).unwrap();
    write(folder.path(), 1).await;
    assert_eq!(lines(folder.path()).last().unwrap()["seq"], 3);
}

#[tokio::test]
async fn a_log_without_a_record_is_not_begun_again() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 0).await;
    let path = folder.path().join("audit/audit.jsonl");
    std::fs::write(&path, "no record\n").unwrap();
    assert!(Audit::open(folder.path()).unwrap_err().to_string().contains("no record"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "no record\n");
}

#[tokio::test]
async fn a_target_without_a_model_records_the_one_that_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let (audit, task) = Audit::open(folder.path()).unwrap();
    let mut written = kit::target("a", "http://127.0.0.1:9/v1");
    let plain = Arc::new(Target::prepare(&written, None).unwrap());
    written.model = Some("own".into());
    let own = Arc::new(Target::prepare(&written, None).unwrap());
    let mut ledger = Ledger::open(audit.seat(), &kit::pack(), "req_1");
    ledger.sent(&own, "asked");
    ledger.sent(&plain, "asked");
    ledger.close(Outcome::Complete);
    drop(audit);
    task.await.unwrap();
    assert_eq!(lines(folder.path())[0]["model"], "asked");
}
