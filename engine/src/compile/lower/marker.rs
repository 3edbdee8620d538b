//! What a redaction leaves behind: `with "…"` and `marker(…)`, known before traffic.

use std::sync::Arc;

use grammar::Diagnostic;

use super::{Frame, Lowering, not_constant};
use crate::compile::typed::{Kind, Typed};
use crate::program::marker::{Marker, Shape};
use crate::value::Value;

impl Lowering {
    pub(super) fn marker(
        &mut self,
        with: &Typed,
        frame: &Frame<'_>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Marker> {
        let Kind::Marker(format, keep, custom) = &with.kind else {
            let node = self.expr(with, frame, diagnostics);
            let words = self.arena.constant(node).and_then(Value::as_str).map(Arc::from);
            if words.is_none() {
                diagnostics.push(not_constant(with.span));
            }
            return Some(Marker { shape: Shape::Fixed(words?), ..Marker::default() });
        };
        let format = self.expr(format, frame, diagnostics);
        let keep = self.expr(keep, frame, diagnostics);
        let custom = self.expr(custom, frame, diagnostics);
        let shape = match self.arena.constant(format).and_then(Value::as_str) {
            Some("asterisks") => Some(Shape::Asterisks),
            Some("partial") => Some(Shape::Partial),
            Some(_) => Some(Shape::Label),
            None => None,
        };
        let preserve_length = self.arena.constant(keep).and_then(Value::as_bool);
        let custom = match self.arena.constant(custom) {
            Some(Value::Map(pairs)) => Some(pairs.to_vec()),
            _ => None,
        };
        let marker = shape.zip(preserve_length).zip(custom);
        if marker.is_none() {
            diagnostics.push(not_constant(with.span));
        }
        marker.map(|((shape, preserve_length), custom)| Marker { shape, preserve_length, custom })
    }
}
