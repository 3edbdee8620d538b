//! What names stand for in one file, and of what type expressions are: as the compiler has it, for files that compile.

use std::collections::HashMap;
use std::rc::Rc;

use grammar::ast::{
    BinaryOp, Expr, ExprKind, File, Function, ItemKind, Let, Literal, Name, Param, Pattern, Quantifier,
    Quantity, Score, Script,
};

use crate::compile::declared;
use crate::schema::{self, Field, element_fields};
use crate::value::Type;

/// The declarations of a file, and the fields of the language.
pub(super) struct Names<'f> {
    pub(super) params: HashMap<&'f str, &'f Param>,
    pub(super) lets: HashMap<&'f str, &'f Let>,
    pub(super) functions: HashMap<&'f str, &'f Function>,
    pub(super) scores: HashMap<&'f str, &'f Score>,
    pub(super) patterns: HashMap<&'f str, &'f Pattern>,
    scripts: HashMap<&'f str, &'f Script>,
    fields: Vec<Field>,
}

/// What an expression stands inside of.
#[derive(Clone, Default)]
pub(super) struct Scope<'f> {
    /// The quantifiers around it whose elements it may name: the name, its type, how deep the quantifier is.
    elements: Vec<(&'f str, Type, usize)>,
    /// How many quantifiers are around it in all.
    pub(super) depth: usize,
    /// The arguments of the function that it is the body of.
    arguments: Vec<(&'f str, Type, Option<Given<'f>>)>,
}

/// What a caller gives for an argument, and what that stands inside of. Nothing is given to a function that is looked at
/// by itself.
type Given<'f> = (&'f Expr, Rc<Scope<'f>>);

