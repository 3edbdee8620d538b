//! Models at work: the texts of a request, weighed.

use super::{Evaluated, Evaluator};
use crate::matcher::View;
use crate::matcher::decode::decode;
use crate::model::Model;
use crate::program::ir::{NodeId, TextRef};

impl Evaluator<'_> {
    /// The most that any of the texts comes to. When somebody watches, that one is noted.
    pub(super) fn model(&mut self, id: NodeId, text: &TextRef, view: View, model: &Model) -> Evaluated<f64> {
        let texts: Vec<usize> = match text {
            TextRef::Texts(scope) => self.texts_of(*scope).collect(),
            TextRef::Element(depth) => self.element_texts(*depth).collect(),
            TextRef::Value(node) => {
                let value = self.value(*node)?;
                let value = value.as_str().unwrap_or_default();
                let shown = match view {
                    View::Decoded => {
                        decode(value, false).into_iter().map(|run| run.text).collect::<Vec<_>>().join("\n")
                    }
                    View::Folded | View::Normalized | View::Raw | View::Json => view.apply(value),
                };
                self.note_weighed(id, Some(&shown));
                return Ok(model.score_in(&shown, &mut self.scratch));
            }
        };
        let watched = self.tally.is_some();
        let (mut most, mut strongest) = (0.0, None);
        let scratch = &mut self.scratch;
        for index in texts {
            self.texts.each_shown(view, index, &mut |shown| {
                let score = model.score_in(shown, scratch);
                if score > most {
                    most = score;
                    strongest = watched.then(|| shown.to_owned());
                }
            });
        }
        self.note_weighed(id, strongest.as_deref());
        Ok(most)
    }

    fn note_weighed(&mut self, id: NodeId, text: Option<&str>) {
        if let (Some(tally), Some(text)) = (&mut self.tally, text) {
            tally.trace(self.phase).weighed(id, text);
        }
    }
}
