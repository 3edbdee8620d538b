//! Items: policies, params, scores, scripts, rules.

use pest::iterators::Pair;

use super::{Reader, Rule, children, take};
use crate::ast::{
    Action, Effect, Function, Header, Item, ItemKind, Let, Literal, Member, Param, Phase, Score, Script,
    ScriptBody, Term, Type, Use,
};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::span::Spanned;

impl Reader {
    /// An `item` pair.
    pub(super) fn item(&mut self, pair: Pair<'_, Rule>) -> Option<Item> {
        let documented = self.span(&pair);
        let mut parts = pair.into_inner();
        let mut doc = Vec::new();
        while let Some(line) = take(&mut parts, Rule::doc) {
            doc.push(line.as_str().trim_start_matches('/').trim().to_owned());
        }
        let body = parts.next()?;
        let span = self.span(&body);
        let kind = match body.as_rule() {
            Rule::header => ItemKind::Header(self.header(body)?),
            Rule::version => ItemKind::Version(self.only_string(body)?),
            Rule::use_item => ItemKind::Use(self.use_item(body)?),
            Rule::param => ItemKind::Param(self.param(body)?),
            Rule::pattern => ItemKind::Pattern(self.pattern(body)?),
            Rule::let_item => ItemKind::Let(self.let_item(body)?),
            Rule::function => ItemKind::Function(self.function(body)?),
            Rule::score => ItemKind::Score(self.score(body)?),
            Rule::script => ItemKind::Script(self.script(body)?),
            Rule::rule => ItemKind::Rule(Box::new(self.rule(body)?)),
            _ => ItemKind::Test(self.test(body)?),
        };
        Some(Item { doc, span, documented, kind })
    }

    fn header(&mut self, pair: Pair<'_, Rule>) -> Option<Header> {
        let mut parts = pair.into_inner();
        let library = parts.next()?.as_str() == "library";
        Some(Header { library, name: self.name(&parts.next()?) })
    }

    fn only_string(&mut self, pair: Pair<'_, Rule>) -> Option<Spanned<String>> {
        let string = children(pair).pop()?;
        Some(self.string(&string))
    }

    fn use_item(&mut self, pair: Pair<'_, Rule>) -> Option<Use> {
        let mut parts = children(pair).into_iter();
        let from = parts.next()?;
        let is_path = from.as_rule() == Rule::string;
        let from = if is_path { self.string(&from) } else { self.name(&from) };
        Some(Use { from, is_path, names: parts.map(|name| self.name(&name)).collect() })
    }

    fn param(&mut self, pair: Pair<'_, Rule>) -> Option<Param> {
        let mut parts = children(pair).into_iter();
        let name = self.name(&parts.next()?);
        let ty = self.type_name(parts.next()?)?;
        if matches!(ty.value, Type::Record(_)) {
            let message = "a record stands in a list or in a map";
            let help = format!("write a param for each of its values, as in `param {}.name: …`", name.value);
            self.error(Diagnostic::error(codes::TYPE_MISMATCH, ty.span, message).help(help));
        }
        if let Type::Optional(inner) = &ty.value
            && matches!(**inner, Type::Regex | Type::Map | Type::MapOf(_) | Type::Record(_) | Type::List(_))
        {
            let message = "a param of this type cannot be left out";
            let help = "leave out the `?`: an empty list or mapping can be the default";
            self.error(Diagnostic::error(codes::TYPE_MISMATCH, ty.span, message).help(help));
        }
        let (mut default, mut aliases) = (None, Vec::new());
        for part in parts {
            if part.as_rule() == Rule::default {
                let written = self.value(part.into_inner().next()?);
                // What is wrong with it is told; that it is missing would be an echo.
                let span = ty.span;
                default = written.or_else(|| Some(Spanned::new(some_literal(&ty.value)?, span)));
            } else {
                aliases.extend(children(part).iter().map(|name| self.name(name)));
            }
        }
        Some(Param { name, ty, default, aliases })
    }

    fn type_name(&mut self, pair: Pair<'_, Rule>) -> Option<Spanned<Type>> {
        let span = self.span(&pair);
        let mut parts = pair.into_inner();
        let inner = parts.next()?;
        let ty = match inner.as_rule() {
            Rule::list_type => Type::List(Box::new(self.whole_type(inner.into_inner().next()?)?.value)),
            Rule::map_type => self.map_type(inner)?,
            Rule::record_type => Type::Record(self.members(inner)?),
            Rule::enum_type => Type::Enum(children(inner).iter().map(|word| self.name(word)).collect()),
            _ => self.simple_type(inner)?,
        };
        let ty = if parts.next().is_some() { Type::Optional(Box::new(ty)) } else { ty };
        Some(Spanned::new(ty, span))
    }

