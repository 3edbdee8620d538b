//! A reader of the log gets every record once and in order, wherever it stops and however the log goes on in between.

use std::path::Path;

use grammar::config::{Audit as Settings, SyncPolicy};
use proptest::prelude::*;

use super::cursor::CursorFile;
use super::reader::Reader;
use crate::audit::{Audit, Ledger, Options, Outcome, segment};
use crate::{FailMode, kit};

fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn options() -> Options {
    let settings = Settings { sync: SyncPolicy::None, ..Settings::default() };
    Options { segment_bytes: 3000, ..Options::of(&settings).unwrap() }
}

/// Adds records to the log of a state folder; gives the number of its last.
fn grow(state: &Path, count: usize) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (audit, task) = Audit::open(state, options(), FailMode::Block).unwrap();
        for number in 0..count {
            let mut ledger = Ledger::open(audit.seat(), &kit::pack(), &format!("req_{number}"));
            ledger.close(Outcome::Complete).await.unwrap();
        }
        let reach = audit.reach();
        drop(audit);
        task.await.unwrap();
        *reach.borrow()
    })
}

/// All lines of the log.
fn log(folder: &Path) -> Vec<String> {
    let sealed = segment::sealed(folder).unwrap();
    let names = sealed.into_iter().map(segment::name).chain([segment::ACTIVE.to_owned()]);
    let text: String = names.map(|name| std::fs::read_to_string(folder.join(name)).unwrap()).collect();
    text.lines().map(str::to_owned).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_record_comes_once_and_in_order(steps in prop::collection::vec((0_usize..9, 1_usize..7, 0_usize..5, any::<bool>()), 1..8)) {
        let state = scratch();
        let folder = segment::folder(state.path());
        let file = CursorFile::of(&folder, "x");
        let mut reader = Reader::resume(&folder, "x", true).unwrap();
        let mut got = Vec::new();
        for (records, most, reads, begins_anew) in steps {
            let reach = grow(state.path(), records);
            for _ in 0..reads {
                let batch = reader.read(most, reach).unwrap();
                prop_assert!(batch.len() <= most && (!batch.is_empty() || reader.taken() == reach));
                if let Some(last) = batch.last() {
                    file.write(&last.cursor).unwrap();
                }
                got.extend(batch.into_iter().map(|line| line.text));
            }
            if begins_anew {
                reader = Reader::resume(&folder, "x", true).unwrap();
                prop_assert_eq!(reader.taken(), got.len() as u64);
            }
        }
        let reach = grow(state.path(), 1);
        while reader.taken() < reach {
            got.extend(reader.read(3, reach).unwrap().into_iter().map(|line| line.text));
        }
        prop_assert_eq!(got, log(&folder));
    }
}

#[test]
fn nothing_is_read_beyond_what_the_writer_vouches_for() {
    let state = scratch();
    let folder = segment::folder(state.path());
    grow(state.path(), 4);
    let mut reader = Reader::resume(&folder, "x", false).unwrap();
    assert_eq!(reader.read(9, 2).unwrap().len(), 2);
    assert_eq!((reader.taken(), reader.read(9, 2).unwrap().len()), (2, 0));
}

#[test]
fn a_position_that_is_not_in_the_log_counts_for_nothing() {
    let state = scratch();
    let folder = segment::folder(state.path());
    let reach = grow(state.path(), 4);
    let mut reader = Reader::resume(&folder, "x", false).unwrap();
    let place = reader.read(9, reach).unwrap().remove(2).cursor;
    let file = CursorFile::of(&folder, "x");
    file.write(&place).unwrap();
    assert_eq!(Reader::resume(&folder, "x", false).unwrap().taken(), 3);
    for other in [
        super::cursor::Cursor { seq: 4, ..place },
        super::cursor::Cursor { hash: crate::audit::Hash::ZERO, ..place },
        super::cursor::Cursor { end: place.start, start: place.end, ..place },
        super::cursor::Cursor { end: u64::MAX, ..place },
    ] {
        file.write(&other).unwrap();
        assert_eq!(Reader::resume(&folder, "x", false).unwrap().taken(), 0, "{other:?}");
    }
}

#[test]
fn a_sink_that_has_all_of_a_removed_segment_goes_on_behind_it_and_a_new_one_begins_there() {
    let state = scratch();
    let folder = segment::folder(state.path());
    let reach = grow(state.path(), 9);
    let second = segment::sealed(&folder).unwrap()[1];
    let mut reader = Reader::resume(&folder, "x", false).unwrap();
    let mut last = None;
    while reader.taken() + 1 < second {
        last = reader.read(1, reach).unwrap().pop();
    }
    CursorFile::of(&folder, "x").write(&last.unwrap().cursor).unwrap();
    std::fs::remove_file(folder.join(segment::name(1))).unwrap();
    for sink in ["x", "new"] {
        let mut reader = Reader::resume(&folder, sink, false).unwrap();
        assert_eq!(reader.taken(), second - 1, "{sink}");
        assert_eq!(reader.read(1, reach).unwrap()[0].seq, second, "{sink}");
    }
}
