//! Rules over plain values, of six shapes, in each engine's own language.

use std::str::FromStr as _;
use std::sync::Arc;

use cedar_policy::{Authorizer, Context, Decision, Entities, EntityUid, PolicySet, Request};
use engine::{Program, Session, input};
use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::RegoVM;
use vrl::compiler::runtime::Runtime;
use vrl::compiler::state::ExternalEnv;
use vrl::compiler::{CompileConfig, TargetValue, TimeZone, compile_with_external};
use vrl::value::{Kind, Secrets, Value};

use crate::compare::Peer;
use crate::search;

/// What a rule asks.
enum Shape {
    Model(String),
    MaxTokens(i64),
    User([String; 3]),
    Path(String),
    Team(String),
    Prompt(i64),
}

fn shapes(count: usize) -> Vec<Shape> {
    let shape = |i: usize| {
        let number = i as i64;
        match i % 6 {
            0 => Shape::Model(format!("model-{i}")),
            1 => Shape::MaxTokens(5000 + number),
            2 => Shape::User([i, i + 1000, i + 2000].map(|user| format!("user-{user}"))),
            3 => Shape::Path(format!("/v{i}/")),
            4 => Shape::Team(format!("team-{i}")),
            _ => Shape::Prompt(if i < 12 { 10 } else { 1000 + number }),
        }
    };
    (0..count).map(shape).collect()
}

/// All engines, kt first.
pub fn peers(count: usize) -> Vec<Peer<()>> {
    let rules = shapes(count);
    let policy = rego(&rules);
    vec![
        kt(&rules),
        vrl(&rules),
        cel(&rules),
        rhai(&rules),
        cedar(&rules),
        regorus_vm(&policy),
        regorus(&policy),
    ]
}

const MODEL: &str = "gpt-4o";
const USER: &str = "user-7";
const TEAM: &str = "search";
const PATH: &str = "/chat/completions";

/// The request, for engines that take a document.
fn values() -> serde_json::Value {
    serde_json::json!({
        "model": MODEL, "user": USER, "team": TEAM, "path": PATH, "region": "eu", "key": "web", "stream": false,
        "max_tokens": 256, "prompt_tokens": 40, "now": 1_700_000_000
    })
}

/// The rule that decides about the request, which is the first that holds.
fn first(program: &Arc<Program>, request: &input::Request<'_>) -> Option<usize> {
    let step = Session::new(Arc::clone(program), || 0).request(request);
    step.decision.rule.and_then(|rule| rule[1..].parse().ok())
}

fn kt(rules: &[Shape]) -> Peer<()> {
    let line = |(i, rule): (usize, &Shape)| {
        let condition = match rule {
            Shape::Model(name) => format!("model == \"{name}\""),
            Shape::MaxTokens(most) => format!("(max_tokens ?? 0) > {most}"),
            Shape::User(users) => format!("(user.id ?? \"\") in {users:?}"),
            Shape::Path(path) => format!("(header(\"x-path\") ?? \"\") starts with \"{path}\""),
            Shape::Team(team) => format!("stream and (header(\"x-team\") ?? \"\") == \"{team}\""),
            Shape::Prompt(least) => format!("tokens.prompt >= {least}"),
        };
        format!("rule r{i} on request {{ when {condition} do flag }}\n")
    };
    let lines: Vec<String> = rules.iter().enumerate().map(line).collect();
    let program = |lines: &[String]| search::program(&format!("policy bench\n{}", lines.concat()));
    let request = input::Request {
        model: MODEL,
        max_tokens: Some(256),
        user_id: Some(USER),
        key_name: Some("web"),
        headers: vec![("x-team", TEAM), ("x-path", PATH), ("x-region", "eu")],
        prompt_tokens: 40,
        ..input::Request::default()
    };
    // A decision names the first of the rules that hold. So each is asked by itself once, and together they are timed.
    let alone = |i: &usize| first(&program(&lines[*i..=*i]), &request).is_some();
    let holding: Vec<usize> = (0..lines.len()).filter(alone).collect();
    Peer::new(
        "kt",
        || program(&lines),
        move |program, ()| {
            assert_eq!(first(program, &request), holding.first().copied());
            holding.clone()
        },
    )
}

