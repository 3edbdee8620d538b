//! The shipped models: they are the files that their provenance tells of, and score as the trainer does.

use engine::Library as _;
use engine::model::Model;
use gateway::packs::Shelf;
use serde_json::Value;

use crate::root;

fn told(file: &str) -> Value {
    let text = std::fs::read_to_string(root().join("models").join(file)).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn model(name: &str) -> Model {
    let bytes = Shelf.model("policies/any.ktr", name).unwrap();
    Model::read(name, &bytes).unwrap()
}

#[test]
fn they_are_what_their_provenance_says() {
    let provenance = told("provenance.json");
    let mut size = 0;
    for name in Shelf.models() {
        let model = model(&name);
        let of = &provenance["models"][&name];
        assert_eq!(of["sha256"], model.digest(), "{name}: train/train.py writes both");
        size += of["bytes"].as_u64().unwrap();
        let sets = of["sets"].as_object().unwrap();
        assert!(!sets.is_empty());
        for (set, told) in sets {
            let licence = told["licence"].as_str().unwrap();
            assert!(!licence.to_lowercase().contains("unknown"), "{name}: {set} is of {licence}");
        }
    }
    assert!(size < 600_000, "{size} bytes");
}

#[test]
fn they_score_as_the_trainer_does() {
    let mut compared = 0;
    for (name, vectors) in told("vectors.json").as_object().unwrap() {
        let model = model(name);
        for vector in vectors.as_array().unwrap() {
            let text = vector["text"].as_str().unwrap();
            let shown = engine::matcher::View::Folded.apply(text);
            let parts = vector["parts"].as_f64().unwrap();
            assert!((model.score(&shown) * 65536.0 - parts).abs() < 1e-9, "{name}: {parts} for {text:?}");
            compared += 1;
        }
    }
    assert!(compared > 80, "only {compared} texts were compared");
}
