//! Taking up what was left behind.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

fn append(folder: &Path, bytes: &[u8]) {
    let path = folder.join(segment::ACTIVE);
    let whole = [std::fs::read(&path).unwrap(), bytes.to_vec()].concat();
    std::fs::write(&path, whole).unwrap();
}

fn refusal(folder: &Path, options: Options) -> String {
    open(folder, options).err().expect("a refusal").to_string()
}

fn with_key(key: &str) -> Options {
    Options { key: Secret::new(key), ..options(SyncPolicy::Always) }
}

#[test]
fn numbers_go_on_after_a_clean_end_and_nothing_is_told_of_it() {
    let folder = scratch();
    write(folder.path(), options(SyncPolicy::Interval), 2);
    write(folder.path(), options(SyncPolicy::Always), 1);
    write(folder.path(), options(SyncPolicy::None), 1);
    let seqs: Vec<u64> = lines(folder.path()).iter().map(|line| line["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, [1, 2, 3, 4]);
    assert_eq!(breach(folder.path()), None);
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let mode = file.unwrap().metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
    }
}

#[test]
fn a_torn_line_is_moved_aside_and_a_record_tells_so() {
    for torn in [b"{\"seq\":3,\"to".to_vec(), vec![b'x'; 3 << 20], b"\0\0\0\n{\"no record\n".to_vec()] {
        let folder = scratch();
        write(folder.path(), options(SyncPolicy::Always), 2);
        append(folder.path(), &torn);
        write(folder.path(), options(SyncPolicy::Always), 1);
        assert_eq!(kinds(folder.path()), ["decision", "decision", "recovery", "decision"]);
        let recovery = &lines(folder.path())[2];
        let name = recovery["torn_file"].as_str().unwrap();
        assert_eq!(name, "audit-000000000003.torn");
        assert_eq!(std::fs::read(folder.path().join(name)).unwrap(), torn);
        assert_eq!(recovery["torn_bytes"], torn.len());
        assert_eq!(recovery["torn_sha256"], Hash::of([torn.as_slice()]).to_string());
        assert_eq!((&recovery["checkpoint"], &recovery["checkpoint_seq"]), (&"current".into(), &2.into()));
        assert_eq!(breach(folder.path()), None);
    }
}

#[test]
fn what_was_set_aside_before_a_second_crash_is_still_told() {
    let folder = scratch();
    write(folder.path(), options(SyncPolicy::Always), 2);
    std::fs::write(folder.path().join(segment::torn_name(3)), "set aside").unwrap();
    append(folder.path(), b"and torn again");
    write(folder.path(), options(SyncPolicy::Always), 0);
    assert_eq!(lines(folder.path())[2]["torn_bytes"], "set asideand torn again".len());
}

#[test]
fn an_end_that_was_not_clean_is_told_although_nothing_is_torn() {
    let folder = scratch();
    let mut log = open(folder.path(), options(SyncPolicy::Interval)).unwrap();
    log.write(now(), [&mut *record("req_1")]).unwrap();
    drop(log); // not closed
    assert_eq!(breach(folder.path()), None);
    write(folder.path(), options(SyncPolicy::Interval), 0);
    assert_eq!(lines(folder.path())[1]["checkpoint"], "behind");
    assert_eq!(lines(folder.path())[1]["torn_bytes"], 0);
}

#[test]
fn a_second_writer_is_kept_out() {
    let folder = scratch();
    let _first = open(folder.path(), options(SyncPolicy::Always)).unwrap();
    assert!(refusal(folder.path(), options(SyncPolicy::Always)).contains("another `kt`"));
}

#[test]
fn a_log_whose_end_was_cut_off_is_not_taken_up() {
    let folder = scratch();
    write(folder.path(), options(SyncPolicy::Always), 3);
    let path = folder.path().join(segment::ACTIVE);
    let text = std::fs::read_to_string(&path).unwrap();
    let two: String = text.split_inclusive('\n').take(2).collect();
    std::fs::write(&path, &two).unwrap();
    let told = refusal(folder.path(), options(SyncPolicy::Always));
    assert!(told.contains("reaches to record 3") && told.contains("read to record 2"), "{told}");
    std::fs::remove_file(&path).unwrap();
    assert!(refusal(folder.path(), options(SyncPolicy::Always)).contains("reaches to record 3"));
}

#[test]
fn a_log_of_which_nothing_can_be_read_is_not_begun_again() {
    let folder = scratch();
    let path = folder.path().join(segment::ACTIVE);
    for text in ["{\"seq\":1,\"id\":\"evt_1\"}\n", "half a li"] {
        std::fs::write(&path, text).unwrap();
        assert!(refusal(folder.path(), options(SyncPolicy::Always)).contains("no record that can be read"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
}

#[test]
fn a_checkpoint_that_vouches_for_nothing_is_told_in_the_chain() {
    let folder = scratch();
    write(folder.path(), options(SyncPolicy::Always), 2);
    write(folder.path(), with_key("the key of the log"), 1);
    std::fs::remove_file(folder.path().join(segment::CHECKPOINT)).unwrap();
    assert_eq!(breach(folder.path()), Some((5, "checkpoint")));
    write(folder.path(), with_key("the key of the log"), 0);
    let found: Vec<Value> = lines(folder.path()).iter().map(|line| line["checkpoint"].clone()).collect();
    assert_eq!(found, [Value::Null, Value::Null, "unsigned".into(), Value::Null, "missing".into()]);
    let notes = checked(folder.path()).notes;
    assert!(notes[0].starts_with("record 3:") && notes[1].starts_with("record 5:"), "{notes:?}");
}

#[test]
fn a_signed_checkpoint_is_not_given_up_in_silence() {
    let folder = scratch();
    write(folder.path(), with_key("the key of the log"), 1);
    let told = refusal(folder.path(), with_key("another key of it"));
    assert!(told.contains("signed with another key"), "{told}");
    let told = refusal(folder.path(), options(SyncPolicy::Always));
    assert!(told.contains("`audit.key_ref` names no key"), "{told}");
    write(folder.path(), with_key("the key of the log"), 1);
    assert_eq!(kinds(folder.path()), ["decision", "decision"]);
}

#[test]
fn a_checkpoint_that_cannot_be_read_does_not_keep_the_gateway_out_for_ever() {
    let folder = scratch();
    write(folder.path(), options(SyncPolicy::Always), 2);
    std::fs::write(folder.path().join(segment::CHECKPOINT), "?").unwrap();
    assert_eq!(breach(folder.path()), Some((3, "checkpoint")));
    write(folder.path(), options(SyncPolicy::Always), 0);
    assert_eq!(lines(folder.path())[2]["checkpoint"], "damaged");
    assert_eq!(breach(folder.path()), None);
}

#[test]
fn a_key_that_is_missing_or_short_is_told() {
    let told = |key: &str| {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), key).unwrap();
        let path = kit::spanned(file.path().display().to_string());
        let audit = config::Audit { key: Some(config::KeyRef::File(path)), ..config::Audit::default() };
        Options::of(&audit).map(drop).map_err(|error| error.to_string())
    };
    assert!(told("0123456789abcdef\n").is_ok());
    assert!(told("0123456789abcde").unwrap_err().contains("16 bytes"));
    assert!(told("").unwrap_err().contains("`audit.key_ref`"));
}

#[test]
fn a_checkpoint_that_is_too_long_is_told_and_mended() {
    for behind in [b"x".as_slice(), &[0; 5000]] {
        let folder = scratch();
        write(folder.path(), options(SyncPolicy::Always), 2);
        let path = folder.path().join(segment::CHECKPOINT);
        let long = [std::fs::read(&path).unwrap(), behind.to_vec()].concat();
        std::fs::write(&path, long).unwrap();
        write(folder.path(), options(SyncPolicy::Always), 1);
        assert_eq!(kinds(folder.path()), ["decision", "decision", "recovery", "decision"]);
        assert_eq!(lines(folder.path())[2]["checkpoint"], "damaged");
        assert_eq!(breach(folder.path()), None);
    }
}