/// One program that gives a list of what each rule says. The types of the fields are told, or each would have to be asserted.
fn vrl(rules: &[Shape]) -> Peer<()> {
    let source = |rule: &Shape| match rule {
        Shape::Model(name) => format!(".model == \"{name}\""),
        Shape::MaxTokens(most) => format!(".max_tokens > {most}"),
        Shape::User(users) => format!("includes({users:?}, .user)"),
        Shape::Path(path) => format!("starts_with(.path, \"{path}\")"),
        Shape::Team(team) => format!(".stream && .team == \"{team}\""),
        Shape::Prompt(least) => format!(".prompt_tokens >= {least}"),
    };
    let list = format!("[{}]", rules.iter().map(source).collect::<Vec<String>>().join(", "));
    let values = Value::from(values());
    let types = ExternalEnv::new_with_kind(Kind::from(&values), Kind::any());
    let compile = || {
        let compiled = compile_with_external(&list, &vrl::stdlib::all(), &types, CompileConfig::default());
        compiled.expect("it compiles").program
    };
    let mut runtime = Runtime::default();
    Peer::new("vrl", compile, move |program, ()| {
        runtime.clear();
        let (metadata, secrets) = (Value::Null, Secrets::default());
        let mut target = TargetValue { value: values.clone(), metadata, secrets };
        let hits = runtime.resolve(&mut target, program, &TimeZone::default()).expect("it runs");
        let hits = hits.as_array().expect("a list").iter().enumerate();
        hits.filter(|(_, holds)| holds.as_boolean() == Some(true)).map(|(i, _)| i).collect()
    })
}

fn cel(rules: &[Shape]) -> Peer<()> {
    let source = |rule: &Shape| match rule {
        Shape::Model(name) => format!("model == \"{name}\""),
        Shape::MaxTokens(most) => format!("max_tokens > {most}"),
        Shape::User(users) => format!("user in {users:?}"),
        Shape::Path(path) => format!("path.startsWith(\"{path}\")"),
        Shape::Team(team) => format!("stream && team == \"{team}\""),
        Shape::Prompt(least) => format!("prompt_tokens >= {least}"),
    };
    let sources: Vec<String> = rules.iter().map(source).collect();
    let compile = || -> Vec<cel::Program> {
        sources.iter().map(|source| cel::Program::compile(source).expect("it compiles")).collect()
    };
    Peer::new("cel", compile, |programs, ()| {
        let mut context = cel::Context::default();
        context.add_variable_from_value("model", MODEL);
        context.add_variable_from_value("user", USER);
        context.add_variable_from_value("team", TEAM);
        context.add_variable_from_value("path", PATH);
        context.add_variable_from_value("stream", false);
        context.add_variable_from_value("max_tokens", 256_i64);
        context.add_variable_from_value("prompt_tokens", 40_i64);
        let holds = |program: &cel::Program| matches!(program.execute(&context), Ok(cel::Value::Bool(true)));
        programs.iter().enumerate().filter(|(_, program)| holds(program)).map(|(i, _)| i).collect()
    })
}

fn rego(rules: &[Shape]) -> String {
    let mut text = String::from("package bench\nimport rego.v1\n");
    for (i, rule) in rules.iter().enumerate() {
        let condition = match rule {
            Shape::Model(name) => format!("input.model == \"{name}\""),
            Shape::MaxTokens(most) => format!("input.max_tokens > {most}"),
            Shape::User(users) => format!("input.user in {users:?}"),
            Shape::Path(path) => format!("startswith(input.path, \"{path}\")"),
            Shape::Team(team) => format!("input.stream\n  input.team == \"{team}\""),
            Shape::Prompt(least) => format!("input.prompt_tokens >= {least}"),
        };
        text += &format!("hits contains {i} if {{\n  {condition}\n}}\n");
    }
    text
}

const HITS: &str = "data.bench.hits";

/// Rego that is ready to be asked.
fn prepared(policy: &str) -> (regorus::Engine, regorus::CompiledPolicy) {
    let mut engine = regorus::Engine::new();
    engine.add_policy("bench.rego".into(), policy.into()).expect("it is parsed");
    let compiled = engine.compile_with_entrypoint(&HITS.into()).expect("it compiles");
    (engine, compiled)
}

