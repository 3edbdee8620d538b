//! The nodes of two programs in one arena and one form: what is written otherwise and means the same is one node.
//!
//! Negations stand at the bottom, sides have one order, a comparison looks one way, and alternatives of one value or one
//! text are one list. What a rule finds and redacts is the same in every such form, and so is what it comes to.

use std::collections::HashMap;

use crate::program::Program;
use crate::program::ir::{Arithmetic, Comparison, DetectorId, Node, NodeId, ScoreId, ScriptId, TextRef};
use crate::value::Value;

/// Names for what the nodes of one program refer to, the same for both where they are the same.
#[derive(Debug, Default)]
pub(super) struct Slots {
    pub(super) detectors: Vec<u32>,
    pub(super) scores: Vec<u32>,
    pub(super) scripts: Vec<u32>,
}

/// The nodes of both programs.
#[derive(Debug, Default)]
pub(super) struct Joint {
    nodes: Vec<Node>,
    ids: HashMap<Node, NodeId>,
}

/// What of one program has been taken over: by node, and whether it was denied.
pub(super) struct Taken<'p> {
    program: &'p Program,
    slots: &'p Slots,
    known: HashMap<(NodeId, bool), NodeId>,
}

impl<'p> Taken<'p> {
    pub(super) fn of(program: &'p Program, slots: &'p Slots) -> Self {
        Self { program, slots, known: HashMap::new() }
    }

    pub(super) fn program(&self) -> &'p Program {
        self.program
    }
}

impl Joint {
    pub(super) fn node(&self, id: NodeId) -> &Node {
        const NOTHING: &Node = &Node::Const(Value::Bool(false));
        self.nodes.get(id.index()).unwrap_or(NOTHING)
    }

    /// The node of a program in the one form.
    pub(super) fn take(&mut self, from: &mut Taken<'_>, id: NodeId) -> NodeId {
        self.take_as(from, id, false)
    }

    fn take_as(&mut self, from: &mut Taken<'_>, id: NodeId, denied: bool) -> NodeId {
        if let Some(known) = from.known.get(&(id, denied)) {
            return *known;
        }
        let made = self.make(from, id, denied);
        from.known.insert((id, denied), made);
        made
    }

    fn make(&mut self, from: &mut Taken<'_>, id: NodeId, denied: bool) -> NodeId {
        let program = from.program;
        match program.node(id) {
            Node::Not(inner) => self.take_as(from, *inner, !denied),
            Node::And(sides) | Node::Or(sides) => {
                let is_and = matches!(program.node(id), Node::And(_)) != denied;
                let sides = sides.iter().map(|side| self.take_as(from, *side, denied)).collect();
                self.junction(sides, is_and)
            }
            Node::Const(Value::Bool(value)) => self.add(Node::Const(Value::Bool(*value != denied))),
            Node::If(condition, then, otherwise) => {
                let condition = self.take(from, *condition);
                let then = self.take_as(from, *then, denied);
                let otherwise = self.take_as(from, *otherwise, denied);
                match self.node(condition) {
                    Node::Not(inner) => self.add(Node::If(*inner, otherwise, then)),
                    _ => self.add(Node::If(condition, then, otherwise)),
                }
            }
            Node::Compare(op, a, b) => {
                let (a, b) = (self.take(from, *a), self.take(from, *b));
                self.comparison(*op, a, b, denied)
            }
            other => {
                let plain = self.plain(from, other);
                let node = self.add(plain);
                if denied { self.add(Node::Not(node)) } else { node }
            }
        }
    }

