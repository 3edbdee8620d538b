//! Scripts in rhai: pure, typed at the border, compiled at load, every limit explicit.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rhai::packages::{BasicArrayPackage, BasicMathPackage, CorePackage, MoreStringPackage, Package as _};
use rhai::{AST, Dynamic, Engine, Scope};

use crate::value::{Type, Value};

/// Operations that one call may take. A tenth of a millisecond or so; past it the policy's `on_error` decides.
const MAX_OPERATIONS: u64 = 20_000;
/// How deeply functions of a script may call each other. rhai's own default differs between build profiles.
const MAX_CALL_LEVELS: usize = 16;
/// How deeply expressions may nest, outside and inside functions.
const MAX_EXPR_DEPTHS: (usize, usize) = (32, 32);
/// The longest string that a script may make, in bytes.
const MAX_STRING: usize = 64 << 10;
/// The longest array that a script may make.
const MAX_ARRAY: usize = 1024;
/// The largest map that a script may make.
const MAX_MAP: usize = 256;
/// How many variables and functions a script may declare.
const MAX_NAMES: usize = 64;

/// A script, compiled.
pub struct Script {
    /// Its name in the rule file.
    pub name: Arc<str>,
    /// Its arguments' names.
    pub args: Vec<Arc<str>>,
    /// The type of its result.
    pub result: Type,
    /// Its text.
    pub text: Arc<str>,
    engine: Engine,
    ast: AST,
    cost: Arc<Cost>,
}

/// What the calls of a script have cost so far: the one thing of a program that traffic changes.
#[derive(Debug, Default)]
struct Cost {
    calls: AtomicU64,
    operations: AtomicU64,
}

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Script")
            .field("name", &self.name)
            .field("result", &self.result)
            .finish_non_exhaustive()
    }
}

/// Why a script gave no value. The text names the script's line and never quotes the exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptFailure {
    /// The script's name.
    pub script: Arc<str>,
    /// What went wrong, with the line.
    pub cause: String,
}

/// A place in a script's text that cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptFault {
    /// A sentence.
    pub message: String,
    /// Line and column in characters, from 1, when known.
    pub place: Option<(usize, usize)>,
}

impl ScriptFault {
    /// The character that it is about, as bytes of the script's text; nothing at its end.
    pub fn range(&self, text: &str) -> Option<Range<usize>> {
        let (line, column) = self.place?;
        let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let rest = text.get(before..).unwrap_or_default();
        let (at, letter) = rest.char_indices().nth(column.saturating_sub(1)).unwrap_or((rest.len(), ' '));
        let end = (before + at + letter.len_utf8()).min(text.len());
        Some(before + at..end)
    }
}

/// An engine for one script: no files, no clock, no `eval`, no printing.
fn engine() -> Engine {
    let mut engine = Engine::new_raw();
    engine.register_global_module(CorePackage::new().as_shared_module());
    engine.register_global_module(BasicMathPackage::new().as_shared_module());
    engine.register_global_module(BasicArrayPackage::new().as_shared_module());
    engine.register_global_module(MoreStringPackage::new().as_shared_module());
    engine
        .set_max_operations(MAX_OPERATIONS)
        .set_max_call_levels(MAX_CALL_LEVELS)
        .set_max_expr_depths(MAX_EXPR_DEPTHS.0, MAX_EXPR_DEPTHS.1)
        .set_max_string_size(MAX_STRING)
        .set_max_array_size(MAX_ARRAY)
        .set_max_map_size(MAX_MAP)
        .set_max_variables(MAX_NAMES)
        .set_max_functions(MAX_NAMES)
        .set_strict_variables(true)
        .set_fail_on_invalid_map_property(true)
        .disable_symbol("eval")
        .disable_symbol("print")
        .disable_symbol("debug")
        .on_print(|_| {})
        .on_debug(|_, _, _| {});
    engine
}

