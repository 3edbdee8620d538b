//! A look ahead: whether a match may begin at a place, told by the first bytes there.
//!
//! It is the beginning of the expression's anchored automaton: so many states as are reached first. What leads out of them
//! may match. So a probe says *no* only where the automaton would, and it is small however large the automaton is.

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Range;

use regex_automata::util::alphabet::ByteClasses;
use regex_syntax::hir::Hir;

use super::Automaton;
use super::marks::{Marks, Opening};
use super::walk::{Seeker, State, Walker};

/// The most states of a probe.
const MAX_STATES: usize = 256;
/// The most bytes that it looks at.
const FARTHEST: usize = 256;

/// Nothing can match.
const DEAD: u16 = 0;

/// Whether a match may begin at a place.
#[derive(Debug)]
pub struct Probe {
    /// By byte, its class.
    classes: [u8; 256],
    /// By the byte before, the state to begin in.
    starts: Box<[u16; 256]>,
    /// The state to begin in at the start of the text.
    first: u16,
    /// By state and class, the next state. States are where their rows begin: the first is dead, the second may match.
    rows: Vec<u16>,
    /// How long a row is, and so the state that may match.
    maybe: u16,
    /// Where matches may begin in a text, but for its first place.
    opening: Opening,
}

/// What is known once a probe has looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    may_match: bool,
    /// The bytes that were looked at.
    bytes: usize,
}

/// An automaton that a probe is made of.
trait Steps {
    type State: Copy + Eq + Hash;

    /// The state before a match that stands after `behind`; none where that cannot be told.
    fn start(&mut self, behind: Option<u8>) -> Option<Self::State>;

    /// The state after one more byte.
    fn next(&mut self, state: Self::State, byte: u8) -> Option<Self::State>;

    fn is_dead(&self, state: Self::State) -> bool;

    /// Whether a match ended just before.
    fn is_match(&self, state: Self::State) -> bool;
}

impl Steps for &Automaton {
    type State = regex_automata::util::primitives::StateID;

    fn start(&mut self, behind: Option<u8>) -> Option<Self::State> {
        Some(Automaton::start(self, behind))
    }

    fn next(&mut self, state: Self::State, byte: u8) -> Option<Self::State> {
        Some(Automaton::next(self, state, byte))
    }

    fn is_dead(&self, state: Self::State) -> bool {
        Automaton::is_dead(self, state)
    }

    fn is_match(&self, state: Self::State) -> bool {
        Automaton::is_match(self, state)
    }
}

impl Steps for Walker<'_> {
    type State = State;

    fn start(&mut self, behind: Option<u8>) -> Option<State> {
        Walker::start(self, regex_automata::Anchored::Yes, behind)
    }

    fn next(&mut self, state: State, byte: u8) -> Option<State> {
        Walker::next(self, state, byte)
    }

    fn is_dead(&self, state: State) -> bool {
        state.is_dead()
    }

    fn is_match(&self, state: State) -> bool {
        state.is_match()
    }
}

/// The states of a probe in the making.
struct Known<S> {
    states: Vec<S>,
    ids: HashMap<S, u16>,
    stride: u16,
}

impl<S: Copy + Eq + Hash> Known<S> {
    /// The number of a state, which is noted where it is new and there is room.
    fn id(&mut self, steps: &impl Steps<State = S>, state: Option<S>) -> u16 {
        let Some(state) = state else { return self.stride };
        if steps.is_dead(state) {
            return DEAD;
        }
        if steps.is_match(state) {
            return self.stride;
        }
        if let Some(id) = self.ids.get(&state) {
            return *id;
        }
        let place =
            u16::try_from(self.states.len() + 2).ok().and_then(|place| place.checked_mul(self.stride));
        let Some(id) = place.filter(|_| self.states.len() < MAX_STATES) else { return self.stride };
        self.states.push(state);
        self.ids.insert(state, id);
        id
    }
}

impl Probe {
    /// The probe of an expression, by its automaton where there is one; none where the expression is too large.
    pub(super) fn of(hir: &Hir, automaton: Option<&Automaton>) -> Option<Self> {
        match automaton {
            Some(mut automaton) => Some(Self::new(automaton.byte_classes(), &mut automaton)),
            None => {
                let seeker = Seeker::new(hir)?;
                Some(Self::new(seeker.byte_classes(), &mut seeker.walker()))
            }
        }
    }