    /// A node without a form of its own, its children and names replaced.
    fn plain(&mut self, from: &mut Taken<'_>, node: &Node) -> Node {
        match node {
            Node::Has(text, detectors) => {
                let text = match text {
                    TextRef::Value(value) => TextRef::Value(self.take(from, *value)),
                    TextRef::Texts(_) | TextRef::Element(_) => text.clone(),
                };
                let slot = |id: &DetectorId| DetectorId(slot(&from.slots.detectors, id.0));
                let mut slots: Vec<DetectorId> = detectors.iter().map(slot).collect();
                slots.sort_unstable();
                slots.dedup();
                Node::Has(text, slots.into())
            }
            Node::Score(id) => Node::Score(ScoreId(slot(&from.slots.scores, id.0))),
            Node::Script(id, args) => {
                let args = args.iter().map(|arg| self.take(from, *arg)).collect();
                Node::Script(ScriptId(slot(&from.slots.scripts, id.0)), args)
            }
            Node::Arith(op @ (Arithmetic::Add | Arithmetic::Mul), a, b) => {
                let (a, b) = (self.take(from, *a), self.take(from, *b));
                Node::Arith(*op, a.min(b), a.max(b))
            }
            Node::Within(address, networks) => {
                let mut networks = networks.to_vec();
                networks.sort_unstable();
                networks.dedup();
                Node::Within(self.take(from, *address), networks.into())
            }
            Node::In(value, list) => {
                let (value, list) = (self.take(from, *value), self.take(from, *list));
                self.membership(value, list)
            }
            other => {
                let mut node = other.clone();
                let mut taken = Vec::new();
                node.children(|child| taken.push(child));
                let taken: HashMap<NodeId, NodeId> =
                    taken.into_iter().map(|child| (child, self.take(from, child))).collect();
                let of = |id: NodeId| taken.get(&id).copied().unwrap_or(id);
                let (detector, score) = (|id| id, |id| id);
                node.rename(&crate::program::ir::Renaming { node: &of, detector: &detector, score: &score });
                node
            }
        }
    }

    /// The node, made once.
    fn add(&mut self, node: Node) -> NodeId {
        if let Some(id) = self.ids.get(&node) {
            return *id;
        }
        let id = NodeId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        self.ids.insert(node.clone(), id);
        self.nodes.push(node);
        id
    }

    /// A comparison that looks one way: smaller things stand first, and a single text is a list of one.
    fn comparison(&mut self, op: Comparison, a: NodeId, b: NodeId, denied: bool) -> NodeId {
        // What is denied finds nothing, so one that a pattern stands in keeps its denial.
        let denied_here = denied && !self.finds(a) && !self.finds(b);
        let (op, a, b) = match (op, denied_here) {
            (Comparison::Eq, false) | (Comparison::Ne, true) => (Comparison::Eq, a, b),
            (Comparison::Ne, false) | (Comparison::Eq, true) => (Comparison::Ne, a, b),
            (Comparison::Lt, false) | (Comparison::Ge, true) => (Comparison::Lt, a, b),
            (Comparison::Le, false) | (Comparison::Gt, true) => (Comparison::Le, a, b),
            (Comparison::Gt, false) | (Comparison::Le, true) => (Comparison::Lt, b, a),
            (Comparison::Ge, false) | (Comparison::Lt, true) => (Comparison::Le, b, a),
        };
        let node = match op {
            Comparison::Eq | Comparison::Ne => self.equality(op, a, b),
            Comparison::Lt | Comparison::Le | Comparison::Gt | Comparison::Ge => {
                self.add(Node::Compare(op, a, b))
            }
        };
        if denied && !denied_here { self.add(Node::Not(node)) } else { node }
    }

    fn equality(&mut self, op: Comparison, a: NodeId, b: NodeId) -> NodeId {
        let text = |joint: &Self, id: NodeId| match joint.node(id) {
            Node::Const(value @ Value::Str(_)) => Some(value.clone()),
            _ => None,
        };
        let of_text = match (text(self, a), text(self, b)) {
            (None, Some(text)) => Some((a, text)),
            (Some(text), None) => Some((b, text)),
            _ => None,
        };
        let Some((value, text)) = of_text else {
            return self.add(Node::Compare(op, a.min(b), a.max(b)));
        };
        let list = self.add(Node::Const(Value::List([text].into())));
        let node = self.add(Node::In(value, list));
        if op == Comparison::Ne { self.add(Node::Not(node)) } else { node }
    }

