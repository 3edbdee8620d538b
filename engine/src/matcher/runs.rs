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

/// A run among those of all sets.
#[derive(Clone, Copy, Debug)]
struct Linked {
    run: Run,
    before: u32,
    after: u32,
}

/// The runs of each set, in order; those of one set lie apart.
#[derive(Debug)]
pub(super) struct Runs {
    /// By set, its first run and its last.
    ends: Vec<(u32, u32)>,
    all: Vec<Linked>,
    /// The sets that were noted.
    noted: Vec<usize>,
}

impl Runs {
    /// Of so many sets, none of which stands anywhere yet, with room for so many runs.
    pub(super) fn new(sets: usize, room: usize) -> Self {
        Self { ends: vec![(NONE, NONE); sets], all: Vec::with_capacity(room), noted: Vec::with_capacity(64) }
    }

    /// Whether anything of the set was noted.
    pub(super) fn has(&self, set: usize) -> bool {
        self.ends.get(set).is_some_and(|(first, _)| *first != NONE)
    }

    /// The sets of which anything was noted.
    pub(super) fn noted(&self) -> impl Iterator<Item = usize> {
        self.noted.iter().copied()
    }

    /// The runs of a set.
    pub(super) fn of(&self, set: usize) -> impl Iterator<Item = Run> {
        let mut at = self.ends.get(set).map_or(NONE, |(first, _)| *first);
        std::iter::from_fn(move || {
            let linked = self.all.get(at as usize)?;
            at = linked.after;
            Some(linked.run)
        })
    }

    /// How close hits are one.
    fn near(&self) -> usize {
        if self.all.len() < MANY { NEAR } else { FAR }
    }

    /// Notes a position. Positions come by where atoms end, so they go back by less than an atom's length.
    pub(super) fn note(&mut self, set: usize, at: usize) {
        let near = self.near();
        let Some((first, last)) = self.ends.get_mut(set) else { return };
        let run = match self.all.get_mut(*last as usize) {
            Some(linked) if at <= linked.run.last + near => {
                let run = &mut linked.run;
                let goes_back = at < run.first;
                run.first = run.first.min(at);
                run.last = run.last.max(at);
                if goes_back {
                    self.join(set);
                }
                return;
            }
            _ => Linked { run: Run { first: at, last: at }, before: *last, after: NONE },
        };
        let place = u32::try_from(self.all.len()).unwrap_or(NONE);
        match self.all.get_mut(*last as usize) {
            Some(before) => before.after = place,
            None => {
                *first = place;
                self.noted.push(set);
            }
        }
        *last = place;
        self.all.push(run);
    }

    /// The last run of a set goes back further than before: it is one with those that it has come near to.
    fn join(&mut self, set: usize) {
        let near = self.near();
        let Some((_, last)) = self.ends.get_mut(set) else { return };
        while let Some(Linked { run, before, .. }) = self.all.get(*last as usize).copied()
            && let Some(earlier) = self.all.get_mut(before as usize)
            && run.first <= earlier.run.last + near
        {
            let joined =
                Run { first: run.first.min(earlier.run.first), last: run.last.max(earlier.run.last) };
            (earlier.run, earlier.after) = (joined, NONE);
            *last = before;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(positions: &[usize]) -> Vec<(usize, usize)> {
        let mut runs = Runs::new(2, 0);
        positions.iter().for_each(|at| runs.note(1, *at));
        assert!(!runs.has(0) && runs.of(0).next().is_none());
        runs.of(1).map(|run| (run.first, run.last)).collect()
    }

    #[test]
    fn what_is_near_is_one() {
        assert_eq!(runs(&[]), []);
        assert_eq!(runs(&[3, 10, 40, 50, 100]), [(3, 10), (40, 50), (100, 100)]);
    }

    #[test]
    fn many_runs_are_fewer_and_longer() {
        let mut runs = Runs::new(2, 0);
        (0..MANY).for_each(|nth| runs.note(0, nth * 100));
        [0, 100, 4000, 9000].into_iter().for_each(|at| runs.note(1, at));
        assert_eq!(runs.of(0).count(), MANY);
        assert_eq!(
            runs.of(1).map(|run| (run.first, run.last)).collect::<Vec<_>>(),
            [(0, 100), (4000, 4000), (9000, 9000)]
        );
    }

    #[test]
    fn positions_may_go_back() {
        assert_eq!(runs(&[3, 40, 30]), [(3, 3), (30, 40)]);
        assert_eq!(runs(&[3, 25, 18, 60]), [(3, 25), (60, 60)]);
        assert_eq!(runs(&[3, 25, 50, 35]), [(3, 3), (25, 50)]);
    }
}
