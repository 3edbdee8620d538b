//! Crashes at every step: kills, after which the system still has what was written, and power failures, after which
//! only what was synced is certain and the rest comes in pieces. Starts are cut short too.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::*;
use crate::audit::chain::Chain;
use crate::audit::checkpoint::SLOT;
use crate::audit::disk::Disk;

/// What was done to the folder, and what was promised after it.
#[derive(Clone, Debug)]
enum Op {
    Append(Vec<u8>),
    Cut(u64),
    Sync,
    Rotate(String),
    SetAside(u64, String),
    Remove(String),
    Mark(usize, Vec<u8>),
    SyncMarks,
    /// The log reaches to there, whatever is killed.
    Written(Chain),
    /// And whatever power fails.
    Synced(Chain),
}

type Ops = Arc<Mutex<Vec<Op>>>;

/// The folder, with a note of everything that is done to it.
struct Noted(Folder, Ops);

impl Noted {
    fn note(&self, op: Op) {
        self.1.lock().unwrap().push(op);
    }
}

impl Disk for Noted {
    fn append(&mut self, lines: &[u8]) -> std::io::Result<()> {
        self.note(Op::Append(lines.to_vec()));
        self.0.append(lines)
    }

    fn cut(&mut self, length: u64) -> std::io::Result<()> {
        self.note(Op::Cut(length));
        self.0.cut(length)
    }

    fn sync(&mut self) -> std::io::Result<()> {
        self.note(Op::Sync);
        Ok(())
    }

    fn rotate(&mut self, name: &str) -> std::io::Result<()> {
        self.note(Op::Rotate(name.to_owned()));
        self.0.rotate(name)
    }

    fn set_aside(&mut self, offset: u64, name: &str) -> std::io::Result<()> {
        self.note(Op::SetAside(offset, name.to_owned()));
        self.0.set_aside(offset, name)
    }

    fn remove(&mut self, name: &str) -> std::io::Result<()> {
        self.note(Op::Remove(name.to_owned()));
        self.0.remove(name)
    }

    fn mark(&mut self, slot: usize, text: &[u8]) -> std::io::Result<()> {
        self.note(Op::Mark(slot, text.to_vec()));
        self.0.mark(slot, text)
    }

    fn sync_marks(&mut self) -> std::io::Result<()> {
        self.note(Op::SyncMarks);
        Ok(())
    }
}

/// Numbers that differ and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides.max(1)
    }
}

/// What a folder holds, on the disk and in the system's memory.
#[derive(Clone, Debug, Default)]
struct World {
    files: BTreeMap<String, Vec<u8>>,
    active: Option<(Vec<u8>, Vec<u8>)>,
    /// Of each slot what it may hold, the newest last.
    slots: [Vec<Vec<u8>>; 2],
    written: Option<Chain>,
    synced: Option<Chain>,
}

impl World {
    /// What is on the disk before anything is done.
    fn of(folder: &Path) -> Self {
        let mut world = Self::default();
        for file in std::fs::read_dir(folder).unwrap() {
            let file = file.unwrap();
            let (name, bytes) =
                (file.file_name().into_string().unwrap(), std::fs::read(file.path()).unwrap());
            match name.as_str() {
                segment::ACTIVE => world.active = Some((bytes.clone(), bytes)),
                segment::CHECKPOINT => {
                    let slots = bytes.chunks(SLOT).map(<[u8]>::to_vec);
                    slots.zip(&mut world.slots).for_each(|(text, slot)| slot.push(text));
                }
                _ => drop(world.files.insert(name, bytes)),
            }
        }
        world
    }

    fn cached(&mut self) -> &mut Vec<u8> {
        &mut self.active.get_or_insert_default().1
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::Append(lines) => self.cached().extend_from_slice(lines),
            Op::Cut(length) => self.cached().truncate(usize::try_from(*length).unwrap()),
            Op::Sync => {
                let (durable, cached) = self.active.get_or_insert_default();
                durable.clone_from(cached);
            }
            Op::Rotate(name) => {
                let (durable, cached) = self.active.take().unwrap();
                assert_eq!(durable, cached, "a segment is synced before it is sealed");
                self.files.insert(name.clone(), durable);
                self.active = Some(Default::default());
            }
            Op::SetAside(offset, name) => {
                let aside = self.cached()[usize::try_from(*offset).unwrap()..].to_vec();
                self.files.entry(name.clone()).or_default().extend(aside);
            }
            Op::Remove(name) => drop(self.files.remove(name)),
            Op::Mark(slot, text) => self.slots[*slot].push(text.clone()),
            Op::SyncMarks => self.slots.iter_mut().for_each(|slot| drop(slot.drain(..slot.len().max(1) - 1))),
            Op::Written(chain) => self.written = Some(*chain),
            Op::Synced(chain) => self.synced = Some(*chain),
        }
    }

    /// Does half of what comes next.
    fn apply_half(&mut self, op: &Op, dice: &mut Dice) {
        match op {
            Op::Append(lines) => {
                let part = dice.roll(lines.len() + 1);
                self.cached().extend_from_slice(&lines[..part]);
            }
            Op::Rotate(name) if dice.roll(2) == 0 => {
                let (durable, _) = self.active.take().unwrap();
                self.files.insert(name.clone(), durable);
            }
            Op::SetAside(offset, name) => {
                let aside = self.cached()[usize::try_from(*offset).unwrap()..].to_vec();
                let part = dice.roll(aside.len() + 1);
                self.files.entry(name.clone()).or_default().extend(&aside[..part]);
            }
            Op::Cut(_) | Op::Sync | Op::Rotate(_) | Op::Remove(_) | Op::Mark(..) | Op::SyncMarks => {}
            Op::Written(_) | Op::Synced(_) => {}
        }
    }

    /// The power fails: of what was not synced each sector is there or not, up to some length.
    fn lose_power(&mut self, dice: &mut Dice) {
        if let Some((durable, cached)) = &mut self.active {
            if cached.len() < durable.len() {
                if dice.roll(2) == 0 {
                    cached.clone_from(durable); // the cut was not on the disk
                }
            } else {
                cached.truncate(durable.len() + dice.roll(cached.len() - durable.len() + 1));
                for sector in cached[durable.len()..].chunks_mut(SLOT) {
                    if dice.roll(3) == 0 {
                        sector.fill(0);
                    }
                }
            }
        }
        for slot in &mut self.slots {
            slot.truncate(1 + dice.roll(slot.len()));
        }
        self.written = self.synced;
    }

    /// What the next start finds.
    fn write_to(&self, folder: &Path) {
        for (name, bytes) in &self.files {
            std::fs::write(folder.join(name), bytes).unwrap();
        }
        if let Some((_, cached)) = &self.active {
            std::fs::write(folder.join(segment::ACTIVE), cached).unwrap();
        }
        let slots: Vec<u8> = self.slots.iter().filter_map(|slot| slot.last().cloned()).flatten().collect();
        if !slots.is_empty() {
            std::fs::write(folder.join(segment::CHECKPOINT), slots).unwrap();
        }
    }
}