    fn map_type(&mut self, pair: Pair<'_, Rule>) -> Option<Type> {
        let inner = self.whole_type(pair.into_inner().last()?)?.value;
        if let Type::Record(members) = &inner
            && let Some(key) = members.iter().find(|member| member.name.value == "key")
        {
            let message = "`key` is what an entry of a map is called by already";
            self.error(
                Diagnostic::error(codes::DUPLICATE, key.name.span, message).help("give it another name"),
            );
        }
        Some(if inner == Type::String { Type::Map } else { Type::MapOf(Box::new(inner)) })
    }

    /// The members of a `record_type` pair, each name once.
    fn members(&mut self, pair: Pair<'_, Rule>) -> Option<Vec<Member>> {
        let mut members: Vec<Member> = Vec::new();
        for pair in children(pair) {
            let mut parts = children(pair).into_iter();
            let name = self.name(&parts.next()?);
            let ty = self.whole_type(parts.next()?)?;
            let default = parts.next().and_then(|value| self.value(value));
            if let Some(first) = members.iter().find(|member| member.name.value == name.value) {
                let message = format!("this record has two values `{}`", name.value);
                let first = first.name.span;
                self.error(
                    Diagnostic::error(codes::DUPLICATE, name.span, message)
                        .related(first, "first here")
                        .help("give one of them another name"),
                );
                continue;
            }
            members.push(Member { name, ty, default });
        }
        Some(members)
    }

    /// A type whose values are always there.
    fn whole_type(&mut self, pair: Pair<'_, Rule>) -> Option<Spanned<Type>> {
        let ty = self.type_name(pair)?;
        if matches!(ty.value, Type::Optional(_)) {
            let message = "only a param can be left out";
            self.error(Diagnostic::error(codes::TYPE_MISMATCH, ty.span, message).help("leave out the `?`"));
        }
        Some(ty)
    }

    fn simple_type(&mut self, pair: Pair<'_, Rule>) -> Option<Type> {
        let span = self.span(&pair);
        let mut parts = pair.into_inner();
        let word = parts.next()?;
        let range = match parts.next() {
            Some(range) => Some(self.range(range)?),
            None => None,
        };
        #[expect(clippy::cast_possible_truncation, reason = "bounds of an int are written as whole numbers")]
        let ty = match word.as_str() {
            "int" => return Some(Type::Int(range.map(|(low, high)| (low as i64, high as i64)))),
            "float" => return Some(Type::Float(range)),
            "bool" => Type::Bool,
            "string" => Type::String,
            "regex" => Type::Regex,
            "duration" => Type::Duration,
            "money" => Type::Money,
            _ => Type::Map,
        };
        if range.is_some() {
            let message = format!("`{}` takes no range", word.as_str());
            self.error(
                Diagnostic::error(codes::TYPE_MISMATCH, span, message).help("only `int` and `float` do"),
            );
        }
        Some(ty)
    }

    /// The two bounds of a `range` or `clamp` pair.
    fn range(&mut self, pair: Pair<'_, Rule>) -> Option<(f64, f64)> {
        let span = self.span(&pair);
        let [low, high] = <[_; 2]>::try_from(children(pair)).ok()?;
        let (low, high) = (self.bound(&low)?, self.bound(&high)?);
        if low > high {
            let message = format!("this range is empty: {low} is above {high}");
            self.error(
                Diagnostic::error(codes::BAD_VALUE, span, message).help("write the lower bound first"),
            );
        }
        Some((low, high))
    }

    fn let_item(&mut self, pair: Pair<'_, Rule>) -> Option<Let> {
        let [name, value] = <[_; 2]>::try_from(children(pair)).ok()?;
        Some(Let { name: self.name(&name), value: self.expr(value)? })
    }

    fn function(&mut self, pair: Pair<'_, Rule>) -> Option<Function> {
        let mut parts = children(pair).into_iter().peekable();
        let name = self.name(&parts.next()?);
        let mut args = Vec::new();
        while let Some(arg) = parts.next_if(|part| part.as_rule() == Rule::script_arg) {
            let [arg, ty] = <[_; 2]>::try_from(children(arg)).ok()?;
            args.push((self.name(&arg), self.whole_type(ty)?));
        }
        let result = self.whole_type(parts.next()?)?;
        Some(Function { name, args, result, body: self.expr(parts.next()?)? })
    }

    fn score(&mut self, pair: Pair<'_, Rule>) -> Option<Score> {
        let mut parts = children(pair).into_iter();
        let mut score = Score { name: self.name(&parts.next()?), terms: Vec::new(), clamp: None };
        for part in parts {
            if part.as_rule() == Rule::clamp {
                score.clamp = self.range(part);
            } else {
                let mut exprs = self.exprs(part).into_iter();
                score.terms.push(Term { weight: exprs.next()?, condition: exprs.next() });
            }
        }
        Some(score)
    }