impl Script {
    /// The script of a text. Its value is the value of the text's last expression, with the arguments as variables.
    pub fn compile(name: &str, args: &[Arc<str>], result: Type, text: &str) -> Result<Script, ScriptFault> {
        let (mut engine, cost) = (engine(), Arc::new(Cost::default()));
        let counted = Arc::clone(&cost);
        engine.on_progress(move |_| {
            counted.operations.fetch_add(1, Ordering::Relaxed);
            None
        });
        let mut scope = Scope::new();
        for arg in args {
            scope.push_dynamic(arg.to_string(), Dynamic::UNIT);
        }
        let ast = engine.compile_with_scope(&scope, text).map_err(|error| {
            let at = error.position();
            ScriptFault { message: error.err_type().to_string(), place: at.line().zip(at.position()) }
        })?;
        let (name, args, text) = (Arc::from(name), args.to_vec(), Arc::from(text));
        Ok(Script { name, args, result, text, engine, ast, cost })
    }

    /// How often it was called by traffic, and how many operations that took.
    pub fn cost(&self) -> (u64, u64) {
        (self.cost.calls.load(Ordering::Relaxed), self.cost.operations.load(Ordering::Relaxed))
    }

    /// The script's value for those arguments.
    pub fn call(&self, args: &[Value]) -> Result<Value, ScriptFailure> {
        self.cost.calls.fetch_add(1, Ordering::Relaxed);
        self.call_in(&self.engine, args)
    }

    /// The same, with the number of operations that this call took. Telling it from others takes an engine of its own, so
    /// this is for people who ask and not for traffic.
    pub fn call_counted(&self, args: &[Value]) -> (Result<Value, ScriptFailure>, u64) {
        let operations = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&operations);
        let mut engine = engine();
        engine.on_progress(move |count| {
            counter.store(count, Ordering::Relaxed);
            None
        });
        (self.call_in(&engine, args), operations.load(Ordering::Relaxed))
    }

    fn call_in(&self, engine: &Engine, args: &[Value]) -> Result<Value, ScriptFailure> {
        let mut scope = Scope::new();
        for (name, value) in self.args.iter().zip(args) {
            scope.push_dynamic(name.to_string(), to_dynamic(value));
        }
        let failure = |cause| ScriptFailure { script: Arc::clone(&self.name), cause };
        let result: Dynamic =
            engine.eval_ast_with_scope(&mut scope, &self.ast).map_err(|error| failure(cause(&error)))?;
        from_dynamic(&result, &self.result).ok_or_else(|| {
            failure(format!("it gave a {} that is not the declared {}", result.type_name(), self.result))
        })
    }
}

/// The kind of failure and its line. rhai's own text may quote values of the exchange, so it is not passed on.
fn cause(error: &rhai::EvalAltResult) -> String {
    use rhai::EvalAltResult as E;
    let what = match error.unwrap_inner() {
        E::ErrorTooManyOperations(_) => format!("it took more than {MAX_OPERATIONS} operations"),
        E::ErrorStackOverflow(_) => format!("its functions nest past {MAX_CALL_LEVELS} calls"),
        E::ErrorDataTooLarge(..) | E::ErrorTooManyVariables(_) => {
            "it made a value past the size limits".into()
        }
        E::ErrorRuntime(..) => "it threw an error".into(),
        E::ErrorFunctionNotFound(name, _) => {
            format!("there is no function `{}`", name.split('(').next().unwrap_or_default().trim())
        }
        E::ErrorVariableNotFound(name, _) => format!("there is no variable `{name}`"),
        E::ErrorArithmetic(..) => "its arithmetic overflows or divides by zero".into(),
        E::ErrorArrayBounds(..) | E::ErrorStringBounds(..) | E::ErrorIndexNotFound(..) => {
            "an index is out of bounds".into()
        }
        _ => "it failed".into(),
    };
    match error.position().line() {
        Some(line) => format!("{what} (line {line})"),
        None => what,
    }
}

