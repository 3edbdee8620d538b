//! Whatever is done to a log behind its back is found, and the right record is named.

use super::*;

const RECORDS: usize = 5;

/// A log with its checkpoint, closed.
fn log() -> (tempfile::TempDir, Vec<Vec<u8>>) {
    let folder = scratch();
    write(folder.path(), options(SyncPolicy::Always), RECORDS);
    let text = std::fs::read(folder.path().join(segment::ACTIVE)).unwrap();
    let lines = text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    (folder, lines)
}

fn after(folder: &Path, lines: &[Vec<u8>]) -> (u64, &'static str) {
    std::fs::write(folder.join(segment::ACTIVE), lines.concat()).unwrap();
    breach(folder).expect("a breach")
}

#[test]
fn every_byte_that_is_changed_is_found() {
    let (folder, lines) = log();
    for (index, line) in lines.iter().enumerate() {
        for at in 0..line.len() {
            for flip in [1, 0x20, 0x80, line[at] ^ b'\n', line[at] ^ b' '] {
                let mut changed = lines.clone();
                changed[index][at] ^= flip;
                if flip == 0 {
                    continue;
                }
                let (seq, kind) = after(folder.path(), &changed);
                // The last line end is one that a torn line lacks too: the checkpoint tells.
                let last = index + 1 == RECORDS && at + 1 == line.len();
                let expected = if last { "cut" } else { "altered" };
                assert_eq!((seq, kind), (index as u64 + 1, expected), "byte {at} ^ {flip}");
            }
        }
    }
}

#[test]
fn every_record_that_is_removed_is_found() {
    let (folder, lines) = log();
    for index in 0..RECORDS {
        let mut fewer = lines.clone();
        fewer.remove(index);
        let kind = if index + 1 == RECORDS { "cut" } else { "missing" };
        assert_eq!(after(folder.path(), &fewer), (index as u64 + 1, kind));
    }
}

#[test]
fn every_two_records_that_are_swapped_are_found() {
    let (folder, lines) = log();
    for a in 0..RECORDS {
        for b in a + 1..RECORDS {
            let mut swapped = lines.clone();
            swapped.swap(a, b);
            assert_eq!(after(folder.path(), &swapped), (a as u64 + 1, "missing"));
        }
    }
}

#[test]
fn every_record_that_stands_twice_is_found_wherever_the_copy_is() {
    let (folder, lines) = log();
    for index in 0..RECORDS {
        for place in index + 1..=RECORDS {
            let mut more = lines.clone();
            more.insert(place, lines[index].clone());
            assert_eq!(after(folder.path(), &more), (index as u64 + 1, "repeated"));
        }
    }
}

#[test]
fn every_cut_of_the_end_is_found_by_the_checkpoint() {
    let (folder, lines) = log();
    let text = lines.concat();
    let ends: Vec<usize> = lines
        .iter()
        .scan(0, |end, line| {
            *end += line.len();
            Some(*end)
        })
        .collect();
    for length in 0..text.len() {
        std::fs::write(folder.path().join(segment::ACTIVE), &text[..length]).unwrap();
        let whole = ends.iter().filter(|end| **end <= length).count() as u64;
        assert_eq!(breach(folder.path()), Some((whole + 1, "cut")), "{length} bytes");
    }
    std::fs::remove_file(folder.path().join(segment::ACTIVE)).unwrap();
    assert!(verify(folder.path(), &Against::default(), |_| {}).is_err());
}

/// Makes the chain anew from a changed record on, as whoever can write the folder can.
fn forge(lines: &[Vec<u8>], index: usize) -> Vec<Vec<u8>> {
    let mut head = Hash::ZERO;
    let mut forged = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let text = std::str::from_utf8(line).unwrap();
        let (record, _) = text.rsplit_once(",\"hash\":").unwrap();
        let mut record: serde_json::Map<String, Value> =
            serde_json::from_str(&format!("{record}}}")).unwrap();
        record.insert("prev_hash".into(), head.to_string().into());
        if number == index {
            record.insert("verdict".into(), "allowed".into());
        }
        let text = serde_json::to_string(&record).unwrap();
        head = Hash::of([head.as_str().as_bytes(), text.as_bytes()]);
        forged.push(format!("{},\"hash\":\"{head}\"}}\n", text.strip_suffix("}").unwrap()).into_bytes());
    }
    forged
}

#[test]
fn a_chain_that_was_made_anew_is_found_by_the_signed_checkpoint_and_by_an_anchor() {
    let folder = scratch();
    let key = Secret::new("the key of the log");
    write(folder.path(), Options { key: key.clone(), ..options(SyncPolicy::Always) }, RECORDS);
    let text = std::fs::read(folder.path().join(segment::ACTIVE)).unwrap();
    let lines: Vec<Vec<u8>> = text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let anchors = [(3, vec![checked(folder.path()).walk.chain.unwrap().head])].into();
    let anchored = Against { key: None, anchors };
    let against = Against { key, ..Against::default() };
    let found =
        |against: &Against| verify(folder.path(), against, |_| {}).unwrap().breach.map(|b| (b.seq, b.kind));
    assert_eq!(found(&against), None);
    assert_eq!(found(&anchored), Some((3, "anchor"))); // it is the hash of record 5
    assert_eq!(after(folder.path(), &forge(&lines, 1)), (RECORDS as u64, "replaced"));
    // With a checkpoint of the forger's own: without the key nobody can tell, with it everybody can.
    let forged = checked(folder.path()).walk.chain.unwrap();
    let slot = checkpoint::slot(&forged, None, now()).unwrap();
    std::fs::write(folder.path().join(segment::CHECKPOINT), [slot.clone(), slot].concat()).unwrap();
    assert_eq!(breach(folder.path()), None);
    assert_eq!(found(&against), Some((RECORDS as u64 + 1, "checkpoint")));
    let genuine = chain::Link::read(lines[3].trim_ascii_end()).unwrap();
    let anchored = Against { anchors: [(4, vec![genuine.hash])].into(), ..Against::default() };
    assert_eq!(found(&anchored), Some((4, "anchor")));
    let beyond = Against { anchors: [(9, vec![genuine.hash])].into(), ..Against::default() };
    assert_eq!(found(&beyond), Some((6, "cut")));
}

#[test]
fn one_record_that_was_replaced_is_named() {
    let (folder, lines) = log();
    let mut one = lines.clone();
    one[1] = forge(&lines, 1)[1].clone();
    assert_eq!(after(folder.path(), &one), (3, "replaced"));
}

#[test]
fn what_is_done_to_sealed_segments_is_found() {
    let folder = scratch();
    write(folder.path(), Options { segment_bytes: 1500, ..options(SyncPolicy::Always) }, 12);
    let files: Vec<u64> = segment::sealed(folder.path()).unwrap();
    let path = |first| folder.path().join(segment::name(first));
    let text = std::fs::read(path(files[1])).unwrap();
    let put = |first: u64, text: &[u8]| std::fs::write(path(first), text).unwrap();
    assert_eq!(breach(folder.path()), None);
    std::fs::remove_file(path(files[1])).unwrap();
    assert_eq!(breach(folder.path()), Some((files[1], "missing")));
    put(files[1], &text[..text.len() - 1]);
    assert_eq!(breach(folder.path()), Some((files[2] - 1, "altered")));
    put(files[1], &[]);
    assert_eq!(breach(folder.path()), Some((files[1], "missing")));
    put(files[1], &text);
    put(files[1] + 1, &text);
    assert_eq!(breach(folder.path()), Some((files[1], "repeated")));
}