    fn new<T: Steps>(classes: &ByteClasses, steps: &mut T) -> Self {
        let representatives: Vec<u8> =
            classes.representatives(0..=u8::MAX).filter_map(|unit| unit.as_u8()).collect();
        let stride = u16::try_from(representatives.len()).unwrap_or(256);
        let mut known = Known { states: Vec::new(), ids: HashMap::new(), stride };
        let mut start = |behind: Option<u8>| {
            let state = steps.start(behind);
            known.id(steps, state)
        };
        let mut starts = Box::new([DEAD; 256]);
        for (byte, slot) in (0..=u8::MAX).zip(starts.iter_mut()) {
            *slot = start(Some(byte));
        }
        let first = start(None);
        let width = usize::from(stride);
        let mut rows = vec![DEAD; width];
        rows.resize(2 * width, stride);
        let mut at = 0;
        while let Some(state) = known.states.get(at).copied() {
            for byte in &representatives {
                let next = steps.next(state, *byte);
                rows.push(known.id(steps, next));
            }
            at += 1;
        }
        let mut of_byte = [0; 256];
        for (byte, slot) in (0..=u8::MAX).zip(&mut of_byte) {
            *slot = classes.get(byte);
        }
        // A copy has no room to grow; an allocator may keep for a list that shrinks what it had.
        let rows = rows.as_slice().into();
        let mut probe = Self { classes: of_byte, starts, first, rows, maybe: stride, opening: Opening::NONE };
        // What is dead stays dead.
        probe.opening =
            Opening::new(|behind| probe.start(Some(behind)), |state, byte| probe.next(*state, byte) != DEAD);
        probe
    }

    /// Where matches may begin in a text, but for its first place.
    pub(super) fn opening(&self) -> Opening {
        self.opening
    }

    /// The first of some places at which a match may begin. What was read in vain is taken from `left`; when nothing is left, an error
    /// says where that was.
    #[inline]
    pub(super) fn first_of(
        &self,
        (text, marks): (&[u8], &Marks),
        places: Range<usize>,
        left: &mut usize,
    ) -> Result<Option<usize>, usize> {
        let mut is_spent = false;
        let mut stops = |at: usize| {
            let look = self.look(text, at);
            // Most places are ruled out by the byte there and the one before it, which costs nothing.
            let read = if look.bytes > 1 { look.bytes } else { 0 };
            match left.checked_sub(read) {
                Some(rest) => *left = rest,
                None => is_spent = true,
            }
            look.may_match || is_spent
        };
        let mut rest = places;
        // At the start of the text more may begin, and a single place needs no marks.
        let mut stopped = None;
        if rest.start == 0 || rest.len() == 1 {
            stopped = rest.next().filter(|at| stops(*at));
        }
        if stopped.is_none() && !rest.is_empty() {
            stopped = marks.first_of(text, &self.opening, rest, &mut stops);
        }
        match stopped {
            // Whether a match begins there is for a search of the rest.
            Some(at) if is_spent => Err(at),
            stopped => Ok(stopped),
        }
    }

    /// Looks at a place.
    #[inline]
    fn look(&self, text: &[u8], at: usize) -> Look {
        let mut state = self.start(at.checked_sub(1).and_then(|before| text.get(before)).copied());
        let ahead = text.get(at..).unwrap_or_default();
        let mut bytes = 0;
        for byte in ahead.get(..FARTHEST).unwrap_or(ahead) {
            if state <= self.maybe {
                break;
            }
            state = self.next(state, *byte);
            bytes += 1;
        }
        Look { may_match: state != DEAD, bytes }
    }

    #[inline]
    fn start(&self, behind: Option<u8>) -> u16 {
        match behind {
            Some(byte) => self.starts.get(usize::from(byte)).copied().unwrap_or(self.maybe),
            None => self.first,
        }
    }

    #[inline]
    fn next(&self, state: u16, byte: u8) -> u16 {
        let class = self.classes.get(usize::from(byte)).copied().unwrap_or_default();
        self.rows.get(usize::from(state) + usize::from(class)).copied().unwrap_or(self.maybe)
    }

    /// Whether a match may begin with that byte after that one.
    #[inline]
    pub(super) fn begins(&self, behind: Option<u8>, byte: u8) -> bool {
        // What is dead stays dead.
        self.next(self.start(behind), byte) != DEAD
    }

    /// What it tells a byte from others by: as the byte before a match, and as one of it.
    pub(super) fn kind(&self, byte: u8) -> (u16, u8) {
        (self.start(Some(byte)), self.classes.get(usize::from(byte)).copied().unwrap_or_default())
    }

    /// Bytes of memory.
    pub fn memory(&self) -> usize {
        size_of::<Self>() + (self.starts.len() + self.rows.len()) * size_of::<u16>()
    }
}