fn to_dynamic(value: &Value) -> Dynamic {
    match value {
        Value::Bool(value) => Dynamic::from_bool(*value),
        Value::Int(value) => Dynamic::from_int(*value),
        Value::Float(value) => Dynamic::from_float(*value),
        // rhai has no units: seconds, and dollars.
        #[expect(clippy::cast_precision_loss, reason = "no duration of a policy is that long")]
        Value::Duration(millis) => Dynamic::from_float(*millis as f64 / 1e3),
        #[expect(clippy::cast_precision_loss, reason = "no price of a policy is that high")]
        Value::Money(micros) => Dynamic::from_float(*micros as f64 / 1e6),
        Value::Str(value) | Value::Regex(value) => Dynamic::from(value.to_string()),
        Value::List(items) => Dynamic::from_array(items.iter().map(to_dynamic).collect()),
        Value::Map(pairs) => {
            let pairs =
                pairs.iter().map(|(key, value)| (key.as_ref().into(), Dynamic::from(value.to_string())));
            Dynamic::from_map(pairs.collect())
        }
        Value::Table(entries) => {
            let entries = entries.iter().map(|(key, value)| (key.as_ref().into(), to_dynamic(value)));
            Dynamic::from_map(entries.collect())
        }
        Value::Absent => Dynamic::UNIT,
    }
}

fn from_dynamic(value: &Dynamic, ty: &Type) -> Option<Value> {
    match ty {
        Type::Bool => value.as_bool().ok().map(Value::Bool),
        Type::Int => value.as_int().ok().map(Value::Int),
        #[expect(clippy::cast_precision_loss, reason = "a whole number where a float is declared")]
        Type::Float => {
            let number = value.as_float().or_else(|_| value.as_int().map(|int| int as f64)).ok()?;
            number.is_finite().then_some(Value::Float(number))
        }
        Type::Str => value.clone().into_immutable_string().ok().map(|text| Value::Str(text.as_str().into())),
        Type::Enum(choices) => {
            let text = value.clone().into_immutable_string().ok()?;
            choices
                .iter()
                .find(|choice| ***choice == *text.as_str())
                .map(|choice| Value::Str(Arc::clone(choice)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(text: &str, result: Type) -> Script {
        Script::compile("tier", &["user".into()], result, text).unwrap()
    }

    fn run(text: &str, result: Type) -> Result<Value, ScriptFailure> {
        script(text, result).call(&[Value::Str("ann".into())])
    }

    #[test]
    fn a_script_gives_its_declared_type() {
        let tiers = Type::choices(&["gold", "free"]);
        let text = r#"if user == "ann" { "gold" } else { "free" }"#;
        assert_eq!(run(text, tiers.clone()), Ok(Value::Str("gold".into())));
        assert!(run(r#""silver""#, tiers).unwrap_err().cause.contains("not the declared"));
        assert_eq!(run("user.len() * 2", Type::Int), Ok(Value::Int(6)));
    }

    #[test]
    fn what_calls_cost_is_added_up() {
        let script = script("let n = 0; for i in 0..10 { n += i; } n", Type::Int);
        let user = [Value::Str("u".into())];
        script.call(&user).unwrap();
        let (calls, once) = script.cost();
        assert!(calls == 1 && once >= 10, "{once}");
        script.call_counted(&user).0.unwrap();
        script.call(&user).unwrap();
        assert_eq!(script.cost(), (2, 2 * once), "a call for people is not traffic");
    }

    #[test]
    fn operations_are_counted_where_asked() {
        let few = script("1", Type::Int).call_counted(&[Value::Str("ann".into())]);
        let many = script("let n = 0; for i in 0..100 { n += i; } n", Type::Int)
            .call_counted(&[Value::Str("ann".into())]);
        assert_eq!((few.0, many.0), (Ok(Value::Int(1)), Ok(Value::Int(4950))));
        assert!(many.1 > 100 && few.1 < many.1, "{} {}", few.1, many.1);
    }

    #[test]
    fn limits_hold_and_name_the_line() {
        let failure = run("let n = 0;\nloop { n += 1; }", Type::Int).unwrap_err();
        assert!(failure.cause.contains("operations (line 2)"), "{}", failure.cause);
        assert!(run("fn f(n) { f(n + 1) } f(0)", Type::Int).is_err());
        assert!(run(r#"let s = "x"; loop { s += s; }"#, Type::Str).is_err());
    }

    #[test]
    fn nothing_outside_can_be_reached() {
        let refused = |text| Script::compile("x", &[], Type::Int, text).is_err();
        assert!(refused(r#"eval("1")"#) && refused(r#"print("x")"#) && refused("unknown_variable"));
    }
}
