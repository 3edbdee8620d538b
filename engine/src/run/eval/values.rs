//! The values of nodes that are known: few of many, as a rule.

use crate::program::ir::NodeId;
use crate::value::Value;

/// What is known of nodes.
pub(super) struct Values {
    /// By node, one more than its place among what is known; zero where nothing is.
    places: Vec<u32>,
    known: Vec<Value>,
}

impl Values {
    /// Of so many nodes nothing.
    pub(super) fn new(nodes: usize) -> Self {
        Self { places: vec![0; nodes], known: Vec::new() }
    }

    pub(super) fn get(&self, id: NodeId) -> Option<&Value> {
        let place = self.places.get(id.index())?.checked_sub(1)?;
        self.known.get(place as usize)
    }

    pub(super) fn set(&mut self, id: NodeId, value: Value) {
        let Some(place) = self.places.get_mut(id.index()) else { return };
        match place.checked_sub(1).and_then(|place| self.known.get_mut(place as usize)) {
            Some(known) => *known = value,
            None => {
                self.known.push(value);
                *place = u32::try_from(self.known.len()).unwrap_or(0);
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.places.fill(0);
        self.known.clear();
    }
}
