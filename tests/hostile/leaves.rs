//! Coverage: a secret in every place of a request that can hold a string, one after the other, for every endpoint. It is
//! redacted there, or the request is refused; it never reaches a provider.

use serde_json::{Value, json};
use tests::form::{completion, vectors};
use tests::requests;
use tests::{Form, Provider, Script, Setup};

use crate::watch::start;

const SECRET: &str = "ann@example.com";

/// A step into a document.
#[derive(Clone, Debug)]
enum Step {
    Key(String),
    Item(usize),
}

/// Every place of a document: its leaves, its objects and its lists.
fn places(value: &Value, path: &mut Vec<Step>, all: &mut Vec<Vec<Step>>) {
    all.push(path.clone());
    let children: Vec<(Step, &Value)> = match value {
        Value::Array(items) => items.iter().enumerate().map(|(at, item)| (Step::Item(at), item)).collect(),
        Value::Object(fields) => fields.iter().map(|(key, item)| (Step::Key(key.clone()), item)).collect(),
        _ => Vec::new(),
    };
    for (step, child) in children {
        path.push(step);
        places(child, path, all);
        path.pop();
    }
}

fn at<'v>(document: &'v mut Value, path: &[Step]) -> &'v mut Value {
    path.iter().fold(document, |value, step| match step {
        Step::Key(key) => &mut value[key.as_str()],
        Step::Item(at) => &mut value[*at],
    })
}

/// The document with the secret in that place: as what stands there, within it, or as the name of a field.
fn variants(document: &Value, path: &[Step]) -> Vec<Value> {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut changed = document.clone();
        change(at(&mut changed, path));
        changed
    };
    let mut all = Vec::new();
    if !path.is_empty() {
        all.push(with(&|place| *place = json!(format!("to {SECRET}!"))));
        all.push(with(&|place| *place = json!([SECRET])));
        all.push(with(&|place| *place = json!({"text": SECRET})));
    }
    let mut look = document.clone();
    match at(&mut look, path) {
        Value::Object(_) => {
            all.push(with(&|place| place[SECRET] = json!(1)));
            all.push(with(&|place| place["extra"] = json!({"deep": [SECRET]})));
        }
        Value::Array(_) => all.push(with(&|place| place.as_array_mut().unwrap().push(json!(SECRET)))),
        _ => {}
    }
    all
}

/// Whether the place is the model, a name that goes as it is: the audit log and the provider's bill have it.
fn is_model(path: &[Step]) -> bool {
    matches!(path, [Step::Key(key)] if key == "model")
}

#[test]
fn a_secret_in_any_place_of_any_request_is_redacted_or_refused() {
    let provider = Provider::always(Script::default());
    let gateway = start(&Setup::guarded(&provider));
    let (mut redacted, mut refused) = (0, 0);
    for (path, document, answer) in [
        ("/v1/chat/completions", requests::chat(), Form::Chat.whole("ok")),
        ("/v1/completions", requests::completions(), completion(&["ok", "ok"])),
        ("/v1/embeddings", requests::embeddings(), vectors(2)),
        ("/v1/responses", requests::responses(), Form::Response.whole("ok")),
    ] {
        provider.now(Script::json(&answer));
        let plain = gateway.call(path, &document);
        assert_eq!(plain.status, 200, "{path} without the secret: {}", plain.body);
        assert_eq!(provider.last().json()["model"], "m");
        let mut all = Vec::new();
        places(&document, &mut Vec::new(), &mut all);
        assert!(all.len() > 10, "{path}");
        for place in all {
            for request in variants(&document, &place) {
                provider.forget();
                let reply = gateway.call(path, &request);
                let sent = provider.seen();
                match (reply.status, sent.as_slice()) {
                    (400, []) => refused += 1,
                    (200, [seen]) if is_model(&place) => drop(seen.json()),
                    // The provider's answer may not fit a request that asks for another number of texts.
                    (200 | 502, [seen]) => {
                        let sent = String::from_utf8(seen.body.clone()).unwrap();
                        assert!(!sent.contains("ann@"), "{path} {place:?}: {sent}");
                        assert!(sent.contains("[EMAIL]"), "{path} {place:?}: lost from {sent}");
                        redacted += 1;
                    }
                    (status, sent) => {
                        panic!("{path} {place:?}: {status}, {} sent: {}", sent.len(), reply.body)
                    }
                }
            }
        }
    }
    assert!(redacted > 1500 && refused > 50, "{redacted} redacted, {refused} refused");
    gateway.stop();
}
