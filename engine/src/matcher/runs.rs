//! Where the atoms of many sets stand in one text.

/// Hits that stand closer to each other than this are noted as one.
const NEAR: usize = 16;

/// From so many runs on, hits that stand closer than this are one, so that a very long text has few: more of its places are then looked at
/// than need be.
const MANY: usize = 1 << 16;
const FAR: usize = 256;

/// No run.
const NONE: u32 = u32::MAX;

/// The first and the last of positions that are near each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) first: usize,
    pub(super) last: usize,
}

/// Runs in the making, in the order in which they were met.
#[derive(Debug)]
pub(super) struct Notes {
    /// By set, the place of its last run, and how many it has.
    last: Vec<(u32, u32)>,
    all: Vec<(u32, Run)>,
    /// The sets that were noted.
    noted: Vec<usize>,
    /// Whether a run was made longer at its beginning, and so may have come near to the one before it.
    went_back: bool,
}

/// The runs of each set, in order; those of one set lie apart.
#[derive(Debug)]
pub(super) struct Runs {
    /// By set, where its runs begin, and where they end.
    spans: Vec<(u32, u32)>,
    all: Vec<Run>,
    noted: Vec<usize>,
}

impl Notes {
    /// Of so many sets, none of which stands anywhere yet, with room for so many runs.
    pub(super) fn new(sets: usize, room: usize) -> Self {
        let (all, noted) = (Vec::with_capacity(room), Vec::with_capacity(64));
        Self { last: vec![(NONE, 0); sets], all, noted, went_back: false }
    }

    /// Notes a position. Positions come by where atoms end, so they go back by less than an atom's length.
    #[inline]
    pub(super) fn note(&mut self, set: u32, at: usize) {
        let near = if self.all.len() < MANY { NEAR } else { FAR };
        let Some((last, count)) = self.last.get_mut(set as usize) else { return };
        match self.all.get_mut(*last as usize) {
            Some((_, run)) if at <= run.last + near => {
                self.went_back |= at < run.first;
                run.first = run.first.min(at);
                run.last = run.last.max(at);
            }
            before => {
                if before.is_none() {
                    self.noted.push(set as usize);
                }
                *last = u32::try_from(self.all.len()).unwrap_or(NONE);
                *count += 1;
                self.all.push((set, Run { first: at, last: at }));
            }
        }
    }

    /// The runs, set by set.
    pub(super) fn sorted(self) -> Runs {
        let Self { last, all: met, noted, went_back } = self;
        let mut spans = vec![(0, 0); last.len()];
        let mut next = 0;
        for set in &noted {
            if let (Some(span), Some((_, count))) = (spans.get_mut(*set), last.get(*set)) {
                *span = (next, next);
                next += count;
            }
        }
        let mut all = vec![Run { first: 0, last: 0 }; met.len()];
        for (set, run) in met {
            let Some((_, end)) = spans.get_mut(set as usize) else { continue };
            all.get_mut(*end as usize).into_iter().for_each(|slot| *slot = run);
            *end += 1;
        }
        let mut runs = Runs { spans, all, noted };
        if went_back {
            runs.join();
        }
        runs
    }
}

impl Runs {
    /// Whether anything of the set was noted.
    pub(super) fn has(&self, set: usize) -> bool {
        !self.of(set).is_empty()
    }

    /// The sets of which anything was noted.
    pub(super) fn noted(&self) -> impl Iterator<Item = usize> {
        self.noted.iter().copied()
    }

    /// The runs of a set.
    pub(super) fn of(&self, set: usize) -> &[Run] {
        let (from, upto) = self.spans.get(set).copied().unwrap_or_default();
        self.all.get(from as usize..upto as usize).unwrap_or_default()
    }

    /// Makes one of runs of a set that are near each other.
    fn join(&mut self) {
        for set in &self.noted {
            let Some((from, upto)) = self.spans.get_mut(*set) else { continue };
            let own = self.all.get_mut(*from as usize..*upto as usize).unwrap_or_default();
            let mut kept: usize = 0;
            for at in 0..own.len() {
                let Some(mut run) = own.get(at).copied() else { break };
                while let Some(before) = kept.checked_sub(1).and_then(|before| own.get(before))
                    && run.first <= before.last + NEAR
                {
                    run = Run { first: run.first.min(before.first), last: run.last.max(before.last) };
                    kept -= 1;
                }
                own.get_mut(kept).into_iter().for_each(|slot| *slot = run);
                kept += 1;
            }
            *upto = *from + u32::try_from(kept).unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(positions: &[usize]) -> Vec<(usize, usize)> {
        let mut notes = Notes::new(2, 0);
        positions.iter().for_each(|at| notes.note(1, *at));
        let runs = notes.sorted();
        assert!(!runs.has(0) && runs.of(0).is_empty());
        assert_eq!(runs.has(1), !positions.is_empty());
        runs.of(1).iter().map(|run| (run.first, run.last)).collect()
    }

    #[test]
    fn what_is_near_is_one() {
        assert_eq!(runs(&[]), []);
        assert_eq!(runs(&[3, 10, 40, 50, 100]), [(3, 10), (40, 50), (100, 100)]);
    }

    #[test]
    fn many_runs_are_fewer_and_longer() {
        let mut notes = Notes::new(2, 0);
        (0..MANY).for_each(|nth| notes.note(0, nth * 100));
        [0, 100, 4000, 9000].into_iter().for_each(|at| notes.note(1, at));
        let runs = notes.sorted();
        assert_eq!(runs.of(0).len(), MANY);
        assert_eq!(
            runs.of(1).iter().map(|run| (run.first, run.last)).collect::<Vec<_>>(),
            [(0, 100), (4000, 4000), (9000, 9000)]
        );
    }

    #[test]
    fn positions_may_go_back() {
        assert_eq!(runs(&[3, 40, 30]), [(3, 3), (30, 40)]);
        assert_eq!(runs(&[3, 25, 18, 60]), [(3, 25), (60, 60)]);
        assert_eq!(runs(&[3, 25, 50, 35]), [(3, 3), (25, 50)]);
        assert_eq!(runs(&[3, 25, 50, 60, 8]), [(3, 60)], "near several of those before it");
    }

    #[test]
    fn sets_lie_apart() {
        let mut notes = Notes::new(4, 0);
        [(3, 70), (1, 80), (3, 20), (1, 200), (0, 5)].into_iter().for_each(|(set, at)| notes.note(set, at));
        let runs = notes.sorted();
        let of = |set| runs.of(set).iter().map(|run| (run.first, run.last)).collect::<Vec<_>>();
        assert_eq!([of(0), of(1), of(2)], [vec![(5, 5)], vec![(80, 80), (200, 200)], vec![]]);
        assert_eq!(of(3), [(20, 70)]);
        assert_eq!(runs.noted().collect::<Vec<_>>(), [3, 1, 0]);
        assert!(runs.of(4).is_empty());
    }
}
