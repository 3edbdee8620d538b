//! Segments: sealed by size and by day, removed by age.

use super::*;
use jiff::SignedDuration;

fn days(count: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * count)
}

fn small(sync: SyncPolicy) -> Options {
    Options { segment_bytes: 2000, retention_days: Some(10), ..options(sync) }
}

fn sealed(folder: &Path) -> Vec<u64> {
    segment::sealed(folder).unwrap()
}

#[test]
fn a_segment_is_sealed_when_it_is_large_and_the_chain_goes_on() {
    for sync in [SyncPolicy::Always, SyncPolicy::Interval, SyncPolicy::None] {
        let folder = scratch();
        write(folder.path(), small(sync), 8);
        assert!(sealed(folder.path()).len() >= 2, "{:?}", sealed(folder.path()));
        let report = checked(folder.path());
        assert_eq!(report.breach, None);
        assert_eq!(report.walk.records, 8 + report.walk.sealed);
        write(folder.path(), small(sync), 1);
        assert_eq!(breach(folder.path()), None);
    }
}

#[test]
fn a_segment_is_sealed_when_the_day_is_over_and_not_when_it_is_empty() {
    let folder = scratch();
    let mut log = open(folder.path(), options(SyncPolicy::Always)).unwrap();
    log.turn(now() + days(1)).unwrap();
    assert_eq!(sealed(folder.path()), [0; 0]);
    log.write(now(), [&mut *record("req_1")]).unwrap();
    log.turn(now()).unwrap();
    assert_eq!(sealed(folder.path()), [0; 0]);
    log.turn(now() + days(1)).unwrap();
    log.turn(now() + days(2)).unwrap();
    assert_eq!(sealed(folder.path()), [1]);
    let seal = segment::seal(folder.path(), 1).unwrap().unwrap();
    assert_eq!((seal.seq, seal.kind), (2, chain::Kind::Seal { first_seq: 1, records: 1 }));
    log.write(now() + days(1), [&mut *record("req_2")]).unwrap();
    assert_eq!(
        (&lines(folder.path())[0]["seq"], lines(folder.path())[0]["prev_hash"].as_str()),
        (&3.into(), Some(seal.hash.as_str()))
    );
}

#[test]
fn only_segments_past_their_time_are_removed_and_their_heads_stay() {
    let folder = scratch();
    let (mut log, first) = (open(folder.path(), small(SyncPolicy::Always)).unwrap(), now());
    for day in [0, 1, 5] {
        log.write(first + days(day), [&mut *record("req_1")]).unwrap();
    }
    assert_eq!(sealed(folder.path()), [1, 3]);
    let heads = [1, 3].map(|first| segment::seal(folder.path(), first).unwrap().unwrap().hash);
    let torn = [2, 3].map(|seq| folder.path().join(segment::torn_name(seq)));
    torn.iter().for_each(|path| std::fs::write(path, "torn").unwrap());
    assert_eq!(log.prune(first + days(11)).unwrap().removed, []); // the first was sealed a day later
    let removed = log.prune(first + days(12)).unwrap().removed;
    assert_eq!(removed, [event::Removed { first_seq: 1, head_hash: heads[0], last_seq: 2 }]);
    assert_eq!(torn.map(|path| path.exists()), [false, true]);
    assert_eq!(breach(folder.path()), None);
    let removed = log.prune(first + days(40)).unwrap().removed;
    assert_eq!(removed.len(), 2); // the active segment was sealed by the record that tells of it
    log.close(first + days(40)).unwrap();
    drop(log);
    let report = checked(folder.path());
    assert_eq!(report.breach, None);
    assert_eq!(report.walk.first.map(|(seq, _)| seq), Some(removed[1].last_seq + 1));
    write(folder.path(), small(SyncPolicy::Always), 1);
    assert_eq!(breach(folder.path()), None);
}

#[test]
fn a_segment_that_is_gone_without_a_word_is_a_breach() {
    let folder = scratch();
    let mut log = open(folder.path(), small(SyncPolicy::Always)).unwrap();
    for day in [0, 1, 2, 30] {
        log.write(now() + days(day), [&mut *record("req_1")]).unwrap();
    }
    assert_eq!(sealed(folder.path()), [1, 3, 5]);
    std::fs::remove_file(folder.path().join(segment::name(1))).unwrap();
    assert_eq!(breach(folder.path()), Some((1, "missing")));
    log.options.retention_days = Some(29);
    assert_eq!(log.prune(now() + days(31)).unwrap().removed.len(), 1); // segment 3, of which the chain now tells
    assert_eq!(breach(folder.path()), None);
    std::fs::remove_file(folder.path().join(segment::name(5))).unwrap();
    assert_eq!(breach(folder.path()), Some((1, "missing")));
}

#[test]
fn a_seal_that_only_wants_its_name_gets_it_at_the_next_start() {
    let folder = scratch();
    write(folder.path(), small(SyncPolicy::Always), 8);
    let last = sealed(folder.path()).pop().unwrap();
    std::fs::rename(folder.path().join(segment::name(last)), folder.path().join(segment::ACTIVE)).unwrap();
    // As after a crash between the seal and the new name: the checkpoint stands at the seal.
    let seal = {
        let text = std::fs::read_to_string(folder.path().join(segment::ACTIVE)).unwrap();
        chain::Link::read(text.lines().last().unwrap().as_bytes()).unwrap()
    };
    let slot = checkpoint::slot(&chain::Chain { seq: seal.seq, head: seal.hash }, None, now()).unwrap();
    std::fs::write(folder.path().join(segment::CHECKPOINT), [slot.clone(), slot].concat()).unwrap();
    assert_eq!(breach(folder.path()), None);
    write(folder.path(), small(SyncPolicy::Always), 1);
    assert_eq!(sealed(folder.path()).pop(), Some(last));
    assert_eq!(breach(folder.path()), None);
    assert_eq!(lines(folder.path())[0]["seq"], seal.seq + 1);
}

#[test]
fn what_somebody_has_yet_to_take_is_kept_whatever_its_age() {
    let folder = scratch();
    let followers = followers::Followers::new([("siem".to_owned(), 0), ("db".to_owned(), 0)]);
    let options = Options { followers: followers.clone(), ..small(SyncPolicy::Always) };
    let (mut log, first) = (open(folder.path(), options).unwrap(), now());
    for day in [0, 1, 5] {
        log.write(first + days(day), [&mut *record("req_1")]).unwrap();
    }
    let (siem, db) = (followers.get(0).unwrap(), followers.get(1).unwrap());
    let mut prune = |taken: [u64; 2]| {
        siem.take(taken[0]);
        db.take(taken[1]);
        let pruned = log.prune(first + days(16)).unwrap();
        (pruned.removed.iter().map(|removed| removed.first_seq).collect::<Vec<_>>(), pruned.held)
    };
    assert_eq!(prune([0, 9]), (vec![], Some(("siem".to_owned(), 0))));
    assert_eq!(prune([1, 9]), (vec![], Some(("siem".to_owned(), 1))), "its seal is a record too");
    assert_eq!(prune([9, 2]), (vec![1], Some(("db".to_owned(), 2))));
    assert_eq!(prune([4, 4]), (vec![3], None));
    assert_eq!(breach(folder.path()), None);
}