/// The numbers in a set of Rego.
fn numbers(hits: &regorus::Value) -> Vec<usize> {
    let numbers = hits.as_set().expect("a set").iter();
    numbers.map(|number| number.as_u64().expect("a number") as usize).collect()
}

fn regorus(policy: &str) -> Peer<()> {
    let input = regorus::Value::from(values());
    Peer::new(
        "regorus, its interpreter",
        || prepared(policy).0,
        move |engine, ()| {
            engine.set_input(input.clone());
            numbers(&engine.eval_rule(HITS.into()).expect("it can be asked"))
        },
    )
}

fn regorus_vm(policy: &str) -> Peer<()> {
    let input = regorus::Value::from(values());
    let compile = || {
        let program = Compiler::compile_from_policy(&prepared(policy).1, &[HITS]).expect("it compiles");
        let mut machine = RegoVM::new();
        machine.load_program(program);
        machine
    };
    Peer::new("regorus, its virtual machine", compile, move |machine, ()| {
        machine.set_input(input.clone());
        numbers(&machine.execute().expect("it runs"))
    })
}

fn rhai(rules: &[Shape]) -> Peer<()> {
    let source = |rule: &Shape| match rule {
        Shape::Model(name) => format!("model == \"{name}\""),
        Shape::MaxTokens(most) => format!("max_tokens > {most}"),
        Shape::User(users) => format!("user in {users:?}"),
        Shape::Path(path) => format!("path.starts_with(\"{path}\")"),
        Shape::Team(team) => format!("stream && team == \"{team}\""),
        Shape::Prompt(least) => format!("prompt_tokens >= {least}"),
    };
    let sources: Vec<String> = rules.iter().map(source).collect();
    let compile = || {
        let engine = rhai::Engine::new();
        let compiled = |source| engine.compile_expression(source).expect("it compiles");
        let programs: Vec<rhai::AST> = sources.iter().map(compiled).collect();
        (engine, programs)
    };
    Peer::new("rhai", compile, |(engine, programs), ()| {
        let mut scope = rhai::Scope::new();
        scope.push_constant("model", MODEL).push_constant("user", USER);
        scope.push_constant("team", TEAM).push_constant("path", PATH);
        scope.push_constant("stream", false).push_constant("max_tokens", 256_i64);
        scope.push_constant("prompt_tokens", 40_i64);
        let mut holds =
            |program: &rhai::AST| engine.eval_ast_with_scope::<bool>(&mut scope, program).expect("it runs");
        (0..programs.len()).filter(|i| holds(&programs[*i])).collect()
    })
}

fn cedar(rules: &[Shape]) -> Peer<()> {
    let mut text = String::new();
    for rule in rules {
        let condition = match rule {
            Shape::Model(name) => format!("context.model == \"{name}\""),
            Shape::MaxTokens(most) => format!("context.max_tokens > {most}"),
            Shape::User(users) => format!("{users:?}.contains(context.user)"),
            Shape::Path(path) => format!("context.path like \"{path}*\""),
            Shape::Team(team) => format!("context.stream && context.team == \"{team}\""),
            Shape::Prompt(least) => format!("context.prompt_tokens >= {least}"),
        };
        text += &format!("forbid(principal, action, resource) when {{ {condition} }};\n");
    }
    let (authorizer, entities) = (Authorizer::new(), Entities::empty());
    let context = Context::from_json_value(values(), None).expect("a context");
    let uid = |text: &str| EntityUid::from_str(text).expect("a name");
    let (user, action, resource) = (uid("User::\"u\""), uid("Action::\"ask\""), uid("Model::\"m\""));
    Peer::new(
        "cedar-policy",
        || PolicySet::from_str(&text).expect("it compiles"),
        move |policies, ()| {
            let request = Request::new(user.clone(), action.clone(), resource.clone(), context.clone(), None);
            let response = authorizer.is_authorized(&request.expect("a request"), policies, &entities);
            assert_eq!(response.decision(), Decision::Deny);
            let number =
                |id: &cedar_policy::PolicyId| id.to_string().trim_start_matches("policy").parse().ok();
            search::sorted(response.diagnostics().reason().filter_map(number))
        },
    )
}