    /// `in` with the list in order and every element once.
    fn membership(&mut self, value: NodeId, list: NodeId) -> Node {
        let Some(items) = self.items(list) else { return Node::In(value, list) };
        let list = self.list(items);
        Node::In(value, list)
    }

    fn items(&self, list: NodeId) -> Option<Vec<Value>> {
        match self.node(list) {
            Node::Const(Value::List(items)) => Some(items.to_vec()),
            _ => None,
        }
    }

    fn list(&mut self, mut items: Vec<Value>) -> NodeId {
        items.sort_by_cached_key(ToString::to_string);
        items.dedup();
        self.add(Node::Const(Value::List(items.into())))
    }

    /// `and` or `or`, whatever the order of its sides: nested ones flat, each side once, alternatives of one thing joined.
    pub(super) fn junction(&mut self, sides: Vec<NodeId>, is_and: bool) -> NodeId {
        let mut flat = Vec::new();
        for side in sides {
            match self.node(side) {
                Node::And(inner) if is_and => flat.extend(inner.iter().copied()),
                Node::Or(inner) if !is_and => flat.extend(inner.iter().copied()),
                Node::Const(Value::Bool(value)) if *value == is_and => {}
                _ => flat.push(side),
            }
        }
        let mut flat = self.joined(flat, is_and);
        flat.sort_unstable();
        flat.dedup();
        match flat.as_slice() {
            [] => self.add(Node::Const(Value::Bool(is_and))),
            [one] => *one,
            _ if is_and => self.add(Node::And(flat.into())),
            _ => self.add(Node::Or(flat.into())),
        }
    }

    /// Sides of an `or` that look for patterns in one text or ask one value for texts are one side; of an `and`, those
    /// that deny it.
    fn joined(&mut self, sides: Vec<NodeId>, denied: bool) -> Vec<NodeId> {
        let mut patterns: Vec<(TextRef, Vec<DetectorId>)> = Vec::new();
        let mut texts: Vec<(NodeId, Vec<Value>)> = Vec::new();
        let mut rest = Vec::new();
        for side in sides {
            let inner = match (self.node(side), denied) {
                (Node::Not(inner), true) => self.node(*inner),
                (other, false) => other,
                (_, true) => {
                    rest.push(side);
                    continue;
                }
            };
            match inner {
                Node::Has(text, slots) => gather(&mut patterns, text.clone(), slots.to_vec()),
                Node::In(value, list) => match self.items(*list) {
                    Some(items) => gather(&mut texts, *value, items),
                    None => rest.push(side),
                },
                _ => rest.push(side),
            }
        }
        let mut joined: Vec<Node> = Vec::new();
        for (text, mut slots) in patterns {
            slots.sort_unstable();
            slots.dedup();
            joined.push(Node::Has(text, slots.into()));
        }
        for (value, items) in texts {
            joined.push(Node::In(value, self.list(items)));
        }
        for node in joined {
            let node = self.add(node);
            rest.push(if denied { self.add(Node::Not(node)) } else { node });
        }
        rest
    }

    /// Whether a match of a pattern can be evidence for it.
    fn finds(&self, id: NodeId) -> bool {
        let node = self.node(id);
        let mut finds = matches!(node, Node::Has(..) | Node::Score(_));
        node.children(|child| finds = finds || self.finds(child));
        finds
    }
}

/// Adds to what is known of a key.
fn gather<K: PartialEq, V>(all: &mut Vec<(K, Vec<V>)>, key: K, more: Vec<V>) {
    match all.iter_mut().find(|(known, _)| *known == key) {
        Some((_, values)) => values.extend(more),
        None => all.push((key, more)),
    }
}

fn slot(slots: &[u32], id: u32) -> u32 {
    slots.get(id as usize).copied().unwrap_or(u32::MAX)
}