fn opened(folder: &Path, sync: SyncPolicy) -> (log::Log<Noted>, Ops) {
    let ops = Ops::default();
    let disk = Noted(Folder::open(folder).unwrap(), Arc::clone(&ops));
    let options = Options { segment_bytes: 3000, retention_days: Some(1), ..options(sync) };
    let log = start::open(disk, folder, options, now()).unwrap_or_else(|error| {
        panic!("{error}: {:?}, {:?}", checkpoint::read(folder, None), World::of(folder))
    });
    (log, ops)
}

/// Everything that a log does in its life, up to an end that may be clean.
fn life(folder: &Path, sync: SyncPolicy) -> Vec<Op> {
    let (mut log, ops) = opened(folder, sync);
    let promise = |chain, is_synced: bool| {
        let mut ops = ops.lock().unwrap();
        ops.push(Op::Written(chain));
        ops.extend(is_synced.then_some(Op::Synced(chain)));
    };
    for round in 0..9 {
        let mut batch: Vec<_> = (0..1 + round % 3).map(|_| record("req_1")).collect();
        log.write(now(), batch.iter_mut().map(|record| &mut **record)).unwrap();
        promise(log.chain, sync == SyncPolicy::Always);
        if sync == SyncPolicy::Interval && round % 3 == 2 {
            log.sync(now()).unwrap();
            promise(log.chain, true);
        }
    }
    let later = now() + jiff::SignedDuration::from_hours(72);
    log.prune(later).unwrap();
    promise(log.chain, true);
    log.write(later, [&mut *record("req_1")]).unwrap();
    promise(log.chain, sync == SyncPolicy::Always);
    log.close(later).unwrap();
    promise(log.chain, true);
    drop(log);
    ops.lock().unwrap().clone()
}

/// Holds the log against what was promised.
fn check(folder: &Path, promised: Option<Chain>, told: &str) {
    let mut hashes = BTreeMap::new();
    let walk = walk::walk(folder, |link, _| {
        hashes.insert(link.seq, link.hash);
        Ok(())
    });
    assert_eq!(walk.unwrap().breach, None, "{told}");
    if let Some(Chain { seq, head }) = promised {
        assert_eq!(hashes.get(&seq), Some(&head), "{told}: record {seq} was promised");
    }
}

/// Crashes after so many steps and half of the next; then starts are cut short one after the other, until one is not.
fn crash(mut world: World, ops: &[Op], steps: usize, sync: SyncPolicy, dice: &mut Dice, power: bool) {
    ops[..steps].iter().for_each(|op| world.apply(op));
    if let Some(next) = ops.get(steps) {
        world.apply_half(next, dice);
    }
    if power {
        world.lose_power(dice);
    }
    let promised = world.written;
    let told = format!("{sync:?}, {steps} steps, {}", if power { "power" } else { "kill" });
    for attempt in 0..4 {
        let folder = scratch();
        world.write_to(folder.path());
        if !power && attempt == 0 && world.active.is_some() {
            assert_eq!(breach(folder.path()).filter(|breach| breach.1 != "checkpoint"), None, "{told}");
        }
        let mut before = World::of(folder.path());
        let (log, ops) = opened(folder.path(), sync);
        drop(log);
        check(folder.path(), promised, &told);
        assert_eq!(breach(folder.path()), None, "{told}, after {attempt} starts that were cut short");
        let ops = ops.lock().unwrap().clone();
        let cut_short = dice.roll(ops.len());
        ops[..cut_short].iter().for_each(|op| before.apply(op));
        before.apply_half(&ops[cut_short], dice);
        if power {
            before.lose_power(dice);
        }
        world = before;
    }
}

#[test]
fn no_crash_at_any_step_loses_what_was_promised() {
    for sync in [SyncPolicy::Always, SyncPolicy::Interval, SyncPolicy::None] {
        let folder = scratch();
        let ops = life(folder.path(), sync);
        assert!(ops.iter().filter(|op| matches!(op, Op::Rotate(_))).count() >= 3);
        assert!(ops.iter().any(|op| matches!(op, Op::Remove(_))));
        for steps in 0..=ops.len() {
            for seed in 0..6 {
                let mut dice = Dice(seed * 1000 + steps as u64);
                crash(World::default(), &ops, steps, sync, &mut dice, seed % 2 == 0);
            }
        }
    }
}
