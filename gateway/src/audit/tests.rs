//! Behaviour of the log on a real disk.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use super::*;
use crate::kit;

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
