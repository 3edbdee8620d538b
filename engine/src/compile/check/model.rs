//! `model(name, text)`: which model, and what it weighs.

use std::rc::Rc;
use std::sync::Arc;

use grammar::ast::Expr;
use grammar::diagnostic::did_you_mean;
use grammar::{Diagnostic, Span, codes};

use super::{Checker, fits};
use crate::compile::typed::{Kind, Typed};
use crate::model::Model;
use crate::value::Type;

impl Checker<'_> {
    pub(super) fn model(&mut self, name: &Expr, text: &Expr, span: Span) -> Option<Typed> {
        let named = self.typed(name, &Type::Str, "a model's name");
        let text = self.expr(text, Some(&Type::Text));
        let name = named.and_then(|named| self.constant(&named))?;
        let model = self.loaded(&name, span);
        let text = text?;
        if text.ty != Type::Text && !fits(&text.ty, &Type::Str) {
            self.mismatch(text.span, &text.ty, "a text", "what a model weighs");
            return None;
        }
        Some(Typed { ty: Type::Float, span, kind: Kind::Model(model?, Rc::new(text)) })
    }

    /// The model of that name. What is wrong with it is told once.
    fn loaded(&mut self, name: &Arc<str>, span: Span) -> Option<Arc<Model>> {
        if let Some(known) = self.models.get(name) {
            return known.clone();
        }
        let read = match self.library.model(self.from, name) {
            None => {
                let models = self.library.models();
                let help = did_you_mean(name, models.iter().map(String::as_str)).unwrap_or_else(|| {
                    match models.as_slice() {
                        [] => "there are no models here".to_owned(),
                        some => format!(
                        "the models are {}; one of your own is named by its path, as in `./house.ktm`",
                        some.join(", ")
                    ),
                    }
                });
                Err(Diagnostic::error(codes::UNKNOWN_MODEL, span, format!("there is no model `{name}`")).help(help))
            }
            Some(bytes) => Model::read(name, &bytes).map_err(|fault| {
                Diagnostic::error(codes::BAD_MODEL, span, format!("model `{name}` cannot be read: {fault}"))
                    .help("the file is damaged, or of another version of kt; make it again with `train/train.py`")
            }),
        };
        let model = match read {
            Ok(model) => Some(Arc::new(model)),
            Err(diagnostic) => {
                self.error(diagnostic);
                None
            }
        };
        self.models.insert(Arc::clone(name), model.clone());
        model
    }
}