    fn script(&mut self, pair: Pair<'_, Rule>) -> Option<Script> {
        let mut parts = children(pair).into_iter().peekable();
        let name = self.name(&parts.next()?);
        let mut args = Vec::new();
        while let Some(arg) = parts.next_if(|part| part.as_rule() == Rule::script_arg) {
            let [arg, ty] = <[_; 2]>::try_from(children(arg)).ok()?;
            args.push((self.name(&arg), self.whole_type(ty)?));
        }
        let result = self.whole_type(parts.next()?)?;
        let body = parts.next()?;
        let body = if body.as_rule() == Rule::string {
            ScriptBody::File(self.string(&body))
        } else {
            let mut inline = self.name(&body);
            inline.value = inline.value.trim_matches('"').to_owned();
            inline.span.start += 3;
            inline.span.end -= 3;
            ScriptBody::Inline(inline)
        };
        Some(Script { name, args, result, body })
    }

    fn rule(&mut self, pair: Pair<'_, Rule>) -> Option<crate::ast::Rule> {
        let mut parts = children(pair).into_iter();
        let mut rule = crate::ast::Rule {
            name: self.name(&parts.next()?),
            phases: Vec::new(),
            buffered: None,
            unless: None,
            when: None,
            action: None,
            effect: None,
            code: None,
            message: None,
            severity: None,
            tags: Vec::new(),
        };
        for part in parts {
            let span = self.span(&part);
            match part.as_rule() {
                Rule::phase if part.as_str() == "request" => {
                    rule.phases.push(Spanned::new(Phase::Request, span))
                }
                Rule::phase => rule.phases.push(Spanned::new(Phase::Response, span)),
                Rule::buffered => rule.buffered = Some(span),
                Rule::unless => rule.unless = Some(self.exprs(part).pop()?),
                _ => self.clause(part.into_inner().next()?, &mut rule)?,
            }
        }
        Some(rule)
    }

    fn clause(&mut self, pair: Pair<'_, Rule>, rule: &mut crate::ast::Rule) -> Option<()> {
        let keyword = pair.as_str().split_whitespace().next().unwrap_or_default().to_owned();
        let span = self.span(&pair);
        let twice = match pair.as_rule() {
            Rule::when => rule.when.replace(self.exprs(pair).pop()?).is_some(),
            Rule::route => {
                let effect = Effect::To(self.exprs(pair).pop()?);
                rule.effect.replace(effect).is_some() || rule.action.is_some()
            }
            Rule::exclude => {
                let [target, condition] = <[_; 2]>::try_from(children(pair)).ok()?;
                let effect = Effect::Exclude { target: self.name(&target), condition: self.expr(condition)? };
                rule.effect.replace(effect).is_some() || rule.action.is_some()
            }
            Rule::reserve => {
                let effect = Effect::Reserve(Box::new(self.reserve(pair)?));
                rule.effect.replace(effect).is_some() || rule.action.is_some()
            }
            Rule::action => {
                let mut exprs = self.exprs(pair).into_iter();
                let action = Action { verdict: exprs.next()?, with: exprs.next() };
                rule.action.replace(action).is_some() || rule.effect.is_some()
            }
            Rule::code => rule.code.replace(self.only_string(pair)?).is_some(),
            Rule::message => rule.message.replace(self.only_string(pair)?).is_some(),
            Rule::severity => rule.severity.replace(self.name(children(pair).first()?)).is_some(),
            _ => {
                let tags = self.values(children(pair).pop()?);
                !std::mem::replace(&mut rule.tags, tags).is_empty()
            }
        };
        if twice {
            let message = format!("rule `{}` has two `{keyword}` clauses", rule.name.value);
            self.error(Diagnostic::error(codes::DUPLICATE, span, message).help("keep one"));
        }
        Some(())
    }
}

/// Any literal of a type, for a default that cannot be read.
fn some_literal(ty: &Type) -> Option<Literal> {
    Some(match ty {
        Type::Bool => Literal::Bool(false),
        Type::Int(range) => Literal::Int(range.map_or(0, |(low, _)| low)),
        Type::Float(range) => Literal::Float(range.map_or(0.0, |(low, _)| low)),
        Type::Duration => Literal::Duration(0),
        Type::Money => Literal::Money(0),
        Type::String => Literal::Str(String::new()),
        Type::Enum(words) => Literal::Word(words.first()?.value.clone()),
        Type::Map | Type::MapOf(_) => Literal::Map(Vec::new()),
        Type::List(_) => Literal::List(Vec::new()),
        Type::Regex | Type::Record(_) | Type::Optional(_) => return None,
    })
}