/// What a path of words stands for.
pub(super) enum Meaning<'f> {
    /// A field of the element that the quantifier at this depth is at.
    Element(usize, &'f str, Type),
    /// What the caller gives for an argument, and the argument's type: a whole number may be given for any number.
    Given(&'f Expr, Rc<Scope<'f>>, Type),
    /// An argument of a function that is looked at by itself.
    Open(&'f str, Type),
    /// An argument of the policy.
    Param(&'f Param),
    /// A named expression.
    Let(&'f Let),
    /// A score.
    Score(&'f Score),
    /// A field of the exchange.
    Field(Field),
    /// A choice, by its word.
    Word(&'f str),
}

impl<'f> Names<'f> {
    /// The names of a file.
    pub(super) fn of(file: &'f File) -> Self {
        let mut names = Self {
            params: HashMap::new(),
            lets: HashMap::new(),
            functions: HashMap::new(),
            scores: HashMap::new(),
            patterns: HashMap::new(),
            scripts: HashMap::new(),
            fields: schema::fields(),
        };
        for item in &file.items {
            match &item.kind {
                ItemKind::Param(it) => drop(names.params.insert(&it.name.value, it)),
                ItemKind::Let(it) => drop(names.lets.insert(&it.name.value, it)),
                ItemKind::Function(it) => drop(names.functions.insert(&it.name.value, it)),
                ItemKind::Score(it) => drop(names.scores.insert(&it.name.value, it)),
                ItemKind::Pattern(it) => drop(names.patterns.insert(&it.name.value, it)),
                ItemKind::Script(it) => drop(names.scripts.insert(&it.name.value, it)),
                ItemKind::Header(_)
                | ItemKind::Version(_)
                | ItemKind::Use(_)
                | ItemKind::Rule(_)
                | ItemKind::Test(_) => {}
            }
        }
        names
    }

    /// What a path stands for. A word that names nothing is a choice.
    pub(super) fn meaning(&self, words: &'f [Name], scope: &Scope<'f>) -> Option<Meaning<'f>> {
        let (first, rest) = words.split_first()?;
        if let Some((_, ty, depth)) = scope.elements.iter().rev().find(|(name, ..)| *name == first.value) {
            if !ty.is_of_traffic() {
                let (name, ty) = part(first, ty, rest)?;
                return Some(Meaning::Element(*depth, name, ty));
            }
            let field = rest.first()?;
            let (_, ty, _) = element_fields(ty).into_iter().find(|(name, ..)| *name == field.value)?;
            return Some(Meaning::Element(*depth, &field.value, ty));
        }
        let argument = scope.arguments.iter().find(|(name, ..)| rest.is_empty() && *name == first.value);
        if let Some((name, ty, given)) = argument {
            return Some(match given {
                Some((expr, around)) => Meaning::Given(expr, Rc::clone(around), ty.clone()),
                None => Meaning::Open(name, ty.clone()),
            });
        }
        let full = words.iter().map(|word| word.value.as_str()).collect::<Vec<_>>().join(".");
        let name = full.as_str();
        let declared = (self.params.get(name).map(|it| Meaning::Param(it)))
            .or_else(|| self.lets.get(name).map(|it| Meaning::Let(it)))
            .or_else(|| self.scores.get(name).map(|it| Meaning::Score(it)));
        let field = || self.fields.iter().find(|field| field.name == name).cloned().map(Meaning::Field);
        declared.or_else(field).or_else(|| rest.is_empty().then_some(Meaning::Word(&first.value)))
    }

    /// The expression that a name stands for at last: what `let`s, arguments and calls of functions are written out to.
    pub(super) fn resolve(&self, expr: &'f Expr, scope: &Rc<Scope<'f>>) -> (&'f Expr, Rc<Scope<'f>>) {
        let (mut expr, mut scope) = (expr, Rc::clone(scope));
        loop {
            let next = match &expr.kind {
                ExprKind::Path(words) => match self.meaning(words, &scope) {
                    Some(Meaning::Let(item)) => Some((&item.value, Rc::new(Scope::at(scope.depth)))),
                    Some(Meaning::Given(given, around, _)) => Some((given, around)),
                    _ => None,
                },
                ExprKind::Call(name, args) => self.body(name, args, &scope),
                _ => None,
            };
            match next {
                Some(inner) => (expr, scope) = inner,
                None => return (expr, scope),
            }
        }
    }

    /// The body of a function with its arguments given.
    pub(super) fn body(
        &self,
        name: &Name,
        args: &'f [Expr],
        scope: &Rc<Scope<'f>>,
    ) -> Option<(&'f Expr, Rc<Scope<'f>>)> {
        let function = *self.functions.get(name.value.as_str())?;
        let given = args.iter().map(|arg| Some((arg, Rc::clone(scope))));
        Some((&function.body, Rc::new(Scope::of_function(function, given, scope.depth))))
    }

    /// The scope of a quantifier's body.
    pub(super) fn inside(&self, quantifier: &'f Quantifier, scope: &Rc<Scope<'f>>) -> Rc<Scope<'f>> {
        let element = match self.type_of(&quantifier.list, scope) {
            Some(list) => list.element().unwrap_or(Type::Target),
            None => Type::Target,
        };
        Rc::new(scope.with(&quantifier.element.value, element))
    }

    /// The type of an expression, where that says anything of its values.
    pub(super) fn type_of(&self, expr: &'f Expr, scope: &Rc<Scope<'f>>) -> Option<Type> {
        match &expr.kind {
            ExprKind::Literal(Literal::Bool(_)) => Some(Type::Bool),
            ExprKind::Literal(Literal::Int(_)) => Some(Type::Int),
            ExprKind::Literal(Literal::Float(_)) => Some(Type::Float),
            ExprKind::Literal(Literal::Str(_)) => Some(Type::Str),
            ExprKind::Literal(_) | ExprKind::List(_) => None,
            ExprKind::Path(words) => match self.meaning(words, scope)? {
                Meaning::Element(_, _, ty) | Meaning::Open(_, ty) | Meaning::Given(_, _, ty) => Some(ty),
                Meaning::Param(param) => Some(declared(&param.ty.value)),
                Meaning::Let(item) => self.type_of(&item.value, &Rc::new(Scope::at(scope.depth))),
                Meaning::Score(_) => Some(Type::Float),
                Meaning::Field(field) => Some(field.ty),
                Meaning::Word(_) => None,
            },
            ExprKind::Call(name, _) => self.type_of_call(&name.value),
            ExprKind::Unary(_, inner) => self.type_of(inner, scope),
            ExprKind::Binary(op, left, right) => match op.value {
                BinaryOp::Coalesce => match self.type_of(left, scope)? {
                    Type::Optional(inner) => Some(*inner),
                    plain => Some(plain),
                },
                BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem => {
                    let whole = |side| self.type_of(side, scope) == Some(Type::Int);
                    (whole(left) && whole(right)).then_some(Type::Int)
                }
                _ => Some(Type::Bool),
            },
            ExprKind::Has(..) | ExprKind::Present(..) => Some(Type::Bool),
            ExprKind::If(_, then, otherwise) => self.type_of_choice([&**then, &**otherwise], scope),
            ExprKind::Match(choice) => {
                self.type_of_choice(choice.arms.iter().map(|arm| &arm.value).chain(&choice.otherwise), scope)
            }
            ExprKind::Quantifier(quantifier) => {
                Some(if quantifier.quantity == Quantity::Count { Type::Int } else { Type::Bool })
            }
        }
    }

    /// Of several values: any number where one of them is.
    fn type_of_choice(
        &self,
        values: impl IntoIterator<Item = &'f Expr>,
        scope: &Rc<Scope<'f>>,
    ) -> Option<Type> {
        let types: Vec<Type> = values.into_iter().filter_map(|value| self.type_of(value, scope)).collect();
        let float = types.iter().find(|ty| **ty == Type::Float);
        float.or_else(|| types.first()).cloned()
    }

    fn type_of_call(&self, name: &str) -> Option<Type> {
        if let Some(script) = self.scripts.get(name) {
            return Some(declared(&script.result.value));
        }
        if let Some(function) = self.functions.get(name) {
            return Some(declared(&function.result.value));
        }
        match name {
            "header" | "language" => Some(Type::Optional(Box::new(Type::Str))),
            "lower" => Some(Type::Str),
            "length" => Some(Type::Int),
            "raw" | "normalized" | "decoded" | "json" => Some(Type::Text),
            _ => None,
        }
    }
}

/// What a path from an element of an argument leads to: its last word and its type.
fn part<'f>(first: &'f Name, ty: &Type, rest: &'f [Name]) -> Option<(&'f str, Type)> {
    match rest {
        [] => Some((&first.value, ty.clone())),
        [word] => {
            let Type::Record(members) = ty else { return None };
            let (_, ty) = members.iter().find(|(member, _)| **member == *word.value)?;
            Some((&word.value, ty.clone()))
        }
        // Its last word alone would not tell it from another.
        _ => None,
    }
}

impl<'f> Scope<'f> {
    /// Inside of so many quantifiers whose elements cannot be named.
    pub(super) fn at(depth: usize) -> Self {
        Self { depth, ..Self::default() }
    }

    /// The scope of a function's body.
    pub(super) fn of_function(
        function: &'f Function,
        given: impl IntoIterator<Item = Option<Given<'f>>>,
        depth: usize,
    ) -> Self {
        let args = function.args.iter().zip(given);
        let arguments =
            args.map(|((name, ty), given)| (name.value.as_str(), declared(&ty.value), given)).collect();
        Self { arguments, ..Self::at(depth) }
    }

    /// The scope of what is said of an element of that name.
    pub(super) fn with(&self, element: &'f str, ty: Type) -> Self {
        let mut scope = self.clone();
        scope.elements.push((element, ty, self.depth));
        scope.depth += 1;
        scope
    }
}
